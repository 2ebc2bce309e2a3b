"""What a run says while it goes on: a CSV that any program reads, and TensorBoard's files. Nothing is sent anywhere."""

import csv
import time
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

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
    """One line a log, in `log.csv`; a run that goes on adds to it."""

    def __init__(self, folder: Path, rows_a_step: int) -> None:
        """`rows_a_step`: conversations that one optimizer step of one process learns from."""
        self._path = folder / "log.csv"
        self._rows = rows_a_step
        self._started, self._first = time.monotonic(), 0
        folder.mkdir(parents=True, exist_ok=True)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The clock starts, at the step where a run goes on."""
        self._started, self._first = time.monotonic(), state.global_step

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Write a line."""
        if not state.is_world_process_zero or not logs:
            return
        seconds, done = time.monotonic() - self._started, state.global_step - self._first
        speed = done / seconds if seconds > 0 else 0.0
        line: dict[str, Any] = {
            **{name: logs[name] for name in ("loss", "eval_loss", "learning_rate") if name in logs},
            "seconds": round(seconds, 1),
            "step": state.global_step,
            "steps": state.max_steps,
            "rows_per_second": round(speed * self._rows * args.world_size, 3),
            "memory_gib": round(read_memory(), 2),
            "seconds_left": round((state.max_steps - state.global_step) / speed) if speed else "",
        }
        new = not self._path.exists()
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            if new:
                writer.writeheader()
            writer.writerow(line)


def read_memory() -> float:
    """The most memory that this process has used, in GiB: of the GPU where there is one."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    import resource  # not on every system

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
