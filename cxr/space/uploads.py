"""Uploaded files: which ones a public call may name, and how they are forgotten. Knows nothing about films.

Gradio names an upload by its bytes and its name, so visitors with one film share a file: nobody may delete it at once.
"""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread, Timer

from gradio.utils import get_upload_folder

from cxr.results import CxrError

NO_FILE = "Please send a film as an uploaded file or as a link."
KEPT_SECONDS = 45.0  # that an original outlives its last use; it may name a patient, the Film does not


def find_upload(film_file: object) -> Path:
    """The uploaded file that a public call names.

    Gradio checks a path only where the value is marked as a file; without the mark any path of this machine would come
    through, so it is checked here.

    Raises:
        CxrError: it is no file that was uploaded.
    """
    path = film_file.get("path") if isinstance(film_file, Mapping) else None
    if not isinstance(path, str) or "\0" in path:
        raise CxrError(NO_FILE)
    found = Path(path).resolve()
    if not found.is_relative_to(Path(get_upload_folder()).resolve()) or not found.is_file():
        raise CxrError(NO_FILE)
    return found


def forget_later(path: Path, seconds: float = KEPT_SECONDS) -> None:
    """Delete an upload `seconds` after its last use by anybody; to be called at each use."""
    with suppress(FileNotFoundError):
        os.utime(path)
    timer = Timer(seconds, _forget, (path, seconds))
    timer.daemon = True
    timer.start()


def _forget(path: Path, seconds: float) -> None:
    try:
        unused = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return
    if unused >= seconds - 0.1:  # else somebody has used it since, and their timer runs
        path.unlink(missing_ok=True)


def sweep(folder: Path, seconds: float) -> None:
    """Delete every file that nobody has touched for `seconds`, whoever left it there, and folders that are empty."""
    last = time.time() - seconds
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder comes before it
        with suppress(OSError):  # gone already, or not empty
            if path.lstat().st_mtime < last:
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def keep_swept(folder: Path, seconds: float, every: float = 60.0) -> Thread:
    """Sweep now and from time to time, as long as the program runs.

    Gradio removes neither what an aborted upload leaves nor films that come over MCP, nor anything that was there
    when the program was ended.
    """

    def work() -> None:
        while True:
            sweep(folder, seconds)
            time.sleep(every)

    thread = Thread(target=work, daemon=True)
    thread.start()
    return thread
