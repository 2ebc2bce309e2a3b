"""Pictures that are no chest films: what people send by mistake, and what the gate must refuse.

Drawn by our own code, a seed a picture: objects, photographs (noise with the statistics of natural scenes), pages of
text, slices as of CT, radiographs of limbs. And real ones, a file each, from a folder.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from cxr.films.film import Film
from cxr.films.open import open_film
from cxr.results import CxrError

Array = np.ndarray
SIZES = (256, 512)  # px of a side
WORDS = ("the", "of", "patient", "and", "with", "report", "date", "no", "name", "page", "hospital", "seen", "total")


def draw_stranger(kind: str, seed: int) -> Film:
    """One picture of a kind, 256 to 512 px a side."""
    rng = np.random.default_rng([seed, sorted(KINDS).index(kind)])
    height, width = (int(side) for side in rng.integers(*SIZES, size=2))
    return Film(np.clip(KINDS[kind](rng, height, width), 0, 1).astype(np.float32))


def open_strangers(folder: Path, fitted: bool) -> Iterator[Film]:
    """The pictures of a folder that may be fitted on, or those that are measured on: each file has one of two uses."""
    for path in sorted(folder.iterdir()):
        if is_fitted(path.name) == fitted:
            try:
                yield open_film(path)
            except CxrError:  # refused sooner than by the gate
                continue


def is_fitted(name: str) -> bool:
    """Whether a file may be fitted on: half of all names, by their sha256, so that no list has to be kept."""
    return sha256(name.encode()).digest()[0] % 2 == 0


def draw_objects(rng: np.random.Generator, height: int, width: int) -> Array:
    """Shaded ellipses, boxes and lines on a ground that grows lighter to one side."""
    image = Image.fromarray((_slope(rng, height, width) * 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(2, 14))):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        wide, tall = rng.uniform(0.05, 0.5, 2) * (width, height)
        shade, rim = (int(value) for value in rng.integers(0, 256, 2))
        box = (x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2)
        kind = rng.integers(4)
        if kind == 0:
            pen.ellipse(box, fill=shade, outline=rim, width=int(rng.integers(1, 6)))
        elif kind == 1:
            pen.rectangle(box, fill=shade, outline=rim, width=int(rng.integers(1, 6)))
        elif kind == 2:
            pen.line(box, fill=shade, width=int(rng.integers(2, 20)))
        else:
            corners = [(x + rng.normal(0, wide), y + rng.normal(0, tall)) for _ in range(int(rng.integers(3, 7)))]
            pen.polygon(corners, fill=shade)
    soft = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 2)))
    return np.asarray(soft, dtype=np.float32) / 255 + rng.normal(0, rng.uniform(0, 0.03), (height, width))


def draw_scene(rng: np.random.Generator, height: int, width: int) -> Array:
    """Noise whose amplitude falls with frequency as in photographs (1/f), often with a sky and a ground.

    Source: Field, Relations between the statistics of natural images and the response properties of cortical cells,
    1987.
    """
    picture = _noise(rng, height, width, rng.uniform(0.8, 1.6))
    if rng.random() < 0.5:
        horizon = rng.uniform(0.25, 0.75) + 0.1 * _noise(rng, 1, width, 1.2)
        ground = (np.arange(height)[:, None] / height > horizon).astype(np.float32)
        picture = picture * rng.uniform(0.4, 1) + ground * rng.uniform(-2.5, 2.5)
    return _stretch(picture, rng)


def draw_page(rng: np.random.Generator, height: int, width: int) -> Array:
    """Lines of words, dark on light or light on dark, with a heading and sometimes a frame or a table."""
    paper, ink = (int(rng.integers(215, 256)), int(rng.integers(0, 90)))
    if rng.random() < 0.25:
        paper, ink = 255 - paper, 255 - ink
    image = Image.new("L", (width, height), paper)
    pen = ImageDraw.Draw(image)
    tall = float(rng.uniform(8, 22))
    font = ImageFont.load_default(size=tall)
    margin, y = width * rng.uniform(0.03, 0.12), height * rng.uniform(0.03, 0.2)
    while y < height * rng.uniform(0.7, 0.98):
        words = " ".join(rng.choice(WORDS, int(width / tall * rng.uniform(0.1, 0.45)) + 1))
        pen.text((margin, y), words, fill=ink, font=font)
        y += tall * rng.uniform(1.1, 2.2)
    if rng.random() < 0.4:
        pen.rectangle((margin / 2, margin / 2, width - margin / 2, height - margin / 2), outline=ink, width=2)
    return np.asarray(image, dtype=np.float32) / 255 * _slope(rng, height, width, least=0.75)


def draw_slice(rng: np.random.Generator, height: int, width: int) -> Array:
    """A bright oval with a rim and organs on black, as a slice of a body or a head looks."""
    x, y = _grid(height, width)
    long = rng.uniform(0.45, 0.9)
    oval = (x / long) ** 2 + (y / (long * rng.uniform(0.55, 1.3))) ** 2
    body = (oval < 1).astype(np.float32) * rng.uniform(0.3, 0.7)
    body = np.where((oval > rng.uniform(0.75, 0.95)) & (oval < 1), rng.uniform(0.4, 1.0), body)
    for _ in range(int(rng.integers(2, 12))):
        away, angle = rng.uniform(0, 0.6) * long, rng.uniform(0, 2 * np.pi)
        wide, tall = rng.uniform(0.04, 0.35, 2)
        place = ((x - away * np.cos(angle)) / wide) ** 2 + ((y - away * np.sin(angle)) / tall) ** 2
        body = np.where((place < 1) & (oval < 0.8), np.clip(rng.normal(0.5, 0.3), 0, 1), body)
    return _soften(body, rng.uniform(0.5, 2)) + rng.normal(0, rng.uniform(0.01, 0.05), (height, width)) * (body > 0)


def draw_limb(rng: np.random.Generator, height: int, width: int) -> Array:
    """One to five long bones with their soft tissue, at any angle, as radiographs of hands, arms and legs show them."""
    x, y = _grid(height, width)
    turn = rng.uniform(0, np.pi) if rng.random() < 0.4 else rng.normal(0, 0.15)
    across, along = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    count = int(rng.integers(1, 6))
    flesh, bone = np.zeros_like(x), np.zeros_like(x)
    spread = rng.uniform(0.25, 0.7) if count > 1 else 0.0
    for middle in np.linspace(-spread, spread, count):
        radius = rng.uniform(0.05, 0.16) / count**0.4
        bent = across - middle - rng.normal(0, 0.1) * along**2
        joint = rng.uniform(-0.6, 0.6)
        thick = radius * (1 + rng.uniform(0.3, 1.0) * np.exp(-(((along - joint) / 0.14) ** 2)))
        gap = 1 - np.exp(-(((along - joint) / 0.015) ** 2))
        outer = np.sqrt(np.maximum(thick**2 - bent**2, 0))
        bone += (outer - 0.75 * np.sqrt(np.maximum((0.7 * thick) ** 2 - bent**2, 0))) * gap
        flesh += np.sqrt(np.maximum((radius * rng.uniform(1.6, 3.5)) ** 2 - bent**2, 0))
    dark = 1 - np.exp(-(rng.uniform(0.8, 2.5) * flesh + rng.uniform(4, 9) * bone))
    return _stretch(_soften(dark, 0.8) + rng.normal(0, 0.01, dark.shape), rng)


KINDS: dict[str, Callable[[np.random.Generator, int, int], Array]] = {
    "objects": draw_objects,
    "scene": draw_scene,
    "page": draw_page,
    "slice": draw_slice,
    "limb": draw_limb,
}


def _grid(height: int, width: int) -> tuple[Array, Array]:
    """x and y in -1..1 over the picture."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return x.astype(np.float32), y.astype(np.float32)


def _slope(rng: np.random.Generator, height: int, width: int, least: float = 0.0) -> Array:
    """A light that grows evenly to one side, within least..1."""
    x, y = _grid(height, width)
    low, high = np.sort(rng.uniform(least, 1, 2))
    angle = rng.uniform(0, 2 * np.pi)
    return low + (high - low) * (0.5 + 0.35 * (x * np.cos(angle) + y * np.sin(angle)))


def _noise(rng: np.random.Generator, height: int, width: int, fall: float) -> Array:
    """Noise of mean 0 and deviation 1 whose amplitude falls as 1 / frequency ** fall."""
    across, down = np.fft.fftfreq(width)[None, :], np.fft.fftfreq(height)[:, None]
    far = np.sqrt(across**2 + down**2)
    far[0, 0] = np.inf
    wave = np.fft.ifft2(np.fft.fft2(rng.standard_normal((height, width))) / far**fall).real
    return (wave - wave.mean()) / (wave.std() + 1e-9)


def _stretch(picture: Array, rng: np.random.Generator) -> Array:
    """Greys of a photograph: its own range in 0..1, with some gamma."""
    low, high = np.quantile(picture, (0.005, 0.995))
    return np.clip((picture - low) / (high - low + 1e-9), 0, 1) ** rng.uniform(0.6, 1.6)


def _soften(picture: Array, radius: float) -> Array:
    image = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255
