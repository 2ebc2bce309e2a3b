"""What the reports name, read back by `statements.read_statements`, against the truth.

    python -m cxr.evaluation.text --films FOLDER --split val
    python -m cxr.evaluation.text --drawn 100

The reader of findings is a rule-based one of our own, not CheXbert: figures are not comparable with published ones.
Knows nothing about models.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cxr.evaluation.classification import mark
from cxr.evaluation.films import Case, add_options, choose_cases
from cxr.evaluation.intervals import Figure, bootstrap
from cxr.findings import FINDINGS
from cxr.reader import Reader, load_reader
from cxr.results import Observation, Side
from cxr.settings import Settings
from cxr.statements import read_statements

KEYS = [finding.key for finding in FINDINGS]


@dataclass(frozen=True)
class Reports:
    """What was written and what is true.

    asserted: films x 14 bool, what is called possible, too; truth: films x 14 int8, 1 present, 0 absent, -1 unknown;
    patients: films;
    sides: for each film with exact truth, pairs (true side, side named or None) of the sided findings that are present.
    """

    texts: tuple[str, ...]
    asserted: np.ndarray
    truth: np.ndarray
    patients: np.ndarray
    sides: tuple[tuple[Side, Side | None], ...]

    def take(self, films: np.ndarray) -> "Reports":
        """The same for some films, by index; a film may come more than once. Sides are left out."""
        return Reports((), self.asserted[films], self.truth[films], self.patients[films], ())


def read_asserted(text: str) -> dict[str, Observation]:
    """The findings that a text asserts, with their places, by finding."""
    return {item.observation.finding: item.observation for item in read_statements(text) if item.present}


def read_named(text: str) -> dict[str, Observation]:
    """The findings that a text asserts or calls possible, with their places, by finding."""
    said = [item for item in read_statements(text, possible=True) if item.present]
    return {item.observation.finding: item.observation for item in sorted(said, key=lambda item: not item.possible)}


def write_reports(reader: Reader, cases: Iterable[Case]) -> Reports:
    """Let the reader that serves report every case."""
    texts, rows, marks, patients, sides = [], [], [], [], []
    for case in cases:
        text = list(reader.caption(reader.study(case.film)))[-1].text
        seen = read_named(text)
        texts.append(text)
        rows.append([key in seen for key in KEYS])
        marks.append(mark(case))
        patients.append(case.patient)
        sides += compare_sides(case.observations or (), seen)
    return Reports(tuple(texts), np.array(rows), np.array(marks, np.int8), np.array(patients), tuple(sides))


def compare_sides(true: Sequence[Observation], seen: dict[str, Observation]) -> list[tuple[Side, Side | None]]:
    """The true side and the named one of every finding that has a side and was reported."""
    return [(item.side, seen[item.finding].side) for item in true if item.side and item.finding in seen]


def measure_f1(reports: Reports) -> float:
    """Micro F1 over the findings that are known; NaN where none is present or asserted."""
    known = reports.truth >= 0
    true = (reports.truth == 1) & known
    asserted = reports.asserted & known
    total = int(true.sum() + asserted.sum())
    return 2 * int((true & asserted).sum()) / total if total else float("nan")


def measure_sides(reports: Reports) -> float:
    """Share of the reported findings with a known side whose side is named right; NaN without any."""
    return float(np.mean([true == named for true, named in reports.sides])) if reports.sides else float("nan")


def assert_always(reports: Reports, keys: Sequence[str]) -> Reports:
    """A reader that asserts the same findings of every film: what any real one must beat."""
    asserted = np.tile([key in keys for key in KEYS], (len(reports.truth), 1))
    return Reports((), asserted, reports.truth, reports.patients, ())


def find_common(reports: Reports, count: int) -> list[str]:
    """The most frequent findings of these films."""
    return [KEYS[i] for i in np.argsort(-(reports.truth == 1).sum(0))[:count]]


def write_table(reports: Reports, resamples: int = 1000) -> str:
    """A Markdown table of the figures, with the constant readers beside them."""
    distinct = len({row.tobytes() for row in reports.asserted})
    f1: Callable[[Reports], float] = measure_f1
    figures: list[tuple[str, Figure | str]] = [
        ("micro F1 of named findings", bootstrap(reports, f1, resamples)),
        *(
            (
                f"always asserting the {count} most frequent",
                bootstrap(assert_always(reports, find_common(reports, count)), f1, resamples),
            )
            for count in (1, 2)
        ),
        ("distinct sets of findings", f"{distinct} on {len(reports.texts)} films"),
        ("side named right, where the finding is reported", f"{measure_sides(reports):.3f} of {len(reports.sides)}"),
    ]
    return "\n".join(["| measure | value [95 %] |", "|---|---|", *(f"| {name} | {value} |" for name, value in figures)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table for the model that the settings name."""
    parser = argparse.ArgumentParser(prog="python -m cxr.evaluation.text", description=__doc__.partition("\n")[0])
    add_options(parser)
    reports = write_reports(load_reader(Settings.from_env(), anyway=True), choose_cases(parser.parse_args(arguments)))
    sys.stdout.write(write_table(reports) + "\n")


if __name__ == "__main__":
    main()
