"""How several threads share one model: in turns, and all who wait with the same wish at once.

Nothing here has a thread of its own, so there is nothing to stop. Knows nothing about models.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


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


class Together(Generic[T, R]):
    """Answers wishes that wait for a turn several at once: whoever's turn it is takes those along who came next."""

    def __init__(
        self, run: Callable[[Sequence[T]], Sequence[R]], turns: AbstractContextManager[object], at_once: int
    ) -> None:
        """`run`: answers at most `at_once` wishes, in their order."""
        self._run, self._turns, self._at_once = run, turns, at_once
        self._bench: deque[tuple[T, Future[R]]] = deque()
        self._lock = threading.Lock()

    def ask(self, wish: T) -> R:
        """The answer, or what it raises for this wish; what another's raises is not met here."""
        mine: Future[R] = Future()
        with self._lock:
            self._bench.append((wish, mine))
        with self._turns:  # there are as many turns as wishes, so nobody is left on the bench
            with self._lock:
                count = 0 if mine.done() else min(self._at_once, len(self._bench))
                batch = [self._bench.popleft() for _ in range(count)]
            if batch:
                self._answer(batch)
        return mine.result()

    def _answer(self, batch: Sequence[tuple[T, "Future[R]"]]) -> None:
        """Answer all; one by one where it cannot be done at once, to find out whose wish it was."""
        try:
            answers = self._run([wish for wish, _ in batch])
        except BaseException as error:  # noqa: BLE001 (whatever it is, nobody may wait for ever)
            if len(batch) > 1 and isinstance(error, Exception):
                for each in batch:
                    self._answer([each])
            else:
                for _, theirs in batch:
                    theirs.set_exception(error)
        else:
            for (_, theirs), answer in zip(batch, answers, strict=True):
                theirs.set_result(answer)
