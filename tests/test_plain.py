"""A report in plain words says what the report says, what its words mean, and how sure the classification is."""

from cxr.findings import BY_KEY
from cxr.plain import NONE_NAMED, explain_report
from cxr.prompts import write_report
from cxr.results import Observation, Score, Verdict

SURE = [Score(key, 0.02, 0.5, 0.1, Verdict.ABSENT) for key in BY_KEY if key != "effusion"]
SCORES = [*SURE, Score("effusion", 0.9, 0.5, 0.1, Verdict.PRESENT)]


def test_side_size_and_zone_are_kept_and_each_word_is_explained() -> None:
    seen = [Observation("effusion", "left", size="small"), Observation("mass", "right", "mid", "large")]
    effusion, mass, no_air = explain_report(write_report(seen, ["pneumothorax"]), SCORES).splitlines()
    assert effusion.startswith("A small pleural effusion on the left (fluid in the space around a lung).")
    assert "agrees: probability 90%, present" in effusion
    assert mass.startswith("A large mass in the right mid zone (a spot in the lung of more than 3 cm).")
    assert "does not agree: probability 2.0%, absent" in mass
    assert no_air.startswith("No pneumothorax (air between") and "agrees" in no_air


def test_nothing_is_added() -> None:
    text = explain_report("Findings: There is a nodule. Impression: A nodule.", SCORES)
    assert len(text.splitlines()) == 1 and not {"left", "right", "small", "effusion"} & set(text.split())
    assert explain_report(write_report([]), SCORES) == NONE_NAMED


def test_what_is_left_open_stays_open_and_a_stranger_is_no_finding() -> None:
    open_, *more = explain_report(
        "Findings: Rule out pneumonia. Subcutaneous emphysema. Impression: -", SCORES
    ).splitlines()
    assert open_.startswith("Pneumonia, of which the report says neither yes nor no") and not more


def test_what_is_called_possible_is_no_more_than_that() -> None:
    maybe = Observation("infiltration", "right", "lower")
    seen, possible = explain_report(write_report([Observation("effusion")], possible=[maybe]), SCORES).splitlines()
    assert seen.startswith("A pleural effusion (")
    assert possible.startswith("Possible infiltrate in the right lower zone (") and "does not agree" in possible


def test_without_a_calibration_nobody_agrees() -> None:
    text = explain_report("Findings: There is a mass. Impression: A mass.", [Score("mass", 0.4)])
    assert "not calibrated" in text and "agree" not in text


def test_own_findings_are_explained_as_far_as_is_known() -> None:
    text = explain_report("Findings: The film shows tuberculosis. Impression: -", [Score("tuberculosis", 0.4)])
    assert text.startswith("Tuberculosis (one of this adapter's own findings")
