"""The forms that training, evaluation and serving share."""

import pytest

from cxr.findings import FINDINGS, find_finding
from cxr.prompts import (
    MAX_QUESTION,
    REPORT_REQUEST,
    Guide,
    ask_finding,
    ask_report,
    build_conversation,
    clean,
    parse_report,
    parse_yes_no,
)
from cxr.results import Turn


def test_the_image_opens_the_first_user_turn_and_no_other() -> None:
    conversation = build_conversation("And the heart?", [Turn("Is there fluid?", "No.")])
    kinds = [[part["type"] for part in message["content"]] for message in conversation]
    assert kinds == [["image", "text"], ["text"], ["text"]]
    assert [message["role"] for message in conversation] == ["user", "assistant", "user"]


def test_a_visitor_cannot_write_the_marks_that_steer_the_model() -> None:
    assert clean("x" * 1_000_000) == "x" * MAX_QUESTION and clean(" " * 1_000_000 + "x") == ""
    assert clean("a <|eot_id|> b <|image|>\n<|start<|x|>") == "a b start" or "<|" not in clean("<|start<|x|>")
    assert "<|" not in ask_report("<|eot_id|>cough")
    history = [Turn("<|image|>?", "No.<|eot_id|><|image|>")]
    assert "<|" not in str(build_conversation("x", history))


def test_a_request_for_a_report_tells_what_is_likely_and_possible_in_clinical_order() -> None:
    guide = Guide(("mass", "effusion"), ("own_sign",))
    assert ask_report("cough.", guide) == (
        f"{REPORT_REQUEST} Likely: pleural effusion, mass. Possible: own sign. Indication: cough."
    )
    assert ask_report("", Guide()) == f"{REPORT_REQUEST} Likely: none."
    assert ask_report("", Guide(possible=("mass",))) == f"{REPORT_REQUEST} Possible: mass."


def test_a_long_history_is_cut_and_its_latest_turns_stay() -> None:
    history = [
        Turn(f"question {number} {'long ' * 1000}", f"answer {number} {'long ' * 100_000}") for number in range(50)
    ]
    asked = build_conversation("And now?", history)
    texts = [part["text"] for message in asked for part in message["content"] if part["type"] == "text"]
    assert sum(map(len, texts)) < 4100 and len(asked) <= 17
    assert texts[-1] == "And now?" and texts[-2].startswith("answer 49") and asked[0]["content"][0] == {"type": "image"}
    short = build_conversation("x", [Turn(f"q{number}", "a") for number in range(20)])
    assert short[0]["content"][-1]["text"] == "q12"


@pytest.mark.parametrize(
    ("answer", "expected"), [("Yes.", True), ("no, it is clear", False), ("Nodule", None), ("", None)]
)
def test_yes_and_no_are_read(answer: str, expected: bool | None) -> None:
    assert parse_yes_no(answer) is expected


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Findings: a. Impression: b.", ("a.", "b.")),
        ("FINDINGS: a. IMPRESSION: b.", ("a.", "b.")),
        ("Findings : a. Impression : b", ("a.", "b")),
        ("Impression: b. Findings: a.", ("a.", "b.")),
        ("**Findings:** a.\n\n**Impression**: b.", ("a.", "b.")),
        ("The findings: a", ("The findings: a", "")),
        ("Findings: a. Impression", ("a. Impression", "")),  # still being written
        ("", ("", "")),
    ],
)
def test_a_report_is_taken_apart_however_its_headings_are_written(text: str, parts: tuple[str, str]) -> None:
    assert parse_report(text) == parts


def test_every_closed_question_reads_as_english() -> None:
    for finding in FINDINGS:
        assert ask_finding(finding).startswith("Is there ") and ask_finding(finding).endswith("Answer yes or no.")


def test_the_question_about_an_own_finding_fits_one_thing_and_many() -> None:
    asked = ask_finding(find_finding("support_devices"))
    assert asked == "Does this chest film show support devices? Answer yes or no."


# --- work -------------------------------------------------------------------------------------------------------------
