"""Pictures are found by names that Windows and a Mac wrote, never outside their folder; a header names the view."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from cxr.results import CxrError
from cxr.training.data import DataOptions, Notes, read_rows
from cxr.training.dataset import FilmDataset
from cxr.training.film_files import Finder, read_header_view
from cxr.training.rows import Row, open_case
from cxr.training.truth import Truth
from tests.films.dicoms import make_dicom, write
from tests.training.test_records import save_picture, write_list

GREYS = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))
NFC, NFD = (unicodedata.normalize(form, "Röntgen/é1.png") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("named", "real"),
    [
        ("films\\1.png", "films/1.png"),
        (".\\films\\sub/1.png", "films/sub/1.png"),
        ("films\\sub\\1.png", "films/sub/1.png"),
        (NFC, NFD),
        (NFD, NFC),
        (NFC.replace("/", "\\"), NFD),
        ("films/1.PNG", "films/1.png"),
        ("Films/1.png", "films/1.PNG"),
        ("films\\\\1.png", "films/1.png"),
    ],
)
def test_a_picture_is_found_by_another_systems_name(tmp_path: Path, named: str, real: str) -> None:
    save_picture(tmp_path / real)
    assert Finder().find(tmp_path, named) == tmp_path / real
    write_list(tmp_path, {"image": named, "label": "Mass", "patient": "1"})
    (row,) = read_rows(str(tmp_path), DataOptions(), Notes())
    assert row.image == tmp_path / real


def test_the_very_name_comes_first_and_of_two_alike_none_is_guessed(tmp_path: Path) -> None:
    for name in ("a.png", "A.png", "c\\d.png", "c/d.png"):
        save_picture(tmp_path / name)
    finder = Finder()
    assert finder.find(tmp_path, "A.png").name == "A.png" and finder.find(tmp_path, "c\\d.png").name == "c\\d.png"
    assert not finder.find(tmp_path, "a.PNG").exists()


@pytest.mark.parametrize(
    "named", ["..\\b.png", "films\\..\\..\\b.png", "C:\\films\\b.png", "c:/b.png", "\\\\host\\b.png", "\\b.png"]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, named: str) -> None:
    save_picture(tmp_path / "b.png")
    (tmp_path / "inner").mkdir()
    with pytest.raises(CxrError, match="leads out of the folder"):
        Finder().find(tmp_path / "inner", named)


def test_a_film_of_nobody_has_one_name_however_its_path_is_encoded(tmp_path: Path) -> None:
    patients = []
    for named, real in ((NFC, NFD), (NFD, NFC), (NFC.replace("/", "\\"), NFC)):
        folder = tmp_path / str(len(patients))
        save_picture(folder / real)
        write_list(folder, {"image": named, "label": "Mass"})
        patients += [row.patient for row in read_rows(str(folder), DataOptions(), Notes())]
    assert len(patients) == 3 and len(set(patients)) == 1


# --- the view in a header -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["LL", "RL", "LATERAL"])
def test_a_lateral_by_its_own_header_is_left_out_and_noted(tmp_path: Path, word: str) -> None:
    write(tmp_path / "lateral.dcm", make_dicom(GREYS, ViewPosition=word))
    write(tmp_path / "frontal", make_dicom(GREYS, ViewPosition="PA"))
    write_list(
        tmp_path,
        {"image": "lateral.dcm", "label": "Effusion", "patient": "1", "view": "PA"},
        {"image": "frontal", "label": "Effusion", "patient": "2"},
    )
    notes = Notes()
    assert [row.image.name for row in read_rows(str(tmp_path), DataOptions(), notes)] == ["frontal"]
    assert notes.sentences() == ("Films whose own header says that they are lateral and not frontal: 1 (lateral.dcm).",)
    assert read_header_view(tmp_path / "frontal") == "PA"


def test_a_lateral_that_is_in_an_index_already_is_neither_taught_nor_measured(tmp_path: Path) -> None:
    for name, word in (("lateral.dcm", "LL"), ("pa.dcm", "PA")):
        write(tmp_path / name, make_dicom(GREYS, ViewPosition=word))
    rows = [Row(tmp_path / name, name, "train", Truth((), frozenset({"mass"}))) for name in ("lateral.dcm", "pa.dcm")]
    data = FilmDataset(rows, np.arange(2), lambda row, rng: [("where?", row.image.name)], 64, 0)
    assert [data[place].pairs[0][1] for place in range(2)] == ["pa.dcm", "pa.dcm"]
    with pytest.raises(CxrError, match="lateral"):
        open_case(rows[0])


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n", b"\0" * 128 + b"DICM" + b"\xff" * 400, b"\x08\0\x05\0CS" + b"\xff" * 300]
)
def test_a_file_without_a_header_names_no_view(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert read_header_view(tmp_path / "x") is None and read_header_view(tmp_path / "gone") is None
