"""A question is read as a person would: what it names, what it takes for granted, how it is put to the model."""

import pytest

from cxr.findings import FINDINGS
from cxr.prompts import MAX_QUESTION, MAX_TURNS, READY_QUESTIONS
from cxr.questions import forms, reading
from cxr.questions.question import Question, Topic
from cxr.questions.reading import read_question
from cxr.results import Turn
from cxr.training import wordings


def ask(text: str, own: tuple[str, ...] = (), earlier: tuple[str, ...] = ()) -> Question:
    return read_question(text, own, [Turn(question, "No.") for question in earlier])


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.key)
def test_every_finding_is_known_by_its_noun_and_its_name(finding: object) -> None:
    for word in (getattr(finding, "noun", ""), getattr(finding, "name", "").upper()):
        asked = ask(f"Can you see {word} here?")
        assert asked.topic is Topic.PRESENCE and asked.findings == (getattr(finding, "key", ""),) and not asked.granted


@pytest.mark.parametrize(
    ("text", "key", "side"),
    [
        ("any efusion on the left", "effusion", "left"),
        ("is there fluid around my right lung?", "effusion", "right"),
        ("water in the pleural space?", "effusion", None),
        ("is there an enlarged heart, am I right?", "cardiomegaly", None),
        ("Is there any costophrenic angle blunting?", "effusion", None),
        ("Are the costophrenic angles blunted?", "effusion", None),
        ("Is there blunting of the left costophrenic angle?", "effusion", "left"),
        ("bilateral oedema?", "edema", "both"),
        ("Is there a left- or right-sided hiatus hernia?", "hernia", None),
    ],
)
def test_lay_words_spelling_and_sides(text: str, key: str, side: str | None) -> None:
    asked = ask(text)
    assert asked.findings == (key,) and asked.side == side and asked.topic is Topic.PRESENCE


@pytest.mark.parametrize(
    ("text", "topic", "request_"),
    [
        ("how big is the left effusion?", Topic.SIZE, "How large is the pleural effusion?"),
        ("Is the mass small or large?", Topic.SIZE, "How large is the mass?"),
        ("whereabouts is the pnemonia", Topic.PLACE, "Where is the pneumonia?"),
        ("is the nodule left or right", Topic.PLACE, "On which side is the nodule?"),
        ("which lobe does the pneumonia fill", Topic.PLACE, "Where is the pneumonia?"),
        ("Why is there a pneumothorax?", Topic.CAUSE, "Why is there a pneumothorax?"),
        ("Has the mass got sharp edges?", Topic.DETAIL, "Has the mass got sharp edges?"),
        ("describe the emphysema", Topic.DETAIL, "Is there emphysema?"),
        ("She has a mass. How big is it?", Topic.SIZE, "How large is the mass?"),
        ("how did you recognise the mass", Topic.DETAIL, "how did you recognise the mass"),
        ("Are the edges of the mass blurred?", Topic.DETAIL, "Are the edges of the mass blurred?"),
        ("how white is the mass compared to the rest", Topic.DETAIL, "how white is the mass compared to the rest"),
        ("Since there is a mass, what else should I check?", Topic.DETAIL, None),
        ("is that mass touching the diaphragm", Topic.DETAIL, "is that mass touching the diaphragm"),
    ],
)
def test_what_is_taken_for_granted(text: str, topic: Topic, request_: str | None) -> None:
    asked = ask(text)
    assert asked.granted and asked.topic is topic and asked.request == (request_ or text)


def test_the_side_that_is_told_first_is_the_side_of_what_is_asked() -> None:
    asked = ask("On the left there is a mass; does it look round?")
    assert asked.granted and asked.side == "left" and asked.findings == ("mass",)


def test_present_or_absent_is_not_turned_round() -> None:
    asked = ask("Is pleural fluid present or absent?")
    assert asked.request == "Is there a pleural effusion?" and not asked.turned


@pytest.mark.parametrize(
    "text",
    [
        "Is there a small effusion?",
        "Is there an effusion on the left or on the right?",
        "Could the shadow on the right be a mass?",
        "My doctor says there is an effusion, is that right?",
        "I had an operation last week, is there an effusion?",
        "Can you tell me if there is an effusion and how big it is?",
    ],
)
def test_what_is_only_asked_is_not_taken_for_granted(text: str) -> None:
    asked = ask(text)
    assert asked.topic is Topic.PRESENCE and not asked.granted


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("Do I need antibiotics for the pneumonia?", Topic.TREATMENT),
        ("is it bad?", Topic.OUTLOOK),
        ("should i be worried", Topic.OUTLOOK),
        ("Is this new?", Topic.EARLIER),
        ("is the effusion bigger than before", Topic.EARLIER),
        ("What caused it?", Topic.CAUSE),
        ("does the patient have a cough", Topic.SYMPTOMS),
        ("is this a man or a woman", Topic.PERSON),
        ("qwertz", Topic.NONSENSE),
        ("What is the capital of France?", Topic.NONSENSE),
        ("How big is it?", Topic.UNCLEAR),
        ("How many nodules are there?", Topic.COUNT),
        ("Ist ein Erguss zu sehen?", Topic.LANGUAGE),
        ("есть ли выпот?", Topic.LANGUAGE),
        ("How sure are you about the mass?", Topic.CHANCE),
        ("What is a mass?", Topic.MEANING),
        ("what does oedema mean", Topic.MEANING),
        ("is there a pericardial effusion", Topic.OUTSIDE),
        ("subcutaneous emphysema?", Topic.OUTSIDE),
        ("Does this xray show an intubated patient?", Topic.OUTSIDE),
        ("Do the lungs appear hyperinflated?", Topic.OUTSIDE),
        ("Is there hyperinflation?", Topic.OUTSIDE),
        ("Is my knee ok?", Topic.OUTSIDE),
        ("hello", Topic.GREETING),
        ("Is physio any good for that?", Topic.TREATMENT),
        ("I am worried about the mass", Topic.OUTLOOK),
        ("What percentage of the lung is taken up by the effusion?", Topic.SIZE),
        ("What do you understand by infiltration?", Topic.MEANING),
        ("what about a heart attck", Topic.OUTSIDE),
        ("Hi there, who are you?", Topic.GREETING),
        ("thank you very much!", Topic.GREETING),
        ("what can I ask", Topic.GREETING),
        ("hi, is there an effusion?", Topic.PRESENCE),
        ("What is an infiltrate in plain English please", Topic.MEANING),
        ("the letter says oedema. what is it?", Topic.MEANING),
        ("how would you explain the term mass to my gran", Topic.MEANING),
        ("Not about this film: what is a mass?", Topic.MEANING),
        ("Has the mass moved the windpipe?", Topic.OUTSIDE),
        ("Tell me about the lung abscess", Topic.OUTSIDE),
        ("Is there something I could do at home?", Topic.TREATMENT),
        ("will it go away", Topic.OUTLOOK),
        ("lol ok", Topic.GREETING),
        ("sorry wrong chat", Topic.NONSENSE),
    ],
)
def test_what_a_question_is_about(text: str, topic: Topic) -> None:
    assert ask(text).topic is topic


def test_what_is_not_looked_for_is_named_and_an_adapter_may_look_for_it() -> None:
    assert ask("is there a broken rib or a chest tube").others[:2] == ("fractures", "tubes, lines and devices")
    own = ask("is there a fracture?", own=("fracture",))
    assert own.topic is Topic.PRESENCE and own.findings == ("fracture",) and own.request == "Do you see a fracture?"
    assert ask("any tb?", own=("tuberculosis",)).topic is not Topic.OUTSIDE


def test_it_stands_for_what_was_asked_before() -> None:
    asked = ask("how big is it?", earlier=("Is there an effusion?", "And the view?"))
    assert asked.granted and asked.request == "How large is the pleural effusion?"
    assert (
        ask("and on the left?", earlier=("Is there an effusion?",)).request
        == "Is there a pleural effusion on the left?"
    )
    assert (
        ask("is it on the left?", earlier=("Is there an effusion?",)).request
        == "Is there a pleural effusion on the left?"
    )
    assert ask("is it on both sides?", earlier=("Is there an effusion?",)).side == "both"
    assert ask("and now?", earlier=("Is there an effusion?",)).topic not in (Topic.NONSENSE, Topic.UNCLEAR)


@pytest.mark.parametrize("text", ["no effusion, right?", "Is the film free of any effusion?", "Is there no effusion?"])
def test_whether_one_is_absent_is_asked_plainly_and_turned_round(text: str) -> None:
    read = ask(text)
    assert read.request == "Is there a pleural effusion on this chest film? Answer yes or no." and read.turned
    assert not ask(read.request).turned and not ask("Is there an effusion?").turned


def test_whether_two_are_absent_is_put_as_it_is_asked() -> None:
    read = ask("Is there no effusion and no mass?")
    assert read.request == "Is there no effusion and no mass?" and not read.turned


@pytest.mark.parametrize("text", READY_QUESTIONS)
def test_ready_questions_reach_the_model_as_they_are(text: str) -> None:
    asked = ask(text)
    assert asked.request == text and asked.topic in (Topic.FILM, Topic.PRESENCE, Topic.PLACE, Topic.MEANING)


@pytest.mark.parametrize(
    ("form", "taught"),
    [
        (forms.SEEN, wordings.SEEN),
        (forms.SEEN_OWN, wordings.SEEN_OWN),
        (forms.SIDED, wordings.SIDED),
        (forms.WHICH, wordings.WHICH),
        (forms.SIDE, wordings.SIDE),
        (forms.WHERE, wordings.WHERE),
        (forms.SIZE, wordings.SIZE),
        (forms.HEART, wordings.HEART),
        (forms.HEART_FINE, wordings.HEART_FINE),
        (forms.VIEW, wordings.VIEW),
        (forms.VIEW_OR_NOT, wordings.VIEW_OR_NOT),
        (forms.NORMAL, wordings.NORMAL),
        (forms.ABNORMAL, wordings.ABNORMAL),
        (forms.WHAT, wordings.WHAT),
        (forms.ORIENTATION, wordings.ORIENTATION),
        (forms.PICTURE, wordings.PICTURE),
        (forms.THIS_PICTURE, wordings.THIS_PICTURE),
        *((form, wordings.OTHER_PICTURE) for form in forms.OTHER_PICTURES.values()),
    ],
)
def test_every_form_is_one_that_is_taught(form: str, taught: tuple[str, ...]) -> None:
    assert form in taught


def test_a_long_question_is_read_at_once() -> None:
    for piece in (
        "is the effusion or ",
        "(((",
        "what side ",
        "x" * 20 + " ",
        "I have a cough, ",
        "a mass, it ",
        "left lung ",
    ):
        assert ask((piece * 500)[:500]).topic in Topic  # no pattern runs away


@pytest.mark.parametrize("rows", [1, 8, 40, 1000])
@pytest.mark.parametrize("word", ["wrgh ", "efusionn ", " ", "<|x|>", "-", "a"])
def test_of_a_megabyte_of_earlier_questions_no_more_is_read_than_of_one_question(
    rows: int, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    stock = reading.repair_spelling
    monkeypatch.setattr(reading, "repair_spelling", lambda text, kept=(): (read.append(text), stock(text, kept))[1])
    earlier = [Turn(word * (1_000_000 // rows // len(word)), "x")] * rows
    read_question("How big is it?", (), earlier)
    assert sum(map(len, read[1:])) <= MAX_QUESTION and len(read) <= 1 + MAX_TURNS


def test_it_stands_for_a_finding_of_a_short_question_before_long_ones() -> None:
    turns = [Turn("Is there a mass?", "No."), *[Turn("What does this film show at its upper edge?", "x")] * 5]
    assert read_question("How big is it?", (), turns).findings == ("mass",)


def test_plain_words_near_those_of_the_trade_stay_what_they_are() -> None:
    assert read_question("Is there a perfusion problem?").findings == ()
    assert read_question("What are the chances of a mass?").topic is Topic.CHANCE


def test_an_offered_no_is_no_denial() -> None:
    assert read_question("Is the heart enlarged? yes/no").request == forms.HEART
    assert read_question("Is the heart not enlarged?").request == forms.HEART_FINE


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("heart?", forms.HEART),
        ("and the lungs?", forms.WHAT),
        ("what about the right lung", forms.WHAT),
        ("Is this an anterior-posterior image?", "Is this an AP film?"),
        ("How certain are you that this is normal?", forms.WHAT),
        ("any sign of infection?", "Is there pneumonia?"),
        ("Which organ is imaged?", forms.PICTURE),
        ("what does the xray show", forms.WHAT),
        ("Could you write a short report on this film?", forms.WHAT),
        ("where do i find the left lung in the picture", forms.ORIENTATION),
        ("i'm worried about pneumonia, is there some", "Is there pneumonia?"),
        ("does this picture show an effusion or not?", "Is there a pleural effusion?"),
        ("Which of the two lungs has the nodule?", "On which side is the nodule?"),
        ("the mass, is it in my left lung or my right lung", "On which side is the mass?"),
        ("Was the patient facing the detector (PA) or not (AP)?", forms.VIEW),
        ("is there water on the lung", "Which of these do you see: a pleural effusion or pulmonary edema?"),
        ("Has my lung collapsed?", "Is there a pneumothorax?"),
        ("my doctor mentioned a mass, is it in the picture?", "Is there a mass?"),
        ("My student thinks she sees a mass. Is she right?", "Is there a mass?"),
        ("does anything on the x-ray suggest a mass", "Is there a mass?"),
        ("Does the left side of the chest show a mass?", "Is there a mass on the left?"),
        ("Is it a big mass?", "How large is the mass?"),
        ("the nurse said there's a mass, how bad does it look", "How large is the mass?"),
        ("mass: L or R?", "On which side is the mass?"),
        ("Is this effusion right-sided or left-sided?", "On which side is the pleural effusion?"),
        ("which way did the beam go through the patient", forms.VIEW),
        ("is it from the side or from the front", forms.VIEW),
        ("why is left on the right here", forms.ORIENTATION),
        ("Which half of the image shows the right lung?", forms.ORIENTATION),
        ("which side of the picture is my right arm on", forms.ORIENTATION),
        ("was this made with x-rays", forms.THIS_PICTURE),
        ("so is this the chest or the tummy", forms.PICTURE),
        ("I got this from the hospital, what type of scan is it", forms.PICTURE),
        ("does the cardiac shadow take up too much room", forms.HEART),
        ("what's the cardiothoracic ratio?", forms.HEART),
        ("How big is my heat?", forms.HEART),
        ("Does everything look all right on this film?", forms.NORMAL),
        ("Is the mass in the left lung, in the right, or in both?", "On which side is the mass?"),
        ("Would you say it shows a mass, or is it clear of that?", "Is there a mass?"),
        ("Where on the image do I find the right lung of the patient?", forms.ORIENTATION),
        ("Are my lungs and heart clear?", forms.NORMAL),
        ("I need to know if my mother has a mass on her right.", "Is there a mass on the right?"),
        ("is my dad's mass a small one or a large one", "How large is the mass?"),
        ("is my right lung the one on the left of the screen", forms.ORIENTATION),
        ("Tell me what you found.", forms.WHAT),
        ("Is there something not right in this picture?", forms.ABNORMAL),
        ("does this look alright to you", forms.NORMAL),
    ],
)
def test_few_words_find_their_form(text: str, request_: str) -> None:
    assert ask(text).request == request_


def test_what_is_put_in_a_form_of_ours_is_told_from_a_visitors_own_words() -> None:
    for finding in FINDINGS:
        for form in (forms.SIDE, forms.WHERE, forms.SIZE):
            assert forms.is_taught(forms.ask_about(form, finding), (finding.key,))
        assert all(forms.is_taught(forms.ask_seen((finding.key,), side), (finding.key,)) for side in (None, "left"))
    assert not forms.is_taught("Is there a mass?", ("effusion",))
    for text in ("Is the heart on the left?", "What are the two bright dots?", "Does the nodule look round?"):
        read = ask(text)
        assert not forms.is_taught(read.request, read.findings)


@pytest.mark.parametrize("text", READY_QUESTIONS)
def test_ready_questions_are_answered_also_where_only_forms_are_known(text: str) -> None:
    asked = ask(text)
    assert asked.topic is Topic.MEANING or forms.is_taught(asked.request, asked.findings)
