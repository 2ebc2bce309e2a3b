"""The door by itself; what strangers send through it to the page is in test_payloads.py."""

import asyncio
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Scope

from cxr.space.door import FILE, MOST_PARTS, TOO_MANY, UPLOAD, Door
from cxr.space.faults import GENERAL

SILENCE = 0.1  # s


async def stream(request: Request) -> Response:
    """Words for five times as long as the door waits for what is sent, looking whether anybody listens."""
    if request.method == "POST":
        await request.body()

    async def speak() -> object:
        for word in "abcde":
            assert not await request.is_disconnected()
            await asyncio.sleep(SILENCE)
            yield word

    return StreamingResponse(speak())  # type: ignore[arg-type]


async def fail(_: Request) -> Response:
    raise RuntimeError("a secret")


ROUTES = [
    Route("/config", stream, methods=["GET", "POST"]),
    Route(UPLOAD, stream, methods=["POST"]),
    Route("/", fail),
]


def ask(
    folder: Path, path: str, *bodies: bytes, method: str = "GET", slow: float = 0.0, whole: float = 60.0
) -> tuple[int, bytes]:
    """Status and body of an answer; a visitor who stays until the end."""
    said: list[Message] = []
    pieces = list(bodies) or [b""]
    headers = [(b"content-length", b"%d" % sum(map(len, bodies)))] if bodies else []

    async def receive() -> Message:
        if not pieces:
            await asyncio.Event().wait()
        await asyncio.sleep(slow)
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Message) -> None:
        said.append(message)

    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "method": method,
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": headers,
    }
    page = Starlette(routes=ROUTES, middleware=[Middleware(Door, folder=folder, silence=SILENCE, whole=whole)])
    asyncio.run(page(scope, receive, send))
    return said[0]["status"], b"".join(message.get("body", b"") for message in said)


@pytest.mark.parametrize(("method", "bodies"), [("GET", ()), ("POST", (b"x", b"y"))])
def test_a_stream_may_last_longer_than_silence(tmp_path: Path, method: str, bodies: tuple[bytes, ...]) -> None:
    assert ask(tmp_path, "/config", *bodies, method=method) == (200, b"abcde")


@pytest.mark.parametrize("part", [b"{", b"["])
def test_what_would_take_long_to_parse_is_refused_before_it_is(tmp_path: Path, part: bytes) -> None:
    status, said = ask(tmp_path, "/config", part * MOST_PARTS, part, method="POST")
    assert status == 413 and TOO_MANY.encode() in said
    assert ask(tmp_path, "/config", part * MOST_PARTS, b"x", method="POST") == (200, b"abcde")


def test_a_film_may_hold_any_bytes(tmp_path: Path) -> None:
    assert ask(tmp_path, UPLOAD, b"{[" * MOST_PARTS, method="POST") == (200, b"abcde")


@pytest.mark.parametrize(("slow", "whole", "pieces"), [(5 * SILENCE, 60.0, 2), (0.0, 0.0, 20)])
def test_what_comes_too_slowly_is_refused(tmp_path: Path, slow: float, whole: float, pieces: int) -> None:
    status, said = ask(tmp_path, "/config", *[b"x"] * pieces, method="POST", slow=slow, whole=whole)
    assert status == 408 and b"too slowly" in said


def test_what_breaks_inside_is_a_sentence(tmp_path: Path) -> None:
    status, said = ask(tmp_path, "/")
    assert status == 500 and GENERAL.encode() in said and b"secret" not in said


def test_only_pictures_in_the_folder_are_given_out(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    (folder / "deeper").mkdir(parents=True)
    for path in (folder / "0.jpg", folder / "deeper" / "1.jpg", tmp_path / "2.jpg"):
        path.write_bytes(b"picture")
    door = Door(Starlette(), folder)
    assert door.is_open(f"{FILE}{folder}/0.jpg")
    for name in (
        *("deeper/1.jpg", "../2.jpg", "deeper/../0.jpg", "deeper", "", "9.jpg", "0.jpg\0", "%30.jpg"),
        "../pictures-2/0.jpg",
    ):
        assert not door.is_open(f"{FILE}{folder}/{name}")
