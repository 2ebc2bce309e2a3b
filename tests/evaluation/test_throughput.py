"""Rows are told as they are found. No test here looks at a clock."""

from pathlib import Path

import pytest

from cxr.batch.reading import Load
from cxr.batch.run import read_folder
from cxr.evaluation import throughput
from cxr.evaluation.throughput import main
from tests.fakes import fake_reader
from tests.tiny import save_tiny


def test_a_row_for_each_number_of_films(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, _ = save_tiny(tmp_path)
    main(
        ["--gpu", str(base), "--batches", "1", "3", "--tokens", "4", "--repeats", "1", "--out", str(tmp_path / "t.md")]
    )
    said = capsys.readouterr().out
    assert said == (tmp_path / "t.md").read_text(encoding="utf-8") and said.startswith("CPU; reports of 4 tokens.")
    rows = [line.strip("| ").split(" | ") for line in said.splitlines() if line.startswith("| float32")]
    assert [row[1] for row in rows] == ["1", "3"]
    for row in rows:
        assert all(float(cell) > 0 for cell in row[2:6]) and float(row[-1]) < 1e-4


def test_a_row_for_each_task_and_number_of_processes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hired: list[int] = []
    threads: list[int] = []
    monkeypatch.setattr(throughput.torch, "set_num_threads", threads.append)

    def read(folder: Path, table: Path, task: str, workers: int, size: int, load: Load = fake_reader) -> list[str]:
        hired.append(workers)
        return list(read_folder(folder, table, "all", 1, load, size))

    monkeypatch.setattr(throughput, "read_folder", read)
    main(["--films", "2", "--workers", "1", "2", "--tasks", "classify", "all", "--repeats", "2"])
    said = capsys.readouterr().out
    rows = [line.strip("| ").split(" | ") for line in said.splitlines()[4:]]
    assert "cores busy before; median of 2." in said
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("classify", "1", "2"),
        ("classify", "2", "2"),
        ("all", "1", "2"),
        ("all", "2", "2"),
    ]
    assert [row[2] for row in rows[:2]] == [str(each) for each in threads[:2]]
    assert hired == [1, 2] * 4  # in turns
