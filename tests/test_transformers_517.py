"""The same code on the transformers that fine-tuning uses: what Unsloth accepts is older than what the Space runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OLDER = ROOT / ".tf517"
SAME = (
    "tests/model",
    "tests/training/embedded",
    "tests/training/test_collator.py",
    "tests/training/test_trainer.py",
    "tests/training/test_finetune.py",
    "tests/test_many.py",
    "tests/test_reader.py",
)


@pytest.mark.slow
@pytest.mark.skipif(not OLDER.is_dir(), reason="transformers 5.17 is not in .tf517; make test-slow puts it there")
def test_model_reader_and_training_pass_on_transformers_517() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment["PYTHONPATH"] = str(OLDER)
    code = "import sys, transformers; sys.stdout.write(transformers.__version__)"
    version = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert version.stdout == "5.17.0"
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", *SAME]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=290)
    assert done.returncode == 0, done.stdout[-3000:]
