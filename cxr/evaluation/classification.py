"""How well the 14 probabilities tell films apart: AUROC with intervals by patient, and calibration.

    python -m cxr.evaluation.classification --films FOLDER --split val
    python -m cxr.evaluation.classification --drawn 200

A finding that is unknown for a film leaves that film out of its figure. Knows nothing about models.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import brier_score_loss

from cxr.evaluation.films import Case, add_options, choose_cases
from cxr.evaluation.intervals import RESAMPLES, bootstrap
from cxr.findings import BY_KEY, FINDINGS, find_finding
from cxr.reader import Reader, load_reader
from cxr.results import Classification, Score
from cxr.settings import Settings

KEYS = tuple(finding.key for finding in FINDINGS)


@dataclass(frozen=True)
class Outcome:
    """What a reader said and what is true.

    probabilities: films x findings in 0..1; truth: films x findings int8, 1 present, 0 absent, -1 unknown;
    patients: films; keys: the findings, the 14 first.
    """

    probabilities: np.ndarray
    truth: np.ndarray
    patients: np.ndarray
    keys: tuple[str, ...] = KEYS

    def take(self, films: np.ndarray) -> "Outcome":
        """The same for some films, by index; a film may come more than once."""
        return Outcome(self.probabilities[films], self.truth[films], self.patients[films], self.keys)


def read_outcome(reader: Reader, cases: Iterable[Case]) -> Outcome:
    """Classify every case with the reader that serves."""
    rows = []
    keys: tuple[str, ...] = KEYS
    for case in cases:
        scores = list_scores(reader.classify(reader.study(case.film)))
        keys = tuple(score.finding for score in scores)
        rows.append(([score.probability for score in scores], mark(case, keys), case.patient))
    return Outcome(
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows], np.int8),
        np.array([row[2] for row in rows]),
        keys,
    )


def list_scores(classification: Classification) -> tuple[Score, ...]:
    """The 14, then the adapter's own findings."""
    return (*classification.scores, *classification.own)


def mark(case: Case, keys: Sequence[str] = KEYS) -> list[int]:
    """1 present, 0 absent, -1 unknown for each finding."""
    return [1 if key in case.present else 0 if key in case.absent else -1 for key in keys]


def measure_auroc(outcome: Outcome, finding: int) -> float:
    """AUROC of one finding over the films where it is known; NaN without both kinds of film."""
    known = outcome.truth[:, finding] >= 0
    return rank_auroc(outcome.truth[known, finding], outcome.probabilities[known, finding])


def rank_auroc(truth: np.ndarray, scores: np.ndarray) -> float:
    """The share of pairs of a positive and a negative in order, a tie counting half; NaN without both.

    By ranks (Mann and Whitney, 1947), because a bootstrap asks thousands of times; scikit-learn takes 20 times as long.
    """
    positive = int(truth.sum())
    negative = len(truth) - positive
    if not positive or not negative:
        return float("nan")
    above = float(rankdata(scores)[truth == 1].sum()) - positive * (positive + 1) / 2
    return above / (positive * negative)


def measure_macro(outcome: Outcome, least: int = 1) -> float:
    """Mean AUROC over the findings with at least `least` positive films."""
    counted = [i for i in range(len(outcome.keys)) if (outcome.truth[:, i] == 1).sum() >= least]
    values = np.array([measure_auroc(outcome, i) for i in counted])
    return float(values[~np.isnan(values)].mean()) if (~np.isnan(values)).any() else float("nan")


def measure_any(outcome: Outcome) -> float:
    """AUROC of "any of the 14" against none, by 1 - product(1 - p), over films where all 14 are known."""
    listed = [i for i, key in enumerate(outcome.keys) if key in BY_KEY]
    marks, probabilities = outcome.truth[:, listed], outcome.probabilities[:, listed]
    known = (marks >= 0).all(1)
    truth = marks[known].max(1, initial=0)
    score = 1 - (1 - probabilities[known]).prod(1)
    return rank_auroc(truth, score)


def measure_skill(outcome: Outcome) -> float:
    """Mean Brier skill over the prevalence: 1 - Brier / Brier of always answering the share of positives."""
    skills = []
    for i in range(len(outcome.keys)):
        known = outcome.truth[:, i] >= 0
        truth = outcome.truth[known, i]
        if 0 < truth.sum() < len(truth):
            skills.append(1 - brier_score_loss(truth, outcome.probabilities[known, i]) / float(np.var(truth)))
    return float(np.mean(skills)) if skills else float("nan")


def describe(outcome: Outcome) -> str:
    """Two figures on one line, for logs."""
    macro, some = measure_macro(outcome), measure_any(outcome)
    return f"macro AUROC {macro:.3f}, any against none {some:.3f} ({len(outcome.truth)} films)"


def write_table(outcome: Outcome, resamples: int = RESAMPLES) -> str:
    """A Markdown table of all findings and the three summaries."""
    lines = ["| finding | films | with it | AUROC [95 %] |", "|---|---|---|---|"]
    for i, key in enumerate(outcome.keys):
        known, positive = int((outcome.truth[:, i] >= 0).sum()), int((outcome.truth[:, i] == 1).sum())
        figure = str(bootstrap(outcome, partial(measure_auroc, finding=i), resamples)) if 0 < positive < known else "-"
        lines.append(f"| {find_finding(key).name} | {known} | {positive} | {figure} |")
    for name, measure in (
        (f"mean of the {len(outcome.keys)}", measure_macro),
        ("any of the 14", measure_any),
        ("Brier skill", measure_skill),
    ):
        lines.append(f"| {name} | {len(outcome.truth)} | | {bootstrap(outcome, measure, resamples)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table for the model that the settings name."""
    parser = argparse.ArgumentParser(
        prog="python -m cxr.evaluation.classification", description=__doc__.partition("\n")[0]
    )
    add_options(parser)
    outcome = read_outcome(load_reader(Settings.from_env(), anyway=True), choose_cases(parser.parse_args(arguments)))
    sys.stdout.write(write_table(outcome) + "\n")


if __name__ == "__main__":
    main()
