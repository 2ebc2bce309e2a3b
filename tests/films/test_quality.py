import csv
import random
import sys
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from cxr.films.film import Film
from cxr.films.open import open_film
from cxr.films.quality import (
    MEAN_FILM,
    SAY_BURNT_OUT,
    SAY_FLAT,
    SAY_INVERTED,
    SAY_LATERAL,
    SAY_LONG,
    SAY_SMALL,
    SAY_STRANGE,
    SAY_SUNK,
    SAY_TURNED,
    average_films,
    check_film,
    shrink_to_thumbnail,
)
from cxr.results import CxrError
from tests.data import DATA, needs_data


def make_film(height: int = 512, width: int = 512) -> np.ndarray:
    """The mean film enlarged, within 0.1..0.9."""
    grown = np.kron(MEAN_FILM, np.ones((height // 8, width // 8), np.float32))
    return (0.1 + 0.8 * (grown - grown.min()) / np.ptp(grown)).astype(np.float32)


def test_an_ordinary_film_is_not_warned_of() -> None:
    assert check_film(make_film()) == ()
    assert check_film(make_film(640, 512)) == ()


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("flat", lambda film: 0.5 + film * 0.1, SAY_FLAT),
        ("small", lambda film: film[::5, ::5], SAY_SMALL),
        ("long", lambda film: np.pad(film, ((0, 800), (0, 0))), SAY_LONG),
        ("burnt out", lambda film: np.clip(film * 2, 0, 1), SAY_BURNT_OUT),
        ("sunk", lambda film: np.clip(film * 4 - 3, 0, 1), SAY_SUNK),
        ("inverted", lambda film: 1 - film, SAY_INVERTED),
        ("turned left", lambda film: np.rot90(film), SAY_TURNED),
        ("turned right", lambda film: np.rot90(film, 3), SAY_TURNED),
        (
            "no chest",
            lambda film: np.add.outer(*[np.sin(np.linspace(0, 40, 512, dtype=np.float32)) / 4] * 2) + 0.5,
            SAY_STRANGE,
        ),
    ],
)
def test_what_is_wrong_is_said(name: str, change: Callable[[np.ndarray], np.ndarray], sentence: str) -> None:
    film = np.ascontiguousarray(change(make_film()), dtype=np.float32)
    assert sentence in check_film(film), name


def test_a_blank_film_is_refused() -> None:
    with pytest.raises(CxrError, match="blank"):
        check_film(make_film() * 0 + 0.4)


def test_a_side_view_is_called_so_and_not_held_against_frontal_films() -> None:
    assert check_film(np.ascontiguousarray(make_film()[:, ::-1] * 0.5), "lateral") == (SAY_LATERAL,)


# --- rates on real films ----------------------------------------------------------------------------------------------


def load_films(splits: Sequence[str], most: int = 10_000) -> list[tuple[str, Film]]:
    """(source, film) of real films in a fixed random order."""
    with (DATA / "films.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] in splits]
    random.Random(0).shuffle(rows)
    return [(row["source"], open_film(DATA / "films" / row["file"])) for row in rows[:most]]


def measure(films: Sequence[np.ndarray], sentences: Sequence[str] = ()) -> float:
    """The share of films that get one of the sentences, or any where none is given."""
    said = [check_film(np.ascontiguousarray(film)) for film in films]
    return sum(bool(set(each) & set(sentences)) if sentences else bool(each) for each in said) / len(said)


@needs_data
def test_few_of_a_hundred_real_films_are_warned_of_and_inverted_ones_are_caught() -> None:
    opened = [film for _, film in load_films(["val", "test"], 100)]
    films = [film.pixels for film in opened]
    assert np.mean([bool(film.warnings) for film in opened]) <= 0.03
    assert measure([1 - film for film in films], [SAY_INVERTED]) >= 0.9


@needs_data
@pytest.mark.slow
def test_rates_on_real_films_of_other_patients() -> None:
    opened = [film for _, film in load_films(["val", "test"])]
    films = [film.pixels for film in opened]
    strangers = [open_film(path).pixels for path in sorted((DATA / "not_chest").glob("*.jpg"))]
    rates = {
        "warned of, of real films": float(np.mean([bool(film.warnings) for film in opened])),
        "caught, of real films inverted": measure([1 - film for film in films], [SAY_INVERTED]),
        "caught, of real films turned left": measure([np.rot90(film) for film in films], [SAY_TURNED]),
        "caught, of real films turned right": measure([np.rot90(film, 3) for film in films], [SAY_TURNED]),
        "caught, of real films upside down": measure([film[::-1, ::-1] for film in films], [SAY_TURNED]),
        "warned of, of pictures of no chest": measure(strangers),
    }
    sys.stdout.write(f"\n{len(films)} films, {len(strangers)} others\n")
    sys.stdout.writelines(f"{name}: {rate:.3f}\n" for name, rate in rates.items())
    bounds = dict(zip(rates, (0.02, 0.98, 0.88, 0.88, 0.6, 0.5), strict=True))
    assert rates.pop("warned of, of real films") <= bounds.pop("warned of, of real films")
    assert all(rates[name] >= bounds[name] for name in rates), rates


@needs_data
@pytest.mark.slow
def test_the_mean_film_is_that_of_the_training_films() -> None:
    sources: dict[str, list[np.ndarray]] = {}
    for source, film in load_films(["train"]):
        sources.setdefault(source, []).append(shrink_to_thumbnail(film.pixels))
    assert np.abs(average_films(sources) - MEAN_FILM).max() <= 1
