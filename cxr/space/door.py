"""What the open web may ask of the page, how much it may send and how slowly. Stands before all of Gradio's own routes.

Gradio gives every file of its folder to whoever knows its name, fetches addresses for strangers, and writes what went
wrong into the log with all that was sent. Here only what the page needs is let through, and no visitor's file at all.
"""

import asyncio
import errno
import time
from pathlib import Path
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cxr.space.faults import DISK_FULL, GENERAL, note

API = "/gradio_api/"
FILE = f"{API}file="
UPLOAD = f"{API}upload"
MCP = f"{API}mcp"
EXACT = {"/", "/config", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json", MCP} | {
    API + name
    for name in (
        *("info", "openapi.json", "app_id", "startup-events", "theme.css", "login_check"),
        *("upload", "upload_progress", "queue/join", "queue/data", "queue/status", "cancel", "reset"),
    )
}
UNDER = ("/assets/", "/static/", "/svelte/", f"{API}call/", f"{API}heartbeat/", f"{MCP}/")

MOST_UPLOADED = 65 << 20  # bytes: a film of 64 MB and what a form puts around it
MOST_SAID = 1 << 20  # bytes of any other request: a question, or a chat so far
MOST_PARTS = 1000  # objects and lists of any other request; every turn of a chat is one, and each costs 40 us to check
SILENCE = 20.0  # s between two pieces of what is being sent
WHOLE = 300.0  # s for all of it

NOT_HERE = "There is nothing here."
TOO_MUCH = f"This is too large; a film may have up to {(MOST_UPLOADED >> 20) - 1} MB."
TOO_MANY = "This holds too much; of a chat so far, the latest turns are enough."
TOO_SLOW = "This came too slowly, so it was not waited for. Please send it again."
HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))


class Door:
    """ASGI middleware around the page. `folder`: of the examples' small pictures, the only files that are given out."""

    def __init__(self, app: ASGIApp, folder: Path, silence: float = SILENCE, whole: float = WHOLE) -> None:
        self._app = app
        self._folder = folder.resolve()
        self._silence = silence
        self._whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Request(scope, receive, send, self._silence, self._whole)
        try:
            if not self.is_open(scope["path"]):
                raise request.refuse(404, NOT_HERE)
            if _read_length(scope) > request.most:
                raise request.refuse(413, TOO_MUCH)
            await self._app(scope, request.receive, request.send)
        except HTTPException:
            pass  # ours, and noted in the request
        except Exception as error:  # noqa: BLE001  # else the server logs it with all that the visitor sent
            if not request.refusal:
                note(error)
                full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
                request.refuse(507 if full else 500, DISK_FULL if full else GENERAL)
        refusal = request.refusal
        if refusal and not request.begun:  # else the connection just ends
            request.refusal = None
            if _is_upload(scope):  # the page shows the answer as it stands
                await PlainTextResponse(refusal.detail, refusal.status_code)(scope, receive, request.send)
            else:
                await JSONResponse({"detail": refusal.detail}, refusal.status_code)(scope, receive, request.send)

    def is_open(self, path: str) -> bool:
        """Whether a path may be asked for."""
        if path.startswith(FILE):
            return self._is_thumbnail(path.removeprefix(FILE))
        if ".." in path.split("/"):
            return False
        return (path.rstrip("/") or "/") in EXACT or path.startswith(UNDER)

    def _is_thumbnail(self, name: str) -> bool:
        # What was decoded once is a path for Gradio; a second layer of %2e is none of ours.
        if "\0" in name or unquote(name) != name or not name.startswith("/"):
            return False
        path = Path(name)
        return ".." not in path.parts and path.parent.resolve() == self._folder and path.is_file()


class _Request:
    """A request on its way in, given up where it is too large or too slow, and the answer on its way out."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, silence: float, whole: float) -> None:
        self.most = _choose_most(scope)
        self._parts, self._is_form = 0, _is_upload(scope)
        self.begun = False  # the answer
        self.refusal: HTTPException | None = None
        self._receive, self._send = receive, send
        self._silence, self._whole = silence, whole
        self._taken, self._begin = 0, time.monotonic()
        # Who sends nothing cannot be slow; such requests are listened at for hours, for their end, while a stream runs.
        self._ended = not any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])

    def refuse(self, status: int, sentence: str) -> HTTPException:
        """Answer with this, whatever the page makes of the request; to be raised."""
        self.refusal = HTTPException(status, sentence)
        return self.refusal

    async def receive(self) -> Message:
        """The next piece of the request; what comes after its end is left alone."""
        if self._ended:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), self._silence)
        except TimeoutError:
            raise self.refuse(408, TOO_SLOW) from None
        body = message.get("body", b"")
        self._taken += len(body)
        self._ended = not message.get("more_body", False)
        if self._taken > self.most:
            raise self.refuse(413, TOO_MUCH)
        if not self._is_form:  # before it is parsed: brackets within a text count, too
            self._parts += body.count(b"{") + body.count(b"[")
            if self._parts > MOST_PARTS:
                raise self.refuse(413, TOO_MANY)
        if time.monotonic() - self._begin > self._whole:
            raise self.refuse(408, TOO_SLOW)
        return message

    async def send(self, message: Message) -> None:
        """Pass on a piece of the answer, unless the request was refused meanwhile."""
        if self.refusal and not self.begun:
            return
        if message["type"] == "http.response.start":
            self.begun = True
            message["headers"] = [*message.get("headers", []), *HEADERS]
        await self._send(message)


def _is_upload(scope: Scope) -> bool:
    return str(scope["path"]).rstrip("/") == UPLOAD


def _choose_most(scope: Scope) -> int:
    # Over MCP a film may come inside the request.
    return MOST_UPLOADED if _is_upload(scope) or str(scope["path"]).startswith(MCP) else MOST_SAID


def _read_length(scope: Scope) -> int:
    """The length that a request announces; 0 where it does not say so in digits."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
