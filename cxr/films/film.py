"""The Film, and the one canvas on which every model sees it. Knows nothing about files or models."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from PIL import Image

from cxr.films.field import Box, find_field
from cxr.results import Reason

View = Literal["PA", "AP", "lateral"]

MAX_SIDE = 1120  # px; the largest canvas any model here uses: 2 x 2 tiles of 560


@dataclass(frozen=True)
class Film:
    """A chest film without identifiers.

    `pixels`: H x W float32 in 0..1, air dark, row 0 at the top, the patient's left on the right, the
    long side at most MAX_SIDE px. `warnings`: sentences for the reader of the film. `anyway`: who sent it wants it
    read even if the gate refuses it. `reasons`: why its header says that it should not be read, or only with care.
    """

    pixels: np.ndarray
    view: View | None = None
    warnings: tuple[str, ...] = ()
    anyway: bool = False
    reasons: tuple[Reason, ...] = ()


def to_image(film: Film) -> Image.Image:
    """The film as an 8-bit grey picture (mode L) of its own size."""
    greys = film.pixels * np.float32(255)
    return Image.fromarray(np.rint(greys, out=greys).astype(np.uint8), mode="L")


def shrink(pixels: np.ndarray, side: int = MAX_SIDE) -> np.ndarray:
    """H x W float32 with the long side at most `side` px, by area averaging; smaller ones stay as they are."""
    height, width = pixels.shape
    scale = side / max(height, width)
    if scale >= 1:
        return pixels.astype(np.float32, copy=False)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(pixels.astype(np.float32), mode="F")
    return np.asarray(image.resize(size, Image.Resampling.BOX), dtype=np.float32)


def letterbox(film: Film, side: int) -> Image.Image:
    """The exposed field of a film centred on a black square of `side` px, its shape kept (mode L).

    The stock Mllama processor cuts a film into 1 to 4 tiles by its size; one square canvas, the same in
    training, evaluation and serving, keeps shapes fixed. Without its border, a film is seen alike with any.
    """
    field, laid = place_on_canvas(film, side)
    image = to_image(replace(film, pixels=field.cut(film.pixels)))
    size = (laid.right - laid.left, laid.bottom - laid.top)
    canvas = Image.new("L", (side, side), 0)
    canvas.paste(image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0), (laid.left, laid.top))
    return canvas


def place_on_canvas(film: Film, side: int) -> tuple[Box, Box]:
    """The part of a film that `letterbox` shows, and where it lies on the canvas."""
    field = find_field(film.pixels)
    height, width = field.bottom - field.top, field.right - field.left
    scale = side / max(height, width)
    tall, wide = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (side - tall) // 2, (side - wide) // 2
    return field, Box(top, left, top + tall, left + wide)
