"""The Hub stand-in is held to what huggingface_hub's own client expects of the Hub."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.hub import LFS_BYTES, TOKEN, HubStandIn, point_to

LARGE = bytes(range(256)) * (LFS_BYTES // 128)
FILES = {
    "config.json": b'{"model_type": "mllama"}',
    "model.safetensors": LARGE,
    "run_me.py": b"raise SystemExit",
    "deep/er/notes.json": b"{}",
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStandIn]:
    folder = tmp_path / "model"
    for path, data in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    with HubStandIn({"some/model": folder, "some/gated": folder}, gated=["some/gated"]) as hub:
        point_to(monkeypatch, hub, tmp_path / "cache")
        yield hub


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_snapshot_holds_the_files_asked_for(hub: HubStandIn) -> None:
    folder = Path(snapshot_download("some/model", allow_patterns=["*.json", "*.safetensors"]))
    assert folder.name == hub.commit("some/model")
    assert read_all(folder) == {path: data for path, data in FILES.items() if not path.endswith(".py")}
    assert not any("run_me.py" in request for request in hub.requests)


def test_second_snapshot_is_served_from_the_cache(hub: HubStandIn) -> None:
    pinned = hub.commit("some/model")
    first = snapshot_download("some/model", revision=pinned)
    hub.requests.clear()
    assert snapshot_download("some/model", revision=pinned) == first
    assert not [request for request in hub.requests if request.startswith("GET") and "/resolve/" in request]


def test_cached_snapshot_outlives_the_hub(hub: HubStandIn) -> None:
    pinned = hub.commit("some/model")
    first = snapshot_download("some/model", revision=pinned)
    hub.failing = True
    assert snapshot_download("some/model", revision=pinned) == first


def test_hub_that_is_down_is_an_error(hub: HubStandIn) -> None:
    hub.failing = True
    with pytest.raises((LocalEntryNotFoundError, HfHubHTTPError)):
        snapshot_download("some/model")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "deep/er/notes.json"])
def test_one_file(hub: HubStandIn, name: str) -> None:
    path = hf_hub_download("some/model", name, revision=hub.commit("some/model"))
    assert Path(path).read_bytes() == FILES[name]


def test_commit_depends_on_the_content(hub: HubStandIn, tmp_path: Path) -> None:
    before = HfApi(endpoint=hub.url).model_info("some/model").sha
    assert before == hub.commit("some/model")
    (tmp_path / "model" / "config.json").write_bytes(b"{}")
    assert HubStandIn({"some/model": tmp_path / "model"}).commit("some/model") != before


def test_unknown_revision(hub: HubStandIn) -> None:
    with pytest.raises(RevisionNotFoundError):
        snapshot_download("some/model", revision="other")
    with pytest.raises(RevisionNotFoundError):
        snapshot_download("some/model", revision="0" * 40)


def test_missing_repository(hub: HubStandIn) -> None:
    with pytest.raises(RepositoryNotFoundError) as caught:
        snapshot_download("some/where-else")
    assert not isinstance(caught.value, GatedRepoError)


def test_missing_file(hub: HubStandIn) -> None:
    with pytest.raises(EntryNotFoundError):
        hf_hub_download("some/model", "absent.json")


@pytest.mark.parametrize("token", [False, "hf_wrong"])
def test_gated_repository_refuses(hub: HubStandIn, token: str | bool) -> None:
    with pytest.raises(GatedRepoError):
        snapshot_download("some/gated", token=token)


def test_gated_repository_opens_with_its_token(hub: HubStandIn) -> None:
    assert read_all(Path(snapshot_download("some/gated", token=TOKEN))) == FILES


def test_a_program_sees_the_hub_by_its_environment(hub: HubStandIn, tmp_path: Path) -> None:
    code = "import sys; from huggingface_hub import snapshot_download as load; sys.stdout.write(load('some/model'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=hub.environment(tmp_path / "home"),
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (Path(done.stdout) / "config.json").read_bytes() == FILES["config.json"]
    assert Path(done.stdout).is_relative_to(tmp_path / "home")
