"""DICOM files become films: what is read of them, in which order it is checked, and what is said where it fails.

Runs in the decoder's child process, where a crash or a bomb costs one film.
"""

import io
import warnings
from pathlib import Path

from PIL import Image
from pydicom import Dataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from cxr.films.dicom_bombs import DicomFile, check_packing, stop_after_pixels
from cxr.films.dicom_header import READ_TAGS, check_header, read_view
from cxr.films.dicom_pixels import render
from cxr.films.film import Film
from cxr.results import CxrError

TOO_MUCH = "This DICOM file unfolds to more than can be held in memory, so it was not read."
UNKNOWN = "This DICOM file is compressed or stored in a way that cannot be decoded here."
DAMAGED = "This DICOM file is damaged or cut off, so it cannot be read."


def read_dicom(path: Path) -> Film:
    """The first picture of a DICOM file as a film. To be called where it may crash: see `decoder.py`.

    Raises:
        CxrError: it cannot be read, and why.
    """
    warnings.simplefilter("error", Image.DecompressionBombWarning)  # pydicom may decode with Pillow
    try:
        dataset = read_dataset(path)
        found = check_header(dataset)
        check_packing(dataset)
        pixels, more = render(dataset)
        return Film(pixels, read_view(dataset), found + more)
    except CxrError:
        raise
    except MemoryError:
        raise CxrError(TOO_MUCH) from None
    except NotImplementedError:
        raise CxrError(UNKNOWN) from None
    except Exception:  # noqa: BLE001 (pydicom and its decoders raise a dozen types on damaged files)
        raise CxrError(DAMAGED) from None  # the cause may quote the header, which names the patient


def read_dataset(path: Path) -> Dataset:
    """The elements that say how to show a film, and its pixels; no element that says whose it is.

    Raises:
        CxrError: it unfolds to more, or holds more elements, than any film. pydicom raises many other types.
    """
    tags: list[BaseTag | int] = [Tag(name) for name in READ_TAGS]
    with DicomFile(io.FileIO(path)) as file:
        dataset = read_partial(file, stop_after_pixels(), force=True, specific_tags=tags)
    if "TransferSyntaxUID" not in dataset.file_meta:  # a bare data set; it can only be a plain one
        implicit, _ = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    return dataset
