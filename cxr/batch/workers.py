"""Processes that read films: each says who answers, then gives a row for each name it is sent. Nothing is written here.

They end when the other end of their pipe is gone, however the process that started them ended.
"""

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from cxr.batch.rows import Task, list_files, mark_files, read_row
from cxr.reader import Reader, load_reader
from cxr.results import CxrError, Identity
from cxr.settings import Settings

Load = Callable[[], Reader]  # can be pickled
PATIENCE = 30.0  # seconds in which a worker ends by itself: it has seen to its film by then
SAY_DIED = "A worker has ended, perhaps for want of memory; the same command goes on, maybe with fewer --workers."


@dataclass(frozen=True)
class Model:
    """Who answers, as far as one table must not hold two of them."""

    identity: Identity
    own_findings: tuple[str, ...]
    mark: str  # of the calibration, and of the files of folders, which have no revision


def load_from_environment(anyway: bool = False) -> Reader:
    """The reader that the environment asks for; `anyway`: one that reads also what the gate refuses."""
    return load_reader(Settings.from_env(), anyway)


def choose_workers() -> int:
    """One on a GPU, else as many as there are cores: two with a thread each read more films than one with two."""
    return 1 if torch.cuda.is_available() else count_cores()


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@contextmanager
def hire(count: int, load: Load, folder: Path, task: Task) -> Iterator[list[Connection]]:
    """Pipes to so many workers; each says its `Model` first, then takes lists of names and gives a row for each."""
    context = get_context("spawn")  # a fork would share the threads and the decoders of this process
    pairs = [context.Pipe() for _ in range(count)]
    threads = max(1, count_cores() // count)
    staff = [
        context.Process(target=work, args=(theirs, load, folder, task, threads), daemon=True) for _, theirs in pairs
    ]
    for process in staff:
        process.start()
    for _, theirs in pairs:
        theirs.close()  # or the end of a worker would not be noticed
    try:
        yield [ours for ours, _ in pairs]
    finally:
        for ours, _ in pairs:
            ours.close()
        for process in staff:
            process.join(PATIENCE)
            process.terminate()  # does nothing to one that has ended


def receive(pipe: Connection) -> Any:
    """What a worker says next.

    Raises:
        CxrError: it has ended.
    """
    try:
        return pipe.recv()
    except (EOFError, ConnectionError):
        raise CxrError(SAY_DIED) from None


def ask(pipe: Connection, names: Sequence[str]) -> None:
    """Have a worker read these files.

    Raises:
        CxrError: it has ended.
    """
    try:
        pipe.send(names)
    except ConnectionError:
        raise CxrError(SAY_DIED) from None


def work(pipe: Connection, load: Load, folder: Path, task: Task, threads: int) -> None:
    """A worker's life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the one that started this one says so
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    torch.set_num_threads(threads)
    serve(pipe, load(), folder, task)


def serve(pipe: Connection, reader: Reader, folder: Path, task: Task) -> None:
    """Say who answers, then read what is asked for until nobody asks any more."""
    with suppress(EOFError, ConnectionError):
        pipe.send(mark_model(reader))
        while True:
            for name in pipe.recv():
                pipe.send(read_row(reader, folder, name, task))


def mark_model(reader: Reader) -> Model:
    """Who answers; a folder without a revision is known by its files."""
    who = reader.identity
    named = ((who.base, who.base_revision), (who.adapter, who.adapter_revision))
    folders = [Path(name) for name, revision in named if name and not revision and Path(name).is_dir()]
    told = [f"{reader.calibration} {reader.anyway}", *(mark_files(path, list_files(path)) for path in folders)]
    return Model(who, reader.own_findings, blake2b("\0".join(told).encode(), digest_size=16).hexdigest())
