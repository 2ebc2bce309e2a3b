"""Misspelt words are read as a person would, and words that are right stay as they are."""

import pytest

from cxr.questions.spelling import repair_spelling


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("any plueral efusion and pnuemothroax on the riht?", "any pleural effusion and pneumothorax on the right?"),
        ("Defnition of cradiomegaly", "definition of cardiomegaly"),
        ("write a short repotr pls", "write a short report please"),
        ("WHERE'S the ptient's left", "where is the patient's left"),
        ("is the heart oversizd", "is the heart oversized"),
        ("left-sidded nodle", "left-sided nodule"),
        ("whats an xray", "what is an x-ray"),
        ("plural fluid and lung scaring", "pleural fluid and lung scarring"),
    ],
)
def test_misspelt_words_are_read_as_the_nearest(text: str, read: str) -> None:
    assert repair_spelling(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "is there a perfusion problem later, should it be injected?",
        "hilar nodes and costophrenic angles",  # words of the trade that no list of English holds
        "doesn't it, isn't it, haven't they",
        "kann man einen pleuraerguss auf der linken seite sehen",  # of another language nothing becomes English
        "¿hay derrame en el lado derecho?",
        "есть ли выпот",
        "ptx ap pa ct",
    ],
)
def test_right_words_and_other_languages_stay(text: str) -> None:
    assert repair_spelling(text) == text


def test_an_adapters_own_words_are_spelt_as_it_spells_them() -> None:
    assert repair_spelling("opacification") == "pacification"
    assert repair_spelling("opacification", {"opacification"}) == "opacification"
