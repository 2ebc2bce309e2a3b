"""A question and an encoded film become an answer: declined, corrected, doubted, classified or written by the model.

The classification is asked for only where a question takes a finding for granted or asks for all that is seen, and
to hold a finished answer against it. Knows nothing about pages, nor which model is answering.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from cxr.findings import find_finding
from cxr.model.engine import Encoded, Engine
from cxr.prompts import build_conversation
from cxr.questions.doubts import TELLS, doubt_answer, tells
from cxr.questions.forms import SIDE, SIDES, is_taught
from cxr.questions.overview import OVERVIEWS, list_named, list_seen, read_verdict
from cxr.questions.presence import (
    asks_presence,
    place_on_side,
    tell_heart,
    tell_patients_side,
    tell_presence,
    turn_answer,
)
from cxr.questions.question import Question, Topic
from cxr.questions.reading import read_question
from cxr.questions.replies import (
    NO_FILM,
    NO_WORDS,
    Reply,
    correct,
    correct_side,
    decline,
    needs_side,
    tell_nothing,
    tell_untaught,
    warn_uncalibrated,
)
from cxr.results import Answer, Classification, Manner, Turn, Verdict


@dataclass(frozen=True)
class Seen:
    """What is known of the film that is asked about. `classify`: its classification, made when it is first needed."""

    encoded: Encoded
    classify: Callable[[], Classification]
    warnings: tuple[str, ...] = ()


def answer_question(
    engine: Engine,
    seen: Seen | None,
    question: str,
    history: Sequence[Turn] = (),
    own: Sequence[str] = (),
    set_questions: bool = False,
) -> Iterator[Answer]:
    """The answer to a cleaned question as it is written; the last one is finished. `seen`: None where no film is.

    `set_questions`: whether the model only knows questions in the forms that it was taught.
    """
    read = read_question(question, own, history)
    reply = decline(read, film=seen is not None)
    if reply is not None or seen is None:
        yield write_reply(reply or NO_FILM, seen.warnings if seen else ())
        return
    if read.granted or read.topic is Topic.CHANCE:
        sides = {} if asks_presence(read) else score_sides(engine, seen.encoded, read)  # else asked when it is told
        reply = correct(read, seen.classify().by_finding(), sides)
    told = () if set_questions else history  # a form of ours says all that is asked
    write = partial(engine.stream, seen.encoded, build_conversation(read.request, told))
    instead = reply_without_model(read, seen, reply, set_questions) or tell_known(engine, seen, read, write)
    if instead is not None:
        yield write_reply(instead, seen.warnings)
        return
    opened = open_answer(read, question, reply, seen.warnings)
    answer = opened
    written = ""
    pieces = write()
    if read.told:
        pieces = iter([tell_heart("".join(pieces))])
    elif read.turned:
        pieces = iter([turn_answer(read, "".join(pieces))])
    elif read.topic in TELLS and has_verdicts(seen, read.findings):
        whole = tell_patients_side(question, "".join(pieces))
        pieces = iter([whole])
        instead = None if tells(read, whole) else tell_nothing(read, reply)
    if instead is not None:
        yield write_reply(instead, seen.warnings)
        return
    for piece in pieces:
        written += piece
        answer = replace(opened, text=f"{opened.text} {written.strip()}".strip())
        yield answer
    if not re.search(r"\w{2}", written):
        yield write_reply(reply or NO_WORDS, seen.warnings)
        return
    side = None if reply else correct_side(read, written)
    if side:
        text = f"{answer.text} {side.text}"
        answer = replace(answer, text=text, manner=side.manner, reason=side.reason, step=side.step)
    scores = seen.classify().by_finding()
    doubts = () if reply else doubt_answer(read, written, scores)
    yield replace(answer, finished=True, warnings=(*seen.warnings, *warn_uncalibrated(read, scores), *doubts))


def reply_without_model(read: Question, seen: Seen, met: Reply | None, set_questions: bool) -> Reply | None:
    """What stands for the whole answer before the model is asked. `met`: a correction or a doubt."""
    if met is not None and met.manner is not Manner.NOT_SURE:
        return met
    if len(read.findings) > 1 and has_verdicts(seen, read.findings):
        scores = seen.classify().by_finding()
        return list_named([scores[key] for key in read.findings if key in scores], read.side is not None)
    if set_questions and not is_taught(read.request, read.findings):
        return tell_untaught(read, met)
    return None


def tell_known(engine: Engine, seen: Seen, read: Question, write: Callable[[], Iterator[str]]) -> Reply | None:
    """What the classification says in place of the model. `write`: the model's words, asked for what they add alone."""
    if asks_presence(read) and has_verdicts(seen, read.findings):
        score = seen.classify().by_finding()[read.findings[0]]
        if score.verdict is not Verdict.PRESENT:
            return tell_presence(read, score)
        sides = score_sides(engine, seen.encoded, read)
        return place_on_side(read, sides) if sides else tell_presence(read, score, "".join(write()))
    if read.request in OVERVIEWS and has_verdicts(seen):
        scores = seen.classify().by_finding()
        return list_seen(scores, read_verdict(read, scores), read.side is not None)
    return None


def has_verdicts(seen: Seen, keys: Sequence[str] = ()) -> bool:
    """Whether the classification calls any finding, or any of those named, present, not sure or absent."""
    scores = seen.classify().by_finding()
    return any(score.verdict for key, score in scores.items() if not keys or key in keys)


def score_sides(engine: Engine, encoded: Encoded, question: Question) -> dict[str, float]:
    """The probability of each side of the finding whose side is taken for granted; empty where none is."""
    if not needs_side(question):
        return {}
    asked = build_conversation(SIDE.format(find_finding(question.findings[0]).bare_noun))
    return dict(zip(SIDES, map(float, engine.score(encoded, [asked], list(SIDES.values()))[0]), strict=True))


def write_reply(reply: Reply, warnings: tuple[str, ...]) -> Answer:
    """A reply that stands for the whole answer."""
    return Answer(reply.text, True, warnings, reply.manner, reply.reason, reply.step)


def open_answer(question: Question, words: str, reply: Reply | None, warnings: tuple[str, ...]) -> Answer:
    """What stands before the model's own words: a doubt or nothing, and how the question is put to it."""
    asked = question.request if question.request != words else ""
    if reply is None:
        return Answer("", False, warnings, asked=asked)
    return Answer(reply.text, False, warnings, reply.manner, reply.reason, reply.step, asked)
