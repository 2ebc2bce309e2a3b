"""The repository becomes a Space: tracked files alone, binaries too, never a film, private unless asked."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxr.results import CxrError
from cxr.training import space
from cxr.training.space import ROOT, check_films, check_front_matter, list_files, main, upload_space
from tests.hub import OWNER, READ_TOKEN, TOKEN, HubStandIn, point_to

NAME = f"{OWNER}/chest-films"
README = "---\nsdk: gradio\nsdk_version: 6.31.0\napp_file: app.py\n---\n# Films\n"
FILES = {
    "README.md": README.encode(),
    "app.py": b"demo = None\n",
    "cxr/data.py": b"",
    "examples/drawn.png": b"\x89PNG\0drawn",
    "weights/model.safetensors": bytes(100_000),
    ".gitignore": b"outputs/\n__pycache__/\n*.egg-info/\n",
}
PRIVATE = {
    "data/dataset.json": b"[]",
    "data/train/film.png": b"film",
    "outputs/run1/run.json": b"{}",
    "cxr/__pycache__/data.pyc": b"",
    "films.egg-info/x": b"",
    ".env": b"HF_TOKEN=x",
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStandIn]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with HubStandIn({}) as hub:
        point_to(monkeypatch, hub, tmp_path / "cache")
        yield hub


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A git tree in which the files are tracked, and nothing private is."""
    write_files(tmp_path / "root", FILES | PRIVATE)
    run_git(tmp_path / "root", "init", "-q")
    run_git(tmp_path / "root", "add", *FILES)
    return tmp_path / "root"


def write_files(root: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def run_git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, timeout=20)


def test_every_tracked_file_is_uploaded(hub: HubStandIn, root: Path) -> None:
    commit = upload_space(root, NAME, TOKEN)
    repo = hub.repos[f"spaces/{NAME}"]
    assert repo.commit == commit and repo.private and repo.sdk == "gradio"
    assert {path: data for path, data in repo.files.items() if path != ".gitattributes"} == FILES


def test_what_is_private_or_deleted_is_not(root: Path) -> None:
    write_files(root, {"notes of patients.txt": b"x"})
    run_git(root, "add", "-f", "data/dataset.json")  # by mistake
    assert list_files(root) == sorted(FILES)
    (root / "examples" / "drawn.png").unlink()  # deleted, not committed yet
    assert list_files(root) == sorted(FILES.keys() - {"examples/drawn.png"})


@pytest.mark.parametrize("state", ["a download", "nothing tracked", "no git"])
def test_a_copy_without_tracked_files_is_refused(
    hub: HubStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    copy = tmp_path / "copy"
    write_files(copy, FILES | {"ward3/list of patients.txt": b"x"})
    if state == "nothing tracked":
        run_git(copy, "init", "-q")
    if state == "no git":
        monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CxrError, match="Only files that git tracks are uploaded"):
        upload_space(copy, NAME, TOKEN)
    assert not hub.requests


def test_a_file_that_is_gone_here_goes_there(hub: HubStandIn, root: Path) -> None:
    upload_space(root, NAME, TOKEN)
    (root / "cxr" / "data.py").unlink()
    upload_space(root, NAME, TOKEN)
    files = hub.repos[f"spaces/{NAME}"].files
    assert "cxr/data.py" not in files and ".gitattributes" in files and "app.py" in files


def test_public_only_if_asked(hub: HubStandIn, root: Path) -> None:
    upload_space(root, NAME, TOKEN, public=True)
    assert not hub.repos[f"spaces/{NAME}"].private
    with pytest.raises(CxrError, match="is there already and public"):
        upload_space(root, NAME, TOKEN)


@pytest.mark.parametrize("film", ["film.dcm", "cxr/ward/film.PNG", "tests/a.jpeg"])
def test_a_film_among_the_files_stops_everything(hub: HubStandIn, root: Path, film: str) -> None:
    write_files(root, {film: b"film"})
    run_git(root, "add", film)
    with pytest.raises(CxrError, match="may be a film of a patient"):
        upload_space(root, NAME, TOKEN)
    assert not hub.requests


@pytest.mark.parametrize(
    ("readme", "sentence"),
    [
        ("# Films\n", "sdk: gradio"),
        (README.replace("gradio", "docker"), "sdk: gradio"),
        (README.replace("sdk_version: 6.31.0\n", ""), "sdk_version"),
        (README.replace("app.py", "main.py"), "names main.py as the app"),
        ("---\nsdk: [\n---\n", "cannot be read|can be read"),
    ],
)
def test_a_readme_that_is_no_gradio_space(hub: HubStandIn, root: Path, readme: str, sentence: str) -> None:
    (root / "README.md").write_text(readme, encoding="utf-8")
    with pytest.raises(CxrError, match=sentence):
        upload_space(root, NAME, TOKEN)
    assert not hub.requests


@pytest.mark.parametrize(
    ("token", "sentence"),
    [(None, "does not accept the token"), ("hf_wrong", "does not accept the token"), (READ_TOKEN, "may not write")],
)
def test_tokens_that_may_not(hub: HubStandIn, root: Path, token: str | None, sentence: str) -> None:
    with pytest.raises(CxrError, match=sentence):
        upload_space(root, NAME, token)
    assert not hub.repos


def test_the_command_says_where_the_space_is(
    hub: HubStandIn, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(space, "ROOT", root)
    with pytest.raises(SystemExit) as caught:
        main([NAME])
    assert "HF_TOKEN" in str(caught.value)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    main([NAME, "--public"])
    assert capsys.readouterr().out.strip().endswith(f"spaces/{NAME} is at {hub.commit(f'spaces/{NAME}')}")


def test_this_repository_is_a_space() -> None:
    files = list_files(ROOT)
    check_front_matter(ROOT, files)
    check_films(files)
    assert {"app.py", "requirements.txt", "cxr/reader.py", "cxr/model/embedded/config.json"} <= set(files)
