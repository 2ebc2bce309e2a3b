"""A report is held against the classification of the same film."""

import pytest

from cxr.checks import NO_REPORT, check_report
from cxr.findings import FINDINGS
from cxr.results import Score, Verdict

GOOD = "Findings: There is a mass in the left upper zone. No pneumothorax. Impression: A mass in the left upper zone."


def judge(**verdicts: Verdict | None) -> list[Score]:
    return [Score(f.key, 0.5, 0.5, 0.1, verdicts.get(f.key, Verdict.ABSENT)) for f in FINDINGS]


def test_a_report_that_says_what_the_classification_says_raises_no_doubt() -> None:
    assert check_report(GOOD, judge(mass=Verdict.PRESENT)) == ()


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        ({"mass": Verdict.ABSENT}, "The report names a mass, which the classification calls absent."),
        ({"mass": Verdict.NOT_SURE}, "The report names a mass, of which the classification is not sure."),
        (
            {"mass": Verdict.PRESENT, "pneumothorax": Verdict.PRESENT},
            "The report denies a pneumothorax, which the classification calls present.",
        ),
        (
            {"mass": Verdict.PRESENT, "pneumothorax": Verdict.NOT_SURE},
            "The report denies a pneumothorax, which the classification cannot exclude.",
        ),
    ],
)
def test_every_way_to_differ_is_named(verdicts: dict[str, Verdict], sentence: str) -> None:
    assert check_report(GOOD, judge(**verdicts)) == (sentence,)


def test_several_findings_share_a_sentence() -> None:
    text = "Findings: There is edema. There is a nodule. Impression: Edema and a nodule."
    assert check_report(text, judge()) == (
        "The report names pulmonary edema and a nodule, which the classification calls absent.",
    )


def test_without_a_calibration_nothing_is_compared() -> None:
    assert check_report(GOOD, [Score(f.key, 0.5) for f in FINDINGS]) == ()


@pytest.mark.parametrize("text", ["", "I have no earlier film.", ", a mass. Impression: A mass.", "Findings: A mass."])
def test_what_is_no_report_is_called_so(text: str) -> None:
    assert NO_REPORT in check_report(text, judge(mass=Verdict.PRESENT))


@pytest.mark.parametrize(
    "text",
    [
        "FINDINGS: There is a mass. IMPRESSION: A mass.",
        "**Impression:** A mass. **Findings:** There is a mass.",
        "Findings : There is a mass. Impression : A mass.",
    ],
)
def test_a_report_is_whole_however_its_headings_are_written(text: str) -> None:
    assert check_report(text, judge(mass=Verdict.PRESENT)) == ()


def test_a_report_is_held_against_own_findings_too() -> None:
    text = "Findings: There is a fracture. No support devices. Impression: A fracture."
    own = [Score("fracture", 0.1, 0.5, 0.2, Verdict.ABSENT), Score("support_devices", 0.9, 0.5, 0.2, Verdict.PRESENT)]
    assert check_report(text, [*judge(), *own]) == (
        "The report names a fracture, which the classification calls absent.",
        "The report denies support devices, which the classification calls present.",
    )
    assert check_report(text, [*judge(), Score("fracture", 0.1)]) == ()
