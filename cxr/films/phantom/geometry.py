"""The plane a film is drawn on, and the few drawing means that everything else uses.

Lengths are centimetres in the patient: on a frontal film x runs to the patient's LEFT, which is the right of the
picture; on a lateral x runs to the back, the patient facing the left of the picture; y runs downwards from the
middle of the chest. Arrays are H x W float32. Knows nothing about anatomy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, ImageDraw

Array = np.ndarray
Curve = Sequence[tuple[float, float]]  # (position, value) pairs, positions rising


@dataclass(frozen=True)
class Plane:
    """A square picture of `size` px that shows `field` cm around (`x0`, `y0`) cm, turned by `turn` radians."""

    size: int
    field: float
    x0: float
    y0: float
    turn: float

    @property
    def pixel(self) -> float:
        """The side of a pixel in cm."""
        return self.field / self.size

    @cached_property
    def grid(self) -> tuple[Array, Array]:
        """x and y of every pixel's centre, in cm; each H x W float32."""
        line = (np.arange(self.size, dtype=np.float32) + 0.5) * self.pixel - self.field / 2
        right, down = line[None, :], line[:, None]
        cos, sin = np.float32(np.cos(self.turn)), np.float32(np.sin(self.turn))
        return right * cos + down * sin + np.float32(self.x0), down * cos - right * sin + np.float32(self.y0)

    def to_pixels(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Column and row, in px from the top left corner, of points in cm."""
        dx, dy = x - self.x0, y - self.y0
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        half = self.field / 2
        return (dx * cos - dy * sin + half) / self.pixel, (dx * sin + dy * cos + half) / self.pixel


def follow(curve: Curve, at: Array) -> Array:
    """The curve's value at every position, linear between its points."""
    places, values = zip(*curve, strict=True)
    return np.interp(at, places, values).astype(np.float32)


def smooth(curve: Curve, at: Array, round_off: float = 0.7) -> Array:
    """The curve's value at every position to 0.01 cm, its corners rounded over `round_off` cm to both sides."""
    low, high = float(at.min()), float(at.max())
    table = np.arange(low, high + 0.02, 0.01)  # a look-up is ten times faster than interpolating every pixel
    values: Array = np.stack([follow(curve, table + shift * round_off) for shift in (-1, 0, 1)]).mean(axis=0)
    return np.asarray(values[((at - np.float32(low)) * np.float32(100)).astype(np.int32)])


def ramp(value: Array, width: float) -> Array:
    """0 below -width/2, 1 above width/2, smooth between."""
    t = np.clip(value / np.float32(width) + np.float32(0.5), 0, 1)
    return t * t * (3 - 2 * t)


def ellipsoid(
    x: Array, y: Array, centre: tuple[float, float], axes: tuple[float, float, float], turn: float = 0.0
) -> Array:
    """The chord in cm of an ellipsoid seen along its third axis; `turn` in radians leads its first axis downwards."""
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
    along, across = (dx * cos + dy * sin) / np.float32(axes[0]), (dy * cos - dx * sin) / np.float32(axes[1])
    return np.float32(2 * axes[2]) * np.sqrt(np.maximum(1 - along * along - across * across, 0))


def unite(*chords: Array) -> Array:
    """The chord of solids that lie in one another, between the largest chord and the sum."""
    return np.sqrt(np.sqrt(sum((np.square(np.square(chord)) for chord in chords), np.float32(0))))


def splat(plane: Plane, x: Array, y: Array, volume: Array) -> Array:
    """The thickness in cm of many small volumes (cm^3) at points in cm, each spread over the 4 nearest pixels."""
    column, row = plane.to_pixels(x.ravel(), y.ravel())
    column, row = column - 0.5, row - 0.5
    inside = (column > 0) & (row > 0) & (column < plane.size - 1.01) & (row < plane.size - 1.01)
    column, row, weight = column[inside], row[inside], volume.ravel()[inside] / plane.pixel**2
    left, top = column.astype(np.int32), row.astype(np.int32)
    right, low = column - left, row - top
    place = top * plane.size + left
    total = np.zeros(plane.size**2)
    for step, share in (
        (0, (1 - right) * (1 - low)),
        (1, right * (1 - low)),
        (plane.size, (1 - right) * low),
        (plane.size + 1, right * low),
    ):
        total += np.bincount(place + step, weight * share, plane.size**2)
    return total.reshape(plane.size, plane.size).astype(np.float32)


def tube(path: Array, radius: Array, across: int = 9) -> tuple[Array, Array, Array]:
    """A solid tube in the picture's plane as points x, y and their volumes; `path` is N x 2 cm, `radius` N cm."""
    step = np.gradient(path, axis=0)
    length = np.hypot(step[:, 0], step[:, 1])
    normal = np.stack((-step[:, 1], step[:, 0]), 1) / np.maximum(length, 1e-6)[:, None]
    u = (np.arange(across) + 0.5) / across * 2 - 1
    points = path[:, None, :] + normal[:, None, :] * (radius[:, None] * u)[..., None]
    volume = (2 * radius[:, None] * np.sqrt(1 - u * u)) * (length * 2 * radius / across)[:, None]
    return points[..., 0], points[..., 1], volume


def draw_polygons(plane: Plane, shapes: Sequence[tuple[Array, float]]) -> Array:
    """Filled outlines (N x 2 cm) with their values, later ones over earlier ones; values 0..2.55, edges smooth."""
    scale = 2 if plane.size <= 640 else 1
    image = Image.new("L", (plane.size * scale, plane.size * scale))
    pen = ImageDraw.Draw(image)
    for outline, value in shapes:
        column, row = plane.to_pixels(outline[:, 0], outline[:, 1])
        pen.polygon(list(zip((column * scale).tolist(), (row * scale).tolist(), strict=True)), fill=round(value * 100))
    return soften(np.asarray(image.reduce(scale), dtype=np.float32) / 100)


def soften(image: Array, times: int = 1) -> Array:
    """The image blurred with a 1-2-1 kernel in both directions, `times` over (sigma 0.7 px, then 1, 1.2, ...)."""
    for _ in range(times):
        wide = np.pad(image, 1, mode="edge")
        rows = wide[:-2] + 2 * wide[1:-1] + wide[2:]
        image = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 16
    return image


def resize(image: Array, size: int, how: Image.Resampling = Image.Resampling.BICUBIC) -> Array:
    """A square image at another size."""
    return np.asarray(Image.fromarray(image.astype(np.float32)).resize((size, size), how))


def blur(image: Array, cells: int) -> Array:
    """A wide blur: the image averaged over `cells` x `cells` fields and drawn smoothly between them."""
    small = soften(resize(image, cells, Image.Resampling.BOX), 2)
    return resize(small, image.shape[0])


def noise(rng: np.random.Generator, size: int, cells: int) -> Array:
    """Smooth noise of mean 0 and deviation about 1, `cells` bumps across the film whatever its size."""
    small = rng.standard_normal((cells, cells), dtype=np.float32)
    return (
        resize(small, size) * np.float32(1.25)
        if cells < size
        else resize(small, size, Image.Resampling.BOX) * cells / size
    )


def fractal(rng: np.random.Generator, size: int, cells: int, octaves: int = 3, fall: float = 0.6) -> Array:
    """Noise summed over octaves, each finer by 2 and weaker by `fall`; deviation about 1."""
    total, norm = np.zeros((size, size), np.float32), 0.0
    for octave in range(octaves):
        total += noise(rng, size, cells * 2**octave) * np.float32(fall**octave)
        norm += fall ** (2 * octave)
    return total / np.float32(np.sqrt(norm))
