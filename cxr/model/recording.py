"""A step of the GPU as a CUDA graph, and what it has chosen, read while it works on. Knows nothing of models."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

DRY_RUNS = 2  # before a recording: libraries set themselves up in the first


class Result:
    """Tokens that the GPU is still choosing; `read` waits for them."""

    def __init__(self, tokens: Tensor) -> None:
        self._event = torch.cuda.Event() if tokens.is_cuda else None
        self._tokens = torch.empty(tokens.shape, dtype=tokens.dtype, pin_memory=tokens.is_cuda)
        self._tokens.copy_(tokens, non_blocking=True)
        if self._event:
            self._event.record()

    def read(self) -> list[int]:
        """One token for each film."""
        if self._event:
            self._event.synchronize()
        return [int(token) for token in self._tokens[:, 0]]


def capture(walk: Callable[[], None], pool: Any, rewind: Callable[[], object]) -> torch.cuda.CUDAGraph:
    """`walk` as a graph, after dry runs on a stream of their own; `rewind` comes before each run."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(DRY_RUNS):
            rewind()
            walk()
    torch.cuda.current_stream().wait_stream(aside)
    rewind()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
        walk()
    return graph


def choose_window(tokens: int, windows: Sequence[int]) -> int:
    """The least of the ascending windows that holds so many tokens."""
    return next(window for window in windows if tokens <= window)


def count_alike(one: Sequence[object], other: Sequence[object]) -> int:
    """How many tokens (or pieces) two texts have in common at their beginning."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
