"""Where the model looked when it gave an answer: Grad-CAM and cross-attention, as grids of patches.

Both run transformers' own path, since the fast one keeps neither gradients nor attention. Knows nothing about findings.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers.models.mllama.modeling_mllama import repeat_kv

from cxr.films.film import Film, letterbox
from cxr.model.engine import Encoded, Engine
from cxr.model.grid import find_grid
from cxr.model.pixels import Tiles, cut_as_stock
from cxr.prompts import YES_NO, Message


def measure_margin(engine: Engine, encoded: Encoded, conversation: list[Message]) -> Tensor:
    """The logit of yes minus that of no as the answer, for each of the films that stand side by side in `encoded`."""
    yes, no = (engine.processor.tokenizer.encode(word, add_special_tokens=False)[0] for word in YES_NO)
    ids = torch.tensor([engine._tokenize(conversation)]).expand(len(encoded.states), -1)
    logits = engine._forward(ids, encoded, engine._new_cache(), logits_to_keep=1).logits[:, -1].float()
    return logits[:, yes] - logits[:, no]


def see(engine: Engine, tiles: Tiles) -> Tensor:
    """What the encoder gives before the projector: films x tiles x positions x width, the last global layer first."""
    vision = engine.model.model.vision_model
    seen = vision(pixel_values=tiles.pixels, aspect_ratio_ids=tiles.aspect, aspect_ratio_mask=tiles.mask)
    return seen.last_hidden_state[:, 0]


def project(engine: Engine, seen: Tensor, real: int) -> Encoded:
    """What `see` gave as the language model reads it; `real`: how many tiles show the film."""
    states = engine.model.model.multi_modal_projector(seen)
    return Encoded(states[:, :real].flatten(1, 2), real)


def draw_grad_cam(engine: Engine, film: Film, conversation: list[Message]) -> np.ndarray:
    """What each place of the encoder's last global layer added to yes against no: side x side float32, 0 and more.

    Grad-CAM with the gradient of each place and not its mean over the film, since a decoder that attends does not weigh
    all places alike; what all places share is taken out. The encoder runs again: the states that are kept of a film no
    longer hold that layer by itself. Sources: Selvaraju et al., ICCV 2017; Draelos and Carin, arXiv:2011.08891.
    """
    tiles = cut_as_stock(engine.processor, letterbox(film, engine.canvas), engine.model.device)
    width = engine.model.config.vision_config.hidden_size
    with torch.no_grad():
        seen = see(engine, tiles)
    with torch.enable_grad():
        layer = seen[..., :width].clone().requires_grad_()
        encoded = project(engine, torch.cat([layer, seen[..., width:]], -1), tiles.real)
        (slope,) = torch.autograd.grad(measure_margin(engine, encoded, conversation).sum(), layer)
    own = layer.detach()[0, : tiles.real].float()
    told = ((own - own.mean((0, 1))) * slope[0, : tiles.real].float()).sum(-1)
    return to_numbers(find_grid(engine, encoded).arrange(told.flatten()).relu())


def draw_attention(engine: Engine, encoded: Encoded, ids: Sequence[int], last: int = 1) -> np.ndarray:
    """How much the last `last` tokens of a text attend to each patch: mean of them, of heads and of layers.

    `ids`: the text, with the film in it. Returns side x side float32, 0 and more.
    """
    with torch.no_grad():
        asked = torch.tensor([list(ids)]), encoded, engine._new_cache()
        output = engine._forward(*asked, logits_to_keep=1, output_hidden_states=True)
        states = encoded.states.to(engine.model.device, engine.model.dtype)
        text = engine.model.model.language_model
        read = [
            _attend(text.layers[i], output.hidden_states[i][:, -last:], states)
            for i in text.config.cross_attention_layers
        ]
    return to_numbers(find_grid(engine, encoded).arrange(torch.stack(read).mean(0)))


def _attend(layer: Any, hidden: Tensor, states: Tensor) -> Tensor:
    """The attention of one layer from `hidden` (1 x tokens x hidden) to every position, mean of heads and tokens."""
    cross = layer.cross_attn
    queries = cross.q_proj(layer.input_layernorm(hidden)).unflatten(-1, (cross.num_heads, -1)).transpose(1, 2)
    keys = cross.k_proj(states).unflatten(-1, (cross.num_key_value_heads, -1)).transpose(1, 2)
    keys = repeat_kv(cross.k_norm(keys), cross.num_key_value_groups)
    scores = cross.q_norm(queries).float() @ keys.float().transpose(2, 3) * cross.scaling
    return scores.softmax(-1).mean((0, 1, 2))


def to_numbers(values: Tensor) -> np.ndarray:
    """The same on the CPU as float32."""
    return np.asarray(values.float().cpu().numpy())
