"""Processes that read side by side on one machine, each with a model of its own. They end when nobody listens.

Nothing is written here.
"""

import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from threading import Thread

import torch

from cxr.batch.reading import SAY_DIED, Job, Model, count_cores, read_parts
from cxr.results import CxrError

PATIENCE = 30.0  # seconds in which a worker ends by itself


def choose_workers() -> int:
    """One on a GPU or for each process that a launcher started, else one a core: more films than one with all cores."""
    return 1 if torch.cuda.is_available() or "LOCAL_RANK" in os.environ else count_cores()


def read_apart(job: Job, count: int) -> Iterator[Model | int]:
    """`read_parts` in so many processes, which end with this one, however it ends.

    Raises:
        CxrError: as there, or one of them has ended.
    """
    with hire(job, count) as pipes:
        busy, introduced = list(pipes), False
        while busy:
            for pipe in wait(busy):
                assert isinstance(pipe, Connection)
                told = receive(pipe)
                if told is None:
                    busy.remove(pipe)
                elif not (isinstance(told, Model) and introduced):
                    introduced = True
                    yield told


@contextmanager
def hire(job: Job, count: int) -> Iterator[list[Connection]]:
    """Pipes from so many processes that read."""
    context = get_context("spawn")  # a fork would share the threads and the decoders of this process
    pairs = [context.Pipe() for _ in range(count)]
    threads = max(1, count_cores() // count)
    staff = [context.Process(target=work, args=(theirs, job, threads)) for _, theirs in pairs]
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


def receive(pipe: Connection) -> Model | int | None:
    """What a worker says next; None: it is done.

    Raises:
        CxrError: it cannot go on, or has ended.
    """
    try:
        told = pipe.recv()
    except (EOFError, ConnectionError):
        raise CxrError(SAY_DIED) from None
    if isinstance(told, CxrError):
        raise told
    assert told is None or isinstance(told, Model | int)
    return told


def work(pipe: Connection, job: Job, threads: int) -> None:
    """A worker's life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the one that started this one says so
    Thread(target=end_with, args=(pipe,), daemon=True).start()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    torch.set_num_threads(threads)
    try:
        for told in read_parts(job):
            pipe.send(told)
        pipe.send(None)
    except CxrError as error:
        pipe.send(error)


def end_with(pipe: Connection) -> None:
    """End this process when nobody listens any more; what it has is free then, and nothing of it is lost."""
    with suppress(EOFError, ConnectionError):
        pipe.recv()
    os._exit(1)
