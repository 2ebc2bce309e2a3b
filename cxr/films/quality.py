"""What a few numbers say of a film: blank, too small, clipped, of little contrast, unsharp, photographed off a screen.

Rules, with nothing fitted. Knows nothing of files or models.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from cxr.films.field import find_field
from cxr.results import CxrError, Reason

TINY_SIDE, SMALL_SIDE = 64, 128  # px of the short side
LONG_SIDE = 2.2  # times the short one
BLANK, FLAT = 0.01, 0.05  # standard deviation of the greys
BURNT_OUT, SUNK = 0.25, 0.65  # shares of pure white and pure black; collimation and letterboxes make the latter large
SCREEN_SIDE = 512  # px of the square that is searched for the grid of a screen
SCREEN_RINGS = 64  # rings of one frequency each, of 1 / SCREEN_RINGS cycles a px
FINEST, COARSEST = 32, 8  # rings between which the lines of a screen lie: 2 to 8 px apart
SHARP_SIDE = 256  # px of the long side at which sharpness is measured, about what a model sees
UNSHARP = 0.055  # one of 1,753 real films to train on has less, and 95 of 100 more than 0.09
SCREEN_PEAK = 40.0  # times the median of its ring; of 244 real films one had 27 and all others less than 16

SAY_BLANK = "This film is blank, or next to it, so there is nothing to read: choose another file."
TINY = Reason(
    "too small",
    True,
    f"This picture is less than {TINY_SIDE} dots wide or high: too small for anything to be seen on it.",
    "Send the film in its full size.",
)
SMALL = Reason("small", False, "This picture is very small; fine detail cannot be seen on it.", TINY.step)
LONG = Reason(
    "cropped",
    False,
    "This picture is unusually long or narrow, so it may show only a part of a film, or more than one.",
    "Send one whole film.",
)
PALE = Reason("flat", False, "This film has so little contrast that fine detail is lost.", "Send the original file.")
WHITE = Reason(
    "clipped",
    False,
    "Much of this film is pure white, and what was there cannot be seen.",
    "Send the original file, or one saved with less brightness.",
)
SOFT = Reason(
    "unsharp",
    False,
    "This film is out of focus, so what is fine cannot be seen on it, and what is there may be missed.",
    "Send the original file.",
)
BLACK = Reason(
    "clipped",
    False,
    "Much of this film is pure black, and what was there cannot be seen.",
    "Send the original file, or one saved with more brightness.",
)
SCREEN = Reason(
    "photo of a screen",
    False,
    "This looks like a photograph of a screen: its lines and reflections can look like disease, or hide it.",
    "Send the original file if you have it.",
)


def check_blank(pixels: np.ndarray) -> None:
    """Refuse a film, H x W float32 in 0..1, on which there is nothing.

    Raises:
        CxrError: it is blank; the one refusal that nobody can overrule.
    """
    if find_field(pixels).cut(pixels).std() < BLANK:
        raise CxrError(SAY_BLANK)


def check_quality(pixels: np.ndarray) -> Iterator[Reason]:
    """Why a film, H x W float32 in 0..1, is hard to read; nothing for an ordinary one. Its border does not count."""
    pixels = find_field(pixels).cut(pixels)
    short, long = sorted(pixels.shape)
    if short < SMALL_SIDE:
        yield TINY if short < TINY_SIDE else SMALL
    if long > LONG_SIDE * short:
        yield LONG
    if pixels.std() < FLAT:
        yield PALE
    if (pixels > 0.99).mean() > BURNT_OUT:
        yield WHITE
    if (pixels < 0.01).mean() > SUNK:
        yield BLACK
    if long >= SHARP_SIDE and measure_sharpness(pixels) < UNSHARP:
        yield SOFT
    if measure_grid(pixels) > SCREEN_PEAK:
        yield SCREEN


def measure_sharpness(pixels: np.ndarray) -> float:
    """How much greys change from dot to dot in the middle of a film, as a share of how much they change at all.

    The mean absolute Laplacian over the standard deviation, at `SHARP_SIDE`, without a fifth of the film at each side.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    image.thumbnail((SHARP_SIDE, SHARP_SIDE), Image.Resampling.BOX)
    small = np.asarray(image)
    height, width = small.shape
    middle = small[height // 5 : height - height // 5, width // 5 : width - width // 5]
    if min(middle.shape) < 3:
        return 1.0
    centre = 4 * middle[1:-1, 1:-1]
    change = centre - middle[:-2, 1:-1] - middle[2:, 1:-1] - middle[1:-1, :-2] - middle[1:-1, 2:]
    return float(np.abs(change).mean() / max(float(middle.std()), FLAT / 2))


def measure_grid(pixels: np.ndarray) -> float:
    """How far the strongest fine pattern stands out of its ring of frequencies: below 16 on films, 100 on screens.

    A screen's dots, seen by a camera, are a grid; so are the marks of an anti-scatter grid, but far weaker.
    """
    side = min(*pixels.shape, SCREEN_SIDE)
    if side < 4 * SCREEN_RINGS // COARSEST:  # too small for a ring to have a median
        return 0.0
    top, left = ((length - side) // 2 for length in pixels.shape)
    middle = pixels[top : top + side, left : left + side]
    window = np.hanning(side).astype(np.float32)
    waves = np.abs(np.fft.rfft2((middle - middle.mean()) * window[:, None] * window))
    away = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    ring = (away * SCREEN_RINGS).astype(int).ravel()
    order = np.argsort(ring, kind="stable")
    rings = np.split(waves.ravel()[order], np.cumsum(np.bincount(ring))[:-1])[COARSEST:FINEST]
    return max((float(each.max() / (np.median(each) + 1e-9)) for each in rings if each.size), default=0.0)
