"""Everything `python -m cxr read FOLDER --out TABLE.csv` does: files go to workers, their rows to a table."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

from cxr.batch.parts import check_run, find_part, find_parts, keep_parts, write_whole
from cxr.batch.rows import Task, count_refused, list_columns, list_files, mark_files, write_rows
from cxr.batch.workers import Load, Model, ask, choose_workers, hire, load_from_environment, receive
from cxr.results import DISCLAIMER, CxrError, as_plain

FILES_A_PART = 50  # as much as each worker reads again after a run was killed
SAID_EVERY = 10.0  # seconds


@dataclass
class Part:
    """Some files of the table, and what has been read of them."""

    number: int
    names: Sequence[str]
    rows: list[list[str]] = field(default_factory=list)


def read_folder(
    folder: Path,
    table: Path,
    task: Task = "all",
    workers: int = 0,
    load: Load = load_from_environment,
    size: int = FILES_A_PART,
) -> Iterator[str]:
    """Read every file below a folder into a CSV; sentences on how it goes.

    Args:
        workers: Processes; 0: see `choose_workers`.
        load: What each of them answers with.
        size: Files in a part.

    Raises:
        CxrError: there is nothing to read, another run's parts or table lie there, the model asked for cannot be had,
            a worker died, or nothing can be written.
    """
    names = list_files(folder, {table.absolute(), find_parts(table).absolute()})
    if not names:
        raise CxrError(f"There is no file in {folder}.")
    every = [Part(number, names[first : first + size]) for number, first in enumerate(range(0, len(names), size))]
    record = {"task": task, "set of films": mark_files(folder, names), "size of parts": size}
    with keep_parts(table) as parts:
        missing = [part for part in every if not find_part(parts, part.number).is_file()]
        count = max(1, min(workers or choose_workers(), len(missing)))
        with hire(count, load, folder, task) as pipes:
            for model in map(receive, pipes):
                check_model(model)
                check_run(parts, {**record, "model": as_plain(model)})
            who = model.identity
            yield f"{DISCLAIMER} Answering: {who.base}, {who.adapter or 'no adapter'}, {who.device}."
            yield from read_missing(parts, missing, len(names), pipes)
        header = write_rows([list_columns(task, model.own_findings)])
        write_whole(parts, table, [header, *(find_part(parts, part.number) for part in every)])
    yield f"{table} has a row for each of {len(names):,} files; refused: {count_refused(table):,}."


def read_missing(parts: Path, missing: Sequence[Part], total: int, pipes: Sequence[Connection]) -> Iterator[str]:
    """Write each part when it is whole; now and then how far it is."""
    began = said = time.monotonic()
    before = total - sum(len(part.names) for part in missing)
    for done, part in enumerate(share_out(missing, pipes), start=1):
        if len(part.rows) == len(part.names):
            write_whole(parts, find_part(parts, part.number), [write_rows(part.rows)])
        if time.monotonic() - said >= SAID_EVERY:
            said = time.monotonic()
            yield describe_progress(before + done, total, done / (said - began))


def check_model(model: Model) -> None:
    """Refuse to fill a table with the answers of another model than was asked for.

    Raises:
        CxrError: why the embedded one would answer.
    """
    if model.identity.problem:
        raise CxrError(f"{model.identity.problem} The embedded model would answer instead, so nothing was read.")


def share_out(parts: Sequence[Part], pipes: Sequence[Connection]) -> Iterator[Part]:
    """Hand each worker a part after the other; a part comes back whenever it has a row more.

    Raises:
        CxrError: a worker has ended.
    """
    waiting, busy = iter(parts), dict[Connection, Part]()

    def hand_on(pipe: Connection) -> None:
        busy.pop(pipe, None)
        if part := next(waiting, None):
            busy[pipe] = part
            ask(pipe, part.names)

    for pipe in pipes:
        hand_on(pipe)
    while busy:
        for ready in wait(list(busy)):
            assert isinstance(ready, Connection)
            part = busy[ready]
            part.rows.append(receive(ready))
            if len(part.rows) == len(part.names):
                hand_on(ready)
            yield part


def describe_progress(done: int, total: int, rate: float) -> str:
    """How far it is, and how long it will take at `rate` files a second."""
    return f"{done:,} of {total:,} files, {rate:.1f} a second, about {describe_time((total - done) / rate)} left"


def describe_time(seconds: float) -> str:
    """In the words of somebody who waits."""
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"
