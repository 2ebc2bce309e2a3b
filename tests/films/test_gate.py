"""What header and greys say: the reason that is right, and what is done about it."""

from dataclasses import replace

import numpy as np
import pytest

from cxr.evaluation.gate import EXPECTED
from cxr.evaluation.spoilt import WAYS, draw_lateral, spoil
from cxr.evaluation.strangers import KINDS, draw_stranger, open_strangers
from cxr.films.dicom_header import NOT_CHEST
from cxr.films.film import Film
from cxr.films.gate import LATERAL, STRANGERS, inspect_film, mend_film
from cxr.films.open import open_film
from cxr.films.phantom import draw_film
from tests.data import DATA, needs_data

FILMS = [draw_film(seed, size=256, view=("PA", "AP")[seed % 2]).film for seed in range(10_000_100, 10_000_106)]


def test_upright_frontal_films_give_no_reason() -> None:
    for film in FILMS:
        seen = inspect_film(film)
        assert seen.reasons == () and seen.doubt < -1


@pytest.mark.parametrize("way", sorted({*WAYS} & {*EXPECTED}))
def test_a_spoilt_film_gets_its_own_reason(way: str) -> None:
    name, mend = EXPECTED[way]
    found = [inspect_film(spoil(film, way, seed)).reasons for seed, film in enumerate(FILMS)]
    assert sum(any((each.name, each.mend) == (name, mend) for each in reasons) for reasons in found) >= 5


@pytest.mark.parametrize("way", ["turned to the left", "turned to the right", "upside down", "inverted"])
def test_what_is_proposed_makes_the_film_as_it_was(way: str) -> None:
    for seed, film in enumerate(FILMS):
        (reason, *_) = inspect_film(spoil(film, way, seed)).reasons
        assert reason.refuses and reason.mend
        assert np.abs(mend_film(spoil(film, way, seed), reason.mend).pixels - film.pixels).max() < 1e-6


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_film_that_is_turned_and_inverted_is_mended_in_two_steps(quarters: int) -> None:
    mended = 0
    for film in FILMS:
        came = replace(film, pixels=np.ascontiguousarray(1 - np.rot90(film.pixels, quarters)))
        for _ in range(2):
            mend = next((reason.mend for reason in inspect_film(came).reasons if reason.mend), None)
            came = mend_film(came, mend) if mend else came
        mended += came.pixels.shape == film.pixels.shape and np.abs(came.pixels - film.pixels).max() < 1e-6
    assert mended >= 5


def test_side_views_are_known_by_header_or_by_their_look() -> None:
    assert LATERAL in inspect_film(replace(FILMS[0], view="lateral")).reasons
    assert all(LATERAL in inspect_film(draw_lateral(seed)).reasons for seed in range(10_000_000, 10_000_006))


@pytest.mark.parametrize("kind", KINDS)
def test_most_strangers_are_doubted(kind: str) -> None:
    seen = [inspect_film(draw_stranger(kind, seed)) for seed in range(10_000_000, 10_000_010)]
    doubted = [each.doubt > 0 or any(reason.refuses for reason in each.reasons) for each in seen]
    assert sum(doubted) >= 7
    assert all(each.stranger in STRANGERS.values() for each in seen)


def test_a_header_that_says_otherwise_adds_doubt() -> None:
    told = inspect_film(replace(FILMS[0], warnings=(NOT_CHEST,)))
    assert told.doubt > inspect_film(FILMS[0]).doubt + 1 and told.reasons == ()
    page = draw_stranger("page", 10_000_000)  # whatever it looks like, the header knows what it is
    assert inspect_film(page).stranger == STRANGERS["not an X-ray"]
    assert inspect_film(replace(page, warnings=(NOT_CHEST,))).stranger == STRANGERS["not a chest"]


def test_every_reason_is_two_sentences_for_people() -> None:
    reasons = {reason for way in WAYS for reason in inspect_film(spoil(FILMS[0], way, 1)).reasons}
    for reason in {*reasons, LATERAL, *STRANGERS.values()}:
        assert reason.sentence.endswith(".") and reason.step.endswith(".") and len(reason.sentence) < 150


def test_a_film_can_be_mended_whatever_its_shape() -> None:
    film = Film(np.arange(6, dtype=np.float32).reshape(2, 3) / 6, "PA", ("Something.",))
    left = mend_film(film, "turn left")
    assert left.pixels.shape == (3, 2) and left.warnings == film.warnings and left.view == "PA"
    assert np.array_equal(mend_film(left, "turn right").pixels, film.pixels)


@needs_data
def test_real_films_and_strangers_are_told_apart() -> None:
    films = sorted((DATA / "films").glob("*.jpg"))[::100]
    found = [inspect_film(open_film(path)) for path in films]
    refused = [each.doubt > 0 or any(reason.refuses for reason in each.reasons) for each in found]
    assert sum(refused) <= 1
    strangers = [inspect_film(film).doubt > 0 for film in open_strangers(DATA / "not_chest", fitted=False)]
    assert sum(strangers) / len(strangers) >= 0.9


@needs_data
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nema_wg04_RG3_NOT_CHEST_distal_tibia_jpeg2000", "no chest"),
        ("rsna_sample_PA_jpegbaseline_MONOCHROME1_faked_tag", "inverted"),
        ("nema_wg04_RG1_chest_PA_jpeg2000_15bit_MONOCHROME1", None),
        ("nih_udacity_test1_no_finding_PA", None),
        ("nih_udacity_test2_cardiomegaly_AP", None),
        ("rsna_sample_PA_jpegbaseline_MONOCHROME2", None),
    ],
)
def test_real_dicom_films(name: str, reason: str | None) -> None:
    seen = inspect_film(open_film(DATA / "dicom" / f"{name}.dcm"))
    refused = [each.name for each in seen.reasons if each.refuses]
    assert refused == [reason] if reason == "inverted" else refused == [] and (seen.doubt > 0) == (reason is not None)
