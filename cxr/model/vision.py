"""The vision encoder with attention that needs no mask: the same sums as transformers' own, faster.

Mllama's mask forbids padding to see padding and nothing else; a patch of the film sees everything. So all may attend
without a mask, which the fastest kernels want, if the few rows of padding are then computed again over the film's own
patches. Knows nothing about text.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.attention import sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from transformers.models.mllama.modeling_mllama import MllamaModel, MllamaVisionEncoderLayer

from cxr.model.decoder import BACKENDS
from cxr.model.joint import Joint

MULTIPLE = 8  # a tile's positions are padded to a multiple of it, as in transformers


@dataclass(frozen=True)
class Layout:
    """How tiles stand in the encoder's sequence: `tiles` of `padded` positions, of which some show nothing."""

    tiles: int
    real: int  # tiles that show the film; they come first
    patches: int  # of a tile, the class token included; the rest up to `padded` is padding
    device: torch.device

    @property
    def padded(self) -> int:
        """Positions of a tile."""
        return -(-self.patches // MULTIPLE) * MULTIPLE

    def find_padding(self) -> Tensor:
        """Where padding stands."""
        place = torch.arange(self.tiles * self.padded)
        own = (place % self.padded < self.patches) & (place < self.real * self.padded)
        return (~own).nonzero()[:, 0].to(self.device)

    def take_own(self, positions: Tensor) -> Tensor:
        """The film's own, along the last but one dimension; by slices, since an index of places takes longer."""
        tiled = positions.unflatten(-2, (self.tiles, self.padded))
        return tiled[..., : self.real, : self.patches, :].flatten(-3, -2)


class Layer:
    """One encoder layer, its projections joint."""

    def __init__(self, layer: MllamaVisionEncoderLayer) -> None:
        self.layer, self.attention = layer, layer.self_attn
        self.qkv = Joint([self.attention.q_proj, self.attention.k_proj, self.attention.v_proj])

    def __call__(self, hidden: Tensor, layout: Layout, padding: Tensor) -> Tensor:
        """films x positions x width -> the same."""
        layer = self.layer
        joint = self.qkv(layer.input_layernorm(hidden)).unflatten(-1, (3, self.attention.num_heads, -1))
        queries, keys, values = joint.permute(2, 0, 3, 1, 4)
        read = scaled_dot_product_attention(queries, keys, values)
        # Padding again, now without seeing padding.
        own = layout.take_own(keys), layout.take_own(values)
        read.index_copy_(2, padding, scaled_dot_product_attention(queries[:, :, padding], *own))
        more = self.attention.o_proj(read.transpose(1, 2).flatten(2))
        hidden = hidden + (layer.gate_attn.tanh() * more if layer.is_gated else more)
        more = layer.mlp(layer.post_attention_layernorm(hidden))
        return hidden + (layer.gate_ffn.tanh() * more if layer.is_gated else more)


class Vision:
    """A loaded Mllama's vision encoder and projector. Makes joint weights of it; the model itself keeps working."""

    def __init__(self, core: MllamaModel) -> None:
        self.model, self.projector = core.vision_model, core.multi_modal_projector
        self.local = [Layer(layer) for layer in self.model.transformer.layers]
        self.whole = [Layer(layer) for layer in self.model.global_transformer.layers]
        if not self.model.num_patches % MULTIPLE:
            raise ValueError("a tile without padding is masked wholly by transformers")

    @torch.inference_mode()
    def encode(self, pixels: Tensor, aspect: Tensor, real: int) -> Tensor:
        """The states of films that are cut alike, films x (real tiles * patches) x hidden.

        `pixels`: films x 1 x tiles x 3 x side x side, as the processor makes them; `aspect`: their aspect_ratio_ids.
        """
        model, (films, _, tiles) = self.model, pixels.shape[:3]
        weight, aspect = model.patch_embedding.weight, aspect.expand(films, 1)
        hidden = model.patch_embedding(pixels.flatten(0, 2).to(weight.device, weight.dtype)).flatten(2).transpose(1, 2)
        hidden = model.pre_tile_positional_embedding(hidden.unflatten(0, (films, tiles)), aspect)
        hidden = model.apply_class_embedding(hidden.flatten(0, 1)).unflatten(0, (films, tiles))
        hidden = model.layernorm_pre(model.gated_positional_embedding(hidden, aspect))
        layout = Layout(tiles, real, model.num_patches, hidden.device)
        padding = layout.find_padding()
        hidden = nn.functional.pad(hidden, (0, 0, 0, layout.padded - layout.patches)).flatten(1, 2)
        kept: dict[int, Tensor] = {}
        with sdpa_kernel(BACKENDS):
            for i, layer in enumerate(self.local):
                hidden = layer(hidden, layout, padding)
                if i in model.intermediate_layers_indices:
                    kept[i] = hidden
            hidden = model.layernorm_post(hidden).unflatten(1, (tiles, -1))
            hidden = model.post_tile_positional_embedding(hidden, aspect).flatten(1, 2)
            for layer in self.whole:
                hidden = layer(hidden, layout, padding)
        between = torch.stack([kept[i] for i in model.intermediate_layers_indices], -1).flatten(-2)
        seen = layout.take_own(torch.cat([hidden, between], -1))
        return self.projector(seen)
