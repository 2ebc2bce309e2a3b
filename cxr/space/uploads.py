"""Uploaded files: which ones a call may name, and how they and what visitors were told are forgotten.

Gradio names an upload by its bytes and its name, so visitors with one film share a file: nobody may delete it at once.
So nothing is deleted but by the sweeper, and only what nobody has used for a while. Knows nothing about films.
"""

import errno
import logging
import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from threading import Thread

import gradio as gr
from gradio.utils import get_upload_folder

from cxr.results import CxrError
from cxr.space.faults import note

logger = logging.getLogger(__name__)

NO_FILE = "Please send a film as an uploaded file or as a link."
GONE = "This upload has been deleted, as every one is within a minute; please send the film again."
KEPT_SECONDS = 45.0  # that an original outlives its last use; it may name a patient, the Film does not
SWEPT_EVERY = 5.0  # s
PASSING = {errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST}  # gone already, or in use again


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


class Sweeper:
    """Deletes what nobody uses any more in this program's folder, and in those that ended programs have left beside it.

    Whatever it cannot delete, it goes on with the rest, and says so once for each kind of error, without a file's name.
    """

    def __init__(self, own: Path, seconds: float = KEPT_SECONDS) -> None:
        """`own`: NAME-X; the folders beside it are all that are called NAME-... `seconds`: see `sweep`."""
        self._own, self._seconds = own, seconds
        self._told: set[str] = set()

    def sweep(self) -> None:
        """Once through all of them."""
        name = self._own.name.rpartition("-")[0]
        try:
            with os.scandir(self._own.parent) as entries:
                folders = [each for each in entries if each.name.startswith(f"{name}-")]
        except OSError as error:
            self._tell(error)
            return
        for each in folders:
            try:
                ours = each.is_dir(follow_symlinks=False) and each.stat(follow_symlinks=False).st_uid == os.getuid()
            except OSError as error:  # its program has just removed it
                self._tell(error)
            else:
                if ours:
                    sweep(Path(each.path), self._seconds, self._tell)

    def _tell(self, error: OSError) -> None:
        kind = errno.errorcode.get(error.errno or 0, type(error).__name__)
        if error.errno not in PASSING and kind not in self._told:
            self._told.add(kind)
            logger.error("uploads cannot be deleted (%s); they are kept until this is mended", kind)


def sweep(folder: Path, seconds: float, tell: Callable[[OSError], None] = lambda _: None) -> None:
    """Delete every file that nobody has touched for `seconds`, whoever left it there, and folders that are empty.

    `tell`: is given every error, also those of what is gone already; none ends the sweep.
    """
    last = time.time() - seconds
    for root, folders, files in os.walk(folder, topdown=False, onerror=tell):  # what is in a folder comes before it
        for path in (Path(root, name) for name in (*files, *folders)):
            try:
                if path.lstat().st_mtime <= last:
                    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            except OSError as error:
                tell(error)


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
    """Do it now and from time to time, as long as the program runs; what it raises is noted once for each kind."""

    def go_on() -> None:
        noted: set[type[Exception]] = set()
        while True:
            try:
                work()
            except Exception as error:  # noqa: BLE001  # else the thread ends, and nobody is there to notice
                if type(error) not in noted:
                    noted.add(type(error))
                    note(error)
            time.sleep(every)

    thread = Thread(target=go_on, daemon=True)
    thread.start()
    return thread
