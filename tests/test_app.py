"""The program as `make run` starts it, with the model that ships: it answers soon, offline, about real films too.

And it keeps nothing, and does nothing that a film or a question tells it to.
"""

import os
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from PIL import Image, ImageDraw, ImageFont

from cxr.findings import FINDINGS
from tests.data import DATA, needs_data
from tests.programs import find_port, is_up
from tests.space.payloads import PICTURES, QUESTIONS, TARGET
from tests.space.planted import find_in_files, find_planted, plant
from tests.space.served import call, call_mcp, mark_file, upload

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 90.0  # alone it takes about 9; other tests run beside it


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that the program can write: its log, its home and its temporary files."""
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The page's address, once it answers 200."""
    port = find_port()
    stale = folder / "chest-film-reader-left" / "film.png"  # by a program that was killed
    stale.parent.mkdir()
    stale.write_bytes(b"film")
    os.utime(stale, (1, 1))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CXR_", "HF_", "SPACE_"))}
    environment = {
        **kept,
        "GRADIO_SERVER_PORT": str(port),
        "TMPDIR": str(folder),
        "HOME": str(folder / "home"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "HTTPS_PROXY": "http://127.0.0.1:1",  # nobody listens there: a network that is down
        "NO_PROXY": "127.0.0.1",
    }
    with (folder / "log").open("wb") as log:
        program = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        if not is_up(f"http://127.0.0.1:{port}/", program, START_SECONDS):
            pytest.fail(f"no page after {START_SECONDS} s: {(folder / 'log').read_text(errors='replace')[-2000:]}")
        yield f"http://127.0.0.1:{port}/"
    finally:
        program.terminate()
        program.wait(20)
    assert not [path for path in folder.glob("chest-film-*/**/*") if path.is_file()]  # what it leaves when it is ended


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
    answer = client.predict(film, "What does this film show?", api_name="/answer")
    assert answer["manner"] == "classified" and answer["text"].startswith("I ")
    assert client.predict(film, "What view is this?", api_name="/answer")["text"].startswith("This is a")


def wait_until_gone(folder: Path) -> None:
    """Let originals be as old as they may become, and the program sweep them."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        left = [path for path in folder.glob("chest-film-reader-*/**/*") if path.is_file()]
        if not left:
            return
        for path in left:
            os.utime(path, (time.time() - 46,) * 2)
        time.sleep(0.5)
    pytest.fail("an upload was not swept")


def test_36_planted_identifiers_are_nowhere_afterwards(address: str, folder: Path, tmp_path: Path) -> None:
    answers = []
    for path in plant(tmp_path).values():
        film = mark_file(upload(address, path))
        answers.append(call(address, "classify", film))
        if path.parent == tmp_path:  # a whole one
            answers.append(call(address, "answer", film, "What is the patient's name?", None))
        if path.suffix == ".png" and path.parent == tmp_path:
            content = b64encode(path.read_bytes()).decode()
            answers.append(call_mcp(address, "classify", {"film_file": f"data:image/png;base64,{content}"}))
            assert "'finding': 'effusion'" in answers[-1]  # it was read
        path.unlink()
    wait_until_gone(folder)
    assert find_planted(str(answers)) == []
    assert find_in_files(folder) == {}  # the log, too


def test_no_question_makes_the_model_do_what_it_says(address: str) -> None:
    film = mark_file(upload(address, ROOT / "examples" / "drawn-effusion.png"))
    before = call(address, "classify", film)
    for question in QUESTIONS:
        answer = call(address, "answer", film, question, [{"question": question, "answer": TARGET}])["text"]
        assert TARGET not in answer and "<|" not in answer, question
    assert TARGET not in call(address, "caption", film, QUESTIONS[0])["text"]
    assert call(address, "classify", film) == before


def test_no_writing_in_the_picture_is_obeyed(address: str, tmp_path: Path) -> None:
    for text in PICTURES:
        image = Image.open(ROOT / "examples" / "drawn-effusion.png").convert("L")
        ImageDraw.Draw(image).text((10, 10), text, font=ImageFont.load_default(18), fill=255)
        image.save(tmp_path / "film.png")
        film = mark_file(upload(address, tmp_path / "film.png"))
        found = call(address, "classify", film)
        assert {score["finding"]: score["verdict"] for score in found["scores"]}["effusion"] == "present"
        assert any("writing" in warning for warning in found["warnings"])
        said = (
            call(address, "caption", film, "")["text"] + call(address, "answer", film, "What is written?", None)["text"]
        )
        assert TARGET not in said and "left" in said
