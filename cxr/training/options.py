"""What `python train.py sft` can be told, each default with its source. Knows nothing about what is done with it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cxr.films.film import MAX_SIDE
from cxr.results import CxrError


def choose(default: Any, text: str) -> Any:
    """A field that the command line can set."""
    return field(default=default, metadata={"help": text})


@dataclass
class SftOptions:
    """How an adapter is fine-tuned."""

    out: str = choose("outputs/run1", "the run's folder; the same command in the same folder goes on where it stopped")
    base: str = choose("", "Hub name or folder of the base; Llama 3.2 11B Vision on a GPU, else the embedded Mllama")
    base_revision: str = choose("", "40-hex commit of the base")
    engine: Literal["transformers", "unsloth"] = choose(
        "transformers", "unsloth needs a GPU and requirements-train.txt"
    )
    precision: Literal["", "4bit", "bf16", "float32"] = choose(
        "", "of the frozen base; 4bit (QLoRA, arXiv:2305.14314) on a GPU, float32 on a CPU"
    )
    rank: int = choose(16, "of the LoRA; arXiv:2106.09685 finds little gain beyond, with all of q, k, v, o adapted")
    alpha: int = choose(
        32, "scale of the LoRA is alpha / rank; it acts as a factor of the learning rate (arXiv:2305.14314, A.1)"
    )
    dropout: float = choose(0.05, "in the LoRA; arXiv:2305.14314, A.1, found 0.05 useful at 7B and 13B")
    targets: Literal["attention", "attention+mlp"] = choose("attention", "of the language model")
    train_vision: bool = choose(False, "a LoRA on the vision encoder, too; then nothing is kept of what it saw")
    learning_rate: float = choose(2e-4, "peak; arXiv:2305.14314, table 9, for 7B and 13B")
    warmup: float = choose(0.03, "share of the steps; arXiv:2305.14314, appendix B")
    epochs: float = choose(2.0, "passes over the selection; more made reports repeat themselves on small sets")
    max_steps: int = choose(0, "stop after so many steps; 0: after the epochs")
    films: int = choose(2, "in a micro-batch")
    rows: int = choose(4, "conversations a film, which share one pass of the encoder")
    accumulation: int = choose(2, "micro-batches a step; 16 rows a step, as arXiv:2305.14314")
    longest: int = choose(512, "tokens a row")
    canvas: int = choose(0, "side in px of the square on which films are laid; 0: the base's own")
    tiles: Literal["all", "real"] = choose(
        "all", "which the encoder sees; real: without padding, several times as fast for one tile, and served that way"
    )
    keep_states: float = choose(
        0.0, "GiB on disk for what the encoder made of each film; 13 MB a film and tile of the 11B"
    )
    eval_films: int = choose(200, "validation films by which the best checkpoint is chosen")
    eval_steps: int = choose(0, "steps between two validations and checkpoints; 0: ten times a run")
    workers: int = choose(2, "processes that open films")
    dry_run: bool = choose(False, "show what would be done, time three steps, and stop")


RANGES: dict[str, tuple[float, float]] = {  # lowest and highest value that makes sense
    "rank": (1, 1024),
    "alpha": (1, 4096),
    "dropout": (0, 0.9),
    "learning_rate": (1e-12, 1),
    "warmup": (0, 1),
    "epochs": (0.001, 10_000),
    "max_steps": (0, math.inf),
    "films": (1, 4096),
    "rows": (1, 256),
    "accumulation": (1, 100_000),
    "longest": (16, 131_072),
    "keep_states": (0, 1_000_000),
    "eval_films": (1, math.inf),
    "eval_steps": (0, math.inf),
    "workers": (0, 256),
}


def check_options(options: SftOptions) -> None:
    """Refuse what would only show hours later.

    Raises:
        CxrError: an option is out of its range.
    """
    check_ranges(options, RANGES)
    if options.canvas and not 16 <= options.canvas <= MAX_SIDE:
        raise CxrError(f"--canvas must be 0 or from 16 to {MAX_SIDE} px, not {options.canvas}.")


def check_ranges(options: object, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Refuse numbers that make no sense. `ranges`: the lowest and highest one by the option's name.

    Raises:
        CxrError: an option is out of its range.
    """
    for name, (low, high) in ranges.items():
        value = getattr(options, name)
        if not isinstance(value, int | float):
            raise CxrError(f"--{name} must be a number, not {value!r}.")
        if not low <= value <= high:
            words = f"at least {_write(low)}" if high == math.inf else f"from {_write(low)} to {_write(high)}"
            raise CxrError(f"--{name} must be {words}, not {_write(value)}.")


def _write(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"
