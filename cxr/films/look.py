"""What a picture looks like as a whole: an upright chest film, a turned or inverted one, a part of one, or none.

A softmax over hand-made statistics, torch-free: the picture's 16 x 16 means, how its contrast is spread over coarse and
fine, its shape and greys. `python -m cxr.training.looks` fits it and writes `look.json`. Knows nothing of models.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from cxr.films.film import shrink

FILE = Path(__file__).with_name("look.json")
GRID = 16  # means along each side
SIDE = 256  # px to which a picture is shrunk first, so that nothing depends on how large it was sent
FINE = 128  # px of the square on which texture is measured
LEVELS = 4  # of the pyramid
SAME = 1 / 255  # greys nearer than this are one
DARK, LIGHT = 0.03, 0.97
EMPTY, FULL = 0.1, 0.96  # a border is darker nearly everywhere, or lighter
NEARLY = 0.9  # of a row or column; the rest may be writing
LEAST = 0.25  # of a side that must be left
LOOKS = (
    "upright",
    "turned to the left",
    "turned to the right",
    "upside down",
    "inverted",
    "lateral",
    "upper part cut off",
    "lower part cut off",
    "left part cut off",
    "right part cut off",
    "every side cut off",
    "not a chest",
    "not an X-ray",
)


@dataclass(frozen=True)
class Weights:
    """looks x statistics, and one number a look."""

    slopes: np.ndarray
    intercepts: np.ndarray


def tell_looks(pixels: np.ndarray, weights: Weights | None = None) -> Mapping[str, float]:
    """The probability of each of LOOKS for a picture, H x W float32 in 0..1; `weights`: others than those that ship."""
    weights = weights or read_weights()
    scores = weights.slopes @ measure_statistics(pixels) + weights.intercepts
    shares = np.exp(scores - scores.max())
    return dict(zip(LOOKS, (shares / shares.sum()).tolist(), strict=True))


def measure_statistics(pixels: np.ndarray) -> np.ndarray:
    """GRID * GRID + 12 float32, each about as large as the others."""
    pixels = trim_borders(shrink(pixels, SIDE))
    means = _resize(pixels, GRID, GRID)
    spread = float(means.std()) + 1e-4
    standard = (means - means.mean()) / spread
    fine = _resize(pixels, FINE, FINE)
    across = np.abs(np.diff(fine, axis=1))
    height, width = pixels.shape
    few = [
        2 * np.log(width / height),
        4 * pixels.mean() - 2,
        5 * spread,
        3 * (pixels < DARK).mean(),
        3 * (pixels > LIGHT).mean(),
        *_measure_texture(fine, spread),
        2 * (across < SAME).mean(),
        2 * (standard * standard[:, ::-1]).mean(),  # how alike both halves are
        2 * across.max(),
    ]
    return 0.3 * np.concatenate([standard.ravel(), few]).astype(np.float32)


def trim_borders(pixels: np.ndarray) -> np.ndarray:
    """A picture, H x W, without its black and white borders: many a film comes laid on a larger black square.

    What is left is the longest run of rows, then of columns, that are neither; lines of writing are short runs.
    """
    for axis in (1, 0):  # rows, then columns
        low, high = np.quantile(pixels, (1 - NEARLY, NEARLY), axis=axis)
        inside = ((high > EMPTY) & (low < FULL)).astype(np.int8)
        runs = np.flatnonzero(np.diff(np.pad(inside, 1))).reshape(-1, 2)
        begin, end = max(runs.tolist(), key=lambda run: run[1] - run[0], default=(0, 0))
        if end - begin >= LEAST * len(inside):
            pixels = pixels[begin:end] if axis else pixels[:, begin:end]
    return np.ascontiguousarray(pixels)


def _measure_texture(fine: np.ndarray, spread: float) -> list[float]:
    """What each level of a pyramid adds to the next coarser one, in logarithms."""
    energies = []
    for _ in range(LEVELS):
        side = len(fine)
        coarse = _resize(fine, side // 2, side // 2)
        back = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BILINEAR))
        energies.append(float(np.log(np.abs(fine - back).mean() / spread + 1e-3)) + 2)
        fine = coarse
    return energies


def _resize(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX))


@cache
def read_weights() -> Weights:
    """The weights that ship with the code."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    rows = [data[look] for look in LOOKS]
    return Weights(np.array([row["slopes"] for row in rows]), np.array([row["intercept"] for row in rows]))


def write_weights(weights: Weights) -> None:
    """Write `look.json`, a line a look, to four decimals."""
    lines = [
        f'  {json.dumps(look)}: {{"intercept": {intercept:.4f}, "slopes": {json.dumps(np.round(row, 4).tolist())}}}'
        for look, row, intercept in zip(LOOKS, weights.slopes, weights.intercepts, strict=True)
    ]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
