"""Requests and answers say what is known of a film, and nothing that is not."""

import random
from itertools import islice

import pytest

from cxr.findings import BY_KEY, FINDINGS
from cxr.prompts import ask_finding, parse_report, parse_yes_no, read_statements
from cxr.results import Observation
from cxr.training import conversations
from cxr.training.conversations import (
    FREE,
    NORMAL,
    SEEN,
    VIEW,
    Pair,
    Truth,
    answer_finding,
    ask_one,
    ask_place,
    closed_pairs,
    free_pairs,
    write_report_pair,
)

KEYS = frozenset(BY_KEY)
EFFUSION = Observation("effusion", "left", None, "small")
MASS = Observation("mass", "right", "upper", "large")
EXACT = Truth((EFFUSION, MASS), KEYS - {"effusion", "mass"}, "PA", placed=True)
NORMAL_FILM = Truth((), KEYS, "AP")
PNEUMONIA_ALONE = Truth((Observation("pneumonia"),), frozenset())
NOTHING_KNOWN = Truth((), frozenset())


def list_free(truth: Truth, count: int = 600) -> list[Pair]:
    return list(islice(free_pairs(truth, random.Random(0)), count))


def test_closed_pairs_ask_every_known_finding_once_and_no_other() -> None:
    pairs = dict(closed_pairs(EXACT, random.Random(0)))
    assert set(pairs) == {ask_finding(finding) for finding in FINDINGS}
    said = {finding.key for finding in FINDINGS if parse_yes_no(pairs[ask_finding(finding)])}
    assert said == {"effusion", "mass"}
    assert dict(closed_pairs(PNEUMONIA_ALONE, random.Random(0))) == {
        ask_finding(BY_KEY["pneumonia"]): "Yes, pneumonia."
    }
    assert closed_pairs(NOTHING_KNOWN, random.Random(0)) == []


def test_closed_pairs_come_in_any_order() -> None:
    orders = {tuple(request for request, _ in closed_pairs(EXACT, random.Random(seed))) for seed in range(5)}
    assert len(orders) == 5


def test_a_present_finding_is_answered_with_its_place_and_size() -> None:
    assert answer_finding(EXACT, BY_KEY["effusion"]) == "Yes, a small pleural effusion on the left."
    assert answer_finding(EXACT, BY_KEY["mass"]) == "Yes, a large mass in the right upper zone."
    assert answer_finding(EXACT, BY_KEY["hernia"]) == "No."


def test_complete_means_all_fourteen() -> None:
    assert EXACT.complete and NORMAL_FILM.complete
    assert not PNEUMONIA_ALONE.complete and not NOTHING_KNOWN.complete
    assert not Truth((EFFUSION,), KEYS - {"effusion", "hernia"}).complete


def test_reports_assert_what_is_present_and_deny_only_what_is_absent() -> None:
    for seed in range(40):
        request, text = write_report_pair(EXACT, random.Random(seed))
        assert request.startswith("Write the report")
        statements = read_statements(parse_report(text)[0])
        assert {item.observation for item in statements if item.present} == {EFFUSION, MASS}
        denied = {item.observation.finding for item in statements if not item.present}
        assert denied == {"pneumothorax", "consolidation"}


def test_indications_are_given_now_and_then_and_change_no_answer() -> None:
    pairs = [write_report_pair(EXACT, random.Random(seed)) for seed in range(200)]
    told = sum("Indication:" in request for request, _ in pairs)
    assert 20 < told < 90
    assert len({answer for _, answer in pairs}) == 1


def test_nothing_is_said_about_an_unknown_finding() -> None:
    for request, answer in list_free(PNEUMONIA_ALONE):
        if any(answer == finding.plain for finding in FINDINGS):
            continue  # what a word means
        for statement in read_statements(f"{request}\n{answer}"):
            assert statement.observation.finding == "pneumonia", (request, answer)
    for request, answer in list_free(NOTHING_KNOWN, 200):
        assert any(answer == finding.plain for finding in FINDINGS) or not read_statements(answer), (request, answer)


def test_what_needs_all_fourteen_or_a_view_is_asked_only_where_they_are_known() -> None:
    asked = {request for request, _ in list_free(PNEUMONIA_ALONE)}
    assert not [request for request in asked if request.startswith("Write the report")]
    assert not asked & {*conversations.WHAT, *NORMAL, *VIEW}
    asked = {request for request, _ in list_free(EXACT)}
    assert asked >= {*conversations.WHAT, *NORMAL, *VIEW}


@pytest.mark.parametrize("truth", [EXACT, NORMAL_FILM, PNEUMONIA_ALONE])
def test_yes_and_no_follow_the_truth_in_every_wording(truth: Truth) -> None:
    free = {wording.format(finding.bare_noun): finding.key for finding in FINDINGS for wording in FREE}
    seen = {wording.format(finding.noun): finding.key for finding in FINDINGS for wording in SEEN}
    rng, counted = random.Random(0), 0
    for request, answer in (pair for _ in range(800) if (pair := ask_one(truth, rng))):
        if request in free:
            assert parse_yes_no(answer) is (free[request] in truth.absent)
            counted += 1
        elif request in seen:
            assert parse_yes_no(answer) is bool(truth.find(seen[request]))
            counted += 1
    assert counted > 400


def test_present_and_absent_are_asked_alike() -> None:
    rng = random.Random(0)
    answers = [pair[1] for _ in range(1000) if (pair := ask_one(EXACT, rng))]
    about = sum("effusion" in answer or "mass" in answer for answer in answers)
    assert 430 < about < 570  # two of 14 findings would be 143


def test_places_are_those_of_the_film() -> None:
    rng = random.Random(0)
    pairs = {pair for _ in range(2000) if (pair := ask_place(EXACT, rng))}
    answers = {answer for _, answer in pairs}
    assert ("On which side is the pleural effusion?", "On the left.") in pairs
    assert ("Where is the mass?", "In the right upper zone.") in pairs
    assert ("How large is the mass?", "It is large.") in pairs
    assert ("On which side is the pneumothorax?", "I see no pneumothorax on this film.") in pairs
    assert not any(request.startswith("On which side is the edema") for request, _ in pairs)
    assert "On the right." in answers and "It is moderate." not in answers


def test_a_place_that_is_not_known_is_not_asked() -> None:
    rng = random.Random(0)
    truth = Truth((Observation("effusion"),), frozenset())
    assert not [pair for _ in range(200) if (pair := ask_place(truth, rng))]


def test_no_film_is_called_normal() -> None:
    for truth in (EXACT, NORMAL_FILM):
        for request, answer in list_free(truth):
            assert "normal" not in answer.lower(), request


def test_treatment_and_comparison_are_declined() -> None:
    answers = dict(list_free(EXACT, 3000))
    for request in conversations.CARE:
        assert answers[request] == conversations.CARE_ANSWER
    for request in conversations.EARLIER:
        assert answers[request] == conversations.EARLIER_ANSWER
    assert any(answer.startswith("I do not look for") for answer in answers.values())


def test_views_are_named() -> None:
    views = {answer for request, answer in list_free(EXACT, 2000) if request in VIEW}
    assert views == {"This is a PA view."}
    assert {answer for request, answer in list_free(NORMAL_FILM, 2000) if request in VIEW} == {"This is an AP view."}


def test_the_same_dice_write_the_same_conversations() -> None:
    assert list_free(EXACT, 50) == list_free(EXACT, 50)
    assert list_free(EXACT, 50) != list(islice(free_pairs(EXACT, random.Random(1)), 50))
