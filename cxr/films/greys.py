"""Numbers of any depth, and colours, become greys in 0..1. Knows nothing about files."""

import numpy as np
from PIL import Image

from cxr.films.field import find_field
from cxr.results import CxrError

COLOURED = 40  # of 255: how far apart red, green and blue of one dot are before it counts as coloured
COLOURED_SHARE = 0.02  # of the dots; annotations and JPEG's own colour noise stay below
COLOUR_WARNING = (
    "This is a colour picture; a film has only greys, so it may be a photograph or a screenshot. "
    "Send the original file if you have it."
)


def scale_to_unit(pixels: np.ndarray, low: float, high: float) -> np.ndarray:
    """Map `low` to 0 and `high` to 1 and cut off what lies outside; `low` may be the larger one.

    Returns:
        float32 of the same shape; all zeros where `low` equals `high`.

    Raises:
        CxrError: a value is not a finite number.
    """
    check_finite(pixels)
    check_finite(np.array([low, high]))
    if low == high:
        return np.zeros(pixels.shape, np.float32)
    return np.clip((pixels - low) / (high - low), 0, 1).astype(np.float32)


def stretch(pixels: np.ndarray, ignored: np.ndarray | None = None) -> np.ndarray:
    """Map the range that is used to 0..1, for numbers whose black and white nobody wrote down; no border counts.

    One pixel in a thousand may lie outside at either end: a dead pixel or a lead letter must not make the rest grey.
    `ignored`: where pixels do not count, of the same shape.

    Raises:
        CxrError: a value is not a finite number.
    """
    check_finite(pixels)
    counted = find_field(pixels, fading=False).cut(pixels) if ignored is None else pixels[~ignored]
    if not counted.size:
        counted = pixels
    low, high = np.percentile(counted, (0.1, 99.9))
    if low == high:  # next to everything is one value; the few others still are the picture
        low, high = counted.min(), counted.max()
    return scale_to_unit(pixels, float(low), float(high))


def check_finite(values: np.ndarray) -> None:
    """Refuse infinities and values that are no numbers.

    Raises:
        CxrError: there is one.
    """
    if not np.isfinite(values).all():
        raise CxrError("This film holds values that are not numbers, so it cannot be shown.")


def mix_colours(image: Image.Image) -> tuple[np.ndarray, tuple[str, ...]]:
    """An RGB picture as greys (H x W float32 in 0..1, ITU-R 601 luma), and a warning where it really is coloured."""
    small = np.asarray(image.resize((256, 256), Image.Resampling.BOX), dtype=np.int16)
    coloured = np.ptp(small, axis=-1) > COLOURED
    warnings = (COLOUR_WARNING,) if coloured.mean() > COLOURED_SHARE else ()
    return np.asarray(image.convert("L"), dtype=np.float32) / 255, warnings
