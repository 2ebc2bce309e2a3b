"""The load command runs, nobody is lost, and a full queue says so; how long things take is in docs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.load import Seen, rank, tell

ROOT = Path(__file__).resolve().parents[1]


def test_a_visitor_without_a_finished_report_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    good = [Seen(0.0, float(number), [number + 0.5, number + 1.0], finished=True) for number in range(3)]
    tell("three", [*good, Seen(0.0, 1.0)])
    row = [cell.strip() for cell in capsys.readouterr().out.strip("|\n ").split("|")]
    assert row == ["three", "4", "1", "1", "0.50", "0.50", "1.50", "2.50", "2.0"]
    tell("none", [Seen()])
    assert capsys.readouterr().out == "| none | 1 | 1 |\n"
    assert rank([3.0, 1.0, 2.0], 0.5) == 2.0


@pytest.mark.slow
def test_nobody_is_lost_and_a_full_queue_says_so() -> None:
    command = [sys.executable, "-m", "tests.load", "streams", "full"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "| streams | 128 | 0 | 128 |" in done.stdout
    assert "A full queue refused 20" in done.stdout and "Queue is full" in done.stdout
