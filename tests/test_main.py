"""The command line, as a person types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILM = "examples/drawn-effusion.png"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CXR_")}
    command = [sys.executable, "-m", "cxr", "read", *arguments]
    return subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=120)


def test_a_refused_film_does_not_stop_the_others(tmp_path: Path) -> None:
    text = tmp_path / "letter.txt"
    text.write_text("Dear doctor")
    done = run(str(text), FILM, "--json")
    assert done.returncode == 1
    refusal = [line for line in done.stderr.splitlines() if line.startswith(str(text))]
    assert len(refusal) == 1 and refusal[0].endswith(".")
    (reading,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert reading["film"] == FILM and len(reading["classification"]["scores"]) == 14
    assert all(0 <= score["probability"] <= 1 for score in reading["classification"]["scores"])
    assert reading["answered_by"]["adapter"] == "embedded adapter"
    assert reading["report"]["findings"] and reading["answer"]["text"]


def test_one_task_for_people() -> None:
    done = run(FILM, "--task", "answer", "--question", "What view is this?")
    assert done.returncode == 0 and "Research and teaching only" in done.stdout and "embedded" in done.stdout
    assert "What view is this?" in done.stdout and "Findings:" not in done.stdout and "%" not in done.stdout


def test_a_reader_who_leaves_early_is_no_fault() -> None:
    command = f"{sys.executable} -m cxr read {FILM} {FILM} --task classify | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert "Research and teaching only" in done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [(), (FILM, "--task", "cure"), (FILM, "--question", " ")])
def test_wrong_use_is_told(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2 and "usage:" in done.stderr
