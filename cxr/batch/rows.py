"""Files become rows of the table: what the Reader says of each, or why it is refused. Knows nothing about models."""

import codecs
import csv
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Literal, get_args

from cxr.batch.ahead import Opened
from cxr.findings import BY_KEY
from cxr.many import classify_all, report_all, study_all
from cxr.reader import Reader, Study
from cxr.results import Classification, CxrError, Report

Task = Literal["classify", "caption", "all"]
TASKS: tuple[Task, ...] = get_args(Task)
BOM = codecs.BOM_UTF8  # a table's first bytes, without which Excel takes UTF-8 for the machine's own code page
# A spreadsheet takes what begins so for a formula, whoever chose the file's name (OWASP, CSV Injection). Apostrophes
# before it count, so that no two texts become one.
FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")  # the last four: full-width = + - @
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
APART = re.compile('[",;\t\r\n]')  # what some spreadsheet takes for the end of a cell, unless the cell is quoted


def list_files(folder: Path, skipped: Collection[Path] = ()) -> list[str]:
    """Every file below a folder by its path from there, sorted; a linked folder is not entered but stands there, too.

    `skipped`: absolute paths that may lie among them.

    Raises:
        CxrError: a folder cannot be opened.
    """

    def refuse(error: OSError) -> None:
        raise CxrError(f"{error.filename} cannot be opened ({error.strerror}).")

    names, besides = [], set(map(str, skipped))
    for root, folders, files in os.walk(folder, onerror=refuse):
        here, below = os.path.abspath(root), os.path.relpath(root, folder)
        folders[:] = [name for name in folders if os.path.join(here, name) not in besides]
        links = [name for name in folders if os.path.islink(os.path.join(here, name))]
        kept = [name for name in (*files, *links) if os.path.join(here, name) not in besides]
        names += kept if below == os.curdir else [f"{below}/{name}" for name in kept]
    return sorted(names)


def mark_files(folder: Path, names: Iterable[str]) -> str:
    """Which files these are, by their names, sizes and times: 32 hex digits."""
    digest = blake2b(digest_size=16)
    for name in names:
        try:
            state = os.stat(f"{folder}/{name}")
        except OSError:  # a link may lead nowhere
            told = f"{name}\0"
        else:
            told = f"{name}\0{state.st_size}\0{state.st_mtime_ns}\0"
        digest.update(told.encode(errors="surrogateescape"))
    return digest.hexdigest()


def list_columns(task: Task, own_findings: Iterable[str]) -> list[str]:
    """The names of a row's fields."""
    keys = [*BY_KEY, *own_findings] if task != "caption" else []
    report = ["report"] if task != "classify" else []
    return ["file", *(column for key in keys for column in (key, f"{key}_decision")), *report, "warnings", "refused"]


def read_rows(reader: Reader, opened: Sequence[Opened], task: Task) -> list[list[str]]:
    """Each file's fields in the order of `list_columns`: those of a film, or why it is none that can be read."""
    films = [each.film for each in opened if each.film]
    looks = [each.look for each in opened if each.film]
    seen = iter(study_all(reader, films, looks))
    found = [(each.name, next(seen) if each.film else each.refused) for each in opened]
    studies = [study for _, study in found if isinstance(study, Study)]
    results = classify_all(reader, studies)
    reports = report_all(reader, studies, results) if task != "classify" else [None] * len(studies)
    told = iter(zip(results, reports, strict=True))
    width = len(list_columns(task, reader.own_findings))
    return [
        [name, *write_film(study, *next(told), task)]
        if isinstance(study, Study)
        else [name, *[""] * (width - 2), str(study)]
        for name, study in found
    ]


def write_film(study: Study, result: Classification, report: Report | None, task: Task) -> list[str]:
    """The fields of a film that was read, after its name."""
    scores = write_scores(result) if task != "caption" else ()
    notes: Iterable[str] = study.warnings
    if report:  # findings and impression say the same
        notes = (*report.warnings, *dict.fromkeys(mark.reason for mark in report.marks))
    return [*scores, *([report.text] if report else []), " ".join(notes), ""]


def write_scores(result: Classification) -> Iterator[str]:
    """Each finding's probability, 0..1, and what it means at its operating points: empty without a calibration."""
    for score in (*result.scores, *result.own):
        yield f"{score.probability:.4f}"
        yield score.verdict.value if score.verdict else ""


def write_rows(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as lines of CSV (RFC 4180, but for the line's end) in UTF-8; a name may hold what is no proper Unicode."""
    lines = (",".join(_quote(disarm(cell)) for cell in row) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")


def disarm(cell: str) -> str:
    """The same, but with an apostrophe before what a spreadsheet would run as a formula; a number stays one."""
    return f"'{cell}" if FORMULA.match(cell) and not NUMBER.fullmatch(cell) else cell


def _quote(cell: str) -> str:
    # The csv module leaves a cell with a semicolon bare, which LibreOffice, and Excel in much of Europe, cuts in two.
    return '"{}"'.format(cell.replace('"', '""')) if APART.search(cell) else cell


def count_refused(table: Path) -> int:
    """How many files of a table were refused."""
    with table.open(encoding="utf-8-sig", newline="") as file:
        return sum(bool(row["refused"]) for row in csv.DictReader(file))
