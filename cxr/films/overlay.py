"""A film with a heat map in colour over it, and the coloured layer alone. Knows nothing about models."""

import io

import numpy as np
from PIL import Image

from cxr.films.film import Film, to_image

COLOUR = (232, 89, 12)  # orange: told from every grey, by those who do not tell red from green, too
STRONGEST = 0.65  # how much of the film the layer hides at most


def draw_layer(values: np.ndarray) -> Image.Image:
    """A map of 0..1 (H x W) as a layer of one colour that hides the more the higher the value (mode RGBA)."""
    layer = np.zeros((*values.shape, 4), np.uint8)
    layer[..., :3] = COLOUR
    layer[..., 3] = np.round(np.clip(values, 0, 1) * STRONGEST * 255)
    return Image.fromarray(layer, mode="RGBA")


def draw_greys(values: np.ndarray) -> Image.Image:
    """A map of 0..1 as greys (mode L), black 0 and white 1."""
    return Image.fromarray(np.round(np.clip(values, 0, 1) * 255).astype(np.uint8), mode="L")


def draw_overlay(film: Film, values: np.ndarray) -> Image.Image:
    """The film with the layer over it (mode RGB); `values`: of the film's own size."""
    return Image.alpha_composite(to_image(film).convert("RGBA"), draw_layer(values)).convert("RGB")


def write_png(image: Image.Image) -> bytes:
    """A picture as a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
