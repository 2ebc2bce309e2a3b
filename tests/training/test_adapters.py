"""The folder of a trained adapter holds what belongs to its weights, and nothing of others."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cxr.training import adapters
from cxr.training.adapters import save_adapter

FITTED = ("calibration.json", "gate.safetensors", "maps.safetensors")


@pytest.mark.parametrize(("weights", "stays"), [(b"the same", True), (b"others", False)])
def test_what_was_fitted_to_other_weights_goes(
    weights: bytes, stays: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor = SimpleNamespace(save_pretrained=lambda folder: None)
    student: Any = SimpleNamespace(learner=None, processor=processor, canvas=80, real_tiles=True)
    folder, told = tmp_path / "adapter", iter((b"the same", weights))
    monkeypatch.setattr(adapters, "save_lora", lambda _, there: (there / adapters.WEIGHTS).write_bytes(next(told)))
    save_adapter(student, folder, ())
    measured = tmp_path / "evaluation" / "metrics.json"
    measured.parent.mkdir()
    files = [measured, *(folder / name for name in FITTED)]
    for path in files:
        path.write_text("{}")
    save_adapter(student, folder, ("fracture",))
    assert [path.exists() for path in files] == [stays] * len(files)
    record = {"canvas": 80, "guided": True, "tiles": "real", "own_findings": ["fracture"]}
    assert json.loads((folder / "cxr_config.json").read_text()) == record
