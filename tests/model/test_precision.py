"""What a machine can hold is decided from its figures alone."""

import pytest
import torch

from cxr.model.precision import Card, check_precision, check_room, choose_compute, choose_precision, quantize_nf4
from cxr.results import CxrError

GIB = 1 << 30
T4 = Card("Tesla T4", int(14.4 * GIB), int(14.6 * GIB), (7, 5))
RTX_3060 = Card("NVIDIA GeForce RTX 3060", 11 * GIB, 12 * GIB, (8, 6))
QUADRO = Card("Quadro RTX 8000", 44 * GIB, 45 * GIB, (7, 5))
H100 = Card("NVIDIA H100", 78 * GIB, 79 * GIB, (9, 0))


def with_free(card: Card, free: float) -> Card:
    return Card(card.name, int(free * GIB), card.total, card.capability)


@pytest.mark.parametrize(
    ("card", "precision", "compute"),
    [
        (None, "float32", torch.float32),
        (H100, "bf16", torch.bfloat16),
        (with_free(H100, 32), "bf16", torch.bfloat16),
        (with_free(H100, 31.9), "4bit", torch.bfloat16),
        (T4, "4bit", torch.float16),
        (QUADRO, "4bit", torch.float16),  # has the memory, but does not compute in bf16 by itself
    ],
)
def test_numbers_are_chosen_by_free_memory_and_by_what_is_native(
    card: Card | None, precision: str, compute: torch.dtype
) -> None:
    assert choose_precision(card) == precision and choose_compute(card, precision) == compute
    assert check_precision(precision, card) == precision
    assert quantize_nf4(compute).bnb_4bit_compute_dtype == compute


def test_what_cannot_be_had_is_a_sentence() -> None:
    with pytest.raises(CxrError, match="must be one of bf16, 4bit, float32, not int8"):
        check_precision("int8", H100)
    with pytest.raises(CxrError, match="4bit needs a GPU, and there is none here"):
        check_precision("4bit", None)
    with pytest.raises(CxrError, match="bf16 needs a GPU that computes in it, Ampere or later; on Tesla T4 use 4bit"):
        check_precision("bf16", T4)


def test_the_smallest_card_that_works_is_named() -> None:
    for card, precision in ((T4, "4bit"), (H100, "bf16"), (with_free(H100, 10), "4bit")):
        check_room("the 11B", precision, card)
    with pytest.raises(CxrError, match="needs a GPU of 16 GB or more; NVIDIA GeForce RTX 3060 has 12 GiB"):
        check_room("the 11B", "4bit", RTX_3060)
    with pytest.raises(CxrError, match="needs a GPU of 16 GB or more, and there is none here"):
        check_room("the 11B", "4bit", None)
    with pytest.raises(
        CxrError, match=r"4bit needs 10 GiB of free GPU memory; Tesla T4 has 6 GiB free .* one of 16 GB"
    ):
        check_room("the 11B", "4bit", with_free(T4, 6))
    with pytest.raises(CxrError, match="bf16 needs 24 GiB of free GPU memory"):
        check_room("the 11B", "bf16", with_free(H100, 20))
