"""A report is held against the classification of the same film, sentence by sentence."""

import pytest

from cxr.checks import (
    NO_EARLIER_FILM,
    NO_REPORT,
    check_report,
    find_sentences,
    list_sided,
    mark_report,
    write_marked,
)
from cxr.findings import FINDINGS
from cxr.results import Mark, Score, Verdict
from cxr.sides import SideEvidence

GOOD = "Findings: There is a mass in the left upper zone. No pneumothorax. Impression: A mass in the left upper zone."
LEFT, RIGHT = SideEvidence("mass", 0.9, 0.08, 0.02), SideEvidence("mass", 0.1, 0.81, 0.09)


def judge(**verdicts: Verdict | None) -> list[Score]:
    return [Score(f.key, 0.5, 0.5, 0.1, verdicts.get(f.key, Verdict.ABSENT)) for f in FINDINGS]


def read(text: str, marks: tuple[Mark, ...]) -> list[tuple[str, str, str]]:
    """What each mark is of, its kind and reason."""
    return [(text[mark.start : mark.end], mark.kind, mark.reason) for mark in marks]


def test_a_report_that_says_what_is_known_has_no_mark() -> None:
    assert mark_report(GOOD, judge(mass=Verdict.PRESENT), [LEFT]) == ()
    assert write_marked(GOOD, ()) == GOOD


@pytest.mark.parametrize(
    ("verdicts", "sentences", "kind", "reason"),
    [
        ({"mass": Verdict.ABSENT}, 2, "contradiction", "The classification calls a mass absent."),
        ({"mass": Verdict.NOT_SURE}, 2, "doubt", "The classification is not sure of a mass."),
        (
            {"mass": Verdict.PRESENT, "pneumothorax": Verdict.PRESENT},
            1,
            "contradiction",
            "The classification calls a pneumothorax present.",
        ),
    ],
)
def test_every_way_to_differ_is_marked(verdicts: dict[str, Verdict], sentences: int, kind: str, reason: str) -> None:
    found = read(GOOD, mark_report(GOOD, judge(**verdicts), [LEFT]))
    assert len(found) == sentences and {(one, why) for _, one, why in found} == {(kind, reason)}
    assert all(("mass" in said) == (sentences == 2) and said.endswith(".") for said, _, _ in found)


def test_what_is_called_possible_although_it_is_absent_is_doubtful() -> None:
    text = "Findings: Clear lungs. Impression: Possible pneumothorax."
    ((said, kind, reason),) = read(text, mark_report(text, judge(), []))
    assert said == "Possible pneumothorax." and kind == "doubt"
    assert reason == "The classification calls a pneumothorax absent."
    assert mark_report(text, judge(pneumothorax=Verdict.NOT_SURE), []) == ()


def test_what_is_denied_and_left_open_is_said_of_the_whole_report() -> None:
    scores = judge(mass=Verdict.PRESENT, pneumothorax=Verdict.NOT_SURE, edema=Verdict.NOT_SURE)
    assert check_report(GOOD, scores) == ("The report denies a pneumothorax, which the classification cannot exclude.",)
    assert mark_report(GOOD, scores, [LEFT]) == ()


def test_several_findings_share_a_reason() -> None:
    text = "Findings: There is a nodule and pulmonary edema. Impression: None."
    assert [reason for _, _, reason in read(text, mark_report(text, judge(), []))] == [
        "The classification calls pulmonary edema and a nodule absent."
    ]


def test_a_sentence_that_denies_everything_is_held_against_what_is_present() -> None:
    text = "Findings: None of the 14 findings is seen. Impression: Normal chest."
    found = read(text, mark_report(text, judge(effusion=Verdict.PRESENT, mass=Verdict.NOT_SURE), []))
    assert [said for said, _, _ in found] == ["None of the 14 findings is seen.", "Normal chest."]
    assert {reason for _, _, reason in found} == {"The classification calls a pleural effusion present."}
    assert mark_report(text, judge(mass=Verdict.NOT_SURE), []) == ()


def test_an_earlier_film_that_was_not_given_is_marked() -> None:
    text = "Findings: There is a mass. It has grown since the last film. Impression: A mass."
    found = read(text, mark_report(text, judge(mass=Verdict.PRESENT), []))
    assert found == [("It has grown since the last film.", "earlier film", NO_EARLIER_FILM)]


def test_a_side_that_nothing_supports_is_marked_with_what_is_said_instead() -> None:
    found = read(GOOD, mark_report(GOOD, judge(mass=Verdict.PRESENT), [RIGHT]))
    assert [kind for _, kind, _ in found] == ["side", "side"] and "on the right (81%)" in found[0][2]
    unsure = SideEvidence("mass", 0.45, 0.4, 0.15)
    (_, _, reason), *_ = read(GOOD, mark_report(GOOD, judge(mass=Verdict.PRESENT), [unsure]))
    assert "not sure: 45% on the left, 40% on the right, 15% on both sides" in reason


def test_only_findings_with_a_side_that_is_named_are_asked_for_it() -> None:
    text = "Findings: A left effusion, a mass and cardiomegaly on the left. No nodule on the right. Impression: None."
    assert list_sided(text) == ("effusion",)


def test_sentences_are_found_between_headings_and_numbers_stay_whole() -> None:
    text = "**Findings:** A mass of 3.5 cm. No effusion Impression: A mass.\nNothing else"
    assert [text[start:end] for start, end in find_sentences(text)] == [
        "A mass of 3.5 cm.",
        "No effusion",
        "A mass.",
        "Nothing else",
    ]


def test_the_reasons_stand_in_the_text_after_their_sentences() -> None:
    text = "Findings: There is a mass on the left, unchanged. Impression: None."
    marked = write_marked(text, mark_report(text, judge(), [RIGHT]))
    assert marked.startswith(
        "Findings: There is a mass on the left, unchanged. [Contradicted: the classification calls"
    )
    assert "Cannot be known: no earlier film was given" in marked and "Side not supported: asked for" in marked
    assert marked.endswith("] Impression: None.")


def test_without_a_calibration_only_sides_and_earlier_films_are_marked() -> None:
    bare = [Score(f.key, 0.5) for f in FINDINGS]
    assert mark_report(GOOD, bare, [LEFT]) == ()
    assert {mark.kind for mark in mark_report(GOOD, bare, [RIGHT])} == {"side"}


@pytest.mark.parametrize("text", ["", "I have no earlier film.", ", a mass. Impression: A mass.", "Findings: A mass."])
def test_what_is_no_report_is_called_so(text: str) -> None:
    assert check_report(text, judge(mass=Verdict.PRESENT)) == (NO_REPORT,)


@pytest.mark.parametrize(
    "text",
    [
        "FINDINGS: There is a mass. IMPRESSION: A mass.",
        "**Impression:** A mass. **Findings:** There is a mass.",
        "Findings : There is a mass. Impression : A mass.",
    ],
)
def test_a_report_is_whole_however_its_headings_are_written(text: str) -> None:
    assert (
        check_report(text, judge(mass=Verdict.PRESENT)) == ()
        and mark_report(text, judge(mass=Verdict.PRESENT), []) == ()
    )


def test_a_report_is_held_against_own_findings_too() -> None:
    text = "Findings: There is a fracture. No support devices. Impression: A fracture."
    own = [Score("fracture", 0.1, 0.5, 0.2, Verdict.ABSENT), Score("support_devices", 0.9, 0.5, 0.2, Verdict.PRESENT)]
    assert [reason for _, _, reason in read(text, mark_report(text, [*judge(), *own], []))] == [
        "The classification calls a fracture absent.",
        "The classification calls support devices present.",
        "The classification calls a fracture absent.",
    ]
    assert mark_report(text, [*judge(), Score("fracture", 0.1)], []) == ()
