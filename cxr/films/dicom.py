"""DICOM files become films in a persistent child process that may die.

Decoders in C crash on some damaged files, and a few kilobytes can unfold to gigabytes; so the decoding runs apart, with
bounded memory and time, and gets neither the environment's secrets nor more than a path. What comes back is pixels,
view and warnings. Knows nothing about DICOM itself.
"""

import functools
import json
import logging
import os
import subprocess
import sys
import threading
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import get_args

import numpy as np

from cxr.films.film import MAX_SIDE, Film, View
from cxr.results import CxrError

LIMIT_SECONDS = 10.0
START_SECONDS = 60.0  # a cold disk may need long to import; no film is waited for so long
FILMS_A_CHILD = 200  # then a fresh one, so that nothing leaks for long
MAX_REPLY = MAX_SIDE * MAX_SIDE * 4  # bytes
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = Path(np.__file__).resolve().parents[1]
# -I keeps PYTHONPATH and the working folder out; the program's and the packages' own folders are named explicitly.
START = """
import sys
sys.path[:0] = [sys.argv[1]]
sys.path += [sys.argv[2]]
from cxr.films.dicom_child import serve
serve(int(sys.argv[3]))
"""

logger = logging.getLogger(__name__)


class DicomDecoder:
    """Reads DICOM files one at a time in a child process, which it starts, watches, renews and replaces."""

    def __init__(self, seconds: float = LIMIT_SECONDS, films: int = FILMS_A_CHILD) -> None:
        """`seconds` a film may take; `films` a child reads before a new one takes its place."""
        self.seconds = seconds
        self.films = films
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.pipe: Connection | None = None
        self.done = 0

    def read(self, path: Path) -> Film:
        """A DICOM file as a film.

        Raises:
            CxrError: it cannot be read, takes too long or too much memory, or breaks the decoder.
        """
        with self.lock:
            pipe = self._get_pipe()
            self.done += 1
            try:
                pipe.send_bytes(os.fsencode(path))
                header, pixels = self._receive(pipe, self.seconds), b""
                if header:
                    pixels = self._receive(pipe, self.seconds)
            except TimeoutError as error:
                self.close()
                raise CxrError("This DICOM file took too long to decode, so it was not read.") from error
            except (EOFError, OSError) as error:
                self.close()
                logger.warning("The DICOM decoder died and will be replaced")
                raise CxrError("This DICOM file cannot be decoded: it is damaged or needs too much memory.") from error
        return _build_film(header, pixels)

    def close(self) -> None:
        """End the child; the next film starts another."""
        if self.pipe:
            self.pipe.close()
        if self.process:
            self.process.kill()
            self.process.wait()
        self.pipe = self.process = None

    def _get_pipe(self) -> Connection:
        if self.process and (self.done >= self.films or self.process.poll() is not None):
            self.close()
        return self.pipe or self._start()

    def _start(self) -> Connection:
        ours, theirs = Pipe()
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
        self.pipe, self.done = ours, 0
        try:
            self._receive(ours, START_SECONDS)  # it says when it is ready
        except (EOFError, OSError) as error:
            self.close()
            raise CxrError("DICOM files cannot be read just now; please send the film as PNG or JPEG.") from error
        return ours

    def _receive(self, pipe: Connection, seconds: float) -> bytes:
        # Waiting for the reply, not for the pipe's end: a process forked at the wrong moment may hold its other end.
        if not pipe.poll(seconds):
            raise TimeoutError
        return pipe.recv_bytes(MAX_REPLY)


def read_dicom(path: Path) -> Film:
    """A DICOM file as a film, by this process's decoder.

    Raises:
        CxrError: it cannot be read, takes too long or too much memory, or breaks the decoder.
    """
    return _get_decoder(os.getpid()).read(path)


@functools.cache
def _get_decoder(pid: int) -> DicomDecoder:
    """One decoder for each process: after a fork, parent and child must not speak into one pipe."""
    return DicomDecoder()


def _choose_environment() -> dict[str, str]:
    """What a decoder needs and no secret; one thread, since every further one takes address space."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "LANG") if name in os.environ}
    return {**kept, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _build_film(header: bytes, pixels: bytes) -> Film:
    """Check what the child says: it has handled a stranger's bytes."""
    reply = json.loads(header)
    if "refused" in reply:
        raise CxrError(str(reply["refused"]))
    array = np.frombuffer(pixels, dtype=np.float32).reshape(int(reply["height"]), int(reply["width"])).copy()
    view = reply["view"] if reply["view"] in get_args(View) else None
    return Film(np.clip(np.nan_to_num(array), 0, 1), view, tuple(map(str, reply["warnings"])))
