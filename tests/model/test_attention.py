"""Cross-attention and Grad-CAM say what the model computes, on every kind of model that answers."""

import copy

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model

from cxr.findings import FINDINGS
from cxr.model.attention import draw_attention, draw_grad_cam, measure_margin
from cxr.model.engine import Engine
from cxr.prompts import YES_NO, ask_finding, build_conversation
from cxr.training.lora import ATTENTION
from tests.tiny import noise_film, tiny_engine

FILM = noise_film(1, 120, 120)
ASKED = build_conversation(ask_finding(FINDINGS[1]))


@pytest.mark.parametrize("tiles", [1, 4])
def test_the_margin_is_the_log_odds_of_the_answer(tiles: int) -> None:
    engine = tiny_engine(tiles)
    encoded = engine.encode(FILM)
    ((yes, no),) = engine.score(encoded, [ASKED], YES_NO)
    with torch.no_grad():
        assert float(measure_margin(engine, encoded, ASKED)) == pytest.approx(np.log(yes / no), abs=1e-4)


@pytest.mark.parametrize("tiles", [1, 4])
def test_attention_is_that_of_transformers(tiles: int) -> None:
    engine = tiny_engine(tiles)
    encoded, ids = engine.encode(FILM), engine._tokenize(ASKED)
    eager = Engine(copy.deepcopy(engine.model), engine.processor, engine.canvas)
    eager.model.set_attn_implementation("eager")
    with torch.no_grad():
        output = eager._forward(torch.tensor([ids]), encoded, eager._new_cache(), output_attentions=True)
    layers = engine.model.config.get_text_config().cross_attention_layers
    whole = [output.attentions[i][0, :, -2:].mean((0, 1)) for i in layers]
    patches = torch.stack(whole).mean(0).unflatten(0, (tiles, -1))[:, 1:]
    found = draw_attention(engine, encoded, ids, last=2)
    assert found.sum() == pytest.approx(float(patches.sum()), rel=1e-4)
    assert np.sort(found.ravel()) == pytest.approx(np.sort(patches.flatten().numpy()), rel=1e-3, abs=1e-7)


@pytest.mark.parametrize("tiles", [1, 4])
def test_grad_cam_is_of_the_global_layer_alone(tiles: int) -> None:
    engine = tiny_engine(tiles)
    blind = Engine(copy.deepcopy(engine.model), engine.processor, engine.canvas)
    with torch.no_grad():  # now the answer depends on the other layers alone
        blind.model.model.multi_modal_projector.weight[:, : engine.model.config.vision_config.hidden_size] = 0
    seen, nothing = (draw_grad_cam(each, FILM, ASKED) for each in (engine, blind))
    assert seen.shape == (engine.canvas // 14,) * 2 and seen.min() == 0 < seen.max() and nothing.max() == 0
    assert all(parameter.grad is None for parameter in engine.model.parameters())


def test_grad_cam_of_yes_is_not_that_of_another_question() -> None:
    engine = tiny_engine()
    other = build_conversation(ask_finding(FINDINGS[5]))
    assert not np.allclose(draw_grad_cam(engine, FILM, ASKED), draw_grad_cam(engine, FILM, other))


def test_an_adapter_that_stays_apart_and_the_fast_path_change_nothing() -> None:
    """As beside 4-bit weights; the fast path joins weights, which the plain one goes on using."""
    engine = tiny_engine(4)
    lora = LoraConfig(r=4, target_modules=ATTENTION, init_lora_weights=False)
    torch.manual_seed(1)
    apart = get_peft_model(copy.deepcopy(engine.model), lora)
    merged = copy.deepcopy(apart).merge_and_unload()
    plain = Engine(merged, engine.processor, engine.canvas, fast=False)
    fast = Engine(apart.get_base_model(), engine.processor, engine.canvas, fast=True)
    before = fast.score(fast.encode(FILM), [ASKED], YES_NO)
    for draw in (
        lambda each: draw_grad_cam(each, FILM, ASKED),
        lambda each: draw_attention(each, each.encode(FILM), each._tokenize(ASKED)),
    ):
        assert draw(fast) == pytest.approx(draw(plain), rel=0.02, abs=1e-5)
    assert fast.fast is not None and fast.fast.runs
    assert fast.score(fast.encode(FILM), [ASKED], YES_NO) == pytest.approx(before, abs=1e-5)


def test_half_precision_is_enough() -> None:
    engine = tiny_engine()
    half = Engine(copy.deepcopy(engine.model).bfloat16(), engine.processor, engine.canvas)
    seen = draw_grad_cam(half, FILM, ASKED)
    assert (
        seen.dtype == np.float32 and np.corrcoef(seen.ravel(), draw_grad_cam(engine, FILM, ASKED).ravel())[0, 1] > 0.8
    )
