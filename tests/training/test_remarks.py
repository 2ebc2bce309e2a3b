"""What is silent in one's own data is said: fields that nothing reads, films of nobody, pictures that come twice."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from cxr.results import CxrError
from cxr.training.remarks import PIECE, hash_pieces
from tests.training.test_records import BARE, read, save_picture, write_list


def note(folder: Path, *objects: dict[str, Any]) -> str:
    for name in ("a.png", "b.png"):
        save_picture(folder / name, 90 + ord(name[0]))
    write_list(folder, *objects)
    return read(folder)[1]


def test_a_field_that_is_written_wrong_is_named_once_with_those_that_are_known(tmp_path: Path) -> None:
    fields = {"patient": "1", "label": "Mass", "Reports": "Mass.", "age": 50}
    said = note(tmp_path, {"image": "a.png", **fields}, {"image": "b.png", **fields})
    misspelt, _, other = said.partition(" Fields that are not read: ")
    assert misspelt.startswith("Fields that are not read but look like one that is (image, label, absent, ")
    assert misspelt.endswith("): 1 (Reports).") and other == "1 (age)."


def test_data_that_are_refused_for_a_wrong_field_say_so(tmp_path: Path) -> None:
    with pytest.raises(CxrError, match=r"no film that can be used.*look like one that is \(.*\): 1 \(labels\)"):
        note(tmp_path, {"image": "a.png", "labels": "Mass"})


def test_films_of_nobody_are_counted(tmp_path: Path) -> None:
    said = note(tmp_path, {"image": "a.png", "label": "Mass"}, {"image": "b.png", "label": "Mass", "patient": 7})
    assert said == f"{BARE} 1 (dataset.json, film 1)."


def test_a_picture_that_comes_twice_is_counted_by_path_and_by_content(tmp_path: Path) -> None:
    save_picture(tmp_path / "a.png", 90 + ord("a"))
    shutil.copy(tmp_path / "a.png", tmp_path / "copy.png")
    films = [
        {"image": image, "label": "Mass", "patient": image, "split": split}
        for image, split in (("a.png", "train"), ("a.png", "train"), ("b.png", "train"), ("copy.png", "test"))
    ]
    twice, across = note(tmp_path, *films).split(". ")
    assert twice.startswith("Films whose picture is there already") and twice.endswith(": 1 (dataset.json, film 2)")
    assert across.startswith("Films whose picture is a copy of one in another split")
    assert across.endswith(": 1 (dataset.json, film 4).")


@pytest.mark.parametrize("place", [0, 10 * PIECE, 20 * PIECE - 1])
def test_pictures_that_differ_in_size_or_at_one_place_are_two(tmp_path: Path, place: int) -> None:
    content = bytearray(20 * PIECE)
    (tmp_path / "a").write_bytes(content)
    (tmp_path / "b").write_bytes(content + b"\0")
    content[place] = 1
    (tmp_path / "c").write_bytes(content)
    assert len({hash_pieces(tmp_path / name) for name in "abc"}) == 3
    assert hash_pieces(tmp_path / "gone") is None
