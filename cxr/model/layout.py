"""What the fast path reads of transformers' Mllama, by name; where a part is missing, the fast path is not for it.

Looked at before anything is built, so that an AttributeError later on is a fault of ours and is raised as one.
"""

from collections.abc import Sequence
from operator import attrgetter

from torch import nn
from transformers import MllamaForConditionalGeneration
from transformers.models.mllama.modeling_mllama import MllamaCrossAttentionDecoderLayer

OF_MODEL = (
    *("lm_head", "model.multi_modal_projector", "model.language_model.embed_tokens", "model.language_model.rotary_emb"),
    *("model.language_model.norm.variance_epsilon", "model.language_model.layers"),
    *("model.vision_model.transformer.layers", "model.vision_model.global_transformer.layers"),
    *(f"model.vision_model.{part}" for part in ("patch_embedding.weight", "layernorm_pre", "layernorm_post")),
    *(f"model.vision_model.{part}" for part in ("apply_class_embedding", "num_patches", "intermediate_layers_indices")),
    *(f"model.vision_model.{place}_tile_positional_embedding" for place in ("pre", "post")),
    "model.vision_model.gated_positional_embedding",
)
OF_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
OF_TEXT = ("input_layernorm", "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
OF_SELF = (*OF_TEXT, *(f"self_attn.{name}" for name in OF_ATTENTION))
OF_CROSS = (
    *(*OF_TEXT, "cross_attn_attn_gate", "cross_attn_mlp_gate"),
    *(f"cross_attn.{name}" for name in (*OF_ATTENTION, "q_norm", "k_norm")),
)
OF_EYE = ("input_layernorm", "post_attention_layernorm", "mlp", "is_gated", "self_attn.num_heads")


def check_layout(model: MllamaForConditionalGeneration) -> None:
    """See that transformers' Mllama has all parts that the fast path reads.

    Raises:
        NotImplementedError: it lacks one, and which.
    """
    _find_parts(model, OF_MODEL)
    text, eye = model.model.language_model, model.model.vision_model
    for layer in text.layers:
        _find_parts(layer, OF_CROSS if isinstance(layer, MllamaCrossAttentionDecoderLayer) else OF_SELF)
    for layer in (*eye.transformer.layers, *eye.global_transformer.layers):
        _find_parts(layer, (*OF_EYE, *(f"self_attn.{name}" for name in OF_ATTENTION)))


def _find_parts(of: nn.Module, names: Sequence[str]) -> None:
    for name in names:
        try:
            attrgetter(name)(of)
        except AttributeError:
            raise NotImplementedError(f"transformers' {type(of).__name__} has no {name}") from None
