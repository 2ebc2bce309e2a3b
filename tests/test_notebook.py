"""The notebook runs from its first cell to the last that needs no GPU."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples" / "finetune.ipynb"


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path) -> None:
    """With 40 films instead of 400."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--nbmake",
            "--nbmake-timeout=280",
            "-q",
            "-p",
            "no:cacheprovider",
            str(NOTEBOOK),
        ],
        cwd=tmp_path,
        env={**os.environ, "FILMS": "40", "HF_HUB_OFFLINE": "1"},
        check=True,
        timeout=290,
    )
