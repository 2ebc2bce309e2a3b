"""Small files that unfold to gigabytes are found before anything unfolds them.

pydicom inflates a deflated data set whole, and unfolds RLE whole (PS3.5 A.5 and annex G), whatever the header says of
the picture's size.
"""

import struct
import zlib
from collections.abc import Callable
from itertools import pairwise

from pydicom.tag import BaseTag, Tag
from pydicom.uid import RLELossless

from cxr.films.dicom_description import Codestream
from cxr.films.picture import MAX_PIXELS
from cxr.results import CxrError

MAX_INFLATED = 2 * MAX_PIXELS + 16 * 2**20  # bytes; the largest picture in 16 bits, and a header
MAX_ELEMENTS = 20_000  # outside sequences; a film has hundreds

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
PIXEL_TAGS = {Tag(name) for name in PIXELS}
BOMB = "This DICOM file unfolds to far more than its picture needs, so it was not read."
CUT_RLE = "The RLE-compressed picture of this DICOM file is cut off; please fetch it again."
ENDLESS = "This DICOM file holds far more elements than a film has, so it was not read."


def inflate(data: bytes) -> bytes:
    """A deflated data set (PS3.5 A.5), of which no more is unfolded than a film can hold.

    Raises:
        CxrError: it unfolds to more.
        zlib.error: it is damaged.
    """
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    unfolded = unpacker.decompress(data, MAX_INFLATED + 1)
    if len(unfolded) > MAX_INFLATED:
        raise CxrError(BOMB)
    return unfolded


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


def check_packing(stream: Codestream | None, pixels: int) -> None:
    """Refuse an RLE picture that would unfold to more than so many pixels.

    Raises:
        CxrError: it would.
    """
    if stream is None or stream.syntax != RLELossless:
        return
    frame, count = stream.data, stream.components
    if len(frame) < 64:
        raise CxrError(CUT_RLE)
    places = struct.unpack(f"<{count}L", frame[4 : 4 + 4 * count])
    most = 2 * pixels + 1024  # writers pad; none doubles
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
