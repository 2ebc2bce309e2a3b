"""The fast path of an engine: tried first, left with one sentence in the log where it cannot run.

What it answers is what the plain path answers, to rounding; None stands for "ask the plain path". Knows nothing about
films or words.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from threading import Lock
from typing import TypeVar

import torch
from torch import Tensor
from PIL import Image
from transformers import MllamaForConditionalGeneration, MllamaProcessor

from cxr.model.decoder import Decoder
from cxr.model.pixels import Cutter
from cxr.model.seat import CAPACITY, Seat
from cxr.model.vision import Vision

logger = logging.getLogger(__name__)
T = TypeVar("T")

# Too little memory, a kernel that is missing, another transformers than it was written for.
CANNOT = (RuntimeError, NotImplementedError, AttributeError, TypeError, ValueError, KeyError, IndexError)


class Fast:
    """Encoder, seat and the seats of many, made of a loaded model when they are first asked for."""

    def __init__(
        self, model: MllamaForConditionalGeneration, processor: MllamaProcessor, canvas: int, capacity: int = CAPACITY
    ) -> None:
        """`canvas`: side in px; `capacity`: tokens of the longest text."""
        self.model, self.processor, self.canvas, self.capacity = model, processor, canvas, capacity
        self.runs = True
        self._told_length = False
        self._eye: tuple[Cutter, Vision] | None = None
        self._seat: Seat | None = None
        self._row: Seat | None = None
        self._lock = Lock()

    @property
    def seat(self) -> Seat:
        """The place where one text about one film is written."""
        with self._lock, torch.inference_mode(False), torch.no_grad():
            if self._seat is None:
                self._seat = Seat(Decoder(self.model), capacity=self.capacity)
                if self.model.device.type == "cuda":
                    torch.cuda.empty_cache()  # what single weights have left where joint ones stand now
            return self._seat

    @property
    def eye(self) -> tuple[Cutter, Vision]:
        """What cuts a canvas, and the encoder."""
        with self._lock, torch.inference_mode(False), torch.no_grad():
            if self._eye is None:
                self._eye = Cutter(self.processor, self.canvas, self.model.device), Vision(self.model.model)
            return self._eye

    def encode(self, canvas: Image.Image) -> tuple[Tensor, int] | None:
        """A laid film's states on the CPU, 1 x (real tiles * patches) x hidden, and its tiles; it takes the seat."""

        def run() -> tuple[Tensor, int]:
            cutter, vision = self.eye
            tiles = cutter.cut(canvas)
            there = vision.encode(tiles.pixels, tiles.aspect, tiles.real)
            states = torch.empty(there.shape, dtype=there.dtype, pin_memory=there.is_cuda)  # copied 10 times as fast
            states.copy_(there)
            self.seat.take(states, there)
            return states, tiles.real

        return self._try(run)

    def choose_next(self, states: Tensor, ids: list[int], film_at: int) -> int | None:
        """See `Seat.choose_next`."""
        return self._try(lambda: self.seat.choose_next(states, ids, film_at)) if self._holds(len(ids)) else None

    def score_rows(
        self, states: Tensor, prefix: list[int], rows: Sequence[tuple[int, ...]], keep: int, tokens: list[int]
    ) -> Tensor | None:
        """See `Seat.score_rows`."""
        if not self._holds(len(prefix) + sum(map(len, rows))):
            return None
        return self._try(lambda: self.seat.score_rows(states, prefix, rows, keep, tokens))

    def write_all(
        self, films: Sequence[Tensor], ids: list[int], film_at: int, limit: int, stops: Collection[int]
    ) -> list[list[int]] | None:
        """See `Seat.write`; the films' states are brought together here."""
        if not self._holds(len(ids) + limit) or len({states.shape for states in films}) != 1:
            return None

        def run() -> list[list[int]]:
            capacity = -(-(len(ids) + limit) // 64) * 64
            if self._row is None or (self._row.films, self._row.capacity) != (len(films), capacity):
                self._row = None  # before the next one, so that both need never fit
                self._row = Seat(self.seat.decoder, len(films), capacity)
            return self._row.write(torch.cat(list(films)), ids, film_at, limit, stops)

        return self._try(run, for_good=False)

    def record_windows(self, states: Tensor) -> Iterator[int]:
        """Record the step for every length of text; yields each length when it is done."""
        for window in self.seat.windows if self.runs else ():
            self._try(lambda window=window: self.seat.warm_up(states, window))  # type: ignore[misc]
            if self.runs:
                yield window

    def _holds(self, tokens: int) -> bool:
        if self.runs and tokens > self.capacity and not self._told_length:
            logger.warning("a text of %d tokens runs on the plain path: the fast one holds %d", tokens, self.capacity)
            self._told_length = True
        return tokens <= self.capacity

    def _try(self, run: Callable[[], T], for_good: bool = True) -> T | None:
        """What it gives; None where it cannot run, which is said, and `for_good` ends the fast path."""
        if not self.runs:
            return None
        try:
            return run()
        except CANNOT as error:
            reason = (str(error).splitlines() or [""])[0]
            what = "the plain path answers from now on" if for_good else "films are read one by one"
            logger.warning("%s (%s: %s)", what, type(error).__name__, reason)
            self._row = None
            if for_good:
                self.runs, self._seat, self._eye = False, None, None
            return None
