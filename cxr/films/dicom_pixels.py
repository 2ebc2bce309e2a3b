"""The pixels of a DICOM data set as a film shows them: greys, inversion, what is no film in black, dots square."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from pydicom import Dataset
from pydicom.pixels import apply_color_lut, pixel_array

from cxr.films.dicom_description import Description
from cxr.films.dicom_display import Display
from cxr.films.dicom_samples import Samples, read_samples
from cxr.films.dicom_values import PYDICOM_ERRORS, read_loose_numbers, read_word
from cxr.films.film import MAX_SIDE, shrink
from cxr.films.greys import check_finite, mix_colours, scale_to_unit, stretch
from cxr.results import CxrError

Array = np.ndarray
TABLE = 2**16  # stored values up to which one table is worked out instead of every pixel
BYTE = 2**8
SQUARE = 0.01  # as much as a dot may be higher than wide, or wider than high, and be left as it is
OBLONG = 5.0  # times; beyond it the header is not believed
SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio")  # row, then column
MOSTLY_HIDDEN = 0.95  # of the picture; a shutter that hides more is not meant

BAD_COLOURS = "The colours of this DICOM picture cannot be decoded: they are damaged or stored in a rare way."


def render(dataset: Dataset, about: Description, display: Display) -> tuple[Array, tuple[str, ...]]:
    """The first picture of a data set as a film shows it.

    Returns:
        H x W float32 in 0..1, air dark, dots square, the long side at most MAX_SIDE px; and warnings.

    Raises:
        CxrError: it cannot be decoded, or its greys make no sense.
    """
    if about.photometric.startswith("MONOCHROME"):
        samples = read_samples(dataset, about, display.white)
        pixels, padding, warnings = render_greys(samples, display), samples.padding, samples.warnings
        # PS3.3 C.11.6: INVERSE belongs to MONOCHROME1; both together still mean one inversion.
        if about.photometric == "MONOCHROME1" or read_word(dataset, "PresentationLUTShape") == "INVERSE":
            pixels = 1 - pixels
    else:
        pixels, warnings = mix_colours(_read_colours(dataset, about))
        pixels, padding = shrink(pixels), None
    for hidden in (padding, find_shuttered(dataset, about.rows, about.columns)):
        if hidden is not None:
            pixels = np.where(_resize_mask(hidden, pixels.shape), np.float32(0), pixels)
    return make_square(pixels, read_aspect(dataset)), warnings


def render_greys(samples: Samples, display: Display) -> Array:
    """Samples as greys in 0..1 float32, before any inversion, at most MAX_SIDE px.

    Without a window or table in the header, 8 bits mean their whole range and deeper values are stretched over what is
    used but for padding.
    """
    greys = _look_up(samples.values, display)
    if display.voi is not None:
        return shrink(greys)
    if samples.high - samples.low < BYTE:
        black, white = sorted(display.rescale(np.array([samples.low, samples.high], np.float64)).tolist())
        return shrink(scale_to_unit(greys, black, white))
    greys = shrink(greys)
    return stretch(greys, None if samples.padding is None else _resize_mask(samples.padding, greys.shape))


def _resize_mask(mask: Array, shape: Sequence[int]) -> Array:
    """Every dot of the film that a part of the mask falls on."""
    image = Image.fromarray(mask.astype(np.float32), mode="F")
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BOX)) > 0


def _look_up(stored: Array, display: Display) -> Array:
    """Work out all values between the least and the largest rather than all pixels: exact and small."""
    low, high = stored.min(), stored.max()
    if not np.issubdtype(stored.dtype, np.integer) or int(high) - int(low) >= TABLE:
        check_finite(stored)
        return display.apply(stored.astype(np.float64)).astype(np.float32)
    table = display.apply(np.arange(int(low), int(high) + 1, dtype=np.float64)).astype(np.float32)
    return table[stored - low]


def find_shuttered(dataset: Dataset, rows: int, columns: int) -> Array | None:
    """What a Display Shutter hides (PS3.3 C.7.6.11): rows x columns, or None. Its edges are counted from 1."""
    kinds = read_word(dataset, "ShutterShape")
    if not kinds:
        return None
    shown = np.ones((rows, columns), bool)
    if "RECTANGULAR" in kinds:
        shown &= _show_rectangle(dataset, rows, columns)
    if "CIRCULAR" in kinds:
        centre, radius = (
            read_loose_numbers(dataset, "CenterOfCircularShutter"),
            read_loose_numbers(dataset, "RadiusOfCircularShutter"),
        )
        if len(centre) == 2 and radius:
            y, x = np.ogrid[1 : rows + 1, 1 : columns + 1]
            shown &= (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius[0] ** 2
    corners = read_loose_numbers(dataset, "VerticesOfThePolygonalShutter") if "POLYGONAL" in kinds else ()
    if len(corners) >= 6:
        image = Image.new("1", (columns, rows))
        ImageDraw.Draw(image).polygon(
            [(x - 1, y - 1) for y, x in zip(corners[::2], corners[1::2], strict=False)], fill=1
        )
        shown &= np.asarray(image)
    return ~shown if 1 - MOSTLY_HIDDEN < shown.mean() < 1 else None


def _show_rectangle(dataset: Dataset, rows: int, columns: int) -> Array:
    sides = (
        ("Left", "Vertical", 1),
        ("Right", "Vertical", columns),
        ("Upper", "Horizontal", 1),
        ("Lower", "Horizontal", rows),
    )
    left, right, top, bottom = (
        int((*read_loose_numbers(dataset, f"Shutter{side}{line}Edge"), whole)[0]) for side, line, whole in sides
    )
    shown = np.zeros((rows, columns), bool)
    shown[max(0, top - 1) : max(0, bottom), max(0, left - 1) : max(0, right)] = True
    return shown


def read_aspect(dataset: Dataset) -> float:
    """How many times as high as wide a dot is: from the first element that says so (PS3.3 10.7, C.7.6.3.1.7)."""
    for name in SPACINGS:
        numbers = read_loose_numbers(dataset, name)
        if len(numbers) == 2 and min(numbers) > 0 and 1 / OBLONG <= numbers[0] / numbers[1] <= OBLONG:
            return numbers[0] / numbers[1]
    return 1.0


def make_square(pixels: Array, aspect: float) -> Array:
    """The film with dots as high as wide; the finer direction keeps its dots where MAX_SIDE allows it."""
    if abs(aspect - 1) <= SQUARE:
        return pixels
    height, width = pixels.shape[0] * max(1, aspect), pixels.shape[1] * max(1, 1 / aspect)
    scale = min(1, MAX_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = Image.fromarray(np.ascontiguousarray(pixels, np.float32), mode="F")
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR), np.float32)


def _read_colours(dataset: Dataset, about: Description) -> Image.Image:
    """An 8-bit RGB picture.

    Raises:
        CxrError: it cannot be decoded.
    """
    try:
        stored, bits = pixel_array(dataset, index=0), about.stored
        if about.photometric == "PALETTE COLOR":
            stored = apply_color_lut(stored, dataset)
            bits = 8 if stored.max() < BYTE else 16
    except (*PYDICOM_ERRORS, RuntimeError) as error:  # RuntimeError: no decoder of pydicom's succeeded
        raise CxrError(BAD_COLOURS) from error
    return Image.fromarray((stored >> (bits - 8) if bits > 8 else stored).astype(np.uint8), mode="RGB")
