"""Everything `python -m cxr read FOLDER --out TABLE.csv` does: who reads, how far it is, and the table at the end."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cxr.batch.parts import count_whole, find_parts, prepare_parts, write_table
from cxr.batch.reading import Job, Load, Model, load_from_environment, read_parts
from cxr.batch.rows import BOM, Task, count_refused, list_columns, list_files, mark_files, write_rows
from cxr.batch.workers import choose_workers, read_apart
from cxr.results import DISCLAIMER, CxrError

FILES_A_PART = 32  # one batch on a large GPU; as much as is read again after a run was killed
SAID_EVERY = 10.0  # seconds


def read_folder(
    folder: Path,
    table: Path,
    task: Task = "all",
    workers: int = 0,
    load: Load = load_from_environment,
    size: int = FILES_A_PART,
) -> Iterator[str]:
    """Read every file below a folder into a CSV; sentences on how it goes.

    The same command may run several times at once, as `accelerate launch` starts it for several GPUs: they share the
    work. Each ends when the table is there.

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
    record = {"task": task, "set of films": mark_files(folder, names), "size of parts": size}
    with say_why(table):
        job = Job(folder, prepare_parts(table), names, size, task, load, record)
        count = max(1, min(workers or choose_workers(), job.count_parts() - count_whole(job.parts)))
        for told in read_parts(job) if count == 1 else read_apart(job, count):
            if isinstance(told, Model):
                model, began = told, Progress(job)
                yield f"{DISCLAIMER} Answering: {describe_model(model)}."
            else:
                yield from began.tell()
        header = BOM + write_rows([list_columns(task, model.own_findings)])
        write_table(job.parts, table, header, job.count_parts())
    yield f"{table} has a row for each of {len(names):,} files; refused: {count_refused(table):,}."


@contextmanager
def say_why(table: Path) -> Iterator[None]:
    """Tell in a sentence where the disk says no."""
    try:
        yield
    except OSError as error:
        raise CxrError(f"{error.filename or table} cannot be used ({error.strerror}).") from error


def describe_model(model: Model) -> str:
    """Who reads."""
    who = model.identity
    return f"{who.base}, {who.adapter or 'no adapter'}, {who.device}"


class Progress:
    """How far all processes are together, by what lies on the disk."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._began = self._said = time.monotonic()
        self._before = count_whole(job.parts)

    def tell(self) -> Iterator[str]:
        """A sentence now and then; of several processes that a launcher started the first one tells."""
        now = time.monotonic()
        if now - self._said < SAID_EVERY or os.environ.get("RANK", "0") != "0":
            return
        self._said, total = now, len(self._job.names)
        done, before = (min(count * self._job.size, total) for count in (count_whole(self._job.parts), self._before))
        yield describe_progress(done, total, (done - before) / (now - self._began))


def describe_progress(done: int, total: int, rate: float) -> str:
    """How far it is, and how long it will take at `rate` files a second."""
    return f"{done:,} of {total:,} files, {rate:.1f} a second, about {describe_time((total - done) / rate)} left"


def describe_time(seconds: float) -> str:
    """In the words of somebody who waits."""
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"
