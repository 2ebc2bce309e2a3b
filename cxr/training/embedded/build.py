"""A small Mllama from nothing: tokenizer, processor and untrained weights. Knows nothing about films or data.

The parts are those of Llama 3.2 Vision (gates, intermediate layers, cross-attention, `<|image|>` just past the
vocabulary), so the code that serves the 11B serves this one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn
from transformers import MllamaConfig, MllamaForConditionalGeneration, MllamaProcessor, PreTrainedTokenizerFast
from transformers.models.mllama.configuration_mllama import MllamaTextConfig, MllamaVisionConfig
from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil
from transformers.models.mllama.modeling_mllama import (
    MllamaCrossAttentionDecoderLayer,
    MllamaSelfAttentionDecoderLayer,
    MllamaVisionEncoderLayer,
)

BEGIN, END, PAD, IMAGE = "<|begin_of_text|>", "<|eot_id|>", "<|finetune_right_pad_id|>", "<|image|>"
LAYERS = (MllamaVisionEncoderLayer, MllamaSelfAttentionDecoderLayer, MllamaCrossAttentionDecoderLayer)
SPECIALS = (BEGIN, "<|end_of_text|>", PAD, "<|start_header_id|>", "<|end_header_id|>", END)

# The form of Llama 3.2's own template for conversations with a picture and no system message.
CHAT_TEMPLATE = """{{- bos_token }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}
    {%- for part in message['content'] %}
        {%- if part['type'] == 'image' %}{{- '<|image|>' }}{%- else %}{{- part['text'] }}{%- endif %}
    {%- endfor %}
    {{- '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""


@dataclass(frozen=True)
class Size:
    """How large a model to build; the defaults are the embedded model's (10.5 million parameters)."""

    canvas: int = 288  # px
    patch: int = 12  # px
    vision_width: int = 256
    vision_layers: int = 7
    text_width: int = 256
    text_mlp: int = 384
    text_layers: int = 6  # every second one is a cross-attention layer
    heads: int = 8
    vocabulary: int = 1024
    tiles: int = 1


def build_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE learnt from `texts`; special tokens come last and `<|image|>` is just past the vocabulary."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(SPECIALS), show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    core.train_from_iterator(texts, trainer)
    spare = vocabulary - len(SPECIALS) - core.get_vocab_size()
    core.add_special_tokens([f"<|reserved_special_token_{i}|>" for i in range(spare)] + [*SPECIALS, IMAGE])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        model_input_names=["input_ids", "attention_mask"],
        chat_template=CHAT_TEMPLATE,
    )


def build_processor(tokenizer: PreTrainedTokenizerFast, size: Size) -> MllamaProcessor:
    """The processor of one square canvas, without torchvision."""
    side = size.canvas // (2 if size.tiles == 4 else 1)
    images = MllamaImageProcessorPil(size={"height": side, "width": side}, max_image_tiles=size.tiles)
    return MllamaProcessor(image_processor=images, tokenizer=tokenizer, chat_template=CHAT_TEMPLATE)


def build_model(tokenizer: PreTrainedTokenizerFast, size: Size) -> MllamaForConditionalGeneration:
    """Untrained float32 weights by torch's current seed."""
    model = MllamaForConditionalGeneration(build_config(tokenizer, size))
    open_gates(model)
    config = model.generation_config
    config.bos_token_id, config.eos_token_id, config.pad_token_id = (
        tokenizer.bos_token_id,
        tokenizer.eos_token_id,
        tokenizer.pad_token_id,
    )
    return model


def open_gates(model: nn.Module) -> None:
    """Gates of 1. The stock ones are 0: the film would have no effect at first, and LoRA on q, k, v, o no gradient."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("cross_attn_attn_gate", "cross_attn_mlp_gate", "gate_attn", "gate_ffn")):
                parameter.fill_(1.0)


def fuse(model: nn.Module) -> None:
    """Compile the layers of a Mllama: in a small one, what lies between the products costs as much as they do.

    Layer by layer, since all of a kind then share one compilation.
    """
    for module in model.modules():
        if isinstance(module, LAYERS):
            module.compile(dynamic=False)


def build_config(tokenizer: PreTrainedTokenizerFast, size: Size) -> MllamaConfig:
    """The sizes as Mllama names them."""
    vision = build_vision_config(size)
    text = MllamaTextConfig(
        vocab_size=size.vocabulary,
        hidden_size=size.text_width,
        intermediate_size=size.text_mlp,
        num_hidden_layers=size.text_layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads // 2,
        max_position_embeddings=2048,
        cross_attention_layers=list(range(1, size.text_layers, 2)),
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return MllamaConfig(vision_config=vision, text_config=text, image_token_index=size.vocabulary)


def build_vision_config(size: Size) -> MllamaVisionConfig:
    """The encoder's part of them."""
    kept = [size.vision_layers // 3, 2 * size.vision_layers // 3]  # encoder layers shown to the text beside the last
    ratios = [[1, 1]] if size.tiles == 1 else [[1, 1], [1, 2], [1, 3], [1, 4], [2, 1], [2, 2], [3, 1], [4, 1]]
    return MllamaVisionConfig(
        hidden_size=size.vision_width,
        intermediate_size=4 * size.vision_width,
        num_hidden_layers=size.vision_layers,
        num_global_layers=1,
        attention_heads=size.heads,
        image_size=size.canvas // (2 if size.tiles == 4 else 1),
        patch_size=size.patch,
        max_num_tiles=size.tiles,
        intermediate_layers_indices=kept,
        vision_output_dim=size.vision_width * (1 + len(kept)),
        supported_aspect_ratios=ratios,
    )
