"""What is said instead of an answer has a reason and a next step, and follows the classification."""

import pytest

from cxr.findings import BY_KEY, find_finding
from cxr.questions.doubts import doubt_answer
from cxr.questions.reading import read_question
from cxr.questions.replies import Reply, correct, decline, warn_uncalibrated
from cxr.results import Manner, Score, Verdict
from cxr.training.wordings import CARE_ANSWER, EARLIER_ANSWER


def scores(**verdicts: Verdict | None) -> dict[str, Score]:
    return {key: Score(key, 0.03, 0.5, 0.1, verdicts.get(key, Verdict.ABSENT)) for key in BY_KEY}


def check(text: str, sides: dict[str, float] | None = None, **verdicts: Verdict | None) -> Reply | None:
    return correct(read_question(text), scores(**verdicts), sides or {})


@pytest.mark.parametrize(
    "text",
    [
        "Do I need surgery?",
        "is it dangerous",
        "is there a fracture?",
        "does he have covid",
        "do i have cancer",
        "Has it changed?",
        "how old is she",
        "why?",
        "blabla",
        "where is it?",
        "what does hilum mean",
        "how many masses are there",
        "is this mole benign",
        "is it gone?",
        "should this be drained?",
        "what is a lung?",
    ],
)
def test_a_refusal_has_a_reason_and_a_next_step(text: str) -> None:
    reply = decline(read_question(text))
    assert reply and reply.manner is Manner.DECLINED and reply.reason.endswith(".") and len(reply.step.split()) > 3


@pytest.mark.parametrize("text", ["is the mass benign", "why does the mass look so pale", "has the mass grown?"])
def test_what_is_not_answered_in_any_case_is_corrected_first(text: str) -> None:
    absent, there = check(text), check(text, mass=Verdict.PRESENT)
    assert absent and absent.manner is Manner.CORRECTED and "no mass was found" in absent.reason
    assert there and there.manner is Manner.DECLINED and there.reason.endswith(".") and there.step
    without = decline(read_question(text), film=False)
    assert without and without.manner is Manner.DECLINED


def test_the_model_is_taught_the_same_reasons() -> None:
    care, earlier = decline(read_question("Do I need surgery?")), decline(read_question("Is this new?"))
    assert care and care.text.startswith(CARE_ANSWER) and earlier and earlier.reason == EARLIER_ANSWER


def test_a_word_is_explained_from_the_glossary_with_or_without_a_film() -> None:
    for film in (True, False):
        reply = decline(read_question("What is an effusion?"), film)
        assert reply and reply.manner is Manner.EXPLAINED
        assert reply.reason.lower() == f"pleural effusion: {BY_KEY['effusion'].plain.lower()}"


def test_without_a_film_nothing_of_a_film_is_said() -> None:
    for text in ("Is there a mass?", "why is there a mass?", "how big is the mass", "is it normal"):
        reply = decline(read_question(text), film=False)
        assert reply and reply.manner is Manner.DECLINED and reply.step
    assert decline(read_question("Is there a mass?")) is None


def test_what_is_absent_has_no_size_place_or_cause() -> None:
    for text, so in (
        ("how big is the mass", "size"),
        ("where is the mass", "place"),
        ("why is there a mass", "explain"),
    ):
        reply = check(text)
        assert reply and reply.manner is Manner.CORRECTED and "no mass was found (probability 3.0%)" in reply.reason
        assert so in reply.reason and reply.step
    assert check("Is there a mass?") is None


def test_what_is_not_certain_is_said_before_the_answer() -> None:
    reply = check("how big is the mass", mass=Verdict.NOT_SURE)
    assert reply and reply.manner is Manner.NOT_SURE and "not sure that there is a mass" in reply.reason and reply.step


def test_what_is_present_is_left_to_the_model_but_not_its_cause() -> None:
    assert check("how big is the mass", mass=Verdict.PRESENT) is None
    reply = check("why is there a mass", mass=Verdict.PRESENT)
    assert reply and reply.manner is Manner.DECLINED and reply.step


def test_the_wrong_side_is_corrected_only_where_one_other_side_is_likely() -> None:
    text = "how big is the left mass"
    reply = check(text, {"left": 0.02, "right": 0.9, "both": 0.08}, mass=Verdict.PRESENT)
    assert reply and reply.manner is Manner.CORRECTED and "on the right, not on the left" in reply.reason
    assert check(text, {"left": 0.3, "right": 0.6, "both": 0.1}, mass=Verdict.PRESENT) is None
    assert check(text, {"left": 0.1, "right": 0.1, "both": 0.8}, mass=Verdict.PRESENT) is None


def test_without_a_calibration_nothing_is_corrected_but_the_premise_is_named() -> None:
    asked = read_question("how big is the mass")
    assert correct(asked, scores(mass=None), {}) is None
    (warning,) = warn_uncalibrated(asked, scores(mass=None))
    assert "takes a mass for granted" in warning and "not calibrated" in warning
    assert warn_uncalibrated(asked, scores()) == () == warn_uncalibrated(read_question("any mass?"), scores(mass=None))


def test_a_probability_is_told_as_it_is() -> None:
    reply = check("how sure are you about the mass?", mass=Verdict.NOT_SURE)
    assert reply and reply.manner is Manner.CLASSIFIED and "mass 3.0% (not sure)" in reply.reason


@pytest.mark.parametrize(
    ("text", "answer", "verdict", "words"),
    [
        ("what view is this", "A small mass in a PA view.", Verdict.ABSENT, "names a mass"),
        ("what view is this", "There is no mass.", Verdict.PRESENT, "denies a mass"),
        ("what view is this", "There is no mass.", Verdict.NOT_SURE, "cannot exclude"),
        ("is there a mass on the left?", "No, a mass on the right.", Verdict.ABSENT, "names a mass"),
    ],
)
def test_an_answer_that_contradicts_the_classification_is_doubted(
    text: str, answer: str, verdict: Verdict, words: str
) -> None:
    (doubt,) = doubt_answer(read_question(text), answer, scores(mass=verdict))
    assert words in doubt


def test_an_answer_that_agrees_is_not_doubted() -> None:
    assert doubt_answer(read_question("any mass?"), "No mass.", scores()) == ()
    assert doubt_answer(read_question("any mass?"), "Yes, a mass.", scores(mass=Verdict.PRESENT)) == ()
    assert doubt_answer(read_question("what view is this"), "This is a PA view.", scores(mass=Verdict.PRESENT)) == ()
    assert find_finding("mass").bare_noun == "mass"
