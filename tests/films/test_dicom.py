"""The greys a DICOM film shows, whatever way they are stored."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from cxr.films.dicom import read_dicom
from cxr.films.film import MAX_SIDE
from cxr.films.greys import COLOUR_WARNING
from cxr.films.open import open_film
from cxr.results import CxrError
from tests.films.dicoms import (
    RAMP8,
    RAMP12,
    RAMP16,
    compress,
    make_dicom,
    make_table,
    put_number,
    read,
    to_bytes,
    write,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "film"


# --- greys ------------------------------------------------------------------------------------------------------------


def test_eight_bits_keep_their_values(path: Path) -> None:
    assert np.allclose(read(path, RAMP8).pixels, RAMP8 / 255, atol=1e-6)


def test_a_dim_eight_bit_film_is_not_brightened(path: Path) -> None:
    assert np.allclose(read(path, RAMP8 // 4).pixels, (RAMP8 // 4) / 255, atol=1e-6)


def test_sixteen_bits_keep_their_steps_and_order(path: Path) -> None:
    pixels = read(path, RAMP16).pixels
    assert len(np.unique(pixels)) > 10_000
    assert (np.diff(pixels.ravel()) >= 0).all()
    assert np.abs(pixels - RAMP16 / 65535).max() < 0.003


def test_twelve_bits_without_a_window_use_the_whole_range(path: Path) -> None:
    pixels = read(path, RAMP12, BitsStored=12, HighBit=11).pixels
    assert np.abs(pixels - RAMP12 / 4095).max() < 0.003


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        # PS3.3 C.11.2.1.2.1: ((x - (c - 0.5)) / (w - 1) + 0.5)
        ({"WindowCenter": 2048, "WindowWidth": 1024}, lambda x: (x - 2047.5) / 1023 + 0.5),
        (
            {"WindowCenter": 2048, "WindowWidth": 1024, "VOILUTFunction": "LINEAR_EXACT"},
            lambda x: (x - 2048) / 1024 + 0.5,
        ),
        (
            {"WindowCenter": 2048, "WindowWidth": 1024, "VOILUTFunction": "SIGMOID"},
            lambda x: 1 / (1 + np.exp(-4 * (x - 2048) / 1024)),
        ),
        ({"WindowCenter": [2048, 100], "WindowWidth": [1024, 10]}, lambda x: (x - 2047.5) / 1023 + 0.5),
        # the window speaks of rescaled values
        (
            {"RescaleSlope": 2, "RescaleIntercept": -1000, "WindowCenter": 3096, "WindowWidth": 2048},
            lambda x: (2 * x - 1000 - 3095.5) / 2047 + 0.5,
        ),
        (
            {"RescaleSlope": -1, "RescaleIntercept": 4095, "WindowCenter": 2048, "WindowWidth": 4096},
            lambda x: (4095 - x - 2047.5) / 4095 + 0.5,
        ),
        # a window wider than what is stored leaves black and white unused
        ({"WindowCenter": 2048, "WindowWidth": 8192}, lambda x: (x - 2047.5) / 8191 + 0.5),
    ],
)
def test_a_window_is_applied_once_and_after_the_rescale(path: Path, elements: dict[str, Any], expected: Any) -> None:
    pixels = read(path, RAMP12, BitsStored=12, HighBit=11, **elements).pixels
    assert np.allclose(pixels, np.clip(expected(RAMP12.astype(float)), 0, 1), atol=1e-4)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_a_voi_table_is_applied(path: Path, bits: int) -> None:
    table = np.round((np.arange(4096) / 4095) ** 2 * (2**bits - 1))
    pixels = read(
        path,
        RAMP12,
        BitsStored=12,
        HighBit=11,
        VOILUTSequence=[make_table(0, table, bits)],
        WindowCenter=5,
        WindowWidth=2,
    ).pixels
    assert np.allclose(pixels, (RAMP12 / 4095) ** 2, atol=0.6 / (2**bits - 1) + 1e-6)


def test_a_voi_table_may_begin_late_and_follow_a_rescale(path: Path) -> None:
    table = np.arange(1001) * 4
    pixels = read(
        path,
        RAMP12,
        BitsStored=12,
        HighBit=11,
        RescaleSlope=1,
        RescaleIntercept=-500,
        VOILUTSequence=[make_table(1000, table, 12)],
    ).pixels
    assert np.allclose(pixels, np.clip((RAMP12.astype(float) - 1500) / 1000, 0, 1), atol=1e-4)


def test_a_modality_table_is_applied(path: Path) -> None:
    table = 4095 - np.arange(4096)
    pixels = read(
        path,
        RAMP12,
        BitsStored=12,
        HighBit=11,
        ModalityLUTSequence=[make_table(0, table, 12)],
        WindowCenter=2048,
        WindowWidth=4096,
    ).pixels
    assert np.allclose(pixels, 1 - RAMP12 / 4095, atol=1e-3)


@pytest.mark.parametrize(
    ("elements", "inverted"),
    [
        ({"PhotometricInterpretation": "MONOCHROME1"}, True),
        ({"PhotometricInterpretation": "MONOCHROME2"}, False),
        ({"PhotometricInterpretation": "MONOCHROME2", "PresentationLUTShape": "INVERSE"}, True),
        ({"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}, True),
        ({"PhotometricInterpretation": "MONOCHROME2", "PresentationLUTShape": "IDENTITY"}, False),
    ],
)
def test_inversion_comes_last_and_once(path: Path, elements: dict[str, Any], inverted: bool) -> None:
    pixels = read(path, RAMP12, BitsStored=12, HighBit=11, WindowCenter=1024, WindowWidth=2048, **elements).pixels
    shown = np.clip((RAMP12 - 1023.5) / 2047 + 0.5, 0, 1)
    assert np.allclose(pixels, 1 - shown if inverted else shown, atol=1e-4)


def test_signed_values_are_read(path: Path) -> None:
    stored = (RAMP16.astype(int) - 32768).astype(np.int16)
    assert np.abs(read(path, stored).pixels - RAMP16 / 65535).max() < 0.003


def test_padding_does_not_shape_the_greys(path: Path) -> None:
    stored = RAMP12 + 1000
    stored[:64] = 65535
    pixels = read(path, stored, PixelPaddingValue=65535).pixels
    assert np.ptp(pixels[64:]) > 0.99


def test_thirty_two_bits_are_read(path: Path) -> None:
    pixels = read(path, RAMP16.astype(np.uint32) * 65537).pixels
    assert np.abs(pixels - RAMP16 / 65535).max() < 0.003


def test_thirty_two_bits_far_from_zero_are_read(path: Path) -> None:
    stored = RAMP16.astype(np.uint32) + 3_000_000_000
    assert np.abs(read(path, stored).pixels - RAMP16 / 65535).max() < 0.003


def test_floats_are_read_and_those_without_a_value_refused(path: Path) -> None:
    values = (RAMP16 / 65535).astype(np.float32)
    elements = {"PixelData": None, "BitsStored": None, "HighBit": None, "PixelRepresentation": None}
    assert np.abs(read(path, values, **elements, FloatPixelData=values.tobytes()).pixels - values).max() < 0.003
    values[3, 3] = np.nan
    with pytest.raises(CxrError):
        read(path, values, **elements, FloatPixelData=values.tobytes())


def test_colours_become_greys_and_are_named(path: Path) -> None:
    grey = np.repeat(RAMP8[..., None], 3, axis=-1)
    film = read(path, grey)
    assert np.allclose(film.pixels, RAMP8 / 255, atol=0.01)
    assert COLOUR_WARNING not in film.warnings
    red = grey * np.array([1, 0, 0], np.uint8)
    assert COLOUR_WARNING in read(path, red).warnings


def test_luma_and_chroma_become_greys(path: Path) -> None:
    stored = np.stack([RAMP8, np.full_like(RAMP8, 128), np.full_like(RAMP8, 128)], axis=-1)
    film = read(path, stored, PhotometricInterpretation="YBR_FULL")
    assert np.allclose(film.pixels, RAMP8 / 255, atol=0.01)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_is_applied(path: Path, bits: int) -> None:
    table = (255 - np.arange(256)) * (1 if bits == 8 else 257)
    data = table.astype("<u2" if bits == 16 else "u1").tobytes()
    elements: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, bits]
        elements[f"{colour}PaletteColorLookupTableData"] = data
    assert np.allclose(read(path, RAMP8, **elements).pixels, 1 - RAMP8 / 255, atol=0.01)


def test_of_several_frames_the_first_is_read_and_that_is_said(path: Path) -> None:
    film = read(path, RAMP8, NumberOfFrames=3, PixelData=RAMP8.tobytes() + b"\0" * (2 * RAMP8.size))
    assert np.allclose(film.pixels, RAMP8 / 255, atol=1e-6)
    assert any("3 pictures" in warning and "frame 1" in warning for warning in film.warnings)


def test_a_large_film_is_shrunk(path: Path) -> None:
    film = read(path, np.tile(RAMP12, (10, 8)), BitsStored=12, HighBit=11)
    assert film.pixels.shape == (MAX_SIDE, round(MAX_SIDE * 0.8))


# --- transfer syntaxes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_plain_syntaxes_are_read(path: Path, syntax: str) -> None:
    assert np.allclose(read(path, RAMP8, syntax=syntax).pixels, RAMP8 / 255, atol=1e-6)


@pytest.mark.parametrize("name", ["JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless", "RLELossless"])
def test_lossless_syntaxes_give_every_step(path: Path, name: str) -> None:
    plain = write(path.with_name("plain"), make_dicom(RAMP12, BitsStored=12, HighBit=11))
    compress(plain, path, name)
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID.is_compressed
    assert np.array_equal(read_dicom(path).pixels, read_dicom(plain).pixels)


def test_a_bare_data_set_is_read(path: Path) -> None:
    whole = to_bytes(make_dicom(RAMP8, syntax=ImplicitVRLittleEndian))
    meta = int.from_bytes(whole[140:144], "little")
    path.write_bytes(whole[144 + meta :])
    assert np.allclose(open_film(path).pixels, RAMP8 / 255, atol=1e-6)


# --- lies -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("RescaleSlope", "nan"),
        ("RescaleSlope", "inf"),
        ("RescaleSlope", "1e308"),
        ("RescaleIntercept", "-inf"),
        ("WindowWidth", "-5"),
        ("WindowWidth", "nan"),
        ("WindowCenter", "inf"),
        ("WindowCenter", "abc"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(path: Path, name: str, text: str) -> None:
    dataset = make_dicom(RAMP16, RescaleSlope=1, RescaleIntercept=0)
    if name.startswith("Window"):
        dataset.WindowCenter, dataset.WindowWidth = 100, 100
    path.write_bytes(put_number(dataset, name, text))
    with pytest.raises(CxrError):
        read_dicom(path)


@pytest.mark.parametrize(
    "elements",
    [
        {"Rows": 512},
        {"Columns": 300},
        {"BitsAllocated": 16},
        {"SamplesPerPixel": 3},
        {"BitsAllocated": 13},
        {"PhotometricInterpretation": "NONSENSE"},
        {"PixelData": b"\0" * 10},
        {"VOILUTFunction": "CUBIC", "WindowCenter": 1, "WindowWidth": 9},
    ],
)
def test_lies_about_the_pixels_are_refused(path: Path, elements: dict[str, Any]) -> None:
    with pytest.raises(CxrError):
        read(path, RAMP8, **elements)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.99])
def test_a_truncated_file_is_refused(path: Path, share: float) -> None:
    whole = to_bytes(make_dicom(RAMP8))
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CxrError):
        open_film(path)
