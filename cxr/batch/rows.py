"""A file becomes a row of the table: what the Reader says of it, or why it is refused. Knows nothing about models."""

import csv
import io
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Literal, get_args

from cxr.findings import BY_KEY
from cxr.reader import Reader
from cxr.results import Classification, CxrError

Task = Literal["classify", "caption", "all"]
TASKS: tuple[Task, ...] = get_args(Task)


def list_files(folder: Path, skipped: Collection[Path] = ()) -> list[str]:
    """Every file below a folder by its path from there, sorted; a linked folder is not entered but stands there, too.

    `skipped`: absolute paths that may lie among them.

    Raises:
        CxrError: a folder cannot be opened.
    """

    def refuse(error: OSError) -> None:
        raise CxrError(f"{error.filename} cannot be opened ({error.strerror}).")

    names = []
    for root, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if Path(root, name).absolute() not in skipped]
        links = [name for name in folders if Path(root, name).is_symlink()]
        paths = (Path(root, name) for name in (*files, *links))
        names += [path.relative_to(folder).as_posix() for path in paths if path.absolute() not in skipped]
    return sorted(names)


def mark_files(folder: Path, names: Iterable[str]) -> str:
    """Which files these are, by their names, sizes and times: 32 hex digits."""
    digest = blake2b(digest_size=16)
    for name in names:
        path = folder / name
        state = path.stat() if path.exists() else None  # a link may lead nowhere
        told = f"{name}\0{state.st_size}\0{state.st_mtime_ns}\0" if state else f"{name}\0"
        digest.update(told.encode(errors="surrogateescape"))
    return digest.hexdigest()


def list_columns(task: Task, own_findings: Iterable[str]) -> list[str]:
    """The names of a row's fields."""
    keys = [*BY_KEY, *own_findings] if task != "caption" else []
    report = ["report"] if task != "classify" else []
    return ["file", *(column for key in keys for column in (key, f"{key}_decision")), *report, "warnings", "refused"]


def read_row(reader: Reader, folder: Path, name: str, task: Task) -> list[str]:
    """One file's fields in the order of `list_columns`: those of a film, or why it is none that can be read."""
    try:
        study = reader.study(reader.open(folder / name))
    except CxrError as error:
        width = len(list_columns(task, reader.own_findings))
        return [name, *[""] * (width - 2), str(error)]
    result, notes = reader.classify(study), study.warnings
    fields = [name, *(write_scores(result) if task != "caption" else [])]
    if task != "classify":
        *_, report = reader.caption(study, known=result)
        reasons = dict.fromkeys(mark.reason for mark in report.marks)  # findings and impression say the same
        fields, notes = [*fields, report.text], (*report.warnings, *reasons)
    return [*fields, " ".join(notes), ""]


def write_scores(result: Classification) -> Iterator[str]:
    """Each finding's probability, 0..1, and what it means at its operating points: empty without a calibration."""
    for score in (*result.scores, *result.own):
        yield f"{score.probability:.4f}"
        yield score.verdict.value if score.verdict else ""


def write_rows(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as lines of CSV in UTF-8; a file's name may hold what is no proper Unicode."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode(errors="backslashreplace")


def count_refused(table: Path) -> int:
    """How many files of a table were refused."""
    with table.open(encoding="utf-8", newline="") as file:
        return sum(bool(row["refused"]) for row in csv.DictReader(file))
