"""The vision encoder with attention that needs no mask: the same sums as transformers' own, faster.

Mllama's mask forbids padding to see padding and nothing else; a patch of the film sees everything. Where a row stands
does not matter to attention, so the film's own rows stand first and padding last: then both are slices without copies,
own rows attend to all rows and padding to the own ones, and neither needs a mask, which the fastest kernels want. Knows
nothing about text.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from transformers.models.mllama.modeling_mllama import MllamaModel, MllamaVisionEncoderLayer

from cxr.model.decoder import BACKENDS
from cxr.model.joint import Joint

logger = logging.getLogger(__name__)

LONG = 4096  # rows of a film from which `choose_long`'s kernels serve
MULTIPLE = 8  # a tile's positions are padded to a multiple of it, as in transformers


@dataclass(frozen=True)
class Layout:
    """How a film's tiles become rows: `tiles` of `padded` positions, of which some show nothing."""

    tiles: int
    real: int  # tiles that show the film; they come first
    patches: int  # of a tile, the class token included; the rest up to `padded` is padding
    device: torch.device

    @property
    def padded(self) -> int:
        """Positions of a tile."""
        return -(-self.patches // MULTIPLE) * MULTIPLE

    @property
    def own(self) -> int:
        """Rows that show the film."""
        return self.real * self.patches

    def order(self) -> Tensor:
        """Which position stands in each row: the film's own, tile by tile, then padding."""
        place = torch.arange(self.tiles * self.padded)
        own = (place % self.padded < self.patches) & (place < self.real * self.padded)
        return torch.cat([place[own], place[~own]]).to(self.device)


class Layer:
    """One encoder layer, its projections joint."""

    def __init__(self, layer: MllamaVisionEncoderLayer) -> None:
        self.layer, self.attention = layer, layer.self_attn
        self.qkv = Joint([self.attention.q_proj, self.attention.k_proj, self.attention.v_proj])

    def __call__(self, hidden: Tensor, own: int, last: bool = False) -> Tensor:
        """films x rows x width -> the same, or films x own x width of the `last`, after which padding is dropped."""
        layer = self.layer
        joint = self.qkv(layer.input_layernorm(hidden)).unflatten(-1, (3, self.attention.num_heads, -1))
        queries, keys, values = joint.permute(2, 0, 3, 1, 4)
        read = [scaled_dot_product_attention(queries[:, :, :own], keys, values)]
        if last:
            hidden = hidden[:, :own]
        elif own < hidden.shape[1]:  # padding does not see padding
            seen = keys[:, :, :own], values[:, :, :own]
            read.append(scaled_dot_product_attention(queries[:, :, own:], *seen))
        more = self.attention.o_proj(torch.cat([each.transpose(1, 2) for each in read], 1).flatten(2))
        hidden = hidden + (layer.gate_attn.tanh() * more if layer.is_gated else more)
        more = layer.mlp(layer.post_attention_layernorm(hidden))
        return hidden + (layer.gate_ffn.tanh() * more if layer.is_gated else more)


def choose_long(device: torch.device) -> list[SDPBackend]:
    """The kernels of attention for one film of many rows; nothing where those for all films serve it as well.

    On Hopper cards cuDNN's takes a seventh less time than flash attention (`python -m cxr.evaluation.encoder`), and of
    few rows more. Elsewhere it was not measured here; on newer cards others found it slower (transformers, pull request
    48163). PyTorch leaves it off before CUDA 12.9.
    """
    hopper = device.type == "cuda" and torch.cuda.get_device_capability(device) == (9, 0)
    recent = tuple(map(int, (torch.version.cuda or "0").split(".")[:2])) >= (12, 9)
    return [SDPBackend.CUDNN_ATTENTION, *BACKENDS] if hopper and recent else []


class Vision:
    """A loaded Mllama's vision encoder and projector. Makes joint weights of it; the model itself keeps working."""

    def __init__(self, core: MllamaModel, backends: Sequence[SDPBackend] | None = None) -> None:
        """`backends`: kernels of attention, the fastest first; None: those that suit card and film."""
        self.model, self.projector, self.backends = core.vision_model, core.multi_modal_projector, backends or BACKENDS
        self.long = [] if backends else choose_long(core.device)
        self.local = [Layer(layer) for layer in self.model.transformer.layers]
        self.whole = [Layer(layer) for layer in self.model.global_transformer.layers]
        if not self.model.num_patches % MULTIPLE:
            raise NotImplementedError("a tile without padding is masked wholly by transformers")

    def encode(self, pixels: Tensor, aspect: Tensor, real: int) -> Tensor:
        """The states of films that are cut alike, films x (real tiles * patches) x hidden.

        `pixels`: films x 1 x tiles x 3 x side x side, as the processor makes them; `aspect`: their aspect_ratio_ids.
        """
        if self.long and len(pixels) == 1 and pixels.shape[2] * self.model.num_patches >= LONG:
            try:  # one film alone, the shape that is planned for when the program starts: cuDNN plans for each anew
                return self._encode(pixels, aspect, real, self.long)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:  # a plan that cannot be made
                logger.warning("films are encoded by another kernel (%s)", (str(error).splitlines() or [""])[0])
                self.long = []
        return self._encode(pixels, aspect, real, self.backends)

    @torch.inference_mode()
    def _encode(self, pixels: Tensor, aspect: Tensor, real: int, kernels: Sequence[SDPBackend]) -> Tensor:
        model, (films, _, tiles) = self.model, pixels.shape[:3]
        weight, aspect = model.patch_embedding.weight, aspect.expand(films, 1)
        hidden = model.patch_embedding(pixels.flatten(0, 2).to(weight.device, weight.dtype)).flatten(2).transpose(1, 2)
        hidden = model.pre_tile_positional_embedding(hidden.unflatten(0, (films, tiles)), aspect)
        hidden = model.apply_class_embedding(hidden.flatten(0, 1)).unflatten(0, (films, tiles))
        hidden = model.layernorm_pre(model.gated_positional_embedding(hidden, aspect))
        layout = Layout(tiles, real, model.num_patches, hidden.device)
        order, own = layout.order(), layout.own
        hidden = nn.functional.pad(hidden, (0, 0, 0, layout.padded - layout.patches)).flatten(1, 2)[:, order]
        kept: dict[int, Tensor] = {}
        with sdpa_kernel(list(kernels), set_priority=True):
            for i, layer in enumerate(self.local):
                hidden = layer(hidden, own)
                if i in model.intermediate_layers_indices:
                    kept[i] = hidden[:, :own]
            nothing = hidden.new_zeros(films, tiles, 1, hidden.shape[-1])
            of_tile = model.post_tile_positional_embedding(nothing, aspect)[:, order // layout.padded, 0]
            hidden = model.layernorm_post(hidden) + of_tile
            for layer in self.whole:
                hidden = layer(hidden, own, last=layer is self.whole[-1])
        between = torch.stack([kept[i] for i in model.intermediate_layers_indices], -1).flatten(-2)
        return self.projector(torch.cat([hidden[:, :own], between], -1))
