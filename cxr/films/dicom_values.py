"""Numbers and words of DICOM elements, read as writers spell them and not only as the standard asks.

An element may be there and empty, of another VR than the dictionary's, or hold a decimal comma.
"""

import math
import re
from collections.abc import Iterable
from typing import Any

from pydicom import Dataset
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_description, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import Tag

from cxr.results import CxrError

TEXT = {"DS", "IS", "LO", "SH", "ST", "LT", "CS", "UT", "UC", "UN"}  # VRs in which a number is spelled in characters
COMMA = re.compile(r"([+-]?\d*),(\d+)")  # "127,5"; a comma can mean nothing else there (PS3.5 6.2, DS)
PYDICOM_ERRORS = (  # what pydicom raises on an element whose bytes are not what its VR says
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    OverflowError,
    NotImplementedError,
)

BAD_NUMBER = "The {} of this DICOM film is not a number, so it cannot be told how the film is to be shown."


def read_numbers(dataset: Dataset, name: str) -> tuple[float, ...]:
    """The values of an element with one or several numbers, all finite; none where it is missing or empty.

    Raises:
        CxrError: one of them is no number.
    """
    element = dataset.get_item(Tag(name))
    if element is None or element.value is None:
        return ()
    try:
        numbers = tuple(map(float, _list_values(dataset, element)))
    except PYDICOM_ERRORS as error:
        raise CxrError(BAD_NUMBER.format(dictionary_description(name))) from error
    if not all(map(math.isfinite, numbers)):
        raise CxrError(BAD_NUMBER.format(dictionary_description(name)))
    return numbers


def read_loose_numbers(dataset: Dataset, name: str) -> tuple[float, ...]:
    """The same of an element that a film can be shown without; none where one of them is no number."""
    try:
        return read_numbers(dataset, name)
    except CxrError:
        return ()


def read_integer(dataset: Dataset, name: str) -> int | None:
    """The first value of an element, or None where it is missing or empty.

    Raises:
        CxrError: it is no number.
    """
    return next((int(number) for number in read_numbers(dataset, name)), None)


def read_word(dataset: Dataset, name: str) -> str:
    """The text of an element in capitals without spaces around it; empty where it is missing or cannot be read.

    Code strings know no letters but A to Z (PS3.5 6.2), but are written in the language and alphabet of the hospital.
    """
    try:
        element = dataset.get_item(Tag(name))
        value = element.value if element is not None else None
        if isinstance(value, bytes):
            known = convert_encodings(dataset.get("SpecificCharacterSet"))
            value = next(filter(None, (_decode(value, encoding) for encoding in ("utf-8", *known, "latin-1"))), "")
    except PYDICOM_ERRORS:
        return ""
    return str(value or "").strip(" \0").upper()


def _decode(value: bytes, encoding: str) -> str | None:
    try:
        return value.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _list_values(dataset: Dataset, element: RawDataElement | DataElement) -> list[Any]:
    if isinstance(element, RawDataElement) and isinstance(element.value, bytes):
        if (element.VR or dictionary_VR(element.tag)) in TEXT:
            texts = [text.strip(" \0") for text in element.value.decode("latin-1").split("\\")]
            return [COMMA.sub(r"\1.\2", text) if COMMA.fullmatch(text) else text for text in texts if text]
        element = dataset[element.tag]
    value = element.value
    if value is None or isinstance(value, str | bytes):
        return [value] if value else []
    return list(value) if isinstance(value, Iterable) else [value]
