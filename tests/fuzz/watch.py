"""Films are opened in a process of their own, and what becomes of each, and of the process, is written down."""

import logging
import math
import multiprocessing
import os
import resource
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from cxr.films.decoder import SAY_BROKEN, SAY_SLOW, get_decoders
from cxr.films.film import MAX_SIDE, Film
from cxr.films.open import open_film
from cxr.results import CxrError

HANG = 10.0  # seconds
MAX_CHILD, MAX_GROWTH = 1500, 50  # MB
PATIENCE = 30.0  # seconds after which the process itself counts as hung, and is ended
START = 120.0  # seconds; a busy machine may need long to start a process
WARM = 50  # films after which the process has loaded what it needs

Make = Callable[[int], bytes]  # the content of the film of this number
Read = Callable[[Path], Film]


@dataclass
class Tally:
    """What became of a number of films. Memory in MB."""

    cases: int = 0
    films: int = 0
    refused: int = 0
    broken: int = 0  # of the refused: the child died
    slow: int = 0  # of the refused: its time was up
    crashes: int = 0
    hangs: int = 0
    unanswered: int = 0  # neither a film nor a sentence
    slowest: float = 0.0  # seconds
    child: float = 0.0
    growth: float = 0.0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)  # what went wrong, and with which number

    def find_faults(self) -> list[str]:
        """Which limits were broken; none where all is well."""
        counts = {"crashes": self.crashes, "hangs": self.hangs, "without a sentence or a film": self.unanswered}
        faults = [f"{count} {name}" for name, count in counts.items() if count]
        if self.child >= MAX_CHILD:
            faults.append(f"a child of {self.child:.0f} MB")
        if self.growth >= MAX_GROWTH:
            faults.append(f"grown by {self.growth:.0f} MB")
        return faults


def watch(make: Make, count: int, read: Read = open_film, patience: float = PATIENCE) -> Tally:
    """Open `count` films one after the other; whatever they do to the process, the next one is opened.

    Args:
        make, read: module-level functions, or partials of such: they go to another process.
        count: The films are those of the numbers from 0 up to it.
        patience: Seconds after which a process that says nothing is ended.
    """
    tally, start = Tally(), time.monotonic()
    while tally.cases < count:
        for answer in _work(make, range(tally.cases, count), read, patience):
            _count(tally, answer)
    tally.seconds = time.monotonic() - start
    return tally


def _work(make: Make, numbers: range, read: Read, patience: float) -> Iterator[dict[str, Any]]:
    """What one process says, until it has opened all films, or one made an end of it."""
    spawn = multiprocessing.get_context("spawn")  # a small process: what it grows by is then its own
    ours, theirs = spawn.Pipe()
    worker = spawn.Process(target=_serve, args=(theirs, make, numbers, read))
    worker.start()
    theirs.close()
    with ours:
        try:
            if ours.poll(START):
                ours.recv()  # that it is ready
            while True:
                if not ours.poll(patience):
                    yield {"kind": "hang", "note": f"no answer in {patience:.0f} s"}
                    return
                answer = ours.recv()
                yield answer
                if answer["kind"] == "end":
                    return
        except EOFError:
            worker.join()
            yield {"kind": "crash", "note": f"the process ended with {worker.exitcode}"}
        finally:
            worker.kill()
            worker.join()


def _count(tally: Tally, answer: dict[str, Any]) -> None:
    kind, note, seconds = answer["kind"], answer.get("note", ""), answer.get("seconds", 0.0)
    tally.child = max(tally.child, answer.get("child", 0.0))
    tally.growth = max(tally.growth, answer.get("growth", 0.0))
    if kind == "end":
        return
    late = seconds > HANG
    if kind in ("crash", "hang", "wrong") or late:
        tally.notes.append(f"number {tally.cases}: {kind}, {seconds:.1f} s, {note}")
    tally.cases += 1
    tally.films += kind == "film"
    tally.refused += kind == "refused"
    tally.broken += note == SAY_BROKEN
    tally.slow += note == SAY_SLOW
    tally.crashes += kind == "crash"
    tally.hangs += kind == "hang" or late
    tally.unanswered += kind == "wrong"
    tally.slowest = max(tally.slowest, seconds)


def _serve(pipe: Connection, make: Make, numbers: range, read: Read) -> None:
    """Open the films and say of each what became of it; the last word is what the children took."""
    logging.disable()  # what is said of each film is counted
    least = math.inf
    pipe.send("ready")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film"
        for place, number in enumerate(numbers):
            path.write_bytes(make(number))
            answer = open_one(path, read)
            if place >= min(WARM, len(numbers) // 2):
                memory = measure_memory()
                least = min(least, memory)
                answer["growth"] = memory - least
            pipe.send(answer)
    for decoder in get_decoders(os.getpid()).decoders:
        decoder.close()
    pipe.send({"kind": "end", "child": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000})


def open_one(path: Path, read: Read) -> dict[str, Any]:
    """What became of a film: "film", "refused" or "wrong", how long it took, and what was said."""
    start = time.monotonic()
    try:
        film = read(path)
    except CxrError as error:
        kind, note = ("refused" if is_sentence(str(error)) else "wrong"), str(error)
    except Exception:  # noqa: BLE001 (whatever else comes out is what is looked for)
        kind, note = "wrong", traceback.format_exc(limit=-2)
    else:
        kind, note = ("film" if is_sound(film) else "wrong"), "a film"
    return {"kind": kind, "note": note, "seconds": time.monotonic() - start}


def is_sentence(text: str) -> bool:
    """Whether a person is told something: one sentence of readable length."""
    return 20 < len(text) < 160 and text[0].isupper() and text.endswith(".") and "\n" not in text and ". " not in text


def is_sound(film: Film) -> bool:
    """Whether a film is what every film is."""
    pixels = film.pixels
    right = pixels.ndim == 2 and pixels.dtype == np.float32 and max(pixels.shape) <= MAX_SIDE
    return right and bool(np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1)


def measure_memory() -> float:
    """MB of memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
