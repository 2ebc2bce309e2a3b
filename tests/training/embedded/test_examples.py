"""Films become arrays: rows as serving writes them, targets as the truth has them."""

import random

import numpy as np
import pytest
from transformers import PreTrainedTokenizerFast

from cxr.films.film import letterbox
from cxr.films.phantom import draw_film
from cxr.findings import BY_KEY, FINDINGS
from cxr.prompts import ask_finding, build_conversation
from cxr.results import Observation, Turn
from cxr.training.conversations import Truth
from cxr.training.embedded.build import Size, build_tokenizer
from cxr.training.embedded.examples import (
    CLOSED,
    LONGEST,
    LONGEST_CLOSED,
    ConversationWriter,
    draw_maps,
    make_example,
    mark_findings,
    mark_sides,
    stack,
)
from cxr.training.embedded.material import write_texts
from tests.tiny import noise_film, tiny_engine

KEYS = [finding.key for finding in FINDINGS]
EFFUSION, MASS, EDEMA = Observation("effusion", "left"), Observation("mass", "both", "upper"), Observation("edema")
TRUTH = Truth((EFFUSION, MASS, EDEMA), frozenset({"hernia", "nodule"}), "PA", placed=True)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    """As the recipe makes it: its rows are as long as real ones."""
    return build_tokenizer(write_texts(0), Size().vocabulary)


@pytest.fixture(scope="module")
def writer(tokenizer: PreTrainedTokenizerFast) -> ConversationWriter:
    return ConversationWriter(tokenizer)


def at(key: str) -> int:
    return KEYS.index(key)


def test_prompts_are_tokenized_as_serving_does() -> None:
    engine = tiny_engine()
    writer = ConversationWriter(engine.processor.tokenizer)
    history = (Turn("Is there a mass?", "No."), Turn("What view is this?", "This is a PA view."))
    for before in ((), history):
        asked = build_conversation("Where is the effusion?", before)
        assert writer.encode_request("Where is the effusion?", before) == engine._tokenize(asked)


def test_a_row_is_the_prompt_then_the_answer_and_the_end_of_turn(
    writer: ConversationWriter, tokenizer: PreTrainedTokenizerFast
) -> None:
    rows = writer.write(TRUTH, random.Random(0), 6)
    for i, finding in enumerate(FINDINGS):
        start, end = int(rows["starts"][i]), int(rows["ends"][i])
        if finding.key not in {"effusion", "mass", "edema", "hernia", "nodule"}:
            assert (start, end) == (0, 0) and (rows["tokens"][i] == tokenizer.pad_token_id).all()
            continue
        ids = rows["tokens"][i].tolist()
        assert ids[:start] == writer.encode_request(ask_finding(finding))
        assert tokenizer.decode(ids[start : end - 1]).startswith("No." if finding.key in TRUTH.absent else "Yes, ")
        assert ids[end - 1] == tokenizer.eos_token_id and set(ids[end:]) <= {tokenizer.pad_token_id}


def test_every_row_of_drawn_films_is_whole(writer: ConversationWriter, tokenizer: PreTrainedTokenizerFast) -> None:
    """Nothing is cut: closed rows fit their shorter part, all end with the end of a turn and hold one film."""
    image = tokenizer.convert_tokens_to_ids("<|image|>")
    with_history = 0
    for seed in range(60):
        observations = (
            Observation(KEYS[seed % 14], "both", "upper", "moderate"),
            Observation(KEYS[(seed + 5) % 14], "right", "lower", "moderate"),
            Observation(KEYS[(seed + 9) % 14], "left", "mid", "moderate"),
        )
        truth = Truth(observations, frozenset(KEYS) - {item.finding for item in observations}, "lateral", placed=True)
        rows = writer.write(truth, random.Random(seed), 8)
        assert rows["tokens"].shape == (CLOSED + 8, LONGEST)
        assert rows["ends"][:CLOSED].max() <= LONGEST_CLOSED
        for ids, start, end in zip(rows["tokens"].tolist(), rows["starts"], rows["ends"], strict=True):
            assert 0 < start < end <= LONGEST
            assert ids[end - 1] == tokenizer.eos_token_id and ids.count(image) == 1
            assert image not in ids[start:]
            with_history += ids[:start].count(tokenizer.eos_token_id) > 1
    assert 40 < with_history < 200  # about a quarter of 480, less those that would not fit


def test_earlier_turns_are_left_out_where_they_do_not_fit(tokenizer: PreTrainedTokenizerFast) -> None:
    """A writer of words as long as can be: no row is cut, so the long ones are told without earlier turns."""

    class Wordy(ConversationWriter):
        def encode_request(self, request: str, history: tuple[Turn, ...] = ()) -> list[int]:
            ids = super().encode_request(request, history)
            return ids[:-1] + ids[-1:] * 60 if history else ids

    rows = Wordy(tokenizer).write(TRUTH, random.Random(0), 40)
    last = [ids[end - 1] for ids, end in zip(rows["tokens"], rows["ends"], strict=True) if end]
    assert set(last) == {tokenizer.eos_token_id}


def test_marks_know_present_absent_and_unknown() -> None:
    marks, sides = mark_findings(TRUTH), mark_sides(TRUTH)
    assert {KEYS[i]: int(mark) for i, mark in enumerate(marks) if mark >= 0} == {
        "effusion": 1,
        "mass": 1,
        "edema": 1,
        "hernia": 0,
        "nodule": 0,
    }
    assert sides[at("effusion")].tolist() == [1, 0] and sides[at("mass")].tolist() == [1, 1]
    assert sides[at("edema")].tolist() == [-1, -1]  # present, but it has no side
    assert sides[at("hernia")].tolist() == [0, 0] and sides[at("fibrosis")].tolist() == [-1, -1]
    assert mark_sides(Truth((Observation("nodule", "right"),), frozenset()))[at("nodule")].tolist() == [0, 1]


def test_maps_hold_what_the_masks_hold() -> None:
    mask = np.zeros((128, 128), bool)
    mask[0:32, 96:128] = True  # upper right of the picture: the patient's left
    dot = np.zeros((128, 128), bool)
    dot[70, 20] = True  # far below a tenth of a cell
    maps = draw_maps(TRUTH, {"effusion": mask, "mass": dot}, 4)
    expected = np.zeros((4, 4))
    expected[0, 3] = 1
    np.testing.assert_array_equal(maps[at("effusion")], expected)
    assert maps[at("mass")].sum() == 1 and maps[at("mass")][2, 0] == 1
    assert (maps[at("hernia")] == 0).all()
    assert (maps[at("edema")] == -1).all() and (maps[at("fibrosis")] == -1).all()
    unknown = draw_maps(TRUTH, None, 4)
    assert (unknown[at("effusion")] == -1).all() and (unknown[at("hernia")] == 0).all()


def test_an_empty_mask_marks_nothing() -> None:
    assert draw_maps(TRUTH, {"effusion": np.zeros((64, 64), bool)}, 4)[at("effusion")].sum() == 0


def test_the_sides_of_drawn_films_lie_where_the_picture_has_them(writer: ConversationWriter) -> None:
    """The patient's left is on the right of the picture, in masks, maps and marks alike."""
    for side, columns in (("left", slice(4, 8)), ("right", slice(0, 4))):
        drawn = draw_film(3, size=128, view="PA", observations=(Observation("effusion", side, None, "large"),))
        truth = Truth(drawn.observations, frozenset(BY_KEY) - {"effusion"}, "PA", placed=True)
        example = make_example(drawn.film, truth, drawn.masks, writer, random.Random(0), 56, 8, 2)
        lit = example["maps"][at("effusion")]
        assert lit[:, columns].sum() == lit.sum() > 0
        assert example["sides"][at("effusion")].tolist() == [side == "left", side == "right"]


def test_the_picture_is_the_canvas_that_serving_sees(writer: ConversationWriter) -> None:
    film = noise_film(4)
    examples = [make_example(film, TRUTH, None, writer, random.Random(0), 56, 4, free) for free in (3, 3)]
    held = stack(examples)
    assert held["images"].shape == (2, 56, 56) and held["images"].dtype == np.uint8
    np.testing.assert_array_equal(held["images"][1], np.asarray(letterbox(film, 56)))
    assert held["tokens"].shape == (2, CLOSED + 3, LONGEST)
