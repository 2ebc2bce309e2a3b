"""The parts of a table on disk, beside it in `NAME.parts`: each is whole or not there, and all are of one run.

Any number of processes may fill one table: each takes a part that nobody has, by a lock that goes with the process
however it ends, so what a killed one had is free again. Knows nothing about what is in the parts.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from cxr.results import CxrError

RECORD = "run.json"  # what the run is


def find_parts(table: Path) -> Path:
    """The folder of a table's parts."""
    return table.with_name(f"{table.name}.parts")


def find_part(parts: Path, number: int) -> Path:
    """Where a part lies when it is whole; that it lies there is the mark that it is."""
    return parts / f"{number:05}.csv"


def count_whole(parts: Path) -> int:
    """How many parts are whole."""
    return sum(name.endswith(".csv") for name in os.listdir(parts))


def prepare_parts(table: Path) -> Path:
    """The folder of a table's parts, which is there afterwards.

    Raises:
        CxrError: a table lies there that is not its own.
    """
    parts = find_parts(table)
    if table.exists() and not (parts / RECORD).is_file():
        raise CxrError(f"{table} is there already and its parts are not; choose another --out, or delete it.")
    parts.mkdir(parents=True, exist_ok=True)
    return parts


@contextmanager
def lock(path: Path) -> Iterator[IO[bytes]]:
    """The file, made if it is not there, for this process alone."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


class Claim:
    """A part that this process alone reads.

    The file that is written aside is the lock: with the part it becomes whole, and without a process it is free.
    """

    def __init__(self, parts: Path, number: int, file: IO[bytes]) -> None:
        self.number = number
        self._whole, self._file = find_part(parts, number), file

    def write(self, content: bytes) -> None:
        """The whole part; nothing is claimed any more."""
        write_whole(self._file, self._whole, [content])
        self.close()

    def close(self) -> None:
        """Leave it to others."""
        self._file.close()


def claim(parts: Path, number: int, wait: bool = False) -> Claim | None:
    """A part that is to be read here; None where it is whole, or where another process has it.

    `wait`: until that has ended, or has made it whole.
    """
    whole, aside = find_part(parts, number), parts / f"{number:05}.aside"
    if whole.exists():
        return None
    file = aside.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        file.close()
        return None
    if whole.exists():  # by the process that was waited for
        aside.unlink(missing_ok=True)
        file.close()
        return None
    return Claim(parts, number, file)


def write_whole(aside: IO[bytes], path: Path, pieces: Iterable[bytes | Path]) -> None:
    """The file `path` of these pieces, bytes or other files: all of it on the disk, or as it was before."""
    aside.truncate(0)
    for piece in pieces:
        aside.write(piece if isinstance(piece, bytes) else piece.read_bytes())
    aside.flush()
    os.fsync(aside.fileno())
    os.replace(aside.name, path)


def write_table(parts: Path, table: Path, header: bytes, count: int) -> None:
    """All parts under their header, once; the others of a run find it there."""
    with lock(parts / "table.aside") as file:
        if not table.exists():
            write_whole(file, table, [header, *(find_part(parts, number) for number in range(count))])
        else:
            Path(file.name).unlink(missing_ok=True)


def check_run(parts: Path, record: Mapping[str, Any]) -> None:
    """Write down what this run is, or see that the parts which lie there belong to the same.

    Raises:
        CxrError: they belong to another, and what differs.
    """
    path, told = parts / RECORD, json.dumps(record, indent=2)
    with lock(parts / "run.aside") as file:
        if not path.is_file():
            write_whole(file, path, [f"{told}\n".encode()])
            return
        Path(file.name).unlink(missing_ok=True)
    before = json.loads(path.read_text(encoding="utf-8"))
    changed = [name for name, value in json.loads(told).items() if before.get(name) != value]
    if changed:
        raise CxrError(f"{parts} holds a run with another {', '.join(changed)}; choose another --out, or delete it.")
