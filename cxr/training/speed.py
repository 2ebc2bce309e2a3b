"""How fast and in how much memory one QLoRA step runs: plain transformers + PEFT, Unsloth, and ours, side by side.

    python -m cxr.training.speed BASE [--cap 14.5]

Every engine learns from the same rows, each at its own best micro-batch; every measurement has a process of its own.
Speed and memory do not depend on the values of the weights, so a base with random ones will do.
Knows nothing about how well anything is learnt.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from statistics import median
from typing import Any

import torch
from peft import prepare_model_for_kbit_training
from transformers import AutoProcessor

from cxr.model.loading import load_base
from cxr.model.sources import Source
from cxr.training.collator import Collator, Example
from cxr.training.lora import ATTENTION, add_lora
from cxr.training.options import SftOptions
from cxr.training.speed_rows import ROWS, make_examples, split_rows
from cxr.training.states import StateStore
from cxr.training.student import load_student

logger = logging.getLogger(__name__)

ENGINES = ("peft", "unsloth", "ours", "ours, states kept")
WARMUP = 3  # steps that are not counted
HEAD = """| engine | micro-batch | s a step of 8 rows | rows/s | times peft | peak GiB | of peft's |
|---|---|---|---|---|---|---|"""


def start_plain(base: Path, engine: str, options: SftOptions, micro: int, canvas: int) -> Callable[[], None]:
    """The forward and backward of a step as the libraries' own examples do it: every row with its film, all logits."""
    if engine == "unsloth":
        student = load_student(options)
        model, processor = student.learner.peft, student.processor
    else:
        quantised = load_base(Source(base, str(base), None), options.precision)
        if options.precision == "4bit":
            quantised = prepare_model_for_kbit_training(
                quantised, gradient_checkpointing_kwargs={"use_reentrant": False}
            )
        model = add_lora(quantised, str(base), rank=16, alpha=32, dropout=0.0, targets=ATTENTION)
        processor = AutoProcessor.from_pretrained(base)
    model.train()
    collate, batches = Collator(processor, options.longest), []
    rows = [Example(example.image, (pair,)) for example in make_examples(canvas) for pair in example.pairs]
    for i in range(0, ROWS, micro):
        batch = collate(rows[i : i + micro])
        inputs = move(batch, model.device, leave=("keys", "film_of_row"))
        tiles = inputs["aspect_ratio_mask"].shape[-1] - inputs["cross_attention_mask"].shape[-1]
        inputs["cross_attention_mask"] = torch.nn.functional.pad(inputs["cross_attention_mask"], (0, tiles))
        batches.append(inputs)
    return make_step(lambda batch: model(**batch).loss, batches, model, ROWS // micro)


def start_ours(options: SftOptions, micro: int, canvas: int, states: Path | None) -> Callable[[], None]:
    """The forward and backward of a step as `train.py` does it."""
    student = load_student(options)
    learner = student.learner.train()
    collate = Collator(student.processor, options.longest)
    batches = [move(collate(part), learner.device) for part in split_rows(make_examples(canvas), micro)]
    if states is not None:  # they lie on the GPU before the clock starts, as the films of all engines do
        store = StateStore(states, student.weights, canvas, student.tiles, 1 << 34)
        collate = Collator(student.processor, options.longest, states=store)
        for part in split_rows(make_examples(canvas), micro):
            seen = collate(part)
            if "states" in seen:
                continue
            pixels = move({name: seen[name] for name in seen if name.startswith(("pixel", "aspect"))}, learner.device)
            for key, kept in zip(seen["keys"], learner.encode(**pixels), strict=True):
                store.keep(key, kept)
        batches = [move(collate(part), learner.device) for part in split_rows(make_examples(canvas), micro)]
    return make_step(lambda batch: learner(**batch)["loss"], batches, learner, ROWS // micro)


def move(batch: dict[str, Any], device: torch.device, leave: Sequence[str] = ("keys",)) -> dict[str, torch.Tensor]:
    """The tensors of a batch on the device."""
    return {name: value.to(device) for name, value in batch.items() if name not in leave}


def choose_optimizer() -> Any:
    """8-bit AdamW on a GPU, as `train.py` takes it."""
    if not torch.cuda.is_available():
        return torch.optim.AdamW
    from bitsandbytes.optim import AdamW8bit  # not installed without a GPU

    return AdamW8bit


def make_step(
    loss: Callable[[dict[str, torch.Tensor]], torch.Tensor], batches: Sequence[Any], model: torch.nn.Module, parts: int
) -> Callable[[], None]:
    """One optimizer step over all rows."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = choose_optimizer()(trained, lr=2e-4)

    def step() -> None:
        for batch in batches:
            with torch.autocast("cuda", torch.bfloat16, enabled=torch.cuda.is_available()):
                value = loss(batch) / parts
            value.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Seconds a step (median) and the most memory, in this process."""
    if arguments.cap:
        torch.cuda.set_per_process_memory_fraction(
            arguments.cap * 2**30 / torch.cuda.get_device_properties(0).total_memory
        )
    engine = arguments.engine
    options = SftOptions(
        base=str(arguments.base),
        precision=arguments.precision,
        dropout=0.0,
        canvas=arguments.canvas,
        engine="unsloth" if engine == "unsloth" else "transformers",
    )
    if engine in ("peft", "unsloth"):
        step = start_plain(arguments.base, engine, options, arguments.micro, arguments.canvas)
    else:
        states = arguments.states if engine.endswith("kept") else None
        step = start_ours(options, arguments.micro, arguments.canvas, states)
    seconds = []
    for _ in range(WARMUP + arguments.steps):
        began = time.monotonic()
        step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.monotonic() - began)
    peak = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else float("nan")
    return {"engine": engine, "micro": arguments.micro, "seconds": median(seconds[WARMUP:]), "gib": peak}


def measure_all(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Every engine with every micro-batch; with several GPUs one measurement on each at a time."""
    gpus: Queue[str] = Queue()
    for name in name_gpus():
        gpus.put(name)

    def run(engine: str, micro: int) -> dict[str, Any]:
        gpu = gpus.get()
        result = run_apart(arguments, engine, micro, gpu)
        gpus.put(gpu)
        logger.info("%s", json.dumps(result))
        return result

    with ThreadPoolExecutor(gpus.qsize()) as pool:
        plan = [(engine, micro) for micro in arguments.micro for engine in arguments.engines]
        return list(pool.map(lambda each: run(*each), plan))


def name_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; "0" where there is none."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    return [str(i) for i in range(max(1, torch.cuda.device_count()))] if allowed is None else allowed.split(",")


def run_apart(arguments: argparse.Namespace, engine: str, micro: int, gpu: str) -> dict[str, Any]:
    """`measure` in a process of its own; what went wrong in place of figures where it ends badly."""
    first = "import unsloth; " if engine == "unsloth" else ""  # it changes transformers, so it comes before it
    program = f"{first}from cxr.training.speed import main; main()"
    command = [sys.executable, "-c", program, str(arguments.base), "--engine", engine, "--micro", str(micro)]
    for name in ("canvas", "steps", "cap", "precision", "states"):
        command += [f"--{name}", str(getattr(arguments, name))]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": gpu}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603  # ours
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        return {"engine": engine, "micro": micro, "fault": last[:300]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def write_table(results: Sequence[dict[str, Any]]) -> str:
    """Markdown: each engine at its best micro-batch, with ratios to plain transformers + PEFT."""
    best = {
        engine: min(own, key=lambda each: each["seconds"])
        for engine in ENGINES
        if (own := [each for each in results if each["engine"] == engine and "fault" not in each])
    }
    first = best.get("peft")
    lines = [HEAD]
    for engine, each in best.items():
        speed, memory = (first["seconds"] / each["seconds"], each["gib"] / first["gib"]) if first else (1.0, 1.0)
        lines.append(
            f"| {engine} | {each['micro']} | {each['seconds']:.2f} | {ROWS / each['seconds']:.2f} | {speed:.2f} "
            f"| {each['gib']:.1f} | {memory:.0%} |"
        )
    lines += [f"\n{each['engine']} at {each['micro']}: {each['fault']}" for each in results if "fault" in each]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one engine here, or all of them, each in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m cxr.training.speed", description=__doc__.partition("\n")[0])
    parser.add_argument("base", type=Path, help="folder of the base")
    parser.add_argument("--engine", choices=ENGINES, help="this one alone, in this process")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--micro", type=int, nargs="+", default=[2, 4, 8], help="micro-batches to try, in rows")
    parser.add_argument("--canvas", type=int, default=560, help="px")
    parser.add_argument("--steps", type=int, default=6, help="that are counted")
    parser.add_argument("--cap", type=float, default=0.0, help="GiB of GPU memory that may be used; 0: all")
    parser.add_argument("--precision", default="4bit", choices=["4bit", "bf16", "float32"])
    parser.add_argument("--states", type=Path, default=Path("outputs/speed-states"), help="where states are kept")
    options = parser.parse_args(arguments)
    if options.engine:
        options.micro = options.micro[0]
        sys.stdout.write(json.dumps(measure(options)) + "\n")
        return
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    sys.stdout.write(write_table(measure_all(options)) + "\n")


if __name__ == "__main__":
    main()
