"""The header says how to look: windows, tables, padding, shutters, dots that are not square, in any spelling."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from cxr.films.dicom import read_dicom
from cxr.films.dicom_display import BAD_FUNCTION, BAD_SCALE, BAD_TABLE, BAD_WINDOW
from cxr.films.dicom_values import BAD_NUMBER
from cxr.results import CxrError
from tests.films.dicoms import RAMP8, RAMP12, make_dicom, put_number, read, write

TWELVE: dict[str, Any] = {"BitsStored": 12, "HighBit": 11}
WINDOW: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "film"


def is_alike(path: Path, elements: dict[str, Any], others: dict[str, Any], atol: float = 1e-6) -> bool:
    films = [read(path, RAMP12, **TWELVE, **each).pixels for each in (elements, others)]
    return bool(np.abs(films[0] - films[1]).max() <= atol)


@pytest.mark.parametrize(
    "elements",
    [
        {"RescaleSlope": "1", "RescaleIntercept": ""},
        {"RescaleSlope": "", "RescaleIntercept": "0"},
        {"RescaleSlope": "", "RescaleIntercept": ""},
        {"RescaleSlope": None, "RescaleIntercept": "0"},
    ],
)
def test_an_empty_rescale_says_nothing(path: Path, elements: dict[str, Any]) -> None:
    assert is_alike(path, {**elements, **WINDOW}, WINDOW)


@pytest.mark.parametrize(
    "elements",
    [
        {"WindowCenter": 0, "WindowWidth": 0},
        {"WindowCenter": "", "WindowWidth": ""},
        {"WindowCenter": 5},
        {"WindowWidth": 5},
    ],
)
def test_a_width_of_nothing_is_no_window(path: Path, elements: dict[str, Any]) -> None:
    assert is_alike(path, elements, {})


def test_the_first_window_with_a_width_is_taken(path: Path) -> None:
    assert is_alike(path, {"WindowCenter": [0, 2048, 9], "WindowWidth": [0, 4096, 2]}, WINDOW)


def test_a_width_below_one_is_applied_as_it_is(path: Path) -> None:
    small = {"RescaleSlope": "0.0001", "RescaleIntercept": "0", "WindowCenter": "0.2048", "WindowWidth": "0.4096"}
    exact = {"WindowCenter": "2048", "WindowWidth": "4096", "VOILUTFunction": "LINEAR_EXACT"}
    assert is_alike(path, small, exact, 1e-4)


@pytest.mark.parametrize(
    ("name", "text"), [("WindowCenter", "127,5"), ("WindowWidth", "255,5 "), ("RescaleSlope", "1,0")]
)
def test_a_decimal_comma_is_read(path: Path, name: str, text: str) -> None:
    usual = {"WindowCenter": "128", "WindowWidth": "256", "RescaleSlope": "1", "RescaleIntercept": "0"}
    path.write_bytes(put_number(make_dicom(RAMP8, **usual), name, text))
    right = {**usual, name: text.strip().replace(",", ".")}
    assert np.array_equal(read_dicom(path).pixels, read(path, RAMP8, **right).pixels)


@pytest.mark.parametrize(
    ("elements", "sentence"),
    [
        ({"WindowCenter": 5, "WindowWidth": -5}, BAD_WINDOW),
        ({"VOILUTFunction": "CUBIC", **WINDOW}, BAD_FUNCTION),
        ({"RescaleSlope": 0, "RescaleIntercept": 0}, BAD_SCALE),
        ({"RescaleSlope": "1e308", "RescaleIntercept": 0}, BAD_SCALE),
    ],
)
def test_what_makes_no_sense_is_named(path: Path, elements: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CxrError) as refusal:
        read(path, RAMP12, **TWELVE, **elements)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("text", ["nan", "inf", "abc", "1,2,3"])
def test_what_is_no_number_is_named(path: Path, text: str) -> None:
    path.write_bytes(put_number(make_dicom(RAMP12, **TWELVE, WindowWidth=9), "WindowCenter", text))
    with pytest.raises(CxrError, match=BAD_NUMBER.format("Window Center")):
        read_dicom(path)


# --- tables -----------------------------------------------------------------------------------------------------------


def make_item(first: int, data: bytes, bits: int, vr: str = "US", entries: int = 4096) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", vr, [entries, first, bits])
    item.add_new("LUTData", "OW", data)
    return item


STEPS = np.arange(4096, dtype="<u2")


@pytest.mark.parametrize("name", ["VOILUTSequence", "ModalityLUTSequence"])
def test_entries_of_eight_bits_may_stand_two_in_a_word(path: Path, name: str) -> None:
    plain = {name: [make_item(0, STEPS.tobytes(), 12)]}
    packed = {name: [make_item(0, (STEPS // 16).astype(np.uint8).tobytes(), 8)]}
    assert is_alike(path, packed, plain, 1 / 255)


def test_a_first_value_may_be_negative_although_its_vr_is_not(path: Path) -> None:
    signed = (RAMP12.astype(np.int16) - 2048).astype(np.int16)
    shown = read(path, signed, **TWELVE, VOILUTSequence=[make_item(63488, STEPS.tobytes(), 12)]).pixels
    assert np.array_equal(
        shown, read(path, RAMP12, **TWELVE, VOILUTSequence=[make_item(0, STEPS.tobytes(), 12)]).pixels
    )
    rescaled = {"RescaleSlope": 1, "RescaleIntercept": -2048, "VOILUTSequence": [make_item(63488, STEPS.tobytes(), 12)]}
    assert np.array_equal(shown, read(path, RAMP12, **TWELVE, **rescaled).pixels)


@pytest.mark.parametrize("data", [bytes(100), bytes(8192), b""], ids=["short", "of one grey", "empty"])
def test_a_table_that_says_nothing_is_named(path: Path, data: bytes) -> None:
    with pytest.raises(CxrError, match=BAD_TABLE.format("VOI").partition(" (")[0]):
        read(path, RAMP12, **TWELVE, VOILUTSequence=[make_item(0, data, 12)])


# --- padding and shutters ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "limit", "stored"),
    [
        (0, None, np.uint16(0)),
        (4095, None, np.uint16(4095)),
        (65535, None, np.uint16(65535)),
        (60000, 65535, np.uint16(64000)),
        (65535, 60000, np.uint16(64000)),
    ],
)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("window", [WINDOW, {}], ids=["window", "no window"])
def test_padding_is_air_and_shapes_no_grey(
    path: Path, value: int, limit: int | None, stored: np.uint16, photometric: str, window: dict[str, Any]
) -> None:
    inside = RAMP12.clip(10, 4000)
    elements = {"PhotometricInterpretation": photometric, **window}
    bare = read(path, inside, **elements).pixels
    padded = np.pad(inside, 20, constant_values=stored)
    pixels = read(path, padded, PixelPaddingValue=value, PixelPaddingRangeLimit=limit, **elements).pixels
    assert np.array_equal(pixels[20:-20, 20:-20], bare)
    pixels[20:-20, 20:-20] = 0
    assert not pixels.any()


def test_signed_padding_is_found_in_either_spelling(path: Path) -> None:
    inside = (RAMP12.astype(np.int16) - 1000).clip(-900, 3000).astype(np.int16)
    padded = np.pad(inside, 20, constant_values=-2000)
    for value, vr in ((-2000, "SS"), (63536, "US")):
        dataset = make_dicom(padded)
        dataset.add_new("PixelPaddingValue", vr, value)
        pixels = read_dicom(write(path, dataset)).pixels
        assert pixels[:20].max() == 0 and np.ptp(pixels[20:-20, 20:-20]) > 0.99


def test_what_is_as_bright_as_padding_within_the_film_stays(path: Path) -> None:
    stored = np.pad(RAMP12.clip(0, 4000), 20, constant_values=4095)
    stored[100:110, 100:110] = 4095
    pixels = read(path, stored, **TWELVE, **WINDOW, PixelPaddingValue=4095).pixels
    assert pixels[100:110, 100:110].min() == 1 and pixels[:20].max() == 0


SHUTTERS: dict[str, dict[str, Any]] = {
    "RECTANGULAR": {
        "ShutterLeftVerticalEdge": 31,
        "ShutterRightVerticalEdge": 226,
        "ShutterUpperHorizontalEdge": 11,
        "ShutterLowerHorizontalEdge": 246,
    },
    "CIRCULAR": {"CenterOfCircularShutter": [128, 128], "RadiusOfCircularShutter": 100},
    "POLYGONAL": {"VerticesOfThePolygonalShutter": [11, 31, 11, 226, 246, 226, 246, 31]},
}


@pytest.mark.parametrize("shape", SHUTTERS)
def test_outside_a_shutter_is_black(path: Path, shape: str) -> None:
    white = np.full((256, 256), 250, np.uint8)
    pixels = read(path, white, ShutterShape=shape, **SHUTTERS[shape]).pixels
    y, x = np.mgrid[1:257, 1:257]
    shown = (y >= 11) & (y <= 246) & (x >= 31) & (x <= 226)
    if shape == "CIRCULAR":
        shown = np.hypot(y - 128, x - 128) <= 100
    assert np.array_equal(pixels > 0, shown)


@pytest.mark.parametrize(
    "elements",
    [
        {"ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": 300, "ShutterRightVerticalEdge": 2},
        {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [128, 128], "RadiusOfCircularShutter": 0},
        {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 1]},
        {"ShutterShape": "BITMAP"},
    ],
)
def test_a_shutter_that_would_hide_all_is_not_meant(path: Path, elements: dict[str, Any]) -> None:
    assert np.array_equal(read(path, RAMP8, **elements).pixels, read(path, RAMP8).pixels)


# --- dots that are not square -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("elements", "shape"),
    [
        ({"PixelAspectRatio": [2, 1]}, (512, 256)),
        ({"PixelAspectRatio": [1, 2]}, (256, 512)),
        ({"PixelSpacing": [0.3, 0.2]}, (384, 256)),
        ({"ImagerPixelSpacing": [0.15, 0.2]}, (256, 341)),
        ({"PixelSpacing": [0.2, 0.2], "PixelAspectRatio": [2, 1]}, (256, 256)),
        ({"PixelSpacing": [0.2, 0.2001]}, (256, 256)),
        ({"PixelAspectRatio": [0, 1]}, (256, 256)),
        ({"PixelAspectRatio": [1, 100]}, (256, 256)),
    ],
)
def test_dots_become_square(path: Path, elements: dict[str, Any], shape: tuple[int, int]) -> None:
    pixels = read(path, RAMP8, **elements).pixels
    assert pixels.shape == shape
    assert abs(pixels.mean() - RAMP8.mean() / 255) < 0.005


def test_a_spacing_that_is_no_number_is_passed_over(path: Path) -> None:
    path.write_bytes(put_number(make_dicom(RAMP8, PixelSpacing=[1, 1]), "PixelSpacing", "abc\\1"))
    assert read_dicom(path).pixels.shape == (256, 256)
