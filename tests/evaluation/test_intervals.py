"""Draws take whole patients, the same for both readers."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from cxr.evaluation.intervals import Figure, Pair, bootstrap, bootstrap_all, compare, draw_films, span


@dataclass(frozen=True)
class Numbers:
    """A sample whose measure is its mean."""

    values: np.ndarray
    patients: np.ndarray

    def take(self, films: np.ndarray) -> "Numbers":
        return Numbers(self.values[films], self.patients[films])


def make(values: list[float], patients: str) -> Numbers:
    return Numbers(np.array(values), np.array(list(patients)))


def mean(sample: Numbers) -> float:
    return float(sample.values.mean())


def test_a_draw_holds_all_films_of_as_many_patients_as_there_are() -> None:
    patients = np.array(["b", "a", "b", "c", "a", "b"])
    whole = {"a": (1, 4), "b": (0, 2, 5), "c": (3,)}
    sizes = set()
    for films in draw_films(patients, 200, seed=1):
        counts = {name: np.isin(films, places).sum() / len(places) for name, places in whole.items()}
        assert all(float(count).is_integer() for count in counts.values()) and sum(counts.values()) == 3
        for places in whole.values():
            assert len({int((films == place).sum()) for place in places}) == 1
        sizes.add(len(films))
    assert sizes >= {3, 9}  # thrice c, thrice b


def test_one_patient_gives_no_width() -> None:
    assert bootstrap(make([1, 2, 6], "aaa"), mean, 20) == Figure(3, 3, 3)


def test_many_measures_share_the_draws_of_one() -> None:
    sample = make([1, 2, 6, 8], "abcd")
    both = bootstrap_all(sample, lambda s: {"mean": mean(s), "twice": 2 * mean(s)}, 100, seed=3)
    assert both["mean"] == bootstrap(sample, mean, 100, seed=3)
    assert both["twice"].low == pytest.approx(2 * both["mean"].low)


def test_the_difference_of_readers_that_move_together_is_narrow() -> None:
    values = [0.0, 10, 3, 7, 25, 1]
    pair = Pair(make(values, "abcdef"), make([value + 1 for value in values], "abcdef"))
    figures = bootstrap_all(pair, compare(lambda s: {"mean": mean(s)}), 100)
    assert set(figures) == {"base/mean", "adapter/mean", "difference/mean"}
    assert figures["difference/mean"].value == pytest.approx(1) == figures["difference/mean"].low
    assert figures["base/mean"].high - figures["base/mean"].low > 5
    assert figures["adapter/mean"].low == pytest.approx(figures["base/mean"].low + 1)


def test_the_middle_95_percent_leaves_out_what_is_no_number() -> None:
    assert span([*np.arange(101.0).tolist(), math.nan]) == (2.5, 97.5)
    assert all(map(math.isnan, span([math.nan, math.nan]))) and all(map(math.isnan, span([])))
