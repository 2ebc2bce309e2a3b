"""A table means the same however it is saved again; one whose columns cannot be told is refused."""

import gzip
from pathlib import Path

import pytest

from cxr.results import CxrError
from cxr.training.tables import read_table

NEEDED = ("Image Index", "Patient ID")
ROWS = [{"Image Index": "a.png", "Patient ID": "7"}, {"Image Index": "b.png", "Patient ID": "8"}]


def read(path: Path, text: str, encoding: str = "utf-8") -> list[dict[str, str] | None]:
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return [row for _, row in read_table(path, NEEDED, ("View Position",))]


@pytest.mark.parametrize(
    "text",
    [
        "Image Index,Patient ID\na.png,7\nb.png,8\n",
        "Image Index;Patient ID\r\na.png;7\r\nb.png;8\r\n",
        "Image Index\tPatient ID\na.png\t7\nb.png\t8",
        '"Image Index","Patient ID"\n"a.png","7"\n\n"b.png","8"\n',
        "image_index,PATIENT ID\na.png, 7 \nb.png,8\n",
        "PatientID,ImageIndex\n7,a.png\n8,b.png\n",
        "Image Index,Patient ID,,,\na.png,7\nb.png,8,,,\n",
        "Image Index,Patient ID\na.png,7,\nb.png,8,,\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_a_table_is_read_by_its_header_however_it_is_saved(tmp_path: Path, text: str, encoding: str, name: str) -> None:
    assert read(tmp_path / name, text, encoding) == ROWS


def test_an_index_and_other_columns_stand_aside(tmp_path: Path) -> None:
    text = ",Age,Image Index,Patient ID,view position\n0,58,a.png,7,PA\n1,58,b.png,8,AP\n"
    told = [{"Age": "58", **row, "View Position": view} for row, view in zip(ROWS, ("PA", "AP"), strict=True)]
    assert read(tmp_path / "t.csv", text) == told


@pytest.mark.parametrize("quote", ["", '"'])
def test_the_commas_in_a_brackets_of_the_header_part_columns(tmp_path: Path, quote: str) -> None:
    text = f"Image Index,{quote}Size[Width,Height]{quote},Patient ID\na.png,10,20,7\nb.png,10,20,8\n"
    rows = read(tmp_path / "t.csv", text)
    assert [(row or {})["Patient ID"] for row in rows] == ["7", "8"]
    assert (rows[0] or {})["Size[Width"] == "10"


def test_a_line_with_other_columns_is_told_apart(tmp_path: Path) -> None:
    assert read(tmp_path / "t.csv", "Image Index,Patient ID\na.png\nb.png,8\nc.png,8,9\n") == [None, ROWS[1], None]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.png,7\nb.png,8\n", "has no column Image Index"),
        ("Image Index,Age\na.png,58\n", "has no column Patient ID"),
        ("Image Index,Patient ID,Patient ID\na.png,7,8\n", "has several columns Patient ID"),
        ("Image Index,Patient ID\n1,a.png,7\n2,b.png,8\n", "has 2 names of columns but 3 cells"),
        ("", "has no column Image Index"),
    ],
)
def test_a_table_whose_columns_cannot_be_told_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(CxrError, match=words):
        read(tmp_path / "t.csv", text)


def test_a_damaged_packed_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"Image Index,Patient ID\n" * 9999)[:60])
    with pytest.raises(CxrError, match="damaged or was not copied whole"):
        list(read_table(tmp_path / "t.csv.gz", NEEDED))
