"""The pixels of a DICOM data set as a film shows them: rescale, then VOI LUT or window, then inversion.

The order is that of PS3.4 N.2; the tables are those of PS3.3 C.11.
"""

import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array

from cxr.films.dicom_header import BAD_WINDOW
from cxr.films.film import shrink
from cxr.films.greys import mix_colours, scale_to_unit, stretch
from cxr.results import CxrError

TABLE = 2**16  # stored values up to which one table is worked out instead of every pixel
EXTREME = 1e30  # below and above every window


def render(dataset: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """The first picture of a data set as a film shows it.

    Returns:
        H x W float32 in 0..1, air dark, the long side at most MAX_SIDE px; and warnings.

    Raises:
        CxrError: its greys make no sense. pydicom and the decoders raise many other types on damaged files.
    """
    frames = int(dataset.get("NumberOfFrames") or 1)
    warnings: tuple[str, ...] = (f"This file holds {frames} pictures; only frame 1 is read.",) if frames > 1 else ()
    stored = pixel_array(dataset, index=0)
    if stored.ndim == 3 or dataset.PhotometricInterpretation == "PALETTE COLOR":
        pixels, colour = mix_colours(_to_rgb(stored, dataset))
        return shrink(pixels), warnings + colour
    pixels = render_greys(stored, dataset)
    # PS3.3 C.11.6: INVERSE belongs to MONOCHROME1; both together still mean one inversion.
    if dataset.PhotometricInterpretation == "MONOCHROME1" or dataset.get("PresentationLUTShape") == "INVERSE":
        pixels = 1 - pixels
    return pixels, warnings


def render_greys(stored: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Stored values (H x W, any number type) as greys in 0..1 float32, before any inversion, at most MAX_SIDE px.

    Without a window or table in the header, 8 bits mean 0..255 and deeper values are stretched over what is used.

    Raises:
        CxrError: slope, intercept, window or table make no sense.
    """
    try:
        _widen_tables(dataset)
        black_white = _find_range(dataset)
        greys = _look_up(stored, dataset, black_white)
    except (ValueError, OverflowError, TypeError, IndexError, AttributeError) as error:
        if isinstance(error, CxrError):
            raise
        raise CxrError(BAD_WINDOW) from error
    if black_white:
        return shrink(greys)
    padding = dataset.get("PixelPaddingValue")
    ignored = None if padding is None else float(apply_modality_lut(np.array([int(padding)]), dataset)[0])
    return stretch(shrink(greys), ignored)


def _look_up(stored: np.ndarray, dataset: Dataset, black_white: tuple[float, float] | None) -> np.ndarray:
    """Apply both tables, to all values between the least and the largest rather than to all pixels: exact and small."""
    low, high = stored.min(), stored.max()
    if not np.issubdtype(stored.dtype, np.integer) or int(high) - int(low) >= TABLE:
        return _apply_tables(stored, dataset, black_white)
    table = _apply_tables(np.arange(int(low), int(high) + 1), dataset, black_white)
    return table[(stored - low).view(f"u{stored.dtype.itemsize}")]  # the difference may wrap; unsigned it is right


def _apply_tables(values: np.ndarray, dataset: Dataset, black_white: tuple[float, float] | None) -> np.ndarray:
    greys = apply_voi_lut(apply_modality_lut(values, dataset), dataset)
    if not np.isfinite(greys).all():
        raise CxrError(BAD_WINDOW)
    return scale_to_unit(greys, *black_white) if black_white else greys.astype(np.float32)


def _widen_tables(dataset: Dataset) -> None:
    """Call every table one of 16 bits, as it is stored: pydicom 3.0.2 knows no 12 bits, and counts entries in 8."""
    for name in ("ModalityLUTSequence", "VOILUTSequence"):
        for item in dataset.get(name) or ():
            entries, first, _ = item.LUTDescriptor
            item.LUTDescriptor = [entries, first, 16]


def _find_range(dataset: Dataset) -> tuple[float, float] | None:
    """The values that are black and white after both tables; None where the header does not say."""
    if dataset.get("VOILUTSequence"):
        entries, first, _ = dataset.VOILUTSequence[0].LUTDescriptor
        table = apply_voi_lut(np.arange(first, first + (entries or TABLE)), dataset)
        return float(table.min()), float(table.max())
    if dataset.get("WindowCenter") is not None and dataset.get("WindowWidth") is not None:
        black, white = apply_voi_lut(np.array([-EXTREME, EXTREME]), dataset)
        if black == white:
            raise CxrError(BAD_WINDOW)
        return float(black), float(white)
    if dataset.get("BitsStored", 32) <= 8:
        signed = dataset.PixelRepresentation == 1
        least = -(2 ** (dataset.BitsStored - 1)) if signed else 0
        black, white = apply_modality_lut(np.array([least, least + 2**dataset.BitsStored - 1]), dataset)
        return float(min(black, white)), float(max(black, white))
    return None


def _to_rgb(stored: np.ndarray, dataset: Dataset) -> Image.Image:
    bits = int(dataset.BitsStored)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        stored, bits = apply_color_lut(stored, dataset), 16
        if stored.max() < 256:
            bits = 8
    return Image.fromarray((stored >> (bits - 8) if bits > 8 else stored).astype(np.uint8), mode="RGB")
