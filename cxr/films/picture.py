"""PNG, JPEG, TIFF and WebP files become films. Knows nothing about DICOM.

Runs in the decoder's child process, where a crash or a bomb costs one film.
"""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, ImageOps, TiffImagePlugin

from cxr.films.field import find_field
from cxr.films.film import Film, shrink
from cxr.films.greys import check_finite, mix_colours, stretch
from cxr.results import CxrError

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")
MAX_PIXELS = 40_000_000
MIN_SIDE = 32  # px; below it there is nothing to read
MAX_RATIO = 20  # of the long to the short side
DIM = 64  # of 255: a 16-bit picture in colour that stays below was cut to a few greys
TIFF_PHOTOMETRIC, WHITE_IS_ZERO = 262, 0  # TIFF 6.0, section 8

DAMAGED = "This picture is damaged, cut off or stored in a rare way; please save it again as PNG or 8-bit JPEG."
DEEP_COLOUR = "This 16-bit picture is stored in colour or with transparency; please save it as 16-bit grey."
SEVERAL = "This file holds several pictures; only the first one is read."


def read_picture(path: Path) -> Film:
    """A picture as a film; 16-bit and float greys keep their steps, transparency lies on black.

    To be called where it may crash: see `decoder.py`.

    Raises:
        CxrError: it is too large or too small, or cannot be decoded.
    """
    warnings.simplefilter("error", Image.DecompressionBombWarning)  # not catch_warnings, which threads must not share
    try:
        with Image.open(path, formats=FORMATS) as image:
            check_size(*image.size, MAX_PIXELS)
            return _develop(image)
    except CxrError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise CxrError(f"This picture is too large; up to {MAX_PIXELS // 10**6} megapixels can be read.") from None
    except MemoryError:
        raise CxrError("This picture needs more memory than there is.") from None
    except Exception:  # noqa: BLE001 (Pillow's decoders raise a dozen types on damaged files)
        raise CxrError(DAMAGED) from None  # the cause names the file, which may name the patient


def check_size(width: int, height: int, limit: int) -> None:
    """Refuse what is too large to decode or too small to read.

    Raises:
        CxrError: its size in plain words.
    """
    if width * height > limit:
        raise CxrError(f"This picture is too large; up to {limit // 10**6} megapixels can be read.")
    if min(width, height) < MIN_SIDE:
        raise CxrError(f"This picture is only {width} x {height} dots large, too small to be a film.")
    if max(width, height) > MAX_RATIO * min(width, height):
        raise CxrError(f"This picture is {width} x {height} dots large, too narrow to be a film.")


def _develop(image: Image.Image) -> Film:
    found: tuple[str, ...] = (SEVERAL,) if _has_more_pictures(image) else ()
    deep = _is_deep(image)
    white_is_zero = _is_white_zero(image)  # before loading: a loaded picture may be another object
    ImageOps.exif_transpose(image, in_place=True)  # a copy of the largest picture is 160 MB
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return Film(_stretch_field(shrink(np.asarray(image, dtype=np.float32)), white_is_zero), None, found)
    if image.mode in ("1", "L"):
        pixels = np.asarray(image.convert("L"), dtype=np.float32) / 255
    else:
        flat = _lay_on_black(image)
        if deep and np.asarray(flat).max() < DIM:
            raise CxrError(DEEP_COLOUR)
        pixels, colour = mix_colours(flat)
        found += colour
    return Film(shrink(pixels), None, found)


def _stretch_field(values: np.ndarray, white_is_zero: bool) -> np.ndarray:
    """Raw values as greys; a border, which may lie far outside the film's own range, is black and does not count."""
    check_finite(values)
    field = find_field(values, fading=False)
    pixels = np.zeros_like(values)
    inner = stretch(field.cut(values))
    field.cut(pixels)[:] = 1 - inner if white_is_zero else inner
    return pixels


def _lay_on_black(image: Image.Image) -> Image.Image:
    """RGB; what is transparent becomes black, as air is."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    if image.mode != "RGBA":
        image = image.convert("RGBA")
    black = Image.new("RGB", image.size)
    black.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return black


def _is_white_zero(image: Image.Image) -> bool:
    """Whether small numbers are white; Pillow turns only 1- and 8-bit TIFFs itself."""
    return isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(TIFF_PHOTOMETRIC) == WHITE_IS_ZERO


def _is_deep(image: Image.Image) -> bool:
    """Whether colours or transparent greys have 16 bits, of which Pillow keeps the upper 8."""
    return isinstance(image, ImageFile.ImageFile) and any("16" in str(tile.args) for tile in image.tile)


def _has_more_pictures(image: Image.Image) -> bool:
    try:
        image.seek(1)
    except EOFError:
        return False
    image.seek(0)
    return True
