"""A tiny untrained Mllama that obeys every rule of the real one, for tests of the engine."""

import copy
import json
from functools import cache
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, get_peft_model

from cxr.films.film import Film
from cxr.findings import FINDINGS
from cxr.model.engine import Engine
from cxr.prompts import ask_finding, ask_report
from cxr.training.embedded.build import Size, build_model, build_processor, build_tokenizer
from cxr.training.lora import ATTENTION

TEXTS = [ask_finding(finding) + " Yes. No." for finding in FINDINGS] + [ask_report(), "Findings: There is. Impression:"]


@cache
def tiny_engine(tiles: int = 1, seed: int = 0, more: tuple[str, ...] = ()) -> Engine:
    """56-px tiles, 3 + 1 vision layers, 4 text layers; open gates, so that the film matters.

    `more`: texts from which the vocabulary is learnt, too.
    """
    size = Size(
        canvas=56 * (2 if tiles == 4 else 1),
        patch=14,
        vision_width=32,
        vision_layers=3,
        text_width=32,
        text_mlp=64,
        text_layers=4,
        heads=4,
        vocabulary=600,
        tiles=tiles,
    )
    torch.manual_seed(seed)
    tokenizer = build_tokenizer([*TEXTS, *more] * 20, size.vocabulary)
    model = build_model(tokenizer, size)
    with torch.no_grad():  # the stock init is so narrow that every answer would look alike
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.15)
    return Engine(model, build_processor(tokenizer, size), size.canvas)


def noise_film(seed: int = 0, height: int = 120, width: int = 100) -> Film:
    """A film of smooth noise."""
    rng = np.random.default_rng(seed)
    return Film(np.kron(rng.random((height // 10, width // 10)), np.ones((10, 10))).astype(np.float32))


def save_tiny(folder: Path, name: str = "somebody/tiny-mllama") -> tuple[Path, Path]:
    """A tiny base and a LoRA adapter made for it, as folders; the adapter's B is not zero, so it changes answers."""
    engine = tiny_engine()
    base, adapter = folder / "base", folder / "adapter"
    engine.model.save_pretrained(base)
    engine.processor.save_pretrained(base)
    torch.manual_seed(1)
    model = get_peft_model(
        copy.deepcopy(engine.model), LoraConfig(r=4, target_modules=ATTENTION, init_lora_weights=False)
    )
    model.peft_config["default"].base_model_name_or_path = name
    model.save_pretrained(str(adapter), save_embedding_layers=False)
    (adapter / "cxr_config.json").write_text(json.dumps({"canvas": engine.canvas}), encoding="utf-8")
    return base, adapter
