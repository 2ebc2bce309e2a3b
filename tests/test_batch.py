"""A folder becomes a table: what stands in it, that a killed run goes on to the same bytes, and what is never mixed."""

import csv
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from cxr.batch import run as module
from cxr.batch.rows import Task, list_columns, list_files, mark_files, read_row
from cxr.batch.run import describe_progress, describe_time, read_folder
from cxr.batch.workers import Load, ask, mark_model, receive, serve
from cxr.evaluation.strangers import draw_stranger
from cxr.films.film import to_image
from cxr.films.phantom.sets import write_set
from cxr.findings import BY_KEY
from cxr.results import CxrError
from tests.fakes import BARE_LLAMA, EMBEDDED, fake_reader
from tests.tiny import noise_film

ROOT = Path(__file__).resolve().parents[1]
LETTER = "sub/letter.txt"


@contextmanager
def hire_threads(count: int, load: Load, folder: Path, task: Task) -> Iterator[list[Connection]]:
    """Workers as threads of this process, which need no time to start."""
    pairs = [Pipe() for _ in range(count)]
    staff = [threading.Thread(target=serve, args=(theirs, load(), folder, task)) for _, theirs in pairs]
    for thread in staff:
        thread.start()
    try:
        yield [ours for ours, _ in pairs]
    finally:
        for ours, _ in pairs:
            ours.close()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "hire", hire_threads)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    (folder / "sub").mkdir(parents=True)
    for seed in range(6):
        to_image(noise_film(seed)).save(folder / ("sub" if seed % 2 else "") / f"{seed}.png")
    (folder / "0.png").rename(folder / "film without an ending")
    (folder / LETTER).write_text("Dear doctor")
    return folder


def fill(films: Path, table: Path, task: Task = "all", load: Load = fake_reader, size: int = 2) -> list[str]:
    return list(read_folder(films, table, task, workers=2, load=load, size=size))


def read(table: Path) -> dict[str, dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


# --- what stands in the table ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("threads")
def test_every_file_has_a_row_and_what_is_no_film_says_why(films: Path) -> None:
    said = fill(films, films / "results.csv")  # in the folder itself: neither the table nor its parts are films
    rows = read(films / "results.csv")
    assert list(rows) == ["2.png", "4.png", "film without an ending", "sub/1.png", "sub/3.png", "sub/5.png", LETTER]
    assert rows[LETTER]["refused"].startswith("This is a text") and not any(list(rows[LETTER].values())[1:-1])
    film, reader = rows["sub/3.png"], fake_reader()
    study = reader.study(reader.open(films / "sub" / "3.png"))
    *_, report = reader.caption(study)
    assert (film["report"], film["warnings"], film["refused"]) == (report.text, " ".join(report.warnings), "")
    for score in reader.classify(study).scores:
        assert film[score.finding] == f"{score.probability:.4f}" and score.verdict
        assert film[f"{score.finding}_decision"] == score.verdict.value
    assert "Answering: embedded Mllama" in said[0] and said[-1].endswith("each of 7 files; refused: 1.")
    assert fill(films, films / "results.csv")[-1] == said[-1]  # the same again is no other run


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(("task", "has", "has_not"), [("classify", "mass", "report"), ("caption", "report", "mass")])
def test_only_what_is_asked_stands_in_the_table(
    task: Task, has: str, has_not: str, films: Path, tmp_path: Path
) -> None:
    fill(films, tmp_path / "t.csv", task)
    row = read(tmp_path / "t.csv")["2.png"]
    assert row[has] and has_not not in row and row["refused"] == "" and "warnings" in row


def test_own_findings_have_columns_and_without_a_calibration_nothing_is_decided(films: Path) -> None:
    own = fake_reader(BARE_LLAMA, own_findings=["tuberculosis"])
    columns = list_columns("all", own.own_findings)
    row = dict(zip(columns, read_row(own, films, "2.png", "all"), strict=True))
    assert len(columns) == 1 + 2 * (len(BY_KEY) + 1) + 3 and 0 <= float(row["tuberculosis"]) <= 1
    assert {row[f"{key}_decision"] for key in (*BY_KEY, "tuberculosis")} == {""}


def test_what_the_gate_refuses_has_a_row_that_says_why(films: Path) -> None:
    reader = fake_reader(gated=True)
    to_image(draw_stranger("page", 10_000_000)).save(films / "page.png")
    columns = list_columns("all", ())
    row = dict(zip(columns, read_row(reader, films, "page.png", "all"), strict=True))
    assert "does not look like" in row["refused"] and not row["mass"]
    before, reader.anyway = mark_model(reader), True
    row = dict(zip(columns, read_row(reader, films, "page.png", "all"), strict=True))
    assert "does not look like" in row["warnings"] and row["mass"] and not row["refused"]
    assert mark_model(reader) != before  # one table never holds both


def test_the_14_questions_are_asked_once_a_film(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, asked = fake_reader(), []
    score = reader.engine.score
    monkeypatch.setattr(reader.engine, "score", lambda *told: (asked.append(1), score(*told))[1])
    read_row(reader, films, "2.png", "all")
    assert len(asked) == 1


def test_names_that_are_no_unicode_and_links_are_listed(films: Path, tmp_path: Path) -> None:
    (films / "link").symlink_to(films)  # entered, it would never end
    (films / "nowhere.png").symlink_to(films / "gone.png")
    Path(os.fsdecode(os.fsencode(films) + b"/f\xe9.png")).write_bytes((films / "2.png").read_bytes())
    names = list_files(films, {films / "sub"})
    assert names == sorted(["2.png", "4.png", "film without an ending", "link", "nowhere.png", "f\udce9.png"])
    assert len(mark_files(films, names)) == 32
    assert read_row(fake_reader(), films, "link", "all")[-1] == "This is a folder, not a film."
    assert module.write_rows([["f\udce9.png"]]) == b"f\\udce9.png\n"


# --- a run that was stopped -----------------------------------------------------------------------------------------

START = """
import sys
from functools import partial
from pathlib import Path
from cxr.batch.run import read_folder
from tests.fakes import fake_reader
if __name__ == "__main__":
    list(read_folder(Path(sys.argv[1]), Path(sys.argv[2]), workers=1, load=partial(fake_reader, slow=0.05), size=2))
"""


def kill_at_first_part(command: list[str], parts: Path) -> set[str]:
    """Start a run, kill it when its first part is whole, and see that its workers end; the parts that are there."""
    running = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    wait_until(lambda: running.poll() is not None or any(parts.glob("*.csv")))
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    wait_until(lambda: not group_lives(running.pid))
    return {path.name for path in parts.glob("*.csv")}


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(so: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_run_that_was_killed_goes_on_to_the_same_bytes(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    before = kill_at_first_part([sys.executable, "-c", START, str(films), str(cut)], tmp_path / "cut.csv.parts")
    assert before and not cut.exists()
    monkeypatch.setattr(module, "hire", hire_threads)
    kept = {name: (tmp_path / "cut.csv.parts" / name).stat().st_mtime_ns for name in before}
    fill(films, cut)
    fill(films, whole)
    assert cut.read_bytes() == whole.read_bytes()
    assert kept == {name: (tmp_path / "cut.csv.parts" / name).stat().st_mtime_ns for name in before}


@pytest.mark.slow
def test_the_command_killed_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    write_set(tmp_path / "drawn", count=8, size=128, first=9_000_700)
    for path in list((tmp_path / "drawn" / "films").iterdir()):
        for number in range(10):
            path.with_name(f"{number}-{path.name}").write_bytes(path.read_bytes())
    tables = [tmp_path / "whole.csv", tmp_path / "cut.csv"]
    commands = [[sys.executable, "-m", "cxr", "read", str(tmp_path / "drawn"), "--out", str(table)] for table in tables]
    assert kill_at_first_part(commands[1], tmp_path / "cut.csv.parts")
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0 and "each of 89 files; refused: 1." in done.stderr, done.stderr[-2000:]
    assert tables[0].read_bytes() == tables[1].read_bytes()


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("threads")
def test_another_run_in_the_same_parts_is_refused_and_says_what_differs(films: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    fill(films, table)
    table.unlink()
    with pytest.raises(CxrError, match=r"holds a run with another task; choose another --out"):
        fill(films, table, "classify")
    with pytest.raises(CxrError, match="another model;"):
        fill(films, table, load=partial(fake_reader, BARE_LLAMA))
    with pytest.raises(CxrError, match="another size of parts;"):
        fill(films, table, size=3)
    (films / "2.png").write_bytes((films / "4.png").read_bytes())
    with pytest.raises(CxrError, match="another set of films;"):
        fill(films, table)
    assert not table.exists()


@pytest.mark.usefixtures("threads")
def test_nothing_is_written_over_and_nobody_writes_beside(films: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("somebody's")
    with pytest.raises(CxrError, match="is there already and its parts are not"):
        fill(films, table)
    (tmp_path / "u.csv.parts").mkdir()
    with (tmp_path / "u.csv.parts" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(CxrError, match="being written by another process"):
            fill(films, tmp_path / "u.csv")
    with pytest.raises(CxrError, match="cannot be used"):
        fill(films, table / "below-a-file.csv")
    with pytest.raises(CxrError, match="nowhere cannot be opened"):
        fill(tmp_path / "nowhere", tmp_path / "v.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CxrError, match="There is no file in"):
        fill(tmp_path / "empty", tmp_path / "v.csv")
    assert table.read_text() == "somebody's"


@pytest.mark.usefixtures("threads")
def test_another_model_than_was_asked_for_fills_no_table(films: Path, tmp_path: Path) -> None:
    fallen = EMBEDDED.__class__(**{**vars(EMBEDDED), "problem": "somebody/adapter was not found."})
    with pytest.raises(CxrError, match=r"not found\. The embedded model would answer instead"):
        fill(films, tmp_path / "t.csv", load=partial(fake_reader, fallen))
    assert not (tmp_path / "t.csv.parts" / "run.json").exists()


def test_a_folder_that_answers_is_known_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("1")
    who = EMBEDDED.__class__(**{**vars(EMBEDDED), "adapter": str(tmp_path), "adapter_revision": None})
    before = mark_model(fake_reader(who))
    assert before == mark_model(fake_reader(who)) and json.dumps(before.mark)
    (tmp_path / "weights").write_text("22")
    assert mark_model(fake_reader(who)) != before


def test_a_worker_that_died_is_a_sentence(films: Path) -> None:
    ours, theirs = Pipe()
    theirs.close()
    for use in (lambda: receive(ours), lambda: ask(ours, ["2.png"])):
        with pytest.raises(CxrError, match="A worker has ended"):
            use()


def test_what_is_left_is_told_in_the_words_of_who_waits() -> None:
    assert describe_progress(250, 1000, 2.5) == "250 of 1,000 files, 2.5 a second, about 5 min left"
    assert [describe_time(seconds) for seconds in (12.4, 7380.0)] == ["12 s", "2 h 3 min"]
