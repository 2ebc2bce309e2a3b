"""How soon somebody should look at a film: from what its findings ask for, by the table in `findings.py`.

Knows nothing about models or films.
"""

from collections.abc import Sequence

from cxr.findings import Level, find_finding
from cxr.prompts import join_words
from cxr.results import Classification, Score, Verdict

OWN_PROBABILITIES = "These are the model's own probabilities: none of them means present or absent."


def choose_level(scores: Sequence[Score], own: Sequence[Score] = ()) -> tuple[Level | None, tuple[str, ...]]:
    """The highest level that a finding asks for by the table in `findings.py`, and a sentence for each that does.

    `scores`: of the 14; `own`: of the adapter's own. What is seen comes before what cannot be excluded. A finding
    without a verdict asks for nothing; but where one of the 14 has none, "none seen" cannot be said: None is given.
    """
    asked = [(_ask_level(score), score) for score in (*scores, *own)]
    level = max((each for each, _ in asked), key=lambda each: each.rank, default=Level.NONE_SEEN)
    if level is Level.NONE_SEEN:
        return level if all(score.verdict for score in scores) else None, ()
    asking = sorted(
        (score for each, score in asked if each is level), key=lambda score: score.verdict != Verdict.PRESENT
    )
    return level, tuple(_explain(score) for score in asking)


def title_level(classification: Classification, bare: str | None = None) -> str:
    """What heads the findings: the level, or that there is none. `bare`: what is said where nothing is calibrated."""
    if classification.level:
        return classification.level.value
    judged = any(score.verdict for score in classification.scores)
    return "No reading order" if judged else bare or "Not calibrated"


def explain_level(classification: Classification) -> tuple[str, ...]:
    """Why this level, and what it does not count."""
    bare = [score for score in classification.scores if score.verdict is None]
    if not bare:
        return classification.reasons
    if len(bare) == len(classification.scores):
        return (*classification.reasons, OWN_PROBABILITIES)
    rest = () if classification.level else ("None of the other findings asks for attention.",)
    return (*classification.reasons, name_bare(bare), *rest)


def name_bare(scores: Sequence[Score]) -> str:
    """Which findings were never calibrated and what follows, in a sentence."""
    nouns = join_words([find_finding(score.finding).noun for score in scores], "and")
    return f"Not calibrated, so no probability of it means present or absent: {nouns}."


def _ask_level(score: Score) -> Level:
    finding = find_finding(score.finding)
    if score.verdict is Verdict.PRESENT:
        return finding.if_present
    return finding.if_unsure if score.verdict is Verdict.NOT_SURE else Level.NONE_SEEN


def _explain(score: Score) -> str:
    finding = find_finding(score.finding)
    found = "seen" if score.verdict is Verdict.PRESENT else "cannot be excluded"
    return f"{finding.name} {found}: {finding.why[0].lower()}{finding.why[1:]}"
