"""Small files that unfold to gigabytes are found before anything unfolds them.

pydicom inflates a deflated data set whole, and unfolds RLE whole (PS3.5 A.5 and annex G), whatever the header says of
the picture's size.
"""

import io
import struct
import zlib
from collections.abc import Callable
from itertools import pairwise

from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.tag import BaseTag, Tag
from pydicom.uid import RLELossless

from cxr.results import CxrError

MAX_INFLATED = 64 * 2**20  # bytes; as much as a file may hold that is not deflated
PIECE = 2**14  # bytes inflated at a time; deflate makes at most 1032 of one
MAX_ELEMENTS = 20_000  # outside sequences; a film has hundreds

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
PIXEL_TAGS = {Tag(name) for name in PIXELS}
BOMB = "This DICOM file unfolds to far more than its picture needs, so it was not read."
ENDLESS = "This DICOM file holds far more elements than a film has, so it was not read."


class DicomFile(io.BufferedReader):
    """A file whose whole rest pydicom reads at once for one purpose, to inflate it: that rest is weighed first.

    So nothing here has to find out, and be deceived about, where a deflated data set begins.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        """As every file does.

        Raises:
            CxrError: the whole rest was asked for, and it unfolds to more than a film can hold.
            zlib.error: the whole rest was asked for, and is not deflated.
        """
        data = super().read(size)
        if size is None or size < 0:
            check_deflated(data)
        return data


def check_deflated(data: bytes) -> None:
    """Refuse a deflated data set that unfolds to more than a film can hold; at most 16 MB of it unfold here.

    Raises:
        CxrError: it does.
        zlib.error: it is damaged.
    """
    unpacker, length = zlib.decompressobj(-zlib.MAX_WBITS), 0
    for start in range(0, len(data), PIECE):
        length += len(unpacker.decompress(data[start : start + PIECE]))
        if length > MAX_INFLATED:
            raise CxrError(BOMB)


def stop_after_pixels() -> Callable[[BaseTag, str | None, int], bool]:
    """When pydicom is to stop reading a data set: after its picture, since nothing behind that says how to show it.

    The function it returns raises a CxrError where there are more elements than any film has.
    """
    count, seen = 0, False

    def stop(tag: BaseTag, _vr: str | None, length: int) -> bool:
        nonlocal count, seen
        if seen:
            return True
        count += 1
        if count > MAX_ELEMENTS:
            raise CxrError(ENDLESS)
        seen = tag in PIXEL_TAGS and length > 0
        return False

    return stop


def check_packing(dataset: Dataset) -> None:
    """Refuse a picture that would unfold to more than its rows and columns.

    Raises:
        CxrError: it would. pydicom raises other types on damaged files.
    """
    if dataset.file_meta.TransferSyntaxUID != RLELossless:
        return
    frame = get_frame(dataset.PixelData, 0, number_of_frames=int(dataset.get("NumberOfFrames") or 1))
    count = min(int.from_bytes(frame[:4], "little"), 15)
    places = struct.unpack(f"<{count}L", frame[4 : 4 + 4 * count])
    most = 2 * dataset.Rows * dataset.Columns + 1024  # writers pad; none doubles
    if any(unfolds_beyond(frame[start:end], most) for start, end in pairwise((*places, len(frame)))):
        raise CxrError(BOMB)


def unfolds_beyond(segment: bytes, most: int) -> bool:
    """Whether an RLE segment (PS3.5 G.3.1) unfolds to more than `most` bytes, told without unfolding it."""
    if len(segment) > most:
        return True
    place = length = 0
    while place < len(segment) and length <= most:
        control = segment[place]
        if control < 128:  # so many bytes and one more, as they are
            length += control + 1
            place += control + 2
        else:  # the next byte so often; 128 does nothing
            length += 257 - control if control > 128 else 0
            place += 2 if control > 128 else 1
    return length > most
