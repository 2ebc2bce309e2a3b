"""The part that was taught where findings lie: two thin layers on what the encoder made of each place.

Taught on drawn films' masks by `python -m cxr.training.maps` and kept as `maps.safetensors` beside the adapter, with
how each way to draw a map did on other drawn films. Knows nothing about pages.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, conv2d, gelu

from cxr.findings import FINDINGS
from cxr.model.engine import Encoded, Engine
from cxr.model.grid import find_grid
from cxr.results import CxrError

FILE = "maps.safetensors"
MOST_CELLS = 28  # along a side; a finer grid is averaged to it, so that thousands of films fit into memory
WAYS = 4  # to draw a map; `ways.Method` names them
TENSORS = ("low", "low_bias", "high", "high_bias", "trials")


@dataclass(frozen=True)
class MapHead:
    """Two layers, and how good each way to draw a map was.

    low: hidden x width x 1 x 1, its bias: hidden; high: findings x hidden x 3 x 3, its bias: findings.
    trials: WAYS x 2: of each way the share of a map's maximum from which a place is meant, and its mean IoU there.
    """

    low: Tensor
    low_bias: Tensor
    high: Tensor
    high_bias: Tensor
    trials: np.ndarray

    def draw(self, cells: Tensor) -> Tensor:
        """... x width x side x side states -> ... x 14 x side x side: how likely each finding is at each place."""
        return torch.sigmoid(conv2d(gelu(conv2d(cells, self.low, self.low_bias)), self.high, self.high_bias, padding=1))


def gather_cells(engine: Engine, encoded: Encoded) -> Tensor:
    """A film's states as a picture: width x side x side float32 on the CPU, side at most MOST_CELLS."""
    grid = find_grid(engine, encoded)
    cells = grid.arrange(encoded.states[0].float().T)
    return adaptive_avg_pool2d(cells, min(grid.side, MOST_CELLS))


def read_head(folder: Path, width: int) -> MapHead | None:
    """What lies in an adapter's folder, or None where nothing does. `width`: of the states of its base.

    Raises:
        CxrError: the file is there but is not one of ours, or belongs to another base.
    """
    if not (folder / FILE).is_file():
        return None
    try:
        data = {name: np.asarray(value, np.float32) for name, value in load_file(folder / FILE).items()}
        low, low_bias, high, high_bias = (torch.from_numpy(data[name]) for name in TENSORS[:4])
        head = MapHead(low, low_bias, high, high_bias, data["trials"])
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise CxrError(f"The adapter's {FILE} cannot be read ({type(error).__name__}).") from error
    hidden, found = len(head.low_bias), len(FINDINGS)
    shapes = ((hidden, width, 1, 1), (hidden,), (found, hidden, 3, 3), (found,), (WAYS, 2))
    fits = all(tuple(data[name].shape) == shape for name, shape in zip(TENSORS, shapes, strict=True)) and hidden > 0
    shares = head.trials[:, 0]
    if not fits or not all(np.isfinite(value).all() for value in data.values()) or not _within(shares):
        raise CxrError(f"The adapter's {FILE} does not fit this base; fit it again or delete it.")
    return head


def _within(shares: np.ndarray) -> bool:
    return bool(((shares > 0) & (shares < 1)).all())


def write_head(head: MapHead, folder: Path) -> None:
    """Write `maps.safetensors`, the inverse of `read_head`; the layers in half precision, which changes no map."""
    layers = {name: getattr(head, name).half().contiguous().numpy() for name in TENSORS[:4]}
    save_file({**layers, "trials": np.ascontiguousarray(head.trials, np.float32)}, folder / FILE)
