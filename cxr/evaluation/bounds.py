"""What this machine could do at best: its measured rates, and the bytes and operations that a model's steps need.

Every weight is read once a token, whatever the program; every patch and word is multiplied with every weight once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import MllamaForConditionalGeneration

SMALL, LARGE = 1 << 24, 1 << 31  # bytes that are copied, on a CPU and on a GPU
SIDES = 512, 8192  # of the matrices that are multiplied


@dataclass(frozen=True)
class Rates:
    """Measured before anything else runs."""

    bytes_a_second: float  # read and written
    operations_a_second: float


def synchronize() -> None:
    """Wait for the GPU, where there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def measure_rates(device: torch.device) -> Rates:
    """The best of several copies and of several products of square matrices, bfloat16 on a GPU."""
    large = device.type == "cuda"
    source = torch.zeros(LARGE if large else SMALL, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    copying = time_best(lambda: target.copy_(source))
    side = SIDES[large]
    one = torch.randn(side, side, device=device, dtype=torch.bfloat16 if large else torch.float32)
    into = torch.empty_like(one)
    multiplying = time_best(lambda: torch.matmul(one, one, out=into))
    return Rates(2 * source.numel() / copying, 2 * side**3 / multiplying)


def time_best(step: Callable[[], object], repeats: int = 8) -> float:
    """Seconds of the fastest of several runs after one that does not count."""
    return min(time_rounds(step, repeats))


def time_rounds(step: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of each run after one that does not count."""
    seconds = []
    for _ in range(repeats + 1):
        synchronize()
        start = time.perf_counter()
        step()
        synchronize()
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


@dataclass(frozen=True)
class Needs:
    """What a model's steps need at least. Bytes, and operations of multiplication and addition."""

    weights: int  # bytes of weights read for a token
    token: int  # bytes of keys and values of a token of text
    film: int  # bytes of keys and values of a film
    word: float  # operations for a token of text
    encode: float  # operations for a film, its keys and values included

    def decode(self, rates: Rates, tokens: int, films: int = 1) -> float:
        """Seconds for the next token after so many, for each of `films`."""
        return (self.weights + films * (self.film + tokens * self.token)) / rates.bytes_a_second

    def read(self, rates: Rates, tokens: int) -> float:
        """Seconds for so many tokens of a prompt in one pass."""
        return max(self.weights / rates.bytes_a_second, tokens * self.word / rates.operations_a_second)

    def see(self, rates: Rates) -> float:
        """Seconds to encode a film."""
        return self.encode / rates.operations_a_second


def count_needs(model: MllamaForConditionalGeneration, tiles: int) -> Needs:
    """Counted from the layers of a loaded model, for films of so many tiles that show something."""
    text: Any = model.config.text_config
    vision: Any = model.config.vision_config
    projected = [
        layer
        for name, layer in model.model.language_model.named_modules()
        if "cross_attn.k_proj" in name or "cross_attn.v_proj" in name
    ]
    running = [layer for name, layer in model.model.language_model.named_modules() if name.startswith("layers.")]
    weights = [count_bytes(layer) for layer in running if layer not in projected]
    patches = (vision.image_size // vision.patch_size) ** 2 + 1
    crossing = len(text.cross_attention_layers)
    head = text.hidden_size // text.num_attention_heads
    pair = 2 * text.num_key_value_heads * head * model.lm_head.weight.element_size()
    flow = sum(count_weights(layer) for layer in running if layer not in projected)
    seen = vision.max_num_tiles * -(-patches // 8) * 8  # padding tiles are encoded too
    layers = vision.num_hidden_layers + vision.num_global_layers
    encoder = sum(count_weights(layer) for layer in model.model.vision_model.modules())
    attention = 4 * seen**2 * vision.hidden_size * layers
    into_text = count_weights(model.model.multi_modal_projector) + sum(map(count_weights, projected))
    return Needs(
        weights=sum(weights) + count_bytes(model.lm_head),
        token=(text.num_hidden_layers - crossing) * pair,
        film=crossing * pair * tiles * patches,
        word=2.0 * flow,
        encode=2.0 * encoder * seen + attention + 2.0 * into_text * tiles * patches,
    )


def count_bytes(layer: nn.Module) -> int:
    """Bytes of a layer's own weights; 4-bit ones with their scales."""
    scales = getattr(getattr(getattr(layer, "weight", None), "quant_state", None), "absmax", None)
    own = sum(each.numel() * each.element_size() for each in layer.parameters(recurse=False))
    return own + (scales.numel() * scales.element_size() if scales is not None else 0)


def count_weights(layer: nn.Module) -> int:
    """How many weights a linear layer multiplies with; 0 for others."""
    return layer.in_features * layer.out_features if isinstance(layer, nn.Linear) else 0
