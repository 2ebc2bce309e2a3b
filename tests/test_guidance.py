"""What a report is to be about follows the probabilities."""

from cxr.guidance import LIKELY, POSSIBLE, choose_guide
from cxr.prompts import Guide
from cxr.results import Score, Verdict


def test_what_is_more_likely_than_not_is_likely_and_what_cannot_be_passed_over_is_possible() -> None:
    scores = [
        Score("effusion", LIKELY, 0.7, 0.1, Verdict.NOT_SURE),
        Score("mass", LIKELY - 0.01, 0.7, 0.1, Verdict.NOT_SURE),
        Score("nodule", POSSIBLE, 0.7, 0.3, Verdict.ABSENT),
        Score("edema", POSSIBLE - 0.01, 0.7, 0.1, Verdict.NOT_SURE),
    ]
    assert choose_guide(scores) == Guide(("effusion",), ("mass", "nodule"))


def test_what_was_never_calibrated_is_possible_at_most() -> None:
    assert choose_guide([Score("own_sign", 0.9), Score("mass", 0.4)]) == Guide((), ("own_sign",))
