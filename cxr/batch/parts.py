"""The parts of a table on disk, beside it in `NAME.parts`: each is whole or not there, and all are of one run.

Knows nothing about what is in them.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cxr.results import CxrError

RECORD = "run.json"  # what the run is


def find_parts(table: Path) -> Path:
    """The folder of a table's parts."""
    return table.with_name(f"{table.name}.parts")


def find_part(parts: Path, number: int) -> Path:
    """Where a part lies when it is whole; that it lies there is the mark that it is."""
    return parts / f"{number:05}.csv"


def write_whole(parts: Path, path: Path, pieces: Iterable[bytes | Path]) -> None:
    """The file `path` of these pieces, bytes or other files: all of it on the disk, or as it was before."""
    aside = parts / "aside"
    with aside.open("wb") as file:
        for piece in pieces:
            file.write(piece if isinstance(piece, bytes) else piece.read_bytes())
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


@contextmanager
def keep_parts(table: Path) -> Iterator[Path]:
    """The folder of a table's parts, for this process alone; the lock goes with it, however it ends.

    Raises:
        CxrError: another process has it, a table lies there that is not its own, or the disk says no.
    """
    parts = find_parts(table)
    if table.exists() and not (parts / RECORD).is_file():
        raise CxrError(f"{table} is there already and its parts are not; choose another --out, or delete it.")
    try:
        parts.mkdir(parents=True, exist_ok=True)
        with (parts / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CxrError(f"{table} is being written by another process; choose another --out.") from None
            yield parts
    except OSError as error:
        raise CxrError(f"{error.filename or table} cannot be used ({error.strerror}).") from error


def check_run(parts: Path, record: Mapping[str, Any]) -> None:
    """Write down what this run is, or see that the parts which lie there belong to the same.

    Raises:
        CxrError: they belong to another, and what differs.
    """
    path, told = parts / RECORD, json.dumps(record, indent=2)
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    if before is None:
        write_whole(parts, path, [f"{told}\n".encode()])
        return
    changed = [name for name, value in json.loads(told).items() if before.get(name) != value]
    if changed:
        raise CxrError(f"{parts} holds a run with another {', '.join(changed)}; choose another --out, or delete it.")
