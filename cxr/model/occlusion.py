"""What an answer loses when a part of the film is covered: occlusion, tile by tile, many covered films side by side.

Source: Zeiler and Fergus, Visualizing and understanding convolutional networks, ECCV 2014. Knows nothing about
findings.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from PIL import Image

from cxr.films.film import Film, letterbox
from cxr.model.attention import measure_margin, project, see, to_numbers
from cxr.model.engine import Encoded, Engine
from cxr.model.pixels import Tiles, cut_as_stock
from cxr.prompts import Message

BLOCKS = 7  # along a side
AT_ONCE = 7  # films; the mask of the 11B's encoder takes 83 MB each


def draw_occlusion(engine: Engine, film: Film, conversations: Sequence[list[Message]]) -> list[np.ndarray]:
    """By how much yes loses against no when each block of the canvas is covered with its mean grey.

    Returns for each conversation BLOCKS x BLOCKS float32, 0 and more, over the canvas.
    """
    margins: list[list[torch.Tensor]] = [[] for _ in conversations]
    with torch.no_grad():
        for encoded in _encode_covered(engine, film):
            for told, conversation in zip(margins, conversations, strict=True):
                told.append(measure_margin(engine, encoded, conversation))
    joined = [torch.cat(told) for told in margins]
    return [to_numbers((each[0] - each[1:]).relu().unflatten(0, (BLOCKS, BLOCKS))) for each in joined]


def _encode_covered(engine: Engine, film: Film) -> Iterator[Encoded]:
    """The film as it is, then with each block covered, row by row; AT_ONCE of them side by side."""
    canvases = list(_cover(letterbox(film, engine.canvas)))
    for start in range(0, len(canvases), AT_ONCE):
        cut = [
            cut_as_stock(engine.processor, canvas, engine.model.device) for canvas in canvases[start : start + AT_ONCE]
        ]
        pixels, aspect, mask = (
            torch.cat(parts) for parts in zip(*((each.pixels, each.aspect, each.mask) for each in cut), strict=True)
        )
        yield project(engine, see(engine, Tiles(pixels, aspect, mask)), cut[0].real)


def _cover(canvas: Image.Image) -> Iterator[Image.Image]:
    yield canvas
    greys = np.asarray(canvas)
    edges = np.linspace(0, len(greys), BLOCKS + 1).round().astype(int)
    for top, bottom in pairwise(edges):
        for left, right in pairwise(edges):
            covered = greys.copy()
            covered[top:bottom, left:right] = round(float(greys.mean()))
            yield Image.fromarray(covered)
