"""How soon somebody should look at a film: from what its findings ask for, by the table in `findings.py`.

Knows nothing about models or films.
"""

from collections.abc import Sequence

from cxr.findings import Level, find_finding
from cxr.results import Score, Verdict


def choose_level(scores: Sequence[Score]) -> tuple[Level, tuple[str, ...]]:
    """The highest level that a finding asks for by the table in `findings.py`, and a sentence for each that does.

    What is seen comes before what cannot be excluded. A finding without a verdict asks for nothing.
    """
    asked = [(_ask_level(score), score) for score in scores]
    level = max((each for each, _ in asked), key=lambda each: each.rank, default=Level.NONE_SEEN)
    if level is Level.NONE_SEEN:
        return level, ()
    asking = sorted(
        (score for each, score in asked if each is level), key=lambda score: score.verdict != Verdict.PRESENT
    )
    return level, tuple(_explain(score) for score in asking)


def _ask_level(score: Score) -> Level:
    finding = find_finding(score.finding)
    if score.verdict is Verdict.PRESENT:
        return finding.if_present
    return finding.if_unsure if score.verdict is Verdict.NOT_SURE else Level.NONE_SEEN


def _explain(score: Score) -> str:
    finding = find_finding(score.finding)
    found = "seen" if score.verdict is Verdict.PRESENT else "cannot be excluded"
    return f"{finding.name} {found}: {finding.why[0].lower()}{finding.why[1:]}"
