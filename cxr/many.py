"""Many films at once: what the Reader says of each, but in a batch, since a GPU reads its weights once for all of them.

What is wrong with one film is told in its place and does not touch the others.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from cxr.films.film import Film
from cxr.films.gate import Inspection
from cxr.prompts import YES_NO
from cxr.reader import Reader, Study
from cxr.results import Classification, RefusalError, Report

T = TypeVar("T")


def study_all(
    reader: Reader, films: Sequence[Film], looks: Sequence[Inspection | None] | None = None
) -> list[Study | RefusalError]:
    """What `Reader.study` gives or raises for each film. `looks`: what `inspect_film` says, where it is known."""
    looked = zip(films, looks or [None] * len(films), strict=True)
    admitted = [hold(partial(reader.admit, film, seen)) for film, seen in looked]
    encoded = iter(reader.engine.encode_all([each[0] for each in admitted if not isinstance(each, RefusalError)]))
    return [
        each if isinstance(each, RefusalError) else hold(partial(reader.keep, each[0], each[1], next(encoded)))
        for each in admitted
    ]


def hold(step: Callable[[], T]) -> T | RefusalError:
    """What a step gives, or the refusal that it raises."""
    try:
        return step()
    except RefusalError as refusal:
        return refusal


def classify_all(reader: Reader, studies: Sequence[Study]) -> list[Classification]:
    """What `Reader.classify` says of each."""
    if not studies:
        return []
    answers = reader.engine.score_all([study.encoded for study in studies], reader.questions, YES_NO)
    return [reader.conclude(study, each) for study, each in zip(studies, answers, strict=True)]


def report_all(reader: Reader, studies: Sequence[Study], known: Sequence[Classification]) -> list[Report]:
    """The finished report of each, held against its classification."""
    asked = [reader.ask_report(of) for of in known]
    texts = reader.engine.write_all([study.encoded for study in studies], asked)
    return [reader.finish(study, text.strip(), of) for study, text, of in zip(studies, texts, known, strict=True)]
