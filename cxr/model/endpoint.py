"""How a server that speaks OpenAI's chat completions is spoken to: time-outs, one more try, a sentence for each fault.

Sentences never hold the address or the key. Knows nothing about films or what is asked.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from cxr.results import CxrError

T = TypeVar("T")

CHAT, MODELS = "chat/completions", "models"
CONNECT, READ = 5.0, 90.0  # s; READ: between two pieces, and until the first, which may wait in the server's queue
PAUSE = 1.0  # s before the other try; a server that starts again refuses connections meanwhile
BAD_ADDRESS = "CXR_ENDPOINT must be the address of a server such as http://host:30000/v1."
UNREACHABLE = "The endpoint cannot be reached, or the connection broke off. Please try again in a minute."
TOO_SLOW = "The endpoint took too long to answer. Please try again in a minute."
BROKEN = "The endpoint failed. Please try again in a minute."
GARBAGE = "The endpoint gave an answer that cannot be read; CXR_ENDPOINT must be one of OpenAI's kind."
BAD_KEY = "The endpoint does not let this program in; CXR_ENDPOINT_KEY must be a key that it knows."
STATUS = {
    401: BAD_KEY,
    403: BAD_KEY,
    404: "The endpoint knows no such address or model; CXR_ENDPOINT or CXR_ENDPOINT_MODEL may be wrong.",
    429: "The endpoint has too much to do. Please try again in a minute.",
}


class Endpoint:
    """One server and the model that it is asked for. May be used by many threads at once."""

    def __init__(
        self,
        address: str,
        key: str | None = None,
        model: str | None = None,
        connect: float = CONNECT,
        read: float = READ,
        pause: float = PAUSE,
    ) -> None:
        """Where the server is.

        Args:
            address: Base URL; a name and password in it are sent as such and shown nowhere.
            model: None for the first that the server names.
            connect: Time-outs in s, as `read`; `pause`: how long to wait before the other try.

        Raises:
            CxrError: it is no address, or the model was not named and the server does not say.
        """
        try:
            url = httpx.URL(address)
        except httpx.InvalidURL as error:
            raise CxrError(BAD_ADDRESS) from error
        if url.scheme not in ("http", "https") or not url.host:
            raise CxrError(BAD_ADDRESS)
        if not (key or "").isascii():
            raise CxrError(BAD_KEY)
        self._pause = pause
        self._client = httpx.Client(
            base_url=url.copy_with(userinfo=b""),
            auth=(url.username, url.password) if url.userinfo and not key else None,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(read, connect=connect, pool=None),
            limits=httpx.Limits(max_keepalive_connections=32),
        )
        self.model = model or self._find_model()

    def ask(self, **body: Any) -> dict[str, Any]:
        """The one choice of a whole answer.

        Raises:
            CxrError: the server cannot be reached, is too slow, refuses or fails.
        """
        with explain_faults():
            reply = self._try_twice(lambda: self._client.post(CHAT, json={"model": self.model, **body}))
            check_status(reply)
            return read_choice(reply.text)

    def stream(self, **body: Any) -> Iterator[str]:
        """The answer in pieces of text; closing it closes the connection, by which the server knows that it may stop.

        Raises:
            CxrError: as `ask`, or the connection broke off.
        """
        shown = False
        with explain_faults():
            try:
                for piece in self._stream_once(body):
                    shown = True
                    yield piece
                return
            except httpx.TransportError as error:
                if shown or isinstance(error, httpx.TimeoutException):
                    raise
            time.sleep(self._pause)
            yield from self._stream_once(body)

    def _stream_once(self, body: dict[str, Any]) -> Iterator[str]:
        with self._client.stream("POST", CHAT, json={"model": self.model, "stream": True, **body}) as reply:
            if reply.is_error:
                reply.read()
            check_status(reply)
            if not reply.headers.get("Content-Type", "").startswith("text/event-stream"):
                raise CxrError(GARBAGE)
            finished = False
            for line in reply.iter_lines():
                kind, _, data = line.partition(":")
                if kind != "data" or data.strip() == "[DONE]":
                    continue
                choice = read_choice(data)
                finished = finished or bool(choice.get("finish_reason"))
                piece = (choice.get("delta") or {}).get("content")
                if piece:
                    yield str(piece)
        if not finished:  # half of a report must not pass for a whole one
            raise httpx.RemoteProtocolError("The stream ended too early.")

    def _find_model(self) -> str:
        with explain_faults():
            reply = self._try_twice(lambda: self._client.get(MODELS))
            check_status(reply)
            return str(json.loads(reply.text)["data"][0]["id"])

    def _try_twice(self, step: Callable[[], T]) -> T:
        """What a step gives; where the connection fails, what it gives after a pause."""
        try:
            return step()
        except httpx.TimeoutException:
            raise
        except httpx.TransportError:
            time.sleep(self._pause)
            return step()


@contextmanager
def explain_faults() -> Iterator[None]:
    """Raise a CxrError for whatever a connection or an answer that is none of OpenAI's raises inside."""
    try:
        yield
    except CxrError:
        raise
    except httpx.TimeoutException as error:
        raise CxrError(TOO_SLOW) from error
    except httpx.HTTPError as error:
        raise CxrError(UNREACHABLE) from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise CxrError(GARBAGE) from error


def check_status(reply: httpx.Response) -> None:
    """Raise a CxrError with the reason where the server refused or failed."""
    if reply.is_success:
        return
    code = reply.status_code
    told = f"The endpoint does not take what it was asked (HTTP {code})."
    raise CxrError(STATUS.get(code) or (BROKEN if reply.is_server_error else told))


def read_choice(text: str) -> dict[str, Any]:
    """The first choice of an answer, or of a piece of one; empty where a piece has none.

    Raises:
        CxrError: the server says that it failed on the way.
        ValueError: it is none, as are KeyError and TypeError.
    """
    told = json.loads(text)
    if told.get("error"):
        raise CxrError(BROKEN)
    return dict(told["choices"][0]) if told["choices"] else {}
