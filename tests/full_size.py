"""Run as a program on a GPU: a base of full size in a folder answers all three tasks, with an adapter from a Hub.

`python -m tests.full_size BASE [--precisions bf16 4bit]`: makes a LoRA adapter (r=16, random, so its answers mean
nothing) for BASE, offers it on the Hub stand-in, and lets the command line read a drawn film with both in each
precision, in a process of its own that sees that Hub alone. Prints a table; exits with 1 where anything is missing.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import AutoConfig, MllamaForConditionalGeneration

from cxr.findings import FINDINGS
from cxr.training.lora import ATTENTION
from tests.hub import HubStandIn

ROOT = Path(__file__).resolve().parents[1]
FILM = ROOT / "examples" / "drawn-effusion.png"
ADAPTER = "somebody/Llama-random-lora"


def write_adapter(base: Path, folder: Path, named: str) -> int:
    """A random LoRA for the architecture in `base`, recorded as made for the base `named`; its number of parameters."""
    with torch.device("meta"):
        model = MllamaForConditionalGeneration(AutoConfig.from_pretrained(base))
        config = LoraConfig(r=16, lora_alpha=32, target_modules=ATTENTION, task_type="CAUSAL_LM")
        adapter = get_peft_model(model, config)
    weights = {
        name: torch.randn(tensor.shape, generator=torch.Generator().manual_seed(place)).mul(0.01).bfloat16()
        for place, (name, tensor) in enumerate(get_peft_model_state_dict(adapter).items())
    }
    folder.mkdir(parents=True)
    adapter.peft_config["default"].base_model_name_or_path = named
    adapter.peft_config["default"].save_pretrained(str(folder))
    save_file(weights, folder / "adapter_model.safetensors", {"format": "pt"})
    (folder / "cxr_config.json").write_text(json.dumps({"canvas": canvas_of(base)}), encoding="utf-8")
    return sum(tensor.numel() for tensor in weights.values())


def canvas_of(base: Path) -> int:
    """2 x 2 tiles where the base has that many, else one."""
    vision = AutoConfig.from_pretrained(base).vision_config
    return int(vision.image_size) * (2 if vision.max_num_tiles >= 4 else 1)


def read_film(base: Path, hub: HubStandIn, precision: str, cache: Path) -> str:
    """A row of the table.

    Raises:
        AssertionError: a task is missing, or another model than the one asked for has answered.
    """
    environment = hub.environment(cache) | {
        "CXR_BASE": str(base),
        "CXR_ADAPTER": ADAPTER,
        "CXR_ADAPTER_REVISION": hub.commit(ADAPTER),
        "CXR_PRECISION": precision,
    }
    start = time.monotonic()
    command = [sys.executable, "-m", "cxr", "read", str(FILM), "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    assert done.returncode == 0, done.stderr[-2000:]
    reading = json.loads(done.stdout)
    who = reading["answered_by"]
    assert who["adapter_revision"] == hub.commit(ADAPTER) and not who["embedded"], who["problem"]
    scores = [score["probability"] for score in reading["classification"]["scores"]]
    assert len(scores) == len(FINDINGS) and all(0 <= p <= 1 for p in scores)
    assert reading["report"]["finished"] and reading["report"]["text"] and reading["answer"]["text"]
    words = len(reading["report"]["text"].split()), len(reading["answer"]["text"].split())
    return f"| {who['device']} | {min(scores):.3f}-{max(scores):.3f} | {words[0]} | {words[1]} | {seconds:.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.full_size", description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("--named", default="unsloth/Llama-3.2-11B-Vision-Instruct", help="the base's name on the Hub")
    parser.add_argument("--precisions", nargs="+", default=["bf16", "4bit"])
    options = parser.parse_args()
    with TemporaryDirectory() as room:
        count = write_adapter(options.base, Path(room) / "adapter", options.named)
        with HubStandIn({ADAPTER: Path(room) / "adapter"}) as hub:
            sys.stdout.write(f"An adapter of {count:,} parameters, fetched from a Hub.\n\n")
            sys.stdout.write("| device | probabilities | words of the report | of the answer | s, start included |\n")
            sys.stdout.write("|---|---|---|---|---|\n")
            for each in options.precisions:
                sys.stdout.write(read_film(options.base, hub, each, Path(room) / each) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
