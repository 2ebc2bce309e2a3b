"""All figures of one reader from its readings, in one dictionary of numbers. Knows nothing about models or files."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxr.evaluation.answers import count_answers, measure_answers
from cxr.evaluation.classification import Outcome
from cxr.evaluation.decisions import choose_thresholds, measure_decisions
from cxr.evaluation.language import count_findings, count_overlap, count_reports, measure_language
from cxr.evaluation.readings import Reading, collect_outcome
from cxr.evaluation.reliability import apply_calibration, measure_brier, measure_ece
from cxr.model.calibration import Calibration


@dataclass(frozen=True)
class Scores:
    """What one reader said of the films, as numbers: a sample from which films can be drawn again.

    `tallies`: films x len(names), what each film adds to the figures of texts; `thresholds`: one a finding.
    """

    outcome: Outcome  # the reader's own probabilities
    calibrated: Outcome | None  # after Platt scaling; None where nothing could be fitted
    thresholds: np.ndarray
    tallies: np.ndarray
    names: tuple[str, ...]

    @property
    def patients(self) -> np.ndarray:
        """Whose each film is."""
        return self.outcome.patients

    def take(self, films: np.ndarray) -> "Scores":
        """The same for some films, by index; a film may come more than once."""
        calibrated = self.calibrated.take(films) if self.calibrated else None
        return Scores(self.outcome.take(films), calibrated, self.thresholds, self.tallies[films], self.names)


def score_readings(readings: Sequence[Reading], validation: Outcome | None, calibration: Calibration | None) -> Scores:
    """`validation`: what the same reader said of validation films, from which the thresholds come; without it 0.5."""
    outcome = collect_outcome(readings)
    thresholds = choose_thresholds(validation) if validation else np.full(len(outcome.keys), 0.5)
    calibrated = apply_calibration(outcome, calibration) if calibration else None
    rows = [
        count_overlap(reading.report, reading.reference)
        | count_findings(reading.report, reading.keys, reading.truth)
        | count_answers(reading.exchanges)
        | shared
        for reading, shared in zip(readings, count_reports([reading.report for reading in readings]), strict=True)
    ]
    names = tuple(rows[0])
    return Scores(outcome, calibrated, thresholds, np.array([[row[name] for name in names] for row in rows]), names)


def measure_scores(scores: Scores) -> dict[str, float]:
    """Every figure by "group/name"; NaN where it cannot be had."""
    sums = dict(zip(scores.names, scores.tallies.sum(0).tolist(), strict=True))
    figures = measure_decisions(scores.outcome, scores.thresholds)
    figures |= {"ece/before": measure_ece(scores.outcome), "brier/before": measure_brier(scores.outcome)}
    if scores.calibrated:
        figures |= {"ece/after": measure_ece(scores.calibrated), "brier/after": measure_brier(scores.calibrated)}
    return figures | measure_language(sums) | measure_answers(sums)
