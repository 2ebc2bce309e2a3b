"""The language model over a cache of fixed size: the same sums as transformers' own, in a third of the kernels.

One token of an 11B is bound by reading its weights, if only few kernels stand between the large ones. So norms are
fused, projections of one input are joint, residuals are added by the multiplication, grouped heads share their keys
without a copy, and nothing here looks at a value on the host: a step can be recorded as a CUDA graph. Weights are those
of the loaded model. `tests/model/test_fast.py` holds it equal to transformers' own forward.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import MllamaForConditionalGeneration
from transformers.models.mllama.modeling_mllama import (
    MllamaCrossAttentionDecoderLayer,
    MllamaSelfAttentionDecoderLayer,
    MllamaTextMLP,
    MllamaTextRMSNorm,
)

from cxr.model.joint import Joint

# Not cuDNN: it plans anew for every length, which the first visitor with a question of that length would wait for.
BACKENDS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


def normalize(norm: MllamaTextRMSNorm, inputs: Tensor) -> Tensor:
    """The root-mean-square norm in one kernel."""
    return nn.functional.rms_norm(inputs, norm.weight.shape, norm.weight, norm.variance_epsilon)


@dataclass(frozen=True)
class Heads:
    """How attention is divided: `queries` heads, in groups that share one of `kept` heads of keys and values."""

    queries: int
    kept: int

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """A group's heads become further queries of one: batch x tokens x heads x width -> batch x tokens x hidden."""
        batch, tokens = queries.shape[:2]
        grouped = queries.unflatten(2, (self.kept, -1)).permute(0, 2, 3, 1, 4).flatten(2, 3)
        if mask is not None:
            mask = mask.expand(batch, self.kept, -1, -1)
        read = nn.functional.scaled_dot_product_attention(grouped, keys, values, attn_mask=mask)
        return read.unflatten(2, (-1, tokens)).permute(0, 3, 1, 2, 4).reshape(batch, tokens, -1)


class Mlp:
    """down(silu(gate) * up)."""

    def __init__(self, mlp: MllamaTextMLP) -> None:
        self.both, self.down = Joint([mlp.gate_proj, mlp.up_proj]), Joint([mlp.down_proj])

    def inner(self, inputs: Tensor) -> Tensor:
        """What the down projection reads."""
        gate, up = self.both(inputs).chunk(2, -1)
        return nn.functional.silu(gate).mul_(up)


class SelfLayer:
    """Text attends to the text before it."""

    def __init__(self, layer: MllamaSelfAttentionDecoderLayer, heads: Heads) -> None:
        attention = layer.self_attn
        self.heads, self.mlp = heads, Mlp(layer.mlp)
        self.before, self.between = layer.input_layernorm, layer.post_attention_layernorm
        self.qkv = Joint([attention.q_proj, attention.k_proj, attention.v_proj])
        self.out = Joint([attention.o_proj])

    def __call__(
        self, hidden: Tensor, cache: Tensor, turn: tuple[Tensor, Tensor], slots: Tensor, mask: Tensor
    ) -> Tensor:
        """`cache`: 2 x batch x kv heads x capacity x width, into whose `slots` keys and values are written."""
        heads, kept = self.heads.queries, self.heads.kept
        joint = self.qkv(normalize(self.before, hidden)).unflatten(-1, (heads + 2 * kept, -1))
        turned, values = joint[:, :, : heads + kept], joint[:, :, heads + kept :]
        cos, sin = turn
        turned = torch.addcmul(turned * cos, turned.roll(cos.shape[-1] // 2, -1), sin)
        cache[0].index_copy_(2, slots, turned[:, :, heads:].transpose(1, 2))
        cache[1].index_copy_(2, slots, values.transpose(1, 2))
        window = mask.shape[-1]
        keys, seen = cache[0, :, :, :window], cache[1, :, :, :window]
        hidden = self.out.add_to(hidden, self.heads.attend(turned[:, :, :heads], keys, seen, mask))
        return self.mlp.down.add_to(hidden, self.mlp.inner(normalize(self.between, hidden)))


class CrossLayer:
    """Text attends to the film."""

    def __init__(self, layer: MllamaCrossAttentionDecoderLayer, heads: Heads) -> None:
        attention = layer.cross_attn
        self.heads, self.mlp, self.attention = heads, Mlp(layer.mlp), attention
        self.before, self.between = layer.input_layernorm, layer.post_attention_layernorm
        self.query, self.out = Joint([attention.q_proj]), Joint([attention.o_proj])
        self.gates = layer.cross_attn_attn_gate.data.tanh(), layer.cross_attn_mlp_gate.data.tanh()

    def project(self, states: Tensor, into: Tensor) -> None:
        """Write a film's keys and values: films x positions x hidden -> 2 x films x kv heads x positions x width."""
        split = (self.heads.kept, -1)
        keys = normalize(self.attention.k_norm, self.attention.k_proj(states).unflatten(-1, split))
        into[0].copy_(keys.transpose(1, 2))
        into[1].copy_(self.attention.v_proj(states).unflatten(-1, split).transpose(1, 2))

    def __call__(self, hidden: Tensor, film: Tensor, sees: Tensor | None) -> Tensor:
        """`sees`: tokens x 1, 0 where the film has not come yet; None where it has for all."""
        queries = self.query(normalize(self.before, hidden)).unflatten(-1, (self.heads.queries, -1))
        read = self.heads.attend(normalize(self.attention.q_norm, queries), film[0], film[1], None)
        hidden = torch.addcmul(hidden, self.gates[0], self.out(read))
        more = self.mlp.down(self.mlp.inner(normalize(self.between, hidden)))
        return torch.addcmul(hidden, self.gates[1], more if sees is None else more * sees)


class Decoder:
    """A loaded Mllama's language model. Makes joint weights of it; the model itself keeps working."""

    def __init__(self, model: MllamaForConditionalGeneration) -> None:
        text = model.model.language_model
        if text.config.hidden_act != "silu":
            raise NotImplementedError(f"made for silu, not for {text.config.hidden_act}")
        self.embed, self.rotary, self.norm, self.head = text.embed_tokens, text.rotary_emb, text.norm, model.lm_head
        self.heads = Heads(text.config.num_attention_heads, text.config.num_key_value_heads)
        self.width = text.config.hidden_size // self.heads.queries
        crossing = [isinstance(layer, MllamaCrossAttentionDecoderLayer) for layer in text.layers]
        self.layers = [
            CrossLayer(layer, self.heads) if cross else SelfLayer(layer, self.heads)
            for layer, cross in zip(text.layers, crossing, strict=True)
        ]
        self.self_layers, self.cross_layers = crossing.count(False), crossing.count(True)
        self.device, self.dtype = model.device, text.norm.weight.dtype

    def project(self, states: Tensor, film: Tensor) -> None:
        """`film`: cross layers x 2 x films x kv heads x positions x width, written from films x positions x hidden."""
        crossing = [layer for layer in self.layers if isinstance(layer, CrossLayer)]
        for layer, into in zip(crossing, film, strict=True):
            layer.project(states, into)

    def run(
        self,
        ids: Tensor,
        positions: Tensor,
        slots: Tensor,
        mask: Tensor,
        cache: Tensor,
        film: Tensor,
        sees: Tensor | None,
    ) -> Tensor:
        """Hidden states of `ids` (batch x tokens), normed, batch x tokens x hidden.

        `positions` and `slots`: where each token stands in its text and in the cache, the same for all of the batch.
        `mask`: tokens x window, added to the scores. `cache`: self layers x 2 x batch x kv heads x capacity x width.
        """
        hidden = self.embed(ids)
        cos, sin = self.rotary(hidden, positions[None])
        half = self.width // 2
        turn = cos[0, :, None], torch.cat([-sin[0, :, None, :half], sin[0, :, None, half:]], -1)
        # The heads of a group stand one after the other.
        mask = mask.repeat(self.heads.queries // self.heads.kept, 1)[None, None]
        caches, films = iter(cache), iter(film)
        with sdpa_kernel(BACKENDS):
            for layer in self.layers:
                if isinstance(layer, CrossLayer):
                    hidden = layer(hidden, next(films), sees)
                else:
                    hidden = layer(hidden, next(caches), turn, slots, mask)
        return normalize(self.norm, hidden)
