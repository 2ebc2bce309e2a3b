"""How often a stream sends, where many share one page. Knows nothing about films or pages."""

import threading
import time
from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")

ALONE = 0.1  # s between two updates of a stream that has the page for itself: the eye needs no more
TOGETHER = 250  # updates a second of all streams; Gradio 6.31 manages about 650 on two cores if nothing else is done


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
