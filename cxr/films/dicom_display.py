"""What a header says of how samples become greys: rescale or table, then window or table. Read before decoding.

The order is that of PS3.4 N.2; tables and windows are those of PS3.3 C.11.1 and C.11.2.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from pydicom import Dataset
from pydicom.dataelem import DataElement

from cxr.films.dicom_values import PYDICOM_ERRORS, read_numbers, read_word
from cxr.results import CxrError

Array = np.ndarray
Function = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]
LARGEST = 1e30  # beyond it, a slope or an intercept makes infinities of samples

BAD_SCALE = "The Rescale Slope or Intercept of this DICOM film makes no sense, so its greys cannot be shown."
BAD_WINDOW = "The window of this DICOM film (Window Center, Window Width) makes no sense, so it cannot be shown."
BAD_FUNCTION = "This DICOM film names a VOI LUT Function that the standard does not know, so it cannot be shown."
BAD_TABLE = "The table of greys in this DICOM film ({} LUT) is damaged or holds one grey only, so it cannot be shown."


@dataclass(frozen=True)
class Table:
    """A look-up table: `values` from `first` on; below and above, its first and last value hold."""

    first: int
    values: Array

    def apply(self, samples: Array) -> Array:
        """What the table says for each sample."""
        return self.values[np.clip(samples - self.first, 0, len(self.values) - 1).astype(np.int64)]

    @property
    def range(self) -> tuple[float, float]:
        """Its least and largest value."""
        return float(self.values.min()), float(self.values.max())


@dataclass(frozen=True)
class Window:
    """VOI LUT Function with center and width (PS3.3 C.11.2.1.2 and C.11.2.1.3)."""

    centre: float
    width: float
    function: Function

    def apply(self, values: Array) -> Array:
        """Greys in 0..1. A width below 1, for which LINEAR is not defined, is meant as LINEAR_EXACT."""
        if self.function == "SIGMOID":
            return 1 / (1 + np.exp(np.clip(-4 * (values - self.centre) / self.width, -700, 700)))
        if self.function == "LINEAR_EXACT" or self.width < 1:
            return np.clip((values - self.centre) / self.width + 0.5, 0, 1)
        if self.width == 1:
            return (values > self.centre - 0.5).astype(np.float64)
        return np.clip((values - (self.centre - 0.5)) / (self.width - 1) + 0.5, 0, 1)


@dataclass(frozen=True)
class Display:
    """How samples are shown. `voi`: None where the header does not say what is black and what is white."""

    modality: Table | tuple[float, float]  # or slope and intercept
    voi: Table | Window | None

    def rescale(self, samples: Array) -> Array:
        """Samples after the modality table or the rescale: float64."""
        if isinstance(self.modality, Table):
            return self.modality.apply(samples)
        slope, intercept = self.modality
        return samples * slope + intercept

    @property
    def white(self) -> float:
        """The least sample that a window shows white; 0 where none does."""
        if not isinstance(self.voi, Window) or isinstance(self.modality, Table):
            return 0.0
        slope, intercept = self.modality
        return (self.voi.centre + self.voi.width / 2 - intercept) / slope

    def apply(self, samples: Array) -> Array:
        """Greys in 0..1 where the header says how, else what `rescale` gives."""
        values = self.rescale(samples)
        if isinstance(self.voi, Window):
            return self.voi.apply(values)
        if isinstance(self.voi, Table):
            black, white = self.voi.range
            return (self.voi.apply(values) - black) / (white - black)
        return values


def read_display(dataset: Dataset) -> Display:
    """What the header says; an element that is there and empty says nothing.

    Raises:
        CxrError: what it says makes no sense, and which element.
    """
    signed = read_numbers(dataset, "PixelRepresentation")[:1] == (1.0,)
    modality: Table | tuple[float, float] | None = _read_table(dataset, "Modality", signed)
    slope, intercept = (
        (*read_numbers(dataset, "RescaleSlope"), 1.0)[0],
        (*read_numbers(dataset, "RescaleIntercept"), 0.0)[0],
    )
    if modality is None:
        if slope == 0 or max(abs(slope), abs(intercept)) > LARGEST:
            raise CxrError(BAD_SCALE)
        signed, modality = signed or intercept < 0 or slope < 0, (slope, intercept)
    else:
        signed = False  # a table gives unsigned values
    table = _read_table(dataset, "VOI", signed)
    if table is not None and table.range[0] == table.range[1]:
        raise CxrError(BAD_TABLE.format("VOI"))
    return Display(modality, _read_window(dataset) if table is None else table)


def _read_window(dataset: Dataset) -> Window | None:
    """The first window; a width of 0 is how some devices say that there is none."""
    centres, widths = read_numbers(dataset, "WindowCenter"), read_numbers(dataset, "WindowWidth")
    function = next(
        (name for name in get_args(Function) if name == (read_word(dataset, "VOILUTFunction") or "LINEAR")), None
    )
    pairs = [(centre, width) for centre, width in zip(centres, widths, strict=False) if width != 0]
    if not pairs:
        return None
    if function is None:
        raise CxrError(BAD_FUNCTION)
    centre, width = pairs[0]
    if width < 0:
        raise CxrError(BAD_WINDOW)
    return Window(centre, width, function)


def _read_table(dataset: Dataset, kind: Literal["Modality", "VOI"], signed: bool) -> Table | None:
    """The first table of a sequence. `signed`: whether what goes in may be negative."""
    items = dataset.get(f"{kind}LUTSequence")
    if not items:
        return None
    try:
        entries, first, _ = map(int, items[0].LUTDescriptor)
        values = _unpack(items[0]["LUTData"], entries or 2**16, dataset.original_encoding[1] is not False)
    except PYDICOM_ERRORS as error:
        raise CxrError(BAD_TABLE.format(kind)) from error
    if signed and first >= 2**15:  # a descriptor whose VR is US where SS was meant (PS3.3 C.11.2.1.1)
        first -= 2**16
    return Table(first, values.astype(np.float64))


def _unpack(data: DataElement, entries: int, little: bool) -> Array:
    """The entries: words, or bytes of which two stand in a word (PS3.3 C.11.1.1.1).

    Raises:
        ValueError: there are too few.
    """
    if not isinstance(data.value, bytes):
        values = np.atleast_1d(np.array(data.value, np.float64))
    elif len(data.value) >= 2 * entries:
        values = np.frombuffer(data.value[: 2 * entries], "<u2" if little else ">u2")
    else:
        packed = data.value[: len(data.value) // 2 * 2] if len(data.value) > entries else data.value
        order = "<u2" if little or len(packed) % 2 else ">u2"
        values = (
            np.frombuffer(packed, np.uint8)
            if order == "<u2"
            else np.frombuffer(packed, ">u2").astype("<u2").view(np.uint8)
        )
    if len(values) < entries:
        raise ValueError("fewer entries than the descriptor says")
    return values[:entries]
