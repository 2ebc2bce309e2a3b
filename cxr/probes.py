"""The same questions again: for the side of a finding, of a mirrored film, of a blank one. All on demand.

A mirrored or blank film goes to the encoder as it is: no gate is asked, since nobody wants it read for itself.
Knows nothing about how a film was read before.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cxr.films.film import Film
from cxr.findings import find_finding
from cxr.model.calibration import logit
from cxr.model.engine import Encoded, Engine
from cxr.prompts import YES_NO, build_conversation, parse_yes_no
from cxr.results import Score, Turn, Verdict, write_percent
from cxr.sides import SIDE_ANSWERS, SideEvidence, ask_side

BLANK_SIDE, BLANK_GREY = 512, 0.5  # px; a film on which there is nothing, neither air nor bone
BARELY = math.log(1.5)  # a change of log odds below which an answer owes little to the film
LIKELY = 0.5  # from which a finding that was never calibrated is asked for its side


@dataclass(frozen=True)
class Dependence:
    """An answer with the film, and the same question of a blank one. None: the answers are the same to the letter."""

    asked: str  # the question, or a finding's key
    answer: str
    blank_answer: str
    probability: float | None  # of `answer`, 0..1
    blank_probability: float | None  # of the same answer
    depends: bool
    sentence: str


def draw_blank() -> Film:
    """A film on which there is nothing to be seen."""
    return Film(np.full((BLANK_SIDE, BLANK_SIDE), BLANK_GREY, np.float32))


def mirror_film(film: Film) -> Film:
    """The film with left and right exchanged: the heart lies on the right, and so does the stomach."""
    return replace(film, pixels=np.ascontiguousarray(film.pixels[:, ::-1]))


def ask_sides(engine: Engine, encoded: Encoded, findings: Sequence[str]) -> tuple[SideEvidence, ...]:
    """On which side each of these findings is, from one batched forward."""
    if not findings:
        return ()
    conversations = [build_conversation(ask_side(find_finding(key))) for key in findings]
    shares = engine.score(encoded, conversations, SIDE_ANSWERS).tolist()
    return tuple(SideEvidence(key, *row) for key, row in zip(findings, shares, strict=True))


def list_to_check(scores: Sequence[Score]) -> tuple[str, ...]:
    """The findings with a side that are not called absent."""
    return tuple(score.finding for score in scores if find_finding(score.finding).sided and _may_be_there(score))


def _may_be_there(score: Score) -> bool:
    return score.verdict is not Verdict.ABSENT if score.verdict else score.probability >= LIKELY


def compare_scores(seen: Sequence[Score], blank: Sequence[Score]) -> tuple[Dependence, ...]:
    """The probability of each finding with the film and with a blank one."""
    return tuple(
        _compare(score.finding, "Yes", "Yes", score.probability, other.probability)
        for score, other in zip(seen, blank, strict=True)
    )


def compare_answers(
    engine: Engine,
    films: tuple[Encoded, Encoded],
    question: str,
    history: Sequence[Turn],
    answers: tuple[str, str],
    turned: bool = False,
) -> Dependence:
    """An answer with the film and with a blank one.

    Yes or no is weighed against its opposite, any other answer against that of the blank film.

    Args:
        films: The film and the blank one.
        question: As it is put to the model.
        answers: What was said of each film.
        turned: Whether they say the opposite of what the model said, see `Question.turned`.
    """
    said = parse_yes_no(answers[0])
    said = said if said is None else said is not turned
    options = answers if said is None else (YES_NO if said else YES_NO[::-1])
    if options[0] == options[1]:
        return _compare(question, *answers, None, None)
    conversation = build_conversation(question, history)
    here, blank = (float(engine.score(film, [conversation], options)[0, 0]) for film in films)
    found = _compare(question, *answers, here, blank)
    if found.depends and answers[0] == answers[1]:
        return replace(found, sentence=f"{found.sentence} A blank film gets the same words.")
    return found


def weigh_findings(
    question: str, answers: tuple[str, str], seen: Sequence[Score], blank: Sequence[Score]
) -> Dependence:
    """An answer that follows the classification of these findings: weighed is the one that moves most."""
    moved = [abs(logit(one.probability) - logit(other.probability)) for one, other in zip(seen, blank, strict=True)]
    most = moved.index(max(moved))
    here, none = seen[most].probability, blank[most].probability
    depends = moved[most] >= BARELY
    sentence = (
        f"This answer goes by the classification, which {'depends on the film' if depends else 'barely moves'}: the "
        f"probability of {find_finding(seen[most].finding).noun} is {_share(here, none)}."
    )
    return Dependence(question, *answers, here, none, depends=depends, sentence=sentence)


def _share(here: float, blank: float) -> str:
    return f"{write_percent(here)} with this film and {write_percent(blank)} with a blank one"


def _compare(asked: str, answer: str, blank_answer: str, here: float | None, blank: float | None) -> Dependence:
    if here is None or blank is None:
        sentence = "A blank film gets the very same answer: nothing shows that it comes from this film."
        return Dependence(asked, answer, blank_answer, None, None, depends=False, sentence=sentence)
    depends = abs(logit(here) - logit(blank)) >= BARELY
    shares = _share(here, blank)
    sentence = (
        f"This answer depends on the film: its probability is {shares}."
        if depends
        else f"The probability of this answer barely moves: {shares}. It says little about the film."
    )
    return Dependence(asked, answer, blank_answer, here, blank, depends=depends, sentence=sentence)
