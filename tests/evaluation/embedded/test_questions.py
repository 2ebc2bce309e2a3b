"""Closed questions are counted as one would by hand, and wording alone is learnt from training films."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from cxr.evaluation.answers import Exchange
from cxr.evaluation.embedded.gather import ask_each
from cxr.evaluation.embedded.questions import (
    ANSWERED,
    BLANK,
    FORMS,
    OURS,
    WORDS,
    count_closed,
    count_forms,
    fit_words,
    learn_words,
    measure_closed,
    measure_forms,
    write_closed,
    write_forms,
)
from cxr.evaluation.embedded.tallies import tally
from cxr.evaluation.films import Case
from cxr.evaluation.readings import Reading
from cxr.findings import BY_KEY
from tests.data import DATA, needs_data
from tests.evaluation.embedded.said import said
from tests.evaluation.test_films import row, write_table
from tests.tiny import noise_film

TAUGHT = fit_words(["Is there a mass?", "Is there a rib?"], [False, True])
ASKED = (
    ("Is there a mass?", "No", "No.", "Yes."),
    ("Is there a mass?", "no, none", "Yes, a mass.", "No."),
    ("Is there a rib?", "Yes", "A rib.", "yes"),  # neither is wrong
    ("Where is it?", "Left", "Yes", "Yes"),  # open: not counted
)


def answered(which: int) -> Reading:
    exchanges = tuple(Exchange(each[0], each[1], answer=each[which]) for each in ASKED)
    return said("a", exchanges=exchanges)


def test_balanced_accuracy_weighs_yes_and_no_alike() -> None:
    counts = tally(["a"], [count_closed(answered(2), answered(3), TAUGHT)])
    figures = measure_closed(counts.sum_up())
    assert (counts.sum_up()["yes"], counts.sum_up()["no"]) == (1, 2)
    assert figures == pytest.approx({OURS: 0.25, "always no": 0.5, WORDS: 1.0, BLANK: 0.75})
    assert "| above always no | -0.250" in write_closed([answered(2)], [answered(3)], TAUGHT, 20)


def test_what_is_declined_is_wrong_among_all_and_left_out_among_the_answered() -> None:
    exchanges = [("Is there A?", "Yes", "Yes."), ("Is there B?", "No", "No."), ("Is there C?", "No", "I do not look.")]
    reading = said("a", exchanges=tuple(Exchange(asked, truth, answer=answer) for asked, truth, answer in exchanges))
    sums = tally(["a"], [count_closed(reading, reading, TAUGHT)]).sum_up()
    assert measure_closed(sums)[OURS] == 0.75 and measure_closed(sums, ANSWERED)[OURS] == 1.0
    assert (sums["no"], sums[f"no{ANSWERED}"]) == (2, 1)


def test_without_a_question_of_one_kind_there_is_no_figure() -> None:
    only = replace(answered(2), exchanges=answered(2).exchanges[:2])
    counts = tally(["a"], [count_closed(only, only, TAUGHT)])
    assert all(math.isnan(value) for value in measure_closed(counts.sum_up()).values())


def test_wording_is_learnt_from_training_films_alone(tmp_path: Path) -> None:
    names = {"a.png": "train", "b.png": "val", "c.png": "train"}
    rows = [row("vqa_rad", "", file=name, patient_id=name, split=split) for name, split in names.items()]
    rows[2]["source"] = "kermany_pediatric"  # not a film of VQA-RAD
    told = {
        "a.png": [("Is/Are there a rib?", "Yes"), ("Is a mass there?", "No"), ("Which side?", "Left")],
        "b.png": [("Is/Are there a nodule?", "Yes")],
        "c.png": [("Is/Are there a hernia?", "Yes")],
    }
    pairs = {name: [{"question": q, "answer": a} for q, a in items] for name, items in told.items()}
    (write_table(tmp_path, *rows) / "vqa_rad.json").write_text(json.dumps(pairs))
    words = learn_words(tmp_path)
    assert {"rib", "mass"} <= set(words[0].vocabulary_) and not {"side", "nodule", "hernia", "are"} & set(
        words[0].vocabulary_
    )
    assert words.predict(["Is there a rib?", "Is a mass there?"]).tolist() == [True, False]


@needs_data
def test_the_real_questions_of_training_films_teach_something() -> None:
    words = learn_words(DATA)
    assert words.classes_.tolist() == [False, True]
    assert words.predict(["Is there evidence of a fracture?"]).tolist() == [False]


def test_every_finding_is_asked_in_three_forms() -> None:
    asked = ask_each(Case(noise_film(), "p", frozenset({"mass"}), frozenset(BY_KEY) - {"mass"}))
    assert len(asked) == 3 * 14
    place = 3 * list(BY_KEY).index("mass")
    assert [item.question for item in asked[place : place + 3]] == [
        "Is there a mass on this chest film? Answer yes or no.",
        "Is this film free of a mass?",
        "Is there no mass on this chest film? Answer yes or no.",
    ]
    assert [item.reference for item in asked[place : place + 3]] == ["Yes.", "No.", "No."]


def test_consistent_is_opposite_whether_right_or_wrong() -> None:
    answers = ["Yes.", "No.", "Yes.", "No.", "Yes, there is no mass.", "no", "No.", "The left.", "yes"]
    told = said("a", exchanges=tuple(Exchange("?", "", "plain", answer) for answer in answers))
    counts = tally(["a"], [count_forms(told)])
    assert measure_forms(counts.sum_up()) == pytest.approx({FORMS[0]: 2 / 3, FORMS[1]: 1 / 3})
    assert "0.667 [0.667, 0.667]" in write_forms([told], 20)
