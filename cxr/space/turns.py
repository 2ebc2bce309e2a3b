"""How many visitors share one model and one page: turns at the model, and how often a stream sends.

Knows nothing about films or pages.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")

ALONE = 0.1  # s between two updates of a stream that has the page for itself: the eye needs no more
TOGETHER = 250  # updates a second of all streams; Gradio 6.31 manages about 650 on two cores if nothing else is done


class Turns:
    """A door that lets `at_once` in and the others in the order in which they came.

    A plain semaphore lets in whoever asks first after it was freed, which is mostly the one who has just left: with
    many streams the last would wait for their first word until the others have finished.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()  # the place is handed over, never free in between
            else:
                self._free += 1


def take_turns(pieces: Iterator[T], turns: AbstractContextManager[object]) -> Iterator[T]:
    """The same pieces, each made in a turn of its own; closing it closes them."""
    end = object()
    while True:
        with turns:
            piece = next(pieces, end)
        if piece is end:
            return
        yield piece  # type: ignore[misc]  # not the end


class Pace:
    """How often streams send: each at most every `alone` seconds, all of them at most `together` times a second."""

    def __init__(self, alone: float = ALONE, together: float = TOGETHER) -> None:
        self._alone = alone
        self._together = together
        self._streams = 0
        self._lock = threading.Lock()

    @property
    def pause(self) -> float:
        """Seconds between two updates of one stream, as things are now."""
        return max(self._alone, self._streams / self._together)

    def keep(self, results: Iterator[T]) -> Iterator[T]:
        """The first result at once, then no more than the pace allows, and always the last; closing it closes them."""
        with self._lock:
            self._streams += 1
        try:
            due, held = 0.0, []
            for result in results:
                held = [result]
                if time.monotonic() >= due:
                    yield held.pop()
                    due = time.monotonic() + self.pause
            yield from held
        finally:
            with self._lock:
                self._streams -= 1
