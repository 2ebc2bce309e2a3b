"""A finished answer is held against the classification; what contradicts it is said beside the answer.

Knows nothing about models, films or pages.
"""

from collections.abc import Iterator, Mapping

from cxr.findings import BY_KEY, find_finding, order_finding
from cxr.prompts import join_words, parse_yes_no
from cxr.questions.forms import ABNORMAL, NORMAL, WHAT
from cxr.questions.reading import Question, Topic
from cxr.results import Score, Verdict
from cxr.statements import read_statements

ALL_ASKED = (WHAT, NORMAL, ABNORMAL)  # requests whose answers name all that is seen
# (asserted by the answer, verdict of the classification) -> what is said of such findings
DOUBTS: dict[tuple[bool, Verdict], str] = {
    (True, Verdict.ABSENT): "The answer names {}, which the classification calls absent.",
    (True, Verdict.NOT_SURE): "The answer names {}, of which the classification is not sure.",
    (False, Verdict.PRESENT): "The answer denies {}, which the classification calls present.",
    (False, Verdict.NOT_SURE): "The answer denies {}, which the classification cannot exclude.",
}
LEFT_OUT = "The answer leaves out {}, which the classification calls present."


def doubt_answer(question: Question, text: str, scores: Mapping[str, Score]) -> tuple[str, ...]:
    """Sentences about where a finished answer says more than the classification knows, or leaves out what it knows."""
    return tuple(_find_doubts(question, text, scores))


def _find_doubts(question: Question, text: str, scores: Mapping[str, Score]) -> Iterator[str]:
    own = [key for key in scores if key not in BY_KEY]
    said = {item.observation.finding: item.present for item in read_statements(text, own)}
    yes = parse_yes_no(text)
    if question.topic is Topic.PRESENCE and len(question.findings) == 1 and yes is not None and not question.side:
        said = {question.findings[0]: said.get(question.findings[0], yes)}
    verdicts = {key: scores[key].verdict for key in sorted(scores, key=order_finding)}
    for (present, verdict), sentence in DOUBTS.items():
        yield from _name(
            sentence, [key for key, each in verdicts.items() if each is verdict and said.get(key) is present]
        )
    if question.request in ALL_ASKED:
        yield from _name(
            LEFT_OUT, [key for key, each in verdicts.items() if each is Verdict.PRESENT and key not in said]
        )


def _name(sentence: str, keys: list[str]) -> Iterator[str]:
    if keys:
        yield sentence.format(join_words([find_finding(key).noun for key in keys], "and"))
