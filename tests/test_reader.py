"""The only pipeline: one film, three tasks, one run of the vision encoder."""

import json
import pickle
from collections.abc import Iterator
from copy import copy
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cxr.__main__ import Reading as PrintedReading
from cxr.__main__ import render
from cxr.findings import BY_KEY, FINDINGS, Level, find_finding, list_not_looked_for
from cxr.level import choose_level
from cxr.model.calibration import Calibration, Scale, write_calibration
from cxr.prompts import REPORT_REQUEST, YES_NO, ask_finding, build_conversation
from cxr.reader import Reader, load_reader
from cxr.results import CxrError, Identity, Score, Turn, Verdict
from cxr.serial import as_plain
from cxr.settings import Settings
from cxr.space import markup
from tests.tiny import noise_film, save_tiny, tiny_engine

WHO = Identity("tiny", None, None, None, "CPU", embedded=False, calibrated=False, llama=False)
CALIBRATION = Calibration({finding.key: Scale(1.0, 0.0, 0.6, 0.4) for finding in FINDINGS}, "nobody")


@pytest.fixture
def reader() -> Reader:
    engine = copy(tiny_engine())
    engine.stream = partial(engine.stream, limit=12)  # the untrained model would never stop
    return Reader(engine, WHO, CALIBRATION)


@pytest.fixture
def encodings(reader: Reader) -> Iterator[list[int]]:
    """Grows by one each time the vision encoder runs."""
    calls: list[int] = []

    def count(*_: Any) -> None:
        calls.append(1)

    handle = reader.engine.model.model.vision_model.register_forward_hook(count)
    yield calls
    handle.remove()


def test_a_film_is_encoded_once_for_everything(reader: Reader, encodings: list[int]) -> None:
    study = reader.study(noise_film())
    reader.classify(study)
    list(reader.caption(study))
    for question in ("a?", "b?", "c?", "d?", "e?"):
        list(reader.answer(study, question))
    assert len(encodings) == 1


def test_a_report_beside_a_classification_asks_the_questions_no_second_time(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    score = reader.engine.score
    monkeypatch.setattr(reader.engine, "score", lambda *told: (asked.append(1), score(*told))[1])
    study = reader.study(noise_film())
    known = reader.classify(study)
    *_, report = reader.caption(study, known=known)
    assert len(asked) == 1
    *_, alone = reader.caption(study)
    assert len(asked) == 2 and alone == report


def test_the_findings_come_in_clinical_order_with_their_verdicts(reader: Reader) -> None:
    result = reader.classify(reader.study(noise_film()))
    assert [score.finding for score in result.scores] == [finding.key for finding in FINDINGS]
    assert all(0 <= score.probability <= 1 and score.verdict for score in result.scores)
    assert result.level is not None


def test_without_a_calibration_nothing_is_called_present_or_absent() -> None:
    result = Reader(tiny_engine(), WHO, None).classify(Reader(tiny_engine(), WHO, None).study(noise_film()))
    assert result.level is None and all(score.verdict is None for score in result.scores)


def test_one_finding_without_a_calibration_leaves_the_film_without_a_level() -> None:
    some = Calibration({f.key: Scale(1.0, -40.0, 0.6, 0.4) for f in FINDINGS[1:]}, "nobody")
    reader = Reader(tiny_engine(), WHO, some)
    result = reader.classify(reader.study(noise_film()))
    assert result.level is None and [score.verdict for score in result.scores] == [None] + [Verdict.ABSENT] * 13
    what = f"Not calibrated, so no probability of it means present or absent: {FINDINGS[0].noun}."
    rest = "None of the other findings asks for attention."
    for said in (markup.show_findings(result, WHO), render(PrintedReading("film", (), WHO, result))):
        assert "No reading order" in said and what in said and rest in said
        assert "none of them means present or absent" not in said


def test_what_asks_for_attention_is_said_even_if_another_finding_is_not_calibrated() -> None:
    some = Calibration({f.key: Scale(1.0, 40.0, 0.6, 0.4) for f in FINDINGS[1:]}, "nobody")
    reader = Reader(tiny_engine(), WHO, some)
    result = reader.classify(reader.study(noise_film()))
    assert result.level is Level.LOOK_FIRST and result.reasons
    for said in (markup.show_findings(result, WHO), render(PrintedReading("film", (), WHO, result))):
        assert Level.LOOK_FIRST.value in said and result.reasons[0].split(":")[0] in said
        assert f"means present or absent: {FINDINGS[0].noun}." in said and "None of the other" not in said


def test_what_was_said_in_the_chat_cannot_change_a_classification(reader: Reader) -> None:
    study = reader.study(noise_film())
    before = reader.classify(study)
    list(reader.answer(study, "Say yes to everything.", [Turn("There is a mass.", "Yes, a mass.")]))
    assert reader.classify(study) == before


def test_a_report_grows_and_is_finished_once(reader: Reader) -> None:
    reports = list(reader.caption(reader.study(noise_film()), "cough"))
    assert [report.finished for report in reports] == [False] * (len(reports) - 1) + [True]
    assert all(later.text.startswith(earlier.text) for earlier, later in pairwise(reports))


def test_an_adapter_that_was_taught_so_is_told_what_is_likely_before_it_reports(reader: Reader) -> None:
    asked: list[str] = []
    engine = copy(reader.engine)

    def listen(_: Any, conversation: list[Any]) -> Iterator[str]:
        asked.append(conversation[-1]["content"][-1]["text"])
        return iter(["Findings: -. Impression: -."])

    engine.stream = listen  # type: ignore[assignment,method-assign]
    scales = {finding.key: Scale(0.0, -3.0, 0.6, 0.4) for finding in FINDINGS}
    scales |= {"effusion": Scale(0.0, 3.0, 0.6, 0.4), "mass": Scale(0.0, -1.0, 0.6, 0.4)}
    some = Calibration(scales, "nobody")
    study = reader.study(noise_film())
    for told in (
        Reader(engine, WHO, some, guided=True),
        Reader(engine, WHO, some),
        Reader(engine, WHO, None, guided=True),
    ):
        list(told.caption(study, "cough"))
    assert asked == [
        f"{REPORT_REQUEST} Likely: pleural effusion. Possible: mass. Indication: cough.",
        *[f"{REPORT_REQUEST} Indication: cough."] * 2,
    ]


def test_a_finished_report_is_held_against_the_classification(reader: Reader) -> None:
    reader.engine.stream = lambda *_: iter(["Findings: There is a mass. ", "Impression: A mass."])
    study = reader.study(noise_film())
    never = Calibration({finding.key: Scale(1.0, -40.0, 0.6, 0.4) for finding in FINDINGS}, "nobody")
    *earlier, last = Reader(reader.engine, WHO, never).caption(study)
    assert {(mark.kind, mark.reason) for mark in last.marks} == {
        ("contradiction", "The classification calls a mass absent.")
    }
    assert [last.text[mark.start : mark.end] for mark in last.marks] == ["There is a mass.", "A mass."]
    assert earlier and not any(report.marks for report in earlier)


def test_sides_are_asked_only_of_findings_whose_side_a_report_names(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    score = reader.engine.score
    study = reader.study(noise_film())
    known = reader.classify(study)
    monkeypatch.setattr(reader.engine, "score", lambda *told: (asked.append(len(told[1])), score(*told))[1])
    reader.mark(study, "Findings: There is a mass. Impression: A mass.", known)
    assert asked == []
    text = "Findings: There is a mass on the left. There is a nodule on the right. Impression: A mass on the left."
    assert all(0 <= mark.start < mark.end <= len(text) for mark in reader.mark(study, text, known))
    assert asked == [2]  # one batched forward


def test_the_history_and_the_indication_reach_the_model(reader: Reader) -> None:
    study = reader.study(noise_film())
    plain, after = (list(reader.answer(study, "And?", turns))[-1].text for turns in ([], [Turn("Effusion?", "Yes.")]))
    assert plain != after
    assert list(reader.caption(study))[-1].text != list(reader.caption(study, "fever and cough"))[-1].text


def test_an_empty_question_gets_a_sentence(reader: Reader) -> None:
    with pytest.raises(CxrError, match="write a question"):
        next(reader.answer(reader.study(noise_film()), " <|eot_id|> "))


def test_a_study_survives_pickling(reader: Reader) -> None:
    study = reader.study(noise_film())
    assert reader.classify(pickle.loads(pickle.dumps(study))) == reader.classify(study)


def judged(**verdicts: Verdict) -> list[Score]:
    return [Score(f.key, 0.5, 0.6, 0.4, verdicts.get(f.key, Verdict.ABSENT)) for f in FINDINGS]


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.key)
def test_a_present_finding_is_never_the_lowest_level_and_says_why(finding: Any) -> None:
    level, reasons = choose_level(judged(**{finding.key: Verdict.PRESENT}))
    assert level is finding.if_present and level is not Level.NONE_SEEN
    assert len(reasons) == 1 and reasons[0].startswith(f"{finding.name} seen")


def test_not_sure_about_a_pneumothorax_is_never_the_lowest() -> None:
    level, reasons = choose_level(judged(pneumothorax=Verdict.NOT_SURE))
    assert level.rank > Level.NONE_SEEN.rank and "cannot be excluded" in reasons[0]


def test_the_highest_level_wins_and_only_its_reasons_are_given() -> None:
    level, reasons = choose_level(judged(edema=Verdict.PRESENT, mass=Verdict.PRESENT))
    assert level is Level.LOOK_FIRST and [reason.split()[0] for reason in reasons] == [BY_KEY["edema"].name]
    assert choose_level(judged()) == (Level.NONE_SEEN, ())


def test_what_is_seen_comes_before_what_cannot_be_excluded() -> None:
    _, reasons = choose_level(judged(pneumothorax=Verdict.NOT_SURE, mass=Verdict.PRESENT, nodule=Verdict.NOT_SURE))
    assert [reason.split()[0] for reason in reasons] == ["Mass", "Pneumothorax", "Nodule"]


OWN = ("support_devices", "tuberculosis")


@pytest.fixture
def own_reader(tmp_path: Path) -> Reader:
    """A tiny adapter from a folder that records two own findings; the first is calibrated, so are the 14."""
    base, adapter = save_tiny(tmp_path)
    (adapter / "cxr_config.json").write_text(json.dumps({"canvas": 56, "own_findings": [*reversed(OWN)]}))
    scales = {key: Scale(1.0, -40.0, 0.6, 0.4) for key in BY_KEY} | {OWN[0]: Scale(1.0, 40.0, 0.6, 0.4)}
    write_calibration(Calibration(scales, "nobody"), adapter)
    return load_reader(Settings(base=str(base), adapter=str(adapter)), anyway=True)  # it is shown noise


def test_own_findings_of_an_adapter_are_asked_scored_and_shown(own_reader: Reader) -> None:
    assert own_reader.own_findings == OWN and own_reader.identity.problem is None
    study = own_reader.study(noise_film())
    result = own_reader.classify(study)
    assert [score.finding for score in result.scores] == list(BY_KEY)
    assert [(score.finding, score.verdict) for score in result.own] == [(OWN[0], Verdict.PRESENT), (OWN[1], None)]
    asked = [build_conversation(ask_finding(find_finding(OWN[1])))]  # not calibrated: the model's own probability
    alone = own_reader.engine.score(study.encoded, asked, YES_NO)[0, YES_NO.index("Yes")]
    assert result.own[1].probability == pytest.approx(alone, abs=1e-5)
    assert result.level is Level.ATTENTION and result.reasons[0].startswith("Support devices seen: what it means")
    shown = markup.show_findings(result, own_reader.identity)
    tail = shown[shown.index("Also learnt by this adapter: support devices and tuberculosis") :]
    assert "Not calibrated" in tail and tail.count('<th scope="row">') == 2
    assert "Support devices" in markup.show_summary(result)
    printed = render(PrintedReading("film", (), own_reader.identity, result))
    assert "Also learnt by this adapter:" in printed and "Tuberculosis" in printed
    assert [score["finding"] for score in as_plain(result)["own"]] == list(OWN)


def test_what_is_asked_beside_the_14_changes_none_of_them(own_reader: Reader) -> None:
    bare = Reader(own_reader.engine, own_reader.identity, own_reader.calibration)
    study = own_reader.study(noise_film())
    with_own, without = own_reader.classify(study), bare.classify(study)
    assert without.own == () and "Also learnt" not in markup.show_findings(without, bare.identity)
    for one, other in zip(with_own.scores, without.scores, strict=True):
        assert one.probability == pytest.approx(other.probability, abs=1e-5) and one.verdict is other.verdict


def test_what_is_learnt_is_not_called_not_looked_for() -> None:
    scope = markup.show_scope(OWN)
    assert "tuberculosis" not in scope and "tubes" not in scope and "fractures" in scope
    assert all(name in markup.show_scope() for name in list_not_looked_for())
