"""The gate's table, and what it is measured on: other pictures than those that were fitted on."""

import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from cxr.evaluation import gate as module
from cxr.evaluation.films import DRAWN_SEED, list_films
from cxr.evaluation.gate import (
    EXPECTED,
    READ,
    Judged,
    is_right,
    judge,
    judge_drawn,
    judge_pairs,
    judge_spoilt,
    judge_strangers,
    main,
    measure_share,
    write_table,
)
from cxr.evaluation.spoilt import CUTS, WAYS, cut, draw_lateral, spoil
from cxr.evaluation.strangers import KINDS, draw_stranger, is_fitted, open_strangers
from cxr.films.film import Film, to_image
from cxr.films.phantom import draw_film
from cxr.films.phantom.sets import KEPT
from cxr.results import Gate, Reason
from cxr.training import gate as fitting
from cxr.training import looks
from tests.fakes import fake_reader
from tests.films.test_gate import FILMS

REFUSED = Gate((Reason("turned", True, "Turned.", "Turn it.", "turn right"),))
OPEN = Gate()
PAIRS = "two films in one picture"


def write_data(folder: Path) -> Path:
    """A folder of films as the command takes it: four drawn films, and as many strangers."""
    (folder / "films").mkdir()
    (folder / "not_chest").mkdir()
    lines = ["file,source,patient_id,view,sex,age,labels,split"]
    for number, (film, split) in enumerate(zip(FILMS, ("train", "val", "test", "test"), strict=False)):
        to_image(film).save(folder / "films" / f"{number}.png")
        lines.append(f"{number}.png,hannover_covid19,{number},PA,,,,{split}")
        to_image(draw_stranger("slice", DRAWN_SEED + number)).save(folder / "not_chest" / f"{number}.png")
    (folder / "films.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_the_table_has_a_row_a_group_with_intervals() -> None:
    judged = [Judged("a source", str(number % 7), REFUSED if number < 3 else OPEN) for number in range(40)]
    judged += [Judged("turned to the left", str(number), REFUSED) for number in range(10)]
    rows = write_table(judged, resamples=50).splitlines()
    assert len(rows) == 4 and rows[2].startswith("| a source | 40 | 0.075 [0.0") and rows[2].endswith("| - |")
    assert "| 1.000 [0.692, 1.000] | 0.000 | 1.000 [0.692, 1.000] |" in rows[3]


@pytest.mark.parametrize("mark", [False, True])
def test_where_all_are_alike_the_interval_is_exact(mark: bool) -> None:
    """Of 72 patients, an event of 5 % is missed in one case of forty."""
    judged = [Judged("a", str(number), OPEN) for number in range(72)]
    figure = measure_share(judged, [mark] * 72)
    assert figure.value == float(mark) and figure.high - figure.low == pytest.approx(0.05, abs=0.001)


def test_a_reason_is_right_only_with_what_mends_it() -> None:
    assert is_right(Judged("turned to the left", "1", REFUSED))
    assert not is_right(Judged("turned to the right", "1", REFUSED)) and not is_right(Judged("cropped", "1", OPEN))
    assert {*EXPECTED, *READ} == {*WAYS, "lateral", PAIRS}


def test_each_file_is_fitted_on_or_measured_on_and_never_both(tmp_path: Path) -> None:
    folder = write_data(tmp_path) / "not_chest"
    (folder / "letter.txt").write_text("Dear doctor")
    both = [len(list(open_strangers(folder, fitted))) for fitted in (True, False)]
    assert sum(both) == 4
    assert 400 < sum(is_fitted(f"{number}.jpg") for number in range(1000)) < 600


def test_no_drawn_picture_is_fitted_on_that_is_measured_on() -> None:
    last = max(
        looks.FIRST_SEED + max(looks.DRAWN, looks.LATERALS, looks.OF_A_KIND),
        fitting.FIRST_SEED + max(fitting.DRAWN, fitting.OF_A_KIND),
    )
    assert last < KEPT == DRAWN_SEED


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_one_stranger(kind: str) -> None:
    one, again, other = (draw_stranger(kind, seed).pixels for seed in (5, 5, 6))
    assert np.array_equal(one, again) and (one.shape != other.shape or not np.array_equal(one, other))
    assert one.dtype == np.float32 and 0 <= one.min() < one.max() <= 1 and one.std() > 0.01


@pytest.mark.parametrize("way", WAYS)
def test_a_film_is_spoilt_in_the_same_way_by_the_same_seed(way: str) -> None:
    film = Film(FILMS[0].pixels, "PA", ("Something.",))
    one, again = spoil(film, way, 3), spoil(film, way, 3)
    assert np.array_equal(one.pixels, again.pixels) and one.warnings == film.warnings
    assert one.pixels.shape != film.pixels.shape or not np.array_equal(one.pixels, film.pixels)
    assert one.pixels.dtype == np.float32 and one.pixels.flags.c_contiguous and one.pixels.min() >= 0


def test_a_cut_leaves_the_other_side() -> None:
    pixels = np.arange(100, dtype=np.float32).reshape(10, 10)
    left = [cut(pixels, look, 0.4) for look in CUTS]
    assert [part.shape for part in left] == [(6, 10), (6, 10), (10, 6), (10, 6), (6, 6)]
    assert [part[0, 0] for part in left] == [40, 0, 4, 0, 22]


def test_side_views_face_both_ways_and_say_nothing_of_it() -> None:
    drawn = draw_film(10_000_001, size=256, view="lateral").film.pixels
    assert np.array_equal(draw_lateral(10_000_001).pixels, drawn[:, ::-1]) and draw_lateral(10_000_001).view is None


def test_refused_or_not_the_gate_is_told() -> None:
    reader = fake_reader(gated=True)
    assert judge(reader, FILMS[0]) == Gate() and judge(reader, draw_stranger("page", DRAWN_SEED)).refused


def test_every_group_is_judged(tmp_path: Path) -> None:
    folder, reader = write_data(tmp_path), fake_reader(gated=True)
    films = list_films(folder, "test")
    rows = {one.row for one in judge_spoilt(reader, films[:1], 1)}
    assert rows == {*EXPECTED, *READ} - {PAIRS}
    assert [one.row for one in judge_pairs(reader, films)] == [PAIRS] * len(films)
    assert {one.row for one in judge_strangers(reader, folder / "not_chest", 1)} == {"not_chest", *KINDS}
    assert [one.row for one in judge_drawn(reader, 2)] == ["drawn films"] * 2


def test_the_command_measures_films_that_were_not_fitted_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load_reader", lambda settings: fake_reader(gated=True))
    said = StringIO()
    monkeypatch.setattr(sys, "stdout", said)
    main(["--films", str(write_data(tmp_path)), "--strangers", "2", "--spoilt", "1"])
    rows = {row.split(" | ")[0].strip("| "): row for row in said.getvalue().splitlines() if row.startswith("|")}
    assert rows["hannover_covid19"].split(" | ")[1] == "3"  # one of the four is a training film
    assert {"hannover_covid19", "drawn films", *KINDS, *EXPECTED} <= set(rows)
