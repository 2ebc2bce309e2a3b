"""The embedded model's folder: weights, tokenizer, processor, adapter, calibration. Knows nothing about training."""

import json
import shutil
from pathlib import Path

import torch
from peft import PeftModel
from torch import nn
from transformers import MllamaForConditionalGeneration, MllamaProcessor

from cxr.model.calibration import Calibration, write_calibration
from cxr.model.loading import CONFIG

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


def save_adapter(model: PeftModel, folder: Path, canvas: int, calibration: Calibration) -> None:
    """The LoRA in bf16 with the canvas and the calibration that belong to it."""
    shutil.rmtree(folder, ignore_errors=True)
    round_weights(model)
    model.save_pretrained(str(folder), save_embedding_layers=False)
    restore_floats(model)
    (folder / "README.md").unlink(missing_ok=True)  # peft's template; the card is one level up
    (folder / CONFIG).write_text(json.dumps({"canvas": canvas}) + "\n", encoding="utf-8")
    write_calibration(calibration, folder)


def round_weights(model: nn.Module) -> None:
    """Weights to bf16. Buffers stay: the rotary frequencies are not saved, and who loads a model has exact ones."""
    for parameter in model.parameters():
        parameter.data = parameter.data.to(torch.bfloat16)


def restore_floats(model: nn.Module) -> None:
    """The rounded weights as float32 again."""
    for parameter in model.parameters():
        parameter.data = parameter.data.float()
