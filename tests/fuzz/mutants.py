"""Films that are then damaged at random, each told by a seed and a number alone."""

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from tests.data import DATA
from tests.films.dicoms import RAMP8, RAMP12, RAMP16, compress, make_dicom, make_table, to_bytes, write

SIDE = 64  # px; small, so that there can be many
REAL = 0.02  # share of the mutants made of real films, which are large and slow
HEADER = 1500  # bytes at the beginning that are damaged more often than the rest
LIES = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff", b"\0\0", b"\0\x80")
SYNTAXES = ("JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless", "RLELossless")


def mutate(films: list[bytes], seed: int, number: int, large: int = 0) -> bytes:
    """One of the films, damaged; the same for the same seed and number. The last `large` films are taken seldom."""
    rng = np.random.default_rng([seed, number])
    small = len(films) - large
    place = small + rng.integers(large) if large and rng.random() < REAL else rng.integers(small)
    mutant = bytearray(films[place])
    for _ in range(rng.choice([1, 1, 2, 4])):
        _damage(mutant, rng, films[rng.integers(small)])
    return bytes(mutant)


def _damage(mutant: bytearray, rng: np.random.Generator, other: bytes) -> None:
    """Bytes changed, a length that lies, a piece doubled, lost, or taken from another film, or the end cut off."""
    reach = min(len(mutant), HEADER) if rng.random() < 0.7 else len(mutant)
    start = int(rng.integers(max(1, reach)))
    size = int(rng.choice([1, 2, 4, 8, 64, 512]))
    match rng.choice(["bytes", "bytes", "bit", "lie", "lie", "double", "lose", "splice", "cut"]):
        case "bytes":
            for place in rng.integers(0, max(1, reach), rng.choice([1, 4, 16, 64])):
                mutant[place : place + 1] = bytes([rng.integers(256)])
        case "bit":
            mutant[start : start + 1] = bytes(byte ^ (1 << rng.integers(8)) for byte in mutant[start : start + 1])
        case "lie":
            lie = LIES[rng.integers(len(LIES))]
            mutant[start : start + len(lie)] = lie
        case "double":
            mutant[start:start] = mutant[start : start + size]
        case "lose":
            del mutant[start : start + size]
        case "splice":
            mutant[start : start + size] = other[start : start + size]
        case "cut":
            del mutant[int(rng.integers(len(mutant) + 1)) :]


def make_dicoms() -> list[bytes]:
    """Small DICOM films: every plain and packed transfer syntax, and every way to say how greys are shown."""
    eight, twelve, sixteen = (np.ascontiguousarray(ramp[:: 256 // SIDE, :: 256 // SIDE]) for ramp in _RAMPS)
    deep: dict[str, Any] = {"BitsStored": 12, "HighBit": 11, "WindowCenter": 2048, "WindowWidth": 4096}
    table = make_table(0, np.arange(4096) // 16, 8)
    palette: dict[str, Any] = {
        f"{colour}PaletteColorLookupTableDescriptor": [256, 0, 8] for colour in ("Red", "Green", "Blue")
    }
    palette |= {f"{colour}PaletteColorLookupTableData": bytes(range(256)) for colour in ("Red", "Green", "Blue")}
    floats = {"PixelData": None, "BitsStored": None, "HighBit": None, "PixelRepresentation": None}
    plain = [
        make_dicom(eight),
        make_dicom(eight, syntax=ImplicitVRLittleEndian),
        make_dicom(eight, syntax=DeflatedExplicitVRLittleEndian),
        make_dicom(twelve, **deep, RescaleSlope=2, RescaleIntercept=-1000, PhotometricInterpretation="MONOCHROME1"),
        make_dicom(twelve, **deep, VOILUTFunction="SIGMOID", PixelPaddingValue=0, PatientOrientation=["L", "F"]),
        make_dicom(twelve, **deep, VOILUTSequence=[table]),
        make_dicom(twelve, **deep, ModalityLUTSequence=[table]),
        make_dicom(sixteen, syntax=ExplicitVRBigEndian),
        make_dicom(sixteen.view(np.int16)),
        make_dicom(sixteen.astype(np.uint32)),
        make_dicom(sixteen.astype("<f4"), **floats, FloatPixelData=sixteen.astype("<f4").tobytes()),
        make_dicom(np.dstack([eight] * 3)),
        make_dicom(np.dstack([eight] * 3), PhotometricInterpretation="YBR_FULL"),
        make_dicom(eight, PhotometricInterpretation="PALETTE COLOR", **palette),
        make_dicom(eight, NumberOfFrames=3, PixelData=eight.tobytes() * 3),
    ]
    with tempfile.TemporaryDirectory() as folder:
        source, packed = Path(folder) / "plain", Path(folder) / "packed"
        write(source, make_dicom(twelve, **deep))
        return [to_bytes(film) for film in plain] + [compress(source, packed, name).read_bytes() for name in SYNTAXES]


def find_real_dicoms() -> list[bytes]:
    """Real DICOM films, where they lie beside the repository."""
    return [path.read_bytes() for path in sorted((DATA / "dicom").glob("*.dcm"))]


def make_pictures() -> list[bytes]:
    """Small pictures of every format and depth that is read."""
    eight, twelve, sixteen = (np.ascontiguousarray(ramp[:: 256 // SIDE, :: 256 // SIDE]) for ramp in _RAMPS)
    grey, colour = Image.fromarray(eight), Image.fromarray(np.dstack([eight, eight[::-1], eight]))
    alpha = Image.fromarray(np.dstack([eight] * 4))
    more = {"save_all": True, "append_images": [grey]}
    white = grey.point(lambda value: 255 * (value > 128), mode="1")
    return [
        *(_encode(grey, kind) for kind in ("PNG", "JPEG", "TIFF", "WEBP")),
        *(_encode(colour, kind) for kind in ("PNG", "JPEG", "TIFF", "WEBP")),
        _encode(Image.fromarray(sixteen), "PNG"),
        _encode(Image.fromarray(sixteen), "TIFF"),
        _encode(Image.fromarray(twelve.astype(np.float32)), "TIFF", compression="tiff_adobe_deflate"),
        _encode(white, "TIFF", compression="group4"),
        _encode(grey, "TIFF", compression="tiff_lzw", **more),
        _encode(colour, "TIFF", compression="jpeg"),
        _encode(colour, "JPEG", progressive=True),
        _encode(colour.convert("CMYK"), "JPEG"),
        _encode(alpha, "PNG"),
        _encode(colour.convert("P"), "PNG"),
        _encode(alpha, "WEBP", lossless=True),
        _encode(colour, "WEBP", **more),
    ]


def _encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


_RAMPS = (RAMP8, RAMP12, RAMP16)
