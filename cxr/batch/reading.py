"""One process reads parts of a table. Others need not be known, since what is taken is seen on the disk."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, islice
from pathlib import Path
from typing import Any

import torch

from cxr.batch.ahead import Opened, open_ahead
from cxr.batch.parts import Claim, check_run, claim
from cxr.batch.rows import Task, list_files, mark_files, read_rows, write_rows
from cxr.reader import Reader, load_reader
from cxr.results import CxrError, Identity
from cxr.serial import as_plain
from cxr.settings import Settings

Load = Callable[[], Reader]  # can be pickled
OPENERS = 8  # processes at most that open films for one GPU
SAY_DIED = "A worker has ended, perhaps for want of memory; the same command goes on, maybe with fewer --workers."


@dataclass(frozen=True)
class Job:
    """What is to be read into which parts."""

    folder: Path
    parts: Path
    names: Sequence[str]
    size: int  # files of a part
    task: Task
    load: Load
    record: dict[str, Any]  # what one table must not hold two of

    def count_parts(self) -> int:
        """How many there are."""
        return -(-len(self.names) // self.size)

    def list_part(self, number: int) -> Sequence[str]:
        """The files of one."""
        return self.names[number * self.size : (number + 1) * self.size]


@dataclass(frozen=True)
class Model:
    """Who answers, as far as one table must not hold two of them."""

    identity: Identity
    own_findings: tuple[str, ...]
    mark: str  # of the calibration, and of the files of folders, which have no revision
    at_once: int  # films in one batch: numbers are rounded otherwise in another


def load_from_environment(anyway: bool = False) -> Reader:
    """The reader that the environment asks for; `anyway`: one that reads also what the gate refuses."""
    return load_reader(Settings.from_env(), anyway)


def count_gpus() -> int:
    """GPUs on which this run's processes read on this machine; a launcher says how many it started."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if torch.cuda.is_available() else 0


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def choose_openers(cores: int, gpus: int) -> int:
    """Processes that open films for one GPU; none without one, since there the model needs the cores."""
    return min(OPENERS, max(1, cores // gpus - 1)) if gpus else 0


def take_gpu() -> None:
    """Where several processes were started for several GPUs, as by `accelerate launch`: each takes its own."""
    if torch.cuda.is_available() and "LOCAL_RANK" in os.environ:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))


def read_parts(job: Job) -> Iterator[Model | int]:
    """Who answers; then the number of each part that was read here, until all parts are whole.

    Raises:
        CxrError: the model asked for cannot be had, other parts lie there than of this run, or an opener has ended.
    """
    take_gpu()
    reader = job.load()
    model = mark_model(reader)
    check_model(model)
    check_run(job.parts, {**job.record, "model": as_plain(model)})
    yield model
    try:
        yield from read_free(job, reader, model.at_once, choose_openers(count_cores(), count_gpus()))
        yield from read_left(job, reader, model.at_once)
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise CxrError(SAY_DIED) from error


def read_free(job: Job, reader: Reader, at_once: int, openers: int) -> Iterator[int]:
    """Read every part that nobody has; the next ones are taken while their films are opened ahead."""
    taken: deque[Claim] = deque()

    def take() -> Iterator[str]:
        for number in range(job.count_parts()):
            if mine := claim(job.parts, number):
                taken.append(mine)
                yield from job.list_part(number)

    opened = open_ahead(job.folder, take(), openers)
    try:
        for first in opened:
            mine = taken[0]
            some = chain([first], islice(opened, len(job.list_part(mine.number)) - 1))
            mine.write(read_part(reader, some, job.task, at_once))
            yield taken.popleft().number
    finally:
        for each in taken:
            each.close()


def read_left(job: Job, reader: Reader, at_once: int) -> Iterator[int]:
    """Wait for the parts that others have, one by one, and read those that they leave.

    Nothing is held while waiting, or two could wait for each other.
    """
    for number in range(job.count_parts()):
        if mine := claim(job.parts, number, wait=True):
            with closing(mine):
                opened = open_ahead(job.folder, job.list_part(number), openers=0)
                mine.write(read_part(reader, opened, job.task, at_once))
            yield number


def read_part(reader: Reader, opened: Iterator[Opened], task: Task, at_once: int) -> bytes:
    """The rows of a part; no other part is in a batch with it, or it would depend on who reads what."""
    rows: list[list[str]] = []
    while some := list(islice(opened, at_once)):
        rows += read_rows(reader, some, task)
    return write_rows(rows)


def check_model(model: Model) -> None:
    """Refuse to fill a table with the answers of another model than was asked for.

    Raises:
        CxrError: why the embedded one would answer.
    """
    if model.identity.problem:
        raise CxrError(f"{model.identity.problem} The embedded model would answer instead, so nothing was read.")


def mark_model(reader: Reader) -> Model:
    """Who answers; a folder without a revision is known by its files."""
    who = reader.identity
    named = ((who.base, who.base_revision), (who.adapter, who.adapter_revision))
    folders = [Path(name) for name, revision in named if name and not revision and Path(name).is_dir()]
    told = [f"{reader.calibration} {reader.anyway}", *(mark_files(path, list_files(path)) for path in folders)]
    mark = blake2b("\0".join(told).encode(), digest_size=16).hexdigest()
    return Model(who, reader.own_findings, mark, reader.engine.together)
