"""What a DICOM header says about whether and how a film may be read. No text of a header is ever passed on."""

import math
from collections.abc import Iterator
from typing import get_args

from pydicom import Dataset
from pydicom import uid as sop

from cxr.films.dicom_bombs import PIXELS
from cxr.films.film import View
from cxr.films.picture import check_size
from cxr.results import CxrError

MAX_PIXELS = 20_000_000

# Everything else, whoever the patient is, is not even kept in memory: a list of what to keep, as PS3.15 E.3 does it.
READ_TAGS = (
    "SOPClassUID",
    "Modality",
    "BodyPartExamined",
    "ViewPosition",
    "ViewCodeSequence",
    "PatientOrientation",
    "BurnedInAnnotation",
    "LossyImageCompressionRatio",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PresentationLUTShape",
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
    "RedPaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableData",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "FloatPixelData",
    "DoubleFloatPixelData",
    "PixelData",
)
NO_FILMS = {  # kinds of images that cannot be a chest radiograph
    sop.CTImageStorage: "a CT",
    sop.EnhancedCTImageStorage: "a CT",
    sop.LegacyConvertedEnhancedCTImageStorage: "a CT",
    sop.MRImageStorage: "an MR",
    sop.EnhancedMRImageStorage: "an MR",
    sop.LegacyConvertedEnhancedMRImageStorage: "an MR",
    sop.UltrasoundImageStorage: "an ultrasound",
    sop.UltrasoundMultiFrameImageStorage: "an ultrasound",
    sop.PositronEmissionTomographyImageStorage: "a PET",
    sop.NuclearMedicineImageStorage: "a nuclear medicine",
}
RADIOGRAPHY = {"CR", "DX", "DR", "RG", "RF", "OT", "SC", ""}  # PS3.3 C.7.3.1.1.1; OT, SC and nothing leave it open
CHEST = ("CHEST", "THORA", "TORAX", "LUNG")
LATERAL = {"LL", "RL", "LAT", "LATERAL", "LLAT", "RLAT"}
VIEW_CODES: dict[str, View] = {  # PS3.16 CID 4010 in SNOMED CT, and its older SNOMED RT codes
    "399348003": "AP",
    "272479007": "PA",
    "399067008": "lateral",
    "399173006": "lateral",
    "399198007": "lateral",
    "R-10206": "AP",
    "R-10214": "PA",
    "R-10228": "lateral",
    "R-10232": "lateral",
    "R-10236": "lateral",
}
SHOWN_BY = ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth")
STRONG_COMPRESSION = 30.0  # times smaller

NOT_RADIOGRAPH = "The file's header says that this is not a radiograph. Check that you chose the right file."
NOT_CHEST = "The file's header names another part of the body than the chest. Check that you chose the right file."
TURNED = "The header says that the picture is mirrored or turned; look for the side marker before trusting sides."
BURNT_IN = "The file's header says that text is written into the picture; it may name the patient."
BAD_WINDOW = "This DICOM film says how it is to be shown in a way that makes no sense (window, slope or table)."
COMPRESSED = "This film was compressed so strongly that fine lines may be lost."


def check_header(dataset: Dataset) -> tuple[str, ...]:
    """Warnings about a film from its header.

    Raises:
        CxrError: there is no picture, it is too large, it is no radiograph, or it is shown by what is no number.
    """
    kind = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    if kind == sop.MediaStorageDirectoryStorage:
        raise CxrError("This is the table of contents of a disc (DICOMDIR); please choose one of the films beside it.")
    if kind in NO_FILMS:
        raise CxrError(f"This is {NO_FILMS[kind]} image and not a chest film.")
    if not any(dataset.get(name) for name in PIXELS):
        raise CxrError("This DICOM file holds no picture.")
    size = dataset.get("Columns"), dataset.get("Rows")
    if not all(isinstance(side, int) for side in size):
        raise CxrError("This DICOM file does not say how large its picture is.")
    check_size(*size, MAX_PIXELS)
    if not all(math.isfinite(number) for name in SHOWN_BY for number in _read_numbers(dataset, name)):
        raise CxrError(BAD_WINDOW)
    return tuple(_find_warnings(dataset))


def read_view(dataset: Dataset) -> View | None:
    """The view from View Position (0018,5101) or View Code Sequence (0054,0220); None where neither says."""
    word = _read_word(dataset, "ViewPosition")
    if word in LATERAL:
        return "lateral"
    spoken = next((view for view in get_args(View) if view == word), None)
    codes = [str(item.get("CodeValue", "")) for item in dataset.get("ViewCodeSequence") or ()]
    return spoken or next((VIEW_CODES[code] for code in codes if code in VIEW_CODES), None)


def _find_warnings(dataset: Dataset) -> Iterator[str]:
    if _read_word(dataset, "Modality") not in RADIOGRAPHY:
        yield NOT_RADIOGRAPH
    part = _read_word(dataset, "BodyPartExamined")
    if part and not any(word in part for word in CHEST):
        yield NOT_CHEST
    if _is_turned(dataset):
        yield TURNED
    if _read_word(dataset, "BurnedInAnnotation") == "YES":
        yield BURNT_IN
    if max(_read_numbers(dataset, "LossyImageCompressionRatio"), default=0) > STRONG_COMPRESSION:
        yield COMPRESSED


def _is_turned(dataset: Dataset) -> bool:
    """Whether Patient Orientation (PS3.3 C.7.6.1.1.1) is not that of an upright film.

    The picture stays as it is: films are looked at as they are stored, so such a header is more often wrong than right.
    """
    axes = [str(axis).strip()[:1] for axis in dataset.get("PatientOrientation") or ()]
    if len(axes) != 2 or "" in axes:
        return False
    along_row, down_column = axes
    return down_column != "F" or along_row not in ("LAP" if read_view(dataset) in ("lateral", None) else "L")


def _read_word(dataset: Dataset, name: str) -> str:
    return str(dataset.get(name) or "").strip().upper()


def _read_numbers(dataset: Dataset, name: str) -> list[float]:
    """The values of an element with one or several numbers; none where it is missing or empty."""
    if not dataset.get(name):
        return []
    element = dataset[name]
    return [float(number) for number in (element.value if element.VM > 1 else [element.value])]
