"""Every visitor is read, together or one by one, and one who breaks is lost alone. No test here looks at a clock."""

from pathlib import Path

import pytest

from cxr.evaluation import visitors
from cxr.evaluation.visitors import main, meet
from tests.fakes import fake_reader
from tests.tiny import save_tiny


def read_rows(said: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in said.splitlines() if line[:3] in ("| 1", "| 2", "| 3", "| 4")]


def test_nobody_is_lost_on_a_base(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, _ = save_tiny(tmp_path)
    main(["--gpu", str(base), "--visitors", "1", "3", "--tokens", "2", "--at_once", "1", "3"])
    rows = read_rows(capsys.readouterr().out)
    assert [row[1:3] for row in rows] == [["1", "0"], ["1", "0"], ["3", "0"], ["3", "0"]]
    assert [row[0] for row in rows[:3]] == ["1", "1", "1"] and [row[3] for row in rows[:3]] == ["1", "1", "3"]
    assert all(0 <= float(row[4]) <= float(row[6]) <= float(row[8]) for row in rows)


def test_the_model_of_the_settings_is_asked_where_no_base_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = fake_reader()
    monkeypatch.setattr(visitors, "load_reader", lambda settings, anyway: reader)
    main(["--visitors", "2"])
    assert read_rows(capsys.readouterr().out)[0][:4] == ["1", "2", "0", "2"]


def test_a_visitor_who_breaks_is_lost_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, films = fake_reader(), list[object]()
    encode = reader.engine.encode_all

    def break_first(wanted: list[object]) -> object:
        films.append(wanted[0])
        if any(film is films[0] for film in wanted):
            raise RuntimeError("no room")
        return encode(wanted)  # type: ignore[arg-type]

    monkeypatch.setattr(reader.engine, "encode_all", break_first)
    assert read_rows(meet(reader, 4, 3, at_once=4))[0][1:3] == ["4", "1"]
