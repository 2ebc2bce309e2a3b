"""Where the meant place of a map lies, in words, for whoever cannot see it. Knows nothing about models."""

from collections.abc import Iterable

import numpy as np

from cxr.results import Side

EDGE = 0.5  # of a finished map: from here on a place is meant
MOSTLY = 0.7  # of the place, from which one half or one third is named alone
NEARLY_ALL = 0.85  # from which two thirds are
HALVES = (
    "on the left of the picture, which is the patient's right",
    "on the right of the picture, which is the patient's left",
)
THIRDS = ("in the upper third", "in the middle third", "in the lower third")


def describe_place(values: np.ndarray) -> str:
    """Words for a map of 0..1 (H x W, the patient's left on the right), to stand after "mostly"; empty for none."""
    there = np.where(values >= EDGE, values, 0.0)
    if not there.any():
        return ""
    left, right = share_halves(there)
    upper, middle, lower = thirds = [float(part.sum() / there.sum()) for part in np.array_split(there, 3)]
    height = "from top to bottom"
    if max(thirds) >= MOSTLY:
        height = THIRDS[thirds.index(max(thirds))]
    elif upper + middle >= NEARLY_ALL:
        height = "in the upper two thirds"
    elif middle + lower >= NEARLY_ALL:
        height = "in the lower two thirds"
    if max(left, right) < MOSTLY:
        return f"{height}, on both sides of the middle"
    return f"{height}, {HALVES[left < right]}"


def share_halves(there: np.ndarray) -> tuple[float, float]:
    """How much of a map lies on the left and on the right of the picture; together 1."""
    left, right = (float(part.sum()) for part in np.array_split(there, 2, axis=1))
    return left / (left + right), right / (left + right)


def doubt_side(values: np.ndarray, sides: Iterable[Side | None]) -> tuple[str, ...]:
    """A sentence where a text names one side of the patient and most of the map lies on the other."""
    named = set(sides)
    there = np.where(values >= EDGE, values, 0.0)
    if len(named) != 1 or not there.any():
        return ()
    on_right, on_left = share_halves(there)  # the patient's
    for side, other, share in (("left", "right", on_right), ("right", "left", on_left)):
        if named == {side} and share >= MOSTLY:
            return (f"The sentence says {side}, but most of the map lies on the patient's {other}.",)
    return ()
