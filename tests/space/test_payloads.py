"""Requests of strangers at the page as it is served: none succeeds. The prompts are in tests/test_app.py."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.middleware import Middleware

from cxr.space.desk import Desk
from cxr.space.door import MOST_SAID, MOST_UPLOADED, Door
from cxr.space.page import build_page
from cxr.space.serving import serve
from cxr.space.shelf import Shelf
from tests.fakes import fake_reader
from tests.programs import find_port
from tests.space.payloads import HTML, PICTURES, QUESTIONS, REQUESTS, Payload
from tests.space.served import call, draw_examples, mark_file, upload, write_film

SECRET = "a-secret-of-this-machine"
SILENCE = 2.0  # s that the page of these tests waits; less would hit the honest while Gradio imports something


class Inner(BaseHTTPRequestHandler):
    """A server that only this machine reaches."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(SECRET.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Target:
    """The page, and what strangers want."""

    address: str
    values: dict[str, str]
    asked: list[str]

    def fill(self, given: Any) -> Any:
        """The same with {names} replaced."""
        text = json.dumps(given)
        for name, value in self.values.items():
            text = text.replace(f"{{{name}}}", value)
        return json.loads(text)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("page")
    secret = folder / "secret.txt"
    secret.write_text(SECRET)
    inner = ThreadingHTTPServer(("127.0.0.1", 0), Inner)
    inner.asked = []  # type: ignore[attr-defined]
    threading.Thread(target=inner.serve_forever, daemon=True).start()
    reader = fake_reader()
    shelf = Shelf(reader.open, draw_examples(folder))
    page = build_page(Desk(reader), shelf)
    door = {"middleware": [Middleware(Door, folder=shelf.folder, silence=SILENCE)]}
    address = serve(page, {"GRADIO_SERVER_PORT": str(find_port())}, quiet=True, app_kwargs=door)
    port = str(inner.server_address[1])
    values = {"secret": str(secret), "inside": f"http://127.0.0.1:{port}/", "port": port, "thumb": str(shelf.folder)}
    yield Target(address, values, inner.asked)  # type: ignore[attr-defined]
    page.close(verbose=False)
    inner.shutdown()


def send(target: Target, payload: Payload) -> tuple[bool, str]:
    """Whether a request was refused, and all that was said; a call's result counts, not that it was taken in."""
    path, headers, body = (target.fill(part) for part in (payload.path, payload.headers, payload.json))
    with httpx.Client(timeout=30, follow_redirects=True) as client:
        request = client.build_request(payload.method, "http://x/", headers=headers, json=body)
        # As it stands: httpx would tidy ".." away before it is sent.
        request.url = httpx.URL(target.address).copy_with(raw_path=b"/" + path.encode())
        if "Host" not in headers:
            request.headers["Host"] = request.url.netloc.decode()
        try:
            reply = client.send(request)
        except httpx.RemoteProtocolError:  # hung up on
            return True, ""
        said = reply.text + str(reply.headers)
        if reply.status_code == 200 and '"event_id"' in reply.text:
            result = client.get(f"{target.address}{path}/{reply.json()['event_id']}").text
            return "event: error" in result and "event: complete" not in result, said + result
    refused = reply.status_code >= 400 or "event: error" in reply.text
    return refused, said


def test_there_are_at_least_60_kinds() -> None:
    names = [payload.name for payload in REQUESTS]
    assert len(names) + len(QUESTIONS) + len(PICTURES) + len(HTML) >= 60 and len(set(names)) == len(names) >= 60


@pytest.mark.parametrize("payload", REQUESTS, ids=lambda payload: payload.name)
def test_no_request_succeeds(target: Target, payload: Payload, capfd: pytest.CaptureFixture[str]) -> None:
    refused, said = send(target, payload)
    assert refused, said[:500]
    assert not target.asked
    written = "".join(capfd.readouterr())
    for text in (said, written):
        assert SECRET not in text and "root:" not in text
    assert "Traceback" not in written and target.values["secret"] not in written


def test_the_tests_would_notice(target: Target) -> None:
    """The same ways of asking, for what may be had."""
    allowed = Payload("a thumbnail", "gradio_api/file={thumb}/0.jpg")
    assert not send(target, allowed)[0]
    assert send(target, replace(allowed, path="gradio_api/file={thumb}/9.jpg"))[0]
    assert httpx.get(target.values["inside"]).text == SECRET and target.asked.pop()


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "Host", "Origin", "Referer"])
def test_what_a_header_says_reaches_no_other_visitor(target: Target, header: str) -> None:
    httpx.get(target.address, headers={header: "evil.example" if "ost" in header else "https://evil.example"})
    for path in ("", "config", "gradio_api/info", "gradio_api/openapi.json"):
        reply = httpx.get(f"{target.address}{path}")
        assert "evil.example" not in reply.text + str(reply.headers)


def test_a_stranger_s_page_cannot_read_answers(target: Target) -> None:
    reply = httpx.get(f"{target.address}config", headers={"Origin": "https://evil.example"})
    assert reply.headers.get("access-control-allow-origin") not in ("*", "https://evil.example")


@pytest.mark.parametrize("name", ["../../evil.png", "/etc/evil.png", "..%2fevil.png", "a\r\nX-Evil: 1.png", ".." * 500])
def test_an_upload_s_name_leads_nowhere(target: Target, tmp_path: Path, name: str) -> None:
    film = write_film(tmp_path / "film.png", 0.4).read_bytes()
    reply = httpx.post(f"{target.address}gradio_api/upload", files={"files": (name, film)})
    assert "X-Evil" not in reply.headers and "evil" not in str([*Path("/etc").glob("evil*")])
    if reply.status_code == 200:
        path = Path(reply.json()[0])
        assert path.is_file() and ".." not in path.parts and len(path.parent.name) == 64
        assert httpx.get(f"{target.address}gradio_api/file={path}").status_code == 404  # and nobody gets it


def test_nobody_fetches_another_visitor_s_upload_nor_results(target: Target, tmp_path: Path) -> None:
    path = upload(target.address, write_film(tmp_path / "film.png", 0.4))
    assert call(target.address, "classify", mark_file(path))["level"]
    for stranger in (f"gradio_api/file={path}", f"gradio_api/file/{path}", f"gradio_api/proxy={path}"):
        reply = httpx.get(f"{target.address}{stranger}")
        assert reply.status_code == 404 and len(reply.content) < 200
    assert Path(path).is_file()  # it was there to be had


def talk(address: str, said: bytes) -> bytes:
    """Say this and no more, and return the answer."""
    host, _, port = address.removeprefix("http://").rstrip("/").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(said)
        return line.recv(4096)


BEGIN = b'--x\r\nContent-Disposition: form-data; name="files"; filename="film.png"\r\n\r\n'


def test_a_silent_upload_is_not_waited_for(target: Target) -> None:
    head = b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    answer = talk(target.address, head + b"Content-Length: 9999\r\n\r\n" + BEGIN)
    assert b" 408 " in answer.split(b"\r\n")[0]


def test_what_is_too_large_is_refused_before_it_is_kept(target: Target) -> None:
    def flow() -> Iterator[bytes]:  # of no announced length
        yield BEGIN
        for _ in range(MOST_UPLOADED // 2**20 + 2):
            yield bytes(2**20)

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    two = [("files", (f"{number}.png", bytes(40 << 20))) for number in range(2)]  # each small enough
    assert httpx.post(f"{target.address}gradio_api/upload", content=flow(), headers=kind, timeout=60).status_code == 413
    assert httpx.post(f"{target.address}gradio_api/upload", files=two, timeout=60).status_code == 413
    body = {"data": ["x" * MOST_SAID], "fn_index": 0, "session_hash": "x"}
    for route in ("queue/join", "call/answer"):
        assert httpx.post(f"{target.address}gradio_api/{route}", json=body).status_code == 413
    deep = b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    reply = httpx.post(f"{target.address}gradio_api/call/answer", content=deep, headers={"Content-Type": "text/json"})
    assert reply.status_code == 413 and "recursion" not in reply.text.lower()  # weighed before it is parsed


def test_the_next_visitor_is_served(target: Target, tmp_path: Path) -> None:
    path = upload(target.address, write_film(tmp_path / "film.png", 0.4))
    assert call(target.address, "answer", mark_file(path), "What view is this?", None)["text"].startswith("Shade 40")


def test_what_is_asked_changes_nothing_that_was_found(target: Target, tmp_path: Path) -> None:
    film = mark_file(upload(target.address, write_film(tmp_path / "film.png", 0.4)))
    before = call(target.address, "classify", film)
    for question in [*QUESTIONS, *HTML]:
        call(target.address, "answer", film, question, [{"question": question, "answer": question}])
    call(target.address, "caption", film, QUESTIONS[0])
    assert call(target.address, "classify", film) == before
