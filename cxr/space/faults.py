"""Where what went wrong becomes a sentence on the page. Knows nothing about films or models.

A visitor sees only sentences written for them; the log gets the kind of a fault and our own lines, never a message
or a file name, since those can hold what a visitor sent.
"""

import errno
import gc
import html
import inspect
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import gradio as gr
import torch

from cxr.results import CxrError

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

GENERAL = "Something went wrong here, not with you. Please try again, or choose another film."
NO_MEMORY = "The machine ran out of memory. Please try again in a moment."
DISK_FULL = "The disk of this machine is full. Please try again in a minute, or look at an example."
# Titles that the package `spaces` gives its errors (spaces 0.51.3, zero/client.py and zero/wrappers.py).
ZERO_GPU = {
    "ZeroGPU quota exceeded": "Your free GPU time is used up, or no GPU is free. Sign in or come back later.",
    "ZeroGPU pending credits exceeded": "Too many of your requests wait for a GPU. Please wait until one has finished.",
    "ZeroGPU queue timeout": "No GPU became free in time. Please try again in a minute.",
    "ZeroGPU illegal duration": "This takes more GPU time than you have left. Sign in or come back later.",
    "ZeroGPU worker error": "The GPU was taken away before the answer was finished. Please try again.",
    "ZeroGPU client error": "The GPU could not be reached. Please reload the page and try again.",
}


def guard(task: Callable[P, R]) -> Callable[P, R]:
    """The same function or generator function; whatever it raises becomes a `gr.Error` with a sentence.

    It is laid around handlers, and around what runs in ZeroGPU's worker too: an error that is no `gr.Error`
    leaves that worker as the bare name of its class, and with its message printed.
    """
    if inspect.isgeneratorfunction(task):

        @wraps(task)
        def guarded_stream(*args: Any, **kwargs: Any) -> Iterator[Any]:
            with translate():
                yield from task(*args, **kwargs)

        return cast("Callable[P, R]", guarded_stream)

    @wraps(task)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        with translate():
            return task(*args, **kwargs)

    return guarded


@contextmanager
def translate() -> Iterator[None]:
    """Raise a `gr.Error` for everything that is raised inside."""
    try:
        yield
    except CxrError as error:
        raise _say(str(error)) from None
    except gr.Error as error:
        raise _say(ZERO_GPU.get(error.title, html.unescape(error.message))) from None
    except Exception as error:  # noqa: BLE001  # the last net: a visitor must never see a bare exception
        note(error)
        sentence = _choose_sentence(error)
    else:
        return
    if sentence == NO_MEMORY:
        _free_memory()  # out here, where the error and all that its frames hold are gone
    raise _say(sentence)


def _choose_sentence(error: Exception) -> str:
    # torch says so in words alone where the memory of a CPU is at its end.
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error):
        return NO_MEMORY
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return DISK_FULL if full else GENERAL


def _free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _say(sentence: str) -> gr.Error:
    # The page renders the text of an error as HTML.
    return gr.Error(html.escape(sentence, quote=False), duration=12, title="Please note", print_exception=False)


def warn(sentence: str) -> None:
    """The same toast, of what ends nothing."""
    gr.Warning(html.escape(sentence, quote=False), duration=12, title="Please note")


def note(error: Exception) -> None:
    """The kind of an error and where it was raised, for the log."""
    where = " < ".join(
        f"{step.name}:{step.lineno}" for step in reversed(traceback.extract_tb(error.__traceback__)[-8:])
    )
    logger.error("%s in %s", type(error).__name__, where)
