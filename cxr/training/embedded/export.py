"""The embedded model's folder: weights, tokenizer, processor, adapter, calibration. Knows nothing about training."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import MllamaForConditionalGeneration, MllamaProcessor

from cxr.model.bases import EMBEDDED_NAME
from cxr.model.sources import read_json
from cxr.training.adapters import write_record

SHARD = "9MB"  # a shard stays below the Hub's and git's limits for plain files


def save_base(model: MllamaForConditionalGeneration, processor: MllamaProcessor, folder: Path) -> None:
    """bf16 safetensors in shards, tokenizer and processor. The model itself is rounded to bf16, as it is served."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("model*.safetensors*"):
        old.unlink()
    round_weights(model)
    model.save_pretrained(folder, max_shard_size=SHARD)
    restore_floats(model)
    processor.save_pretrained(folder)


def save_adapter(out: Path, trained: Path, canvas: int) -> None:
    """The trained LoRA in bf16, recorded as made for the embedded base, with the canvas that belongs to it."""
    folder = out / "adapter"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    weights = load_file(trained / "adapter_model.safetensors")
    rounded = {name: weight.to(torch.bfloat16) for name, weight in weights.items()}
    save_file(rounded, folder / "adapter_model.safetensors", {"format": "pt"})
    config = read_json(trained / "adapter_config.json") | {"base_model_name_or_path": EMBEDDED_NAME}
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    write_record(folder, canvas, set_questions=True)


def round_weights(model: nn.Module) -> None:
    """Weights to bf16. Buffers stay: the rotary frequencies are not saved, and who loads a model has exact ones."""
    for parameter in model.parameters():
        parameter.data = parameter.data.to(torch.bfloat16)


def restore_floats(model: nn.Module) -> None:
    """The rounded weights as float32 again."""
    for parameter in model.parameters():
        parameter.data = parameter.data.float()
