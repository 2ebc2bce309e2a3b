"""One page over the fake engine, served for a whole module of tests, and how a program talks to it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from cxr.films.film import to_image
from cxr.films.phantom import draw_film
from cxr.results import Identity, Observation
from cxr.space.desk import Desk
from cxr.space.examples import Example
from cxr.space.page import build_page
from cxr.space.serving import serve
from cxr.space.shelf import Shelf
from tests.fakes import EMBEDDED, fake_reader
from tests.programs import find_port

TRUTH = "Small pleural effusion on the left."


@contextmanager
def serve_fake(folder: Path, identity: Identity = EMBEDDED, slow: float = 0.0, gated: bool = False) -> Iterator[str]:
    """The page's address; two drawn films are its examples."""
    reader = fake_reader(identity, slow, gated=gated)
    page = build_page(Desk(reader), Shelf(reader.open, draw_examples(folder)))
    try:
        yield serve(page, {"GRADIO_SERVER_PORT": str(find_port())}, quiet=True)
    finally:
        page.close(verbose=False)


def upload(address: str, film: Path) -> str:
    """The path under which Gradio keeps a film."""
    reply = httpx.post(f"{address}gradio_api/upload", files={"files": (film.name, film.read_bytes())}, timeout=60)
    return str(reply.json()[0])


def mark_file(path: str) -> dict[str, object]:
    """An upload as calls name it."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def call(address: str, task: str, *data: object) -> Any:
    """The result of a public endpoint, or {"error": a sentence}."""
    joined = httpx.post(f"{address}gradio_api/call/{task}", json={"data": list(data)}, timeout=60)
    if joined.status_code != 200:
        return {"error": joined.text, "status": joined.status_code}
    reply = httpx.get(f"{address}gradio_api/call/{task}/{joined.json()['event_id']}", timeout=120).text
    last = json.loads(reply.strip().rpartition("data: ")[2])
    return last[0] if isinstance(last, list) else last


def call_mcp(address: str, tool: str, arguments: Mapping[str, object]) -> str:
    """What a tool says to a program that speaks MCP."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    accept = {"Accept": "application/json, text/event-stream"}
    return httpx.post(f"{address}gradio_api/mcp/", json=body, headers=accept, timeout=60).text


def draw_examples(folder: Path) -> list[Example]:
    """Two drawn films whose truth no page may tell before it is asked."""
    examples = []
    for seed in (1, 2):
        path = folder / f"example-{seed}.png"
        to_image(draw_film(seed, size=256, view="PA").film).save(path)
        examples.append(
            Example(
                path, f"Drawn film {seed}, PA", "PA", (Observation("effusion", "left"),), TRUTH, "Drawn.", drawn=True
            )
        )
    return examples


def write_film(path: Path, shade: float) -> Path:
    """A drawn film as a PNG, moved to about the mean grey `shade`, by which the fake engine knows it."""
    pixels = draw_film(7, size=192, view="PA").film.pixels
    Image.fromarray((np.clip((pixels - pixels.mean()) * 0.4 + shade, 0, 1) * 255).astype(np.uint8)).save(path)
    return path


def write_dicom(path: Path) -> Path:
    """A drawn film as DICOM with a patient's name, in a file without an extension."""
    greys = (draw_film(3, size=256, view="PA").film.pixels * 4095).astype(np.uint16)
    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.PatientName, dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = (
        "Nobody^Real",
        "DX",
        "CHEST",
        "PA",
    )
    dataset.Rows, dataset.Columns = greys.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelData = greys.tobytes()
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_bad_files(folder: Path) -> dict[str, Path]:
    """What people send by mistake or on purpose: none of it is a film."""
    bad = {name: folder / name for name in ("text.txt", "nothing", "truncated.dcm", "huge.png")}
    bad["text.txt"].write_text("Not a film.")
    bad["nothing"].write_bytes(b"")
    whole = write_dicom(folder / "whole").read_bytes()
    bad["truncated.dcm"].write_bytes(whole[: len(whole) // 3])
    Image.new("1", (20_000, 10_000)).save(bad["huge.png"])  # 200 megapixels in a few kilobytes
    return bad
