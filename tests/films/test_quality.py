from collections.abc import Callable

import numpy as np
import pytest

from cxr.evaluation.spoilt import spoil
from cxr.films.field import blacken_border
from cxr.films.film import Film
from cxr.films.open import open_film
from cxr.films.phantom import draw_film
from cxr.films.quality import (
    BLACK,
    LONG,
    PALE,
    SCREEN,
    SCREEN_PEAK,
    SMALL,
    SOFT,
    TINY,
    UNSHARP,
    WHITE,
    check_blank,
    check_quality,
    measure_grid,
    measure_sharpness,
)
from cxr.results import CxrError, Reason
from tests.data import DATA, needs_data

FILM = draw_film(10_000_001, view="PA").film.pixels


def sink(film: np.ndarray) -> np.ndarray:
    """Nearly all black, with white dots up to its edges, so that what is black is film."""
    dark = np.clip(film * 4 - 3.3, 0, 1)
    dark[::8, ::8] = 1
    return dark


@pytest.mark.parametrize("border", [0.0, 0.5, 1.0])
def test_a_border_is_no_part_of_a_film_that_is_hard_to_read(border: float) -> None:
    padded = blacken_border(np.pad(FILM, ((400, 400), (0, 0)), constant_values=border))
    assert list(check_quality(padded)) == []
    with pytest.raises(CxrError, match="blank"):
        check_blank(blacken_border(np.pad(FILM * 1e-3 + 0.4, 200, constant_values=border)))


def test_an_ordinary_film_is_not_warned_of() -> None:
    assert list(check_quality(FILM)) == [] and list(check_quality(FILM[:, 40:460])) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda film: 0.5 + film * 0.1, PALE),
        (lambda film: film[::5, ::5], SMALL),
        (lambda film: film[::10, ::10], TINY),
        (lambda film: np.concatenate([film] * 3), LONG),
        (lambda film: np.clip(film * 4, 0, 1), WHITE),
        (lambda film: sink(film), BLACK),
        (lambda film: spoil(Film(film), "photo of a screen", 3).pixels, SCREEN),
        (lambda film: spoil(Film(film), "unsharp", 3).pixels, SOFT),
    ],
)
def test_what_is_wrong_is_said(change: Callable[[np.ndarray], np.ndarray], reason: Reason) -> None:
    assert reason in list(check_quality(np.ascontiguousarray(change(FILM), dtype=np.float32)))


def test_a_blank_film_is_refused_and_nobody_can_overrule_it() -> None:
    with pytest.raises(CxrError, match="blank"):
        check_blank(FILM * 0 + 0.4)
    check_blank(FILM)


def test_a_grid_is_looked_for_on_the_smallest_pictures_without_harm() -> None:
    for side in (1, 8, 31, 40):
        assert measure_grid(FILM[:side, :64]) >= 0


def test_sharpness_does_not_hang_on_size_or_contrast() -> None:
    sharp = measure_sharpness(FILM)
    assert measure_sharpness(FILM[::2, ::2] * 0.5) == pytest.approx(sharp, rel=0.5) and sharp > UNSHARP
    assert measure_sharpness(spoil(Film(FILM), "unsharp", 1).pixels) < UNSHARP
    assert measure_sharpness(FILM[:2, :2]) == 1.0 and list(check_quality(FILM[:200, :200])) == []


@needs_data
def test_no_real_film_is_unsharp() -> None:
    films = sorted((DATA / "films").glob("*.jpg"))[::60]
    assert min(measure_sharpness(open_film(path).pixels) for path in films) > UNSHARP


@needs_data
def test_no_grid_is_seen_on_real_films() -> None:
    films = sorted((DATA / "films").glob("*.jpg"))[::60]
    assert max(measure_grid(open_film(path).pixels) for path in films) < SCREEN_PEAK
