"""python -m cxr read FILM...; FOLDER --out TABLE.csv; FILM --task map --finding KEY --out MAP.png.

The same Reader as the page. Knows nothing about models.
"""

import argparse
import json
import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cxr.batch.reading import load_from_environment
from cxr.batch.rows import TASKS
from cxr.batch.run import read_folder
from cxr.checks import write_marked
from cxr.films.overlay import draw_overlay
from cxr.findings import find_finding, read_label
from cxr.level import explain_level, title_level
from cxr.meaning import name_tested, sum_up
from cxr.probes import Dependence
from cxr.prompts import READY_QUESTIONS, join_words
from cxr.reader import Reader, Study, load_reader
from cxr.results import (
    DISCLAIMER,
    MAP_NOTE,
    Answer,
    Classification,
    CxrError,
    Identity,
    Report,
    Score,
    write_percent,
)
from cxr.second_look import SecondLook
from cxr.serial import as_plain
from cxr.settings import Settings
from cxr.sides import SideCheck


@dataclass(frozen=True)
class Checks:
    """What is asked a second time, of a blank and of the mirrored film; None for what was not asked the first time."""

    findings: tuple[Dependence, ...]
    sides: tuple[SideCheck, ...]
    answer: Dependence | None


@dataclass(frozen=True)
class Reading:
    """Everything that was asked about one film; None for a task that was not."""

    film: str
    warnings: tuple[str, ...]
    answered_by: Identity
    classification: Classification | None = None
    report: Report | None = None
    question: str | None = None
    answer: Answer | None = None
    checks: Checks | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Read every film named; 0 when all were read, 1 when one was refused. A table names those itself, and is a 0."""
    options = parse_arguments(arguments)
    if not sys.warnoptions:  # what libraries say to programmers is no help to who reads a film
        warnings.simplefilter("ignore")
    if options.out and options.task != "map":
        return fill_table(options)
    reader = load_reader(Settings.from_env(), options.anyway)
    who = reader.identity
    if not options.json:
        gate = "" if who.gate else " The gate is off, but for what header and greys tell."
        print(f"{DISCLAIMER} Answering: {who.base}, {who.adapter or 'no adapter'}, {who.device}.{gate}")
    if options.task == "map":
        return draw_map(reader, options)
    refused = 0
    for path in options.films:
        try:
            reading = read_film(reader, path, options.task, options.question, options.check)
        except CxrError as error:
            refused += 1
            print(f"{path}: {error}", file=sys.stderr)
            if options.json:
                print(json.dumps({"film": str(path), "refused": str(error)}))
        else:
            print(json.dumps(as_plain(reading)) if options.json else render(reading))
    return 1 if refused else 0


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; leaves the program with a sentence where it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m cxr", description=DISCLAIMER)
    read = parser.add_subparsers(dest="command", required=True).add_parser("read", help="read films")
    read.add_argument("films", nargs="+", type=Path, metavar="FILM", help="picture or DICOM; with --out a folder")
    read.add_argument("--task", choices=["classify", "caption", "answer", "map", "all"], default="all")
    read.add_argument("--question", help=f"for the task answer; else: {READY_QUESTIONS[0]}")
    read.add_argument("--finding", metavar="KEY", help="for the task map: where the answer about it came from")
    read.add_argument(
        "--json", action="store_true", help='one JSON object a line and film; "refused" says why it was not read'
    )
    read.add_argument(
        "--out", type=Path, metavar="TABLE.csv", help="a row for every file below a folder; for map a picture"
    )
    read.add_argument("--anyway", action="store_true", help="read also what does not look like a frontal chest film")
    read.add_argument("--workers", type=int, default=0, help="for --out: processes; one on a GPU, else one a core")
    read.add_argument("--check", action="store_true", help="ask again of a blank film, and of the mirrored one")
    options = parser.parse_args(arguments)
    if options.question is not None and options.task not in ("answer", "all"):
        parser.error("--question is for --task answer or all")
    options.question = READY_QUESTIONS[0] if options.question is None else options.question
    if not options.question.strip():
        parser.error("the question is empty")
    alone = options.json or options.check or len(options.films) > 1
    if options.task == "map":
        if alone or not options.finding or not options.out:
            parser.error("--task map takes one film, --finding KEY and --out MAP.png")
    elif options.out and (alone or options.task not in TASKS or options.workers < 0):
        told = "no --json, no --check, and no fewer than 0 --workers"
        parser.error(f"--out takes one folder and --task {', '.join(TASKS)}; {told}")
    return options


def fill_table(options: argparse.Namespace) -> int:
    """Read a folder into a table; how it goes is said on the other stream."""
    load = partial(load_from_environment, options.anyway)
    try:
        for sentence in read_folder(options.films[0], options.out, options.task, options.workers, load):
            print(sentence, file=sys.stderr, flush=True)
    except CxrError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def draw_map(reader: Reader, options: argparse.Namespace) -> int:
    """Write the film with a heat map over it, and say the same in words."""
    try:
        study = reader.study(reader.open(options.films[0]))
        found = SecondLook(reader).locate(study, read_label(options.finding) or options.finding)
    except (CxrError, ValueError) as error:
        print(f"{options.films[0]}: {error}", file=sys.stderr)
        return 1
    try:
        draw_overlay(study.film, found.values).save(options.out)
    except (OSError, ValueError) as error:
        print(f"{options.out} could not be written: {getattr(error, 'strerror', None) or error}.", file=sys.stderr)
        return 1
    for warning in found.warnings:
        print(f"  ! {warning}")
    print(f"{options.out}: {found.about}, {found.place or 'nothing stood out'}. Shown is {found.method}. {MAP_NOTE}")
    print("\n".join(map(render_score, found.scores)))
    return 0


def read_film(reader: Reader, path: Path, task: str, question: str, check: bool = False) -> Reading:
    """One film's results.

    Raises:
        CxrError: the film cannot be read.
    """
    study = reader.study(reader.open(path))
    wanted = {"classify", "caption", "answer"} if task == "all" else {task}
    known = reader.classify(study) if "classify" in wanted else None
    return Reading(
        film=str(path),
        warnings=study.warnings,
        answered_by=reader.identity,
        classification=known,
        report=list(reader.caption(study, known=known))[-1] if "caption" in wanted else None,
        question=question if "answer" in wanted else None,
        answer=list(reader.answer(study, question, known=known))[-1] if "answer" in wanted else None,
        checks=check_film(reader, study, known, question if "answer" in wanted else None) if check else None,
    )


def check_film(reader: Reader, study: Study, known: Classification | None, question: str | None) -> Checks:
    """Everything that was asked, asked again of a blank and of the mirrored film."""
    look = SecondLook(reader)
    return Checks(
        look.check_findings(study, known) if known else (),
        look.check_sides(study, known) if known else (),
        list(look.check_answer(study, question))[-1] if question else None,
    )


def render(reading: Reading) -> str:
    """The same for people: a line a finding, the report, the answer."""
    lines = [f"\n{reading.film}", *(f"  ! {warning}" for warning in reading.warnings)]
    if reading.classification:
        lines += [
            f"  {title_level(reading.classification)}",
            *(f"    {why}" for why in explain_level(reading.classification)),
        ]
        lines += [f"  {line}" for line in (name_tested(reading.classification),) if line]
        lines += [render_score(score) for score in reading.classification.scores]
        if reading.classification.own:
            lines += ["  Also learnt by this adapter:", *map(render_score, reading.classification.own)]
    if reading.report:
        doubts = [text for text in reading.report.warnings if text not in reading.warnings]
        lines += [f"  {write_marked(reading.report.text, reading.report.marks)}", *(f"  ! {text}" for text in doubts)]
        lines += ["  In plain words:", *(f"    {line}" for line in reading.report.plain.splitlines())]
    if reading.answer:
        doubts = [text for text in reading.answer.warnings if text not in reading.warnings]
        lines += [f"  {reading.question} {reading.answer.text}", *(f"  ! {text}" for text in doubts)]
    if reading.checks:
        lines += render_checks(reading.checks)
    return "\n".join(lines)


def render_checks(checks: Checks) -> list[str]:
    """What the second asking showed."""
    still = [find_finding(item.asked).noun for item in checks.findings if not item.depends]
    lines = [f"  ? With a blank film, too: {item.sentence}" for item in (checks.answer,) if item]
    if checks.findings:
        lines.append(f"  ? Probabilities that barely move with a blank film: {join_words(still, 'and') or 'none'}.")
    return [*lines, *(f"  ? {item.sentence}" for item in checks.sides)]


def render_score(score: Score) -> str:
    """One finding on a line."""
    verdict, meaning = score.verdict.value if score.verdict else "", sum_up(score)
    told = f"{verdict:10s}{meaning}" if meaning else verdict
    return f"  {find_finding(score.finding).name:20s}{write_percent(score.probability):>6s}  {told}"


def run() -> int:
    """`main`, quiet where nobody reads on, as in `python -m cxr read FILM... | head`."""
    try:
        return main()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it flushes
        return 1


if __name__ == "__main__":
    sys.exit(run())
