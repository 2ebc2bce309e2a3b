"""What a text says about findings is read back, whoever wrote it and however long it is."""

import random
import re
import sys
from collections.abc import Callable

import pytest

from cxr import statements
from cxr.findings import BY_KEY, FINDINGS
from cxr.prompts import parse_report, write_report
from cxr.results import Observation
from cxr.statements import read_statements


def asserted(text: str) -> dict[str, str | None]:
    return {item.observation.finding: item.observation.side for item in read_statements(text) if item.present}


def denied(text: str) -> set[str]:
    return {item.observation.finding for item in read_statements(text) if not item.present}


@pytest.mark.parametrize("seed", range(200))
def test_what_a_report_asserts_is_read_back(seed: int) -> None:
    rng = random.Random(seed)
    keys = rng.sample([finding.key for finding in FINDINGS], rng.randint(0, 4))
    present = [
        Observation(
            key,
            rng.choice(["left", "right", "both"]) if BY_KEY[key].sided else None,
            rng.choice([None, "upper", "lower"]) if BY_KEY[key].sided else None,
            rng.choice([None, "small", "large"]),
        )
        for key in keys
    ]
    absent = [finding.key for finding in FINDINGS if finding.key not in keys and rng.random() < 0.3]
    text = write_report(present, absent, rng.choice)
    assert {item.observation for item in read_statements(text) if item.present} == set(present)
    assert denied(text) == (set(absent) if present else set())
    findings, impression = parse_report(text)
    assert findings and impression and "Impression" not in findings


@pytest.mark.parametrize(
    ("text", "present", "absent"),
    [
        ("No effusion, mass or pneumothorax.", {}, {"effusion", "mass", "pneumothorax"}),
        ("Small left pleural effusion without pneumothorax.", {"effusion": "left"}, {"pneumothorax"}),
        ("Bilateral effusions and a nodule in the right upper zone.", {"effusion": "both", "nodule": "right"}, set()),
        ("A pneumothorax is not seen but the heart is mildly enlarged.", {"cardiomegaly": None}, {"pneumothorax"}),
        ("Massive swelling.", {}, set()),
        ("The lungs are free of consolidation.", {}, {"consolidation"}),
        ("Effusion cannot be excluded.", {}, set()),
        ("No change in the right effusion.", {"effusion": "right"}, set()),
        ("No evidence of pneumothorax, a nodule is seen.", {"nodule": None}, {"pneumothorax"}),
        ("Pleural effusion: None.", {}, {"effusion"}),
        ("Pneumothorax: absent", {}, {"pneumothorax"}),
        ("Effusion - none", {}, {"effusion"}),
        ("Effusion: small, on the left. Mass: none.", {"effusion": None}, {"mass"}),
        ("A pneumothorax is not visualized.", {}, {"pneumothorax"}),
        ("Consolidation is not evident.", {}, {"consolidation"}),
        ("Masses are not demonstrated.", {}, {"mass"}),
        ("A mass is seen, pneumothorax not identified.", {"mass": None}, {"pneumothorax"}),
        ("Effusion is unlikely.", {}, {"effusion"}),
        ("Lack of effusion.", {}, {"effusion"}),
        ("The lungs are free from consolidation.", {}, {"consolidation"}),
        ("Effusion resolved.", {}, {"effusion"}),
        ("The effusion has nearly resolved.", {"effusion": None}, set()),
        ("Subcutaneous emphysema.", {}, set()),
        ("Mass effect on the trachea.", {}, set()),
        ("Collapse of T12 vertebra.", {}, set()),
        ("Soft tissue oedema of the neck.", {}, set()),
        ("No pneumothorax and large left effusion.", {"effusion": "left"}, {"pneumothorax"}),
        ("No pneumothorax or small effusion.", {}, {"pneumothorax", "effusion"}),
        ("No mass, small nodule or effusion.", {}, {"mass", "nodule", "effusion"}),
        ("No mass and nodule.", {}, {"mass", "nodule"}),
        ("Rule out pneumonia.", {}, set()),
        ("To exclude pneumonia.", {}, set()),
        ("Possible pneumonia.", {}, set()),
        ("Pneumonia is possible.", {}, set()),
        ("Question of mass.", {}, set()),
        ("Small left effusion and possible pneumonia.", {"effusion": "left"}, set()),
    ],
)
def test_statements_of_other_writers(text: str, present: dict[str, str | None], absent: set[str]) -> None:
    assert asserted(text) == present
    assert denied(text) == absent


def test_a_report_names_own_findings_last_and_they_are_read_back_where_asked_for() -> None:
    present = [Observation("support_devices"), Observation("effusion", "left")]
    text = write_report(present, ["pneumothorax", "fracture"])
    assert text == (
        "Findings: There is a pleural effusion on the left. The film shows support devices. "
        "No pneumothorax or fracture. Impression: A pleural effusion on the left and support devices."
    )
    assert asserted(text) == {"effusion": "left"} and denied(text) == {"pneumothorax"}
    read = {(item.observation.finding, item.present) for item in read_statements(text, ["fracture", "support_devices"])}
    assert read == {("effusion", True), ("support_devices", True), ("pneumothorax", False), ("fracture", False)}


class Counted:
    """A pattern that counts the characters it is given to search."""

    def __init__(self, pattern: re.Pattern[str], seen: list[int]) -> None:
        self.pattern, self.seen = pattern, seen

    def __getattr__(self, name: str) -> Callable[..., object]:
        def search(text: str, start: int = 0, end: int = sys.maxsize) -> object:
            self.seen.append(min(len(text), end) - start)
            return getattr(self.pattern, name)(text, start, end)

        return search


def count_work(text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many characters are searched to read a text, some of them again and again."""
    seen: list[int] = []
    read_place = statements._read_place

    def read_counted(key: str, part: str) -> Observation:
        seen.append(len(part))
        return read_place(key, part)

    with monkeypatch.context() as patch:
        for name in ("_MAYBE", "_MAYBE_AFTER", "_DENIAL", "_DENIAL_AFTER", "_AND_YET", "_PART"):
            patch.setattr(statements, name, Counted(getattr(statements, name), seen))
        patch.setattr(statements, "_read_place", read_counted)
        read_statements(text)
    return sum(seen)


@pytest.mark.parametrize(
    "words",
    [
        "effusion ",
        "effusion, ",
        "no effusion ",
        "effusion is ",
        "collapse of the ",
        "mass word word ",
        "no a effusion ",
    ],
)
def test_reading_a_long_text_takes_no_more_for_each_word(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    short, long = words * (4000 // len(words)), words * (16000 // len(words))
    assert count_work(long, monkeypatch) <= 5 * count_work(short, monkeypatch)


@pytest.mark.parametrize("seed", range(40))
def test_what_a_report_calls_possible_is_read_back_where_asked_for(seed: int) -> None:
    rng = random.Random(seed)
    keys = rng.sample([finding.key for finding in FINDINGS], 5)
    items = [Observation(key, rng.choice((None, "left", "both")), rng.choice((None, "lower")), "small") for key in keys]
    sure, maybe = items[: seed % 4], items[seed % 4 :][:2]
    text = write_report(sure, ["hernia"] if "hernia" not in keys else [], rng.choice, maybe)
    told = read_statements(text, possible=True)
    assert {item.observation for item in told if item.present and not item.possible} == set(sure)
    assert {item.observation for item in told if item.possible} == set(maybe)
    assert {item.observation for item in read_statements(text) if item.present} == set(sure)
    for part in parse_report(text):
        assert {item.observation.finding for item in read_statements(part, possible=True) if item.present} == {
            item.finding for item in (*sure, *maybe)
        }


def test_a_denial_reaches_over_all_findings_in_one_sentence() -> None:
    text = f"There is no {', '.join(finding.bare_noun for finding in FINDINGS[:-1])} or {FINDINGS[-1].bare_noun}."
    assert denied(text) == {*BY_KEY} and not asserted(text)
