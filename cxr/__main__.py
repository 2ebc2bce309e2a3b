"""python -m cxr read FILM...: the same Reader as the page, in a terminal. Knows nothing about models."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from cxr.findings import BY_KEY
from cxr.results import Answer, Classification, CxrError, Report

DISCLAIMER = "Research and teaching only. Not a medical device."
QUESTION = "What does this film show?"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read every film named; 0 when all were read, 1 when one was refused."""
    options = parse_arguments(arguments)
    # Loading takes seconds, so a wrong argument is answered before it.
    from cxr.reader import Reader, load_reader
    from cxr.settings import Settings

    reader: Reader = load_reader(Settings.from_env())
    if reader.identity.problem:
        print(reader.identity.problem, file=sys.stderr)
    if not options.json:
        print(f"{DISCLAIMER} Answering: {reader.identity.base}, {reader.identity.adapter or 'no adapter'}, {reader.identity.device}.")
    refused = 0
    for path in options.films:
        try:
            result = read_film(reader, path, options.task, options.question)
        except CxrError as error:
            refused += 1
            print(f"{path}: {error}", file=sys.stderr)
            continue
        print(json.dumps(result) if options.json else render(result))
    return 1 if refused else 0


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; leaves the program with a sentence where it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m cxr", description=DISCLAIMER)
    read = parser.add_subparsers(dest="command", required=True).add_parser("read", help="read films")
    read.add_argument("films", nargs="+", type=Path, metavar="FILM", help="picture or DICOM")
    read.add_argument("--task", choices=["classify", "caption", "answer", "all"], default="all")
    read.add_argument("--question", default=QUESTION, help="for the task answer")
    read.add_argument("--json", action="store_true", help="one JSON object a film and line")
    return parser.parse_args(arguments)


def read_film(reader, path: Path, task: str, question: str) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """One film's results as plain values, ready for JSON.

    Raises:
        CxrError: the film cannot be read.
    """
    study = reader.study(reader.open(path))
    result: dict[str, object] = {"film": str(path), "warnings": list(study.film.warnings)}
    if task in ("classify", "all"):
        result["classification"] = plain_classification(reader.classify(study))
    if task in ("caption", "all"):
        *_, report = reader.caption(study)
        result["report"] = plain_report(report)
    if task in ("answer", "all"):
        *_, answer = reader.answer(study, question)
        result["answer"] = {"question": question, "answer": plain_answer(answer)}
    return result


def plain_classification(result: Classification) -> dict[str, object]:
    """Findings by name with probability, operating points and verdict."""
    rows = [{**dataclasses.asdict(score), "verdict": score.verdict.value if score.verdict else None} for score in result.scores]
    return {"level": result.level.value if result.level else None, "reasons": list(result.reasons), "scores": rows}


def plain_report(report: Report) -> dict[str, str]:
    """The two parts of a report and its whole text."""
    return {"text": report.text, "findings": report.findings, "impression": report.impression}


def plain_answer(answer: Answer) -> str:
    """The text of an answer."""
    return answer.text


def render(result: dict[str, object]) -> str:
    """The same for people: a line a finding, the report, the answer."""
    lines = [f"\n{result['film']}", *(f"  ! {warning}" for warning in result["warnings"])]  # type: ignore[attr-defined]
    if classification := result.get("classification"):
        lines += [f"  {classification['level'] or 'Not calibrated'}", *(f"    {reason}" for reason in classification["reasons"])]  # type: ignore[index]
        lines += [f"  {BY_KEY[row['finding']].name:20s} {row['probability']:6.1%}  {row['verdict'] or ''}" for row in classification["scores"]]  # type: ignore[index]
    if report := result.get("report"):
        lines.append(f"  {report['text']}")  # type: ignore[index]
    if answer := result.get("answer"):
        lines.append(f"  {answer['question']} {answer['answer']}")  # type: ignore[index]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
