"""The exposed field of a film: what lies around it is no film. Borders are found, and blackened unless they are dark.

A border is a band of lines along a whole edge that are all of one value, but for JPEG noise, writing and thin frames.
Scale-free: raw values of any number type will do. Also edges that are aslant, as of a collimator. Knows nothing of
files or models.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

NOISE = 0.03  # of the range of a picture's middle; values nearer than this are one
RINGING = 4  # times the noise: what JPEG makes of a border beside an edge
BLOCK = 8  # px of a JPEG block, beyond which nothing rings
RUNG = 0.95  # share of a line that is alike when it only rings
STEP = 3  # px within which an edge is crossed
PLAIN, WRITTEN = 0.01, 0.4  # shares of a line that may differ: of a plain one, of one with writing
LEAST = 0.25  # of a side that must be left
THIN = 0.01  # of a side; a narrower band alone is left as it is
SHARP = 0.3  # share of a band's inner edge that must be a step, unless the band is darker than the middle
BLACK = 0.1  # greys up to here are left as they are
SAMPLE = 256  # lines of the middle, at most, from which its range is taken
WEDGE, STRAIGHT = 0.3, 0.008  # shares of a side: the shortest edge aslant, and how far it may bend
STEEP = 0.3  # px a px; a collimator's edge is less aslant
TRIES = 80  # lines laid through two points of an edge
LIGHT = 0.8  # greys from here on can be what a collimator left white
DROP = 0.12  # of grey, that there must be at such an edge
RIM = 0.06  # share of what lies around a picture that must be of one value before edges aslant are looked for


class Box(NamedTuple):
    """Rows top..bottom and columns left..right, ends excluded, in px."""

    top: int
    left: int
    bottom: int
    right: int

    def cut(self, values: np.ndarray) -> np.ndarray:
        """What lies within, as a view."""
        return values[self.top : self.bottom, self.left : self.right]


class _Band(NamedTuple):
    """Lines of one value along an edge: of which side (an index of a Box), what is left, and how the band ends."""

    side: int
    width: int
    rest: Box
    value: float
    sharp: bool


def find_field(values: np.ndarray, fading: bool = True) -> Box:
    """The rows and columns of the exposed field of a picture, H x W of any number type; all of it without a border.

    A dark band counts however it ends, for black around black air cannot be told from it; others only if they end in a
    step, for what is white by exposure fades. Reads the border and a sample of the rest, and copies neither.
    `fading`: false where values are to be mapped to greys, and dark air that fades is as good as any.
    """
    kept = Box(0, 0, *values.shape)
    for band in _peel(values):
        if band.width >= THIN * values.shape[band.side % 2] and (fading or band.sharp):
            kept = band.rest
    return kept


def blacken_border(pixels: np.ndarray) -> np.ndarray:
    """A film, H x W float32 in 0..1, with its white and grey border made black; the same array where it has none."""
    field = Box(0, 0, *pixels.shape)
    outside = np.zeros(0, bool)
    for band in _peel(pixels):
        if band.value > BLACK and band.sharp and band.width >= THIN * pixels.shape[band.side % 2]:
            outside = outside if outside.size else np.zeros(pixels.shape, bool)
            strip = list(field)
            strip[(band.side + 2) % 4] = band.rest[band.side]
            Box(*strip).cut(outside)[:] = True
        field = band.rest
    aslant = _find_wedges(field.cut(pixels))
    if aslant.any():
        outside = outside if outside.size else np.zeros(pixels.shape, bool)
        field.cut(outside)[:] |= aslant
    return np.where(outside, np.float32(0), pixels) if outside.size else pixels


def _peel(values: np.ndarray) -> Iterator[_Band]:
    """Bands from the outermost to the innermost, each side in turn; what lies within a band that fades is film."""
    box, (noise, dark) = Box(0, 0, *values.shape), _measure_middle(values)
    open_sides = set(range(4)) if noise > 0 else set()
    while open_sides:
        for side in sorted(open_sides):
            inner = box.cut(values)
            lines = (inner, inner.T, inner[::-1], inner.T[::-1])[side]
            room = len(lines) - int(LEAST * values.shape[side % 2])
            band = _measure_band(lines, room, noise, dark)
            if band is None or not band[2]:
                open_sides.discard(side)
            if band is not None:
                width, value, sharp = band
                edges = list(box)
                edges[side] += width if side < 2 else -width
                box = Box(*edges)
                yield _Band(side, width, box, value, sharp)


def _measure_middle(values: np.ndarray) -> tuple[float, float]:
    """How far apart two values of the middle half are that mean the same, and what is dark there."""
    height, width = values.shape
    middle = values[height // 4 : height - height // 4, width // 4 : width - width // 4]
    sample = middle[:: max(1, height // SAMPLE), :: max(1, width // SAMPLE)]
    low, high = (float(value) for value in np.nanpercentile(sample.astype(np.float32), (5, 95)))
    return NOISE * (high - low), low


def _measure_band(lines: np.ndarray, room: int, noise: float, dark: float) -> tuple[int, float, bool] | None:
    """Width, value and edge of the band that begins with the first line; None if there is none that counts."""
    value = float(np.median(lines[0]))
    width = begin = 0
    while begin < room:
        off = (np.abs(lines[begin : min(room, begin + 8 * BLOCK)].astype(np.float32) - value) > noise).mean(axis=1)
        if begin == 0 and off[0] > PLAIN:
            return None
        end = int(np.argmax(off > WRITTEN)) if (off > WRITTEN).any() else len(off)
        plain = np.flatnonzero(off[:end] <= PLAIN)
        width = begin + int(plain[-1]) + 1 if plain.size else width
        if end < len(off):
            break
        begin += len(off)
    within = lines[max(0, width - 1) : width + BLOCK + STEP].astype(np.float32)
    near = (np.abs(within[1 : BLOCK + 1] - value) <= RINGING * noise).mean(axis=1) > RUNG
    rung = int(np.argmin(np.append(near, False)))
    step = np.abs(within[rung + 1 : rung + 1 + STEP] - within[rung]) > RINGING * noise
    sharp = bool(step.any(axis=0).mean() >= SHARP)
    width += rung if sharp else 0
    return (width, value, sharp) if width < room and (sharp or value <= dark) else None


def _find_wedges(pixels: np.ndarray) -> np.ndarray:
    """H x W bool: what lies beyond straight edges aslant, all of one light value."""
    beyond = np.zeros(pixels.shape, bool)
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    rim = np.where(rim < LIGHT, np.float32(0), rim)
    if not (rim > 0).mean() > RIM:
        return beyond
    noise, _ = _measure_middle(pixels)
    value = float(np.median(rim[rim > 0]))
    away = np.abs(pixels - value)
    for turns in range(4):  # so that each side lies on the left in turn
        turned = np.rot90(away, turns)
        line = _fit_edge(turned, noise)
        if line is not None and line.max() >= THIN * turned.shape[1]:
            found = np.arange(turned.shape[1]) < np.ceil(line)[:, None]
            if (turned[found] < 2 * noise).mean() > 1 - WRITTEN:
                beyond |= np.rot90(found, -turns)
    return beyond


def _fit_edge(away: np.ndarray, noise: float) -> np.ndarray | None:
    """Of each row the column where a straight edge lies, a step at most places; None if the left side has no such edge.

    `away`: H x W, how far each value is from that of the border. Source: Fischler and Bolles, Random sample consensus,
    1981.
    """
    height, width = away.shape
    ends = np.lib.stride_tricks.sliding_window_view(away > 2 * noise, STEP, axis=1).all(axis=2)
    depths = ends.argmax(axis=1)
    stepped = away[np.arange(height), depths + STEP - 1] > DROP
    rows = np.flatnonzero((depths > 0) & (depths < width * LEAST) & stepped)
    if len(rows) < WEDGE * height:
        return None
    best, most = None, WEDGE * height
    for first, second in np.random.default_rng(0).choice(rows, (TRIES, 2)):
        slope = (depths[second] - depths[first]) / (second - first or np.inf)
        line = depths[first] + slope * (np.arange(height) - first)
        near = rows[np.abs(depths[rows] - line[rows]) <= STRAIGHT * width]
        if len(near) >= most and abs(slope) <= STEEP:
            most, best = len(near), near
    return None if best is None else np.polyval(np.polyfit(best, depths[best], 1), np.arange(height))
