"""A stand-in for the Hugging Face Hub on this machine's loopback: the protocol of reading and writing repositories.

It speaks what huggingface_hub asks for (create, info, tree, resolve, preupload, LFS, commit) with the Hub's own headers
and error codes, so the library's real client, cache and exceptions are what is tested. Large files go through plain LFS
over HTTP: Xet's storage servers are no part of it, and `point_to` and `environment` switch Xet off in the client.
"""

import base64
import hashlib
import json
import os
import socket
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

LFS_BYTES = 1 << 16  # files from this size on are served as the Hub serves large ones, with X-Linked-* headers
OWNER = "researcher"  # whose token TOKEN is, and in whose name it may write
TOKEN = "hf_" + "standin"  # what a gated or private repository accepts, and what may write
READ_TOKEN = "hf_" + "readonly"  # of the same owner, who may not write with it
SPACES = "spaces"  # the prefix of a Space's addresses

Files = Mapping[str, bytes]


@dataclass
class Repository:
    """Commits of one repository, the newest last; `tags` are further names of the newest."""

    name: str
    folder: Path | None = None  # what the first commit holds
    gated: bool = False
    tags: tuple[str, ...] = ("main",)
    private: bool = False
    sdk: str | None = None  # of a Space

    @cached_property
    def commits(self) -> dict[str, Files]:
        """The files of every commit by its 40 hex digits; the folder counts as it was when first asked for."""
        files = _read_folder(self.folder) if self.folder else {".gitattributes": b"*.bin filter=lfs"}
        return {_hash_commit(self.name, files): files}

    @property
    def commit(self) -> str:
        """The newest commit: 40 hex digits that depend on every file and on what was before."""
        return list(self.commits)[-1]

    @property
    def files(self) -> Files:
        """The newest content of every file by its path."""
        return self.commits[self.commit]

    def add(self, files: Files) -> str:
        """Commit these files and no others."""
        commit = _hash_commit(self.commit, files)
        self.commits[commit] = dict(files)
        return commit

    def find(self, revision: str) -> str | None:
        """The commit that a revision names."""
        return revision if revision in self.commits else self.commit if revision in self.tags else None


@dataclass(frozen=True)
class Reply:
    """One answer; `error` is the Hub's own code for what went wrong, `message` its words."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] | None = None
    error: str | None = None
    message: str | None = None


class HubStandIn:
    """Serves folders as repositories while it is entered; `url` is its endpoint, `requests` counts what was asked.

    A Space is kept under "spaces/owner/name"; what was uploaded but not committed lies in `stored`, by its sha256.
    """

    def __init__(self, repos: Mapping[str, Path], gated: Sequence[str] = ()) -> None:
        self.repos = {name: Repository(name, Path(folder), name in gated) for name, folder in repos.items()}
        self.requests: Counter[str] = Counter()  # "GET /path"
        self.stored: dict[str, bytes] = {}
        self.failing = False  # answer 503 to everything, as the Hub does when it is down
        self.losing = ""  # requests that begin so ("PUT /lfs/") lose their connection half-way
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _build_handler(self))

    @property
    def url(self) -> str:
        """What HF_ENDPOINT is set to."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def commit(self, name: str) -> str:
        """The newest commit of a repository."""
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
        quiet = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"}
        return {**kept, **quiet, "HF_ENDPOINT": self.url, "HF_HOME": str(cache)}

    def answer(self, method: str, path: str, body: bytes, token: str | None) -> Reply:
        """What the Hub would say to a request."""
        if self.failing:
            return Reply(503)
        parts = [unquote(part) for part in urlsplit(path).path.strip("/").split("/")]
        if method in ("POST", "PUT"):
            return self._answer_write(parts, body, token)
        if parts[0] == "api" and parts[1] in ("models", SPACES):
            return self._answer_api(_find_prefix(parts[1]), parts[2:], token)
        return self._answer_file(parts, token)

    # --- reading ---

    def _find(self, name: str, token: str | None) -> Repository | None:
        """The repository, unless it is hidden from who asks."""
        repo = self.repos.get(name)
        return None if repo is None or (repo.private and token not in (TOKEN, READ_TOKEN)) else repo

    def _answer_api(self, prefix: str, parts: list[str], token: str | None) -> Reply:
        repo = self._find(prefix + "/".join(parts[:2]), token)
        if repo is None:
            return _REPO_NOT_FOUND
        kind, revision = (parts[2], parts[3]) if len(parts) > 3 else ("revision", "main")
        commit = repo.find(revision)
        if commit is None:
            return Reply(404, error="RevisionNotFound")
        if kind == "revision":  # the Hub describes a gated repository to anybody
            return _as_json(_describe(repo, commit))
        if kind == "tree":
            return _as_json(_list_tree(repo.commits[commit]))
        return Reply(404)

    def _answer_file(self, parts: list[str], token: str | None) -> Reply:
        prefix, parts = (f"{SPACES}/", parts[1:]) if parts[0] == SPACES else ("", parts)
        repo = self._find(prefix + "/".join(parts[:2]), token)
        if repo is None or len(parts) < 5 or parts[2] != "resolve":
            return _REPO_NOT_FOUND
        commit = repo.find(parts[3])
        if commit is None:
            return Reply(404, error="RevisionNotFound")
        if repo.gated and token not in (TOKEN, READ_TOKEN):
            return Reply(403 if token else 401, error="GatedRepo")
        data = repo.commits[commit].get("/".join(parts[4:]))
        headers = {"X-Repo-Commit": commit}
        if data is None:
            return Reply(404, headers=headers, error="EntryNotFound")
        headers["ETag"] = f'"{_blob_id(data)}"'
        if len(data) >= LFS_BYTES:
            headers |= {"X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Linked-Size": str(len(data))}
        return Reply(200, data, headers)

    # --- writing ---

    def _answer_write(self, parts: list[str], body: bytes, token: str | None) -> Reply:
        if parts[0] == "lfs":  # storage, whose addresses are signed and need no token
            return self._store(parts[1], body)
        if token not in (TOKEN, READ_TOKEN):
            return Reply(401, message="Invalid credentials in Authorization header")
        if parts == ["api", "validate-yaml"]:
            return _validate_card(json.loads(body)["content"])
        if parts == ["api", "repos", "create"]:
            return self._create(json.loads(body), token)
        if parts[-4:] == ["info", "lfs", "objects", "batch"]:
            refused = self._refuse_write("/".join(parts[:-4]).removesuffix(".git"), token)
            return refused or self._offer_storage(json.loads(body)["objects"])
        if parts[0] == "api" and len(parts) == 6 and parts[4] in ("preupload", "commit"):
            name = _find_prefix(parts[1]) + "/".join(parts[2:4])
            refused = self._refuse_write(name, token)
            write = self._sort_files if parts[4] == "preupload" else self._commit
            return refused or write(self.repos[name], body)
        return Reply(404)

    def _refuse_write(self, name: str, token: str | None) -> Reply | None:
        repo = self._find(name, token)
        if repo is None:
            return _REPO_NOT_FOUND
        if token == TOKEN and name.removeprefix(f"{SPACES}/").startswith(f"{OWNER}/"):
            return None
        return Reply(403, error="GatedRepo") if repo.gated else Reply(403, message="You are not allowed to write")

    def _create(self, asked: dict[str, Any], token: str | None) -> Reply:
        prefix = f"{SPACES}/" if asked.get("type") == "space" else ""
        name = f"{prefix}{asked['organization'] or OWNER}/{asked['name']}"
        if token != TOKEN or not name.removeprefix(prefix).startswith(f"{OWNER}/"):
            return Reply(403, message="You don't have the rights to create a repository under this namespace")
        status = 409 if name in self.repos else 200
        if status == 200:
            self.repos[name] = Repository(name, private=asked.get("visibility") == "private", sdk=asked.get("sdk"))
        return _as_json({"url": f"{self.url}/{name}"}, status)

    def _sort_files(self, repo: Repository, body: bytes) -> Reply:
        """Which files go through LFS, and which of them are there already."""
        rows = []
        for file in json.loads(body)["files"]:
            large = file["size"] >= LFS_BYTES or b"\0" in base64.b64decode(file["sample"])
            old = repo.files.get(file["path"])
            known = None if old is None else hashlib.sha256(old).hexdigest() if large else _blob_id(old)
            mode = "lfs" if large else "regular"
            rows.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": known})
        return _as_json({"files": rows})

    def _offer_storage(self, objects: list[dict[str, Any]]) -> Reply:
        rows = []
        for item in objects:
            row = {"oid": item["oid"], "size": item["size"]}
            if item["oid"] not in self.stored:
                row["actions"] = {"upload": {"href": f"{self.url}/lfs/{item['oid']}"}}
            rows.append(row)
        return _as_json({"transfer": "basic", "objects": rows})

    def _store(self, oid: str, body: bytes) -> Reply:
        if hashlib.sha256(body).hexdigest() != oid:
            return Reply(400)
        self.stored[oid] = body
        return Reply(200)

    def _commit(self, repo: Repository, body: bytes) -> Reply:
        files = dict(repo.files)
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
                if b"\0" in files[value["path"]]:  # what the Hub says to binaries that come as plain git files
                    return Reply(400, message="Your push was rejected because it contains binary files")
            elif entry["key"] == "lfsFile":
                if value["oid"] not in self.stored:
                    return Reply(400, message="LFS pointer pointed to a file that does not exist")
                files[value["path"]] = self.stored[value["oid"]]
            elif entry["key"] == "deletedFile":
                del files[value["path"]]
        commit = repo.add(files)
        return _as_json({"success": True, "commitOid": commit, "commitUrl": f"{self.url}/{repo.name}/commit/{commit}"})


# The Hub answers 401 for a repository that does not exist, so as not to tell which private ones do.
_REPO_NOT_FOUND = Reply(401, error="RepoNotFound")


def point_to(patch: pytest.MonkeyPatch, hub: HubStandIn, cache: Path) -> None:
    """Make huggingface_hub in this process, which reads its environment at import, see this Hub and this cache."""
    from huggingface_hub import constants

    patch.setattr(constants, "ENDPOINT", hub.url)
    patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}")
    patch.setattr(constants, "HF_HUB_CACHE", str(cache))
    patch.setattr(constants, "HF_HUB_OFFLINE", False)
    patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    patch.setattr(constants, "HF_TOKEN_PATH", str(cache / "token"))  # not the one of who runs the tests


def _build_handler(hub: HubStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply()

        def do_HEAD(self) -> None:
            self._reply()

        def do_POST(self) -> None:
            self._reply()

        def do_PUT(self) -> None:
            self._reply()

        def _reply(self) -> None:
            asked = f"{self.command} {unquote(urlsplit(self.path).path)}"
            hub.requests[asked] += 1
            length = int(self.headers.get("Content-Length", 0))
            if hub.losing and asked.startswith(hub.losing):
                self.rfile.read(length // 2)
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            body = self.rfile.read(length)
            bearer = self.headers.get("Authorization", "")
            reply = hub.answer(self.command, self.path, body, bearer.removeprefix("Bearer ") or None)
            self._send(reply, with_body=self.command != "HEAD")

        def _send(self, reply: Reply, with_body: bool) -> None:
            self.send_response(reply.status)
            for name, value in (reply.headers or {}).items():
                self.send_header(name, value)
            if reply.error:
                self.send_header("X-Error-Code", reply.error)
            if reply.message or reply.error:
                self.send_header("X-Error-Message", reply.message or str(reply.error))
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if with_body:
                self.wfile.write(reply.body)

        def log_message(self, format: str, *values: object) -> None:
            """Say nothing."""

    return Handler


def _find_prefix(kind: str) -> str:
    return f"{SPACES}/" if kind == SPACES else ""


def _read_folder(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def _hash_commit(before: str, files: Files) -> str:
    parts = [f"{path}:{hashlib.sha1(data).hexdigest()}" for path, data in files.items()]
    return hashlib.sha1("\n".join([before, *parts]).encode()).hexdigest()


def _validate_card(content: str) -> Reply:
    """The metadata of a README, of which the real Hub checks much more."""
    try:
        data = yaml.safe_load(content.split("---")[1]) if content.startswith("---") else {}
    except yaml.YAMLError as error:
        return _as_json({"errors": [{"message": str(error)}], "warnings": []}, 400)
    wrong = (
        [{"message": '"sdk" must be one of gradio, docker, static'}] if data.get("sdk", "gradio") != "gradio" else []
    )
    return _as_json({"errors": wrong, "warnings": []}, 400 if wrong else 200)


def _describe(repo: Repository, commit: str) -> dict[str, object]:
    name = repo.name.removeprefix(f"{SPACES}/")
    return {
        "_id": commit[:24],
        "id": name,
        "modelId": name,
        "sha": commit,
        "private": repo.private,
        "gated": "manual" if repo.gated else False,
        "tags": [],
        "downloads": 0,
        "likes": 0,
        "siblings": [{"rfilename": path} for path in repo.commits[commit]],
    }


def _list_tree(files: Files) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for path, data in files.items():
        row: dict[str, object] = {"type": "file", "path": path, "size": len(data), "oid": _blob_id(data)}
        if len(data) >= LFS_BYTES:
            row["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        rows.append(row)
    return rows


def _blob_id(data: bytes) -> str:
    """The file's id in git."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _as_json(value: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"})
