"""From where on a finding is present, and below where it is absent: one rule for all findings.

Present where it is more likely than not and at most one film in twenty without it scores as high. Absent where so low a
probability is expected to miss at most a tenth of the films that have it, and more where less than 60 % of all pairs of
film and finding would be decided: the same share for every finding, and no more than that takes. What is expected comes
from the calibrated probabilities of all films, since the few that have a rare finding would place the point by chance.
"""

from collections.abc import Mapping

import numpy as np

SPECIFICITY = 0.95
LIKELY = 0.5  # nothing is called present below it: of a rare finding most of what scores highest is still without it
MISSED, MOST_MISSED, STEP = 0.10, 0.50, 0.01  # expected share of the films with a finding that is called absent
DECIDED = 0.60  # of all pairs of film and finding; on films that are not these half of them is asked for

Told = tuple[np.ndarray, np.ndarray]  # calibrated probabilities in 0..1 and truth (0 or 1) of one finding, film by film
Points = tuple[float, float]  # present from, absent below


def choose_points(findings: Mapping[int, Told]) -> dict[int, Points]:
    """The operating points of every finding."""
    for missed in np.arange(MISSED, MOST_MISSED + STEP / 2, STEP):
        points = {key: place_points(*told, missed) for key, told in findings.items()}
        decided = [is_decided(told[0], points[key]) for key, told in findings.items()]
        if np.concatenate(decided).mean() >= DECIDED:
            break
    return points


def place_points(probabilities: np.ndarray, truth: np.ndarray, missed: float = MISSED) -> Points:
    """The points of one finding; `missed`: the expected share of the films with it that may be called absent."""
    present_from = float(np.quantile(probabilities[truth == 0], SPECIFICITY))
    ordered = np.sort(probabilities)
    expected = np.cumsum(ordered) / ordered.sum()
    absent_below = float(ordered[min(int(np.searchsorted(expected, missed, side="right")), len(ordered) - 1)])
    if absent_below > present_from:  # a finding told apart so well needs no band between
        present_from = absent_below = max((present_from + absent_below) / 2, LIKELY)
    return max(present_from, LIKELY), absent_below


def is_decided(probabilities: np.ndarray, points: Points) -> np.ndarray:
    """Which of some films are called present or absent."""
    present_from, absent_below = points
    return (probabilities >= present_from) | (probabilities < absent_below)
