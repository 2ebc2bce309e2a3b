"""A finished answer is held against its question and the classification; what contradicts that is said beside it.

Knows nothing about models, films or pages.
"""

import re
from collections.abc import Iterator, Mapping

from cxr.findings import BY_KEY, find_finding, order_finding
from cxr.prompts import join_words, parse_yes_no
from cxr.questions.naming import mask_findings, read_side
from cxr.questions.question import Question, Topic
from cxr.results import Score, Verdict
from cxr.statements import read_statements

# (asserted by the answer, verdict of the classification) -> what is said of such findings
DOUBTS: dict[tuple[bool, Verdict], str] = {
    (True, Verdict.ABSENT): "The answer names {}, which the classification calls absent.",
    (True, Verdict.NOT_SURE): "The answer names {}, of which the classification is not sure.",
    (False, Verdict.PRESENT): "The answer denies {}, which the classification calls present.",
    (False, Verdict.NOT_SURE): "The answer denies {}, which the classification cannot exclude.",
}
TELLS = {
    Topic.SIZE: re.compile(
        r"\d|\b(?:tiny|small|minor|mild|moderate|marked|medium|large|big|huge|massive|severe|extensive)"
    ),
    Topic.PLACE: re.compile(
        r"\b(?:left|right|both|bilateral|upper|mid|middle|lower|apex|apical|bas(?:e|al)|central|hil|lobe|lingula)"
    ),
}


def tells(question: Question, text: str) -> bool:
    """Whether an answer to where a finding is, or how large, has a word for that and names no other finding."""
    cue = TELLS.get(question.topic)
    words = text.lower()
    return cue is None or (cue.search(words) is not None and {*mask_findings(words)[1]} <= {*question.findings})


def doubt_answer(question: Question, text: str, scores: Mapping[str, Score]) -> tuple[str, ...]:
    """Sentences about where a finished answer says more than the classification knows."""
    return tuple(_find_doubts(question, text, scores))


def _find_doubts(question: Question, text: str, scores: Mapping[str, Score]) -> Iterator[str]:
    own = [key for key in scores if key not in BY_KEY]
    elsewhere = re.sub(r"^\W*no\b\W*", "", text, flags=re.IGNORECASE)
    if parse_yes_no(text) is False and read_side(elsewhere.lower()):  # "No, an effusion on the left": not nowhere
        text = elsewhere
    said = {item.observation.finding: item.present for item in read_statements(text, own)}
    verdicts = {key: scores[key].verdict for key in sorted(scores, key=order_finding)}
    for (present, verdict), sentence in DOUBTS.items():
        yield from _name(
            sentence, [key for key, each in verdicts.items() if each is verdict and said.get(key) is present]
        )


def _name(sentence: str, keys: list[str]) -> Iterator[str]:
    if keys:
        yield sentence.format(join_words([find_finding(key).noun for key in keys], "and"))
