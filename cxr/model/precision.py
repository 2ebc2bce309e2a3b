"""In which numbers the weights are held on this machine. Knows nothing about which weights."""

import torch
from transformers import BitsAndBytesConfig

from cxr.results import CxrError

PRECISIONS = ("bf16", "4bit", "float32")
BF16_BYTES = 32 << 30  # free GPU memory from which the 11B runs in bf16: 20 GiB of weights, caches and room


def choose_precision() -> str:
    """ "bf16" from 32 GiB of free GPU memory, "4bit" below, "float32" without a GPU (bf16 is 5 times slower there)."""
    if not torch.cuda.is_available():
        return "float32"
    return "bf16" if torch.cuda.mem_get_info()[0] >= BF16_BYTES else "4bit"


def check_precision(precision: str) -> str:
    """The same, if it is one and can be had here.

    Raises:
        CxrError: it cannot.
    """
    if precision not in PRECISIONS:
        raise CxrError(f"The precision must be one of {', '.join(PRECISIONS)}, not {precision}.")
    if precision != "float32" and not torch.cuda.is_available():
        raise CxrError(f"The precision {precision} needs a GPU, and there is none here.")
    return precision


def quantize_nf4() -> BitsAndBytesConfig:
    """NF4 with double quantisation (arXiv:2305.14314).

    Left alone are the output layer and the projector, as by Unsloth, so that an adapter is served on the weights it
    was trained on: with the projector quantised, answers' logits differed by 12 % after training by Unsloth.
    """
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=["lm_head", "multi_modal_projector"],
    )
