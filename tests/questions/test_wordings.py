"""Wordings by people who had not seen the rules are read as their kind asks.

`wordings.json` holds them: kind of question -> wordings, in which {x} is a finding, {side} a side and {other} what is
not looked for. Rules were mended after each of them had been read, so this keeps what is reached and measures nothing.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from cxr.evaluation.questions.names import NAMES, OTHERS
from cxr.findings import find_finding
from cxr.questions import forms
from cxr.questions.question import Question, Topic
from cxr.questions.reading import read_question
from cxr.questions.replies import decline

WORDINGS: dict[str, list[str]] = json.loads(Path(__file__).with_name("wordings.json").read_text(encoding="utf-8"))
CORRECTED = (Topic.SIZE, Topic.PLACE, Topic.DETAIL, Topic.CAUSE, Topic.OUTSIDE, Topic.EARLIER)
VIEWS = (forms.VIEW, *(forms.VIEW_OR_NOT.format(view) for view in forms.VIEWS.values()))
Fits = Callable[[Question, str, str], bool]


def is_granted(read: Question, key: str, _: str) -> bool:
    """An absent finding is corrected."""
    return read.granted and key in read.findings and read.topic in CORRECTED


def is_declined(read: Question, *_: str) -> bool:
    """Nothing is asked of a model that knows set questions alone."""
    if read.topic in (Topic.MEANING, Topic.CHANCE) or read.granted:
        return False
    return decline(read) is not None or not forms.is_taught(read.request, read.findings)


def asks_presence(read: Question, key: str, side: str | None) -> bool:
    """Whether it is there; how likely that is says the same."""
    if read.topic is Topic.CHANCE:
        return read.findings == (key,)
    asked = read.topic is Topic.PRESENCE and not read.granted and read.side == side
    return asked and (read.turned or read.request == forms.ask_seen((key,), side))


def asks_about(topic: Topic, *names: str) -> Fits:
    """A size or a side."""
    return lambda read, key, _: (
        read.topic is topic and read.request in [forms.ask_about(form, find_finding(key)) for form in names]
    )


def asks_film(*requests: str) -> Fits:
    """Something about the film as a whole."""
    return lambda read, *_: read.topic is Topic.FILM and read.request in requests


FITS: dict[str, Fits] = {
    **dict.fromkeys(
        ("takes a size for granted", "takes a place for granted", "takes a finding for granted"),
        is_granted,
    ),
    "takes the wrong side for granted": lambda read, key, side: (
        read.side == side and (is_granted(read, key, side) or (read.topic is Topic.PRESENCE and read.granted))
    ),
    **dict.fromkeys(
        (
            *("treatment", "outlook and urgency", "not looked for", "other parts of the body"),
            *("not to be seen on one film", "nonsense"),
        ),
        is_declined,
    ),
    "no film": lambda read, *_: decline(read, film=False) is not None and read.topic is not Topic.MEANING,
    "is it there": lambda read, key, _: asks_presence(read, key, None),
    "is it on this side": asks_presence,
    "on which side is it": asks_about(Topic.PLACE, forms.SIDE, forms.WHERE),
    "how large is it": asks_about(Topic.SIZE, forms.SIZE),
    "the heart": lambda read, *_: (
        read.findings == ("cardiomegaly",)
        and read.request in (forms.HEART, forms.HEART_FINE, forms.ask_seen(("cardiomegaly",)))
    ),
    "the view": asks_film(*VIEWS),
    "normal or not": asks_film(forms.NORMAL, forms.ABNORMAL, forms.WHAT),
    "what is seen": asks_film(forms.WHAT),
    "where left is": asks_film(forms.ORIENTATION),
    "what kind of picture": asks_film(forms.PICTURE, forms.THIS_PICTURE, *forms.OTHER_PICTURES.values()),
    "what a word means": lambda read, key, _: read.topic is Topic.MEANING and key in read.findings,
}
SIDED = ("takes the wrong side for granted", "is it on this side", "on which side is it", "how large is it")


@pytest.mark.parametrize("kind", FITS)
def test_every_wording_is_read_as_its_kind_asks(kind: str) -> None:
    rng, missed = random.Random(kind), []
    keys = [key for key in NAMES if find_finding(key).sided or kind not in SIDED]
    for wording in WORDINGS[kind]:
        key, side = rng.choice(keys), rng.choice(("left", "right"))
        text = wording.format(x=rng.choice(NAMES[key]), side=side, other=rng.choice(OTHERS))
        if not FITS[kind](read_question(text), key, side):
            missed.append(text)
    assert len(WORDINGS[kind]) > 60 and missed == []
