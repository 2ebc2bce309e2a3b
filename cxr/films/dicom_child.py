"""The process in which DICOM files are decoded: paths in, pixels out, bounded in memory. Imports no torch.

Started by `dicom.py` with `python -I`; ends when its pipe closes.
"""

import json
import os
import resource
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from cxr.films.dicom_header import READ_TAGS, check_header, read_view
from cxr.films.dicom_pixels import render
from cxr.results import CxrError

MAX_MEMORY = 1536 * 2**20  # bytes of address space


def serve(handle: int) -> None:
    """Answer paths with films until the pipe at file descriptor `handle` closes.

    Each answer is a JSON header, {"refused": sentence} or {"height", "width", "view", "warnings"}, then the pixels
    (float32, row by row; empty after a refusal).
    """
    limit_process()
    with Connection(handle) as pipe:
        pipe.send_bytes(b"ready")
        while True:
            try:
                path = Path(os.fsdecode(pipe.recv_bytes()))
            except EOFError:
                return
            header, pixels = answer(path)
            pipe.send_bytes(json.dumps(header).encode())
            pipe.send_bytes(pixels)


def limit_process() -> None:
    """Bound the memory; write no file, and no memory of a film when it crashes."""
    for kind, limit in ((resource.RLIMIT_AS, MAX_MEMORY), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (limit, limit))


def answer(path: Path) -> tuple[dict[str, Any], bytes]:
    """The two parts of the answer to one path; never raises but for what ends the process."""
    try:
        dataset = read_dataset(path)
        warnings = check_header(dataset)
        pixels, more = render(dataset)
        height, width = pixels.shape
        header = {"height": height, "width": width, "view": read_view(dataset), "warnings": [*warnings, *more]}
        return header, np.ascontiguousarray(pixels, dtype=np.float32).tobytes()
    except CxrError as error:
        return {"refused": str(error)}, b""
    except MemoryError:
        return {"refused": "This DICOM file unfolds to more than can be held in memory, so it was not read."}, b""
    except NotImplementedError:
        return {"refused": "This DICOM file is compressed or stored in a way that cannot be decoded here."}, b""
    except Exception:  # noqa: BLE001 (pydicom and its decoders raise a dozen types on damaged files)
        return {"refused": "This DICOM file is damaged or cut off, so it cannot be read."}, b""


def read_dataset(path: Path) -> Dataset:
    """The elements that say how to show a film, and its pixels; no element that says whose it is."""
    dataset = dcmread(path, force=True, specific_tags=list(READ_TAGS))
    if "TransferSyntaxUID" not in dataset.file_meta:  # a bare data set; it can only be a plain one
        implicit, _ = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    return dataset
