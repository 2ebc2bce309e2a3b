"""What each film adds to some sums, and figures of these sums with intervals by patient. Knows nothing about models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxr.evaluation.intervals import RESAMPLES, Figure, bootstrap_all
from cxr.evaluation.tables import write_cell, write_head

Sums = Mapping[str, float]


@dataclass(frozen=True)
class Tallies:
    """Films from which others can be drawn again. rows: films x len(names) float, what a film adds to each sum."""

    patients: np.ndarray
    rows: np.ndarray
    names: tuple[str, ...]

    def take(self, films: np.ndarray) -> "Tallies":
        """The same for some films, by index; a film may come more than once."""
        return Tallies(self.patients[films], self.rows[films], self.names)

    def sum_up(self) -> dict[str, float]:
        """The sums over all films, by name."""
        return dict(zip(self.names, self.rows.sum(0).tolist(), strict=True))


def tally(patients: Sequence[str], rows: Sequence[Sums]) -> Tallies:
    """What each film adds, under the same names for all; at least one film."""
    names = tuple(rows[0])
    return Tallies(np.array(patients), np.array([[float(row[name]) for name in names] for row in rows]), names)


def measure_sums(
    tallies: Tallies, measure: Callable[[Sums], dict[str, float]], resamples: int = RESAMPLES
) -> dict[str, Figure]:
    """The figures that `measure` makes of the sums, with 95 % intervals by patient."""
    return bootstrap_all(tallies, lambda drawn: measure(drawn.sum_up()), resamples)


def subtract(values: Mapping[str, float], ours: str) -> dict[str, float]:
    """The same values and, for each but ours, by how much ours is above it: "above ..."."""
    return {**values, **{f"above {name}": values[ours] - value for name, value in values.items() if name != ours}}


def write_rows(figures: Mapping[str, Figure]) -> list[str]:
    """A row of a Markdown table for each figure; differences with their sign."""
    return [f"| {name} | {write_cell(figure, name.startswith('above '))} |" for name, figure in figures.items()]


def write_section(
    heading: str, words: str, rows: Sequence[str], head: Sequence[str] = ("measure", "value [95 %]")
) -> str:
    """A heading, a sentence and a table."""
    lines = [write_head(head), *rows]
    return "\n".join([f"## {heading}", "", words, "", *lines])
