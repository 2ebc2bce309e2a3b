"""The same film as it should not come: turned, inverted, cropped, photographed off a screen, clipped, unsharp. Seeded.

What is done is known exactly, so that it can be measured how often the gate gives the right reason.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image, ImageFilter

from cxr.evaluation.photographs import photograph_film
from cxr.films.film import Film
from cxr.films.gate import CUTS
from cxr.films.phantom import draw_film

Array = np.ndarray


def spoil(film: Film, how: str, seed: int) -> Film:
    """The film, spoilt in one of the ways of `WAYS`."""
    rng = np.random.default_rng([seed, sorted(WAYS).index(how)])
    return replace(film, pixels=np.ascontiguousarray(WAYS[how](film.pixels, rng), dtype=np.float32))


def draw_lateral(seed: int, size: int = 256) -> Film:
    """A drawn film from the side without a word of it in its header; every other patient faces the other way."""
    pixels = draw_film(seed, size=size, view="lateral").film.pixels
    return Film(np.ascontiguousarray(pixels[:, ::-1] if seed % 2 else pixels))


def join_films(one: Film, other: Film, stacked: bool) -> Film:
    """Two films in one picture, as high or as wide as one another, beside each other or one above the other."""
    first, second = (film.pixels.T if stacked else film.pixels for film in (one, other))
    size = (max(1, round(second.shape[1] * len(first) / len(second))), len(first))
    fitted = np.asarray(Image.fromarray(np.ascontiguousarray(second)).resize(size), dtype=np.float32)
    joined = np.concatenate([first, fitted], axis=1)
    return Film(np.ascontiguousarray(joined.T if stacked else joined))


def crop(pixels: Array, rng: np.random.Generator) -> Array:
    """What is left when 40 to 55 % is cut away at one side or around, so that much of a lung is missing."""
    return cut(pixels, CUTS[int(rng.integers(len(CUTS)))], rng.uniform(0.40, 0.55))


def cut(pixels: Array, look: str, share: float) -> Array:
    """The film without a share of it; `look`: one of `CUTS`, as seen on the picture."""
    height, width = pixels.shape
    tall, wide = round(height * share), round(width * share)
    if look == CUTS[4]:
        return pixels[tall // 2 : height - tall // 2, wide // 2 : width - wide // 2]
    rows = slice(tall, None) if look == CUTS[0] else slice(height - tall) if look == CUTS[1] else slice(None)
    columns = slice(wide, None) if look == CUTS[2] else slice(width - wide) if look == CUTS[3] else slice(None)
    return pixels[rows, columns]


def photograph(pixels: Array, rng: np.random.Generator) -> Array:
    """The film on a screen, photographed: aslant, in a dark frame, with the screen's grid and a reflection."""
    height, width = (max(320, side) for side in pixels.shape)
    image = Image.fromarray((pixels * 255).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    shown = np.asarray(image, dtype=np.float32) / 255 * rng.uniform(0.6, 0.85) + rng.uniform(0.05, 0.15)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    step, turn = rng.uniform(2.3, 5.0), rng.uniform(-0.3, 0.3)  # px between two lines of the screen in the photograph
    grid = np.sin((x * np.cos(turn) + y * np.sin(turn)) * 2 * np.pi / step)
    grid += np.sin((y * np.cos(turn) - x * np.sin(turn)) * 2 * np.pi / step)
    shown += rng.uniform(0.02, 0.05) * grid
    centre, spread = rng.uniform(0.2, 0.8, 2) * (width, height), rng.uniform(0.08, 0.2) * width
    shown += rng.uniform(0.1, 0.4) * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * spread**2))
    frame = Image.fromarray((np.clip(shown, 0, 1) * 255).astype(np.uint8))
    corners = np.array([(0, 0), (0, 1), (1, 1), (1, 0)]) * 1.06 - 0.03 + rng.normal(0, 0.02, (4, 2))
    quad = tuple((corners * (width, height)).ravel())  # upper left, lower left, lower right, upper right
    room = int(rng.integers(15, 70))
    slanted = frame.transform((width, height), Image.Transform.QUAD, quad, Image.Resampling.BICUBIC, fillcolor=room)
    blurred = slanted.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.6)))
    return np.asarray(blurred, dtype=np.float32) / 255 + rng.normal(0, 0.012, (height, width))


def clip(pixels: Array, rng: np.random.Generator) -> Array:
    """Exposed so that a third of the film or more is pure white."""
    top = np.quantile(pixels, rng.uniform(0.5, 0.65))
    return np.clip(pixels / max(float(top), 1e-3), 0, 1)


def blur(pixels: Array, rng: np.random.Generator) -> Array:
    """Out of focus by 2 to 4 dots of 256 along the long side."""
    spread = rng.uniform(2, 4) * max(pixels.shape) / 256
    image = Image.fromarray((pixels * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(spread))
    return np.asarray(image, dtype=np.float32) / 255


def shrink_away(pixels: Array, rng: np.random.Generator) -> Array:
    """So small that nothing can be read: 36 to 60 px on its long side."""
    image = Image.fromarray(pixels)
    scale = rng.uniform(36, 60) / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return np.asarray(image.resize(size, Image.Resampling.BOX))


WAYS: dict[str, Callable[[Array, np.random.Generator], Array]] = {
    "turned to the left": lambda pixels, _: np.rot90(pixels),
    "turned to the right": lambda pixels, _: np.rot90(pixels, 3),
    "upside down": lambda pixels, _: np.rot90(pixels, 2),
    "inverted": lambda pixels, _: 1 - pixels,
    "inverted and turned": lambda pixels, rng: 1 - np.rot90(pixels, int(rng.integers(1, 4))),
    "cropped": crop,
    "photo of a screen": lambda pixels, rng: np.clip(photograph(pixels, rng), 0, 1),
    "photographed": photograph_film,
    "photographed, turned to the left": lambda pixels, rng: photograph_film(np.rot90(pixels), rng),
    "photographed, turned to the right": lambda pixels, rng: photograph_film(np.rot90(pixels, 3), rng),
    "photographed upside down": lambda pixels, rng: photograph_film(np.rot90(pixels, 2), rng),
    "clipped": clip,
    "too small": shrink_away,
    "unsharp": blur,
}
