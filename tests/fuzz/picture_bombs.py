"""Pictures made by hand to break, fill or stop whoever reads them; each is named by what it does."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.films.dicoms import RAMP8
from tests.fuzz.dicom_bombs import pack_zeros


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG (PNG 1.2, 3.2)."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def make_png(width: int, height: int, data: bytes, *before: bytes, depth: int = 8, interlaced: int = 0) -> bytes:
    """A grey PNG with these compressed rows and other chunks before them."""
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, interlaced)
    chunks = (chunk(b"IHDR", header), *before, chunk(b"IDAT", data), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def zip_zeros(megabytes: int) -> bytes:
    """So many megabytes of zeros, as zlib packs them (RFC 1950), with their checksum."""
    checksum = (megabytes * 2**20 % 65521) << 16 | 1
    return b"\x78\xda" + pack_zeros(megabytes) + b"\x03\x00" + struct.pack(">I", checksum)


def zip_rows() -> bytes:
    """The 256 rows of a real picture."""
    return zlib.compress(b"".join(b"\0" + row.tobytes() for row in RAMP8))


def make_tiff(tags: dict[int, tuple[int, int, int]], data: bytes = b"", following: int = 0) -> bytes:
    """A little-endian TIFF (TIFF 6.0, section 2) of one directory: tag -> (type, count, value or place)."""
    entries = b"".join(struct.pack("<HHIQ", tag, *tags[tag])[:12] for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", following) + data


def size_tiff(width: int, height: int, **more: tuple[int, int, int]) -> dict[int, tuple[int, int, int]]:
    """The tags of an uncompressed 8-bit TIFF; `more`: further ones as `t322=(type, count, value)`."""
    usual = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 200, 277: 1, 278: height, 279: width * height}
    tags = {tag: (4, 1, value) for tag, value in usual.items()}
    return {**tags, **{int(name[1:]): value for name, value in more.items()}}


def make_pages(side: int) -> bytes:
    """A small TIFF whose second picture is huge."""
    first = make_tiff(size_tiff(64, 64), following=8192).ljust(8192, b"\x40")
    second = make_tiff(size_tiff(side, side))[8:]
    return first + second


def make_jpeg(width: int, height: int, scans: int = 1) -> bytes:
    """A JPEG whose header claims this size; its one scan repeated."""
    buffer = io.BytesIO()
    Image.fromarray(RAMP8).save(buffer, "JPEG", progressive=scans > 1)
    whole = buffer.getvalue()
    frame = whole.index(b"\xff\xc2" if scans > 1 else b"\xff\xc0") + 5
    claimed = whole[:frame] + struct.pack(">HH", height, width) + whole[frame + 4 :]
    scan = claimed.index(b"\xff\xda")
    return claimed[:scan] + claimed[scan:-2] * scans + b"\xff\xd9"


def mark_jpeg(markers: bytes) -> bytes:
    """A JPEG with these markers before all others."""
    whole = make_jpeg(256, 256)
    return whole[:2] + markers + whole[2:]


def make_webp(side: int) -> bytes:
    """An animated WebP that claims this size and holds a frame of one dot (RIFF container, VP8X and ANMF)."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "WEBP", lossless=True)
    dot = buffer.getvalue()[12:]

    def three(number: int) -> bytes:
        return number.to_bytes(3, "little")

    frame = three(0) * 2 + three(0) * 2 + three(100) + b"\0" + dot
    body = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + three(side - 1) * 2
    body += b"ANIM" + struct.pack("<I", 6) + bytes(6) + b"ANMF" + struct.pack("<I", len(frame)) + frame
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


NAN = np.full((64, 64), np.nan, "<f4").tobytes()
PICTURE_BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG of 200 megapixels": lambda: make_png(20_000, 10_000, zip_zeros(200)),
    "PNG of 100 megapixels": lambda: make_png(10_000, 10_000, zip_zeros(100)),
    "PNG of four billion squared": lambda: make_png(2**31 - 1, 2**31 - 1, b"", depth=1),
    "PNG of 39 megapixels, all black": lambda: make_png(6200, 6300, zip_zeros(38), interlaced=1),
    "PNG, a small picture of 300 MB": lambda: make_png(256, 256, zip_zeros(300)),
    "PNG, text of 100 MB": lambda: make_png(256, 256, zip_rows(), chunk(b"zTXt", b"Comment\0\0" + zip_zeros(100))),
    "PNG, profile of 100 MB": lambda: make_png(256, 256, zip_rows(), chunk(b"iCCP", b"grey\0\0" + zip_zeros(100))),
    "JPEG file of 65,500 x 65,500": lambda: make_jpeg(65_500, 65_500),
    "PNG, three million empty chunks": lambda: make_png(256, 256, zip_rows(), chunk(b"abCd", b"") * 3_000_000),
    "JPEG of 3,000 scans": lambda: make_jpeg(256, 256, 3000),
    "JPEG of 38 megapixels and 3,000 scans": lambda: make_jpeg(6200, 6200, 3000),
    "JPEG, fifteen million empty markers": lambda: mark_jpeg(b"\xff\xe5\0\2" * 15_000_000),
    "JPEG, 60 MB of nothing between markers": lambda: mark_jpeg(b"\xff" * 60_000_000),
    "TIFF of a million dots a side": lambda: make_tiff(size_tiff(10**6, 10**6)),
    "TIFF, its directory follows itself": lambda: make_tiff(size_tiff(64, 64), bytes(5000), following=8),
    "TIFF, a tile of 2 gigapixels": lambda: make_tiff(
        size_tiff(64, 64, t322=(4, 1, 46_000), t323=(4, 1, 46_000), t324=(4, 1, 200), t325=(4, 1, 4096)), bytes(5000)
    ),
    "TIFF, four billion strips": lambda: make_tiff(size_tiff(64, 64, t273=(4, 2**32 - 1, 8)), bytes(5000)),
    "TIFF, its second picture of 10 gigapixels": lambda: make_pages(100_000),
    "TIFF of what is no number": lambda: make_tiff(
        size_tiff(64, 64, t258=(4, 1, 32), t339=(4, 1, 3), t279=(4, 1, len(NAN))), bytes(64) + NAN
    ),
    "WebP of 16,383 x 16,383": lambda: make_webp(16_383),
    "a web page": lambda: b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "nothing": lambda: b"",
}
