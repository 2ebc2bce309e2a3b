"""A question becomes what it asks about, what it takes for granted, and how it is put to the model.

By rules on words: no model, and the same for every film. Knows nothing about films.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial

from cxr.findings import BY_KEY, FINDINGS, Finding, find_finding
from cxr.prompts import ask_finding
from cxr.questions import cues, forms
from cxr.questions.outside import find_outside, hide_strangers
from cxr.questions.spelling import repair_spelling
from cxr.questions.vocabulary import DOMAIN, EITHER, LAY, OFF_TOPIC
from cxr.results import Side, Turn


class Topic(Enum):
    """What a question is about; `replies.py` says which of them are answered."""

    MEANING = "meaning of a word"
    TREATMENT = "treatment"
    OUTLOOK = "outlook"
    OUTSIDE = "not looked for"
    EARLIER = "earlier film"
    CAUSE = "cause"
    SYMPTOMS = "symptoms"
    PERSON = "person"
    NONSENSE = "not about the film"
    UNCLEAR = "unclear"
    GREETING = "greeting"
    LANGUAGE = "not in English"
    COUNT = "number"
    CHANCE = "probability"
    PRESENCE = "presence"
    PLACE = "place"
    SIZE = "size"
    DETAIL = "detail"
    FILM = "film"  # its view, normal or not, all that is seen, where left is


@dataclass(frozen=True)
class Question:
    """What was asked. `request`: how it is put to the model, the visitor's own words where no form is taught."""

    topic: Topic
    request: str
    findings: tuple[str, ...] = ()  # keys, as named
    side: Side | None = None
    granted: bool = False  # whether it takes for granted that the findings are there
    others: tuple[str, ...] = ()  # what else is named and not looked for
    turned: bool = False  # it asks whether one is absent; whether it is there is asked, and the answer turned round
    told: bool = False  # it asks how the heart is; whether it is enlarged is asked, and the answer told in a sentence


def read_question(text: str, own: Sequence[str] = (), earlier: Sequence[Turn] = ()) -> Question:
    """What a cleaned question asks; `own`: the adapter's own findings; `earlier`: what "it" may stand for.

    What is told before the question ("I had an operation, is there ...?") is left out where the rest names a finding.
    """
    words = cues.TAG.sub("", repair_spelling(text))
    plain = cues.OR_NOT.sub("", words)
    words = words if cues.DENIAL.search(plain) else plain
    rest = re.sub(cues.TOLD, "", words)
    if rest != words and mask_findings(rest, own)[1]:
        words = rest
    return _read_words(text, words, own, earlier)


def mask_findings(words: str, own: Sequence[str] = ()) -> tuple[str, tuple[str, ...]]:
    """The words with an X for each finding, and the findings' keys in the order in which they are named."""
    for keys, pattern in EITHER.items():
        words = re.sub(rf"\b(?:{pattern})\b", " or ".join(f"\0{key}\0" for key in keys), words)
    for finding in (*map(find_finding, own), *FINDINGS):
        words = _match(finding).sub(partial(_mask, finding.key), words)
    named = re.findall(r"\0([^\0]*)\0", words)
    return re.sub(r"\0[^\0]*\0", "X", words), tuple(dict.fromkeys(named))


def _mask(key: str, hit: re.Match[str]) -> str:
    """The mark of a finding; a side in its words stays: "fluid around my right lung"."""
    return " ".join([f"\0{key}\0", *re.findall(r"\b(?:left|right|both)\b", hit[0])])


def _match(finding: Finding) -> re.Pattern[str]:
    lay = LAY.get(finding.key)
    return re.compile(rf"(?<![\w\0-])(?:{'|'.join((*([lay] if lay else []), *finding.aliases))})(?![\w\0-])")


def _read_words(text: str, words: str, own: Sequence[str], earlier: Sequence[Turn]) -> Question:
    hidden, strangers = hide_strangers(words)
    masked, keys = mask_findings(hidden, own)
    if not keys and earlier:
        masked, keys = _refer(masked, own, earlier)
    others = (*strangers, *find_outside(masked, own, bool(keys)))
    question = Question(Topic.DETAIL, text, keys, read_side(masked), others=others)
    return _read_undecidable(question, masked, bool(earlier)) or (
        _read_finding(question, masked) if keys else _read_film(question, masked, bool(earlier))
    )


def _refer(masked: str, own: Sequence[str], earlier: Sequence[Turn]) -> tuple[str, tuple[str, ...]]:
    """ "How big is it?" after a question about a finding asks about that finding."""
    named = (mask_findings(repair_spelling(turn.question), own)[1] for turn in reversed(earlier))
    keys = next(filter(None, named), ())
    if keys and re.search(r"\b(?:sure|certain)\b", masked):
        return "how sure X", keys
    if keys and (cues.WHAT_IS_IT.match(masked) or (cues.IS_THERE.search(masked) and cues.PRONOUN.search(masked))):
        return cues.PRONOUN.sub("X", masked, count=1), keys
    if keys and (cues.SIZE.search(masked) or cues.PLACE.search(masked) or cues.DESCRIBE.search(masked)):
        return cues.PRONOUN.sub("the X", masked, count=1), keys
    if keys and read_side(masked) and cues.IS_IT.match(masked):
        return cues.PRONOUN.sub("there X", masked, count=1), keys
    if keys and cues.FOLLOWS.match(masked) and read_side(masked):
        return f"{masked} any X", keys
    return masked, ()


def read_side(masked: str) -> Side | None:
    """The side that is named; none where both are offered, and "am I right" names none."""
    masked = re.sub(r"\b(?:am i|i'm|is (?:that|this|it)|that's|all|that is) right\b(?!\s*(?:sided|-))", " ", masked)
    named = {word.removesuffix("-sided") for word in re.findall(r"\b(left|right|both|bilateral)\b", masked)}
    if named & {"both", "bilateral"}:
        return "both"
    return None if len(named) != 1 else "left" if "left" in named else "right"


def _read_undecidable(question: Question, masked: str, follows: bool) -> Question | None:
    """What no model of ours answers, and what a word means; None: go on."""
    if cues.MEANING.search(masked):
        return replace(question, topic=Topic.MEANING)
    if not cues.ENGLISH.search(masked) and (cues.FOREIGN.search(masked) or re.search(r"[^\W\da-z_X]{3}", masked)):
        return replace(question, topic=Topic.LANGUAGE)
    if cues.GREETING.search(masked) and not question.findings:
        return replace(question, topic=Topic.GREETING)
    if OFF_TOPIC.search(masked):
        return replace(question, topic=Topic.NONSENSE)
    chance = question.findings and cues.SURE.search(masked)
    calm = cues.WORRIED.sub("", masked) if question.findings and cues.IS_THERE.search(masked) else masked
    for topic, cue in ((Topic.OUTLOOK, cues.OUTLOOK), (Topic.TREATMENT, cues.TREATMENT)):
        if cue.search(calm) and not chance:
            return replace(question, topic=topic)
    if question.others:
        return replace(question, topic=Topic.OUTSIDE)
    if question.findings and cues.COUNT.search(masked):
        return replace(question, topic=Topic.COUNT)
    if chance or (question.findings and cues.TANGLED.search(masked)):
        return replace(question, topic=Topic.CHANCE, granted=cues.REAL.search(masked) is not None)
    granted = bool(question.findings) and not cues.IS_THERE.search(masked)
    for topic, cue in ((Topic.EARLIER, cues.EARLIER), (Topic.CAUSE, cues.CAUSE), (Topic.PERSON, cues.PERSON)):
        if cue.search(masked):
            asked = granted or (topic is Topic.CAUSE and bool(question.findings))
            return replace(question, topic=topic, granted=asked)
    if not question.findings and cues.SYMPTOMS.search(masked):
        return replace(question, topic=Topic.SYMPTOMS)
    known = question.findings or DOMAIN.search(masked) or cues.VIEW.search(masked) or cues.PICTURE.search(masked)
    if (
        known
        or (follows and len(masked.split()) <= 4)
        or any(cue.search(masked) for cue in (cues.OVERVIEW, cues.CLEAR, cues.WRONG))
    ):
        return None
    return replace(
        question, topic=Topic.UNCLEAR if cues.PLACE.search(masked) or cues.SIZE.search(masked) else Topic.NONSENSE
    )


def _read_finding(question: Question, masked: str) -> Question:
    """A question that names findings which are looked for."""
    keys, (first, *more) = question.findings, map(find_finding, question.findings)
    outright, there = cues.ASKS.search(masked), cues.IS_THERE.search(masked)
    given, definite = cues.GIVEN.search(masked), cues.DEFINITE.search(masked)
    seen = _ask_seen(question, masked)
    if cues.IF_THERE.search(masked):
        return replace(question, topic=Topic.PRESENCE, request=forms.ask_seen(keys))
    choice = cues.CHOICE.search(masked) and not cues.THERE_FIRST.match(masked)
    for topic, cue, form in ((Topic.SIZE, cues.SIZE, forms.SIZE), (Topic.PLACE, cues.PLACE, forms.WHERE)):
        if cue.search(masked) and (not there or choice or (outright and not cues.IS_THERE.match(masked.lstrip()))):
            form = forms.SIDE if topic is Topic.PLACE and cues.SIDE_ASKED.search(masked) else form
            both = cues.SIZE.search(masked) and cues.PLACE.search(masked)
            request = question.request if more else forms.ask_seen(keys) if both else forms.ask_about(form, first)
            return replace(question, topic=topic, granted=True, request=request)
    if cues.DESCRIBE.search(masked):
        return replace(question, granted=True, request=forms.ask_seen(keys))
    if given or (definite and not there):
        closed = question.side and not outright and not given
        topic = Topic.PRESENCE if closed and cues.ON_SIDE.search(masked) else question.topic
        return replace(question, topic=topic, granted=True, request=seen if closed else question.request)
    return replace(question, topic=Topic.PRESENCE, request=seen, turned=_is_turned(question, masked))


def _ask_seen(question: Question, masked: str) -> str:
    """The request of a question whether findings are there; the visitor's own words where no form is taught."""
    if question.request == ask_finding(find_finding(question.findings[0])):
        return question.request
    if cues.DENIAL.search(masked):
        turned = _is_turned(question, masked)
        return ask_finding(find_finding(question.findings[0])) if turned else question.request
    outright = cues.ASKS.search(masked) and not cues.FOLLOWS.match(masked)
    return question.request if outright else forms.ask_seen(question.findings, question.side)


def _is_turned(question: Question, masked: str) -> bool:
    """Whether it asks if one of the 14 is absent."""
    asked = question.request == ask_finding(find_finding(question.findings[0]))
    one = len(question.findings) == 1 and question.findings[0] in BY_KEY
    return one and not asked and cues.DENIAL.search(masked) is not None


def _read_film(question: Question, masked: str, follows: bool) -> Question:
    """A question that names no finding."""
    film = replace(question, topic=Topic.FILM)
    denied = cues.DENIAL.search(masked) is not None
    if cues.WHOLE.match(masked) and not cues.HEART.search(masked):
        return replace(film, request=forms.WHAT)
    if cues.HEART.search(masked) and (cues.HEART_SIZE.search(masked) or cues.WHOLE.match(masked)):
        fine = cues.FINE.search(masked) is not None and cues.TOO_LARGE.search(masked) is None
        request = forms.HEART_FINE if fine is not denied else forms.HEART  # "not enlarged?" asks whether it is normal
        told = cues.ASKS.search(masked) is not None  # no yes or no answers "what" or "how"
        return replace(film, findings=("cardiomegaly",), request=forms.HEART if told else request, told=told)
    if cues.PICTURE.search(masked):
        return replace(film, request=forms.ask_picture(masked))
    if cues.ORIENTATION.search(masked) and not cues.VAGUE.search(masked):
        return replace(film, request=forms.ORIENTATION)
    if cues.VIEW.search(masked):
        choice = re.search(r"\bor\b", masked)
        return replace(film, request=question.request if denied and not choice else forms.ask_view(masked))
    if cues.SIZE.search(masked) or cues.PLACE.search(masked):
        if cues.WRONG.search(masked) or cues.VAGUE.search(masked):
            return replace(film, request=forms.WHAT)
        return question if follows else replace(question, topic=Topic.UNCLEAR)
    closed = re.match(r"^\W*(?:is|are|does|do|would|has|any\w*|all|every\w*)\b", masked)
    if closed and not denied and not question.side:
        if cues.WRONG.search(masked) or cues.SHADOW.search(masked):
            return replace(film, request=forms.ABNORMAL)
        if cues.CLEAR.search(masked):
            return replace(film, request=forms.NORMAL)
    if any(cue.search(masked) for cue in (cues.OVERVIEW, cues.CLEAR, cues.WRONG)):
        return replace(film, request=forms.WHAT)
    return film
