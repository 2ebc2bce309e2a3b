"""Checkpoints and records that are whole or not there. Knows nothing about what is in them.

A checkpoint's mark is written last:
`transformers.trainer_utils.get_last_checkpoint` takes the highest number, whether it was finished or not.
"""

import os
import re
import shutil
from pathlib import Path

MARK = "complete"
KEPT = 2  # checkpoints of a run


def mark_complete(checkpoint: Path) -> None:
    """Say that everything before is on the disk."""
    for path in checkpoint.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    with (checkpoint / MARK).open("w", encoding="utf-8") as file:
        file.write("complete\n")
        file.flush()
        os.fsync(file.fileno())


def write_whole(path: Path, text: str) -> None:
    """The file with the new text, or as it was: never half of it."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def find_newest(run: Path) -> Path | None:
    """The complete checkpoint with the highest step."""
    whole = [path for path in list_checkpoints(run) if (path / MARK).is_file()]
    return max(whole, key=read_step, default=None)


def drop_unfinished(run: Path) -> None:
    """Remove the checkpoints that a killed run has left half-written."""
    for path in list_checkpoints(run):
        if not (path / MARK).is_file():
            shutil.rmtree(path)


def drop_checkpoint(checkpoint: Path) -> None:
    """Remove a complete one: its mark goes first, so that a kill half-way leaves one that counts as unfinished."""
    (checkpoint / MARK).unlink(missing_ok=True)
    shutil.rmtree(checkpoint)


def rotate(run: Path, best: Path | None) -> None:
    """Keep the newest complete checkpoint and the best, or the one before where these are the same."""
    whole = sorted((path for path in list_checkpoints(run) if (path / MARK).is_file()), key=read_step)
    kept = {*whole[-1:], *(path for path in whole if best is not None and path.name == best.name)}
    if len(kept) < KEPT:
        kept.update(whole[-KEPT:])
    for path in whole:
        if path not in kept:
            drop_checkpoint(path)


def list_checkpoints(run: Path) -> list[Path]:
    """All of a run, finished or not."""
    return [path for path in run.glob("checkpoint-*") if re.fullmatch(r"checkpoint-\d+", path.name) and path.is_dir()]


def read_step(checkpoint: Path) -> int:
    """The step after which it was written."""
    return int(checkpoint.name.rpartition("-")[2])
