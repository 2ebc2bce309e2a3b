"""All that a film shows, from the calibrated classification: a model's own list is not calibrated.

Knows nothing about models, films or pages.
"""

from collections.abc import Iterable, Mapping, Sequence

from cxr.findings import find_finding, order_finding
from cxr.prompts import join_words
from cxr.questions.forms import ABNORMAL, NORMAL, WHAT
from cxr.questions.question import Question
from cxr.questions.replies import Reply
from cxr.results import Manner, Score, Verdict, write_percent

OVERVIEWS = (WHAT, NORMAL, ABNORMAL)  # requests whose answers name all that is seen
UNSURE_TOLD = 3  # the likeliest; the page lists all
WHOLE_FILM = " This goes for the whole film: ask for the side of a finding by its name."
NOTHING = "I see none of the 14 findings, which alone does not make a film normal."
UNCERTAIN = "I am sure of none of the 14 findings."


def read_verdict(question: Question, scores: Mapping[str, Score]) -> str:
    """Yes or no, with which the answer begins where something is present; else nothing, as nobody knows that a film
    is normal.
    """
    if question.request not in (NORMAL, ABNORMAL) or all(one.verdict is not Verdict.PRESENT for one in scores.values()):
        return ""
    return "No. " if question.request == NORMAL else "Yes. "


def list_seen(scores: Mapping[str, Score], verdict: str = "", sided: bool = False) -> Reply:
    """What is seen and what is possible: "No. I see pneumonia (80%). Possible: a mass (12%)."

    `sided`: whether one side was asked about, of which this says nothing.
    """
    seen, unsure, _ = _sort(scores.values())
    first = f"I see {_name(seen)}." if seen else UNCERTAIN if unsure else NOTHING
    rest = len(unsure) - UNSURE_TOLD
    more = f"; {rest} {'others are' if rest > 1 else 'other is'} less likely" if rest > 0 else ""
    possible = f" Possible: {_name(unsure[:UNSURE_TOLD])}{more}." if unsure else ""
    return Reply(Manner.CLASSIFIED, f"{verdict}{first}{possible}{WHOLE_FILM if sided else ''}")


def list_named(scores: Iterable[Score], sided: bool = False) -> Reply:
    """What the classification says of several findings that were asked about. `sided`: as above."""
    parts = zip(("I see {}.", "Possible: {}.", "Not found: {}."), _sort(scores), strict=True)
    said = " ".join(form.format(_name(some)) for form, some in parts if some)
    return Reply(Manner.CLASSIFIED, f"{said}{WHOLE_FILM if sided else ''}")


def _sort(scores: Iterable[Score]) -> tuple[list[Score], list[Score], list[Score]]:
    """Present, not sure and absent, the likeliest first."""
    ranked = sorted(scores, key=lambda score: (-score.probability, order_finding(score.finding)))
    seen, unsure, absent = (
        [score for score in ranked if score.verdict is verdict]
        for verdict in (Verdict.PRESENT, Verdict.NOT_SURE, Verdict.ABSENT)
    )
    return seen, unsure, absent


def _name(scores: Sequence[Score]) -> str:
    return join_words(
        [f"{find_finding(score.finding).noun} ({write_percent(score.probability)})" for score in scores], "and"
    )
