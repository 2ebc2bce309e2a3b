"""Whether answers depend on the film: the share of films on which a blank one would change the answer's probability.

    python -m cxr.evaluation.depends --films FOLDER --split val --source nih_cxr14
    python -m cxr.evaluation.depends --drawn 100

Of the findings' probabilities, and on every fourth film of the questions that stand ready on the page; of those, what
a word means and where the patient's left is should not depend on it. Knows nothing about models.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence

import numpy as np

from cxr.evaluation.embedded.tallies import write_section
from cxr.evaluation.films import Case, add_options, choose_cases
from cxr.evaluation.gate import Tally, measure_tally
from cxr.evaluation.intervals import RESAMPLES
from cxr.evaluation.tables import write_cell
from cxr.findings import find_finding
from cxr.prompts import READY_QUESTIONS
from cxr.reader import Reader, Study, load_reader
from cxr.second_look import SecondLook
from cxr.settings import Settings

FINDINGS, EVERY = "all findings", 4


def count_findings(reader: Reader, study: Study) -> dict[str, float]:
    """Whether the probability of each finding depends on a film; for all findings at once the share of them."""
    depends = {find_finding(item.asked).name: float(item.depends) for item in SecondLook(reader).check_findings(study)}
    return {FINDINGS: sum(depends.values()) / len(depends), **depends}


def count_answers(reader: Reader, study: Study, questions: Sequence[str]) -> dict[str, float]:
    """Whether the answer to each question depends on a film."""
    asked = {question: list(SecondLook(reader).check_answer(study, question))[-1] for question in questions}
    return {question: float(check.depends) for question, check in asked.items() if check}


def write_tables(
    reader: Reader,
    cases: Iterable[Case],
    questions: Sequence[str] = READY_QUESTIONS,
    every: int = EVERY,
    resamples: int = RESAMPLES,
) -> str:
    """A row a finding; then a row a question, of every so many-th film."""
    parts: dict[str, list[tuple[str, dict[str, float]]]] = {"Findings": [], "Questions": []}
    for number, case in enumerate(cases):
        study = reader.study(case.film)
        parts["Findings"].append((case.patient, count_findings(reader, study)))
        if number % every == 0:
            parts["Questions"].append((case.patient, count_answers(reader, study, questions)))
    return "\n\n".join(_write_part(name, rows, resamples) for name, rows in parts.items())


def _write_part(name: str, rows: Sequence[tuple[str, dict[str, float]]], resamples: int) -> str:
    patients = np.array([patient for patient, _ in rows])
    marks = {each: np.array([row[each] for _, row in rows]) for each in rows[0][1]}
    figures = {each: measure_tally(Tally(patients, column), resamples) for each, column in marks.items()}
    lines = [f"| {each} | {write_cell(figure, False)} |" for each, figure in figures.items()]
    told = f"{len(rows)} films of {len(set(patients))} patients."
    return write_section(f"{name} that depend on the film", told, lines, ("answer to", "share of films [95 %]"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table for the model that the settings name."""
    parser = argparse.ArgumentParser(prog="python -m cxr.evaluation.depends", description=__doc__.partition("\n")[0])
    add_options(parser)
    parser.add_argument("--every", type=int, default=EVERY, help="every so many-th film is asked the questions, too")
    options = parser.parse_args(arguments)
    reader = load_reader(Settings.from_env(), anyway=True)
    sys.stdout.write(write_tables(reader, choose_cases(options), every=options.every) + "\n")


if __name__ == "__main__":
    main()
