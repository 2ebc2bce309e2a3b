"""A folder becomes a table: what stands in it, that a killed run goes on to the same bytes, and what is never mixed."""

import codecs
import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest

from cxr.batch.ahead import Folder, open_ahead
from cxr.batch.parts import claim, find_part
from cxr.batch.reading import Load, choose_openers, mark_model
from cxr.batch.rows import Task, list_columns, list_files, mark_files, read_rows, write_rows
from cxr.batch.run import describe_progress, describe_time, read_folder
from cxr.batch.workers import choose_workers, receive
from cxr.evaluation.strangers import draw_stranger
from cxr.films.film import to_image
from cxr.films.phantom.sets import write_set
from cxr.findings import BY_KEY
from cxr.reader import Reader
from cxr.results import CxrError
from tests.fakes import BARE_LLAMA, EMBEDDED, fake_reader
from tests.tiny import noise_film

ROOT = Path(__file__).resolve().parents[1]
LETTER = "sub/letter.txt"


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
    return list(read_folder(films, table, task, workers=1, load=load, size=size))


def row_of(reader: Reader, folder: Path, name: str, task: Task = "all") -> dict[str, str]:
    """One file's fields by their columns."""
    (fields,) = read_rows(reader, [Folder(folder)[name]], task)
    return dict(zip(list_columns(task, reader.own_findings), fields, strict=True))


def read(table: Path) -> dict[str, dict[str, str]]:
    with table.open(encoding="utf-8-sig", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


# --- what stands in the table ---------------------------------------------------------------------------------------


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
    row = row_of(own, films, "2.png")
    assert len(columns) == 1 + 2 * (len(BY_KEY) + 1) + 3 and 0 <= float(row["tuberculosis"]) <= 1
    assert {row[f"{key}_decision"] for key in (*BY_KEY, "tuberculosis")} == {""}


def test_what_the_gate_refuses_has_a_row_that_says_why(films: Path) -> None:
    reader = fake_reader(gated=True)
    to_image(draw_stranger("page", 10_000_000)).save(films / "page.png")
    row = row_of(reader, films, "page.png")
    assert "does not look like" in row["refused"] and not row["mass"]
    before, reader.anyway = mark_model(reader), True
    row = row_of(reader, films, "page.png")
    assert "does not look like" in row["warnings"] and row["mass"] and not row["refused"]
    assert mark_model(reader) != before  # one table never holds both


def test_the_14_questions_are_asked_once_a_film(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, asked = fake_reader(), []
    score = reader.engine.score_all
    monkeypatch.setattr(reader.engine, "score_all", lambda *told: (asked.append(len(told[0])), score(*told))[1])
    read_rows(reader, [Folder(films)[name] for name in ("2.png", "4.png")], "all")
    assert asked == [2]


def test_names_that_are_no_unicode_and_links_are_listed(films: Path, tmp_path: Path) -> None:
    (films / "link").symlink_to(films)  # entered, it would never end
    (films / "nowhere.png").symlink_to(films / "gone.png")
    Path(os.fsdecode(os.fsencode(films) + b"/f\xe9.png")).write_bytes((films / "2.png").read_bytes())
    names = list_files(films, {films / "sub"})
    assert names == sorted(["2.png", "4.png", "film without an ending", "link", "nowhere.png", "f\udce9.png"])
    assert len(mark_files(films, names)) == 32
    assert Folder(films)["link"].refused == "This is a folder, not a film."
    assert write_rows([["f\udce9.png"]]) == b"f\\udce9.png\n"


FORMULAS = [
    '=HYPERLINK("http://x")|.png',
    "+1.png",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1+1",
    "'=1",
    "''@x",
]


@pytest.mark.parametrize("cell", FORMULAS)
def test_what_a_spreadsheet_would_run_is_a_text(cell: str) -> None:
    written = write_rows([[cell, "0.1"]])
    assert list(csv.reader(io.StringIO(written.decode(), newline=""))) == [[f"'{cell}", "0.1"]]


@pytest.mark.parametrize(
    "cell", ["", "0.0312", "-1", "-0.25", "+3e-05", "Müller.png", "肺.png", "a=b", "'quoted'", "it's"]
)
def test_numbers_and_other_texts_stay_as_they_are(cell: str) -> None:
    assert write_rows([["a", cell]]) == f"a,{cell}\n".encode()


@pytest.mark.parametrize("cell", ["a,b", 'a "b"', "a\nb", "a\r\nb", "x;=1+1.png", "x\t=1+1.png"])
@pytest.mark.parametrize("apart", [",", ";", "\t"])
def test_no_cell_is_cut_in_two(cell: str, apart: str) -> None:
    written = write_rows([[cell, "0.1"]]).decode().replace('",0.1', f'"{apart}0.1')
    assert list(csv.reader(io.StringIO(written, newline=""), delimiter=apart)) == [[cell, "0.1"]]


def test_a_table_says_that_it_is_utf_8_once_and_is_found_whole_again(films: Path, tmp_path: Path) -> None:
    (films / "2.png").rename(films / "=2 Müller.png")
    table = tmp_path / "t.csv"
    said = fill(films, table)
    assert table.read_bytes().startswith(codecs.BOM_UTF8) and table.read_bytes().count(codecs.BOM_UTF8) == 1
    assert read(table)["'=2 Müller.png"]["refused"] == "" and len(read(table)) == 7
    table.unlink()  # stopped after its last part
    assert fill(films, table)[-1] == said[-1] and table.read_bytes().count(codecs.BOM_UTF8) == 1


@pytest.mark.parametrize("openers", [0, 1])
def test_files_are_opened_in_their_order_by_others_too(films: Path, openers: int) -> None:
    names = list_files(films)
    opened = list(open_ahead(films, iter(names), openers))
    assert [each.name for each in opened] == names
    for each in opened:
        expected = Folder(films)[each.name]
        assert each.refused == expected.refused and each.look == expected.look
        assert (each.film is None) == (each.name == LETTER)
        if each.film and expected.film:
            np.testing.assert_array_equal(each.film.pixels, expected.film.pixels)


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_many_files_cost_no_memory_but_their_names(count: int, tmp_path: Path) -> None:
    for number in range(count):
        if number % 1000 == 0:
            (tmp_path / "films" / f"{number // 1000:03}").mkdir(parents=True)
        (tmp_path / "films" / f"{number // 1000:03}" / f"{number % 1000:03}.png").touch()
    tracemalloc.start()
    try:
        said = fill(tmp_path / "films", tmp_path / "t.csv", size=32)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert f"each of {count:,} files; refused: {count:,}." in said[-1]
    assert most < 3_000_000 + 400 * count  # bytes: a few parts, and the names


# --- a run that was stopped -----------------------------------------------------------------------------------------

START = """
import sys
from functools import partial
from pathlib import Path
from cxr.batch.run import read_folder
from tests.fakes import fake_reader
if __name__ == "__main__":
    films, table, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    list(read_folder(films, table, workers=workers, load=partial(fake_reader, slow=0.05), size=2))
"""


def start(films: Path, table: Path, workers: int = 1, rank: int | None = None) -> "subprocess.Popen[bytes]":
    """A run in processes of its own; `rank`: as a launcher of several starts it."""
    ranked = {} if rank is None else {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    command = [sys.executable, "-c", START, str(films), str(table), str(workers)]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | ranked, start_new_session=True)


def kill_at_first_part(running: "subprocess.Popen[bytes]", parts: Path) -> set[str]:
    """Kill a run when its first part is whole, and see that its workers end; the parts that are there."""
    wait_until(lambda: running.poll() is not None or any(parts.glob("0*.csv")))
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    wait_until(lambda: not group_lives(running.pid))
    return {path.name for path in parts.glob("0*.csv")}


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


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_run_that_was_killed_goes_on_to_the_same_bytes(films: Path, tmp_path: Path, workers: int) -> None:
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    parts = tmp_path / "cut.csv.parts"
    before = kill_at_first_part(start(films, cut, workers), parts)
    assert before and not cut.exists()
    kept = {name: (parts / name).stat().st_mtime_ns for name in before}
    fill(films, cut)
    fill(films, whole)
    assert cut.read_bytes() == whole.read_bytes()
    assert kept == {name: (parts / name).stat().st_mtime_ns for name in before}
    assert {path.suffix for path in parts.iterdir()} == {".csv", ".json"}  # nothing is left lying about


@pytest.mark.slow
def test_what_a_killed_rank_had_is_read_by_the_other(films: Path, tmp_path: Path) -> None:
    table, whole = tmp_path / "t.csv", tmp_path / "whole.csv"
    ranks = [start(films, table, rank=rank) for rank in (0, 1)]
    kill_at_first_part(ranks[0], tmp_path / "t.csv.parts")
    assert ranks[1].wait(90) == 0
    fill(films, whole)
    assert table.read_bytes() == whole.read_bytes()


def test_a_part_is_read_by_one_and_waited_for_by_others(tmp_path: Path) -> None:
    mine, other = claim(tmp_path, 7), claim(tmp_path, 8)
    assert mine and other and claim(tmp_path, 7) is None
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(claim, tmp_path, 8, wait=True)
        other.close()  # as when its process has ended
        left = waiting.result()
        assert left
        left.close()
        waiting = pool.submit(claim, tmp_path, 7, wait=True)
        mine.write(b"whole")
        assert waiting.result() is None
    assert claim(tmp_path, 7) is None and find_part(tmp_path, 7).read_bytes() == b"whole"


def test_cores_are_left_to_the_model_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [choose_openers(*each) for each in ((2, 0), (16, 1), (16, 4), (4, 8))] == [0, 8, 3, 1]
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert choose_workers() == 1


# What `accelerate launch` starts for several GPUs.
LAUNCH = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "-m"]


@pytest.mark.slow
@pytest.mark.parametrize("how", [["-m"], LAUNCH], ids=["alone", "two ranks"])
def test_the_command_killed_goes_on_to_the_same_bytes(how: list[str], tmp_path: Path) -> None:
    write_set(tmp_path / "drawn", count=8, size=128, first=9_700_700)
    for path in list((tmp_path / "drawn" / "films").iterdir()):
        for number in range(10):
            path.with_name(f"{number}-{path.name}").write_bytes(path.read_bytes())
    reading = ["cxr", "read", str(tmp_path / "drawn"), "--out"]
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    commands = [[sys.executable, *how, *reading, str(cut)], [sys.executable, "-m", *reading, str(whole)]]
    running = subprocess.Popen(commands[0], cwd=ROOT, start_new_session=True)
    wait_until(lambda: running.poll() is not None or any((tmp_path / "cut.csv.parts").glob("0*.csv")), 200)
    os.killpg(running.pid, signal.SIGKILL)
    wait_until(lambda: running.poll() is not None)
    assert not cut.exists()
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0 and "each of 89 files; refused: 1." in done.stderr, done.stderr[-2000:]
    assert whole.read_bytes() == cut.read_bytes()


# --- what is refused ------------------------------------------------------------------------------------------------


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


def test_nothing_is_written_over(films: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("somebody's")
    with pytest.raises(CxrError, match="is there already and its parts are not"):
        fill(films, table)
    with pytest.raises(CxrError, match="cannot be used"):
        fill(films, table / "below-a-file.csv")
    with pytest.raises(CxrError, match="nowhere cannot be opened"):
        fill(tmp_path / "nowhere", tmp_path / "v.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CxrError, match="There is no file in"):
        fill(tmp_path / "empty", tmp_path / "v.csv")
    assert table.read_text() == "somebody's"


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


def test_a_worker_that_died_or_cannot_go_on_is_a_sentence() -> None:
    ours, theirs = Pipe()
    theirs.send(CxrError("No room."))
    theirs.close()
    for said in (r"No room\.", "A worker has ended"):
        with pytest.raises(CxrError, match=said):
            receive(ours)


def test_what_is_left_is_told_in_the_words_of_who_waits() -> None:
    assert describe_progress(250, 1000, 2.5) == "250 of 1,000 files, 2.5 a second, about 5 min left"
    assert [describe_time(seconds) for seconds in (12.4, 7380.0)] == ["12 s", "2 h 3 min"]
