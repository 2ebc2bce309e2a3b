"""Drawn films: orientation by anatomy, truth and masks, the same film from the same seed."""

import dataclasses
import json
from functools import lru_cache
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from cxr.films.film import View
from cxr.films.phantom import DrawnFilm, draw_film
from cxr.films.phantom.drawing import aim_film
from cxr.films.phantom.geometry import Plane
from cxr.films.phantom.patient import draw_patient
from cxr.films.phantom.sets import EXAMPLES, write_examples
from cxr.findings import FINDINGS
from cxr.results import Observation, Size
from cxr.statements import read_statements

SIZE = 192  # px; enough for every sign and fast
SIDED = [finding.key for finding in FINDINGS if finding.sided]
KEYS = [finding.key for finding in FINDINGS]
GOLDEN = (
    (6, 13, 29, 42, 44, 27, 13, 6),
    (21, 45, 31, 53, 48, 31, 45, 20),
    (40, 48, 28, 66, 55, 28, 51, 38),
    (28, 43, 33, 71, 64, 31, 49, 26),
    (19, 43, 49, 86, 86, 75, 70, 14),
    (18, 44, 52, 90, 96, 95, 74, 9),
    (14, 64, 84, 92, 87, 79, 63, 9),
    (12, 67, 87, 93, 90, 82, 56, 7),
)  # of seed 2024


@lru_cache(maxsize=32)
def draw(seed: int, *observations: Observation, view: View = "PA") -> DrawnFilm:
    return draw_film(seed, size=SIZE, view=view, sex="M", age=50, observations=observations)


def change(seed: int, *observations: Observation, view: View = "PA") -> tuple[np.ndarray, DrawnFilm]:
    """The absolute difference a finding makes to the same patient's film, and the film with it."""
    drawn = draw(seed, *observations, view=view)
    return np.abs(drawn.film.pixels - draw(seed, view=view).film.pixels), drawn


# --- orientation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["PA", "AP"])
def test_the_apex_of_the_heart_is_on_the_right_of_the_picture(view: View) -> None:
    for seed in range(4):
        mask = draw(seed, Observation("cardiomegaly", size="moderate"), view=view).masks["cardiomegaly"]
        rows, columns = np.nonzero(mask)
        low = rows > np.quantile(rows, 0.7)
        assert columns.mean() > SIZE / 2
        assert columns[low].max() - SIZE / 2 > 1.3 * (SIZE / 2 - columns[low].min())


def test_the_stomach_bubble_lies_under_the_dome_on_the_right_of_the_picture() -> None:
    """Below its dome the side with the stomach holds gas; the other holds liver."""
    darker = []
    for seed in range(12):
        patient = draw_patient(seed, "PA", "M", 50)
        plane, film = aim_film(patient, SIZE), draw(seed).film.pixels
        below = [_sample(film, plane, sign, patient.dome[number]) for number, sign in enumerate((-1, 1))]
        darker.append(np.quantile(below[1], 0.2) < np.quantile(below[0], 0.2) - 0.02)
    assert np.mean(darker) > 0.8


def _sample(film: np.ndarray, plane: Plane, sign: int, dome: float) -> np.ndarray:
    """Greys 1.5 to 5 cm below the top of a dome, 4 to 8 cm from the middle; sign 1 is the right of the picture."""
    x, y = np.meshgrid(sign * np.linspace(4, 8, 30), dome + np.linspace(1.5, 5, 30))
    column, row = plane.to_pixels(x, y)
    return film[row.astype(int), column.astype(int)]


def test_the_right_dome_is_the_higher_one() -> None:
    """Between the heights of the two domes there is liver on the left of the picture and lung on its right."""
    brighter = []
    for seed in range(12):
        patient = draw_patient(seed, "PA", "M", 50)
        plane, film = aim_film(patient, SIZE), draw(seed).film.pixels
        height = patient.dome[0] - 1.0
        right, left = (_sample(film, plane, sign, height).mean() for sign in (-1, 1))
        brighter.append(right > left)
    assert np.mean(brighter) > 0.8


@pytest.mark.parametrize("key", SIDED)
@pytest.mark.parametrize("view", ["PA", "AP"])
def test_left_is_on_the_right_of_the_picture(key: str, view: View) -> None:
    for side, sign in (("left", 1), ("right", -1)):
        drawn = draw(3, Observation(key, side=side), view=view)  # type: ignore[arg-type]
        columns = np.nonzero(drawn.masks[key])[1]
        assert drawn.observations[0].side == side
        assert np.mean(sign * (columns - SIZE / 2) > 0) > 0.9


@pytest.mark.parametrize("key", SIDED)
def test_both_sides_have_their_share(key: str) -> None:
    columns = np.nonzero(draw(5, Observation(key, side="both")).masks[key])[1]
    assert 0.1 < np.mean(columns < SIZE / 2) < 0.9


# --- findings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("view", ["PA", "lateral"])
def test_a_finding_shows_where_its_mask_says(key: str, view: View) -> None:
    for seed in (1, 2):
        for size in get_args(Size):
            difference, drawn = change(seed, Observation(key, size=size), view=view)
            mask = drawn.masks[key]
            assert mask.dtype == bool and mask.shape == (SIZE, SIZE) and mask.any()
            assert difference[mask].mean() > 0.018, (seed, size)
            assert difference[mask].mean() > 3 * difference[~mask].mean(), (seed, size)


@pytest.mark.parametrize("key", KEYS)
def test_a_larger_finding_changes_the_film_more(key: str) -> None:
    total = {
        size: sum(change(seed, Observation(key, side="left", size=size))[0].sum() for seed in range(4))
        for size in get_args(Size)
    }
    assert total["small"] < total["moderate"] < total["large"]


def test_a_zone_is_where_the_mask_lies() -> None:
    for key in ("nodule", "mass", "consolidation", "pneumonia", "infiltration", "pleural_thickening"):
        rows = [
            np.nonzero(draw(4, Observation(key, "right", zone, "small")).masks[key])[0].mean()
            for zone in ("upper", "mid", "lower")
        ]
        assert rows[0] < rows[1] < rows[2], key


def test_air_darkens_and_fluid_brightens() -> None:
    for key, sign in (
        ("pneumothorax", -1),
        ("emphysema", -1),
        ("effusion", 1),
        ("edema", 1),
        ("consolidation", 1),
        ("mass", 1),
    ):
        drawn, mask = draw(6, Observation(key, size="large")), draw(6, Observation(key, size="large")).masks[key]
        assert sign * (drawn.film.pixels - draw(6).film.pixels)[mask].mean() > 0.03, key


def test_an_enlarged_heart_is_wider_than_half_the_chest() -> None:
    for seed in range(4):
        heart = draw(seed, Observation("cardiomegaly", size="small")).masks["cardiomegaly"]
        lungs = draw(seed, Observation("emphysema", size="small")).masks["emphysema"]  # as wide as the chest inside
        assert np.ptp(np.nonzero(heart)[1]) / np.ptp(np.nonzero(lungs)[1]) > 0.52


def test_a_nodule_is_under_3_cm_and_a_mass_over() -> None:
    pixel = 40 / SIZE  # cm at the widest field
    nodule = draw(2, Observation("nodule", size="large")).masks["nodule"]
    mass = draw(2, Observation("mass", size="small")).masks["mass"]
    assert np.ptp(np.nonzero(nodule)[0]) * 35 / SIZE < 3.0 < (np.ptp(np.nonzero(mass)[0]) + 1) * pixel


# --- pixels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [128, 333, 1024])
@pytest.mark.parametrize("view", get_args(View))
def test_pixels_are_grey_levels(size: int, view: View) -> None:
    pixels = draw_film(8, size=size, view=view).film.pixels
    assert pixels.shape == (size, size) and pixels.dtype == np.float32
    assert np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1
    assert pixels.std() > 0.15


@pytest.mark.parametrize("size", [127, 1025])
def test_a_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="128 to 1024"):
        draw_film(1, size=size)


def coarse(drawn: DrawnFilm) -> np.ndarray:
    """8 x 8 means of the film."""
    return np.asarray(Image.fromarray(drawn.film.pixels).resize((8, 8), Image.Resampling.BOX))


def test_the_same_seed_gives_the_same_film() -> None:
    first, again = draw_film(17, size=SIZE), draw_film(17, size=SIZE)
    assert np.array_equal(first.film.pixels, again.film.pixels) and np.array_equal(first.lungs, again.lungs)
    assert dataclasses.replace(first, film=again.film, masks=again.masks, lungs=again.lungs) == again
    assert not np.allclose(coarse(first), coarse(draw_film(18, size=SIZE)), atol=0.02)


def test_the_same_seed_gives_the_same_patient_at_every_size() -> None:
    small, large = draw_film(21, size=256, observations=()), draw_film(21, size=512, observations=())
    assert np.abs(coarse(small) - coarse(large)).mean() < 0.02


def test_the_gallery_is_written_with_its_truth(tmp_path: Path) -> None:
    write_examples(tmp_path)
    entries = json.loads((tmp_path / "drawn.json").read_text())
    assert len(entries) == len(EXAMPLES) == 8
    for entry in entries:
        file = tmp_path / entry["file"]
        with Image.open(file) as image:
            assert (image.mode, image.size) == ("L", (512, 512))
        assert file.stat().st_size < 250_000
        present = {each.observation for each in read_statements(entry["words"]) if each.present}
        assert present == {Observation(**item) for item in entry["truth"]}


def test_a_film_looks_as_it_did() -> None:
    """A golden thumbnail: greys of 8 x 8 fields in per cent, within 3; change it when the films change on purpose."""
    drawn = draw_film(
        2024, size=256, view="PA", sex="F", age=60, observations=(Observation("effusion", "left", None, "large"),)
    )
    assert np.abs(coarse(drawn) * 100 - np.array(GOLDEN)).max() < 3
