"""Films photographed off a screen, a light box or a table, as a phone does: seeded, and any way up.

In perspective, of other greys, out of focus, with reflections, something around the film, noise and JPEG. Other than
`spoilt.photograph` it draws no grid of a screen, so nothing but the picture itself tells what it is.
"""

from io import BytesIO

import numpy as np
from PIL import Image, ImageFilter

from cxr.evaluation.strangers import draw_scene

Array = np.ndarray
SIDES = (256, 480)  # px of the photograph's long side
CORNERS = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)  # x, y; clockwise


def photograph_film(pixels: Array, rng: np.random.Generator) -> Array:
    """The photograph, H x W float32 in 0..1, of a film, H x W float32 in 0..1."""
    long = int(rng.integers(*SIDES))
    short = int(long * rng.uniform(0.7, 1))
    size = (long, short) if rng.random() < 0.5 else (short, long)  # width, height
    room, frame = _draw_surroundings(size, rng)
    low, high = rng.uniform(0.0, 0.2), rng.uniform(0.6, 1.0)
    shown = low + (high - low) * np.clip(pixels, 0, 1) ** rng.uniform(0.7, 1.5)
    edge = int(rng.uniform(0, 0.12) * max(pixels.shape)) if rng.random() < 0.7 else 0
    framed = np.pad(shown, edge, constant_values=frame)
    laid = _lay(framed, room, _place_corners(framed.shape, size, rng))
    return _take_picture(laid, rng)


def _draw_surroundings(size: tuple[int, int], rng: np.random.Generator) -> tuple[Array, float]:
    """What lies around the film, H x W, and the grey of the frame next to it: a light box, a dark room or a table."""
    width, height = size
    coarse = draw_scene(rng, height // 2, width // 2).clip(0, 1).astype(np.float32)
    scene = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR))
    kind = rng.integers(3)
    if kind == 0:
        bright = rng.uniform(0.8, 1.0)
        return bright - rng.uniform(0, 0.15) * scene, bright
    if kind == 1:
        return rng.uniform(0.02, 0.4) * scene, rng.uniform(0, 0.2)
    return rng.uniform(0, 0.3) + rng.uniform(0.3, 0.7) * scene, rng.uniform(0, 1)


def _place_corners(shape: tuple[int, ...], size: tuple[int, int], rng: np.random.Generator) -> Array:
    """Where the corners of the film come to lie, 4 x 2 in px: as large as fits or smaller, aslant, in perspective."""
    extent = np.array(shape[::-1], float)
    extent *= min(np.array(size) / extent) * rng.uniform(0.7, 1.0)
    turn = np.deg2rad(rng.normal(0, 4))
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = (CORNERS - 0.5 + rng.normal(0, 0.025, (4, 2))) * extent @ spin
    room = np.maximum(np.array(size) - extent, 0)
    return corners + np.array(size) / 2 + rng.uniform(-0.4, 0.4, 2) * room


def _lay(pixels: Array, ground: Array, corners: Array) -> Array:
    """A picture laid on another so that its corners lie there, in perspective."""
    height, width = pixels.shape
    rows, right = [], []
    for (x, y), (u, v) in zip(corners, CORNERS * (width, height), strict=True):  # from the ground back to the picture
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    ways = tuple(np.linalg.solve(np.array(rows), np.array(right)))
    size = ground.shape[::-1]
    image = Image.fromarray(pixels.astype(np.float32))
    there = Image.fromarray(np.ones(pixels.shape, np.float32))
    laid, mask = (
        np.asarray(each.transform(size, Image.Transform.PERSPECTIVE, ways, Image.Resampling.BILINEAR))
        for each in (image, there)
    )
    return laid * mask + ground * (1 - mask)


def _take_picture(scene: Array, rng: np.random.Generator) -> Array:
    """Uneven light, reflections, blur, noise, JPEG."""
    height, width = scene.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    scene = scene * (1 + rng.uniform(0, 0.2) * (x * np.cos(angle) + y * np.sin(angle)))
    scene = scene * (1 - rng.uniform(0, 0.25) * (x**2 + y**2) / 2)
    for _ in range(int(rng.integers(0, 3))):
        (right, below), (wide, tall) = rng.uniform(-1, 1, 2), rng.uniform(0.1, 0.5, 2)
        scene = scene + rng.uniform(0.1, 0.5) * np.exp(-(((x - right) / wide) ** 2) - ((y - below) / tall) ** 2)
    image = Image.fromarray((np.clip(scene, 0, 1) * 255).astype(np.uint8))
    blurred = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 2.0)))
    noisy = np.asarray(blurred) + rng.normal(0, rng.uniform(0.5, 5), (height, width))
    file = BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=int(rng.integers(50, 92)))
    return np.asarray(Image.open(file), dtype=np.float32) / 255
