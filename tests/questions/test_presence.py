"""Yes and no follow the classification, whichever way round and for whichever side it is asked."""

import pytest

from cxr.findings import BY_KEY
from cxr.questions import forms
from cxr.questions.presence import (
    asks_presence,
    place_on_side,
    tell_heart,
    tell_patients_side,
    tell_presence,
    turn_answer,
)
from cxr.questions.reading import read_question
from cxr.results import Manner, Score, Verdict

PRESENT, UNSURE, ABSENT = Verdict.PRESENT, Verdict.NOT_SURE, Verdict.ABSENT
RIGHT = {"left": 0.05, "right": 0.9, "both": 0.05}


def tell(text: str, verdict: Verdict, written: str = "") -> str:
    question = read_question(text)
    assert asks_presence(question)
    return tell_presence(question, Score(question.findings[0], 0.2, 0.5, 0.1, verdict), written).reason


@pytest.mark.parametrize(
    ("text", "verdict", "said"),
    [
        ("Is there a mass?", PRESENT, "Yes, a mass was found (probability 20%)."),
        ("Is there a mass?", ABSENT, "No, no mass was found (probability 20%)."),
        ("Is there no mass?", ABSENT, "Yes, no mass was found (probability 20%)."),
        ("Is there no mass?", PRESENT, "No, a mass was found (probability 20%)."),
        ("Isn't there a mass?", PRESENT, "Yes, a mass was found (probability 20%)."),
        ("Can you rule out a mass?", ABSENT, "Yes, no mass was found (probability 20%)."),
        ("Is the heart enlarged?", PRESENT, "Yes, cardiomegaly was found (probability 20%)."),
        ("Isn't the heart enlarged?", PRESENT, "Yes, cardiomegaly was found (probability 20%)."),
        ("Is the heart size normal?", PRESENT, "No, cardiomegaly was found (probability 20%)."),
        ("Is the heart size normal?", ABSENT, "Yes, no cardiomegaly was found (probability 20%)."),
        ("How is the heart?", ABSENT, "The heart does not look enlarged (probability 20%)."),
        ("Is the heart small?", PRESENT, "The heart looks enlarged (probability 20%)."),
    ],
)
def test_yes_and_no_follow_the_classification(text: str, verdict: Verdict, said: str) -> None:
    assert tell(text, verdict) == said


@pytest.mark.parametrize("text", ["Is there a mass?", "Can you rule out a mass?", "Is there no mass on the left?"])
def test_what_is_not_sure_is_neither_asserted_nor_denied(text: str) -> None:
    question = read_question(text)
    reply = tell_presence(question, Score("mass", 0.2, 0.5, 0.1, UNSURE), "Yes, a large mass.")
    assert reply.manner is Manner.NOT_SURE and reply.step
    assert reply.reason == "I am not sure whether there is a mass (probability 20%: neither present nor absent)."


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Yes, a small mass in the left upper zone.", "Yes, a small mass in the left upper zone (probability 20%)."),
        ("Yes.", "Yes, a mass was found (probability 20%)."),
        ("No.", "Yes, a mass was found (probability 20%)."),
        ("Yes, a small nodule.", "Yes, a mass was found (probability 20%)."),
    ],
)
def test_the_model_adds_how_large_and_where_it_is_alone(written: str, said: str) -> None:
    assert tell("Is there a mass?", PRESENT, written) == said
    assert tell("Is there a mass?", ABSENT, written) == "No, no mass was found (probability 20%)."
    turned = tell("Is the film free of any mass?", PRESENT, written)
    assert turned.startswith("No, ") and ("small mass" in turned) == ("small mass" in said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Is there a mass on the right?", "Yes, the mass was found on the patient's right."),
        ("Is there a mass on the left?", "No, the mass was found on the patient's right."),
        ("Is the right lung free of any mass?", "No, the mass was found on the patient's right."),
        ("Is there no mass on the left?", "Yes, the mass was found on the patient's right."),
        ("Can you exclude a mass on the left?", "Yes, the mass was found on the patient's right."),
        ("Is the mass on both sides?", "No, the mass was found on the patient's right."),
        ("Is the mass bilateral?", "No, the mass was found on the patient's right."),
    ],
)
def test_a_side_is_told_whichever_way_round_it_is_asked(text: str, said: str) -> None:
    question = read_question(text)
    assert asks_presence(question) and place_on_side(question, RIGHT).reason == said
    assert "not sure on which side" in place_on_side(question, {"left": 0.4, "right": 0.6, "both": 0.0}).reason


def test_of_a_finding_without_a_side_none_is_told() -> None:
    assert tell("Is the edema on the left?", PRESENT).endswith("I do not tell on which side it is.")


def test_only_what_asks_for_presence_is_answered_so() -> None:
    for text in ("how big is the mass", "what view is this", "any mass or nodule?", "describe the mass"):
        assert not asks_presence(read_question(text))
    for finding in BY_KEY.values():
        assert asks_presence(read_question(forms.ask_seen((finding.key,))))


@pytest.mark.parametrize(
    ("said", "turned"),
    [
        ("No.", "Yes, there is no pleural effusion."),
        ("Yes.", "No, there is pleural effusion."),
        ("Yes, small pleural effusion on the left.", "No, there is small pleural effusion on the left."),
        ("Yes, there is a small effusion.", "No, there is a small effusion."),
        ("I cannot tell.", "I cannot tell."),
    ],
)
def test_an_answer_is_turned_round_with_its_question(said: str, turned: str) -> None:
    assert turn_answer(read_question("Is there no effusion?"), said) == turned


def test_the_heart_is_told_in_a_sentence_by_a_model_that_is_not_calibrated() -> None:
    assert tell_heart("Yes, it is large.") == "The heart looks enlarged."
    assert tell_heart("No.") == "The heart does not look enlarged." and tell_heart("Perhaps.") == "Perhaps."


def test_the_side_of_a_picture_is_told_as_the_patients() -> None:
    asked = "On which side of the picture is the mass?"
    assert tell_patients_side(asked, "On the left.") == "On the patient's left."
    assert tell_patients_side("On which side is the mass?", "On the left.") == "On the left."
    assert read_question("Is there a mass on the left of the picture?").side == "right"
    assert read_question("Is there a mass on the left?").side == "left"
