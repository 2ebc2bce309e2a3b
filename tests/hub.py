"""A stand-in for the Hugging Face Hub on this machine's loopback: the protocol of reading model repositories.

It speaks what huggingface_hub asks for (model info, tree, resolve) with the Hub's own headers and error codes, so the
library's real client, cache and exceptions are what is tested. One commit a repository; writing is not served.
"""

import hashlib
import json
import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote, urlsplit

import pytest

LFS_BYTES = 1 << 16  # files from this size on are served as the Hub serves large ones, with X-Linked-* headers
TOKEN = "hf_" + "standin"  # what a gated repository accepts


@dataclass(frozen=True)
class Repository:
    """A folder as one commit of one repository; `tags` are further names of that commit."""

    name: str
    folder: Path
    gated: bool = False
    tags: tuple[str, ...] = ("main",)

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The content of every file by its path, as it was when first asked for."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    @cached_property
    def commit(self) -> str:
        """40 hex digits that depend on every file."""
        parts = [f"{path}:{hashlib.sha1(data).hexdigest()}" for path, data in self.files.items()]
        return hashlib.sha1("\n".join([self.name, *parts]).encode()).hexdigest()


@dataclass(frozen=True)
class Reply:
    """One answer; `error` is the Hub's own code for what went wrong."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] | None = None
    error: str | None = None


class HubStandIn:
    """Serves folders as repositories while it is entered; `url` is its endpoint, `requests` counts what was asked."""

    def __init__(self, repos: Mapping[str, Path], gated: Sequence[str] = ()) -> None:
        self.repos = {name: Repository(name, Path(folder), name in gated) for name, folder in repos.items()}
        self.requests: Counter[str] = Counter()  # "GET /path"
        self.failing = False  # answer 503 to everything, as the Hub does when it is down
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _build_handler(self))

    @property
    def url(self) -> str:
        """What HF_ENDPOINT is set to."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def commit(self, name: str) -> str:
        """The commit of a repository."""
        return self.repos[name].commit

    def __enter__(self) -> "HubStandIn":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def environment(self, cache: Path) -> dict[str, str]:
        """The environment of a program that is to see this Hub and keep its cache in a folder of its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING", "CXR_"))}
        return {**kept, "HF_ENDPOINT": self.url, "HF_HOME": str(cache), "HF_HUB_DISABLE_TELEMETRY": "1"}

    def answer(self, path: str, token: str | None) -> Reply:
        """What the Hub would say to a request for a path."""
        if self.failing:
            return Reply(503)
        parts = [unquote(part) for part in urlsplit(path).path.strip("/").split("/")]
        if parts[:2] == ["api", "models"]:
            return self._answer_api(parts[2:], token)
        return self._answer_file(parts, token)

    def _answer_api(self, parts: list[str], token: str | None) -> Reply:
        repo = self.repos.get("/".join(parts[:2]))
        if repo is None:
            return _REPO_NOT_FOUND
        kind, revision = (parts[2], parts[3]) if len(parts) > 3 else ("revision", "main")
        if not _has_revision(repo, revision):
            return Reply(404, error="RevisionNotFound")
        if kind == "revision":  # the Hub describes a gated repository to anybody
            return _as_json(_describe(repo))
        if kind == "tree":
            return _as_json(_list_tree(repo))
        return Reply(404)

    def _answer_file(self, parts: list[str], token: str | None) -> Reply:
        repo = self.repos.get("/".join(parts[:2]))
        if repo is None or len(parts) < 5 or parts[2] != "resolve":
            return _REPO_NOT_FOUND
        if not _has_revision(repo, parts[3]):
            return Reply(404, error="RevisionNotFound")
        if repo.gated and token != TOKEN:
            return Reply(403 if token else 401, error="GatedRepo")
        data = repo.files.get("/".join(parts[4:]))
        headers = {"X-Repo-Commit": repo.commit}
        if data is None:
            return Reply(404, headers=headers, error="EntryNotFound")
        headers["ETag"] = f'"{_blob_id(data)}"'
        if len(data) >= LFS_BYTES:
            headers |= {"X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Linked-Size": str(len(data))}
        return Reply(200, data, headers)


# The Hub answers 401 for a repository that does not exist, so as not to tell which private ones do.
_REPO_NOT_FOUND = Reply(401, error="RepoNotFound")


def point_to(patch: pytest.MonkeyPatch, hub: HubStandIn, cache: Path) -> None:
    """Make huggingface_hub in this process, which reads its environment at import, see this Hub and this cache."""
    from huggingface_hub import constants

    patch.setattr(constants, "ENDPOINT", hub.url)
    patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}")
    patch.setattr(constants, "HF_HUB_CACHE", str(cache))
    patch.setattr(constants, "HF_HUB_OFFLINE", False)


def _build_handler(hub: HubStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(with_body=True)

        def do_HEAD(self) -> None:
            self._send(with_body=False)

        def _send(self, with_body: bool) -> None:
            hub.requests[f"{self.command} {unquote(urlsplit(self.path).path)}"] += 1
            bearer = self.headers.get("Authorization", "")
            reply = hub.answer(self.path, bearer.removeprefix("Bearer ") or None)
            self.send_response(reply.status)
            for name, value in (reply.headers or {}).items():
                self.send_header(name, value)
            if reply.error:
                self.send_header("X-Error-Code", reply.error)
                self.send_header("X-Error-Message", reply.error)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if with_body:
                self.wfile.write(reply.body)

        def log_message(self, format: str, *values: object) -> None:
            """Say nothing."""

    return Handler


def _has_revision(repo: Repository, revision: str) -> bool:
    return revision == repo.commit or revision in repo.tags


def _describe(repo: Repository) -> dict[str, object]:
    return {
        "_id": repo.commit[:24],
        "id": repo.name,
        "modelId": repo.name,
        "sha": repo.commit,
        "private": False,
        "gated": "manual" if repo.gated else False,
        "tags": [],
        "downloads": 0,
        "likes": 0,
        "siblings": [{"rfilename": path} for path in repo.files],
    }


def _list_tree(repo: Repository) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for path, data in repo.files.items():
        row: dict[str, object] = {"type": "file", "path": path, "size": len(data), "oid": _blob_id(data)}
        if len(data) >= LFS_BYTES:
            row["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        rows.append(row)
    return rows


def _blob_id(data: bytes) -> str:
    """The file's id in git."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _as_json(value: object) -> Reply:
    return Reply(200, json.dumps(value).encode(), {"Content-Type": "application/json"})
