"""A finished run as fine-tuning leaves it, made of the embedded adapter's own files."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxr.model.loading import EMBEDDED

FIGURE = {"value": 0.75, "low": 0.7, "high": 0.8}
METRICS: dict[str, Any] = {
    "split": "test",
    "data_kind": "chestxray14",
    "same_data": True,
    "films": 200,
    "patients": 150,
    "findings": {"effusion": {"known": 200, "present": 40}, "hernia": {"known": 200, "present": 4}},
    "base": {"auroc": {"macro": {"value": 0.5, "low": 0.4, "high": 0.6}}},
    "adapter": {"auroc": {"macro": FIGURE, "effusion": FIGURE, "hernia": FIGURE}, "bleu": {"4": FIGURE}},
    "difference": {"auroc": {"macro": {"value": 0.25, "low": 0.2, "high": 0.3}}},
}
POPULATION = "200 validation films (ChestX-ray14)"
PROCESSOR = ("processor_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def build_run(
    folder: Path, kind: str = "chestxray14", base: str = "", options: Mapping[str, Any] | None = None
) -> Path:
    """The run's folder with adapter, calibration, processor, figures and record."""
    adapter = folder / "adapter"
    shutil.copytree(EMBEDDED / "adapter", adapter)
    change_json(adapter / "calibration.json", population=POPULATION)
    for name in PROCESSOR:
        shutil.copy(EMBEDDED / name, adapter)
    told = {"rank": 16, "learning_rate": 2e-4, "targets": "attention", **(options or {})}
    write_json(folder / "run.json", {"base": base, "data_kind": kind, "options": told})
    write_json(folder / "evaluation" / "metrics.json", METRICS)
    return folder


def write_json(path: Path, value: Any) -> None:
    """Write one, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def change_json(path: Path, **entries: Any) -> None:
    """Add or replace entries of the object in a file."""
    write_json(path, {**json.loads(path.read_text(encoding="utf-8")), **entries})
