"""Results travel: they are frozen, can be pickled into another process, and become JSON without loss."""

import dataclasses
import json
import pickle
from typing import Any

import pytest

from cxr.findings import Level
from cxr.results import (
    Answer,
    Classification,
    CxrError,
    Identity,
    Observation,
    Report,
    Score,
    Statement,
    Turn,
    Verdict,
    write_percent,
)
from cxr.serial import as_plain

SURE = Score("effusion", 0.75, 0.6, 0.2, Verdict.PRESENT)
PLAIN = Score("mass", 0.25)
VALUES: list[Any] = [
    SURE,
    PLAIN,
    Classification((SURE, PLAIN), Level.ATTENTION, ("because.",), ("turned",), (Score("fracture", 0.1),)),
    Report("Findings: a. Impression: b.", "a.", "b.", True),
    Answer("Yes.", False, ("turned",)),
    Turn("Why?", "So."),
    Observation("effusion", "left", "lower", "small"),
    Statement(Observation("mass"), False),
    Identity("base", None, "adapter", "a" * 40, "CPU", False, True, True, "why"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_result_survives_another_process(value: Any) -> None:
    assert pickle.loads(pickle.dumps(value)) == value


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_result_cannot_be_changed(value: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, dataclasses.fields(value)[0].name, None)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_result_becomes_json_with_all_its_fields(value: Any) -> None:
    plain = json.loads(json.dumps(as_plain(value)))
    assert set(plain) == {field.name for field in dataclasses.fields(value)}


def test_plain_words_stand_for_enums_all_the_way_down() -> None:
    plain: Any = as_plain(VALUES[2])
    assert plain["level"] == "Attention" and plain["scores"][0]["verdict"] == "present"
    assert plain["scores"][1] == {
        "finding": "mass",
        "probability": 0.25,
        "present_from": None,
        "absent_below": None,
        "verdict": None,
        "tested": None,
        "meaning": "",
    }
    assert plain["reasons"] == ["because."]


def test_scores_are_found_by_their_finding() -> None:
    assert Classification((SURE, PLAIN), None, ()).by_finding() == {"effusion": SURE, "mass": PLAIN}


def test_an_error_says_its_sentence() -> None:
    error = pickle.loads(pickle.dumps(CxrError("This is no film.")))
    assert isinstance(error, CxrError) and str(error) == "This is no film."


@pytest.mark.parametrize(
    ("probability", "written"),
    [(0.0, "<0.1%"), (0.0014, "0.1%"), (0.064, "6.4%"), (0.0999, "10%"), (0.5, "50%"), (0.993, "99%"), (1.0, ">99%")],
)
def test_no_probability_is_written_as_certain(probability: float, written: str) -> None:
    assert write_percent(probability) == written


def test_all_scores_are_found_by_their_finding() -> None:
    assert set(VALUES[2].by_finding()) == {"effusion", "mass", "fracture"}
