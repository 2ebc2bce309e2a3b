"""A question becomes what it asks about, what it takes for granted, and how it is put to the model.

By rules on words: no model, and the same for every film. Knows nothing about films.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from cxr.findings import BY_KEY, find_finding
from cxr.prompts import MAX_QUESTION, MAX_TURNS, ask_finding, clean
from cxr.questions import cues, film_cues, forms
from cxr.questions.film_reading import is_about_film, read_film, read_picture, stands_alone
from cxr.questions.naming import list_words, mask_findings, read_side
from cxr.questions.outside import find_outside, hide_strangers
from cxr.questions.question import Question, Topic
from cxr.questions.spelling import repair_spelling
from cxr.questions.vocabulary import FOREIGN, OFF_TOPIC
from cxr.results import Turn


def read_question(text: str, own: Sequence[str] = (), earlier: Sequence[Turn] = ()) -> Question:
    """What a cleaned question asks; `own`: the adapter's own findings; `earlier`: what "it" may stand for.

    What is told before the question ("I had an operation, is there ...?") is left out where the rest names a finding.
    """
    words = cues.TAG.sub("", repair_spelling(text, list_words(own)))
    for pattern, plainer in cues.PLAINER:
        words = re.sub(pattern, plainer, words)
    plain = cues.OR_NOT.sub("", words)
    words = words if cues.DENIAL.search(plain) else plain
    rest = re.sub(cues.TOLD, "", words)
    if rest != words and (
        mask_findings(rest, own)[1]
        or (not mask_findings(words, own)[1] and stands_alone(rest, words) and not find_outside(words))
    ):
        words = rest
    return _read_words(text, words, own, earlier)


def _read_words(text: str, words: str, own: Sequence[str], earlier: Sequence[Turn]) -> Question:
    hidden, strangers = hide_strangers(words)
    masked, keys = mask_findings(hidden, own)
    if not keys and earlier:
        masked, keys = _refer(masked, own, earlier)
    masked = _join_clauses(masked)
    others = (*strangers, *find_outside(masked, own, bool(keys)))
    question = Question(Topic.DETAIL, text, keys, read_side(masked), others=others)
    return _read_undecidable(question, masked, bool(earlier)) or (
        _read_finding(question, masked) if keys else read_film(question, masked, bool(earlier))
    )


def _join_clauses(masked: str) -> str:
    """ "She has a mass. How big is it?" as "how big is the mass?"; the side that was told stays."""
    masked = re.sub(cues.AND_MORE, "", masked)
    parts = cues.TWO_CLAUSES.match(masked)
    if (
        not parts
        or "X" in parts[2]
        or cues.IS_THERE.search(re.sub(cues.IT_HAS, "", parts[2]))
        or cues.MEANING.search(masked)
    ):
        return masked
    side = read_side(parts[1])
    return re.sub(r"\bits?\b", f"the {side} X" if side and not read_side(parts[2]) else "the X", parts[2], count=1)


def _refer(masked: str, own: Sequence[str], earlier: Sequence[Turn]) -> tuple[str, tuple[str, ...]]:
    """ "How big is it?" after a question about a finding asks about that finding."""
    named = (mask_findings(repair_spelling(told, list_words(own)), own)[1] for told in _recall(earlier))
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


def _recall(earlier: Sequence[Turn]) -> Iterator[str]:
    """The earlier questions, latest first, as many as are as long as one may be: whoever asks also writes them."""
    room = MAX_QUESTION
    for turn in reversed(earlier[-MAX_TURNS:]):
        told = clean(turn.question, room)
        room -= len(told)
        yield told
        if room <= 0:
            return


def _read_undecidable(question: Question, masked: str, follows: bool) -> Question | None:
    """What no model of ours answers, and what a word means; None: go on."""
    if read := read_picture(question, masked):
        return read
    if cues.MEANING.search(masked):
        return replace(question, topic=Topic.MEANING)
    if not cues.ENGLISH.search(masked) and (FOREIGN.search(masked) or re.search(r"[^\W\da-z_X]{3}|[¿¡]", masked)):
        return replace(question, topic=Topic.LANGUAGE)
    if film_cues.GREETING.search(masked) and not question.findings:
        return replace(question, topic=Topic.GREETING)
    if cues.TRUST.search(masked) and not question.findings:
        return replace(question, topic=Topic.TRUST)
    if OFF_TOPIC.search(masked):
        return replace(question, topic=Topic.NONSENSE)
    chance = question.findings and cues.SURE.search(masked)
    calm = cues.WORRIED.sub("", masked) if question.findings and cues.IS_THERE.search(masked) else masked
    calm = cues.HOW_BAD.sub("", calm) if question.findings else calm
    for topic, cue in ((Topic.OUTLOOK, cues.OUTLOOK), (Topic.TREATMENT, cues.TREATMENT)):
        if cue.search(calm) and not chance:
            return replace(question, topic=topic)
    granted = bool(question.findings) and not cues.IS_THERE.search(masked)
    if question.others:
        return replace(
            question,
            topic=Topic.OUTSIDE,
            granted=cues.INSIDE.search(masked) is not None or (granted and cues.DEFINITE.search(masked) is not None),
        )
    if question.findings and cues.COUNT.search(masked):
        return replace(question, topic=Topic.COUNT)
    if chance or (question.findings and cues.TANGLED.search(masked)):
        return replace(question, topic=Topic.CHANCE, granted=cues.REAL.search(masked) is not None)
    for topic, cue in ((Topic.EARLIER, cues.EARLIER), (Topic.CAUSE, cues.CAUSE), (Topic.PERSON, cues.PERSON)):
        if cue.search(masked):
            asked = granted or (topic is Topic.CAUSE and bool(question.findings))
            return replace(question, topic=topic, granted=asked)
    if not question.findings and cues.SYMPTOMS.search(masked):
        return replace(question, topic=Topic.SYMPTOMS)
    if question.findings or (follows and len(masked.split()) <= 4) or is_about_film(masked):
        return None
    return replace(
        question, topic=Topic.UNCLEAR if cues.PLACE.search(masked) or cues.SIZE.search(masked) else Topic.NONSENSE
    )


def _read_finding(question: Question, masked: str) -> Question:
    """A question that names findings which are looked for."""
    keys, (first, *more) = question.findings, map(find_finding, question.findings)
    outright, there = cues.ASKS.search(masked), cues.IS_THERE.search(masked) and not cues.SUBJECT.match(masked)
    given, definite = cues.GIVEN.search(masked), cues.DEFINITE.search(masked)
    seen = _ask_seen(question, masked)
    asked = cues.SIDE_ASKED.search(masked) or cues.SIZE.search(masked)
    if cues.IF_THERE.search(masked) and not (definite and asked):
        return replace(question, topic=Topic.PRESENCE, request=forms.ask_seen(keys, question.side))
    choice = cues.IS_SIZED.search(masked) or (cues.CHOICE.search(masked) and not cues.THERE_FIRST.match(masked))
    choice = choice or given or (definite and " or " in masked)
    for topic, cue, form in ((Topic.SIZE, cues.SIZE, forms.SIZE), (Topic.PLACE, cues.PLACE, forms.WHERE)):
        if cue.search(masked) and (not there or choice or (outright and not cues.IS_THERE.match(masked.lstrip()))):
            form = forms.SIDE if topic is Topic.PLACE and cues.SIDE_ASKED.search(masked) else form
            both = cues.SIZE.search(masked) and cues.PLACE.search(masked)
            request = question.request if more else forms.ask_seen(keys) if both else forms.ask_about(form, first)
            return replace(question, topic=topic, granted=True, request=request)
    if cues.DESCRIBE.search(masked):
        return replace(question, granted=True, request=forms.ask_seen(keys))
    if given or (definite and (not there or cues.OUTRIGHT.match(masked))):
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
