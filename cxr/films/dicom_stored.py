"""What is stored, before anything is known of bits: containers of unsigned integers, native or decoded, or floats.

GDCM decodes, since its licence is free; it is given what the codestream says of itself and not what the header says.
"""

import io
import re

import gdcm
import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.uid import JPEG2000TransferSyntaxes, JPEGExtended12Bit

from cxr.films.dicom_description import GE_BIG_ENDIAN, Codestream, Description
from cxr.results import CxrError

Array = np.ndarray
FLOATS = {"FloatPixelData": "<f4", "DoubleFloatPixelData": "<f8"}
LARGE, SIGN_AT = 16_000_000, 42  # dots; the byte of a JPEG 2000 codestream that tells its sign and precision
LEVEL = 1 << 15  # that GDCM leaves on 12-bit samples which it writes as if they had 16 (T.81 A.3.1)

CUT_OFF = "This DICOM file is cut off: its picture takes {:,} bytes, and {:,} are there; please fetch it again."
BAD_STREAM = "The compressed picture of this DICOM file ({}) is damaged or cut off; please fetch it again."


def read_stored(dataset: Dataset, about: Description) -> Array:
    """The containers of the first frame: unsigned integers that may be written to, or floats; H x W.

    A very large JPEG 2000 film has half its height and width.

    Raises:
        CxrError: the picture is cut off or damaged.
    """
    floats = next((name for name in FLOATS if dataset.get(name)), None)
    if floats:
        return _read_native(dataset.get(floats), about, FLOATS[floats])
    return _decode(about.stream, about) if about.stream else _read_integers(dataset, about)


def _read_integers(dataset: Dataset, about: Description) -> Array:
    """Native containers as unsigned integers, in the file's byte order."""
    element = dataset["PixelData"]
    _, little = dataset.original_encoding
    big = little is False or dataset.file_meta.get("TransferSyntaxUID") == GE_BIG_ENDIAN
    data = element.value
    if about.allocated == 1:
        row = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return _read_native(row.tobytes(), about, "u1")
    if about.allocated == 8 and big and element.VR == "OW":  # words whose bytes are swapped (PS3.5 A.3)
        data = np.frombuffer(data[: len(data) // 2 * 2], ">u2").astype("<u2").tobytes()
    return _read_native(data, about, f"{'>' if big else '<'}u{about.allocated // 8}")


def _read_native(data: bytes, about: Description, kind: str) -> Array:
    """Numbers of a type, H x W. A part of the last row may be missing, as where a writer forgot the padding byte."""
    shape, size = (about.rows, about.columns), np.dtype(kind).itemsize
    needed = about.rows * about.columns * size
    if len(data) <= needed - about.columns * size:
        raise CxrError(CUT_OFF.format(needed, len(data)))
    values = np.frombuffer(data[:needed].ljust(needed, b"\0"), kind).reshape(shape)
    return values.astype(values.dtype.newbyteorder("="))  # a copy that can be written to


def _decode(stream: Codestream, about: Description) -> Array:
    """Unsigned integers of the codestream's own precision.

    Raises:
        CxrError: it is damaged.
    """
    try:
        wavelets = stream.syntax in JPEG2000TransferSyntaxes and not stream.data[SIGN_AT] & 0x80
        if wavelets and about.rows * about.columns > LARGE and 8 < stream.precision <= 16:
            return _decode_half(stream)
        return _decode_whole(stream, about)
    except (OSError, ValueError) as error:
        raise CxrError(BAD_STREAM.format(re.split(r",| \(| Image", stream.syntax.name)[0])) from error


def _decode_half(stream: Codestream) -> Array:
    """By OpenJPEG in Pillow without the finest of the wavelets, in a third of the time (ISO/IEC 15444-1 B.5)."""
    with Image.open(io.BytesIO(stream.data), formats=("JPEG2000",)) as image:
        image.reduce = 1  # type: ignore[method-assign, assignment]  # Pillow's way to ask for it
        return np.asarray(image).clip(0, (1 << stream.precision) - 1).astype(np.uint16)


def _decode_whole(stream: Codestream, about: Description) -> Array:
    """By GDCM."""
    precision = stream.precision or about.allocated
    size = next(size for size in (1, 2, 4) if 8 * size >= precision)
    fragment, fragments = gdcm.Fragment(), gdcm.SequenceOfFragments.New()
    fragment.SetByteStringValue(stream.data)
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((about.columns, about.rows, 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(stream.syntax))))
    image.SetPixelFormat(gdcm.PixelFormat(1, 8 * size, precision, precision - 1, 0))
    data = (image.GetBuffer() or "").encode("utf-8", "surrogateescape")  # bytes come as surrogates, None as a failure
    if len(data) != about.rows * about.columns * size:
        raise ValueError("the decoder failed")
    raw = np.frombuffer(bytearray(data), f"<u{size}").reshape(about.rows, about.columns)
    if stream.syntax == JPEGExtended12Bit and raw.min() > LEVEL - (1 << 8):  # T.81 knows 8 and 12 bits there
        return (np.maximum(raw, LEVEL) - LEVEL).astype(raw.dtype)
    return raw
