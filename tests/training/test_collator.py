"""Rows as serving writes them, masks at full length, answers alone in the loss; and kept states that change nothing."""

import copy
import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import MllamaConfig, MllamaForConditionalGeneration

from cxr.films.film import letterbox
from cxr.model.engine import Engine
from cxr.model.sources import Source
from cxr.prompts import build_conversation
from cxr.results import CxrError
from cxr.training.collator import IGNORED, Collator, Example
from cxr.training.finetune import open_store
from cxr.training.learner import FilmLearner
from cxr.training.lora import ATTENTION, add_lora, choose_targets, count_parameters
from cxr.training.options import SftOptions
from cxr.training.states import StateStore
from cxr.training.student import Student
from tests.tiny import noise_film, tiny_engine

PAIRS = (("Is there a nodule?", "Yes."), ("Write the report of this chest film.", "Findings: There is a nodule."))


def image(seed: int, engine: Engine) -> Image.Image:
    return letterbox(noise_film(seed), engine.canvas)


def make_learner(engine: Engine, targets: str = ATTENTION) -> FilmLearner:
    torch.manual_seed(3)
    model = add_lora(copy.deepcopy(engine.model), "tiny", rank=4, alpha=8, dropout=0.0, targets=targets)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # zero at the start, so that A would get no gradient
            torch.nn.init.normal_(parameter, std=0.05)
    return FilmLearner(model)


def run(learner: FilmLearner, batch: dict) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    learner.zero_grad()
    inputs = {name: value for name, value in batch.items() if name != "keys"}
    loss = learner(**inputs)["loss"]
    loss.backward()
    return loss.detach(), {name: p.grad.clone() for name, p in learner.named_parameters() if p.requires_grad}


@pytest.mark.parametrize("tiles", [1, 4])
def test_a_row_is_what_serving_writes_and_only_the_answer_is_a_target(tiles: int) -> None:
    engine = tiny_engine(tiles)
    batch = Collator(engine.processor, 128, 16)([Example(image(1, engine), PAIRS)])
    ids, labels, tokenizer = batch["input_ids"], batch["labels"], engine.processor.tokenizer
    for row, (request, answer) in enumerate(PAIRS):
        prompt = engine._tokenize(build_conversation(request))
        assert ids[row, : len(prompt)].tolist() == prompt
        assert prompt.count(tokenizer.bos_token_id) == 1 and tokenizer.bos_token_id not in ids[row, len(prompt) :]
        assert (labels[row, : len(prompt)] == IGNORED).all()
        kept = labels[row][labels[row] != IGNORED].tolist()
        assert tokenizer.decode(kept, skip_special_tokens=True) == answer and kept[-1] == tokenizer.eos_token_id
        film = prompt.index(engine.processor.image_token_id)
        assert batch["cross_attention_mask"].shape == (2, ids.shape[1], 1, tiles)
        assert not batch["cross_attention_mask"][row, :film].any() and batch["cross_attention_mask"][row, film:].all()
    assert engine.processor.image_token_id not in labels
    assert ids.shape[1] % 16 == 0


@pytest.mark.parametrize("tiles", [1, 4])
def test_the_loss_is_that_of_the_plain_model_film_by_film(tiles: int) -> None:
    engine = tiny_engine(tiles)
    learner = make_learner(engine).eval().requires_grad_(False)
    collate = Collator(engine.processor, 128, 16)
    together = learner(
        **without_keys(collate([Example(image(1, engine), PAIRS), Example(image(2, engine), PAIRS[:1])]))
    )
    total, count = 0.0, 0
    for seed, pairs in ((1, PAIRS), (2, PAIRS[:1])):
        for pair in pairs:
            batch = collate([Example(image(seed, engine), (pair,))])
            tokens = int((batch["labels"] != IGNORED).sum())
            plain = learner.mllama(
                **{
                    name: batch[name]
                    for name in (
                        "input_ids",
                        "attention_mask",
                        "cross_attention_mask",
                        "pixel_values",
                        "aspect_ratio_ids",
                        "aspect_ratio_mask",
                        "labels",
                    )
                }
                | {"cross_attention_mask": pad_tiles(batch["cross_attention_mask"], batch["aspect_ratio_mask"])}
            )
            total, count = total + float(plain.loss) * tokens, count + tokens
    assert float(together["loss"]) == pytest.approx(total / count, abs=1e-4)


def pad_tiles(mask: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.pad(mask, (0, like.shape[-1] - mask.shape[-1]))


def without_keys(batch: dict) -> dict:
    return {name: value for name, value in batch.items() if name != "keys"}


def test_the_film_reaches_the_cross_attention_and_nothing_but_lora_gets_a_gradient() -> None:
    engine = tiny_engine()
    learner = make_learner(engine)
    _, grads = run(learner, Collator(engine.processor, 128, 16)([Example(image(1, engine), PAIRS)]))
    assert grads and all("lora_" in name and "vision" not in name for name in grads)
    crossed = [grad for name, grad in grads.items() if "cross_attn" in name]
    assert crossed and all(grad.abs().max() > 0 for grad in crossed)
    assert not any(p.requires_grad for name, p in learner.named_parameters() if "lora_" not in name)


def test_kept_states_give_the_same_loss_and_gradients_to_the_bit(tmp_path: Path) -> None:
    engine = tiny_engine()
    learner = make_learner(engine)
    store = StateStore(tmp_path, "tiny", engine.canvas, 1, 1 << 30)
    collate = Collator(engine.processor, 128, 16, store)
    examples = [Example(image(seed, engine), PAIRS) for seed in (1, 2)]
    seen = collate(examples)
    loss, grads = run(learner, seen)
    names = ("pixel_values", "aspect_ratio_ids", "aspect_ratio_mask")
    for key, states in zip(seen["keys"], learner.encode(**{name: seen[name] for name in names}), strict=True):
        store.keep(key, states)
    kept = collate(examples)
    assert "states" in kept and "pixel_values" not in kept
    again, others = run(learner, kept)
    assert torch.equal(loss, again) and all(torch.equal(grads[name], others[name]) for name in grads)
    other = collate([Example(image(9, engine), PAIRS)])  # a film that was never seen
    assert "states" not in other


def test_a_store_keeps_to_its_bound_and_to_its_base_and_canvas(tmp_path: Path) -> None:
    states = torch.randn(5, 8)
    store = StateStore(tmp_path, "tiny", 56, 1, bound=2 * 5 * 8 * 4 + 10)
    for key in ("a", "b", "c"):
        store.keep(key, states)
    assert [store.load(key) is not None for key in ("a", "b", "c")] == [True, True, False]
    picture = Image.new("L", (4, 4))
    others = [
        StateStore(tmp_path, base, canvas, 1, 1).name(picture)
        for base, canvas in (("tiny", 56), ("x", 56), ("tiny", 28))
    ]
    assert len(set(others)) == 3
    (tmp_path / "a.safetensors").write_bytes(b"half of")  # a file that was cut short is no state
    assert store.load("a") is None


def test_the_11b_trains_exactly_17039360_parameters() -> None:
    with torch.device("meta"):  # the full architecture without its weights
        model = MllamaForConditionalGeneration(MllamaConfig())
    peft_model = add_lora(model, "tiny", rank=16, alpha=32, dropout=0.05, targets=ATTENTION)
    trainable, everything = count_parameters(peft_model)
    assert trainable == 17_039_360
    assert 100 * trainable / everything == pytest.approx(0.16, abs=0.005)


def test_rows_without_room_for_an_answer_are_refused_and_cut_answers_are_said(caplog: pytest.LogCaptureFixture) -> None:
    engine = tiny_engine()
    with pytest.raises(CxrError, match="No answer fits into --longest 20 tokens"):
        Collator(engine.processor, 20)([Example(image(1, engine), PAIRS)])
    request = len(engine._tokenize(build_conversation(PAIRS[1][0])))
    with caplog.at_level(logging.WARNING):
        Collator(engine.processor, request + 3)([Example(image(1, engine), PAIRS[1:])])
    assert "are cut" in caplog.text


def test_a_damaged_state_is_written_again(tmp_path: Path) -> None:
    store = StateStore(tmp_path, "tiny", 56, 1, 1 << 20)
    (tmp_path / "a.safetensors").write_bytes(b"half of")
    assert store.load("a") is None
    store.keep("a", torch.ones(2, 3))
    assert store.load("a") is not None


def test_targets_never_touch_the_vision_encoder_unless_asked() -> None:
    engine = tiny_engine()
    names = {name for name, p in make_learner(engine).named_parameters() if p.requires_grad}
    assert not any("vision" in name or "mlp" in name for name in names)
    assert {name.split(".")[-4] for name in names} == {"q_proj", "k_proj", "v_proj", "o_proj"}
    more = {
        name
        for name, p in make_learner(engine, choose_targets("attention+mlp", True)).named_parameters()
        if p.requires_grad
    }
    assert any(".mlp.gate_proj." in name for name in more) and any("vision_model" in name for name in more)
    assert names < more


def test_real_tiles_alone_are_encoded_as_they_are_served_and_kept_apart(tmp_path: Path) -> None:
    tiny = tiny_engine(4)
    served = Engine(
        copy.deepcopy(tiny.model), tiny.processor, tiny.canvas // 2, fast=False, real_tiles=True
    )  # one tile of a base for 4
    learner = make_learner(served).eval()
    batch = Collator(served.processor, 128, 16, real_tiles=True)([Example(image(1, served), PAIRS)])
    assert batch["pixel_values"].shape[2] == 1 and batch["cross_attention_mask"].shape[-1] == 1
    with torch.inference_mode():
        states = learner.encode(*(batch[name] for name in ("pixel_values", "aspect_ratio_ids", "aspect_ratio_mask")))
    torch.testing.assert_close(states, served.encode(noise_film(1)).states, atol=1e-5, rtol=1e-5)
    source = Source(tmp_path, "tiny", "0" * 40)
    student = Student(learner, served.processor, served.canvas, "tiny", source, "float32")
    stores = [
        open_store(tmp_path, SftOptions(keep_states=0.1), replace(student, real_tiles=real)) for real in (False, True)
    ]
    assert len({store.name(image(1, served)) for store in stores if store}) == 2
