"""Run as a program on a GPU: 20 steps of `train.py sft` at full size, saved, loaded as the page loads it, same logits.

`python -m tests.full_size_training BASE [--engines transformers unsloth] [--keep 4]`: drawn films, NF4. Training and
serving each have a process of its own; both write the logits of the answers of one batch. Prints a table; exits with 1
where they differ by more than bf16 rounds, or where a stage fails.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import load_file, save_file
from transformers import MllamaForConditionalGeneration

from cxr.films.film import letterbox
from cxr.films.phantom import draw_film
from cxr.model.loading import load_named
from cxr.settings import Settings
from cxr.training.adapters import save_adapter
from cxr.training.collator import IGNORED, Collator, Example
from cxr.training.data import DataOptions
from cxr.training.finetune import build_trainer, log_start, train
from cxr.training.index import build_indexes
from cxr.training.options import SftOptions
from cxr.training.runs import describe_run, write_run
from cxr.training.student import load_student

STEPS = 20
HEAD = (
    "| engine | load, s | 20 steps, s | peak GiB | save, s | load as the page does, s | logits apart, relative |\n"
    "|---|---|---|---|---|---|---|\n"
)
PAIRS = (
    ("Is there an effusion?", "Yes."),
    ("Describe the film.", "Findings: small right effusion. Impression: effusion."),
)
TOLERANCE = 0.02  # relative: bf16 keeps 8 bits, and the steps round in another order


@torch.no_grad()
def answer_logits(model: MllamaForConditionalGeneration, collate: Collator, canvas: int) -> torch.Tensor:
    """The logits of the answers' tokens about one drawn film: tokens x vocabulary, float32."""
    batch = collate([Example(letterbox(draw_film(7, size=512, view="PA").film, canvas), PAIRS)])
    inputs = {name: value.to(model.device) for name, value in batch.items() if isinstance(value, torch.Tensor)}
    pixels = {name: inputs[name] for name in ("pixel_values", "aspect_ratio_ids", "aspect_ratio_mask")}
    pixels["pixel_values"] = pixels["pixel_values"].to(model.dtype)
    seen = model.model.vision_model(**pixels).last_hidden_state
    tiles = int(pixels["aspect_ratio_mask"][0].sum())
    states = model.model.multi_modal_projector(seen)[:, 0, :tiles].flatten(1, 2)
    hidden = model.model(
        input_ids=inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        cross_attention_mask=inputs["cross_attention_mask"],
        cross_attention_states=states[inputs["film_of_row"]],
        use_cache=False,
    ).last_hidden_state[:, :-1]
    return model.lm_head(hidden[inputs["labels"][:, 1:] != IGNORED]).float().cpu()


def run_training(base: Path, room: Path, engine: str, keep: float, canvas: int) -> None:
    """Train as `train.py sft` does, then write adapter and logits."""
    options = SftOptions(
        out=str(room / "run"), base=str(base), engine=engine, max_steps=STEPS, canvas=canvas, keep_states=keep,
        eval_films=2, eval_steps=STEPS,
    )  # fmt: skip
    data = DataOptions(data=str(room / "films"))
    times = [time.monotonic()]
    indexes = build_indexes(data.data, data, room / "run" / "rows")
    write_run(room / "run", describe_run(room / "run", options, data, 1))
    student = load_student(options)
    times.append(time.monotonic())
    log_start(indexes, student)
    torch.cuda.reset_peak_memory_stats() if torch.cuda.is_available() else None
    train(build_trainer(room / "run", options, data, indexes, student), None)
    times.append(time.monotonic())
    save_adapter(student, room / "adapter", indexes.own_findings)
    times.append(time.monotonic())
    student.learner.eval()
    logits = answer_logits(student.learner.mllama, Collator(student.processor, options.longest), student.canvas)
    save_file({"logits": logits}, room / "trained.safetensors")
    peak = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else float("nan")
    spans = [after - before for before, after in pairwise(times)]
    (room / "training.json").write_text(
        json.dumps({"load": spans[0], "train": spans[1], "save": spans[2], "gib": peak})
    )


def run_serving(base: Path, room: Path, precision: str) -> None:
    """Load base and adapter as the page does, and write the same logits."""
    start = time.monotonic()
    loaded = load_named(
        Settings.from_env({"CXR_BASE": str(base), "CXR_ADAPTER": str(room / "adapter"), "CXR_PRECISION": precision})
    )
    engine = loaded.engine
    seconds = time.monotonic() - start
    save_file(
        {"logits": answer_logits(engine.model, Collator(engine.processor, 512), engine.canvas)},
        room / "served.safetensors",
    )
    (room / "serving.json").write_text(json.dumps({"load": seconds}))


def check(base: Path, engine: str, keep: float, canvas: int, precision: str) -> str:
    """A row of the table.

    Raises:
        AssertionError: a stage failed, or the logits differ.
    """
    with TemporaryDirectory() as folder:
        room = Path(folder)
        draw = [
            sys.executable,
            "-m",
            "cxr.films.phantom",
            "--set",
            str(room / "films"),
            "--count",
            "48",
            "--size",
            "512",
        ]
        subprocess.run(draw, check=True)
        for stage in ("training", "serving"):
            start = (
                "import unsloth; " if engine == "unsloth" and stage == "training" else ""
            ) + "from tests.full_size_training import main; main()"
            told = [str(base), "--stage", stage, "--room", folder, "--engines", engine, "--keep", str(keep)]
            told += ["--canvas", str(canvas), "--precision", precision]
            done = subprocess.run(
                [sys.executable, "-c", start, *told], capture_output=True, text=True, env=os.environ, check=False
            )
            assert done.returncode == 0, f"{engine}, {stage}: {done.stderr[-3000:]}"
        trained, served = (load_file(room / f"{name}.safetensors")["logits"] for name in ("trained", "served"))
        apart = float((trained - served).norm() / trained.norm())
        took, loaded = (json.loads((room / f"{name}.json").read_text()) for name in ("training", "serving"))
    assert apart < TOLERANCE, f"{engine}: the logits differ by {apart:.4f}"
    return (
        f"| {engine} | {took['load']:.0f} | {took['train']:.0f} | {took['gib']:.1f} | {took['save']:.1f} "
        f"| {loaded['load']:.0f} | {apart:.1e} |"
    )


def main() -> None:
    """One stage here, or both for each engine."""
    parser = argparse.ArgumentParser(prog="python -m tests.full_size_training", description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("--engines", nargs="+", default=["transformers", "unsloth"])
    parser.add_argument("--keep", type=float, default=4.0, help="GiB of kept image states")
    parser.add_argument("--canvas", type=int, default=0)
    parser.add_argument("--precision", default="4bit")
    parser.add_argument("--stage", choices=["training", "serving"])
    parser.add_argument("--room", type=Path)
    options = parser.parse_args()
    if options.stage == "training":
        run_training(options.base, options.room, options.engines[0], options.keep, options.canvas)
    elif options.stage == "serving":
        run_serving(options.base, options.room, options.precision)
    else:
        sys.stdout.write(HEAD)
        for engine in options.engines:
            sys.stdout.write(check(options.base, engine, options.keep, options.canvas, options.precision) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
