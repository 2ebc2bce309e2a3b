"""The notebook runs from its first cell to the last that needs no GPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples" / "finetune.ipynb"


def test_the_cell_for_the_11b_names_everything_that_it_uses() -> None:
    """In a fresh kernel: what it would do is taken from it, and what it imports stays."""
    cell = "".join(json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"][-1]["source"])
    told: list[tuple[object, ...]] = []
    scope: dict[str, object] = {}
    head, _, body = cell.partition("\n\noptions = ")
    exec(head, scope)  # our own cell
    for name in ("finetune", "evaluate", "publish"):
        assert callable(scope[name])
        scope[name] = lambda *arguments: told.append(arguments)
    exec(f"options = {body}", scope)
    assert len(told) == 3 and told[2][1] == "your-name/Llama-3.2-11B-Vision-chest"


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
