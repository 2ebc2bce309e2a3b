"""DICOM files become films: what is read of them, in which order it is checked, and what is said where it fails.

Runs in the decoder's child process, where a crash or a bomb costs one film.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset as read_elements
from pydicom.filereader import read_preamble
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian

from cxr.films.dicom_bombs import check_packing, inflate, stop_after_pixels
from cxr.films.dicom_description import Description, describe
from cxr.films.dicom_display import Display, read_display
from cxr.films.dicom_header import READ_TAGS, check_header, read_view
from cxr.films.dicom_pixels import render
from cxr.films.dicom_values import PYDICOM_ERRORS, read_integer
from cxr.films.film import Film, View
from cxr.results import CxrError, Reason

FIRST_GROUPS = {0x0002, 0x0004, 0x0008, 0x0010, 0x0018, 0x0020, 0x0028}  # with which a data set may begin
OVERLAYS = [Tag(0x6000 + 2 * group, 0x0102) for group in range(16)]  # Overlay Bit Position

TOO_MUCH = "This DICOM file unfolds to more than can be held in memory, so it was not read."
BROKEN_HEADER = "The header of this DICOM file is damaged, so its elements cannot be told apart; please fetch it again."
BROKEN_DEFLATE = "This DICOM file is deflated, and its data are damaged or cut off; please fetch it again."
SEVERAL = "This file holds {} pictures; only frame 1 is read."
HEADER_ERRORS = (*PYDICOM_ERRORS, InvalidDicomError, EOFError, OSError, RecursionError, struct.error)

Stop = Callable[[BaseTag, str | None, int], bool]  # when to stop reading: pydicom's stop_when


@dataclass(frozen=True)
class Header:
    """A data set, and what it says of whether and how its picture may be shown."""

    dataset: Dataset
    about: Description
    display: Display
    view: View | None
    reasons: tuple[Reason, ...]
    warnings: tuple[str, ...]


def read_dicom(path: Path) -> Film:
    """The first picture of a DICOM file as a film. To be called where it may crash: see `decoder.py`.

    Raises:
        CxrError: it cannot be read, and why.
    """
    warnings.simplefilter("error", Image.DecompressionBombWarning)  # pydicom may decode with Pillow
    try:
        header = read_header(path)
        check_packing(header.about.stream, header.about.rows * header.about.columns)
        pixels, found = render(header.dataset, header.about, header.display)
    except MemoryError:
        raise CxrError(TOO_MUCH) from None
    return Film(pixels, header.view, (*header.warnings, *found), reasons=header.reasons)


def read_header(path: Path) -> Header:
    """Everything but the pixels, checked before they are decoded.

    Raises:
        CxrError: the file is no film, or damaged, or shown in a way that makes no sense.
    """
    try:
        dataset = read_dataset(path)
        reasons, found = check_header(dataset)
        frames, view, display = (
            read_integer(dataset, "NumberOfFrames") or 1,
            read_view(dataset).view,
            read_display(dataset),
        )
        several = (SEVERAL.format(frames),) if frames > 1 else ()
        return Header(dataset, describe(dataset), display, view, reasons, (*found, *several))
    except CxrError:
        raise
    except zlib.error:
        raise CxrError(BROKEN_DEFLATE) from None
    except HEADER_ERRORS:
        raise CxrError(BROKEN_HEADER) from None  # the cause may quote the header, which names the patient


def read_dataset(path: Path, names: Sequence[str] = READ_TAGS, stop: Stop | None = None) -> Dataset:
    """Some elements: those that say how to show a film, and its pixels, but no element that says whose it is.

    How the data set is written is told by its first element, since the file meta information may say otherwise or
    nothing: implicit or explicit, in either order of bytes, deflated or not (PS3.5 A.1 to A.5).

    Raises:
        CxrError: it unfolds to more, or holds more elements, than any film. pydicom raises many other types.
    """
    with path.open("rb") as file:
        read_preamble(file, force=True)
        meta = FileMetaDataset(read_elements(file, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2))
        start, said = file.tell(), meta.get("TransferSyntaxUID")
        stream: BinaryIO = file
        if not _begins(file.read(6)):
            file.seek(start)
            try:
                stream, start = io.BytesIO(inflate(file.read())), 0
            except zlib.error:
                if said == DeflatedExplicitVRLittleEndian:
                    raise
        stream.seek(start)
        head = stream.read(6)
        stream.seek(start)
        little = (
            int.from_bytes(head[:2], "little") in FIRST_GROUPS or int.from_bytes(head[:2], "big") not in FIRST_GROUPS
        )
        tags: list[BaseTag | int] = [*map(Tag, names), *OVERLAYS]
        dataset = read_elements(
            stream, not head[4:6].isalpha(), little, stop_when=stop or stop_after_pixels(), specific_tags=tags
        )
    dataset.file_meta = meta
    if said is None or said == DeflatedExplicitVRLittleEndian:
        meta.TransferSyntaxUID = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    return dataset


def _begins(head: bytes) -> bool:
    """Whether a data set begins here, in either order of bytes."""
    return bool({int.from_bytes(head[:2], "little"), int.from_bytes(head[:2], "big")} & FIRST_GROUPS)
