"""Files become films in persistent child processes that may die.

Decoders in C crash on some damaged files, a few kilobytes can unfold to gigabytes, and sixty megabytes of JPEG markers
hold Pillow, and with it every other visitor, for a minute; so the decoding runs apart, with bounded memory and time,
and gets neither the environment's secrets nor more than a path. What comes back is pixels, view and warnings.
Knows nothing about any format.
"""

import functools
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from cxr.films.film import MAX_SIDE, Film, View
from cxr.results import CxrError, Reason

Kind = Literal["dicom", "picture"]

LIMIT_SECONDS = 9.0  # so that a visitor has an answer within ten, a new child's start and all
START_SECONDS = 60.0  # a cold disk may need long to import; no film is waited for so long
FILMS_A_CHILD = 200  # then a fresh one, so that nothing leaks for long
CHILDREN = 2  # so that one bomb does not hold up everybody; the second is started when it is needed
MAX_HEADER, MAX_PIXELS = 2**16, MAX_SIDE * MAX_SIDE * 4  # bytes
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = Path(np.__file__).resolve().parents[1]
# -I keeps PYTHONPATH and the working folder out; the program's and the packages' own folders are named explicitly.
START = """
import sys
sys.path[:0] = [sys.argv[1]]
sys.path += [sys.argv[2]]
from cxr.films.decoder_child import serve
serve(int(sys.argv[3]))
"""
SAY_SLOW = "This file took too long to decode, so it was not read."
SAY_BROKEN = "This file cannot be decoded: it is damaged or needs too much memory."
SAY_NO_CHILD = "Films cannot be read just now; please try again in a minute."

logger = logging.getLogger(__name__)


class Decoder:
    """Reads files one at a time in a child process, which it starts, watches, renews and replaces."""

    def __init__(self, seconds: float = LIMIT_SECONDS, films: int = FILMS_A_CHILD) -> None:
        """`seconds` a film may take; `films` a child reads before a new one takes its place."""
        self.seconds = seconds
        self.films = films
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.pipe: Connection | None = None
        self.done = 0

    def read(self, path: Path, kind: Kind) -> Film:
        """A file of this kind as a film.

        Raises:
            CxrError: it cannot be read, takes too long or too much memory, or breaks the decoder.
        """
        with self.lock:
            try:
                return _build_film(*self._ask(path, kind))
            except TimeoutError as error:
                raise CxrError(SAY_SLOW) from error
            except (EOFError, OSError) as error:
                self.close()
                logger.warning("The decoder died, or made no sense, and will be replaced")
                raise CxrError(SAY_BROKEN) from error

    def close(self) -> None:
        """End the child; the next film starts another."""
        if self.pipe:
            self.pipe.close()
        if self.process:
            self.process.kill()
            self.process.wait()
        self.pipe = self.process = None

    def _ask(self, path: Path, kind: Kind) -> tuple[bytes, bytes]:
        """The two parts of the child's answer; a child that did not give both within the time is ended."""
        try:
            pipe = self._get_pipe()
            self.done += 1
            end = time.monotonic() + self.seconds
            pipe.send_bytes(kind.encode() + b"\0" + os.fsencode(path))
            return self._receive(pipe, MAX_HEADER, end), self._receive(pipe, MAX_PIXELS, end)
        except BaseException:  # an interrupt, too: an answer that nobody waited for must never become the next film
            self.close()
            raise

    def _get_pipe(self) -> Connection:
        if self.process and (self.done >= self.films or self.process.poll() is not None):
            self.close()
        return self.pipe or self._start()

    def _start(self) -> Connection:
        ours, theirs = Pipe()
        self.pipe, self.done = ours, 0
        try:
            with theirs:
                self.process = subprocess.Popen(  # noqa: S603 (nothing here comes from a visitor)
                    [sys.executable, "-I", "-c", START, str(ROOT), str(PACKAGES), str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    env=_choose_environment(),
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            self._receive(ours, MAX_HEADER, time.monotonic() + START_SECONDS)  # it says when it is ready
        except (EOFError, OSError) as error:  # OSError: also when the machine has no memory or process left
            logger.warning("The decoder cannot be started: %s", type(error).__name__)
            raise CxrError(SAY_NO_CHILD) from error
        return ours

    def _receive(self, pipe: Connection, most: int, end: float) -> bytes:
        # Waiting for the reply, not for the pipe's end: a process forked at the wrong moment may hold its other end.
        if not pipe.poll(max(0.0, end - time.monotonic())):
            raise TimeoutError
        return pipe.recv_bytes(most)


class DecoderPool:
    """A few decoders, each film read by one that is free."""

    def __init__(self, count: int = CHILDREN) -> None:
        """`count`: how many films may be decoded at once."""
        self.decoders = [Decoder() for _ in range(count)]
        self.free: queue.LifoQueue[Decoder] = queue.LifoQueue()  # the last one back is the first: its child runs
        for decoder in self.decoders:
            self.free.put(decoder)

    def read(self, path: Path, kind: Kind) -> Film:
        """A file of this kind as a film, once a decoder is free.

        Raises:
            CxrError: as `Decoder.read`.
        """
        decoder = self.free.get()
        try:
            return decoder.read(path, kind)
        finally:
            self.free.put(decoder)


def decode(path: Path, kind: Kind) -> Film:
    """A file of this kind as a film, by this process's decoders.

    Raises:
        CxrError: it cannot be read, takes too long or too much memory, or breaks the decoder.
    """
    return get_decoders(os.getpid()).read(path, kind)


@functools.cache
def get_decoders(pid: int) -> DecoderPool:
    """Decoders for each process: after a fork, parent and child must not speak into one pipe."""
    return DecoderPool()


def _choose_environment() -> dict[str, str]:
    """What a decoder needs and no secret; one thread, since every further one takes address space."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "LANG") if name in os.environ}
    return {**kept, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _build_film(header: bytes, pixels: bytes) -> Film:
    """Check what the child says: it has handled a stranger's bytes.

    Raises:
        CxrError: it refuses the film.
        ConnectionError: what it says makes no sense.
    """
    try:
        reply = json.loads(header)
        refused = reply.get("refused")
        if refused is None:
            height, width = int(reply["height"]), int(reply["width"])
            if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE):
                raise ValueError(f"a film of {height} x {width}")
            array = np.frombuffer(pixels, dtype=np.float32).reshape(height, width).copy()
            view = reply["view"] if reply["view"] in get_args(View) else None
            reasons = tuple(Reason(**each) for each in reply["reasons"])
            return Film(np.clip(np.nan_to_num(array), 0, 1), view, tuple(map(str, reply["warnings"])), reasons=reasons)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ConnectionError("the decoder's answer makes no sense") from error
    raise CxrError(str(refused))
