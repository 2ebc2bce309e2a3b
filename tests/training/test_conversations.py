"""Requests and answers say what is known of a film, and nothing that is not."""

import random
from itertools import islice

import pytest

from cxr.findings import BY_KEY, FINDINGS, find_finding, list_not_looked_for
from cxr.prompts import REPORT_REQUEST, Guide, ask_finding, ask_report, parse_report, parse_yes_no
from cxr.results import Observation
from cxr.statements import read_statements
from cxr.training import wordings
from cxr.training.conversations import (
    ask_general,
    choose_closed,
    closed_pairs,
    free_pairs,
    guide_report,
    own_pairs,
    rehearsed_pairs,
    report_pair,
    write_pairs,
    write_report_pair,
)
from cxr.training.questions import answer_finding, ask_list, ask_one, ask_place
from cxr.training.truth import Pair, Truth
from cxr.training.wordings import FREE, NORMAL, SEEN, VIEW

KEYS = frozenset(BY_KEY)
SIDES_OR_ZONES = ("left", "right", "both", "upper", "mid", "lower", "small ", "large ", "moderate ")
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
        request, text = write_report_pair(EXACT, random.Random(seed)) or ("", "")
        assert request.startswith("Write the report")
        statements = read_statements(parse_report(text)[0], possible=True)
        seen = {item.observation for item in statements if item.present}
        doubted = {item.observation for item in statements if item.possible} - {EFFUSION, MASS}
        assert seen - doubted == {EFFUSION, MASS} and doubted <= {Observation(key) for key in EXACT.absent}
        denied = {item.observation.finding for item in statements if not item.present}
        assert denied == {"pneumothorax", "consolidation"} - {item.finding for item in doubted}


def test_indications_are_given_now_and_then_and_change_no_answer() -> None:
    pairs = [pair for seed in range(200) if (pair := write_report_pair(NORMAL_FILM, random.Random(seed)))]
    told = sum("Indication:" in request for request, _ in pairs)
    assert 20 < told < 90 and len(pairs) == 200
    assert len({answer for request, answer in pairs if "Possible:" not in request}) == 1


def test_a_guided_report_says_of_each_finding_what_the_request_says() -> None:
    seen = set()
    for seed in range(60):
        request, text = guide_report(EXACT, "", "cough", random.Random(seed)) or ("", "")
        told = read_statements(text, possible=True)
        likely = {item.observation.finding for item in told if item.present and not item.possible}
        maybe = {item.observation.finding for item in told if item.possible}
        assert request == ask_report("cough", Guide(tuple(likely), tuple(maybe)))
        doubted = (likely | maybe) - {"effusion", "mass"}
        assert likely | maybe >= {"effusion", "mass"} and not likely & EXACT.absent and doubted <= EXACT.absent
        seen.add((frozenset(maybe - doubted), len(doubted)))
    assert len({maybe for maybe, _ in seen}) == 4 and {count for _, count in seen} == {0, 1, 2, 3}


def test_a_report_that_came_stays_as_it_is_after_a_guided_request() -> None:
    text = "Findings: Large mass on the left. Possible tuberculosis, no effusion. Impression: Mass. Rule out edema."
    own = Truth((Observation("tuberculosis"),), frozenset())
    assert guide_report(own, text, "", random.Random(0)) == (
        f"{REPORT_REQUEST} Likely: mass.",
        text,
    )  # only the 14 are guided
    assert guide_report(NOTHING_KNOWN, text, "", random.Random(0)) == (f"{REPORT_REQUEST} Likely: mass.", text)
    assert guide_report(NORMAL_FILM, "", "", random.Random(0)) == (
        f"{REPORT_REQUEST} Likely: none.",
        (report_pair(NORMAL_FILM, "", "") or ("", ""))[1],
    )
    assert guide_report(PNEUMONIA_ALONE, "", "", random.Random(0)) is None


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
    assert not asked & {*wordings.WHAT, *NORMAL, *VIEW}
    asked = {request for request, _ in list_free(EXACT, 2000)}
    assert asked >= {*wordings.WHAT, *NORMAL, *VIEW}


@pytest.mark.parametrize("truth", [EXACT, NORMAL_FILM, PNEUMONIA_ALONE])
def test_yes_and_no_follow_the_truth_in_every_wording(truth: Truth) -> None:
    free = {wording.format(finding.noun): finding.key for finding in FINDINGS for wording in FREE}
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
    for request in wordings.CARE:
        assert answers[request] == wordings.CARE_ANSWER
    for request in wordings.EARLIER:
        assert answers[request] == wordings.EARLIER_ANSWER
    assert any(answer.startswith("I do not look for") for answer in answers.values())


def test_views_are_named() -> None:
    views = {answer for request, answer in list_free(EXACT, 2000) if request in VIEW}
    assert views == {"This is a PA view."}
    assert {answer for request, answer in list_free(NORMAL_FILM, 2000) if request in VIEW} == {"This is an AP view."}


def test_of_a_film_with_labels_alone_reports_follow_the_guide_and_nothing_follows_the_labels() -> None:
    labelled = Truth((Observation("pneumonia"),), KEYS - {"pneumonia"}, "PA")
    pairs, others = (
        list(islice(rehearsed_pairs(truth, random.Random(0)), 600)) for truth in (labelled, Truth((), KEYS, "PA"))
    )
    assert pairs == others  # whatever its labels are
    reports = [(request, answer) for request, answer in pairs if answer.startswith("Findings: ")]
    assert len(reports) > 200 and not any(f" {side}" in answer for _, answer in reports for side in SIDES_OR_ZONES)
    for request, answer in reports:
        said = [item for item in read_statements(answer, possible=True) if item.present]
        for item in said:
            noun = BY_KEY[item.observation.finding].bare_noun
            assert noun in request.split("Possible:" if item.possible else "Likely:")[1]
    bare = {answer.partition(" Impression: ")[2].split(".")[0] for _, answer in reports}
    assert {"Pneumonia", "An infiltrate", "Pulmonary edema"} <= bare


def test_the_same_dice_write_the_same_conversations() -> None:
    assert list_free(EXACT, 50) == list_free(EXACT, 50)
    assert list_free(EXACT, 50) != list(islice(free_pairs(EXACT, random.Random(1)), 50))


# --- what training draws --------------------------------------------------------------------------------------------

OWN_SEEN = Truth((EFFUSION, Observation("support_devices")), frozenset({"mass", "fracture"}))
MANY = Truth(tuple(map(Observation, sorted(KEYS)[:6])), KEYS - set(sorted(KEYS)[:6]), "PA")
REPORT = "Findings: Heart size is normal. Impression: No acute process."


def is_turned(request: str) -> bool:
    return request.startswith(("Is this film free of", "Is there no ", "Do you see no "))


def asks(request: str) -> set[str]:
    """The findings that a closed question is about."""
    return {item.observation.finding for item in read_statements(request, ["support_devices", "fracture"])}


def test_own_findings_are_asked_and_answered() -> None:
    pairs = dict(closed_pairs(OWN_SEEN, random.Random(0)))
    assert len(pairs) == 4
    assert pairs["Does this chest film show support devices? Answer yes or no."] == "Yes, support devices."
    assert pairs[ask_finding(find_finding("fracture"))] == "No."
    assert not OWN_SEEN.complete and OWN_SEEN.known == ["effusion", "mass", "fracture", "support_devices"]
    more = Truth((*EXACT.present, Observation("fracture")), EXACT.absent)
    assert more.complete and EXACT.complete


def test_a_report_names_own_findings_and_denies_none_of_them() -> None:
    _, text = report_pair(Truth((*EXACT.present, Observation("fracture")), EXACT.absent), "", "") or ("", "")
    noun = find_finding("fracture").noun
    assert f"The film shows {noun}." in text and text.endswith(f"and {noun}.")
    own = Truth((), KEYS | {"fracture"})
    assert "fracture" not in str(write_report_pair(own, random.Random(0)))


def test_closed_questions_are_answered_yes_as_often_as_no_and_a_quarter_is_turned_round() -> None:
    pairs = [pair for seed in range(600) for pair in choose_closed(MANY, random.Random(seed), 4)]
    answers = [parse_yes_no(answer) for _, answer in pairs]
    assert len(pairs) == 2400 and None not in answers
    assert 0.47 < sum(map(bool, answers)) / len(answers) < 0.53
    assert 0.2 < sum(is_turned(request) for request, _ in pairs) / len(pairs) < 0.3


@pytest.mark.parametrize("truth", [EXACT, NORMAL_FILM, PNEUMONIA_ALONE, OWN_SEEN, MANY])
def test_closed_questions_turned_round_or_not_follow_the_truth(truth: Truth) -> None:
    for seed in range(150):
        pairs = choose_closed(truth, random.Random(seed), 5)
        about = [asks(request) for request, _ in pairs]
        assert all(len(keys) == 1 for keys in about), pairs
        keys = [next(iter(key)) for key in about]
        assert len(set(keys)) == len(keys) == min(5, len(truth.known))
        for key, (request, answer) in zip(keys, pairs, strict=True):
            assert parse_yes_no(answer) is (bool(truth.find(key)) != is_turned(request)), (request, answer)


def test_of_a_film_with_one_finding_and_one_without_both_kinds_of_question_come() -> None:
    turned = [
        is_turned(request) for seed in range(200) for request, _ in choose_closed(NORMAL_FILM, random.Random(seed), 4)
    ]
    assert 0.2 < sum(turned) / len(turned) < 0.3  # nothing is present, so the share alone decides
    assert choose_closed(NOTHING_KNOWN, random.Random(0), 4) == []


def test_the_given_report_is_the_answer_and_only_a_complete_truth_is_written() -> None:
    assert report_pair(NOTHING_KNOWN, REPORT, "cough") == (f"{REPORT_REQUEST} Indication: cough.", REPORT)
    assert report_pair(EXACT, REPORT, "") == (REPORT_REQUEST, REPORT)
    written = report_pair(EXACT, "", "")
    assert written and {item.observation for item in read_statements(written[1]) if item.present} == {EFFUSION, MASS}
    assert report_pair(PNEUMONIA_ALONE, "", "cough") is None
    marked = report_pair(NOTHING_KNOWN, "Findings: a <|eot_id|>\n b. <|image|>", "")
    assert marked and marked[1] == "Findings: a b."


def test_a_text_that_is_too_long_is_not_cut_but_left_out() -> None:
    long = "Findings: " + "The heart is large. " * 250 + "Impression: Cardiomegaly."
    assert report_pair(NOTHING_KNOWN, long, "") is None and report_pair(EXACT, long, "") is None
    assert report_pair(NOTHING_KNOWN, "Findings:   " + " " * 5000 + "clear.", "") == (
        REPORT_REQUEST,
        "Findings: clear.",
    )
    assert own_pairs([("Why?", "x" * 4001), ("Who?", "x" * 4000)]) == [("Who?", "x" * 4000)]


def test_questions_of_the_data_lose_only_what_steers_the_model() -> None:
    assert own_pairs([("Is it  bad?", "No.<|eot_id|>"), ("", "x"), ("Why?", " <|image|> ")]) == [("Is it bad?", "No.")]


def test_lists_name_what_is_present_and_nothing_unknown() -> None:
    rng = random.Random(0)
    for truth in (EXACT, OWN_SEEN, NORMAL_FILM):
        for request, answer in filter(None, (ask_list(truth, rng) for _ in range(300))):
            named = asks(request)
            assert named <= set(truth.known)
            told = {item.observation.finding for item in read_statements(answer, ["support_devices", "fracture"])}
            present = {item.finding for item in truth.present}
            assert told == (present & named if named else present), (request, answer)
    assert ask_list(PNEUMONIA_ALONE, rng) is None


def draw(
    truth: Truth, report: str = "", pairs: tuple[Pair, ...] = (), own: tuple[str, ...] | None = None
) -> list[Pair]:
    """What many draws of four requests ask."""
    drawn = []
    for seed in range(300):
        some = write_pairs(truth, report, "cough", pairs, random.Random(seed), 4, own)
        assert len(some) == len(dict(some)) == 4
        drawn += some
    return drawn


def test_every_task_is_drawn_that_what_is_known_allows() -> None:
    brought = ("Who took it?", "A radiographer.")
    asked = draw(EXACT, REPORT, (brought,))
    assert brought in asked and (f"{REPORT_REQUEST} Indication: cough.", REPORT) in asked
    requests = {request for request, _ in asked}
    assert requests >= {*wordings.WHAT, "On which side is the pleural effusion?", ask_finding(BY_KEY["mass"])}
    closed = sum(parse_yes_no(answer) is not None for _, answer in asked)
    assert 0.3 < closed / len(asked) < 0.7
    for name in (FREE[0], wordings.WHICH[0]):
        assert any(request.startswith(name[:12]) for request in requests)


def test_nothing_unknown_is_drawn() -> None:
    assert write_pairs(NOTHING_KNOWN, "", "cough", (), random.Random(0), 4) == []
    for request, answer in draw(PNEUMONIA_ALONE):
        assert not request.startswith(REPORT_REQUEST) and request not in {*wordings.WHAT, *NORMAL}
        if answer not in {finding.plain for finding in FINDINGS}:
            assert asks(f"{request} {answer}") <= {"pneumonia"}, (request, answer)
    report_alone = draw(NOTHING_KNOWN, REPORT)
    assert (f"{REPORT_REQUEST} Indication: cough.", REPORT) in report_alone
    assert not [request for request, answer in report_alone if answer in ("Yes.", "No.")]


def test_what_the_run_teaches_is_never_called_not_looked_for() -> None:
    def list_refused(own: tuple[str, ...] | None) -> set[str]:
        answers = {ask_general(NORMAL_FILM, random.Random(seed), own)[1] for seed in range(2000)}
        return {name for name in list_not_looked_for() if f"I do not look for {name}." in answers}

    assert list_refused(None) == set()
    assert "tuberculosis" in list_refused(())
    refused = list_refused(("tuberculosis",))
    assert len(refused) > 3 and "tuberculosis" not in refused
    for own in (None, ("tuberculosis",)):
        assert not [answer for _, answer in draw(NORMAL_FILM, own=own) if "do not look for others" in answer]


def test_an_own_finding_that_the_run_does_not_teach_is_not_asked() -> None:
    """Neither one that too few patients have nor one that is only absent: "I do not look for" it must be all."""
    truth = Truth((EFFUSION, Observation("jane_doe")), frozenset({"mass", "fracture", "tuberculosis"}))
    drawn = draw(truth, own=("tuberculosis",))
    told = [answer for request, answer in drawn if "fracture" in f"{request} {answer}".lower()]
    assert told and all(answer.startswith("I do not look for") for answer in told)
    assert not [pair for pair in drawn if "jane" in " ".join(pair).lower()]
    assert any("tuberculosis" in request.lower() for request, _ in drawn)
    assert any("fracture" in request.lower() for request, answer in draw(truth, own=None) if answer == "No.")
    assert write_pairs(Truth((Observation("jane_doe"),), frozenset()), "", "", (), random.Random(0), 4, ()) == []


def test_the_same_dice_draw_the_same_requests() -> None:
    assert draw(EXACT, REPORT) == draw(EXACT, REPORT)


def test_an_own_finding_is_worded_for_one_thing_and_many() -> None:
    rng = random.Random(0)
    pairs = [pair for _ in range(800) if (pair := ask_one(OWN_SEEN, rng)) and "support devices" in pair[0]]
    assert {answer for _, answer in pairs} == {"Yes, support devices.", "No, I see support devices."}
    assert not [request for request, _ in pairs if request.startswith(("Is there", "Is support"))]
    assert answer_finding(OWN_SEEN, find_finding("fracture")) == "No."


def test_own_findings_are_asked_far_more_often_than_one_of_the_14() -> None:
    truth = Truth((EFFUSION,), frozenset(BY_KEY) - {"effusion"} | {"tuberculosis"})
    asked = [request for seed in range(200) for request, _ in choose_closed(truth, random.Random(seed), 3)]
    own, mass = (sum(name in request.lower() for request in asked) for name in ("tuberculosis", "mass"))
    assert own > 100 > 2 * mass > 0
