"""What breaks behind the page: it stays up and says so, and the next visitor is served."""

import errno
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import pytest
import torch
from gradio import route_utils
from gradio.components import file as file_component

from cxr.films.film import Film
from cxr.model.engine import Encoded
from cxr.reader import load_reader
from cxr.settings import Settings
from cxr.space.desk import Desk
from cxr.space.faults import DISK_FULL, NO_MEMORY
from cxr.space.page import build_page
from cxr.space.serving import serve
from cxr.space.shelf import Shelf
from cxr.turns import Turns
from tests.fakes import FakeEngine, fake_reader
from tests.hub import HubStandIn, point_to
from tests.programs import find_port
from tests.space.served import call, mark_file, upload, write_dicom, write_film

BROKEN: dict[str, Exception] = {}  # where the engine breaks next, once: at the film, or between two words -> how


class Brittle(FakeEngine):
    """Raises what is in BROKEN."""

    def encode(self, film: Film) -> Encoded:
        if "at the film" in BROKEN:
            raise BROKEN.pop("at the film")
        return super().encode(film)

    def stream(self, *given: Any, **more: Any) -> Iterator[str]:
        words = super().stream(*given, **more)
        yield next(words)
        if "between two words" in BROKEN:
            raise BROKEN.pop("between two words")
        yield from words


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    reader = fake_reader()
    reader.engine = Brittle()  # type: ignore[assignment]
    page = build_page(Desk(reader, turns=Turns(1)), Shelf(reader.open))
    yield serve(page, {"GRADIO_SERVER_PORT": str(find_port())}, quiet=True)
    page.close(verbose=False)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_film(tmp_path / "film.png", 0.4)


def check_served(address: str, film: Path) -> None:
    """The page is up and reads a film."""
    assert httpx.get(address).status_code == 200
    assert call(address, "classify", mark_file(upload(address, film)))["level"]
    assert call(address, "caption", mark_file(upload(address, film)), "")["finished"]


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory"),
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["of the GPU", "of Python", "of the CPU"])
@pytest.mark.parametrize("when", ["at the film", "between two words"])
def test_out_of_memory(address: str, film: Path, error: Exception, when: str) -> None:
    BROKEN[when] = error
    sent = mark_file(upload(address, film))
    assert call(address, "caption", sent, "")["error"] == NO_MEMORY
    assert not BROKEN
    check_served(address, film)


def find_decoders() -> set[int]:
    """The processes that decode films: our children that run Python with -I."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"-I" in (path.parent / "cmdline").read_bytes().split(b"\0"):
                found.add(int(path.parent.name))
        except (OSError, ValueError):
            continue
    return found


def test_a_decoder_that_dies_is_one_refused_film(address: str, film: Path, tmp_path: Path) -> None:
    dicom = write_dicom(tmp_path / "IM0001")
    assert call(address, "classify", mark_file(upload(address, dicom)))["level"]
    decoders = find_decoders()
    assert decoders
    for decoder in decoders:
        os.kill(decoder, signal.SIGSTOP)  # so that one dies over this film, and no film before
    answers: list[Any] = []
    sent = mark_file(upload(address, dicom))
    visitor = threading.Thread(target=lambda: answers.append(call(address, "classify", sent)))
    visitor.start()
    time.sleep(2)
    for decoder in decoders:
        os.kill(decoder, signal.SIGKILL)
    visitor.join(30)
    assert answers and answers[0]["error"].endswith(".") and len(answers[0]["error"].split()) > 5
    assert call(address, "classify", mark_file(upload(address, dicom)))["level"]
    assert find_decoders() - decoders
    check_served(address, film)


def open_full_disk(*_: object, **__: object) -> BinaryIO:
    """A file on a disk that is full."""
    return open("/dev/full", "wb", buffering=0)


def test_a_full_disk_is_said_and_nothing_of_the_upload_is_logged(
    address: str, film: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(route_utils, "NamedTemporaryFile", open_full_disk)
        reply = httpx.post(f"{address}gradio_api/upload", files={"files": ("Muster_Max.png", film.read_bytes())})
        assert reply.status_code == 507 and reply.text == DISK_FULL
        assert httpx.get(address).status_code == 200
    written = "".join(capfd.readouterr())
    assert "Muster" not in written and "Traceback" not in written
    check_served(address, film)


def test_a_disk_that_fills_up_after_the_upload_is_said_too(
    address: str, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> BinaryIO:
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/Muster_Max.png")

    config = httpx.get(f"{address}config").json()
    opening = next(each["id"] for each in config["dependencies"] if each["api_name"] == "open_upload")
    body = {"data": [mark_file(upload(address, film))], "fn_index": opening, "session_hash": "full"}
    with monkeypatch.context() as patch:
        patch.setattr(file_component.tempfile, "NamedTemporaryFile", fail)
        httpx.post(f"{address}gradio_api/queue/join", json=body)
        said = httpx.get(f"{address}gradio_api/queue/data", params={"session_hash": "full"}, timeout=60).text
    assert json.dumps(DISK_FULL)[1:-1] in said and "Muster" not in said
    check_served(address, film)


@pytest.mark.parametrize("what", ["a lost Hub", "a damaged adapter"])
def test_a_model_that_cannot_be_had_is_named_and_the_embedded_one_reads(
    what: str, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "adapter"
    damaged.mkdir()
    config = {"peft_type": "LORA", "base_model_name_or_path": "embedded Mllama"}
    (damaged / "adapter_config.json").write_text(json.dumps(config))
    (damaged / "adapter_model.safetensors").write_bytes(b"no tensors")
    with HubStandIn({}) as hub:
        point_to(monkeypatch, hub, tmp_path / "cache")
        hub.failing = what == "a lost Hub"
        reader = load_reader(Settings(adapter=str(damaged) if what == "a damaged adapter" else "somebody/lora"))
    page = build_page(Desk(reader, turns=Turns(1)), Shelf(reader.open))
    address = serve(page, {"GRADIO_SERVER_PORT": str(find_port())}, quiet=True)
    try:
        said = httpx.get(address).text
        assert "The embedded model answers instead." in said and str(reader.identity.problem)[:20] in said
        answer = call(address, "classify", mark_file(upload(address, film)))
        assert "error" not in answer and answer["answered_by"]["embedded"]
    finally:
        page.close(verbose=False)
