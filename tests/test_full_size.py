"""The program for a GPU of full size is itself tried on a tiny model without one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import save_tiny

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_it_reads_with_an_adapter_from_the_hub(tmp_path: Path) -> None:
    base, _ = save_tiny(tmp_path)
    command = [sys.executable, "-m", "tests.full_size", str(base), "--precisions", "float32"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "| CPU, float32 | 0." in done.stdout and "fetched from a Hub" in done.stdout
