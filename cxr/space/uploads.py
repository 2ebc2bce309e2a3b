"""Uploaded files: which ones a call may name, and how they and what visitors were told are forgotten.

Gradio names an upload by its bytes and its name, so visitors with one film share a file: nobody may delete it at once.
So nothing is deleted but by the sweeper, and only what nobody has used for a while. Knows nothing about films.
"""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Thread

import gradio as gr
from gradio.utils import get_upload_folder

from cxr.results import CxrError

NO_FILE = "Please send a film as an uploaded file or as a link."
GONE = "This upload has been deleted, as every one is within a minute; please send the film again."
KEPT_SECONDS = 45.0  # that an original outlives its last use; it may name a patient, the Film does not
SWEPT_EVERY = 5.0  # s


def find_upload(film_file: object) -> Path:
    """The uploaded file that a call names; it is kept for a while from now on.

    Gradio checks a path only where the value is marked as a file; without the mark any path of this machine would come
    through, so it is checked here.

    Raises:
        CxrError: it is no file that was uploaded, or it was deleted.
    """
    path = film_file.get("path") if isinstance(film_file, Mapping) else None
    if not isinstance(path, str) or "\0" in path:
        raise CxrError(NO_FILE)
    found = Path(path).resolve()
    if not found.is_relative_to(Path(get_upload_folder()).resolve()):
        raise CxrError(NO_FILE)
    try:
        os.utime(found)
    except OSError:
        raise CxrError(GONE) from None
    if not found.is_file():
        raise CxrError(NO_FILE)
    return found


def sweep(folder: Path, seconds: float) -> None:
    """Delete every file that nobody has touched for `seconds`, whoever left it there, and folders that are empty."""
    last = time.time() - seconds
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder comes before it
        with suppress(OSError):  # gone already, or not empty
            if path.lstat().st_mtime <= last:
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def forget_sessions(page: gr.Blocks, seconds: float) -> None:
    """Forget what was shown to visitors who have done nothing for `seconds`: Gradio keeps it until others come.

    The sessions stay, since Gradio's own clean-up walks through them; so do the films, whose states have an end.
    """
    now, holder, queue = datetime.now(), page.state_holder, page._queue
    for session_hash, session in list(holder.session_data.items()):
        used = holder.time_last_used.get(session_hash, now)
        if (now - used).total_seconds() >= seconds:
            session.config_values.clear()
            messages = queue.pending_messages_per_session.get(session_hash)
            while messages and not messages.empty():
                messages.get_nowait()


def repeat(work: Callable[[], None], every: float) -> Thread:
    """Do it now and from time to time, as long as the program runs."""

    def go_on() -> None:
        while True:
            work()
            time.sleep(every)

    thread = Thread(target=go_on, daemon=True)
    thread.start()
    return thread
