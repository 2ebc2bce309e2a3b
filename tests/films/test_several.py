"""Two films in one picture are refused by name, however they lie; one film never is."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from cxr.evaluation.spoilt import draw_lateral
from cxr.films.field import blacken_border
from cxr.films.film import Film
from cxr.films.gate import SEVERAL, inspect_film
from cxr.films.open import open_film
from cxr.films.phantom import draw_film
from cxr.films.several import holds_several
from tests.data import DATA, needs_data

Array = np.ndarray
DRAWN = [draw_film(seed, size=256, view="PA").film.pixels for seed in range(10_000_200, 10_000_206)]


def join(one: Array, other: Array, gap: int = 0, value: float = 0.0, share: float = 1.0) -> Array:
    """Two films side by side, the other one `share` as high, on a ground of one value."""
    height = len(one)
    small = Image.fromarray(other).resize((round(other.shape[1] * share), round(height * share)))
    page = np.full((height, one.shape[1] + gap + small.width), value, np.float32)
    page[:, : one.shape[1]] = one
    page[height - small.height :, -small.width :] = np.asarray(small)
    return page


@pytest.mark.parametrize("gap", [0, 1, 20])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("share", [1.0, 0.7])
@pytest.mark.parametrize("stacked", [False, True])
def test_pairs_of_films_are_refused_by_name(gap: int, value: float, share: float, stacked: bool) -> None:
    found = 0
    for one, other in pairwise(DRAWN):
        page = join(one.T, other.T, gap, value, share).T if stacked else join(one, other, gap, value, share)
        seen = inspect_film(Film(blacken_border(np.ascontiguousarray(page))))
        found += seen.reasons[:1] == (SEVERAL,)
    assert found >= 4


def test_four_films_a_side_view_and_a_page_with_a_border_are_several() -> None:
    row = join(DRAWN[0], DRAWN[1], 8)
    assert holds_several(np.concatenate([row, join(DRAWN[2], DRAWN[3], 8)]))
    assert holds_several(join(DRAWN[0], draw_lateral(10_000_200).pixels, 8))
    assert holds_several(blacken_border(np.pad(row, 30, constant_values=1.0)))
    assert holds_several(np.ascontiguousarray(np.rot90(row)))


def test_one_film_is_one() -> None:
    for film in DRAWN:
        for one in (film, np.pad(film, 40), film[:, :140], film[120:], np.ascontiguousarray(np.rot90(film))):
            assert not holds_several(np.ascontiguousarray(one))
    assert not holds_several(draw_lateral(10_000_201).pixels) and not holds_several(np.zeros((3, 90), np.float32))


@needs_data
def test_no_real_film_is_several() -> None:
    paths = sorted((DATA / "films").glob("*.jpg"))[::40]
    assert not any(holds_several(open_film(path).pixels) for path in paths)


@needs_data
def test_pairs_of_real_films_are_several() -> None:
    films = [open_film(path).pixels for path in sorted((DATA / "films").glob("nih*.jpg"))[::90]]
    found = [holds_several(join(one, other)) for one, other in pairwise(films)]
    assert len(found) >= 10 and np.mean(found) >= 0.9
