"""All that is seen is told from the classification."""

import pytest

from cxr.findings import BY_KEY
from cxr.questions.overview import NOTHING, OVERVIEWS, UNCERTAIN, list_seen, read_verdict
from cxr.questions.reading import read_question
from cxr.results import Manner, Score, Verdict

PRESENT, UNSURE, ABSENT = Verdict.PRESENT, Verdict.NOT_SURE, Verdict.ABSENT


def scores(**verdicts: Verdict) -> dict[str, Score]:
    """The later a finding stands among `verdicts`, the likelier it is."""
    ranks = {key: 0.1 * (place + 1) for place, key in enumerate(verdicts)}
    return {key: Score(key, ranks.get(key, 0.01), 0.5, 0.1, verdicts.get(key, ABSENT)) for key in BY_KEY}


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (scores(), NOTHING),
        (scores(effusion=PRESENT), "I see a pleural effusion (10%)."),
        (scores(mass=UNSURE), f"{UNCERTAIN} Possible: a mass (10%)."),
        (
            scores(mass=UNSURE, nodule=UNSURE, edema=UNSURE, hernia=UNSURE, effusion=PRESENT),
            "I see a pleural effusion (50%). Possible: a hiatal hernia (40%), pulmonary edema (30%) and a nodule "
            "(20%); 1 other is less likely.",
        ),
    ],
)
def test_what_is_seen_stands_before_what_is_possible(known: dict[str, Score], told: str) -> None:
    reply = list_seen(known)
    assert reply.manner is Manner.CLASSIFIED and reply.reason == told


@pytest.mark.parametrize(
    ("asked", "known", "verdict"),
    [
        ("is this normal?", scores(mass=UNSURE), ""),  # nobody knows that a film is normal
        ("is this normal?", scores(), ""),
        ("is this normal?", scores(mass=PRESENT), "No. "),
        ("is anything abnormal?", scores(mass=PRESENT), "Yes. "),
        ("is anything abnormal?", scores(mass=UNSURE), ""),
        ("is nothing abnormal?", scores(mass=PRESENT), ""),
        ("what do you see?", scores(mass=PRESENT), ""),
    ],
)
def test_yes_or_no_is_said_where_something_is_present(asked: str, known: dict[str, Score], verdict: str) -> None:
    question = read_question(asked)
    assert question.request in OVERVIEWS and read_verdict(question, known) == verdict
