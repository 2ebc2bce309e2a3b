"""What a verdict is worth, in words."""

import pytest

from cxr.meaning import count_verdict, explain_verdict, sum_up
from cxr.results import Score, TrackRecord, Verdict

TESTED = TrackRecord("NIH films", films=193, with_it=19, present=5, present_right=3, absent=110, absent_right=105)
NEVER = TrackRecord("own films", films=40, with_it=2, present=0, present_right=0, absent=40, absent_right=38)


@pytest.mark.parametrize(
    ("verdict", "tested", "sentence"),
    [
        (Verdict.PRESENT, TESTED, "In the 193 NIH films it was tested on, 3 of 5 such answers were right."),
        (Verdict.ABSENT, TESTED, "In the 193 NIH films it was tested on, 105 of 110 such answers were right."),
        (Verdict.NOT_SURE, TESTED, "In the 193 NIH films it was tested on, 11 of 78 such films had it."),
        (
            Verdict.PRESENT,
            NEVER,
            "In none of the 40 own films it was tested on was this said, so nobody knows how often it is right.",
        ),
        (
            Verdict.ABSENT,
            NEVER,
            "In the 40 own films it was tested on, 38 of 40 such answers were right, but only 2 of these films had it.",
        ),
    ],
)
def test_a_verdict_is_explained_with_its_films(verdict: Verdict, tested: TrackRecord, sentence: str) -> None:
    assert explain_verdict(verdict, tested) == sentence


def test_a_few_words_say_the_same_and_nothing_where_nothing_is_known() -> None:
    once = TrackRecord("NIH films", 193, 9, 1, 0, 110, 105)
    assert count_verdict(Verdict.PRESENT, once) == "0 of 1 such answers were right, too few to tell"
    assert sum_up(Score("mass", 0.7, 0.5, 0.1, Verdict.PRESENT, TESTED)) == "3 of 5 such answers were right"
    assert sum_up(Score("mass", 0.7, 0.5, 0.1, Verdict.NOT_SURE, NEVER)) == "never said in the films it was tested on"
    assert sum_up(Score("mass", 0.01, 0.5, 0.1, Verdict.ABSENT, NEVER)).endswith(
        "were right; only 2 films in all had it"
    )
    assert sum_up(Score("mass", 0.7, 0.5, 0.1, Verdict.PRESENT)) == "" == sum_up(Score("mass", 0.7))
