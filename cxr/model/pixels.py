"""A square canvas becomes the tiles that the vision encoder reads, on the encoder's own device.

The stock image processor takes longer on the CPU than the encoder on a GPU. Cut and scaled here, in few lines; at the
start both are held against each other on a canvas of noise, and where they differ the stock one does it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import MllamaProcessor

CLOSE = 1e-5  # of pixels in about -2..2


@dataclass(frozen=True)
class Tiles:
    """What the encoder is given of one film."""

    pixels: Tensor  # 1 x 1 x tiles x 3 x side x side
    aspect: Tensor  # aspect_ratio_ids, 1 x 1
    mask: Tensor  # aspect_ratio_mask, 1 x 1 x tiles

    @property
    def real(self) -> int:
        """How many tiles show the film."""
        return int(self.mask.sum())

    def keep_real(self) -> "Tiles":
        """Without the padding tiles; the real ones come first."""
        return Tiles(self.pixels[:, :, : self.real], self.aspect, self.mask[..., : self.real])


class Cutter:
    """Cuts canvases of one size, whose layout in tiles is always the same."""

    def __init__(self, processor: MllamaProcessor, side: int, device: torch.device, real: bool = False) -> None:
        """`side`: of the canvas in px; `real`: without padding tiles."""
        self.processor, self.device, self.keeps_real = processor, device, real
        images = processor.image_processor
        noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side), dtype=np.uint8))
        stock = cut_as_stock(processor, noise, device)
        self._aspect, self._mask, self._real = stock.aspect, stock.mask, stock.real
        self._tile, self._padded = stock.pixels.shape[-1], stock.pixels.shape[2]
        self._factor = images.rescale_factor
        scale = torch.tensor(images.image_std, device=device), torch.tensor(images.image_mean, device=device)
        self._std, self._mean = (each[:, None, None] for each in scale)
        whole = side % self._tile == 0 and (side // self._tile) ** 2 == self._real
        self.own = whole and bool(torch.allclose(self._cut(noise), stock.pixels, atol=CLOSE))

    def cut(self, canvas: Image.Image) -> Tiles:
        """A grey canvas's tiles."""
        tiles = (
            Tiles(self._cut(canvas), self._aspect, self._mask)
            if self.own
            else cut_as_stock(self.processor, canvas, self.device)
        )
        return tiles.keep_real() if self.keeps_real else tiles

    def _cut(self, canvas: Image.Image) -> Tensor:
        grey = torch.from_numpy(np.array(canvas)).to(self.device)
        grid = grey.unflatten(0, (-1, self._tile)).unflatten(2, (-1, self._tile)).transpose(1, 2).flatten(0, 1)
        colours = (grid[:, None].float() * self._factor - self._mean) / self._std
        return torch.nn.functional.pad(colours, (0,) * 7 + (self._padded - self._real,))[None, None]


def cut_as_stock(processor: MllamaProcessor, canvas: Image.Image, device: torch.device) -> Tiles:
    """A grey canvas's tiles by transformers' image processor."""
    inputs = processor.image_processor(images=[[canvas.convert("RGB")]], return_tensors="pt").to(device)
    return Tiles(inputs["pixel_values"], inputs["aspect_ratio_ids"], inputs["aspect_ratio_mask"])
