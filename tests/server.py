"""A stand-in for SGLang: its HTTP protocol on loopback, for real, answered by the tiny engine.

It renders the chat as the engine's own template does, decodes each token by itself for its bytes, and ends a stream
as SGLang does. What goes wrong with servers can be switched on.
"""

import base64
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import torch
from PIL import Image

from cxr.films.film import Film
from cxr.model.engine import Engine
from cxr.sides import SIDE_ANSWERS
from tests.tiny import tiny_engine

KEY = "key-of-these-tests"


class StandIn:
    """What the server knows and was asked. `faults` are taken one a request; `slow`: s before each token."""

    def __init__(self, engine: Engine, key: str | None = None) -> None:
        self.engine, self.key = engine, key
        self.asked: list[dict[str, Any]] = []  # bodies in the order in which they came
        self.side_by_side: list[int] = []  # how many waited for an answer whenever one came
        self.prompts: list[str] = []
        self.faults: list[str] = []
        self.tokens = 0  # that were written in streams
        self.gone = threading.Event()  # somebody hung up before the end
        self.slow = 0.0
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0

    @contextmanager
    def count(self) -> Iterator[None]:
        """How many requests are inside at once."""
        with self._counting:
            self._waiting += 1
            self.side_by_side.append(self._waiting)
        try:
            yield
        finally:
            with self._counting:
                self._waiting -= 1

    def render(self, messages: list[dict[str, Any]], continued: bool) -> tuple[list[int], Film]:
        """Token ids and the film of a request."""
        said = messages.pop()["content"] if continued else ""
        films = []
        for message in messages:
            for part in message["content"]:
                if part["type"] == "image_url":
                    head, _, data = part.pop("image_url")["url"].partition(",")
                    assert head == "data:image/png;base64"
                    picture = Image.open(io.BytesIO(base64.b64decode(data)))
                    assert picture.mode == "L" and picture.size == (self.engine.canvas,) * 2
                    films.append(Film(np.asarray(picture, np.float32) / 255))
                    part["type"] = "image"
        (film,) = films
        text = self.engine.processor.apply_chat_template(messages, add_generation_prompt=True)
        self.prompts.append(text + said)
        encode = self.engine.processor.tokenizer.encode
        return [*encode(text, add_special_tokens=False), *encode(said, add_special_tokens=False)], film

    @torch.inference_mode()
    def tell(self, body: dict[str, Any]) -> dict[str, Any]:
        """The choice of an answer of one token, with its logprobs."""
        with self._lock:
            ids, film = self.render(body["messages"], body.get("continue_final_message", False))
            cache = self.engine._new_cache()
            output = self.engine._forward(torch.tensor([ids]), self.engine.encode(film), cache, logits_to_keep=1)
            best = output.logits[0, -1].float().log_softmax(-1).topk(min(body["top_logprobs"], output.logits.shape[-1]))
            rows = [self.describe(*row) for row in zip(best.indices.tolist(), best.values.tolist(), strict=True)]
        content = [{**rows[0], "top_logprobs": rows}]
        return {"message": {"role": "assistant", "content": rows[0]["token"]}, "logprobs": {"content": content}}

    def describe(self, token: int, logprob: float) -> dict[str, Any]:
        """One token as SGLang tells of it."""
        text = self.engine.processor.tokenizer.decode([token])
        return {"token": text, "bytes": list(text.encode()), "logprob": logprob}

    def write(self, body: dict[str, Any]) -> Iterator[str]:
        """The pieces of a stream."""
        with self._lock:
            ids, film = self.render(body["messages"], False)
            text = self.engine.processor.apply_chat_template(body["messages"], add_generation_prompt=True)
            assert ids == self.engine.processor.tokenizer.encode(text, add_special_tokens=False)
            encoded = self.engine.encode(film)
        for piece in self.engine.stream(encoded, body["messages"], body["max_tokens"]):
            time.sleep(self.slow)
            self.tokens += 1
            if piece:  # a special token has no letters
                yield piece


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    state: StandIn

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        """The list of models."""
        if self.admit():
            self.reply(200, {"object": "list", "data": [{"id": "tiny-merged", "object": "model"}]})

    def do_POST(self) -> None:
        """A chat completion, whole or as a stream."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.state.asked.append(body)
        if not self.admit():
            return
        assert self.path == "/v1/chat/completions" and body["temperature"] == 0
        fault = self.state.faults.pop(0) if self.state.faults else ""
        if fault.isdigit():
            self.reply(int(fault), {"error": {"message": "no"}})
        elif fault == "hang up":
            self.hang_up()
        elif fault == "silence":
            time.sleep(1)
            self.hang_up()
        elif fault == "garbage":
            self.reply(200, {"hello": 1})
        elif body.get("stream"):
            self.send_stream(body, fault)
        else:
            with self.state.count():
                choice = self.state.tell(body)
            self.reply(200, {"choices": [choice | ({"logprobs": None} if fault == "no logprobs" else {})]})

    def admit(self) -> bool:
        """Whether the key is right; else says so."""
        if self.state.key and self.headers["Authorization"] != f"Bearer {self.state.key}":
            self.reply(401, {"error": {"message": "Unauthorized"}})
            return False
        return True

    def send_stream(self, body: dict[str, Any], fault: str) -> None:
        """Server-sent events; a client that hangs up is noticed."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            self.send({"delta": {"role": "assistant", "content": ""}, "finish_reason": None})
            for number, piece in enumerate(self.state.write(body)):
                if fault == f"break off after {number}":
                    return
                self.send({"delta": {"content": piece}, "finish_reason": None})
            self.send({"delta": {"content": None}, "finish_reason": "stop"})
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            self.state.gone.set()

    def send(self, choice: dict[str, Any]) -> None:
        """One event."""
        self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
        self.wfile.flush()

    def hang_up(self) -> None:
        """The connection closes without a word."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def reply(self, code: int, told: dict[str, Any]) -> None:
        """A whole answer."""
        data = json.dumps(told).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Server(ThreadingHTTPServer):
    """Remembers its connections, so that stopping it closes them as the end of a process does."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, state: StandIn) -> None:
        self.open: list[socket.socket] = []
        super().__init__(("127.0.0.1", port), type("Bound", (Handler,), {"state": state}))

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for each connection."""
        self.open.append(request)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


@contextmanager
def serve(state: StandIn, port: int = 0) -> Iterator[str]:
    """The base URL of a server that is there until the end of the block."""
    server = Server(port, state)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        for each in server.open:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
            each.close()


def served_engine() -> Engine:
    """The tiny engine, in whose vocabulary the words of the sides are a token each, as in Llama's."""
    return tiny_engine(more=SIDE_ANSWERS)


def stand_in(key: str | None = None) -> StandIn:
    """A server of it."""
    return StandIn(served_engine(), key)
