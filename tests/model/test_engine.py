"""What is kept of a film gives the same answers as running everything again."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from cxr.films.film import letterbox
from cxr.findings import FINDINGS
from cxr.model.engine import Engine
from cxr.prompts import YES_NO, ask_finding, ask_report, build_conversation
from cxr.results import Turn
from tests.tiny import noise_film, tiny_engine

QUESTIONS = [build_conversation(ask_finding(finding)) for finding in FINDINGS]


@contextmanager
def count_encodings(engine: Engine) -> Iterator[list[int]]:
    """A list that grows by one with each run of the vision encoder."""
    runs: list[int] = []
    hook = engine.model.model.vision_model.register_forward_hook(lambda *_: runs.append(1))
    try:
        yield runs
    finally:
        hook.remove()


def run_naively(engine: Engine, film, conversation) -> torch.Tensor:
    """Logits of a whole conversation through the stock processor and one plain forward."""
    text = engine.processor.apply_chat_template(conversation, add_generation_prompt=True)
    image = letterbox(film, engine.canvas).convert("RGB")
    inputs = engine.processor(images=[[image]], text=[text], add_special_tokens=False, return_tensors="pt")
    with torch.inference_mode():
        return engine.model(**inputs).logits[0]


@pytest.mark.parametrize("tiles", [1, 4])
def test_scores_equal_the_naive_way(tiles: int) -> None:
    engine, film = tiny_engine(tiles), noise_film()
    scores = engine.score(engine.encode(film), QUESTIONS, YES_NO)
    tokens = [engine.processor.tokenizer.encode(option)[0] for option in YES_NO]
    naive = torch.stack([run_naively(engine, film, question)[-1, tokens].softmax(-1) for question in QUESTIONS])
    np.testing.assert_allclose(scores, naive.numpy(), atol=1e-4)
    assert np.ptp(scores[:, 0]) > 1e-3  # the questions differ, so equality says something


def test_options_of_several_tokens_equal_the_naive_way() -> None:
    engine, film = tiny_engine(), noise_film()
    options = ["No", "There is a mass", "There is a nodule in the lung"]
    tokenizer = engine.processor.tokenizer
    expected = []
    for option in options:
        answer = tokenizer.encode(option, add_special_tokens=False)
        logits = run_naively(engine, film, QUESTIONS[0])
        start = len(logits) - 1
        text = engine.processor.apply_chat_template(QUESTIONS[0], add_generation_prompt=True) + option
        image = letterbox(film, engine.canvas).convert("RGB")
        inputs = engine.processor(images=[[image]], text=[text], add_special_tokens=False, return_tensors="pt")
        with torch.inference_mode():
            log_p = engine.model(**inputs).logits[0].log_softmax(-1)
        expected.append(sum(float(log_p[start + i, token]) for i, token in enumerate(answer)))
    scores = engine.score(engine.encode(film), QUESTIONS[:1], options)
    np.testing.assert_allclose(scores[0], torch.tensor(expected).softmax(0).numpy(), atol=1e-4)


@pytest.mark.parametrize("tiles", [1, 4])
def test_streamed_text_equals_plain_greedy_decoding(tiles: int) -> None:
    engine, film = tiny_engine(tiles), noise_film(3)
    conversation = build_conversation("And now?", [Turn("Is there fluid?", "No.")])
    streamed = "".join(engine.stream(engine.encode(film), conversation, limit=12))
    written: list[int] = []
    for _ in range(12):
        text = engine.processor.apply_chat_template(conversation, add_generation_prompt=True)
        image = letterbox(film, engine.canvas).convert("RGB")
        inputs = engine.processor(images=[[image]], text=[text], add_special_tokens=False, return_tensors="pt")
        prompt, grown = inputs["input_ids"], inputs["cross_attention_mask"]
        inputs["input_ids"] = torch.cat([prompt, torch.tensor([written], dtype=torch.long)], 1)
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        inputs["cross_attention_mask"] = torch.cat([grown, grown[:, -1:].expand(-1, len(written), -1, -1)], 1)
        with torch.inference_mode():
            token = int(engine.model(**inputs).logits[0, -1].argmax())
        if token in engine.stops:
            break
        written.append(token)
    expected = engine.processor.tokenizer.decode(written, skip_special_tokens=True)
    assert streamed == expected.rstrip("\N{REPLACEMENT CHARACTER}")  # half a character at the end is kept back
    assert written


def test_a_film_is_encoded_once_for_findings_report_and_five_questions() -> None:
    engine = tiny_engine()
    with count_encodings(engine) as runs:
        encoded = engine.encode(noise_film())
        engine.score(encoded, QUESTIONS, YES_NO)
        list(engine.stream(encoded, build_conversation(ask_report()), limit=5))
        for i in range(5):
            list(engine.stream(encoded, build_conversation(f"Question {i}?"), limit=5))
    assert len(runs) == 1


def test_the_film_changes_the_scores() -> None:
    engine = tiny_engine()
    one, two = (engine.score(engine.encode(noise_film(seed)), QUESTIONS, YES_NO) for seed in (1, 2))
    assert np.abs(one - two).max() > 1e-4


def test_a_stream_stops_when_it_is_closed() -> None:
    engine = tiny_engine()
    forwards: list[int] = []
    hook = engine.model.register_forward_hook(lambda *_: forwards.append(1))
    stream = engine.stream(engine.encode(noise_film()), build_conversation(ask_report()), limit=50)
    next(stream)
    stream.close()
    hook.remove()
    assert len(forwards) <= 3


@pytest.mark.parametrize("tiles", [1, 4])
def test_what_is_kept_is_small_and_survives_pickling(tiles: int) -> None:
    engine = tiny_engine(tiles)
    encoded = engine.encode(noise_film())
    again = pickle.loads(pickle.dumps(encoded))
    assert encoded.tiles == tiles and again.states.device.type == "cpu"
    assert len(pickle.dumps(encoded)) < encoded.states.numel() * 4 + 4096
    np.testing.assert_array_equal(engine.score(encoded, QUESTIONS, YES_NO), engine.score(again, QUESTIONS, YES_NO))


def test_the_whole_conversation_is_this_exact_string() -> None:
    engine = tiny_engine()
    answer = {"role": "assistant", "content": [{"type": "text", "text": "No."}]}
    conversation = [*build_conversation(ask_finding(FINDINGS[0])), answer]
    assert engine.processor.apply_chat_template(conversation) == (
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n<|image|>"
        "Is there a pneumothorax on this chest film? "
        "Answer yes or no.<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nNo.<|eot_id|>"
    )
