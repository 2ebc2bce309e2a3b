"""Whether 70 % means 70 of 100: expected calibration error, Brier score and the curve behind them.

All known pairs of film and finding are pooled. Knows nothing about models or how a calibration is fitted.
"""

import math

import numpy as np

from cxr.evaluation.classification import Outcome
from cxr.model.calibration import Calibration

BINS = 15  # of equal width, as in Guo et al., On Calibration of Modern Neural Networks, ICML 2017


def apply_calibration(outcome: Outcome, calibration: Calibration) -> Outcome:
    """The same with calibrated probabilities, by the very function that serves."""
    probabilities = [
        [calibration.score(key, float(p)).probability for key, p in zip(outcome.keys, row, strict=True)]
        for row in outcome.probabilities
    ]
    return Outcome(np.array(probabilities), outcome.truth, outcome.patients, outcome.keys)


def pool(outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and truth (0 or 1) of all known pairs of film and finding."""
    known = outcome.truth >= 0
    return outcome.probabilities[known], outcome.truth[known].astype(float)


def bin_pairs(probabilities: np.ndarray, truth: np.ndarray, bins: int = BINS) -> np.ndarray:
    """bins x 3: how many pairs fall into each bin, their mean probability and their share with the finding.

    Bin i holds i/bins < p <= (i+1)/bins, the first also 0. Means of an empty bin are 0.
    """
    places = np.clip(np.ceil(probabilities * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    sums = [np.bincount(places, values, minlength=bins) for values in (probabilities, truth)]
    return np.stack([counts, *(total / np.maximum(counts, 1) for total in sums)], axis=1)


def measure_ece(outcome: Outcome) -> float:
    """Expected calibration error: mean over pairs of |mean probability - share with the finding| of their bin."""
    probabilities, truth = pool(outcome)
    counts, said, true = bin_pairs(probabilities, truth).T
    return float((counts * np.abs(said - true)).sum() / counts.sum()) if len(truth) else math.nan


def measure_brier(outcome: Outcome) -> float:
    """Brier score: mean over pairs of (probability - truth) squared."""
    probabilities, truth = pool(outcome)
    return float(((probabilities - truth) ** 2).mean()) if len(truth) else math.nan
