"""Which bits of what is stored are the sample: from the header where it holds, else from the picture itself.

A sample is BitsStored bits up to HighBit; what lies around it is an overlay or means nothing (PS3.5 8.1.1). Headers are
wrong in four ways that are met in practice: more bits are used than they say, others (left-aligned, or not), negative
values are taken for large ones, or large ones for negative. Read wrongly, values wrap round, and greys jump where they
do; so where the stored bits contradict the header, the reading is taken in which neighbours differ least.
"""

from dataclasses import dataclass
from itertools import pairwise, product, starmap
from typing import Any

import numpy as np
from pydicom import Dataset

from cxr.films.dicom_description import Description
from cxr.films.dicom_stored import read_stored
from cxr.films.dicom_values import read_loose_numbers
from cxr.results import CxrError

Array = np.ndarray
CLEAR = 0.8  # of the neighbours between which readings differ: so many must agree
FEW = 0.02  # of the neighbours between which readings differ: enough to go by
PARTS = 4  # along each side, in which it is asked whether greys go on
MANY = 0.01  # of all neighbours, so many must speak against a header that no stored bit contradicts
LOOKED_AT = 128  # pairs of rows at most that are compared

WIDER = "The header of this film says that fewer bits count than its picture has; all of them were read."
SHIFTED = "The header of this film names other bits than those that hold its picture; it was read from those that do."
RESIGNED = "The header of this film is wrong about which values are negative; it was read as its greys go on evenly."
UNCLEAR = (
    "More bits are set in this DICOM film than its header says, and it cannot be told whether they belong to the "
    "picture; please export it once more, or send it as PNG."
)


@dataclass(frozen=True)
class Samples:
    """Stored values of a grey film.

    `values`: H x W integers or floats; `low`, `high`: the least and largest they could have; `padding`: H x W, where
    they are Pixel Padding, or None.
    """

    values: Array
    low: int
    high: int
    padding: Array | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bits:
    """A way to read a sample: shift right, keep so many bits, take the highest for a sign or not."""

    shift: int
    stored: int
    signed: bool
    warning: str = ""

    def read(self, raw: Array) -> Array:
        """Containers of unsigned integers as int32, or int64 where they are wider."""
        kind = np.int32 if raw.dtype.itemsize < 4 else np.int64
        values: Any = ((raw >> self.shift) & ((1 << self.stored) - 1)).astype(kind)
        if self.signed:
            values[values >= 1 << (self.stored - 1)] -= 1 << self.stored
        return values


def read_samples(dataset: Dataset, about: Description, white: float = 0.0) -> Samples:
    """The samples of the first frame of a grey film. `white`: the least that is shown white, where the header says so.

    Raises:
        CxrError: the picture is cut off or damaged, or it cannot be told which bits are the sample.
    """
    raw = read_stored(dataset, about)
    if raw.dtype.kind == "f":
        return Samples(raw, 0, 2**32, None)
    width = (about.stream and about.stream.precision) or about.allocated
    header = Bits(about.high + 1 - about.stored, about.stored, about.signed)
    raw &= raw.dtype.type(((1 << width) - 1) & ~_find_overlays(dataset, header))
    padding = _find_padding(dataset, raw, (header, Bits(0, width, about.signed)))
    bits = choose_bits(raw, padding, header, width, white)
    low = -(1 << (bits.stored - 1)) if bits.signed else 0
    warnings = (bits.warning,) if bits.warning else ()
    return Samples(bits.read(raw), low, low + (1 << bits.stored) - 1, padding, warnings)


def choose_bits(raw: Array, padding: Array | None, header: Bits, width: int, white: float = 0.0) -> Bits:
    """Which bits of containers (H x W unsigned integers that use `width` bits) are the sample.

    Raises:
        CxrError: it cannot be told.
    """
    shift, stored = header.shift, header.stored
    used = int(np.bitwise_or.reduce(raw[~padding] if padding is not None else raw, axis=None))
    if shift and used < 1 << stored and used & ((1 << shift) - 1):
        return Bits(0, stored, header.signed, SHIFTED)  # right-aligned after all
    above = used >> (shift + stored)
    extended = bool(above) and not shift and _is_extended(raw, stored, width)
    if header.signed and extended:
        return header
    full = bool(used >> (width - 1)) and not used & ((1 << (width - stored)) - 1)
    if full and above and not extended and white < 1 << (stored + 1):
        return Bits(width - stored, stored, header.signed, SHIFTED)  # left-aligned after all
    neighbours = _pair_neighbours(raw, padding)
    resigned = Bits(shift, stored, not header.signed, RESIGNED)
    if (extended or not above) and _goes_on_evenly(neighbours, header, resigned, extended):
        return resigned
    return _carry_on(raw, padding, header, Bits(shift, used.bit_length() - shift, False, WIDER)) if above else header


def _goes_on_evenly(neighbours: tuple[Array, Array], header: Bits, other: Bits, contradicted: bool) -> bool:
    """Whether neighbours differ less in another reading, wherever the two readings differ."""
    here, there = neighbours
    ours, theirs = (np.abs(way.read(here) - way.read(there)) for way in (header, other))
    told = ours != theirs
    enough = told.sum() > (0 if contradicted else MANY * len(told))
    return bool(enough and (theirs < ours)[told].mean() >= CLEAR)


def _carry_on(raw: Array, padding: Array | None, header: Bits, wider: Bits) -> Bits:
    """Whether greys go on in the bits above the sample, or those bits are an overlay or dirt: part by part of the film.

    Raises:
        CxrError: the parts disagree, or none is clear.
    """
    if not np.ptp(raw >> (header.shift + header.stored)):
        return header  # the same everywhere: it is no part of any grey
    told = []
    rows, columns = ([side * at // PARTS for at in range(PARTS + 1)] for side in raw.shape)
    for place in product(starmap(slice, pairwise(rows)), starmap(slice, pairwise(columns))):
        neighbours = _pair_neighbours(raw[place], None if padding is None else padding[place])
        told.append(_carries(neighbours, header, wider))
    going_on, not_at_all = told.count(True), told.count(False)
    if min(going_on, not_at_all) > 1 or going_on == not_at_all:
        raise CxrError(UNCLEAR)
    return wider if going_on > not_at_all else header


def _carries(neighbours: tuple[Array, Array], header: Bits, wider: Bits) -> bool | None:
    """Whether greys go on in the bits above the sample; None where that is not clear, or too few bits are set to tell.

    Where greys go on, a neighbour that carries one into the bits above is less in the bits below, and the step is
    smaller with the carry than without. What is drawn over a film, or left there by chance, knows nothing of it.
    """
    here, there = neighbours
    carry = (wider.read(here) >> header.stored) - (wider.read(there) >> header.stored)
    step, narrow = (way.read(here) - way.read(there) for way in (wider, header))
    smaller = np.abs(step) < np.abs(narrow)
    once = np.abs(carry) == 1
    if once.sum() > FEW * (carry != 0).sum():
        falls = (np.sign(narrow) == -carry)[once].mean()
        if falls >= CLEAR and smaller[once].mean() >= 0.5:
            return True
    else:
        once = carry != 0
    return False if once.any() and smaller[once].mean() <= 1 - CLEAR else None


def _pair_neighbours(raw: Array, padding: Array | None) -> tuple[Array, Array]:
    """Neighbours along and across some rows, of which none is padding: two lists of samples."""
    step = -(-len(raw) // LOOKED_AT)
    here, there = [], []
    for one, other in ((np.s_[::step, :-1], np.s_[::step, 1:]), (np.s_[:-1:step], np.s_[1::step])):
        kept = np.s_[:] if padding is None else ~(padding[one] | padding[other]).ravel()
        here.append(raw[one].ravel()[kept])
        there.append(raw[other].ravel()[kept])
    return np.concatenate(here), np.concatenate(there)


def _is_extended(raw: Array, stored: int, width: int) -> bool:
    """Whether all bits above the sign are as the sign is, as signed numbers are written."""
    top = raw >> (stored - 1)
    return bool(((top == 0) | (top == (1 << (width - stored + 1)) - 1)).all())


def _find_overlays(dataset: Dataset, header: Bits) -> int:
    """The bits outside the sample that hold an overlay: Overlay Bit Position (60xx,0102), retired in 2004."""
    positions = [read_loose_numbers(dataset, f"60{2 * group:02X}0102") for group in range(16)]
    inside = range(header.shift, header.shift + header.stored)
    return sum({1 << int(place[0]) for place in positions if place and int(place[0]) not in inside})


def _find_padding(dataset: Dataset, raw: Array, ways: tuple[Bits, ...]) -> Array | None:
    """Where the film is padded: from its edges on, values of Pixel Padding Value to Range Limit (PS3.3 C.7.5.1.1.2).

    Writers give the value as the sample has it or as it is stored, and with either sign.
    """
    said = [
        *read_loose_numbers(dataset, "PixelPaddingValue")[:1],
        *read_loose_numbers(dataset, "PixelPaddingRangeLimit")[:1],
    ]
    if not said:
        return None
    found = np.zeros(raw.shape, bool)
    for way in ways:
        limits = [_wrap(int(number), way) for number in said]
        values = way.read(raw)
        found |= (values >= min(limits)) & (values <= max(limits))
    reached = np.zeros(raw.shape, bool)
    for axis in (0, 1):
        reached |= np.logical_and.accumulate(found, axis=axis)
        reached |= np.flip(np.logical_and.accumulate(np.flip(found, axis), axis=axis), axis)
    return reached if reached.any() else None


def _wrap(number: int, way: Bits) -> int:
    """A value as its bits are read."""
    if way.signed:
        return number - (1 << way.stored) if 1 << (way.stored - 1) <= number < 1 << way.stored else number
    return number + (1 << way.stored) if number < 0 else number
