"""The same questions of a blank and of a mirrored film, through the reader that serves."""

from dataclasses import replace

import numpy as np
import pytest

from cxr.films.film import Film
from cxr.films.phantom import draw_film
from cxr.findings import BY_KEY, FINDINGS
from cxr.model.calibration import Calibration, Scale
from cxr.probes import compare_scores, draw_blank, list_to_check, mirror_film
from cxr.prompts import YES_NO, ask_finding, build_conversation
from cxr.reader import Reader, load_reader
from cxr.results import CxrError, RefusalError, Score, Verdict
from cxr.second_look import SecondLook
from cxr.settings import Settings
from tests.fakes import FakeEngine, fake_reader


@pytest.fixture(scope="module")
def served() -> Reader:
    """The model that ships with the code, with its gate."""
    return load_reader(Settings())


def test_a_mirrored_film_has_left_and_right_exchanged_and_nothing_else() -> None:
    film = draw_film(10_000_011, size=128, view="PA").film
    mirrored = mirror_film(film)
    assert np.array_equal(mirrored.pixels[:, 0], film.pixels[:, -1]) and mirrored.pixels.flags["C_CONTIGUOUS"]
    assert (mirrored.view, mirrored.warnings) == (film.view, film.warnings)
    assert np.array_equal(mirror_film(mirrored).pixels, film.pixels)


def test_a_blank_film_is_encoded_once_and_no_gate_is_asked() -> None:
    reader = fake_reader(gated=True)
    study = reader.study(draw_film(10_000_012, size=192, view="PA").film)
    assert isinstance(reader.engine, FakeEngine)
    with pytest.raises(RefusalError):
        reader.admit(draw_blank())
    before, look = reader.engine.encodings, SecondLook(reader)
    for _ in range(2):
        assert len(look.check_findings(study)) == len(FINDINGS)
        *_, found = look.check_answer(study, "Is the heart enlarged?")
        assert found
    assert reader.engine.encodings == before + 1


def test_what_barely_moves_is_said_to() -> None:
    seen = [Score("mass", 0.5), Score("nodule", 0.5), Score("edema", 0.02)]
    moved, still, rare = compare_scores(seen, [Score("mass", 0.2), Score("nodule", 0.45), Score("edema", 0.01)])
    assert (moved.depends, still.depends, rare.depends) == (True, False, True)
    assert "barely moves: 50% with this film and 45% with a blank one" in still.sentence
    assert "1.0% with a blank one" in rare.sentence


def test_an_answer_is_weighed_on_both_films(served: Reader) -> None:
    study = served.study(draw_film(10_000_013, size=256, view="PA").film)
    question = "Is the heart enlarged?"
    served = Reader(served.engine, served.identity, None)  # a calibrated one goes by its classification
    *steps, found = SecondLook(served).check_answer(study, question)
    assert found and set(steps) == {None} and found.asked == question
    asked = [build_conversation(question)]
    yes, no = served.engine.score(study.encoded, asked, YES_NO)[0]
    expected = yes if found.answer.startswith("Yes") else no
    assert found.probability == pytest.approx(expected, abs=1e-6)
    *_, meaning = SecondLook(served).check_answer(study, "What is a pneumothorax?")
    assert meaning and not meaning.depends and meaning.probability is None
    assert meaning.answer == meaning.blank_answer


def test_a_denial_is_weighed_as_the_finding_was_asked_about(served: Reader) -> None:
    study = served.study(draw_film(10_000_013, size=256, view="PA").film)
    served = Reader(served.engine, served.identity, None)
    *_, turned = SecondLook(served).check_answer(study, "No hernia?")
    yes, no = served.engine.score(study.encoded, [build_conversation(ask_finding(BY_KEY["hernia"]))], YES_NO)[0]
    assert turned and turned.asked == "No hernia?" and turned.answer.startswith(("Yes, there is no", "No, there is"))
    expected = no if turned.answer.startswith("Yes") else yes
    assert turned.probability == pytest.approx(expected, abs=1e-6)


def test_what_goes_by_the_classification_is_weighed_by_it(served: Reader) -> None:
    scales = Calibration({finding.key: Scale(1.0, 0.0, 0.5, 0.01) for finding in FINDINGS}, "nobody")
    reader = Reader(served.engine, served.identity, scales)
    study = reader.study(draw_film(10_000_013, size=256, view="PA").film)
    *_, found = SecondLook(reader).check_answer(study, "How sure are you about the hernia?")
    scores = {score.finding: score for score in reader.classify(study).scores}
    assert found and found.probability == pytest.approx(scores["hernia"].probability, abs=1e-6)
    assert "goes by the classification" in found.sentence and "a hiatal hernia is" in found.sentence
    for question in ("Is there a hernia?", "No hernia?"):
        *_, asked = SecondLook(reader).check_answer(study, question)
        assert asked and asked.probability == pytest.approx(scores["hernia"].probability, abs=1e-6)
    *_, listed = SecondLook(reader).check_answer(study, "What does this film show?")
    assert listed and listed.probability in [score.probability for score in scores.values()]


def test_an_empty_question_is_told(served: Reader) -> None:
    study = served.study(draw_film(10_000_013, size=256, view="PA").film)
    with pytest.raises(CxrError, match="write a question"):
        list(SecondLook(served).check_answer(study, " "))


def test_the_findings_are_those_of_the_classification(served: Reader) -> None:
    study = served.study(draw_film(10_000_014, size=256, view="PA").film)
    known, blank = served.classify(study), draw_blank()
    found = SecondLook(served).check_findings(study, known)
    assert [item.probability for item in found] == [score.probability for score in known.scores]
    encoded = served.engine.encode(blank)
    yes = served.engine.score(encoded, [build_conversation(ask_finding(BY_KEY["effusion"]))], YES_NO)[0, 0]
    assert served.calibration
    assert found[1].blank_probability == pytest.approx(served.calibration.score("effusion", yes).probability, abs=1e-5)


def test_sides_are_asked_of_what_may_be_there_and_no_gate_refuses_the_mirrored_film(served: Reader) -> None:
    film = draw_film(10_000_015, size=256, view="PA").film
    study = served.study(film)
    scores = [Score(f.key, 0.5, 0.6, 0.4, Verdict.ABSENT) for f in FINDINGS]
    assert list_to_check(scores) == ()
    scores[:3] = [Score(f.key, 0.5, 0.6, 0.4, Verdict.NOT_SURE) for f in FINDINGS[:3]]
    assert list_to_check(scores) == ("pneumothorax", "effusion")  # edema has no side
    assert list_to_check([Score("mass", 0.7), Score("nodule", 0.3)]) == ("mass",)
    known = replace(served.classify(study), scores=tuple(scores))
    found = SecondLook(served).check_sides(study, known)
    assert [item.finding for item in found] == ["pneumothorax", "effusion"]
    mirrored = Reader(served.engine, served.identity, served.calibration)
    again = SecondLook(mirrored).check_sides(mirrored.study(mirror_film(film)), known)
    assert [(item.side, item.mirrored_side) for item in again] == [(item.mirrored_side, item.side) for item in found]


def test_a_side_that_follows_the_film_is_sure() -> None:
    reader = fake_reader()
    pixels = np.full((64, 64), 0.4, np.float32)
    pixels[:, 40:] = 0.8
    found = SecondLook(reader).check_sides(reader.study(Film(pixels)))
    assert found and all(item.sure and (item.side, item.mirrored_side) == ("left", "right") for item in found)
    even = SecondLook(reader).check_sides(reader.study(Film(np.full((64, 64), 0.4, np.float32))))
    assert even and not any(item.sure for item in even)
