"""What a DICOM header says about whether and how a film may be read. No text of a header is ever passed on."""

import re
import unicodedata
from collections.abc import Iterator

from pydicom import Dataset
from pydicom import uid as sop

from cxr.films.dicom_bombs import PIXELS
from cxr.films.dicom_values import PYDICOM_ERRORS, read_loose_numbers, read_word
from cxr.films.film import View
from cxr.films.views import Projection, read_projection
from cxr.results import CxrError, Reason

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
    "PixelPaddingRangeLimit",
    "PixelAspectRatio",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "PresentationIntentType",
    "ShutterShape",
    "ShutterLeftVerticalEdge",
    "ShutterRightVerticalEdge",
    "ShutterUpperHorizontalEdge",
    "ShutterLowerHorizontalEdge",
    "CenterOfCircularShutter",
    "RadiusOfCircularShutter",
    "VerticesOfThePolygonalShutter",
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
RAW_CLASSES = {
    sop.DigitalXRayImageStorageForProcessing,
    sop.DigitalMammographyXRayImageStorageForProcessing,
    sop.DigitalIntraOralXRayImageStorageForProcessing,
}
OTHER_MODALITIES = {  # PS3.3 C.7.3.1.1.1; what is not here (CR, DX, DR, RG, RF, OT, SC, none) leaves it open
    "CT": "a CT",
    "MR": "an MR",
    "US": "an ultrasound",
    "PT": "a PET",
    "NM": "a nuclear medicine",
    "MG": "a mammography",
    "IO": "a dental",
    "PX": "a dental",
    "XA": "an angiography",
    "BMD": "a bone density",
    "ES": "an endoscopy",
    "OP": "an eye",
    "OPT": "an eye",
    "SM": "a microscopy",
    "GM": "a microscopy",
    "XC": "a camera",
    "ECG": "an ECG",
}
# The chest and the thoracic spine in the languages of hospitals, without accents, in capitals.
CHEST = re.compile(
    r"CHEST|THORA|TORA[XC]|T\W{1,3}RAX|TORAK|LUNG|PULM|POLMON|POUMON|\bPECHO|\bPEITO|\bBRUST(?!DR)|\bBORST|\bBROST|\bBRYST|"
    r"RINTAKEH|KEUHKO|HRUDN|KLATK|PLUC|MELLKAS|TUDO|GOGUS|AKCIGER|\bTHX\b|\bCXR\b|ГРУД|ЛЕГК|ΘΩΡΑ|胸|肺|흉부|가슴|صدر"
)
SPINE = re.compile(r"SPIN[EA]|VERTEB|COLUM?N|RACHIS|WIRBEL|\b[BLH]WS\b|DORSAL|LUMB|WERVEL|KREGO|ПОЗВОН")
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
STRONG_COMPRESSION = 30.0  # times smaller

NOT_CHEST = "The file's header names another part of the body than the chest. Check that you chose the right file."
TURNED = "The header says that the picture is mirrored or turned; look for the side marker before trusting sides."
FOR_PROCESSING = Reason(
    "not for reading",
    True,
    "This is the detector's raw image (For Processing), which was not made to be looked at.",
    "Send the image of the same examination that is For Presentation.",
)
BURNT_IN = "The file's header says that text is written into the picture; it may name the patient."
LYING = "The header says that the patient lay on one side (decubitus), so air and fluid lie elsewhere than usual."
OBLIQUE = "The header says that this film was taken obliquely; sides and the size of the heart cannot be relied on."
COMPRESSED = "This film was compressed so strongly that fine lines may be lost."


def check_header(dataset: Dataset) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    """Why a film is refused unless that is overruled, and warnings, by its header.

    Raises:
        CxrError: there is no picture, or it is no radiograph by its class.
    """
    kind = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    if kind == sop.MediaStorageDirectoryStorage:
        raise CxrError("This is the table of contents of a disc (DICOMDIR); please choose one of the films beside it.")
    if kind in NO_FILMS:
        raise CxrError(f"This is {NO_FILMS[kind]} image and not a chest film.")
    if not any(dataset.get(name) for name in PIXELS):
        raise CxrError("This DICOM file holds no picture, or is cut off before it.")
    return tuple(_find_reasons(dataset, kind)), tuple(_find_warnings(dataset))


def _find_reasons(dataset: Dataset, kind: object) -> Iterator[Reason]:
    modality = read_word(dataset, "Modality")
    if modality in OTHER_MODALITIES:
        sentence = f"The file's header says that this is {OTHER_MODALITIES[modality]} image and not a radiograph."
        yield Reason("not a radiograph", True, sentence, "Check that you chose the right file.")
    if kind in RAW_CLASSES or read_word(dataset, "PresentationIntentType") == "FOR PROCESSING":
        yield FOR_PROCESSING


def read_view(dataset: Dataset) -> Projection:
    """What View Position (0018,5101), else View Code Sequence (0054,0220), says of the view and how the patient lay."""
    spoken = read_projection(read_word(dataset, "ViewPosition"))
    if spoken != Projection():
        return spoken
    for item in dataset.get("ViewCodeSequence") or ():
        known = VIEW_CODES.get(read_word(item, "CodeValue"))
        if known:
            return Projection(known)
        spoken = read_projection(read_word(item, "CodeMeaning"))
    return spoken


def names_chest(part: str) -> bool:
    """Whether a Body Part Examined names the chest, in whatever language; the spine within it does not."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", part.upper()) if not unicodedata.combining(sign))
    bare = unicodedata.normalize("NFC", bare)  # Hangul's syllables whole again
    return bool(CHEST.search(bare)) and not SPINE.search(bare)


def _find_warnings(dataset: Dataset) -> Iterator[str]:
    part = read_word(dataset, "BodyPartExamined")
    if part and not names_chest(part):
        yield NOT_CHEST
    position = read_view(dataset).position
    if position:
        yield LYING if position == "decubitus" else OBLIQUE
    if _is_turned(dataset):
        yield TURNED
    if read_word(dataset, "BurnedInAnnotation") == "YES":
        yield BURNT_IN
    if max(read_loose_numbers(dataset, "LossyImageCompressionRatio"), default=1.0) > STRONG_COMPRESSION:
        yield COMPRESSED


def _is_turned(dataset: Dataset) -> bool:
    """Whether Patient Orientation (PS3.3 C.7.6.1.1.1) is not that of an upright film.

    The picture stays as it is: films are looked at as they are stored, so such a header is more often wrong than right.
    """
    try:
        axes = [str(axis).strip()[:1] for axis in dataset.get("PatientOrientation") or ()]
    except PYDICOM_ERRORS:
        return False
    if len(axes) != 2 or "" in axes:
        return False
    along_row, down_column = axes
    return down_column != "F" or along_row not in ("LAP" if read_view(dataset).view in ("lateral", None) else "L")
