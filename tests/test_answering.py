"""A question on its way through the Reader: what is asked of the model, and what is said without it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cxr.films.phantom import draw_film
from cxr.findings import BY_KEY
from cxr.model.calibration import Calibration, Scale
from cxr.model.engine import Encoded
from cxr.questions.forms import HEART
from cxr.questions.indications import HELD_BACK
from cxr.questions.overview import WHOLE_FILM
from cxr.questions.reading import read_question
from cxr.questions.replies import UNTAUGHT
from cxr.reader import Reader, Study, load_reader
from cxr.results import Manner, Turn
from cxr.serial import as_plain
from cxr.settings import Settings
from tests.fakes import EMBEDDED, FakeEngine
from tests.tiny import noise_film

PRESENT, UNSURE = "effusion", "mass"  # all others are absent


class TellingEngine(FakeEngine):
    """Finds an effusion on the right, cannot decide on a mass, and notes what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.scored = 0

    def score(self, encoded: Encoded, conversations: Sequence[Any], options: Sequence[str]) -> np.ndarray:
        if len(options) == 3:  # left, right, both
            return np.array([[0.01, 0.95, 0.04]])
        self.scored += 1
        yes = np.array([{PRESENT: 0.9, UNSURE: 0.4}.get(key, 0.01) for key in BY_KEY])
        return np.stack([yes, 1 - yes], axis=1)

    def stream(self, encoded: Encoded, conversation: Any, limit: int = 400) -> Any:
        self.asked.append(conversation[-1]["content"][-1]["text"])
        return super().stream(encoded, conversation, limit)


@pytest.fixture
def engine() -> TellingEngine:
    return TellingEngine()


@pytest.fixture
def reader(engine: TellingEngine) -> Reader:
    told: Any = engine
    return Reader(told, EMBEDDED, Calibration({key: Scale(1.0, 0.0, 0.6, 0.3) for key in BY_KEY}, "nobody"))


@pytest.fixture
def study(reader: Reader) -> Study:
    return reader.study(noise_film())


def say(reader: Reader, study: Study | None, question: str) -> Any:
    *_, last = reader.answer(study, question)
    assert last.finished
    return last


@pytest.mark.parametrize(
    ("question", "manner"),
    [
        ("how big is the pneumothorax?", Manner.CORRECTED),
        ("how big is the left effusion?", Manner.CORRECTED),
        ("why is there an effusion?", Manner.DECLINED),
        ("should I go to hospital?", Manner.DECLINED),
        ("what is an effusion?", Manner.EXPLAINED),
        ("how sure are you about the effusion?", Manner.CLASSIFIED),
    ],
)
def test_the_model_writes_nothing_of_what_it_cannot_know(
    reader: Reader, engine: TellingEngine, study: Study, question: str, manner: Manner
) -> None:
    answer = say(reader, study, question)
    assert answer.manner is manner and engine.asked == [] and answer.text == f"{answer.reason} {answer.step}".strip()
    assert as_plain(answer)["manner"] == manner.value


def test_what_is_there_is_answered_in_the_form_that_is_taught(
    reader: Reader, engine: TellingEngine, study: Study
) -> None:
    answer = say(reader, study, "how big would u say the right efusion is??")
    assert answer.manner is Manner.ANSWERED and engine.asked == [answer.asked] == ["How large is the pleural effusion?"]
    assert say(reader, study, "What view is this?").asked == ""


def test_a_doubt_stands_before_the_answer(reader: Reader, study: Study) -> None:
    first, *_, last = reader.answer(study, "how big is the mass?")
    assert first.text.startswith(last.reason) and last.manner is Manner.NOT_SURE and last.text.endswith("the mass?")


@pytest.mark.parametrize(
    ("question", "written", "manner", "told"),
    [
        (
            "how big is the mass?",
            "I see no mass, a nodule and a mass.",
            Manner.NOT_SURE,
            "so there is no size",
        ),
        (
            "where is the mass?",
            "I see a nodule on the left.",
            Manner.NOT_SURE,
            "so there is no place to tell.",
        ),
        ("where is the mass?", "In the left upper zone.", Manner.NOT_SURE, "rely on this: In the left upper zone."),
        ("how big is the effusion?", "Yes.", Manner.DECLINED, "I see a pleural effusion, but cannot tell how large."),
        ("how big is the effusion?", "It is small.", Manner.ANSWERED, "It is small."),
    ],
)
def test_words_that_tell_no_place_or_size_are_not_passed_on(
    reader: Reader,
    engine: TellingEngine,
    study: Study,
    monkeypatch: pytest.MonkeyPatch,
    question: str,
    written: str,
    manner: Manner,
    told: str,
) -> None:
    monkeypatch.setattr(engine, "stream", lambda *_: iter([written]))
    answers = list(reader.answer(study, question))
    assert answers[-1].manner is manner and told in answers[-1].text
    assert manner is not Manner.DECLINED or all(written not in each.text for each in answers)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Is there an effusion on the right?", "Yes, the pleural effusion was found on the patient's right."),
        ("Is there an effusion on the left?", "No, the pleural effusion was found on the patient's right."),
        ("Are there bilateral effusions?", "No, the pleural effusion was found on the patient's right."),
        ("A mass and an effusion?", "I see a pleural effusion (90%). Possible: a mass (40%)."),
        (
            "Is there an effusion with a pneumothorax?",
            "I see a pleural effusion (90%). Not found: a pneumothorax (1.0%).",
        ),
        (
            "Is it false that there is an effusion?",
            "The classification of this film says: pleural effusion 90% (present).",
        ),
        ("Is there a shadow?", "Yes. I see a pleural effusion (90%). Possible: a mass (40%)."),
    ],
)
def test_what_the_classification_knows_better_is_told_from_it(
    reader: Reader, study: Study, question: str, told: str
) -> None:
    answer = say(reader, study, question)
    assert answer.manner is Manner.CLASSIFIED and answer.text == told


def test_an_answer_without_a_word_is_none(
    reader: Reader, engine: TellingEngine, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "stream", lambda *_: iter(["."]))
    answer = say(reader, study, "What view is this?")
    assert answer.manner is Manner.DECLINED and "no words" in answer.reason and answer.step


@pytest.mark.parametrize(
    ("earlier", "question", "manner", "word"),
    [
        ("Is there an effusion?", "are you sure?", Manner.CLASSIFIED, "pleural effusion 90%"),
        ("Is there an effusion?", "what does that mean?", Manner.EXPLAINED, "Pleural effusion:"),
        ("What is an effusion?", "is there one?", Manner.CLASSIFIED, "Yes, a pleural effusion was found"),
        ("What is an effusion?", "do I have one?", Manner.CLASSIFIED, "Yes, a pleural effusion was found"),
    ],
)
def test_a_further_question_is_about_the_finding_before_it(
    reader: Reader, study: Study, earlier: str, question: str, manner: Manner, word: str
) -> None:
    *_, answer = reader.answer(study, question, [Turn(earlier, "Said.")])
    assert answer.manner is manner and word in f"{answer.text} {answer.asked}"


def test_all_that_is_seen_is_told_from_the_classification(reader: Reader, study: Study) -> None:
    answer = say(reader, study, "What does this film show?")
    assert answer.manner is Manner.CLASSIFIED
    assert answer.text == "I see a pleural effusion (90%). Possible: a mass (40%)."
    bare = say(Reader(reader.engine, EMBEDDED, None), study, "What does this film show?")
    assert bare.manner is Manner.ANSWERED and "What does this film show?" in bare.text


def test_an_ordinary_first_word_waits_for_no_classification(
    reader: Reader, engine: TellingEngine, study: Study
) -> None:
    answers = reader.answer(study, "What view is this?")
    next(answers)
    assert engine.scored == 0
    list(answers)
    assert engine.scored == 1
    known = reader.classify(study)
    list(reader.answer(study, "how big is the effusion?", known=known))
    assert engine.scored == 2  # the one just made, and none for the question


def test_without_a_film_words_are_explained_and_the_rest_is_declined(reader: Reader) -> None:
    assert say(reader, None, "What is a mass?").manner is Manner.EXPLAINED
    answer = say(reader, None, "Is there a mass?")
    assert answer.manner is Manner.DECLINED and "no film" in answer.reason and answer.step


def test_without_a_calibration_a_premise_is_answered_with_a_warning(engine: TellingEngine) -> None:
    told: Any = engine
    bare = Reader(told, EMBEDDED, None)
    answer = say(bare, bare.study(noise_film()), "how big is the pneumothorax?")
    assert answer.manner is Manner.ANSWERED and "not calibrated" in answer.warnings[-1]


def test_an_answer_that_places_it_on_the_other_side_is_corrected(
    reader: Reader, engine: TellingEngine, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cxr.answering.score_sides", lambda *_: {})
    monkeypatch.setattr(engine, "stream", lambda *_: iter(["In the right ", "lower zone."]))
    answer = say(reader, study, "where is the left effusion?")
    assert answer.manner is Manner.CORRECTED and answer.text.startswith("In the right lower zone. The question takes")
    assert say(reader, study, "where is the right effusion?").manner is Manner.ANSWERED


def test_a_model_that_knows_set_questions_alone_writes_nothing_to_others(engine: TellingEngine) -> None:
    told: Any = engine
    scales = Calibration({key: Scale(1.0, 0.0, 0.6, 0.3) for key in BY_KEY}, "nobody")
    reader = Reader(told, EMBEDDED, scales, set_questions=True)
    study = reader.study(noise_film())
    for question in ("Is the heart on the left?", "Are the lung markings increased?"):
        answer = say(reader, study, question)
        assert answer.manner is Manner.DECLINED and answer.reason == UNTAUGHT and answer.step
    doubted = say(reader, study, "Does the mass look round?")
    assert doubted.manner is Manner.DECLINED and "not sure that there is a mass" in doubted.text
    assert engine.asked == []
    assert say(reader, study, "What view is this?").manner is Manner.ANSWERED
    assert say(reader, study, "how large is the right effusion?").manner is Manner.ANSWERED
    assert engine.asked == ["What view is this?", "How large is the pleural effusion?"]


def test_the_embedded_model_knows_set_questions_alone() -> None:
    reader = load_reader(Settings())
    assert reader.set_questions
    film = reader.study(draw_film(10_000_000, size=256, view="PA").film)
    known = replace(reader.classify(film), scores=())
    *_, told = reader.caption(film, "after a fall, known pneumothorax", known)
    *_, plain = reader.caption(film, "", known)
    assert told.text == plain.text and HELD_BACK.format("a pneumothorax") in told.warnings
    *_, other = reader.caption(film, "Cough for two weeks", known)
    assert not any("indication" in warning for warning in other.warnings)


def test_how_the_heart_is_is_told_in_a_sentence() -> None:
    for question in ("How is the heart?", "What is the size of the heart?"):
        read = read_question(question)
        assert read.told and read.request == HEART
    assert not read_question("Is the heart enlarged?").told


def test_what_is_asked_of_one_side_is_told_of_the_whole_film_and_says_so(reader: Reader, study: Study) -> None:
    assert say(reader, study, "Is the right lung clear?").text.endswith(WHOLE_FILM)
    assert WHOLE_FILM not in say(reader, study, "What does this film show?").text


def test_yes_and_no_are_the_classifications_and_not_the_models(
    reader: Reader, engine: TellingEngine, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "stream", lambda *_: iter(["Yes, a large ", "pneumonia."]))
    assert say(reader, study, "Is there pneumonia?").text == "No, no pneumonia was found (probability 1.0%)."
    unsure = say(reader, study, "Is there a mass on the right?")
    assert unsure.manner is Manner.NOT_SURE and unsure.text.startswith("I am not sure whether there is a mass")
    monkeypatch.setattr(engine, "stream", lambda *_: iter(["Yes, a large ", "effusion on the right."]))
    there = "Yes, a large effusion on the right (probability 90%)."
    assert say(reader, study, "Is there an effusion?").text == there
    assert say(reader, study, "Is the left lung free of effusion?").text.startswith("Yes, the pleural effusion was")
    bare = Reader(reader.engine, EMBEDDED, None)
    assert say(bare, study, "Is there an effusion?").text == "Yes, a large effusion on the right."


def test_a_greeting_is_met_with_what_can_be_asked(reader: Reader, engine: TellingEngine, study: Study) -> None:
    answer = say(reader, study, "hello there")
    assert answer.manner is Manner.DECLINED and answer.text.startswith("Hello. ") and "You can ask" in answer.text
    assert say(reader, None, "who are you?").text == answer.text and engine.asked == []


def test_whether_it_is_on_one_side_is_answered_and_not_corrected(reader: Reader, study: Study) -> None:
    for question in ("is the effusion on the left", "Is it the left lung that has the effusion?"):
        answer = say(reader, study, question)
        told = "No, the pleural effusion was found on the patient's right."
        assert answer.manner is Manner.CLASSIFIED and answer.text == told
    assert say(reader, study, "is the effusion on the right?").text.startswith("Yes, ")
    assert say(reader, study, "How big is the effusion on the left?").manner is Manner.CORRECTED


def test_how_sure_of_what_is_not_there_is_a_correction(reader: Reader, study: Study) -> None:
    assert say(reader, study, "How sure are you that the pneumonia is real?").manner is Manner.CORRECTED
    assert say(reader, study, "How sure are you that the effusion is real?").manner is Manner.CLASSIFIED
    assert say(reader, study, "How sure are you about pneumonia?").manner is Manner.CLASSIFIED
