"""How many films a GPU's memory holds side by side. Knows nothing about what is asked of them."""

from typing import Any

import torch
from transformers import MllamaForConditionalGeneration

from cxr.model.fast import MANY_TOKENS

MANY = 32  # films side by side at most: weights are read once for all, and more gain little
ENCODING = 2 << 30  # bytes that the encoder takes in passing


def count_together(model: MllamaForConditionalGeneration, tiles: int) -> int:
    """Films of so many tiles side by side, the same for the same model and machine."""
    if model.device.type != "cuda":
        return MANY
    room = torch.cuda.get_device_properties(model.device).total_memory - torch.cuda.memory_allocated(model.device)
    return fit_films(room, count_film_bytes(model, tiles))


def count_film_bytes(model: MllamaForConditionalGeneration, tiles: int) -> int:
    """Bytes of keys and values of one film and of the text about it."""
    text: Any = model.config.text_config
    vision: Any = model.config.vision_config
    pair = 2 * text.num_key_value_heads * (text.hidden_size // text.num_attention_heads) * 2
    crossing = len(text.cross_attention_layers)
    patches = (vision.image_size // vision.patch_size) ** 2 + 1
    return pair * (crossing * tiles * patches + (text.num_hidden_layers - crossing) * MANY_TOKENS)


def fit_films(room: int, film: int) -> int:
    """A power of two from 1 to `MANY`: as many films as half of the room takes, less what encoding needs."""
    count = max(1, min(MANY, (room // 2 - ENCODING) // film))
    return 1 << (count.bit_length() - 1)
