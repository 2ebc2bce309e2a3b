"""Whether answers depend on the film: the share of films on which a blank one would change the answer's probability.

    python -m cxr.evaluation.depends --films FOLDER --split val --source nih_cxr14
    python -m cxr.evaluation.depends --drawn 100

Of the findings' probabilities, and of the questions that stand ready on the page; of those, what a word means and where
the patient's left is should not depend on it. Knows nothing about models.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence

from cxr.evaluation.embedded.tallies import measure_sums, tally, write_section
from cxr.evaluation.films import Case, add_options, choose_cases
from cxr.evaluation.intervals import RESAMPLES
from cxr.evaluation.tables import write_cell
from cxr.findings import find_finding
from cxr.prompts import READY_QUESTIONS
from cxr.reader import Reader, load_reader
from cxr.settings import Settings

FINDINGS = "all findings"


def count_film(reader: Reader, case: Case, questions: Sequence[str]) -> dict[str, float]:
    """What a film adds to each row: whether its answer depends on it; for all findings at once the share of them."""
    study = reader.study(case.film)
    checks = reader.check_findings(study)
    depends = {find_finding(item.asked).name: float(item.depends) for item in checks}
    asked = {question: list(reader.check_answer(study, question))[-1] for question in questions}
    answers = {question: float(check.depends) for question, check in asked.items() if check}
    return {"films": 1.0, FINDINGS: sum(depends.values()) / len(depends), **depends, **answers}


def share(sums: Mapping[str, float]) -> dict[str, float]:
    """The share of films on which each answer depends on the film."""
    return {name: value / sums["films"] for name, value in sums.items() if name != "films"}


def write_table(
    reader: Reader, cases: Iterable[Case], questions: Sequence[str] = READY_QUESTIONS, resamples: int = RESAMPLES
) -> str:
    """A row a finding and a question."""
    rows, patients = [], []
    for case in cases:
        rows.append(count_film(reader, case, questions))
        patients.append(case.patient)
    figures = measure_sums(tally(patients, rows), share, resamples)
    lines = [f"| {name} | {write_cell(figure, False)} |" for name, figure in figures.items()]
    told = f"{len(rows)} films of {len(set(patients))} patients; a blank film changes the odds by half or more."
    return write_section("Does the answer depend on the film?", told, lines, ("answer to", "share of films [95 %]"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table for the model that the settings name."""
    parser = argparse.ArgumentParser(prog="python -m cxr.evaluation.depends", description=__doc__.partition("\n")[0])
    add_options(parser)
    parser.add_argument("--no-questions", action="store_true", help="ask for the findings alone")
    options = parser.parse_args(arguments)
    questions = () if options.no_questions else READY_QUESTIONS
    reader = load_reader(Settings.from_env(), anyway=True)
    sys.stdout.write(write_table(reader, choose_cases(options), questions) + "\n")


if __name__ == "__main__":
    main()
