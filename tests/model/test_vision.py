"""Which kernel of attention encodes a film, and what happens where it cannot."""

import logging
from typing import Any

import pytest
import torch
from torch.nn.attention import SDPBackend

from cxr.films.film import letterbox
from cxr.model import vision
from cxr.model.decoder import BACKENDS
from cxr.model.pixels import Cutter
from cxr.model.vision import Vision, choose_long
from tests.tiny import noise_film, tiny_engine


@pytest.mark.parametrize(
    ("card", "cuda", "first"),
    [
        ((9, 0), "13.0", SDPBackend.CUDNN_ATTENTION),
        ((9, 0), "12.8", None),  # off there by PyTorch's own choice
        ((12, 0), "13.0", None),
        ((8, 0), "13.0", None),
    ],
)
def test_cudnn_is_chosen_where_it_was_measured(
    monkeypatch: pytest.MonkeyPatch, card: tuple[int, int], cuda: str, first: SDPBackend | None
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: card)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    assert next(iter(choose_long(torch.device("cuda"))), None) == first
    assert choose_long(torch.device("cpu")) == []


def test_a_kernel_that_cannot_run_gives_way_and_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = tiny_engine()
    cutter = Cutter(engine.processor, engine.canvas, engine.model.device)
    tiles = cutter.cut(letterbox(noise_film(0), engine.canvas))
    pixels, aspect, real = tiles.pixels, tiles.aspect, tiles.real
    eye, tried = Vision(engine.model.model), []
    wanted = eye.encode(pixels, aspect, real)
    whole = Vision._encode

    def encode(self: Vision, *given: Any) -> torch.Tensor:
        tried.append(given[-1])
        if SDPBackend.CUDNN_ATTENTION in given[-1]:
            raise RuntimeError("No valid execution plans built.")
        return whole(self, *given)

    monkeypatch.setattr(Vision, "_encode", encode)
    eye.long = [SDPBackend.CUDNN_ATTENTION, *BACKENDS]
    eye.encode(pixels, aspect, real)
    assert tried == [BACKENDS]  # few rows
    monkeypatch.setattr(vision, "LONG", 1)
    eye.encode(pixels.repeat(2, 1, 1, 1, 1, 1), aspect, real)
    assert tried == [BACKENDS] * 2 and eye.long  # two films
    with caplog.at_level(logging.WARNING):
        assert torch.equal(eye.encode(pixels, aspect, real), wanted)
    assert len(tried) == 4 and not eye.long and "another kernel (No valid execution plans built.)" in caplog.text
    assert torch.equal(eye.encode(pixels, aspect, real), wanted) and len(tried) == 5
