"""The Hub stand-in is held to what huggingface_hub's own client expects of the Hub."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import TransportError
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.hub import LFS_BYTES, OWNER, READ_TOKEN, TOKEN, HubStandIn, point_to

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


# --- writing ---

NEW = f"{OWNER}/new"


def write(token: str | bool = TOKEN, **files: bytes | None) -> str:
    """One commit of the real client's that adds or (None) deletes files; its 40 hex digits."""
    operations = [
        CommitOperationDelete(path) if data is None else CommitOperationAdd(path, data) for path, data in files.items()
    ]
    return HfApi(token=token).create_commit(NEW, operations, commit_message="write").oid


@pytest.mark.parametrize("private", [True, False])
def test_a_repository_is_created_as_asked(hub: HubStandIn, private: bool) -> None:
    api = HfApi(token=TOKEN)
    assert str(api.create_repo(NEW, private=private)) == f"{hub.url}/{NEW}"
    assert hub.repos[NEW].private is private and bool(api.model_info(NEW).private) is private
    api.create_repo(NEW, private=not private, exist_ok=True)
    assert hub.repos[NEW].private is private
    with pytest.raises(HfHubHTTPError) as caught:
        api.create_repo(NEW)
    assert caught.value.response.status_code == 409


def test_small_and_large_files_come_back_at_their_commit(hub: HubStandIn, tmp_path: Path) -> None:
    HfApi(token=TOKEN).create_repo(NEW, private=True)
    first = write(small=b"1", large=LARGE)
    second = write(small=b"2", large=None)
    for commit, files in ((first, {"small": b"1", "large": LARGE}), (second, {"small": b"2"})):
        folder = snapshot_download(NEW, revision=commit, token=TOKEN, cache_dir=tmp_path / commit)
        assert read_all(Path(folder)).items() >= files.items() and Path(folder).name == commit
    assert "large" not in hub.repos[NEW].files and hub.commit(NEW) == second
    assert len([request for request in hub.requests if request.startswith("PUT /lfs/")]) == 1


def test_large_files_are_streamed_from_disk_too(hub: HubStandIn, tmp_path: Path) -> None:
    HfApi(token=TOKEN).create_repo(NEW)
    (tmp_path / "large").write_bytes(LARGE)
    HfApi(token=TOKEN).upload_file(path_or_fileobj=tmp_path / "large", path_in_repo="large", repo_id=NEW)
    assert hub.repos[NEW].files["large"] == LARGE


def test_what_has_arrived_is_neither_sent_nor_committed_again(hub: HubStandIn) -> None:
    HfApi(token=TOKEN).create_repo(NEW)
    first = write(large=LARGE)
    hub.requests.clear()
    assert write(large=LARGE) == first and not any(request.startswith("PUT") for request in hub.requests)
    write(again=LARGE)
    assert not any(request.startswith("PUT") for request in hub.requests)


def test_private_repositories_are_hidden(hub: HubStandIn, tmp_path: Path) -> None:
    HfApi(token=TOKEN).create_repo(NEW, private=True)
    write(small=b"1")
    with pytest.raises(RepositoryNotFoundError):
        snapshot_download(NEW, token=False)
    assert snapshot_download(NEW, token=READ_TOKEN)


@pytest.mark.parametrize(("token", "status"), [("hf_wrong", 401), (False, 401), (READ_TOKEN, 403)])
def test_who_may_not_write_is_told(hub: HubStandIn, token: str | bool, status: int) -> None:
    HfApi(token=TOKEN).create_repo(NEW)
    for attempt in (lambda: write(token, small=b"1"), lambda: HfApi(token=token).create_repo(f"{OWNER}/other")):
        with pytest.raises(HfHubHTTPError) as caught:
            attempt()
        assert caught.value.response.status_code == status
    assert f"{OWNER}/other" not in hub.repos and "small" not in hub.repos[NEW].files


def test_nobody_creates_in_anothers_name(hub: HubStandIn) -> None:
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi(token=TOKEN).create_repo("somebody/new")
    assert caught.value.response.status_code == 403


def test_a_gated_repository_is_written_by_its_owner_alone(hub: HubStandIn) -> None:
    with pytest.raises(GatedRepoError):
        HfApi(token=TOKEN).create_commit("some/gated", [CommitOperationAdd("a", b"1")], commit_message="write")


def test_a_card_that_is_no_yaml_is_refused(hub: HubStandIn) -> None:
    HfApi(token=TOKEN).create_repo(NEW)
    with pytest.raises(ValueError, match="Invalid metadata"):
        write(**{"README.md": b"---\na: [\n---\n"})


def test_a_space_is_another_repository_than_the_model_of_its_name(hub: HubStandIn) -> None:
    api = HfApi(token=TOKEN)
    api.create_repo(NEW, repo_type="space", space_sdk="gradio")
    assert hub.repos[f"spaces/{NEW}"].sdk == "gradio" and NEW not in hub.repos
    operation = CommitOperationAdd("picture.png", b"\x89PNG\0" * 9)  # small, but no text: not for plain git
    commit = api.create_commit(NEW, [operation], repo_type="space", commit_message="write").oid
    assert Path(hf_hub_download(NEW, "picture.png", repo_type="space", revision=commit)).read_bytes()[:4] == b"\x89PNG"
    assert api.space_info(NEW).sha == commit and any(request.startswith("PUT /lfs/") for request in hub.requests)


def test_a_connection_is_lost_where_asked(hub: HubStandIn) -> None:
    HfApi(token=TOKEN).create_repo(NEW)
    hub.losing = f"POST /api/models/{NEW}/commit"
    with pytest.raises(TransportError):
        write(small=b"1")
    assert "small" not in hub.repos[NEW].files
