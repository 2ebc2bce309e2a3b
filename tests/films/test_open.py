"""Pictures of every kind keep their greys, and what is no film gets one sentence."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cxr.films.film import MAX_SIDE
from cxr.films.greys import COLOUR_WARNING
from cxr.films.open import MAX_BYTES, open_film
from cxr.films.picture import SEVERAL
from cxr.results import CxrError
from tests.films.dicoms import RAMP8, RAMP16, make_dicom, to_bytes

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # on damaged files
RED = np.stack([RAMP8, RAMP8 * 0, RAMP8 * 0], axis=-1)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def open_bytes(tmp_path: Path, content: bytes, name: str = "film") -> Any:
    path = tmp_path / name
    path.write_bytes(content)
    return open_film(path)


def add_alpha(alpha: np.ndarray) -> Image.Image:
    return Image.fromarray(np.dstack([RAMP8, RAMP8, RAMP8, alpha]))


def make_png(width: int, height: int, depth: int, colour: int, data: bytes) -> bytes:
    """A PNG from its parts (PNG 1.2, chapter 4)."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def make_tiff(values: np.ndarray, photometric: int, kind: int = 1) -> bytes:
    """An uncompressed little-endian TIFF of one strip (TIFF 6.0, section 2); kind: 1 unsigned, 2 signed, 3 float."""
    height, width = values.shape
    bits = values.dtype.itemsize * 8
    tags = {
        256: width,
        257: height,
        258: bits,
        259: 1,
        262: photometric,
        273: 0,
        277: 1,
        278: height,
        279: values.nbytes,
        339: kind,
    }
    tags[273] = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + values.tobytes()


@pytest.mark.parametrize(
    ("content", "most"),
    [
        (encode(Image.fromarray(RAMP8), "PNG"), 1e-6),
        (encode(Image.fromarray(RAMP8).convert("RGB"), "PNG"), 1e-6),
        (encode(Image.fromarray(RAMP8).convert("P"), "PNG"), 1e-6),
        (encode(Image.fromarray(np.dstack([RAMP8, np.full_like(RAMP8, 255)]), "LA"), "PNG"), 1e-6),
        (encode(add_alpha(np.full_like(RAMP8, 255)), "PNG"), 1e-6),
        (encode(Image.fromarray(RAMP8), "JPEG", quality=95), 0.02),
        (encode(Image.fromarray(RAMP8).convert("RGB"), "JPEG", quality=95), 0.02),
        (encode(Image.fromarray(RAMP8).convert("RGB").convert("CMYK"), "JPEG", quality=95), 0.02),
        (encode(Image.fromarray(RAMP8), "TIFF"), 1e-6),
        (encode(Image.fromarray(RAMP8), "TIFF", compression="tiff_lzw"), 1e-6),
        (encode(Image.fromarray(RAMP8).convert("RGB"), "WEBP", lossless=True), 0.01),
        (make_tiff(255 - RAMP8, photometric=0), 1e-6),
    ],
    ids=[
        "png",
        "png rgb",
        "png palette",
        "png grey and alpha",
        "png rgba",
        "jpeg",
        "jpeg rgb",
        "jpeg cmyk",
        "tiff",
        "tiff lzw",
        "webp",
        "tiff white is zero",
    ],
)
def test_eight_bit_pictures_keep_their_greys(tmp_path: Path, content: bytes, most: float) -> None:
    film = open_bytes(tmp_path, content)
    assert np.abs(film.pixels - RAMP8 / 255).max() <= most
    assert COLOUR_WARNING not in film.warnings


@pytest.mark.parametrize(
    "content",
    [
        encode(Image.fromarray(RAMP16), "PNG"),
        encode(Image.fromarray(RAMP16), "TIFF"),
        make_tiff(RAMP16, photometric=1),
        make_tiff(65535 - RAMP16, photometric=0),
        make_tiff((RAMP16.astype(int) - 32768).astype("<i2"), photometric=1, kind=2),
        make_tiff((RAMP16 / 65535).astype("<f4"), photometric=1, kind=3),
        encode(Image.fromarray(RAMP16 // 16), "PNG"),  # twelve bits in sixteen
    ],
    ids=["png", "tiff", "tiff by hand", "tiff white is zero", "tiff signed", "tiff float", "twelve bits"],
)
def test_deep_pictures_keep_their_greys_and_their_order(tmp_path: Path, content: bytes) -> None:
    pixels = open_bytes(tmp_path, content).pixels
    assert len(np.unique(pixels)) > 4000
    assert (np.diff(pixels.ravel()) >= 0).all()
    assert np.abs(pixels - RAMP16 / 65535).max() < 0.003


def test_sixteen_bit_colour_keeps_its_greys(tmp_path: Path) -> None:
    rows = np.repeat(RAMP16.astype(">u2")[..., None], 3, axis=-1)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    pixels = open_bytes(tmp_path, make_png(256, 256, 16, 2, data)).pixels
    assert np.abs(pixels - RAMP16 / 65535).max() < 0.01


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    bits = np.add.outer(np.arange(64), np.arange(64)) % 2 == 0
    assert np.array_equal(open_bytes(tmp_path, encode(Image.fromarray(bits), "PNG")).pixels, bits.astype(np.float32))


def test_what_is_transparent_is_black(tmp_path: Path) -> None:
    alpha = np.full_like(RAMP8, 255)
    alpha[:100] = 0
    pixels = open_bytes(tmp_path, encode(add_alpha(alpha), "PNG")).pixels
    assert not pixels[:100].any()
    assert np.allclose(pixels[100:], RAMP8[100:] / 255, atol=1e-6)


@pytest.mark.parametrize(("orientation", "turn"), [(3, 2), (6, 1), (8, 3)])
def test_a_turned_photograph_is_upright(tmp_path: Path, orientation: int, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(np.rot90(RAMP8, turn))
    pixels = open_bytes(tmp_path, encode(Image.fromarray(stored), "JPEG", quality=95, exif=exif)).pixels
    assert np.abs(pixels - RAMP8 / 255).max() < 0.03


def test_colours_are_named(tmp_path: Path) -> None:
    assert COLOUR_WARNING in open_bytes(tmp_path, encode(Image.fromarray(RED), "PNG")).warnings


@pytest.mark.parametrize("kind", ["TIFF", "WEBP"])
def test_of_several_pictures_the_first_is_read_and_that_is_said(tmp_path: Path, kind: str) -> None:
    other = Image.fromarray(255 - RAMP8)
    content = encode(Image.fromarray(RAMP8), kind, save_all=True, append_images=[other], lossless=True)
    film = open_bytes(tmp_path, content)
    assert SEVERAL in film.warnings
    assert np.abs(film.pixels - RAMP8 / 255).max() < 0.02


def test_a_large_picture_is_shrunk_and_keeps_its_shape(tmp_path: Path) -> None:
    film = open_bytes(tmp_path, encode(Image.fromarray(np.tile(RAMP8, (8, 12))), "PNG"))
    assert film.pixels.shape == (round(MAX_SIDE * 2 / 3), MAX_SIDE)


@pytest.mark.parametrize("name", ["film", "film.txt", "film.png", "film.DCM"])
def test_names_do_not_matter(tmp_path: Path, name: str) -> None:
    for content in (encode(Image.fromarray(RAMP8), "JPEG"), to_bytes(make_dicom(RAMP8))):
        assert open_bytes(tmp_path, content, name).pixels.shape == RAMP8.shape


# --- what cannot be read ----------------------------------------------------------------------------------------------

PNG, JPEG, TIFF, WEBP = (encode(Image.fromarray(RAMP8), kind) for kind in ("PNG", "JPEG", "TIFF", "WEBP"))


def make_twelve_bit_jpeg() -> bytes:
    """A JPEG whose frame header says 12 bits (ITU-T T.81, B.2.2)."""
    start = JPEG.index(b"\xff\xc0")
    return JPEG[: start + 1] + b"\xc1" + JPEG[start + 2 : start + 4] + b"\x0c" + JPEG[start + 5 :]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"Dear colleague, the film is attached.\n", "text"),
        (b"\xef\xbb\xbf<!DOCTYPE html><html>", "web page"),
        (b"%PDF-1.7\n\0\0", "PDF"),
        (b"PK\x03\x04\x14\0", "ZIP"),
        (b"GIF89a" + bytes(50), "GIF.*PNG, JPEG, TIFF, WebP and DICOM"),
        (encode(Image.fromarray(RAMP8), "GIF"), "GIF"),
        (encode(Image.fromarray(RAMP8), "BMP"), "BMP"),
        (encode(Image.fromarray(RAMP8), "JPEG2000"), "JPEG 2000"),
        (b"\0\0\0\x18ftypheic" + bytes(50), "phone"),
        (bytes(500), "not a picture"),
        (bytes(128) + b"DICM" + bytes(100), "DICOM"),
        *((content[: len(content) // 2], "damaged") for content in (PNG, JPEG, TIFF, WEBP)),
        (PNG[:20], "damaged"),
        (make_twelve_bit_jpeg(), "8-bit JPEG"),
        (encode(Image.new("L", (20, 400)), "PNG"), "20 x 400"),
        (make_tiff(np.full((64, 64), np.nan, "<f4"), 1, 3), "not numbers"),
        (make_png(20000, 10000, 8, 0, b"not even data"), "40 megapixels"),
        (make_png(7000, 6000, 8, 0, b"not even data"), "40 megapixels"),
        (make_png(2**31 - 1, 2**31 - 1, 1, 0, b""), "40 megapixels"),
    ],
    ids=[
        "empty",
        "text",
        "html",
        "pdf",
        "zip",
        "gif start",
        "gif",
        "bmp",
        "jpeg 2000",
        "heic",
        "zeros",
        "dicom of nothing",
        "cut png",
        "cut jpeg",
        "cut tiff",
        "cut webp",
        "cut png header",
        "12 bit jpeg",
        "tiny",
        "nan tiff",
        "200 megapixels",
        "42 megapixels",
        "endless",
    ],
)
def test_what_cannot_be_read_gets_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(CxrError, match=words) as refusal:
        open_bytes(tmp_path, content, "secret name.png")
    sentence = str(refusal.value)
    assert sentence.endswith(".") and sentence.count(". ") == 0 and "secret" not in sentence and len(sentence) < 160
    assert refusal.value.__cause__ is None or "secret" not in repr(refusal.value.__cause__)


def test_no_file_a_folder_and_a_huge_file_get_a_sentence(tmp_path: Path) -> None:
    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    for path, words in ((tmp_path / "none", "no such file"), (tmp_path, "is a folder"), (huge, "64 MB")):
        with pytest.raises(CxrError, match=words):
            open_film(path)
