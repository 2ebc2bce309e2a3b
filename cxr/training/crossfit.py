"""How right decisions are on films that had no part in fitting them: a tenth of the patients by what fits the others.

Knows nothing about how a calibration is fitted.
"""

from collections import Counter
from collections.abc import Callable

import numpy as np

from cxr.evaluation.classification import Outcome
from cxr.model.calibration import Calibration
from cxr.results import TrackRecord, Verdict

FOLDS = 10


def crossfit(
    outcome: Outcome, where: str, fit: Callable[[Outcome], Calibration], seed: int = 0
) -> dict[str, TrackRecord]:
    """What became of the decisions, by finding; `where`: which films these are, in two or three words.

    A finding that could not be fitted without some films lacks those.
    """
    counts: Counter[tuple[str, Verdict, int]] = Counter()
    patients, whose = np.unique(outcome.patients, return_inverse=True)
    fold_of = np.random.default_rng(seed).permutation(len(patients)) % FOLDS
    for fold in range(min(FOLDS, len(patients))):
        held = fold_of[whose] == fold
        calibration = fit(outcome.take(np.flatnonzero(~held)))
        _judge(outcome.take(np.flatnonzero(held)), calibration, counts)
    return {key: _sum_up(key, where, counts) for key in outcome.keys if any(key == counted for counted, _, _ in counts)}


def _judge(outcome: Outcome, calibration: Calibration, counts: Counter[tuple[str, Verdict, int]]) -> None:
    for i, key in enumerate(outcome.keys):
        for probability, true in zip(outcome.probabilities[:, i], outcome.truth[:, i], strict=True):
            verdict = calibration.score(key, float(probability)).verdict
            if verdict and true >= 0:
                counts[key, verdict, int(true)] += 1


def _sum_up(key: str, where: str, counts: Counter[tuple[str, Verdict, int]]) -> TrackRecord:
    with_it, without = ({verdict: counts[key, verdict, true] for verdict in Verdict} for true in (1, 0))
    return TrackRecord(
        where,
        films=sum(with_it.values()) + sum(without.values()),
        with_it=sum(with_it.values()),
        present=with_it[Verdict.PRESENT] + without[Verdict.PRESENT],
        present_right=with_it[Verdict.PRESENT],
        absent=with_it[Verdict.ABSENT] + without[Verdict.ABSENT],
        absent_right=without[Verdict.ABSENT],
    )
