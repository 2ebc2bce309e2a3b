"""What a reader said is kept as it says it: a second run asks only for the rest, and nothing of another is taken."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cxr.evaluation.answers import Exchange
from cxr.evaluation.readings import Reading
from cxr.findings import BY_KEY
from cxr.training.conversations import Truth
from cxr.training.kept import find_next, mark_readings, read_on
from cxr.training.rows import Row
from tests.fakes import EMBEDDED, fake_reader

ROWS = [Row(Path(f"{number}.png"), f"p{number}", "test", Truth((), frozenset(BY_KEY))) for number in range(6)]


def answer(row: Row) -> Reading:
    exchanges = (Exchange("Why?", "So.", "plain", "\u00e4\n"),)
    return Reading(str(row.image), row.patient, ("mass",), (1,), (0.1 + 0.2,), "r", "Findings:\nx", exchanges)


class Voice:
    """Says something of every row but the second, and dies where it is told to."""

    def __init__(self, dies_at: int = 99) -> None:
        self.dies_at = dies_at
        self.heard: list[str] = []

    def read(self, rows: Sequence[Row]) -> Iterator[Reading]:
        for row in rows:
            if len(self.heard) == self.dies_at:
                raise KeyboardInterrupt
            self.heard.append(row.patient)
            if row.patient != "p1":
                yield answer(row)


def test_a_second_run_asks_for_the_rest_alone_and_gets_the_same(tmp_path: Path) -> None:
    path, whole = tmp_path / "kept.jsonl", read_on(tmp_path / "whole.jsonl", "m", ROWS, Voice().read)
    with pytest.raises(KeyboardInterrupt):
        read_on(path, "m", ROWS, Voice(dies_at=4).read)
    with path.open("a") as file:
        file.write('{"name": "4.p')  # as a kill in the middle of a line leaves it
    voice = Voice()
    assert read_on(path, "m", ROWS, voice.read) == whole == [answer(row) for row in ROWS if row.patient != "p1"]
    assert voice.heard == ["p4", "p5"]
    assert path.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert read_on(path, "m", ROWS, Voice(dies_at=0).read) == whole  # nothing is left to be asked
    other = Voice()
    read_on(path, "another", ROWS, other.read)
    assert len(other.heard) == 6 and json.loads(path.read_text().splitlines()[0]) == {"mark": "another"}


def test_a_film_that_stands_twice_is_counted_twice() -> None:
    rows = [ROWS[0], ROWS[0], ROWS[1], ROWS[2]]
    assert find_next(rows, []) == 0 and find_next(rows, [answer(ROWS[0])] * 2) == 2
    assert find_next(rows, [answer(ROWS[0]), answer(ROWS[0]), answer(ROWS[2])]) == 4


def test_another_model_or_other_films_have_another_mark(tmp_path: Path) -> None:
    who = replace(EMBEDDED, adapter=str(tmp_path), adapter_revision=None)
    (tmp_path / "weights").write_text("1")
    mark = mark_readings(fake_reader(who), ROWS)
    (tmp_path / "calibration.json").write_text("{}")  # evaluation stores one, and asks without it
    assert mark == mark_readings(fake_reader(who), ROWS)
    assert mark != mark_readings(fake_reader(who), ROWS[1:]) and mark != mark_readings(fake_reader(), ROWS)
    assert mark != mark_readings(fake_reader(who, own_findings=["tuberculosis"]), ROWS)
    (tmp_path / "weights").write_text("22")
    assert mark != mark_readings(fake_reader(who), ROWS)
