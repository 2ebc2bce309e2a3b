"""What may go wrong around a run's folder, in sentences. Knows nothing about what is trained there."""

import errno
import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from accelerate import PartialState
from safetensors import SafetensorError

from cxr.results import CxrError
from cxr.training.checkpoints import find_newest

FULL = "The disk is full. Free some space and run the same command again{}."


@contextmanager
def lock_run(run: Path, process: PartialState) -> Iterator[None]:
    """Keep a run's folder for this command; the lock goes with the process, however that ends.

    Raises:
        CxrError: another command is training there.
    """
    run.mkdir(parents=True, exist_ok=True)
    with (run / "lock").open("w") as file:
        if process.is_main_process:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CxrError(f"{run} is being trained by another process; choose another --out.") from error
        yield


@contextmanager
def explain_disk(say_rest: Callable[[], str]) -> Iterator[None]:
    """Say what to do where nothing can be written. `say_rest`: the end of the sentence, once the disk is full.

    Raises:
        CxrError: the disk is full, or a file cannot be used.
    """
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error):
            raise CxrError(FULL.format(say_rest())) from error
        if isinstance(error, OSError) and error.filename:
            raise CxrError(f"{error.filename} cannot be used ({error.strerror}).") from error
        raise


def say_newest(run: Path) -> str:
    """From where the same command goes on."""
    newest = find_newest(run)
    return f": training goes on from {newest.name if newest else 'the beginning'}"
