"""A question that names no finding becomes one about the film: its view, the heart, what is seen. Knows no films."""

import re
from dataclasses import replace

from cxr.questions import cues, film_cues, forms
from cxr.questions.question import Question, Topic
from cxr.questions.vocabulary import DOMAIN


def is_about_film(masked: str) -> bool:
    """Whether words that name no finding are about a chest film at all."""
    cues_of_one = (DOMAIN, film_cues.VIEW, film_cues.PICTURE, film_cues.HEART, film_cues.OVERVIEW)
    vague = film_cues.CLEAR.search(masked) or film_cues.WRONG.search(masked)
    return any(cue.search(masked) for cue in cues_of_one) or bool(vague and film_cues.ABOUT.search(masked))


def stands_alone(rest: str, words: str) -> bool:
    """Whether what is asked after something was told is about the film, and what was told is not about the heart."""
    return is_about_film(rest) and not film_cues.HEART.search(words.removesuffix(rest))


def read_picture(question: Question, masked: str) -> Question | None:
    """Which side is which, and which part of the body it is of, which other words may hide; None: go on."""
    film = replace(question, topic=Topic.FILM)
    if film_cues.PART_OR.search(masked):
        return replace(film, others=(), request=forms.PICTURE)
    if film_cues.SIDE_OF_PICTURE.search(masked) and question.side and not question.findings:
        return replace(film, others=(), request=forms.ORIENTATION)
    named = question.findings or question.others or film_cues.VAGUE.search(masked)
    return replace(film, request=forms.ORIENTATION) if film_cues.ORIENTATION.search(masked) and not named else None


def read_film(question: Question, masked: str, follows: bool) -> Question:
    """A question that names no finding."""
    film = replace(question, topic=Topic.FILM)
    denied = re.search(r"\bnothing\b", masked) is not None or cues.DENIAL.search(masked) is not None
    if film_cues.WHOLE.match(masked) and not film_cues.HEART.search(masked):
        return replace(film, request=forms.WHAT)
    heart = film_cues.HEART.search(masked) and "lung" not in masked
    if heart and film_cues.HEART_SIZE.search(masked) and not film_cues.HEART_ELSE.search(masked):
        fine = film_cues.FINE.search(masked) is not None and film_cues.TOO_LARGE.search(masked) is None
        request = forms.HEART_FINE if fine is not denied else forms.HEART  # "not enlarged?" asks whether it is normal
        told = film_cues.HEART_TOLD.search(masked) is not None  # no yes or no answers "what", "how" or "small?"
        return replace(film, findings=("cardiomegaly",), request=forms.HEART if told else request, told=told)
    if film_cues.PICTURE.search(masked):
        return replace(film, request=forms.ask_picture(masked))
    if film_cues.VIEW.search(masked):
        whether = re.match(r"^\W*(?:is|was)\b(?!.*\bor\b)", masked)
        return replace(film, request=question.request if denied and whether else forms.ask_view(masked))
    if cues.SIZE.search(masked) or cues.PLACE.search(masked):
        if film_cues.WRONG.search(masked) or film_cues.VAGUE.search(masked):
            return replace(film, request=forms.WHAT)
        return question if follows else replace(question, topic=Topic.UNCLEAR)
    closed = re.match(r"^\W*(?:is|are|does|do|would|has|any\w*|all|every\w*)\b", masked)
    if closed and not denied and not question.side:
        if film_cues.WRONG.search(masked) or film_cues.SHADOW.search(masked):
            return replace(film, request=forms.ABNORMAL)
        if film_cues.CLEAR.search(masked):
            return replace(film, request=forms.NORMAL)
    if any(cue.search(masked) for cue in (film_cues.OVERVIEW, film_cues.CLEAR, film_cues.WRONG)):
        return replace(film, request=forms.WHAT)
    return film
