"""Every request reads as English and asks about something."""

import random

from cxr.findings import BY_KEY, FINDINGS, find_finding
from cxr.prompts import parse_yes_no
from cxr.results import Observation
from cxr.training.questions import ask_free, ask_heart, ask_list, ask_meaning, ask_outside, ask_sided, ask_view
from cxr.training.truth import Truth
from cxr.training.wordings import FREE, HEART_FINE, MEANING, NONE, VIEW_OR_NOT

PRESENT_ALONE = Truth((Observation("mass"), Observation("edema")), frozenset())


def test_a_list_has_at_least_two_to_choose_from() -> None:
    for truth in (PRESENT_ALONE, Truth((Observation("mass"),), frozenset({"edema"}))):
        pairs = [ask_list(truth, random.Random(seed)) for seed in range(100)]
        assert None in pairs and any(pairs)
        assert all(" or " in request for request, _ in filter(None, pairs))


def test_questions_name_a_finding_with_its_article() -> None:
    rng = random.Random(0)
    truth = Truth((), frozenset(finding.key for finding in FINDINGS))
    nodule = next(finding for finding in FINDINGS if finding.key == "nodule")
    free = {ask_free(truth, nodule, rng)[0] for _ in range(100)}
    assert free == {wording.format("a nodule") for wording in FREE} | {wording.format("nodule") for wording in NONE}
    asked = {ask_meaning(truth, rng)[0] for _ in range(1000)}
    assert asked == {wording.format(finding.noun) for finding in FINDINGS for wording in MEANING}


def test_nothing_is_called_outside_where_all_of_it_is_learnt() -> None:
    keys = ("fracture", "support_devices", "tuberculosis", "covid_19", "aorta", "abdomen")
    for seed in range(50):
        assert "do not look for" not in ask_outside(Truth((), frozenset(keys)), random.Random(seed))[1]


def test_what_is_not_looked_for_is_asked_in_words_that_fit_many_things() -> None:
    asked = {ask_outside(PRESENT_ALONE, random.Random(seed))[0] for seed in range(300)}
    assert not any(request.startswith("Is there") or request.endswith("present?") for request in asked)
    assert find_finding("fracture").noun == "a fracture"


def test_a_side_is_asked_only_where_it_is_known_and_answered_by_it() -> None:
    seen = Truth((Observation("effusion", "left"), Observation("mass")), frozenset(BY_KEY) - {"effusion", "mass"})
    pairs = {pair for seed in range(600) if (pair := ask_sided(seen, random.Random(seed)))}
    assert ("Is there a pleural effusion on the left?", "Yes, a pleural effusion on the left.") in pairs
    assert ("Is there a pleural effusion on the right?", "No, the pleural effusion is on the left.") in pairs
    assert ("Is there a nodule in the right lung?", "No.") in pairs
    assert not [request for request, _ in pairs if " mass " in request or "hernia" in request]


def test_the_heart_is_asked_both_ways_round() -> None:
    large, heart = Truth((Observation("cardiomegaly"),), frozenset()), find_finding("cardiomegaly")
    for truth, enlarged in ((large, True), (Truth((), frozenset({"cardiomegaly"})), False)):
        for seed in range(60):
            request, answer = ask_heart(truth, heart, random.Random(seed))
            assert parse_yes_no(answer) is (enlarged != (request in HEART_FINE)), (request, answer)


def test_a_view_that_is_named_is_confirmed_or_corrected() -> None:
    asked = dict(ask_view(Truth((), frozenset(), "AP"), random.Random(seed)) for seed in range(200))
    for wording in VIEW_OR_NOT:
        assert asked[wording.format("an AP")] == "Yes, this is an AP view."
        assert asked[wording.format("a PA")] == "No, this is an AP view."
