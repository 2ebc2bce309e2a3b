"""What a reader has said is held against what it knew. The one place for such checks; their sentences are shown.

Knows nothing about models, films or pages.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise

from cxr.findings import BY_KEY, find_finding, order_finding
from cxr.priors import mentions_prior
from cxr.prompts import REPORT_HEADING, join_words, parse_report
from cxr.results import Mark, MarkKind, Score, Statement, Verdict
from cxr.sides import SUPPORTED, SideEvidence, explain_side, weigh_side
from cxr.statements import read_statements

NO_REPORT = "This is not a whole report: its findings or its impression are missing."
# (asserted by a sentence, verdict of the classification) -> kind of mark, and what is said of such findings
DOUBTS: dict[tuple[bool, Verdict], tuple[MarkKind, str]] = {
    (True, Verdict.ABSENT): ("contradiction", "The classification calls {} absent."),
    (True, Verdict.NOT_SURE): ("doubt", "The classification is not sure of {}."),
    (False, Verdict.PRESENT): ("contradiction", "The classification calls {} present."),
}
# Said of the report as a whole: most such sentences are true, and marks on true ones teach nobody to heed marks.
NOT_EXCLUDED = "The report denies {}, which the classification cannot exclude."
NO_EARLIER_FILM = "No earlier film was given, so nothing can be compared with one."
HEADS: dict[MarkKind, str] = {
    "contradiction": "Contradicted",
    "doubt": "Doubtful",
    "earlier film": "Cannot be known",
    "side": "Side not supported",
}
_SENTENCE = re.compile(r"[^\s.!?*](?:[^.!?\n]|\.(?=\d))*[.!?]*")
_NOTHING = re.compile(  # a sentence that denies all findings at once
    r"\b(?:none of (?:the|these) 14|no sign of (?:the|these) 14|normal (?:chest|film|radiograph)"
    r"|no acute (?:cardiopulmonary )?(?:process|disease|abnormality|findings?))\b",
    re.IGNORECASE,
)


def check_report(text: str, scores: Sequence[Score]) -> tuple[str, ...]:
    """Sentences about a finished report as a whole: whether it is one, and what it denies that is left open."""
    whole = len({heading.lower() for heading in REPORT_HEADING.findall(text)}) == 2 and all(parse_report(text))
    unsure = [score.finding for score in scores if score.verdict is Verdict.NOT_SURE]
    said = read_statements(text, [key for key in unsure if key not in BY_KEY])
    denied = {item.observation.finding for item in said if not item.present}
    keys = [key for key in unsure if key in denied]
    return (*(() if whole else (NO_REPORT,)), *((NOT_EXCLUDED.format(_name(keys)),) if keys else ()))


def list_sided(text: str) -> tuple[str, ...]:
    """The keys of the findings whose side a report names, of those that have one."""
    said = [item.observation for item in read_statements(text, possible=True) if item.present]
    return tuple(dict.fromkeys(item.finding for item in said if item.side and find_finding(item.finding).sided))


def mark_report(text: str, scores: Sequence[Score], sides: Sequence[SideEvidence]) -> tuple[Mark, ...]:
    """The sentences of a finished report that say more than is known, each with its reasons, in order.

    Args:
        scores: Of the classification; findings without a verdict are not compared.
        sides: For the findings of `list_sided`; sides of others are not compared.
    """
    verdicts = {score.finding: score.verdict for score in scores}
    evidence = {item.finding: item for item in sides}
    return tuple(
        Mark(start, end, kind, reason)
        for start, end in find_sentences(text)
        for kind, reason in _find_reasons(text[start:end], verdicts, evidence)
    )


def find_sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence of a report begins and ends; headings belong to none."""
    heads = [(0, 0), *(heading.span() for heading in REPORT_HEADING.finditer(text)), (len(text), len(text))]
    for (_, start), (end, _) in pairwise(heads):
        for found in _SENTENCE.finditer(text, start, end):
            yield found.start(), found.start() + len(found[0].rstrip())


def _find_reasons(
    sentence: str, verdicts: Mapping[str, Verdict | None], evidence: Mapping[str, SideEvidence]
) -> Iterator[tuple[MarkKind, str]]:
    statements = read_statements(sentence, [key for key in verdicts if key not in BY_KEY], possible=True)
    yield from _find_doubts(sentence, statements, verdicts)
    if mentions_prior(sentence):
        yield "earlier film", NO_EARLIER_FILM
    for seen in (item.observation for item in statements if item.present):
        if seen.side and seen.finding in evidence and weigh_side(evidence[seen.finding], seen.side) < SUPPORTED:
            yield "side", explain_side(evidence[seen.finding])


def _find_doubts(
    sentence: str, statements: Sequence[Statement], verdicts: Mapping[str, Verdict | None]
) -> Iterator[tuple[MarkKind, str]]:
    said = {(item.observation.finding, item.present) for item in statements if not item.possible}
    if _NOTHING.search(sentence):  # what cannot be excluded is not called seen by this, either
        said |= {(key, False) for key in BY_KEY if verdicts.get(key) is Verdict.PRESENT}
    for (present, verdict), (kind, words) in DOUBTS.items():
        keys = [key for key in verdicts if (key, present) in said and verdicts[key] is verdict]
        if keys:
            yield kind, words.format(_name(keys))
    maybe = {item.observation.finding for item in statements if item.present and item.possible}
    keys = [key for key in verdicts if key in maybe and verdicts[key] is Verdict.ABSENT]
    if keys:
        yield "doubt", DOUBTS[True, Verdict.ABSENT][1].format(_name(keys))


def _name(keys: Sequence[str]) -> str:
    return join_words([find_finding(key).noun for key in sorted(keys, key=order_finding)], "and")


def write_reasons(marks: Sequence[Mark]) -> str:
    """The reasons of one sentence's marks: "Doubtful: the classification is not sure of a mass."."""
    return " ".join(f"{HEADS[mark.kind]}: {mark.reason[0].lower()}{mark.reason[1:]}" for mark in marks)


def write_marked(text: str, marks: Sequence[Mark]) -> str:
    """The text with the reasons in brackets after every sentence that is marked."""
    for end, of_one in reversed([(end, [*some]) for end, some in groupby(marks, key=lambda mark: mark.end)]):
        text = f"{text[:end]} [{write_reasons(of_one)}]{text[end:]}"
    return text
