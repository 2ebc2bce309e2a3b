"""How sure the decisions are: how many are made, how often each kind is right, and whether doubt lies where errors are.

    python -m cxr.evaluation.certainty --films FOLDER --split val --source nih_cxr14 [--out FOLDER]
    python -m cxr.evaluation.certainty --drawn 200

A decided pair of film and finding is called present or absent. What is not sure would, if forced, be called present
from 0.5 on. A curve of risk and coverage asks the surest pairs first, by how far a probability is from 0.5 (Geifman and
El-Yaniv, 2017); with --out it is drawn. Knows nothing about how a calibration is fitted.
"""

import argparse
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Drawing

from cxr.evaluation.classification import Outcome, list_scores, mark, measure_skill
from cxr.evaluation.embedded.probabilities import choose_findings
from cxr.evaluation.embedded.tallies import write_section
from cxr.evaluation.films import Case, add_options, choose_cases
from cxr.evaluation.intervals import RESAMPLES, bootstrap_all
from cxr.evaluation.tables import write_cell
from cxr.findings import find_finding
from cxr.reader import Reader, load_reader
from cxr.results import Score, TrackRecord, Verdict
from cxr.settings import Settings

FORCED = 0.5  # what is not sure is called present from here on, if it must be decided
CODES = {Verdict.PRESENT: 1, Verdict.NOT_SURE: 0, Verdict.ABSENT: -1}
PICTURE = "risk-coverage.png"
SHARE, PRESENT, ABSENT, SKILL = "decided", "present right", "absent right", "Brier skill"
OVERALL = {
    "decided": "share of all pairs that are decided",
    "present": "present: share that is right",
    "absent": "absent: share that is right",
    "found": "of findings that are there: share called present",
    "missed": "of findings that are there: share called absent",
    "wrong": "errors of decided pairs",
    "forced": "errors of the others, had they been forced",
    "gain": "above errors of decided pairs, the others'",
    "nothing": "errors of absent everywhere",
    "skill": "Brier skill over the prevalence, mean of the findings",
    "area": "area under the curve of risk and coverage (less is better)",
}


@dataclass(frozen=True)
class Decided:
    """What was decided. verdicts: films x findings int8, 1 present, -1 absent, 0 not sure; the findings are judged."""

    outcome: Outcome
    verdicts: np.ndarray

    @property
    def patients(self) -> np.ndarray:
        """Whose each film is."""
        return self.outcome.patients

    def take(self, films: np.ndarray) -> "Decided":
        """The same for some films, by index; a film may come more than once."""
        return Decided(self.outcome.take(films), self.verdicts[films])

    def choose(self, finding: int) -> "Decided":
        """The same for one finding, by number."""
        return Decided(choose_findings(self.outcome, [finding]), self.verdicts[:, [finding]])


def decide(reader: Reader, cases: Iterable[Case]) -> tuple[Decided, list[Score]]:
    """Classify every case; also one film's scores, which hold the operating points. Findings without are left out."""
    rows = []
    for case in cases:
        scores = [score for score in list_scores(reader.classify(reader.study(case.film))) if score.verdict]
        told = [score.probability for score in scores], [CODES[score.verdict] for score in scores if score.verdict]
        rows.append((*told, mark(case, [score.finding for score in scores]), case.patient))
    shares, verdicts, truth, patients = ([row[i] for row in rows] for i in range(4))
    keys = tuple(score.finding for score in scores)
    outcome = Outcome(np.array(shares), np.array(truth, np.int8), np.array(patients), keys)
    return Decided(outcome, np.array(verdicts, np.int8)), scores


def measure_decided(sample: Decided) -> dict[str, float]:
    """The figures of all known pairs at once."""
    known = sample.outcome.truth >= 0
    truth, said = sample.outcome.truth[known] == 1, sample.verdicts[known]
    shares = sample.outcome.probabilities[known]
    wrong, forced = (said == 1) != truth, (shares >= FORCED) != truth
    figures = {
        "decided": _mean(said != 0),
        "present": _mean(truth[said == 1]),
        "absent": _mean(~truth[said == -1]),
        "found": _mean(said[truth] == 1),
        "missed": _mean(said[truth] == -1),
        "wrong": _mean(wrong[said != 0]),
        "forced": _mean(forced[said == 0]),
        "nothing": _mean(truth),
        "skill": measure_skill(sample.outcome),
        "area": float(trace_risk(shares, truth)[1].mean()) if len(truth) else math.nan,
    }
    return {**figures, "gain": figures["forced"] - figures["wrong"]}


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan


def trace_risk(shares: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coverage and risk of the surest 1, 2, ... pairs. shares: pairs, calibrated, 0..1; truth: pairs bool."""
    order = np.argsort(-np.abs(shares - FORCED), kind="stable")
    wrong = ((shares >= FORCED) != truth)[order]
    asked = np.arange(1, len(wrong) + 1)
    return asked / max(len(wrong), 1), np.cumsum(wrong) / asked


def draw_risk(sample: Decided, path: Path) -> None:
    """The curve of risk and coverage, with what absent everywhere would err."""
    known = sample.outcome.truth >= 0
    truth = sample.outcome.truth[known] == 1
    drawing = Drawing(figsize=(6.5, 5), dpi=120, layout="constrained")
    FigureCanvasAgg(drawing)
    panel = drawing.subplots()
    panel.plot(*trace_risk(sample.outcome.probabilities[known], truth), color="#0072B2", label="surest first")
    figures = measure_decided(sample)
    panel.plot(figures["decided"], figures["wrong"], "o", color="#D55E00", label="as decided")
    panel.axhline(figures["nothing"], color="grey", linestyle="--", label="absent everywhere")
    panel.set(xlabel="share of pairs decided", ylabel="share of those that is wrong", xlim=(0, 1.02))
    panel.set_ylim(bottom=0)
    panel.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(path)


def write_findings(sample: Decided, scores: Sequence[Score], resamples: int) -> str:
    """A row a finding."""
    rows = []
    for i, score in enumerate(scores):
        one = sample.choose(i)
        truth, said = one.outcome.truth[:, 0], one.verdicts[:, 0]
        figures = bootstrap_all(one, measure_decided, resamples)
        cells = [
            find_finding(score.finding).name,
            f"{(truth >= 0).sum()} ({(truth == 1).sum()})",
            f"{score.absent_below:.3f}-{score.present_from:.3f}",
            write_cell(figures["decided"], False),
            _count(said == 1, truth, 1),
            _count(said == -1, truth, 0),
            write_cell(figures["skill"], False),
            *_write_tested(score.tested),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    head = ("finding", "films (with it)", "not sure in", SHARE, PRESENT, ABSENT, SKILL)
    held = ("held out: present", "held out: absent")
    words = "Held out: counted when it was calibrated, each tenth of the patients by points fitted on the others."
    return write_section("Findings", words, rows, (*head, *held))


def _count(chosen: np.ndarray, truth: np.ndarray, right: int) -> str:
    known = chosen & (truth >= 0)
    return f"{(truth[known] == right).sum()} of {known.sum()}" if known.any() else "-"


def _write_tested(tested: TrackRecord | None) -> Iterator[str]:
    pairs = [(tested.present_right, tested.present), (tested.absent_right, tested.absent)] if tested else [(0, 0)] * 2
    yield from (f"{right} of {count}" if count else "-" for right, count in pairs)


def write_overall(sample: Decided, resamples: int) -> str:
    """All pairs at once."""
    figures = bootstrap_all(sample, measure_decided, resamples)
    rows = [
        f"| {words.removeprefix('above ')} | {write_cell(figures[name], words.startswith('above '))} |"
        for name, words in OVERALL.items()
    ]
    films, patients = len(sample.patients), len(set(sample.patients.tolist()))
    return write_section("All pairs of film and finding", f"{films} films of {patients} patients.", rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables for the model that the settings name, and draw the curve."""
    parser = argparse.ArgumentParser(prog="python -m cxr.evaluation.certainty", description=__doc__.partition("\n")[0])
    add_options(parser)
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help="draws of patients for an interval")
    parser.add_argument("--out", type=Path, help=f"folder for {PICTURE}")
    options = parser.parse_args(arguments)
    sample, scores = decide(load_reader(Settings.from_env(), anyway=True), choose_cases(options))
    told = [write_overall(sample, options.resamples), write_findings(sample, scores, options.resamples)]
    sys.stdout.write("\n\n".join(told) + "\n")
    if options.out:
        draw_risk(sample, options.out / PICTURE)


if __name__ == "__main__":
    main()
