"""Probabilities become yes or no at one threshold a finding; what is right of that.

A threshold is chosen on validation films, where it gives the highest F1, and then applied to others. A finding that is
unknown for a film counts nowhere. Knows nothing about models.
"""

import math

import numpy as np
from sklearn.metrics import precision_recall_curve

from cxr.evaluation.classification import Outcome, measure_auroc

UNDECIDED = 0.5  # the threshold of a finding that no validation film has


def choose_thresholds(validation: Outcome) -> np.ndarray:
    """For each finding the probability from which it is called present: the lowest one with the highest F1."""
    return np.array([choose_threshold(validation, i) for i in range(len(validation.keys))])


def choose_threshold(validation: Outcome, finding: int) -> float:
    """The threshold of one finding, by number."""
    truth, probabilities = take_known(validation, finding)
    if 1 not in truth:
        return UNDECIDED
    precision, recall, thresholds = precision_recall_curve(truth, probabilities)
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    return float(thresholds[f1[:-1].argmax()])  # the last point belongs to no threshold


def take_known(outcome: Outcome, finding: int) -> tuple[np.ndarray, np.ndarray]:
    """Truth (0 or 1) and probabilities of one finding over the films where it is known."""
    known = outcome.truth[:, finding] >= 0
    return outcome.truth[known, finding], outcome.probabilities[known, finding]


def measure_average_precision(outcome: Outcome, finding: int) -> float:
    """Average precision of one finding: the mean over positive films of the precision at their probability.

    As scikit-learn defines it, without its checks: a bootstrap asks thousands of times. NaN without both kinds of film.
    """
    truth, probabilities = take_known(outcome, finding)
    if not 0 < truth.sum() < len(truth):
        return math.nan
    order = np.argsort(-probabilities, kind="stable")
    found = np.cumsum(truth[order])
    # Films of one probability are called together, so all have the precision of the last of them.
    last = np.searchsorted(-probabilities[order], -probabilities[order], side="right") - 1
    precision = found[last] / (last + 1)
    return float(precision[truth[order] == 1].mean())


def measure_f1(outcome: Outcome, thresholds: np.ndarray, finding: int) -> float:
    """F1 of one finding at its threshold; NaN without both kinds of film."""
    truth, probabilities = take_known(outcome, finding)
    if not 0 < truth.sum() < len(truth):
        return math.nan
    called = probabilities >= thresholds[finding]
    return 2 * int(truth[called].sum()) / int(called.sum() + truth.sum())


def measure_accuracy(outcome: Outcome, thresholds: np.ndarray, finding: int) -> float:
    """Share of the films where the finding is known on which it is decided right."""
    truth, probabilities = take_known(outcome, finding)
    return float(((probabilities >= thresholds[finding]) == truth).mean()) if len(truth) else math.nan


def measure_exact_match(outcome: Outcome, thresholds: np.ndarray) -> float:
    """Share of films on which every known finding is decided right (subset accuracy), over films with any known."""
    known = outcome.truth >= 0
    right = ((outcome.probabilities >= thresholds) == (outcome.truth == 1)) | ~known
    return float(right.all(1)[known.any(1)].mean()) if known.any() else math.nan


def measure_micro_f1(outcome: Outcome, thresholds: np.ndarray) -> float:
    """F1 over all known pairs of film and finding at once; NaN where none is present or called so."""
    known = outcome.truth >= 0
    true, called = (outcome.truth == 1) & known, (outcome.probabilities >= thresholds) & known
    total = int(true.sum() + called.sum())
    return 2 * int((true & called).sum()) / total if total else math.nan


def measure_decisions(outcome: Outcome, thresholds: np.ndarray) -> dict[str, float]:
    """Everything that this module and AUROC say, by "measure/finding", with "macro" for the mean over findings.

    "macro" is the mean over the findings whose value can be had; "exact_match" and "micro" count pairs.
    """
    by_measure = {
        "auroc": [measure_auroc(outcome, i) for i in range(len(outcome.keys))],
        "average_precision": [measure_average_precision(outcome, i) for i in range(len(outcome.keys))],
        "f1": [measure_f1(outcome, thresholds, i) for i in range(len(outcome.keys))],
        "accuracy": [measure_accuracy(outcome, thresholds, i) for i in range(len(outcome.keys))],
    }
    figures = {"accuracy/exact_match": measure_exact_match(outcome, thresholds)}
    figures["f1/micro"] = measure_micro_f1(outcome, thresholds)
    for measure, values in by_measure.items():
        known = [value for value in values if not math.isnan(value)]
        figures[f"{measure}/macro"] = sum(known) / len(known) if known else math.nan
        figures |= {f"{measure}/{key}": value for key, value in zip(outcome.keys, values, strict=True)}
    return figures
