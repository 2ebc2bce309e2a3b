"""What a command prints stands where the documentation shows it, and nowhere else."""

import re
from io import StringIO
from pathlib import Path

import pytest

from cxr.evaluation.printed import Printer, main, put_printed
from cxr.results import CxrError

DOC = "Before.\n\n<!-- printed: one -->\n\n<!-- end -->\n\n<!-- printed: two -->\n\nkept\n\n<!-- end -->\n\nAfter.\n"
ROOT = Path(__file__).parents[2]


def test_what_is_told_replaces_what_stood_there_and_nothing_else(tmp_path: Path) -> None:
    doc, out = tmp_path / "doc.md", tmp_path / "rows.md"
    doc.write_text(DOC, encoding="utf-8")
    for run in ("first", "second"):
        printer = Printer("one", out, doc)
        printer.tell(f"{run}\n")
        printer.tell(r"\1 row" "\n")
    told = doc.read_text(encoding="utf-8")
    assert told == DOC.replace("one -->\n\n<!-- end", "one -->\n\nsecond\n\\1 row\n\n<!-- end")
    assert out.read_text(encoding="utf-8") == "first\n\\1 row\nsecond\n\\1 row\n"


@pytest.mark.parametrize("doc", ["no place", DOC.replace("two", "one")])
def test_a_document_without_one_such_place_is_refused_and_stays(tmp_path: Path, doc: str) -> None:
    path = tmp_path / "doc.md"
    path.write_text(doc, encoding="utf-8")
    with pytest.raises(CxrError, match="places for what is printed"):
        put_printed(path, "one", "text")
    assert path.read_text(encoding="utf-8") == doc


def test_what_comes_in_is_put_there_with_its_headings_lower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doc = tmp_path / "doc.md"
    doc.write_text(DOC, encoding="utf-8")
    monkeypatch.setattr("sys.stdin", StringIO("## Heading\n\nfigures\n"))
    main([str(doc), "two"])
    assert doc.read_text(encoding="utf-8") == DOC.replace("kept", "### Heading\n\nfigures")
    monkeypatch.setattr("sys.stdin", StringIO("\n"))
    with pytest.raises(CxrError, match="Nothing came in"):
        main([str(doc), "two"])


@pytest.mark.parametrize(
    "name",
    [
        "speed on a GPU",
        "memory under a cap",
        "encoder",
        "many films on a GPU",
        "many films on a CPU",
        "visitors on a GPU",
        "visitors on a CPU",
        "speed on a CPU",
    ],
)
def test_every_command_of_speed_has_its_place(tmp_path: Path, name: str) -> None:
    doc = tmp_path / "performance.md"
    doc.write_text((ROOT / "docs" / "performance.md").read_text(encoding="utf-8"), encoding="utf-8")
    put_printed(doc, name, "told")
    assert doc.read_text(encoding="utf-8").count("\n\ntold\n\n") == 1


def test_places_in_the_documentation_are_told_apart() -> None:
    for path in (ROOT / "docs").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        names = re.findall(r"<!-- printed: (.*?) -->\n", text)
        assert len(names) == len(set(names)) == text.count("\n<!-- end -->\n"), path
