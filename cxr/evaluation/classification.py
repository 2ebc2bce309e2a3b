"""How well the 14 probabilities tell films apart: AUROC with intervals by patient, and calibration.

    python -m cxr.evaluation.classification --films FOLDER --split val
    python -m cxr.evaluation.classification --drawn 200

A finding that is unknown for a film leaves that film out of its figure. Knows nothing about models.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, Self, TypeVar

import numpy as np
from sklearn.metrics import brier_score_loss, roc_auc_score

from cxr.evaluation.films import Case, add_options, choose_cases
from cxr.findings import FINDINGS
from cxr.reader import Reader, load_reader
from cxr.settings import Settings

RESAMPLES = 1000


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
class Outcome:
    """What a reader said and what is true.

    probabilities: films x 14 in 0..1; truth: films x 14 int8, 1 present, 0 absent, -1 unknown; patients: films.
    """

    probabilities: np.ndarray
    truth: np.ndarray
    patients: np.ndarray

    def take(self, films: np.ndarray) -> "Outcome":
        """The same for some films, by index; a film may come more than once."""
        return Outcome(self.probabilities[films], self.truth[films], self.patients[films])


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval; NaN where it cannot be had."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def read_outcome(reader: Reader, cases: Iterable[Case]) -> Outcome:
    """Classify every case with the reader that serves."""
    rows = [
        ([score.probability for score in reader.classify(reader.study(case.film)).scores], mark(case), case.patient)
        for case in cases
    ]
    return Outcome(
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows], np.int8),
        np.array([row[2] for row in rows]),
    )


def mark(case: Case) -> list[int]:
    """1 present, 0 absent, -1 unknown for the 14 findings."""
    return [1 if finding.key in case.present else 0 if finding.key in case.absent else -1 for finding in FINDINGS]


def measure_auroc(outcome: Outcome, finding: int) -> float:
    """AUROC of one finding over the films where it is known; NaN without both kinds of film."""
    known = outcome.truth[:, finding] >= 0
    truth = outcome.truth[known, finding]
    return (
        float(roc_auc_score(truth, outcome.probabilities[known, finding]))
        if 0 < truth.sum() < len(truth)
        else float("nan")
    )


def measure_macro(outcome: Outcome, least: int = 1) -> float:
    """Mean AUROC over the findings with at least `least` positive films."""
    counted = [i for i in range(len(FINDINGS)) if (outcome.truth[:, i] == 1).sum() >= least]
    values = np.array([measure_auroc(outcome, i) for i in counted])
    return float(values[~np.isnan(values)].mean()) if (~np.isnan(values)).any() else float("nan")


def measure_any(outcome: Outcome) -> float:
    """AUROC of "any of the 14" against none, by 1 - product(1 - p), over films where all 14 are known."""
    known = (outcome.truth >= 0).all(1)
    truth = outcome.truth[known].max(1, initial=0)
    score = 1 - (1 - outcome.probabilities[known]).prod(1)
    return float(roc_auc_score(truth, score)) if 0 < truth.sum() < len(truth) else float("nan")


def measure_skill(outcome: Outcome) -> float:
    """Mean Brier skill over the prevalence: 1 - Brier / Brier of always answering the share of positives."""
    skills = []
    for i in range(len(FINDINGS)):
        known = outcome.truth[:, i] >= 0
        truth = outcome.truth[known, i]
        if 0 < truth.sum() < len(truth):
            skills.append(1 - brier_score_loss(truth, outcome.probabilities[known, i]) / float(np.var(truth)))
    return float(np.mean(skills)) if skills else float("nan")


def bootstrap(
    outcome: AnySample, measure: Callable[[AnySample], float], resamples: int = RESAMPLES, seed: int = 0
) -> Figure:
    """A measure with its 95 % percentile interval, drawing patients with replacement."""
    rng = np.random.default_rng(seed)
    patients, inverse = np.unique(outcome.patients, return_inverse=True)
    films = [np.flatnonzero(inverse == i) for i in range(len(patients))]
    values = [
        measure(outcome.take(np.concatenate([films[i] for i in rng.integers(len(films), size=len(films))])))
        for _ in range(resamples)
    ]
    low, high = np.nanquantile(values, [0.025, 0.975])
    return Figure(measure(outcome), float(low), float(high))


def describe(outcome: Outcome) -> str:
    """Two figures on one line, for logs."""
    macro, some = measure_macro(outcome), measure_any(outcome)
    return f"macro AUROC {macro:.3f}, any against none {some:.3f} ({len(outcome.truth)} films)"


def write_table(outcome: Outcome, resamples: int = RESAMPLES) -> str:
    """A Markdown table of all findings and the three summaries."""
    lines = ["| finding | films | with it | AUROC [95 %] |", "|---|---|---|---|"]
    for i, finding in enumerate(FINDINGS):
        known, positive = int((outcome.truth[:, i] >= 0).sum()), int((outcome.truth[:, i] == 1).sum())
        figure = str(bootstrap(outcome, partial(measure_auroc, finding=i), resamples)) if 0 < positive < known else "-"
        lines.append(f"| {finding.name} | {known} | {positive} | {figure} |")
    for name, measure in (
        ("mean of the 14", measure_macro),
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
    outcome = read_outcome(load_reader(Settings.from_env()), choose_cases(parser.parse_args(arguments)))
    sys.stdout.write(write_table(outcome) + "\n")


if __name__ == "__main__":
    main()
