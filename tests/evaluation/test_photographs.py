"""Photographs of films: any way up, seeded, and told like digital ones."""

import numpy as np
import pytest

from cxr.evaluation.films import list_films
from cxr.evaluation.gate import EXPECTED, Judged, is_right
from cxr.evaluation.photographs import photograph_film
from cxr.evaluation.spoilt import spoil
from cxr.films.gate import inspect_film
from cxr.films.open import open_film
from cxr.results import Gate
from tests.data import DATA, needs_data
from tests.films.test_gate import FILMS

TURNED = [way for way in EXPECTED if way.startswith("photographed")]


def test_a_photograph_is_seeded_and_shows_more_than_the_film() -> None:
    one, again, other = (photograph_film(FILMS[0].pixels, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not (one.shape == other.shape and np.array_equal(one, other))
    assert one.dtype == np.float32 and 0 <= one.min() < one.max() <= 1


@needs_data
@pytest.mark.parametrize("way", TURNED)
def test_photographs_of_real_films_are_turned_as_they_lie(way: str) -> None:
    films = list_films(DATA, "test")[::8]
    found = [inspect_film(spoil(open_film(film.path), way, number)).reasons for number, film in enumerate(films)]
    right = [is_right(Judged(way, "", Gate(reasons))) for reasons in found]
    assert len(films) > 40 and np.mean(right) >= 0.9
