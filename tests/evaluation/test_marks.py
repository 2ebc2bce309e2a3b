"""What is planted in a report, what is true of a sentence, and what is counted."""

import random
import sys
from io import StringIO

import pytest

from cxr.evaluation import drawn
from cxr.evaluation.films import Case, draw_cases
from cxr.evaluation.marks import EARLIER, judge_sentence, main, plant
from cxr.films.phantom import draw_film
from cxr.priors import mentions_prior
from cxr.results import Observation
from tests.fakes import fake_reader

SEEN = (Observation("effusion", "left"), Observation("cardiomegaly"))


def make_case() -> Case:
    film = draw_film(10_000_020, size=128, view="PA").film
    return Case(film, "p", frozenset({"effusion", "cardiomegaly"}), frozenset({"mass"}), SEEN)


@pytest.mark.parametrize(
    ("sentence", "true"),
    [
        ("There is a pleural effusion on the left.", True),
        ("There is a pleural effusion on the right.", False),
        ("There is a pleural effusion and a mass.", False),
        ("No mass.", True),
        ("No pleural effusion.", False),
        ("Cardiomegaly on the left.", True),  # it has no side
        ("The film was taken with care.", None),
    ],
)
def test_a_sentence_is_true_where_all_it_says_is(sentence: str, true: bool | None) -> None:
    assert judge_sentence(sentence, SEEN) is true


def test_what_is_planted_is_not_true_of_the_film() -> None:
    other = [Observation("effusion", "right"), Observation("mass", "left")]
    planted = dict(plant(make_case(), other, random.Random(0)))
    assert set(planted) == {"earlier", "foreign", "side"} and planted["earlier"] in EARLIER
    assert judge_sentence(planted["foreign"], SEEN) is False and "mass" in planted["foreign"]
    assert judge_sentence(planted["side"], SEEN) is False and "on the right" in planted["side"]
    assert {kind for kind, _ in plant(make_case(), [], random.Random(0))} == {"earlier", "side"}


def test_what_is_said_of_an_earlier_film_is_told_apart() -> None:
    assert all(map(mentions_prior, EARLIER))


def test_the_command_prints_a_row_for_each_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()
    monkeypatch.setattr(drawn, "load_reader", lambda *_, **__: fake_reader())
    monkeypatch.setattr(drawn, "draw_cases", lambda count: draw_cases(count, size=128))
    monkeypatch.setattr(sys, "stdout", out)
    main(["--drawn", "4"])
    lines = out.getvalue().splitlines()
    assert "| planted: an earlier film | 4 | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] |" in lines
    assert sum(line.startswith("| planted") for line in lines) == 3
    assert any(line.startswith("| true sentences of true reports") for line in lines)
