"""The fast path of an engine: tried first, left with one sentence in the log where it cannot run.

What it answers is what the plain path answers, to rounding; None stands for "ask the plain path": about one film where
memory runs out, for good where a kernel is missing or transformers is laid out otherwise. Every other error is one of
this program and is raised. Knows nothing about films or words.
"""

import gc
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from threading import Lock
from typing import TypeVar

import torch
from PIL import Image
from torch import Tensor
from torch.utils.weak import TensorWeakRef
from transformers import MllamaForConditionalGeneration, MllamaProcessor

from cxr.model.decoder import Decoder
from cxr.model.layout import check_layout
from cxr.model.pixels import Cutter
from cxr.model.seat import CAPACITY, KEPT_FILMS, Seat
from cxr.model.vision import Vision

logger = logging.getLogger(__name__)
T = TypeVar("T")

MANY_TOKENS = 1024  # that the seat of many holds of each text: 128 MiB of keys and values a film for the 11B
EYES = 4  # films that are encoded side by side; more fill the GPU no better

# Kinds of RuntimeError that torch tells apart by their words alone.
NO_MEMORY = ("DefaultCPUAllocator", "CUBLAS_STATUS_ALLOC_FAILED")
NO_KERNEL = ("No available kernel", "no kernel image is available", "not implemented for", "STATUS_NOT_SUPPORTED")


class Fast:
    """Encoder, seat and the seats of many, made of a loaded model when they are first asked for."""

    def __init__(
        self,
        model: MllamaForConditionalGeneration,
        processor: MllamaProcessor,
        canvas: int,
        capacity: int = CAPACITY,
        kept: int = 0,
        real_tiles: bool = False,
    ) -> None:
        """Where films are read.

        Args:
            canvas: Side in px.
            capacity: Tokens of the longest text.
            kept: Films of waiting visitors at most.
            real_tiles: See `Engine`.
        """
        self.real_tiles = real_tiles
        self.model, self.processor, self.canvas, self.capacity = model, processor, canvas, capacity
        self.kept = max(KEPT_FILMS, kept)
        self.runs = True
        self._told_length = False
        self._heavy: TensorWeakRef | None = None  # the film at which memory ran out last
        self._eye: tuple[Cutter, Vision] | None = None
        self._seat: Seat | None = None
        self._row: Seat | None = None
        self._lock = Lock()

    @property
    def seat(self) -> Seat:
        """The place where one text about one film is written."""
        with self._lock, torch.inference_mode(False), torch.no_grad():
            if self._seat is None:
                check_layout(self.model)
                self._seat = Seat(Decoder(self.model), capacity=self.capacity, kept=self.kept)
                if self.model.device.type == "cuda":
                    torch.cuda.empty_cache()  # what single weights have left where joint ones stand now
            return self._seat

    @property
    def eye(self) -> tuple[Cutter, Vision]:
        """What cuts a canvas, and the encoder."""
        with self._lock, torch.inference_mode(False), torch.no_grad():
            if self._eye is None:
                check_layout(self.model)
                cutter = Cutter(self.processor, self.canvas, self.model.device, self.real_tiles)
                self._eye = cutter, Vision(self.model.model)
            return self._eye

    def encode(self, canvases: Sequence[Image.Image]) -> list[tuple[Tensor, int]] | None:
        """Each canvas's states on the CPU, 1 x (real tiles * patches) x hidden, and its tiles; one takes the seat."""

        def run() -> list[tuple[Tensor, int]]:
            return [each for at in range(0, len(canvases), EYES) for each in self._see(canvases[at : at + EYES])]

        return self._try(run, many=len(canvases) > 1)

    def _see(self, canvases: Sequence[Image.Image]) -> list[tuple[Tensor, int]]:
        cutter, vision = self.eye
        tiles = [cutter.cut(canvas) for canvas in canvases]
        there = vision.encode(torch.cat([each.pixels for each in tiles]), tiles[0].aspect, tiles[0].real)
        shape = 1, *there.shape[1:]
        seen = [
            (torch.empty(shape, dtype=there.dtype, pin_memory=there.is_cuda), each.real) for each in tiles
        ]  # pinned memory is copied to 10 times as fast
        if len(seen) == 1:
            self.seat.take(seen[0][0], there)  # all of it started before the first wait
        for (states, _), one in zip(seen, there.split(1), strict=True):
            states.copy_(one)
        return seen

    def choose_next(self, states: Tensor, ids: list[int], film_at: int) -> int | None:
        """See `Seat.choose_next`."""
        fits = self._holds(len(ids)) and not self._is_heavy(states)
        return self._try(lambda: self.seat.choose_next(states, ids, film_at), states) if fits else None

    def score_rows(
        self, films: Sequence[Tensor], prefix: list[int], rows: Sequence[tuple[int, ...]], keep: int, tokens: list[int]
    ) -> Tensor | None:
        """See `Seat.score_rows`."""
        needed = len(prefix) + sum(map(len, rows))
        if not self._holds(needed) or not are_alike(films):
            return None
        if len(films) == 1:
            one = films[0]
            if self._is_heavy(one):
                return None
            return self._try(lambda: self.seat.score_rows(films, prefix, rows, keep, tokens), one)

        def run() -> Tensor:
            seat = self._find_row(len(films), needed)
            return seat.score_rows(fill(films, seat.films), prefix, rows, keep, tokens)[: len(films)]

        return self._try(run, many=True)

    def write_all(
        self,
        films: Sequence[Tensor],
        texts: Sequence[list[int]],
        films_at: Sequence[int],
        limit: int,
        stops: Collection[int],
    ) -> list[list[int]] | None:
        """See `Seat.write`. `films_at`: where the film stands in each text, which must be one place."""
        needed = max(map(len, texts)) + limit
        if not self._holds(needed) or not are_alike(films) or len(set(films_at)) > 1:
            return None

        def run() -> list[list[int]]:
            seat = self._find_row(len(films), needed)
            filled = fill(films, seat.films), fill(texts, seat.films)
            return seat.write(*filled, films_at[0], limit, stops)[: len(films)]

        return self._try(run, many=True)

    def _find_row(self, films: int, tokens: int) -> Seat:
        """The seat of so many films, at least. Of few sizes: a step is recorded for each, and rounds by itself."""
        size, capacity = 1 << (films - 1).bit_length(), max(MANY_TOKENS, -(-tokens // 64) * 64)
        if self._row is None or (self._row.films, self._row.capacity) != (size, capacity):
            self._row = None  # before the next one, so that both need never fit
            self._row = Seat(self.seat.decoder, size, capacity)
        return self._row

    def record_windows(self, states: Tensor) -> Iterator[int]:
        """Record the step for every length of text; yields each length when it is done."""
        for window in self._try(lambda: self.seat.windows) or ():
            if self._try(partial(self._warm_up, states, window), states):
                yield window

    def _warm_up(self, states: Tensor, window: int) -> bool:
        self.seat.warm_up(states, window)
        return True

    def _holds(self, tokens: int) -> bool:
        if self.runs and tokens > self.capacity and not self._told_length:
            logger.warning("a text of %d tokens runs on the plain path: the fast one holds %d", tokens, self.capacity)
            self._told_length = True
        return tokens <= self.capacity

    def _is_heavy(self, film: Tensor) -> bool:
        return self._heavy is not None and self._heavy() is film

    def _try(self, run: Callable[[], T], film: Tensor | None = None, many: bool = False) -> T | None:
        """What it gives; None where it cannot run, which is said.

        `film`: the one that is asked about, whose other questions the plain path answers, too, where memory runs out;
        `many`: whether the same can be asked of each film alone, so that nothing ends for good.
        """
        if not self.runs:
            return None
        try:
            return run()
        except (RuntimeError, MemoryError) as error:
            short, reason = is_out_of_memory(error), (str(error).splitlines() or [""])[0]
            if not short and not lacks_kernel(error):
                raise
            what = "the plain path answers " + ("about this film" if short else "from now on")
            logger.warning("%s (%s: %s)", "films are read one by one" if many else what, type(error).__name__, reason)
        self._row = None  # out here, where the error and all that its frames hold are gone
        if short:
            self._free(film)
        elif not many:
            self.runs, self._seat, self._eye = False, None, None
        return None

    def _free(self, film: Tensor | None) -> None:
        """Give back what can be made again, so that the plain path, and the next film, have room."""
        self._heavy = None if film is None else TensorWeakRef(film)
        if self._seat is not None:
            self._seat.forget()
        gc.collect()
        if self.model.device.type == "cuda":
            torch.cuda.empty_cache()


def is_out_of_memory(error: Exception) -> bool:
    """Whether torch or Python had no room; another film may find some."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(said in str(error) for said in NO_MEMORY)


def lacks_kernel(error: Exception) -> bool:
    """Whether this machine, or this transformers, cannot run the fast path at all."""
    return isinstance(error, NotImplementedError) or any(said in str(error) for said in NO_KERNEL)


def are_alike(films: Sequence[Tensor]) -> bool:
    """Whether films have as many positions, so that they can stand side by side."""
    return len({states.shape for states in films}) == 1


def fill(films: Sequence[T], places: int) -> list[T]:
    """The films, or their texts, and the last one again in the places that are left."""
    return [*films, *[films[-1]] * (places - len(films))]
