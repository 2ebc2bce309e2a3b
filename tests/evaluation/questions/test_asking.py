"""Questions made by code fit the truth of their films, and the measured wordings are not those that were tried."""

import random

import pytest

from cxr.evaluation.films import DRAWN_SEED
from cxr.evaluation.questions.asking import (
    ANSWERABLE,
    FIRST,
    SETS,
    UNANSWERABLE,
    choose_finding,
    draw_fitting,
    find_sided,
    make_questions,
    mistype,
    write_question,
)
from cxr.findings import BY_KEY


def test_there_are_200_of_each() -> None:
    assert sum(UNANSWERABLE.values()) == sum(ANSWERABLE.values()) == 200


@pytest.mark.parametrize("words", SETS.values(), ids=list(SETS))
def test_every_kind_has_three_wordings_and_every_finding_a_name(words: object) -> None:
    forms = {**getattr(words, "unanswerable", {}), **getattr(words, "answerable", {})}
    assert set(forms) == {*UNANSWERABLE, *ANSWERABLE} and set(getattr(words, "names", {})) == set(BY_KEY)
    assert all(len(set(each)) == len(each) >= 3 for each in forms.values())


def test_what_is_measured_was_not_tried_and_films_are_kept_for_it() -> None:
    measured, tried = SETS["measured"], SETS["tried"]
    both = 0
    for kind in UNANSWERABLE | ANSWERABLE:
        forms = [{**words.unanswerable, **words.answerable}[kind] for words in (measured, tried)]
        both += len(set(forms[0]) & set(forms[1]))
    assert both < 20  # the shortest way to ask something is the same for everybody
    assert FIRST["measured"] >= DRAWN_SEED > FIRST["tried"]


def test_truth_fits_the_kind() -> None:
    for kind in ("how large is it", "takes the wrong side for granted"):
        _, drawn = draw_fitting(kind, 0, FIRST["tried"])
        asked = write_question(SETS["tried"], kind, kind in ANSWERABLE, 0, drawn, random.Random(0))
        sides = {item.side for item in find_sided(drawn)}
        assert sides and len(asked.wordings) == 3
        if kind.startswith("takes"):
            wrong = {"left": "right", "right": "left"}
            assert any(wrong[str(side)] in text for side in sides for text in asked.wordings)
    absent = choose_finding("treatment", 0, drawn, random.Random(0))
    assert absent.finding not in {item.finding for item in drawn.observations}


def test_a_seed_makes_the_same_questions_again() -> None:
    first, second = (next(make_questions("tried", seed=3)) for _ in range(2))
    assert first.wordings == second.wordings and first.seed == second.seed
    assert next(make_questions("tried", seed=4)).wordings != first.wordings


def test_a_typing_error_changes_one_word() -> None:
    rng = random.Random(0)
    for _ in range(20):
        told = mistype("Is there a pneumothorax?", rng)
        assert told.startswith("Is there a ") and told[11] == "p" and abs(len(told) - 24) <= 1
    assert mistype("Is it bad?", rng) == "Is it bad?"
