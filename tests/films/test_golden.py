"""Golden films: every way to store a film gives the greys that float64 arithmetic gives, written here once more.

The reference knows what was stored and what the header says, and shares no code with `cxr.films`. What is stored
without loss must agree within float32's own rounding; what a lossy codec changed, and real films, within one grey
level (1/255), the compressed ones of what another decoder makes of them.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import get_frame
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from cxr.films.decoder import decode
from cxr.films.film import MAX_SIDE
from tests.data import DATA
from tests.films.dicoms import compress, make_dicom, make_table, write

EXACT, GREY_LEVEL = 2e-6, 1 / 255
HEIGHT, WIDTH = 48, 40
PLAIN: dict[str, str] = {
    "explicit": "1.2.840.10008.1.2.1",
    "implicit": ImplicitVRLittleEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "big endian": ExplicitVRBigEndian,
}
PACKED = ("RLELossless", "JPEGLosslessProcess14", "JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless")
LOSSY = ("JPEG2000", "JPEGLSNearLossless")


@dataclass(frozen=True)
class Golden:
    """How one film is stored, and how its header says that it is shown."""

    syntax: str
    photometric: str
    bits: int
    signed: bool = False
    shown: str = "as it is"  # or by a window, a sigmoid, a table
    slope: float = 1.0
    intercept: float = 0.0

    def __str__(self) -> str:
        sign = "signed" if self.signed else "unsigned"
        return f"{self.syntax}, {self.photometric}, {self.bits} bits {sign}, {self.shown}"


def list_golden() -> list[Golden]:
    films = []
    for place, syntax in enumerate((*PLAIN, *PACKED)):
        shown = ("window", "sigmoid", "exact window", "table")[place % 4]
        films += [
            Golden(syntax, "MONOCHROME2", 8) if syntax != "big endian" else Golden(syntax, "MONOCHROME2", 12),
            Golden(syntax, "MONOCHROME1", 12, shown="window"),
            Golden(syntax, "MONOCHROME2", 16),
            Golden(syntax, "MONOCHROME2", 10 + place % 3 * 2, shown=shown, slope=2, intercept=-1024),
        ]
        if syntax != "JPEGLSLossless":  # GDCM writes none that is signed
            films.append(Golden(syntax, ("MONOCHROME1", "MONOCHROME2")[place % 2], 16, signed=True, shown="window"))
    films += [Golden(syntax, "RGB", 8) for syntax in ("explicit", "deflated", "RLELossless", "JPEG2000Lossless")]
    films += [Golden(syntax, "PALETTE COLOR", 8) for syntax in ("explicit", "RLELossless")]
    films += [Golden("explicit", "YBR_FULL", 8), Golden("explicit", "MONOCHROME2", 32)]
    return films + [Golden(syntax, "MONOCHROME2", 8) for syntax in LOSSY]


GOLDEN = list_golden()


def draw(film: Golden) -> np.ndarray:
    """Stored values over the whole range, smooth and rough: H x W (x 3) of the film's type."""
    rng = np.random.default_rng(film.bits + 100 * film.signed)
    steps = np.linspace(0, 1, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    share = np.where(
        np.arange(WIDTH) < WIDTH // 2, steps, rng.random((HEIGHT, WIDTH)) if film.syntax not in LOSSY else steps
    )
    least = -(2 ** (film.bits - 1)) if film.signed else 0
    values = np.round(least + share * (2**film.bits - 1)).astype(np.int64)
    allocated = 8 if film.bits <= 8 else 16 if film.bits <= 16 else 32
    stored = values.astype(f"{'i' if film.signed else 'u'}{allocated // 8}")
    if film.photometric == "RGB":
        return np.dstack([stored, stored[::-1], stored[:, ::-1]])
    return (
        np.dstack([stored, np.full_like(stored, 128), np.full_like(stored, 128)])
        if "YBR" in film.photometric
        else stored
    )


def describe(film: Golden) -> dict[str, Any]:
    """The header of the film."""
    low = -(2 ** (film.bits - 1)) if film.signed else 0
    elements: dict[str, Any] = {
        "PhotometricInterpretation": film.photometric,
        "BitsStored": film.bits,
        "HighBit": film.bits - 1,
        "syntax": PLAIN.get(film.syntax, PLAIN["explicit"]),
    }
    if (film.slope, film.intercept) != (1, 0):
        elements |= {"RescaleSlope": film.slope, "RescaleIntercept": film.intercept}
    if film.shown in ("window", "exact window", "sigmoid"):
        centre = film.slope * (low + 2 ** (film.bits - 1)) + film.intercept
        elements |= {"WindowCenter": int(centre), "WindowWidth": int(film.slope * 2 ** (film.bits - 1))}
        names = {"window": "LINEAR", "exact window": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
        elements["VOILUTFunction"] = names[film.shown]
    if film.shown == "table":
        order = ">" if film.syntax == "big endian" else "<"
        elements["VOILUTSequence"] = [make_table(100, np.arange(1001) ** 2 // 1000, 10, order)]
    if film.photometric == "PALETTE COLOR":
        for colour in ("Red", "Green", "Blue"):
            elements[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 8]
            elements[f"{colour}PaletteColorLookupTableData"] = bytes(range(255, -1, -1))
    return elements


def compute_greys(stored: np.ndarray, header: dict[str, Any]) -> np.ndarray:
    """What PS3.3 C.11 makes of the stored values, in float64: 0 black, 1 white."""
    photometric, bits = header["PhotometricInterpretation"], header["BitsStored"]
    values = stored.astype(np.float64)
    if photometric == "RGB":
        return values @ np.array([0.299, 0.587, 0.114]) / 255
    if photometric == "YBR_FULL":
        return values[..., 0] / 255
    if photometric == "PALETTE COLOR":
        return (255 - values) / 255
    values = values * float(header.get("RescaleSlope", 1)) + float(header.get("RescaleIntercept", 0))
    if "VOILUTSequence" in header:
        place = np.clip(values - 100, 0, 1000).astype(int)
        greys = (np.arange(1001) ** 2 // 1000)[place] / 1000
    elif "WindowCenter" in header:
        centre, width = float(header["WindowCenter"]), float(header["WindowWidth"])
        match header.get("VOILUTFunction", "LINEAR"):
            case "LINEAR_EXACT":
                greys = np.clip((values - centre) / width + 0.5, 0, 1)
            case "SIGMOID":
                greys = 1 / (1 + np.exp(-4 * (values - centre) / width))
            case _:
                greys = np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)
    elif bits <= 8:
        greys = values / (2**bits - 1)
    else:  # nobody wrote down what is black: the range in use, one dot in a thousand aside at either end
        values = shrink(values)
        low, high = np.percentile(values, [0.1, 99.9])
        greys = np.clip((values - low) / (high - low), 0, 1)
    return 1 - greys if photometric == "MONOCHROME1" else greys


def shrink(values: np.ndarray) -> np.ndarray:
    """The mean of all dots whose middle falls into a dot of the film of MAX_SIDE, in float64."""
    sides = [max(1, round(side * min(1, MAX_SIDE / max(values.shape)))) for side in values.shape]
    for axis, (side, new) in enumerate(zip(values.shape, sides, strict=True)):
        scale = side / new
        middles = np.arange(side) + 0.5
        inside = np.abs(middles[None, :] - (np.arange(new)[:, None] + 0.5) * scale) <= scale / 2
        values = np.tensordot(inside / inside.sum(axis=1, keepdims=True), values, (1, axis))
        values = np.moveaxis(values, 0, axis)
    return values


@pytest.mark.parametrize("film", GOLDEN, ids=str)
def test_a_stored_film_shows_its_greys(film: Golden, tmp_path: Path) -> None:
    stored, header = draw(film), describe(film)
    path = write(tmp_path / "plain", make_dicom(stored, **header))
    if film.syntax not in PLAIN:
        path = compress(path, tmp_path / "packed", film.syntax)
        assert pydicom.dcmread(path).file_meta.TransferSyntaxUID.is_compressed
    difference = np.abs(decode(path, "dicom").pixels - compute_greys(stored, header)).max()
    lossless = film.syntax not in LOSSY and "MONOCHROME" in film.photometric
    assert difference <= (EXACT if lossless else GREY_LEVEL)


def test_there_are_forty_of_all_kinds() -> None:
    assert len(set(GOLDEN)) == len(GOLDEN) >= 40
    assert {film.syntax for film in GOLDEN} == {*PLAIN, *PACKED, *LOSSY}
    assert {film.bits for film in GOLDEN} == {8, 10, 12, 14, 16, 32}
    assert {film.signed for film in GOLDEN} == {True, False}


REAL = sorted((DATA / "dicom").glob("*.dcm"))


@pytest.mark.skipif(not REAL, reason="../shared/data/dicom is missing")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_a_real_film_shows_its_greys(path: Path) -> None:
    dataset = pydicom.dcmread(path)
    names = (
        "PhotometricInterpretation",
        "BitsStored",
        "RescaleSlope",
        "RescaleIntercept",
        "WindowCenter",
        "WindowWidth",
    )
    header = {name: dataset[name].value for name in names if dataset.get(name) is not None}
    greys = compute_greys(decode_stored(dataset), header)
    assert np.abs(decode(path, "dicom").pixels - shrink(greys)).max() <= GREY_LEVEL


def decode_stored(dataset: pydicom.Dataset) -> np.ndarray:
    """The stored values, by Pillow where they are compressed: the program takes GDCM."""
    if UID(dataset.file_meta.TransferSyntaxUID).is_compressed:
        values = np.asarray(Image.open(io.BytesIO(get_frame(dataset.PixelData, 0, number_of_frames=1))))
        return values >> (16 - dataset.BitsStored) if dataset.BitsStored > 8 else values  # Pillow fills 16 bits up
    kind = f"<{'i' if dataset.PixelRepresentation else 'u'}{dataset.BitsAllocated // 8}"
    return np.frombuffer(dataset.PixelData, kind, dataset.Rows * dataset.Columns).reshape(dataset.Rows, dataset.Columns)
