"""How well a map points at what it is about: the pointing game and the overlap with a mask.

The pointing game: Zhang et al., Top-down neural attention by excitation backprop, ECCV 2016, without a margin.
Knows nothing about how maps are drawn.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxr.films.film import Film

SHARES = np.linspace(0.05, 0.95, 19)  # of a map's maximum, tried as the edge of what it points at
# From a film and findings to a map each, H x W of 0 and more.
Draw = Callable[["Place"], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Place:
    """One film and where findings lie on it: H x W bool each. `lungs`: where the lungs are, 0..1, known or a guess."""

    film: Film
    patient: str
    masks: Mapping[str, np.ndarray]
    lungs: np.ndarray


@dataclass(frozen=True)
class Marks:
    """What ways to draw maps reached, pair by pair of a film and a finding: a row a pair, a column a way."""

    patients: np.ndarray
    findings: np.ndarray
    hits: np.ndarray
    overlaps: np.ndarray

    def take(self, films: np.ndarray) -> "Marks":
        """The same for some pairs, by index; a pair may come more than once."""
        return Marks(self.patients[films], self.findings[films], self.hits[films], self.overlaps[films])


def measure_hit(values: np.ndarray, mask: np.ndarray) -> float:
    """Whether the maximum lies in the mask; of a map with many maxima, or none at all, the share of them that do."""
    return float(mask[values >= values.max()].mean())


def measure_overlap(values: np.ndarray, mask: np.ndarray, share: float) -> float:
    """Intersection over union of the mask and of where a map reaches that share of its maximum; 0 for an empty map."""
    top = float(values.max())
    if top <= 0:
        return 0.0
    there = values >= share * top
    return float((there & mask).sum() / (there | mask).sum())


def choose_share(draw: Draw, places: Iterable[Place]) -> tuple[float, float]:
    """The share of a map's maximum from which it overlaps masks best, and how well: the mean over all pairs."""
    tried = [
        [measure_overlap(values, place.masks[finding], share) for share in SHARES]
        for place in places
        for finding, values in draw(place).items()
    ]
    means = np.mean(tried, axis=0)
    return float(SHARES[means.argmax()]), float(means.max())


def collect_marks(ways: Sequence[tuple[Draw, float]], places: Iterable[Place]) -> Marks:
    """Every way, with the share of its maximum that was chosen for it before, on the same films."""
    rows = [row for place in places for row in _mark_film(ways, place)]
    patients, findings, hits, overlaps = zip(*rows, strict=True)
    return Marks(np.array(patients), np.array(findings), np.array(hits), np.array(overlaps))


def _mark_film(ways: Sequence[tuple[Draw, float]], place: Place) -> Iterator[tuple[str, str, list[float], list[float]]]:
    drawn = [(draw(place), share) for draw, share in ways]
    for finding, mask in place.masks.items():
        hits = [measure_hit(maps[finding], mask) for maps, _ in drawn]
        overlaps = [measure_overlap(maps[finding], mask, share) for maps, share in drawn]
        yield place.patient, finding, hits, overlaps
