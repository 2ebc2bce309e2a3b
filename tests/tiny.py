"""A tiny untrained Mllama that obeys every rule of the real one, for tests of the engine."""

from functools import cache

import numpy as np
import torch

from cxr.films.film import Film
from cxr.findings import FINDINGS
from cxr.model.engine import Engine
from cxr.prompts import ask_finding, ask_report
from cxr.training.embedded.build import Size, build_model, build_processor, build_tokenizer

TEXTS = [ask_finding(finding) + " Yes. No." for finding in FINDINGS] + [ask_report(), "Findings: There is. Impression:"]


@cache
def tiny_engine(tiles: int = 1, seed: int = 0) -> Engine:
    """56-px tiles, 3 + 1 vision layers, 4 text layers; open gates, so that the film matters."""
    size = Size(canvas=56 * (2 if tiles == 4 else 1), patch=14, vision_width=32, vision_layers=3, text_width=32, text_mlp=64,
                text_layers=4, heads=4, vocabulary=600, tiles=tiles)
    torch.manual_seed(seed)
    tokenizer = build_tokenizer(TEXTS * 20, size.vocabulary)
    model = build_model(tokenizer, size)
    with torch.no_grad():  # the stock init is so narrow that every answer would look alike
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.15)
    return Engine(model, build_processor(tokenizer, size), size.canvas)


def noise_film(seed: int = 0, height: int = 120, width: int = 100) -> Film:
    """A film of smooth noise."""
    rng = np.random.default_rng(seed)
    return Film(np.kron(rng.random((height // 10, width // 10)), np.ones((10, 10))).astype(np.float32))
