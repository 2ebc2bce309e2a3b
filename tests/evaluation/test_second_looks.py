"""Left and right, and a blank film: what the two evaluations count."""

import sys
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest

from cxr.evaluation import depends, sides
from cxr.evaluation.films import Case, draw_cases
from cxr.films.film import Film
from cxr.results import Observation
from cxr.second_look import SecondLook
from tests.fakes import fake_reader


def make_case(side: str, bright: str) -> Case:
    """A film that is brighter on one of the patient's sides, by which the fake engine names it."""
    pixels = np.full((64, 64), 0.4, np.float32)
    pixels[:, slice(40, None) if bright == "left" else slice(0, 24)] = 0.8
    seen = (Observation("effusion", side), Observation("edema"))  # type: ignore[arg-type]
    return Case(Film(pixels), f"{side}{bright}", frozenset({"effusion", "edema"}), frozenset(), seen)


def test_right_sides_and_those_that_change_are_counted() -> None:
    counts = sides.count_film(fake_reader(), make_case("left", "left"))
    assert (counts["findings"], counts["right"], counts["flips"], counts["sure and right"]) == (1, 1, 1, 1)
    wrong = sides.count_film(fake_reader(), make_case("left", "right"))
    assert (wrong["right"], wrong["flips"], wrong["sure and right"], wrong["one right"]) == (0, 1, 0, 0)
    nothing = replace(make_case("left", "left"), observations=())
    assert set(sides.count_film(fake_reader(), nothing).values()) == {0}


def test_unsure_sides_are_measured_apart() -> None:
    sums = dict.fromkeys(sides.NAMES, 0.0) | {"findings": 10, "right": 7, "flips": 6, "sure and right": 5}
    figures = sides.measure_sides(sums)
    assert figures["side changes on the mirrored film"] == 0.6
    assert figures["right side, where it changes (sure)"] == pytest.approx(5 / 6)
    assert figures["right side, where it does not (unsure)"] == pytest.approx(2 / 4)


def test_the_table_of_sides_says_of_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    table = sides.write_table(fake_reader(), [make_case("left", "left"), make_case("right", "left")], resamples=20)
    assert "2 drawn films, 2 findings with a side that are there, 0 of them in the report." in table
    assert "| right side, all | 0.500 [0.000, 1.000] |" in table


def test_the_share_of_answers_that_depend_is_printed_for_findings_and_questions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, case = fake_reader(), next(draw_cases(1, size=128))
    study = reader.study(case.film)
    by_hand = [float(item.depends) for item in SecondLook(reader).check_findings(study)]
    assert depends.count_findings(reader, study)["all findings"] == pytest.approx(np.mean(by_hand))
    *_, answer = SecondLook(reader).check_answer(study, "Why?")
    assert answer and depends.count_answers(reader, study, ("Why?",)) == {"Why?": answer.depends}
    out = StringIO()
    monkeypatch.setattr(depends, "load_reader", lambda *_, **__: reader)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(depends, "choose_cases", lambda _: draw_cases(3, size=128))
    depends.main(["--every", "2"])
    findings, questions = out.getvalue().split("## Questions")
    assert "3 films of 3 patients" in findings and "| all findings | " in findings
    assert "2 films of 2 patients" in questions and "| Is the heart enlarged? | " in questions
