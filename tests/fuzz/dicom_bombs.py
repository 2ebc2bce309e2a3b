"""DICOM files made by hand to break, fill or stop whoever reads them; each is named by what it does."""

import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    MediaStorageDirectoryStorage,
    RLELossless,
)

from tests.films.dicoms import RAMP8, RAMP16, make_dicom, make_table, put_number, to_bytes

MEGABYTE = bytes(2**20)
FILM = np.ascontiguousarray(RAMP8[::4, ::4])  # 64 x 64
DEEP = np.ascontiguousarray(RAMP16[::4, ::4])
PLAIN = to_bytes(make_dicom(FILM))
ITEM, ITEM_END, SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"
ENDLESS = b"\xff\xff\xff\xff"


def pack_zeros(megabytes: int) -> bytes:
    """So many megabytes of zeros, deflated, as the middle of a stream; one megabyte is packed and repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return (packer.compress(MEGABYTE) + packer.flush(zlib.Z_FULL_FLUSH)) * megabytes


def deflate_film(megabytes: int, first: bool = False, ended: bool = True, meta: bytes = b"") -> bytes:
    """A deflated film with so many megabytes of zeros behind its pixels, or before them in an element of their own."""
    whole = to_bytes(make_dicom(FILM, syntax=DeflatedExplicitVRLittleEndian))
    start = find_data(whole)
    film = zlib.decompress(whole[start:], -zlib.MAX_WBITS)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    element = b"\x07\x00\x10\x10OB\0\0" + struct.pack("<L", megabytes * 2**20)
    head = packer.compress(element if first else film) + packer.flush(zlib.Z_FULL_FLUSH)
    tail = packer.compress(film if first else b"") + packer.flush()
    return whole[:132] + (meta or whole[132:start]) + head + pack_zeros(megabytes) + (tail if ended else b"")


def deflate_zeros(megabytes: int) -> bytes:
    """So many megabytes of zeros in place of a data set: an empty element every eight bytes."""
    whole = to_bytes(make_dicom(FILM, syntax=DeflatedExplicitVRLittleEndian))
    return whole[: find_data(whole)] + pack_zeros(megabytes) + zlib.compressobj(9, wbits=-zlib.MAX_WBITS).flush()


def find_data(whole: bytes) -> int:
    """Where the data set begins, behind the file meta elements."""
    return 144 + int.from_bytes(whole[140:144], "little")


def write_syntax(syntax: str) -> bytes:
    """File meta elements without their group length: only the transfer syntax."""
    return b"\x02\x00\x10\x00UI" + struct.pack("<H", len(syntax)) + syntax.encode()


def make_packed(syntax: UID, frame: bytes, stored: np.ndarray = FILM, **elements: Any) -> bytes:
    """A film whose one compressed frame is `frame`."""
    dataset = make_dicom(stored, syntax=syntax, PixelData=encapsulate([frame]), **elements)
    dataset["PixelData"].is_undefined_length = True
    return to_bytes(dataset)


def pack_rle(*segments: bytes) -> bytes:
    """An RLE frame (PS3.5 annex G) of these segments."""
    places = np.cumsum([64, *map(len, segments[:-1])]).tolist() if segments else []
    return (
        struct.pack("<L", len(segments))
        + struct.pack(f"<{len(places)}L", *places).ljust(60, b"\0")
        + b"".join(segments)
    )


def pack_j2k(side: int) -> bytes:
    """The first markers of a JPEG 2000 codestream of this size (ITU-T T.800, A.5)."""
    size = struct.pack(">HHLLLLLLLLHBBB", 41, 0, side, side, 0, 0, side, side, 0, 0, 1, 7, 1, 1)
    style = b"\xff\x52\x00\x0c\x00\x00\x00\x01\x00\x05\x04\x04\x00\x01"
    noise = b"\xff\x5c\x00\x13\x40" + bytes(range(72, 88))
    return (
        b"\xff\x4f\xff\x51"
        + size
        + style
        + noise
        + b"\xff\x90\x00\x0a\0\0\0\0\0\0\x00\x01\xff\x93"
        + bytes(64)
        + b"\xff\xd9"
    )


def pack_jpeg(side: int, frame: int) -> bytes:
    """The headers of a grey JPEG (frame 0xC0) or JPEG-LS (0xF7) of this size, and no picture behind them."""
    header = struct.pack(">BBHBHHBBBB", 0xFF, frame, 11, 8, side, side, 1, 1, 0x11, 0)
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00"
    tables = b"\xff\xdb\x00\x43\x00" + b"\1" * 64 if frame == 0xC0 else b""
    return b"\xff\xd8" + tables + header + scan + b"\x55" * 64 + b"\xff\xd9"


def insert(*elements: bytes) -> bytes:
    """The plain film with these elements before all others of its data set."""
    return PLAIN[: find_data(PLAIN)] + b"".join(elements) + PLAIN[find_data(PLAIN) :]


def nest(depth: int) -> bytes:
    """Sequences within items within sequences."""
    sequence = b"\x08\x00\x40\x11SQ\0\0" + ENDLESS
    return (sequence + ITEM + ENDLESS) * depth + (ITEM_END + bytes(4) + SEQUENCE_END + bytes(4)) * depth


def repeat_items(count: int) -> bytes:
    """One sequence of so many empty items: the slowest thing to read for its size."""
    return b"\x08\x00\x40\x11SQ\0\0" + ENDLESS + (ITEM + bytes(4)) * count + SEQUENCE_END + bytes(4)


def claim_length() -> bytes:
    """A picture of four gigabytes, of which four kilobytes are there."""
    place = PLAIN.rindex(b"\xe0\x7f\x10\x00") + 8
    return PLAIN[:place] + b"\xf0\xff\xff\xff" + PLAIN[place + 4 :]


def make_number(name: str, text: str) -> bytes:
    """A film shown by this number."""
    window = {"WindowCenter": 100, "WindowWidth": 100}
    return put_number(make_dicom(DEEP, RescaleSlope=1, RescaleIntercept=0, **window), name, text)


def make_empty_table() -> bytes:
    """A VOI table of 65,536 entries, of which there is one."""
    table = make_table(0, np.zeros(1), 16)
    table.LUTDescriptor = [0, 0, 16]
    return to_bytes(make_dicom(DEEP, VOILUTSequence=[table]))


def make_palette() -> bytes:
    """A palette of 65,536 colours that is not there."""
    colours = ("Red", "Green", "Blue")
    tables = {f"{colour}PaletteColorLookupTableDescriptor": [0, 0, 16] for colour in colours}
    empty = {f"{colour}PaletteColorLookupTableData": b"\0\0" for colour in colours}
    return to_bytes(make_dicom(FILM, PhotometricInterpretation="PALETTE COLOR", **tables, **empty))


def make_offsets() -> bytes:
    """Frame offsets that point far beyond the file."""
    far = struct.pack("<Q", 2**63)
    dataset = make_dicom(FILM, syntax=RLELossless, PixelData=encapsulate([pack_rle(b"\0\0")]))
    dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = far, far
    dataset["PixelData"].is_undefined_length = True
    return to_bytes(dataset)


def make_large_rle() -> bytes:
    """The largest film that is allowed, of 32 bits and nothing but black, in 600 kilobytes."""
    plane = bytes([129, 0]) * (4000 * 5000 // 128 + 1)
    size: dict[str, Any] = {"Rows": 4000, "Columns": 5000}
    return make_packed(RLELossless, pack_rle(*[plane] * 4), np.zeros((8, 8), np.uint32), **size)


HUGE: dict[str, Any] = {"Rows": 20000, "Columns": 20000}
DICOM_BOMBS: dict[str, Callable[[], bytes]] = {
    "deflated, a gigabyte behind the pixels": lambda: deflate_film(1024),
    "deflated, a gigabyte before the pixels": lambda: deflate_film(1024, first=True),
    "deflated, a gigabyte, the stream not ended": lambda: deflate_film(1024, ended=False),
    "deflated, a gigabyte, its meta without a length": lambda: deflate_film(
        1024, meta=write_syntax(DeflatedExplicitVRLittleEndian)
    ),
    "deflated, 50 MB of empty elements": lambda: deflate_zeros(50),
    "60 MB of zeros": lambda: PLAIN[: find_data(PLAIN)] + MEGABYTE * 60,
    "RLE of 400 megapixels": lambda: make_packed(RLELossless, pack_rle(bytes([129, 0]) * 3_125_000), **HUGE),
    "RLE, a small film of 256 MB": lambda: make_packed(RLELossless, pack_rle(bytes([129, 0]) * 2**21)),
    "RLE of 8 MB that say nothing": lambda: make_packed(RLELossless, pack_rle(b"\x80" * 2**23)),
    "RLE, segments that overlap": lambda: make_packed(
        RLELossless, struct.pack("<16L", 15, *[64, 2**31] * 7, 64) + bytes([129, 0]) * 2**20
    ),
    "RLE, the largest film of 32 bits": make_large_rle,
    "JPEG 2000 of 60,000 x 60,000": lambda: make_packed(JPEG2000Lossless, pack_j2k(60_000)),
    "JPEG 2000 of 12,000 x 12,000": lambda: make_packed(JPEG2000Lossless, pack_j2k(12_000)),
    "JPEG within, of 65,500 x 65,500": lambda: make_packed(JPEGBaseline8Bit, pack_jpeg(65_500, 0xC0)),
    "JPEG-LS of 65,500 x 65,500": lambda: make_packed(JPEGLSLossless, pack_jpeg(65_500, 0xF7)),
    "JPEG 2000 of nothing": lambda: make_packed(JPEG2000Lossless, b"\0\0"),
    "frame offsets beyond the file": make_offsets,
    "65,535 x 65,535 dots": lambda: to_bytes(make_dicom(FILM, Rows=65535, Columns=65535)),
    "20 megapixels in four kilobytes": lambda: to_bytes(make_dicom(FILM, Rows=4000, Columns=5000)),
    "no rows": lambda: to_bytes(make_dicom(FILM, Rows=0)),
    "two billion frames": lambda: to_bytes(make_dicom(FILM, NumberOfFrames=2**31 - 1)),
    "pixels of four gigabytes": claim_length,
    "sequences 20,000 deep": lambda: insert(nest(20_000)),
    "a sequence of three million items": lambda: insert(repeat_items(3_000_000)),
    "two million elements": lambda: insert(b"\x07\x00\x10\x10UN\0\0\0\0\0\0" * 2_000_000),
    "a disc's table of contents": lambda: to_bytes(make_dicom(FILM, SOPClassUID=MediaStorageDirectoryStorage)),
    "slope not a number": lambda: make_number("RescaleSlope", "nan"),
    "intercept infinite": lambda: make_number("RescaleIntercept", "-inf"),
    "window infinite": lambda: make_number("WindowWidth", "1e999"),
    "slope that overflows": lambda: make_number("RescaleSlope", "1e308"),
    "a VOI table that is not there": make_empty_table,
    "a palette that is not there": make_palette,
    "a program that is a film, too": lambda: b"MZ" + b"\x90" * 126 + PLAIN[128:],
    "the preamble and nothing else": lambda: bytes(128) + b"DICM",
}
