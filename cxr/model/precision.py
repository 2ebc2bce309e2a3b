"""In which numbers weights are held on this machine, and whether it can hold them. Knows nothing about which weights.

The card's figures are asked for in one place, so all that is decided from them can be tried without a card.
"""

from dataclasses import dataclass

import torch
from transformers import BitsAndBytesConfig

from cxr.results import CxrError

PRECISIONS = ("bf16", "4bit", "float32")
BF16_BYTES = 32 << 30  # free GPU memory from which the 11B runs in bf16: 20 GiB of weights, caches and room
FOUR_BIT_BYTES = 10 << 30  # free; measured 9.0 GiB reserved with 4 tiles, a report and 5 turns (docs/performance.md)
SMALLEST_BYTES = 14 << 30  # of a card that is sold as 16 GB, of which 14.6 GiB and more are told
NATIVE = 8, 0  # compute capability (Ampere) from which a GPU computes in bfloat16 by itself


@dataclass(frozen=True)
class Card:
    """A GPU: its name, free and whole memory in bytes, and its compute capability."""

    name: str
    free: int
    total: int
    capability: tuple[int, int]

    @property
    def native(self) -> bool:
        """Whether it computes in bfloat16 by itself."""
        return self.capability >= NATIVE


def find_card() -> Card | None:
    """The GPU of this process, if there is one."""
    if not torch.cuda.is_available():
        return None
    free, total = torch.cuda.mem_get_info()
    return Card(torch.cuda.get_device_name(), free, total, torch.cuda.get_device_capability())


def choose_precision(card: Card | None) -> str:
    """ "bf16" from 32 GiB of free GPU memory, "4bit" below or where bf16 is not native, "float32" without a GPU.

    (On a CPU bf16 is 5 times slower.)
    """
    if card is None:
        return "float32"
    return "bf16" if card.native and card.free >= BF16_BYTES else "4bit"


def choose_compute(card: Card | None, precision: str) -> torch.dtype:
    """The numbers in which is computed: float16 beside 4-bit weights where bfloat16 is not native."""
    if precision == "float32":
        return torch.float32
    return torch.bfloat16 if card is None or card.native else torch.float16


def check_precision(precision: str, card: Card | None) -> str:
    """The same, if it is one and can be had on this card.

    Raises:
        CxrError: it cannot.
    """
    if precision not in PRECISIONS:
        raise CxrError(f"The precision must be one of {', '.join(PRECISIONS)}, not {precision}.")
    if precision != "float32" and card is None:
        raise CxrError(f"The precision {precision} needs a GPU, and there is none here.")
    if precision == "bf16" and card and not card.native:
        raise CxrError(f"The precision bf16 needs a GPU that computes in it, Ampere or later; on {card.name} use 4bit.")
    return precision


def check_room(base: str, precision: str, card: Card | None) -> None:
    """Refuse to load the 11B where it does not fit, before it is fetched.

    Raises:
        CxrError: which is the smallest card that works.
    """
    if card is None:
        raise CxrError(f"{base} needs a GPU of 16 GB or more, and there is none here.")
    if card.total < SMALLEST_BYTES:
        raise CxrError(f"{base} needs a GPU of 16 GB or more; {card.name} has {tell_gib(card.total)}.")
    needed = {"bf16": BF16_BYTES * 3 // 4, "4bit": FOUR_BIT_BYTES, "float32": 2 * BF16_BYTES}[precision]
    if card.free < needed:
        raise CxrError(
            f"{base} in {precision} needs {tell_gib(needed)} of free GPU memory; {card.name} has {tell_gib(card.free)} "
            f"free of {tell_gib(card.total)}. The smallest card that works is one of 16 GB with nothing else on it."
        )


def tell_gib(count: int) -> str:
    """Bytes in words."""
    return f"{count / 2**30:.0f} GiB"


def quantize_nf4(compute: torch.dtype = torch.bfloat16) -> BitsAndBytesConfig:
    """NF4 with double quantisation (arXiv:2305.14314).

    Left alone are the output layer and the projector, as by Unsloth, so that an adapter is served on the weights it
    was trained on: with the projector quantised, answers' logits differed by 12 % after training by Unsloth.
    """
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
        llm_int8_skip_modules=["lm_head", "multi_modal_projector"],
    )
