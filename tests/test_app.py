"""The program as `make run` starts it, with the model that ships: it answers soon, offline, about real films too."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file

from cxr.findings import FINDINGS
from tests.data import DATA, needs_data
from tests.space.served import find_port

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 90.0  # alone it takes about 9; other tests run beside it


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page's address, once it answers 200."""
    folder, port = tmp_path_factory.mktemp("app"), find_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CXR_", "HF_", "SPACE_"))}
    environment = {
        **kept,
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder / "uploads"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "HTTPS_PROXY": "http://127.0.0.1:1",  # nobody listens there: a network that is down
        "NO_PROXY": "127.0.0.1",
    }
    with (folder / "log").open("wb") as log:
        program = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        wait_for_page(f"http://127.0.0.1:{port}/", program, folder / "log")
        yield f"http://127.0.0.1:{port}/"
    finally:
        program.terminate()
        program.wait(20)


def wait_for_page(address: str, program: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and program.poll() is None:
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"no page after {START_SECONDS} s: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


def test_only_this_machine_reaches_it(address: str) -> None:
    port = int(address.rstrip("/").rpartition(":")[2])
    with socket.socket() as line:  # the same port is free on every address but that of this machine
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind(("127.0.0.2", port))


def test_the_embedded_model_reads_a_drawn_film(client: Client) -> None:
    film = handle_file(ROOT / "examples" / "drawn-effusion.png")
    found = client.predict(film, api_name="/classify")
    assert found["answered_by"]["embedded"] and found["level"] in ("Attention", "Look first")
    assert {score["finding"]: score["verdict"] for score in found["scores"]}["effusion"] == "present"
    assert "on the left" in client.predict(film, api_name="/caption")["text"]
    assert (
        "on the left"
        in client.predict(film, "On which side is the pleural effusion?", api_name="/answer")["text"].lower()
    )


@needs_data
@pytest.mark.parametrize("name", ["chestxray14/images/00000001_000.png", "dicom/nih_udacity_test1_no_finding_PA.dcm"])
def test_the_page_answers_about_a_real_film(client: Client, name: str) -> None:
    film = handle_file(DATA / name)
    found = client.predict(film, api_name="/classify")
    assert [score["finding"] for score in found["scores"]] == [finding.key for finding in FINDINGS]
    assert all(0 < score["probability"] < 1 and score["verdict"] for score in found["scores"])
    report = client.predict(film, api_name="/caption")
    assert report["finished"] and report["findings"] and report["impression"]
    assert client.predict(film, "What does this film show?", api_name="/answer")["text"].startswith("I see")
