"""What a run says while it goes on, and when it ends: a CSV that any program reads, TensorBoard's files, and sentences.

Nothing is sent anywhere.
"""

import csv
import logging
import re
import shlex
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from cxr.training.data import DataOptions
from cxr.training.rows import Split

logger = logging.getLogger(__name__)

COLUMNS = (
    "seconds",
    "step",
    "steps",
    "loss",
    "eval_loss",
    "learning_rate",
    "rows_per_second",
    "memory_gib",
    "seconds_left",
)


class CsvLog(TrainerCallback):
    """One line a log, in `log.csv`; a run that goes on adds to it, from the checkpoint's step and time on."""

    def __init__(self, folder: Path, rows_a_step: int) -> None:
        """`rows_a_step`: conversations that one optimizer step of one process learns from."""
        self._path = folder / "log.csv"
        self._rows = rows_a_step
        self._started, self._first, self._before = time.monotonic(), 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The clock starts, at the step and the time where a run goes on."""
        self._started, self._first = time.monotonic(), state.global_step
        if not state.is_world_process_zero:
            return
        if self._first:
            logger.info("Training goes on from checkpoint-%d: step %d of %d.", *[self._first] * 2, state.max_steps)
        kept = [line for line in read_lines(self._path) if int(line["step"]) <= self._first]
        self._before = float(kept[-1]["seconds"]) if kept else 0.0
        self._write(kept, "w")

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Write a line for a loss."""
        if not state.is_world_process_zero or not logs or logs.keys().isdisjoint(("loss", "eval_loss")):
            return
        seconds, done = time.monotonic() - self._started, state.global_step - self._first
        speed = done / seconds if seconds > 0 else 0.0
        line: dict[str, Any] = {
            **{name: logs[name] for name in ("loss", "eval_loss", "learning_rate") if name in logs},
            "seconds": round(self._before + seconds, 1),
            "step": state.global_step,
            "steps": state.max_steps,
            "rows_per_second": round(speed * self._rows * args.world_size, 3),
            "memory_gib": round(read_memory(), 2),
            "seconds_left": round((state.max_steps - state.global_step) / speed) if speed else "",
        }
        self._write([line], "a")

    def _write(self, lines: Iterable[Mapping[str, Any]], mode: Literal["w", "a"]) -> None:
        with self._path.open(mode, newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            if mode == "w":
                writer.writeheader()
            writer.writerows(lines)


def read_lines(path: Path) -> list[dict[str, str]]:
    """The lines of a `log.csv`, without those that a killed run has left torn; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        lines = [line for line in csv.DictReader(file) if line.keys() == set(COLUMNS) and None not in line.values()]
    return [line for line in lines if line["step"].isdigit() and re.fullmatch(r"\d+\.\d", line["seconds"])]


def describe_end(run: Path, data: DataOptions, state: TrainerState, split: Split) -> str:
    """Where the adapter lies, which checkpoint it is, and the next command. `split`: which has films to measure on."""
    chosen = "the last step's, for there are no validation films"
    if state.best_model_checkpoint and state.best_metric is not None:
        name = Path(state.best_model_checkpoint).name
        chosen = f"that of {name}, the best of the run: a loss of {state.best_metric:.4f} on the validation films"
    told = {"data": data.data, "adapter": str(run)}
    told |= {name: str(getattr(data, name)) for name in ("uncertain", "blank", "seed")}
    usual = {"uncertain": DataOptions.uncertain, "blank": DataOptions.blank, "seed": str(DataOptions.seed)}
    words = [word for name, value in told.items() if value != usual.get(name) for word in (f"--{name}", value)]
    words += ["--split", split] if split != "test" else []
    return (
        f"The adapter is in {run / 'adapter'}. It is {chosen}.\n"
        f"To measure it beside its base: python train.py evaluate {shlex.join(words)}"
    )


def read_memory() -> float:
    """The most memory that this process has used, in GiB: of the GPU where there is one."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    import resource  # not on every system

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
