"""The folder of a trained adapter: what the Space loads. Knows nothing about data or training."""

import json
from hashlib import blake2b
from pathlib import Path
from shutil import rmtree
from typing import Any

from cxr.model.calibration import FILE as CALIBRATION
from cxr.model.gate import FILE as GATE
from cxr.model.map_head import FILE as MAPS
from cxr.model.recorded import CONFIG
from cxr.training.release import WEIGHTS
from cxr.training.student import Student
from cxr.training.trainer import save_lora


def save_adapter(student: Student, folder: Path, own_findings: tuple[str, ...]) -> None:
    """LoRA, processor, chat template, canvas and the findings beyond the 14.

    What was fitted to other weights that lay there, or measured of them, goes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_name(f"{folder.name}.part")
    rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    save_lora(student.learner, fresh)
    if _hash_weights(folder) not in ("", _hash_weights(fresh)):  # they go first: nothing old may lie beside new weights
        for name in (CALIBRATION, GATE, MAPS):
            (folder / name).unlink(missing_ok=True)
        rmtree(folder.parent / "evaluation", ignore_errors=True)
    for path in fresh.iterdir():
        path.replace(folder / path.name)
    fresh.rmdir()
    student.processor.save_pretrained(str(folder))
    write_record(folder, student.canvas, student.real_tiles, own_findings)


def write_record(
    folder: Path,
    canvas: int,
    real_tiles: bool = False,
    own_findings: tuple[str, ...] = (),
    set_questions: bool = False,
) -> None:
    """How films were laid and encoded, the findings of its own, and that it was taught to write guided reports.

    `set_questions`: whether its base knows no questions but those of our own forms.
    """
    record: dict[str, Any] = {"canvas": canvas, "guided": True}
    if set_questions:
        record["set_questions"] = True
    if real_tiles:
        record["tiles"] = "real"
    if own_findings:
        record["own_findings"] = list(own_findings)
    (folder / CONFIG).write_text(json.dumps(record) + "\n", encoding="utf-8")


def _hash_weights(folder: Path) -> str:
    path = folder / WEIGHTS
    return blake2b(path.read_bytes()).hexdigest() if path.is_file() else ""
