"""A figure and its 95 % interval, from drawing patients again with replacement.

Films of one patient resemble each other, so patients are drawn and not films. Source: Efron and Tibshirani, An
Introduction to the Bootstrap, 1993 (percentile interval). Knows nothing about what is measured.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import numpy as np

RESAMPLES = 1000
FEWEST = 5  # films with a finding, and without it, below which one film more or less turns its figures


class Sample(Protocol):
    """Results film by film, from which films can be drawn again."""

    @property
    def patients(self) -> np.ndarray:
        """Whose each film is."""
        ...

    def take(self, films: np.ndarray) -> Self:
        """The same for some films, by index; a film may come more than once."""
        ...


AnySample = TypeVar("AnySample", bound=Sample)


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval; NaN where it cannot be had."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Pair(Generic[AnySample]):
    """What two readers said of the same films in the same order; a draw takes the same films of both."""

    base: AnySample
    adapter: AnySample

    @property
    def patients(self) -> np.ndarray:
        """Whose each film is."""
        return self.base.patients

    def take(self, films: np.ndarray) -> "Pair[AnySample]":
        """The same for some films, by index; a film may come more than once."""
        return Pair(self.base.take(films), self.adapter.take(films))


@dataclass(frozen=True)
class Several(Generic[AnySample]):
    """What several models, or one, said of the same films in the same order; a figure is the mean of theirs."""

    parts: tuple[AnySample, ...]

    @property
    def patients(self) -> np.ndarray:
        """Whose each film is."""
        return self.parts[0].patients

    def take(self, films: np.ndarray) -> "Several[AnySample]":
        """The same for some films, by index; a film may come more than once."""
        return Several(tuple(part.take(films) for part in self.parts))


def measure_mean(several: Several[AnySample], measure: Callable[[AnySample], Mapping[str, float]]) -> dict[str, float]:
    """The mean over the models of each figure."""
    values = [measure(part) for part in several.parts]
    return {name: float(np.mean([value[name] for value in values])) for name in values[0]}


def bootstrap(
    sample: AnySample, measure: Callable[[AnySample], float], resamples: int = RESAMPLES, seed: int = 0
) -> Figure:
    """A measure with its 95 % percentile interval, drawing patients with replacement."""
    return bootstrap_all(sample, lambda drawn: {"": measure(drawn)}, resamples, seed)[""]


def bootstrap_all(
    sample: AnySample,
    measure: Callable[[AnySample], Mapping[str, float]],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Figure]:
    """Many measures by name, all from the same draws; a draw in which one cannot be had does not count for it."""
    draws = [measure(sample.take(films)) for films in draw_films(sample.patients, resamples, seed)]
    return {
        name: Figure(value, *span([draw[name] for draw in draws if name in draw]))
        for name, value in measure(sample).items()
    }


def draw_films(patients: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Indexes of the films of as many patients as there are, drawn with replacement, `resamples` times."""
    rng = np.random.default_rng(seed)
    _, inverse = np.unique(patients, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    films = np.split(order, np.cumsum(np.bincount(inverse))[:-1])
    for _ in range(resamples):
        yield np.concatenate([films[i] for i in rng.integers(len(films), size=len(films))])


def span(values: list[float]) -> tuple[float, float]:
    """The middle 95 % of the values that are numbers; NaN without any."""
    known = [value for value in values if not math.isnan(value)]
    low, high = np.quantile(known, [0.025, 0.975]) if known else (math.nan, math.nan)
    return float(low), float(high)


def compare(
    measure: Callable[[AnySample], Mapping[str, float]],
) -> Callable[[Pair[AnySample]], dict[str, float]]:
    """The same measures of both readers and of their difference, as "base/...", "adapter/..." and "difference/..."."""

    def measure_both(pair: Pair[AnySample]) -> dict[str, float]:
        base, adapter = measure(pair.base), measure(pair.adapter)
        return (
            {f"base/{name}": value for name, value in base.items()}
            | {f"adapter/{name}": value for name, value in adapter.items()}
            | {f"difference/{name}": adapter[name] - base[name] for name in adapter if name in base}
        )

    return measure_both
