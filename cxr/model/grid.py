"""Where the encoder's patches lie: on the grid of its tiles, on the canvas, on the film.

Knows nothing about answers.
"""

from dataclasses import dataclass
from math import isqrt

import numpy as np
from PIL import Image
from torch import Tensor

from cxr.films.film import Film, place_on_canvas
from cxr.model.engine import Encoded, Engine


@dataclass(frozen=True)
class Grid:
    """The patches of one film as a square picture, the film's own way up: left is the patient's left, on the right.

    `tiles` and `patches`: along a side, of the grid and of a tile; `share`: how much of the side the canvas fills, from
    the upper left corner.
    """

    tiles: int
    patches: int
    share: float

    @property
    def side(self) -> int:
        """Patches along a side of the whole grid."""
        return self.tiles * self.patches

    def arrange(self, positions: Tensor) -> Tensor:
        """... x (tiles * (1 + patches)), as the encoder gives them -> ... x side x side; class tokens are left out."""
        tiled = positions.unflatten(-1, (self.tiles**2, 1 + self.patches**2))[..., 1:]
        square = tiled.unflatten(-1, (self.patches, self.patches)).unflatten(-3, (self.tiles, self.tiles))
        return square.transpose(-3, -2).flatten(-4, -3).flatten(-2, -1)

    def lay_on_film(self, values: np.ndarray, film: Film, canvas: int) -> np.ndarray:
        """Values of square cells of the whole grid -> H x W float32 over the film's own pixels.

        It undoes `letterbox`, which laid the film on a square canvas of `canvas` px. A border, which the model did not
        see, gets the least of the values.
        """
        field, laid = place_on_canvas(film, canvas)
        cells = len(values) * self.share / canvas
        left, top, right, bottom = (edge * cells for edge in (laid.left, laid.top, laid.right, laid.bottom))
        image = Image.fromarray(values.astype(np.float32), mode="F")
        box = (left, top, min(right, len(values)), min(bottom, len(values)))
        size = (field.right - field.left, field.bottom - field.top)
        over = np.full(film.pixels.shape, values.min(), np.float32)
        field.cut(over)[:] = np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=box))
        return over


def find_grid(engine: Engine, encoded: Encoded) -> Grid:
    """The grid of a film that this engine has encoded."""
    config, tiles = engine.model.config.vision_config, isqrt(encoded.tiles)
    # The stock processor lays a canvas as it is, but never smaller than a tile, into the upper left corner.
    share = min(1.0, max(engine.canvas, config.image_size) / (tiles * config.image_size))
    return Grid(tiles, config.image_size // config.patch_size, share)
