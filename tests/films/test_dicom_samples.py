"""Whatever a header says of its samples, the film is the same, or it is refused and the reason is told."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
)

from cxr.films.dicom import read_dicom
from cxr.films.dicom_description import BAD_BITS, NO_SIZE, UNKNOWN_CODEC
from cxr.films.dicom_samples import RESIGNED, SHIFTED, UNCLEAR, WIDER
from cxr.films.dicom_stored import CUT_OFF
from cxr.films.film import Film
from cxr.films.phantom import draw_film
from cxr.reader import load_reader
from cxr.results import CxrError
from cxr.settings import Settings
from tests.films.dicoms import compress, make_dicom, write

SIDE = 256
PLAIN = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "big endian": ExplicitVRBigEndian,
}
PACKED = ("RLELossless", "JPEGLosslessProcess14", "JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless")
WINDOW = {"WindowCenter": 2048, "WindowWidth": 4096}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "film"


@cache
def draw(bits: int = 12) -> np.ndarray:
    """A drawn film as unsigned integers over the whole range of so many bits, with the noise of a detector."""
    pixels = draw_film(11, size=SIDE, view="PA").film.pixels
    noise = np.random.default_rng(0).normal(0, 0.002, pixels.shape)
    return np.round(np.clip(pixels + noise, 0, 1) * (2**bits - 1)).astype(np.uint16)


def store(path: Path, raw: np.ndarray, form: str, **header: Any) -> Film:
    """The film of containers `raw` stored in one form, after which the header is made to say what it says."""
    if form in PLAIN:
        return read_dicom(write(path, make_dicom(raw, syntax=PLAIN[form], **header)))
    compress(write(path.with_name("plain"), make_dicom(raw)), path, form)
    dataset = pydicom.dcmread(path)
    for name, value in header.items():
        setattr(dataset, name, value)
    dataset.save_as(path)
    return read_dicom(path)


def show(path: Path, raw: np.ndarray, **header: Any) -> np.ndarray:
    """What a film looks like of which the header is right."""
    return read_dicom(write(path.with_name("right"), make_dicom(raw, **header))).pixels


def scatter(bits: int) -> np.ndarray:
    """Dirt: any of so many bits, set anywhere."""
    return np.random.default_rng(1).integers(0, 2**bits, (SIDE, SIDE)).astype(np.uint16)


def draw_overlay() -> np.ndarray:
    """A line drawing of one bit."""
    y, x = np.mgrid[:SIDE, :SIDE]
    return (np.abs(np.hypot(y - 128, x - 128) - 60) < 3).astype(np.uint16)


SIGNED = {"PixelRepresentation": 1, "BitsStored": 12, "HighBit": 11}
TWELVE = {"BitsStored": 12, "HighBit": 11}
CASES: dict[str, tuple[np.ndarray, dict[str, Any], np.ndarray, dict[str, Any], str | None]] = {
    # what is stored, what the header says; what it means, what a right header says of that; what is said
    "left-aligned, and the header says so": (draw() << 4, {"BitsStored": 12, "HighBit": 15}, draw(), TWELVE, None),
    "left-aligned with dirt below": (draw() << 4 | scatter(4), {"BitsStored": 12, "HighBit": 15}, draw(), TWELVE, None),
    "left-aligned, the header says not": (draw() << 4, TWELVE, draw(), TWELVE, SHIFTED),
    "right-aligned, the header says not": (draw(), {"BitsStored": 12, "HighBit": 15}, draw(), TWELVE, SHIFTED),
    "in the middle of the word": (draw() << 2, {"BitsStored": 12, "HighBit": 13}, draw(), TWELVE, None),
    "an overlay above": (draw() | draw_overlay() << 12, {**TWELVE, "overlay": 12}, draw(), TWELVE, None),
    "an overlay above, of which the header says nothing": (draw() | draw_overlay() << 15, TWELVE, draw(), TWELVE, None),
    "dirt above": (draw() | scatter(4) << 12, TWELVE, draw(), TWELVE, None),
    "one dirty bit everywhere": (draw() | np.uint16(1 << 14), TWELVE, draw(), TWELVE, None),
    "two bits more than said": (draw(14), TWELVE, draw(14), {"BitsStored": 14, "HighBit": 13}, WIDER),
    "four bits more than said": (draw(16), TWELVE, draw(16), {}, WIDER),
    "bits below that are never used": (draw(8) * 64, TWELVE, draw(8) * 64, {"BitsStored": 14, "HighBit": 13}, WIDER),
    "the same up to the highest, and a window of sixteen bits": (
        draw(8) * 256,
        {**TWELVE, "WindowCenter": 32768, "WindowWidth": 65536},
        draw(8) * 256,
        {"WindowCenter": 32768, "WindowWidth": 65536},
        WIDER,
    ),
    "ten bits said, twelve there": (draw(), {"BitsStored": 10, "HighBit": 9}, draw(), TWELVE, WIDER),
    "eight bits said, twelve there": (draw(), {"BitsStored": 8, "HighBit": 7}, draw(), TWELVE, WIDER),
    "signed and extended": ((draw() - 2048).view(np.uint16), SIGNED, draw(), TWELVE, None),
    "signed and not extended": ((draw() - 2048) & 0xFFF, SIGNED, draw(), TWELVE, None),
    "signed, said to be unsigned": ((draw() - 2048).view(np.uint16), TWELVE, draw(), TWELVE, RESIGNED),
    "unsigned, said to be signed": (draw(), SIGNED, draw(), TWELVE, RESIGNED),
    "sixteen bits, said to be signed": (draw(16), {"PixelRepresentation": 1}, draw(16), {}, RESIGNED),
}


@pytest.mark.parametrize("form", ["explicit", *PACKED])
@pytest.mark.parametrize("name", CASES)
def test_the_bits_of_a_sample_are_found_whatever_lies_around_them(path: Path, name: str, form: str) -> None:
    raw, header, meant, right, said = CASES[name]
    header = dict(header)
    place = header.pop("overlay", None)
    film = store(path, raw, form, **header)
    if place:
        dataset = pydicom.dcmread(path)
        dataset.add_new(0x60000102, "US", place)
        dataset.save_as(path)
        film = read_dicom(path)
    assert np.abs(film.pixels - show(path, meant, **right)).max() < 1e-5
    assert film.warnings == ((said,) if said else ())


@pytest.mark.parametrize("form", ["explicit", *PACKED])
def test_what_cannot_be_told_apart_is_refused(path: Path, form: str) -> None:
    raw = draw(14)
    raw[:, : SIDE // 2] = (draw() | scatter(2) << 12)[:, : SIDE // 2]  # one half is dirt, the other goes on
    with pytest.raises(CxrError, match=UNCLEAR):
        store(path, raw, form, **TWELVE)


@pytest.mark.parametrize("form", [*PLAIN, *PACKED])
def test_every_encoding_gives_the_same_film(path: Path, form: str) -> None:
    right = show(path, draw(), **TWELVE, **WINDOW)
    assert np.array_equal(store(path, draw(), form, **TWELVE, **WINDOW).pixels, right)


def test_twelve_encodings_give_fourteen_equal_verdicts(path: Path) -> None:
    reader = load_reader(Settings(), anyway=True)

    def judge(film: Film) -> list[object]:
        return [
            (score.finding, score.probability, score.verdict) for score in reader.classify(reader.study(film)).scores
        ]

    films = [store(path, draw(), form, **TWELVE, **WINDOW) for form in (*PLAIN, *PACKED)]
    films.append(store(path, draw() << 4, "explicit", BitsStored=12, HighBit=15, **WINDOW))
    negative = {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 2048, "WindowWidth": 4096}
    films.append(store(path, 4095 - draw(), "JPEGLSLossless", **TWELVE, **negative))
    films.append(
        store(
            path, (draw() - 2048).view(np.uint16), "explicit", **SIGNED, RescaleIntercept=2048, RescaleSlope=1, **WINDOW
        )
    )
    assert len(films) == 12
    first, *others = [judge(film) for film in films]
    assert len(first) == 14 and all(other == first for other in others)


# --- syntaxes that lie ------------------------------------------------------------------------------------------------

EIGHT = (draw() >> 4).astype(np.uint8)


def name_syntax(path: Path, said: str | None) -> Path:
    """The same file, whose meta information names another transfer syntax, or none."""
    whole = path.read_bytes()
    start = whole.index(b"\x02\x00\x10\x00UI")
    length = int.from_bytes(whole[start + 6 : start + 8], "little")
    uid = said.encode() + b"\0" * (len(said) % 2) if said else b""
    element = b"\x02\x00\x10\x00UI" + len(uid).to_bytes(2, "little") + uid if said else b""
    group = int.from_bytes(whole[140:144], "little") + len(element) - 8 - length
    path.write_bytes(
        whole[:140] + group.to_bytes(4, "little") + whole[144:start] + element + whole[start + 8 + length :]
    )
    return path


SAID = (
    None,
    *PLAIN.values(),
    JPEG2000Lossless,
    JPEGLSLossless,
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.5",
    "1.2.3.4.5",
)


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("form", [*PLAIN, *PACKED])
def test_pixels_are_told_by_themselves_whatever_the_transfer_syntax_says(
    path: Path, form: str, said: str | None
) -> None:
    store(path, draw(), form, **TWELVE)
    assert np.array_equal(read_dicom(name_syntax(path, said)).pixels, show(path, draw(), **TWELVE))


def test_a_codestream_without_items_and_one_in_pieces_are_read(path: Path) -> None:
    store(path, draw(), "JPEG2000Lossless", **TWELVE)
    dataset = pydicom.dcmread(path)
    stream = b"".join(pydicom.encaps.generate_fragments(dataset.PixelData))
    stream = stream[stream.index(b"\xff\x4f\xff\x51") :]
    for data in (stream, encapsulate([stream], fragments_per_frame=5, has_bot=False)):
        dataset.PixelData = data + b"\0" * (len(data) % 2)
        dataset["PixelData"].is_undefined_length = True
        dataset.save_as(path) if data is not stream else write_bare(path, dataset, data)
        assert np.array_equal(read_dicom(path).pixels, show(path, draw(), **TWELVE))


def write_bare(path: Path, dataset: pydicom.Dataset, data: bytes) -> None:
    """A film whose pixel data are the codestream itself, with a defined length."""
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].is_undefined_length = False
    dataset.save_as(path)


@pytest.mark.parametrize(
    ("start", "name"),
    [(b"\xff\x0a", "JPEG XL"), (b"\xff\x4f\xff\x51\0\x2f\x40\0", "high-throughput"), (b"\0\0\x01\xb3", "MPEG")],
)
def test_what_cannot_be_decoded_is_named(path: Path, start: bytes, name: str) -> None:
    dataset = make_dicom(EIGHT, syntax=JPEG2000Lossless)
    dataset.PixelData = encapsulate([start + bytes(100)])
    dataset["PixelData"].is_undefined_length = True
    with pytest.raises(CxrError, match=UNKNOWN_CODEC.partition("{")[0]) as refusal:
        read_dicom(write(path, dataset))
    assert name in str(refusal.value)


# --- what writers leave out -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "elements",
    [
        *({name: None} for name in ("PixelRepresentation", "SamplesPerPixel", "BitsStored", "HighBit")),
        {"PhotometricInterpretation": None},
        *({"PhotometricInterpretation": word} for word in ("monochrome2", "MONOCHROME 2", "MONOCHROME", "Grayscale")),
        {"SamplesPerPixel": None, "PhotometricInterpretation": None, "BitsStored": None, "HighBit": None},
        {"NumberOfFrames": 16},
        {"NumberOfFrames": 0},
        {"HighBit": 40},
        {"PixelData": EIGHT.tobytes()[:-1]},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore")
def test_what_has_one_sensible_value_may_be_missing(path: Path, elements: dict[str, Any]) -> None:
    film = read_dicom(write(path, make_dicom(EIGHT, **elements)))
    assert np.abs(film.pixels - EIGHT / 255)[:-1].max() < 1e-6


@pytest.mark.parametrize("raw", [EIGHT, draw()], ids=["8 bits", "12 bits"])
def test_bits_allocated_is_told_by_the_length(path: Path, raw: np.ndarray) -> None:
    whole = write(path, make_dicom(raw, BitsStored=None, HighBit=None)).read_bytes()
    start = whole.index(b"\x28\0\0\x01US")
    path.write_bytes(whole[:start] + whole[start + 10 :])
    assert np.array_equal(read_dicom(path).pixels, show(path, raw))


def test_colours_need_no_planar_configuration(path: Path) -> None:
    film = read_dicom(write(path, make_dicom(np.dstack([EIGHT] * 3), PlanarConfiguration=None)))
    assert np.abs(film.pixels - EIGHT / 255).max() < 0.01


@pytest.mark.parametrize(
    ("elements", "sentence"),
    [
        ({"Rows": None}, NO_SIZE),
        ({"BitsAllocated": 12, "BitsStored": 12}, BAD_BITS.format(12, 12)),
        ({"BitsStored": 9}, BAD_BITS.format(8, 9)),
        ({"PixelData": EIGHT.tobytes()[:1000]}, CUT_OFF.format(SIDE * SIDE, 1000)),
        ({"BitsAllocated": 16, "BitsStored": 16}, CUT_OFF.format(2 * SIDE * SIDE, SIDE * SIDE)),
    ],
)
def test_what_is_missing_or_wrong_is_named(path: Path, elements: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CxrError) as refusal:
        read_dicom(write(path, make_dicom(EIGHT, **elements)))
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("bits", [8, 12])
def test_jpeg_extended_is_read(path: Path, bits: int) -> None:
    stored = draw() if bits == 12 else EIGHT
    header = {"BitsStored": bits, "HighBit": bits - 1}
    plain = write(path.with_name("plain"), make_dicom(stored, **header))
    packed = compress(plain, path, "JPEGExtendedProcess2_4" if bits == 12 else "JPEGBaselineProcess1")
    film = read_dicom(packed)
    assert np.abs(film.pixels - read_dicom(plain).pixels).max() < 0.01
    dataset = pydicom.dcmread(packed)
    dataset.BitsAllocated, dataset.file_meta.TransferSyntaxUID = 16, UID("1.2.840.10008.1.2.1")
    dataset.save_as(path)
    assert np.array_equal(read_dicom(path).pixels, film.pixels)
