"""Of a dataset on the Hub nothing is opened that lies outside its repository: no address, no file of this machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from cxr.results import CxrError
from cxr.training import hub_films
from cxr.training.data import DataOptions, Notes
from cxr.training.hub_films import check_card, leads_out, lies_inside, read_hub
from tests.training.test_records import save_picture

NAME = "somebody/films"
OUTSIDE = [
    "http://localhost/1.png",
    "https://example.org/1.png",
    "/etc/hostname",
    "~/1.png",
    "../1.png",
    "films/../../1.png",
    "..\\1.png",
    "C:\\1.png",
    "file:///etc/hostname",
    "s3://bucket/1.png",
    "hf://datasets/other/films@main/1.png",
    "zip://1.png::https://example.org/1.zip",
]


@pytest.mark.parametrize(
    "path", [*OUTSIDE, "1.png", f"hf://datasets/{NAME}@main/../other/1.png", f"http://x::hf://datasets/{NAME}/1"]
)
def test_what_lies_outside_the_repository_is_told(path: str) -> None:
    assert not lies_inside(path, NAME)


@pytest.mark.parametrize(
    "path",
    [
        f"hf://datasets/{NAME}@{'0' * 40}/films/1.png",
        "hf://datasets/Somebody/Films/1.png",
        f"zip://a/1.png::hf://datasets/{NAME}@main/1.zip",
    ],
)
def test_what_lies_in_the_repository_is_opened(path: str) -> None:
    assert lies_inside(path, NAME)


@pytest.mark.parametrize("kind", ["image", "text"])
def test_no_address_of_a_column_is_opened_and_a_note_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    import datasets

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    save_picture(tmp_path / "a.png")
    opened: list[str] = []
    monkeypatch.setattr(hub_films, "fetch_bytes", lambda path: opened.append(path) or (tmp_path / "a.png").read_bytes())
    monkeypatch.setattr(hub_films, "read_card", lambda name, file: "")
    good = {"bytes": (tmp_path / "a.png").read_bytes(), "path": "https://example.org/name-alone.png"}
    pictures: list[Any] = [{"bytes": None, "path": path} for path in OUTSIDE] if kind == "image" else list(OUTSIDE)
    inside = {"bytes": None, "path": f"hf://datasets/{NAME}@main/1.png"}
    rows = [{"image": one, "label": "Mass", "patient": str(i)} for i, one in enumerate([*pictures, good, inside])]

    class Films(list[dict[str, Any]]):
        features = {"image": datasets.Image()} if kind == "image" else None

        def decode(self, on: bool) -> "Films":
            return self

    monkeypatch.setattr(datasets, "load_dataset", lambda name, streaming: {"train": Films(rows)})
    notes = Notes()
    assert len(list(read_hub(NAME, DataOptions(), notes))) == 2
    assert opened == [inside["path"]]
    assert f"outside the dataset's own repository, which is not opened: {len(OUTSIDE)} (" in " ".join(notes.sentences())


@pytest.mark.parametrize(
    "files",
    [
        "https://example.org/films.csv",
        ["films/*.csv", "/etc/passwd"],
        {"train": "../films.csv"},
        [{"split": "train", "path": "films.csv"}, {"split": "test", "path": ["zip://a.csv::http://x/a.zip"]}],
    ],
)
@pytest.mark.parametrize("file", ["README.md", ".huggingface.yaml"])
def test_a_card_that_names_files_elsewhere_is_refused(tmp_path: Path, files: Any, file: str) -> None:
    card = json.dumps({"configs": [{"config_name": "default", "data_files": files}]})  # JSON is YAML, too
    (tmp_path / file).write_text(f"---\n{card}\n---\n# Films\nhttps://example.org\n" if file == "README.md" else card)
    with pytest.raises(CxrError, match="files outside its own repository"):
        check_card(str(tmp_path))


@pytest.mark.parametrize(
    "text", ["", "# Films", "---\nlicense: mit\nconfigs:\n- config_name: a\n  data_files: data/*\n---\n"]
)
def test_a_card_of_its_own_files_is_no_hindrance(tmp_path: Path, text: str) -> None:
    (tmp_path / "README.md").write_text(text)
    check_card(str(tmp_path))
    assert not leads_out("data/train-*.parquet") and leads_out("~/x")
