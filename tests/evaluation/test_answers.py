"""Questions are written from what is known, and answers judged as one would by hand."""

import math

import pytest

from cxr.evaluation.answers import (
    Exchange,
    count_answers,
    measure_answers,
    measure_token_f1,
    write_exchanges,
)
from cxr.evaluation.films import Case
from cxr.findings import BY_KEY, find_finding
from cxr.prompts import ask_finding
from tests.tiny import noise_film

FILM = noise_film()


def case(present: str = "", absent: str = "", name: str = "a.png", pairs: tuple[tuple[str, str], ...] = ()) -> Case:
    return Case(FILM, "p", frozenset(present.split()), frozenset(absent.split()), name=name, pairs=pairs)


def test_the_questions_of_the_data_come_first_then_one_finding_of_each_kind() -> None:
    written = write_exchanges(case("mass", "hernia", pairs=(("Which view?", "PA."),)))
    assert [(item.question, item.reference, item.kind) for item in written] == [
        ("Which view?", "PA.", "data"),
        (ask_finding(BY_KEY["mass"]), "Yes.", "plain"),
        ("Is this film free of a mass?", "No.", "negated"),
        (ask_finding(BY_KEY["hernia"]), "No.", "plain"),
        ("Is this film free of a hiatal hernia?", "Yes.", "negated"),
    ]


def test_nothing_is_asked_of_what_is_unknown() -> None:
    assert write_exchanges(case()) == ()
    assert {item.question for item in write_exchanges(case(absent="edema"))} == {
        ask_finding(BY_KEY["edema"]),
        "Is this film free of pulmonary edema?",
    }
    (plain, _) = write_exchanges(case("support_devices"))
    assert plain.question == ask_finding(find_finding("support_devices"))


def test_every_reader_gets_the_same_questions_wherever_the_film_lies() -> None:
    many = " ".join(BY_KEY)
    assert write_exchanges(case(many, name="one/a.png")) == write_exchanges(case(many, name="two/a.png"))
    assert len({write_exchanges(case(many, name=f"{i}.png")) for i in range(40)}) > 8


@pytest.mark.parametrize(
    ("reference", "closed"),
    [
        ("Yes.", True),
        ("no", True),
        ("Yes, on the left.", True),
        ("No; the heart is normal.", True),
        ("Yes there is a mass", True),
        ("yes - left", True),
        ("no - it is clear", True),
        ("No there is no mass", True),
        ("No effusion.", False),
        ("Nothing", False),
        ("Left", False),
        ("Normal", False),
        ("", False),
    ],
)
def test_a_question_is_closed_where_its_reference_is_yes_or_no(reference: str, closed: bool) -> None:
    assert Exchange("?", reference).closed is closed


def test_an_answer_is_right_by_its_yes_or_no_alone() -> None:
    def right(reference: str, answer: str) -> bool:
        return Exchange("?", reference, answer=answer).right

    assert right("Yes.", "yes, a small one") and right("No.", "No.")
    assert not right("Yes.", "No.") and not right("Yes.", "It may be.") and not right("No.", "")


def test_token_f1_shares_words_but_not_articles_and_stops() -> None:
    # left lower lobe / the lower lobe, right: 2 of 3 and 2 of 3
    assert measure_token_f1("Left lower lobe.", "the lower lobe, right") == pytest.approx(2 / 3)
    assert measure_token_f1("a mass", "Mass") == 1
    assert measure_token_f1("mass mass mass", "mass") == pytest.approx(2 / 4)  # a word counts as often as in both
    assert measure_token_f1("", "mass") == 0 == measure_token_f1("heart", "lung") and measure_token_f1("the", "A.") == 1


def figures(*films: list[Exchange]) -> dict[str, float]:
    counts = [count_answers(film) for film in films]
    return measure_answers({name: sum(count[name] for count in counts) for name in counts[0]})


def both(plain: str, negated: str, present: bool = True) -> list[Exchange]:
    yes, no = ("Yes.", "No.") if present else ("No.", "Yes.")
    return [Exchange("q", yes, "plain", plain), Exchange("n", no, "negated", negated)]


def test_figures_count_questions_and_not_films() -> None:
    measured = figures(
        [Exchange("q", "Yes.", answer="Yes."), Exchange("q", "No.", answer="Yes."), Exchange("q", "No.", answer="No.")],
        [Exchange("q", "No.", answer="Yes."), Exchange("q", "PA view", answer="PA"), Exchange("q", "left", answer="x")],
    )
    assert measured["vqa/closed_accuracy"] == 0.5
    assert measured["vqa/open_token_f1"] == pytest.approx((2 / 3 + 0) / 2)
    assert math.isnan(measured["finding_questions/closed_accuracy"])


def test_opposite_answers_are_consistent_even_where_both_are_wrong() -> None:
    measured = figures(
        [*both("Yes.", "No."), *both("Yes.", "No.", present=False)],  # right, and wrong twice
        [*both("Yes.", "Yes."), *both("Perhaps.", "Yes.", present=False)],  # always yes; no answer
    )
    assert measured["finding_questions/negated_consistency"] == 0.5
    assert measured["finding_questions/closed_accuracy"] == pytest.approx((2 + 0 + 1 + 1) / 8)
    assert math.isnan(measured["vqa/closed_accuracy"])
