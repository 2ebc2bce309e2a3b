"""What a data set says of its picture, completed: standard defaults, and the transfer syntax that its pixels have.

Elements that minimal writers leave out have one sensible value (PS3.3 C.7.6.3). How pixels are stored is told by
themselves: encapsulated ones by their undefined length or first item (PS3.5 A.4), a codestream by its first bytes,
native ones by their length.
"""

from dataclasses import dataclass, field

from pydicom import Dataset, uid
from pydicom.encaps import encapsulate, generate_fragments
from pydicom.tag import Tag
from pydicom.uid import UID

from cxr.films.dicom_values import PYDICOM_ERRORS, read_integer, read_word
from cxr.films.picture import MAX_PIXELS, check_size
from cxr.results import CxrError

GE_BIG_ENDIAN = UID("1.2.840.113619.5.2")  # a private syntax of GE: little endian, but for the pixels
ITEM, UNDEFINED = b"\xfe\xff\x00\xe0", 0xFFFFFFFF  # the tag that begins every fragment; a length
JPEG, J2K, JP2 = b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "
BEGINNINGS = (JPEG, J2K, JP2)
FRAMES = {
    0xC0: uid.JPEGBaseline8Bit,
    0xC1: uid.JPEGExtended12Bit,
    0xC2: UID("1.2.840.10008.1.2.4.55"),
}  # ITU-T T.81 B.1
LOSSLESS, JPEG_LS = 0xC3, 0xF7  # start of frame: ITU-T T.81 B.1.1.3, T.87 C.1.1
NATIVE = (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian, GE_BIG_ENDIAN)
NO_FRAMES = {0xC4, 0xC8, 0xCC}  # markers among those that are none
SAME_CODEC = (
    (uid.JPEGLosslessSV1, uid.JPEGLossless),
    (uid.JPEGLSLossless, uid.JPEGLSNearLossless),
    (uid.JPEG2000Lossless, uid.JPEG2000),
)
OTHERS = ((b"\xff\x0a", "JPEG XL"), (b"\x00\x00\x00\x0cJXL ", "JPEG XL"), (b"\x00\x00\x01", "MPEG video"))
COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_422", "YBR_PARTIAL_420")
GREY = ("MONO", "GRAY", "GREY")
PHOTOMETRIC = {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", *COLOURS}
MOST_BITS = 32  # of a sample in a codestream that can be decoded

NO_SIZE = "This DICOM file does not say how large its picture is (Rows, Columns)."
NO_BITS = "This DICOM file does not say how many bits a sample has (Bits Allocated), and its length does not tell."
BAD_BITS = "This DICOM file says that a sample has {} bits, of which {} count, which no picture can have."
BAD_COLOURS = (
    "The Photometric Interpretation of this DICOM file is not known here, or does not fit its Samples per Pixel."
)
UNKNOWN_CODEC = "The picture of this DICOM file is compressed as {}, which cannot be decoded here."
BROKEN_STREAM = (
    "The compressed picture of this DICOM file is damaged: its data do not begin as any known compression does."
)


@dataclass(frozen=True)
class Codestream:
    """One compressed frame and what its own first bytes say of it."""

    data: bytes = field(repr=False)
    syntax: UID
    rows: int
    columns: int
    precision: int  # bits of a sample
    components: int


@dataclass(frozen=True)
class Description:
    """How the samples lie in memory (PS3.3 C.7.6.3, PS3.5 8.1). `stream`: None where the pixels are native."""

    rows: int
    columns: int
    components: int
    photometric: str
    allocated: int  # bits of the container
    stored: int  # bits that count
    high: int  # place of the highest of them
    signed: bool
    stream: Codestream | None


def describe(dataset: Dataset) -> Description:
    """What the header says, what it leaves out, and where the codestream knows better; the data set is completed.

    Raises:
        CxrError: what is missing or makes no sense, or that the picture is too large or too small.
    """
    stream = find_codestream(dataset)
    if stream and stream.precision > MOST_BITS:
        raise CxrError(BROKEN_STREAM)
    rows, columns = _read_size(dataset, stream)
    check_size(columns, rows, MAX_PIXELS)
    photometric, components = _read_colours(dataset, stream)
    allocated = _read_allocated(dataset, stream, rows * columns * components)
    stored = min(read_integer(dataset, "BitsStored") or allocated, (stream and stream.precision) or allocated)
    high = read_integer(dataset, "HighBit")
    if high is None or not stored - 1 <= high < ((stream and stream.precision) or allocated):
        high = stored - 1
    signed = read_integer(dataset, "PixelRepresentation") == 1
    found = Description(rows, columns, components, photometric, allocated, stored, high, signed, stream)
    _complete(dataset, found)
    return found


def find_codestream(dataset: Dataset) -> Codestream | None:
    """The first frame, if it is compressed, whatever the transfer syntax says; None for native pixels.

    Raises:
        CxrError: it is compressed in a way that cannot be decoded, or damaged.
    """
    element = dataset.get_item(Tag("PixelData"))
    data = element.value if element is not None else None
    if not isinstance(data, bytes):
        return None
    said = dataset.file_meta.get("TransferSyntaxUID")
    undefined = getattr(element, "length", 0) == UNDEFINED or getattr(element, "is_undefined_length", False)
    if undefined or data.startswith(ITEM):
        return _read_stream(_join_frame(data), said)
    return _read_stream(data, said) if data.startswith(BEGINNINGS) else None


def _join_frame(data: bytes) -> bytes:
    """The first frame: all fragments up to the next that begins as a frame does, whatever the offset table says."""
    try:
        fragments = list(generate_fragments(data))
    except PYDICOM_ERRORS as error:
        raise CxrError(BROKEN_STREAM) from error
    if fragments and not fragments[0].startswith(BEGINNINGS):  # the table of offsets
        del fragments[0]
    if not fragments or not fragments[0].startswith(BEGINNINGS):  # RLE: a fragment a frame (PS3.5 A.4.2)
        return b"".join(fragments[:1])
    end = next((at for at, piece in enumerate(fragments) if at and piece.startswith(BEGINNINGS)), len(fragments))
    return b"".join(fragments[:end])


def _read_stream(data: bytes, said: UID | None) -> Codestream:
    if data.startswith(JP2) and J2K in data:
        data = data[data.index(J2K) :]
    if data.startswith(J2K):
        return _read_j2k(data, said)
    if data.startswith(JPEG):
        return _read_jpeg(data, said)
    name = next((name for start, name in OTHERS if data.startswith(start)), None)
    if name:
        raise CxrError(UNKNOWN_CODEC.format(name))
    count = int.from_bytes(data[:4], "little")
    if 1 <= count <= 15 and int.from_bytes(data[4:8], "little") == 64:  # PS3.5 G.5
        return Codestream(data, uid.RLELossless, 0, 0, 0, count)
    raise CxrError(BROKEN_STREAM)


def _read_jpeg(data: bytes, said: UID | None) -> Codestream:
    """Walk over the segments to the start of the frame."""
    place = 2
    while place + 9 < len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # fill bytes
            place += 1
            continue
        if marker == JPEG_LS or (0xC0 <= marker <= 0xCF and marker not in NO_FRAMES):
            rows, columns = (int.from_bytes(data[place + at : place + at + 2], "big") for at in (5, 7))
            known = {LOSSLESS: uid.JPEGLosslessSV1, JPEG_LS: uid.JPEGLSLossless, **FRAMES}
            if marker not in known:
                raise CxrError(UNKNOWN_CODEC.format("an unusual form of JPEG"))
            syntax = _keep_said(known[marker], said)
            return Codestream(data, syntax, rows, columns, data[place + 4], data[place + 9])
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    raise CxrError(BROKEN_STREAM)


def _read_j2k(data: bytes, said: UID | None) -> Codestream:
    """The image and tile size segment: ISO/IEC 15444-1 A.5.1. Part 15 (high throughput) needs another decoder."""
    if len(data) < 50:
        raise CxrError(BROKEN_STREAM)
    right, bottom, left, top = (int.from_bytes(data[at : at + 4], "big") for at in (8, 12, 16, 20))
    if int.from_bytes(data[6:8], "big") & 0x4000:
        raise CxrError(UNKNOWN_CODEC.format("high-throughput JPEG 2000"))
    components = int.from_bytes(data[40:42], "big")
    syntax = _keep_said(uid.JPEG2000, said)
    return Codestream(data, syntax, bottom - top, right - left, (data[42] & 0x7F) + 1, components)


def _keep_said(found: UID, said: UID | None) -> UID:
    """What the file says, where it names the same codec."""
    alike = next((pair for pair in SAME_CODEC if found in pair), ())
    return said if said and said in alike else found


def _read_size(dataset: Dataset, stream: Codestream | None) -> tuple[int, int]:
    if stream and stream.rows > 0 and stream.columns > 0:
        return stream.rows, stream.columns
    rows, columns = read_integer(dataset, "Rows"), read_integer(dataset, "Columns")
    if rows is None or columns is None:
        raise CxrError(NO_SIZE)
    return rows, columns


def _read_colours(dataset: Dataset, stream: Codestream | None) -> tuple[str, int]:
    """Photometric Interpretation and Samples per Pixel, each told by the other where it is missing."""
    photometric, components = read_word(dataset, "PhotometricInterpretation"), read_integer(dataset, "SamplesPerPixel")
    if stream and stream.precision:
        components = stream.components
    components = components or (3 if photometric in COLOURS else 1)
    if photometric.startswith(GREY):  # "MONOCHROME 1", "MONOCHROME", "GRAYSCALE"
        photometric = "MONOCHROME1" if photometric.endswith("1") else "MONOCHROME2"
    photometric = photometric or ("RGB" if components == 3 else "MONOCHROME2")
    if photometric not in PHOTOMETRIC or (components == 3) != (photometric in COLOURS):
        raise CxrError(BAD_COLOURS)
    return photometric, components


def _read_allocated(dataset: Dataset, stream: Codestream | None, samples: int) -> int:
    """Bits of the container of a sample."""
    if stream and stream.precision:
        return next(bits for bits in (8, 16, 32, 64) if bits >= stream.precision)
    said, stored = read_integer(dataset, "BitsAllocated"), read_integer(dataset, "BitsStored") or 1
    if stream and stream.components in (1, 2, 4) and "RGB" not in read_word(dataset, "PhotometricInterpretation"):
        said = 8 * stream.components  # a segment a byte (PS3.5 G.2)
    if said is None:
        said = {1: 8, 2: 16, 4: 32}.get(len(dataset.get("PixelData") or b"") // max(1, samples))
    if said is None:
        raise CxrError(NO_BITS)
    if said not in (1, 8, 16, 32, 64) or not 1 <= stored <= said:
        raise CxrError(BAD_BITS.format(said, stored))
    return said


def _complete(dataset: Dataset, found: Description) -> None:
    """Write into the data set what was found, for what pydicom decodes."""
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = found.rows, found.columns, found.components
    dataset.PhotometricInterpretation, dataset.BitsAllocated = found.photometric, found.allocated
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = found.stored, found.high, int(found.signed)
    dataset.NumberOfFrames = 1  # the first is read
    if found.components == 3 and dataset.get("PlanarConfiguration") not in (0, 1):
        dataset.PlanarConfiguration = 0
    if found.stream:
        dataset.file_meta.TransferSyntaxUID = found.stream.syntax
        if found.components == 3:
            dataset.PixelData = encapsulate([found.stream.data])
            dataset["PixelData"].is_undefined_length = True
    elif dataset.file_meta.TransferSyntaxUID not in NATIVE:
        dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
