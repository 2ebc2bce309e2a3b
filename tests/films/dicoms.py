"""DICOM files for tests, written by pydicom."""

import io
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from cxr.films.dicom import read_dicom
from cxr.films.film import Film

RAMP16 = np.linspace(0, 65535, 256 * 256).round().astype(np.uint16).reshape(256, 256)
RAMP12 = (RAMP16 // 16).astype(np.uint16)
RAMP8 = (RAMP16 // 256).astype(np.uint8)

IDENTIFIERS = {  # never to be seen again
    "PatientName": "Roentgen^Bertha",
    "PatientID": "MRN4711",
    "PatientBirthDate": "18391122",
    "AccessionNumber": "ACC0815",
    "InstitutionName": "Wuerzburg General",
    "ReferringPhysicianName": "Kolliker^Albert",
    "StudyInstanceUID": "1.2.840.99999.1",
    "StudyDescription": "Hand of Bertha",
    "StudyDate": "18951222",
}


def make_dicom(stored: np.ndarray, **elements: Any) -> FileDataset:
    """A DX film with these stored values (H x W or H x W x 3) and identifiers; `elements` change or add to it."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(elements.pop("syntax", ExplicitVRLittleEndian))
    meta.MediaStorageSOPClassUID = UID(elements.get("SOPClassUID", DigitalXRayImageStorageForPresentation))
    meta.MediaStorageSOPInstanceUID = UID("1.2.840.99999.2")
    order, implicit = meta.TransferSyntaxUID.is_little_endian, meta.TransferSyntaxUID.is_implicit_VR
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128, is_implicit_VR=implicit, is_little_endian=order)
    bits = stored.dtype.itemsize * 8
    rows, columns = stored.shape[:2]
    usual: dict[str, Any] = {
        "SOPClassUID": meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": "1.2.840.99999.2",
        "Modality": "DX",
        **IDENTIFIERS,
        "Rows": rows,
        "Columns": columns,
        "SamplesPerPixel": 3 if stored.ndim == 3 else 1,
        "PhotometricInterpretation": "RGB" if stored.ndim == 3 else "MONOCHROME2",
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(np.issubdtype(stored.dtype, np.signedinteger)),
        "PixelData": stored.astype(stored.dtype.newbyteorder("<" if order else ">")).tobytes(),
    }
    if stored.ndim == 3:
        usual["PlanarConfiguration"] = 0
    for name, value in {**usual, **elements}.items():
        if value is not None:
            setattr(dataset, name, value)
    return dataset


def make_table(first: int, values: np.ndarray, bits: int, order: str = "<") -> Dataset:
    """An item of a Modality or VOI LUT Sequence (PS3.3 C.11); `order`: that of the bytes of the file, as numpy says."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(values), first, bits])
    item.add_new("LUTData", "OW", values.astype(f"{order}u2").tobytes())
    return item


def put_number(dataset: FileDataset, name: str, text: str) -> bytes:
    """The file with a DS element spelled as pydicom itself would refuse to write it."""
    setattr(dataset, name, "1")
    return put_bytes(dataset, name, text.encode())


def put_bytes(dataset: FileDataset, name: str, value: bytes) -> bytes:
    """The file with other bytes in an element that it has, of a VR with a short length."""
    whole, tag, vr = to_bytes(dataset), Tag(name), dataset[name].VR.encode()
    start = whole.index(tag.group.to_bytes(2, "little") + tag.element.to_bytes(2, "little") + vr) + 8
    value += b" " * (len(value) % 2)
    length = int.from_bytes(whole[start - 2 : start], "little")
    return whole[: start - 2] + len(value).to_bytes(2, "little") + value + whole[start + length :]


def write(path: Path, dataset: FileDataset) -> Path:
    """Write it to `path`."""
    dataset.save_as(path, enforce_file_format=True)
    return path


def compress(plain: Path, packed: Path, name: str = "JPEG2000Lossless") -> Path:
    """The film `plain` in another transfer syntax, named as GDCM names it, written to `packed`."""
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(plain))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, name)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(packed))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return packed


def to_bytes(dataset: FileDataset) -> bytes:
    """The whole file."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def read(path: Path, stored: np.ndarray, **elements: Any) -> Film:
    """The film of a DICOM file written for it."""
    return read_dicom(write(path, make_dicom(stored, **elements)))
