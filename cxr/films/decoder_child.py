"""The process in which files are decoded: paths in, pixels out, bounded in memory. Imports no torch.

Started by `decoder.py` with `python -I`; ends when its pipe closes.
"""

import json
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from cxr.films.dicom import read_dicom
from cxr.films.film import Film
from cxr.films.picture import read_picture
from cxr.results import CxrError

MAX_MEMORY = 1_500_000_000  # bytes of address space
LONGEST = 20  # seconds after which the child ends by itself, should nobody be left to end it
READERS: dict[str, Callable[[Path], Film]] = {"dicom": read_dicom, "picture": read_picture}


def serve(handle: int) -> None:
    """Answer requests with films until the pipe at file descriptor `handle` closes.

    A request is the kind of a file, a zero byte and its path. Each answer is a JSON header, {"refused": sentence} or
    {"height", "width", "view", "warnings", "reasons"}, then the pixels (float32, row by row; empty after a refusal).
    """
    limit_process()
    with Connection(handle) as pipe:
        pipe.send_bytes(b"ready")
        while True:
            try:
                kind, _, path = pipe.recv_bytes().partition(b"\0")
            except EOFError:
                return
            signal.alarm(LONGEST)
            header, pixels = answer(kind.decode(), Path(os.fsdecode(path)))
            pipe.send_bytes(json.dumps(header).encode())
            pipe.send_bytes(pixels)
            signal.alarm(0)


def limit_process() -> None:
    """Bound the memory; write no file, and no memory of a film when it crashes."""
    for kind, limit in ((resource.RLIMIT_AS, MAX_MEMORY), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (limit, limit))


def answer(kind: str, path: Path) -> tuple[dict[str, Any], bytes]:
    """The two parts of the answer to one request; never raises but for what ends the process."""
    try:
        film = READERS[kind](path)
    except CxrError as error:
        return {"refused": str(error)}, b""
    height, width = film.pixels.shape
    reasons = [asdict(reason) for reason in film.reasons]
    header = {"height": height, "width": width, "view": film.view, "warnings": film.warnings, "reasons": reasons}
    return header, np.ascontiguousarray(film.pixels, dtype=np.float32).tobytes()
