"""Whether something is there: yes and no follow the calibrated classification, the model adds how large and where.

A model's own yes or no is not calibrated, and it asserts what it does not know. Knows nothing about models or films.
"""

import re
from collections.abc import Mapping

from cxr.findings import find_finding
from cxr.prompts import parse_yes_no
from cxr.questions.forms import HEART, HEART_FINE
from cxr.questions.naming import mask_findings
from cxr.questions.question import Question, Topic
from cxr.questions.replies import SIDE_FROM, Reply, needs_side
from cxr.results import Manner, Score, Verdict, write_percent

NO_SIDE = " I do not tell on which side it is."
LOOK = "Look at the film yourself, or ask somebody who reads films."


def asks_presence(question: Question) -> bool:
    """Whether it asks if one finding is there, or is not."""
    closed = question.topic is Topic.PRESENCE or question.request in (HEART, HEART_FINE)
    return closed and len(question.findings) == 1


def tell_presence(question: Question, score: Score, written: str = "") -> Reply:
    """The answer by a calibrated classification. `written`: what the model wrote of a finding that is present."""
    finding, percent = find_finding(score.finding), write_percent(score.probability)
    if score.verdict is Verdict.NOT_SURE:
        doubt = f"I am not sure whether there is {finding.noun} (probability {percent}: neither present nor absent)."
        return Reply(Manner.NOT_SURE, doubt, LOOK)
    present = score.verdict is Verdict.PRESENT
    if question.told:
        return Reply(Manner.CLASSIFIED, f"{_say_heart(present)} (probability {percent}).")
    yes = "Yes" if present is not is_turned(question) else "No"
    if not present:
        return Reply(Manner.CLASSIFIED, f"{yes}, no {finding.bare_noun} was found (probability {percent}).")
    side = NO_SIDE if question.side and not needs_side(question) else ""
    detail = _find_detail(written, score.finding)
    there = f"there is {detail}" if yes == "No" else detail
    said = there if detail else f"{finding.noun} was found"
    return Reply(Manner.CLASSIFIED, f"{yes}, {said} (probability {percent}).{side}")


def is_turned(question: Question) -> bool:
    """Whether yes means that the finding is not there."""
    return question.turned or question.request == HEART_FINE


def _find_detail(written: str, key: str) -> str:
    """ "a small mass in the left upper zone" of "Yes, a small mass in the left upper zone."; else nothing."""
    if not parse_yes_no(written) or {*mask_findings(written.lower())[1]} != {key}:
        return ""
    return _strip_yes(written)


def _strip_yes(written: str) -> str:
    """What follows "Yes, there is"."""
    return re.sub(r"^\W*yes\b[\s,.:;]*(?:there (?:is|are)\b\s*)?", "", written, flags=re.IGNORECASE).strip(" .")


def _say_heart(large: bool) -> str:
    return f"The heart {'looks' if large else 'does not look'} enlarged"


def place_on_side(question: Question, sides: Mapping[str, float]) -> Reply:
    """The answer to whether a finding that is present is on a side. `sides`: probability of "left", "right", "both"."""
    finding, best = find_finding(question.findings[0]), max(sides, key=lambda side: sides[side])
    if sides[best] < SIDE_FROM:
        return Reply(Manner.CLASSIFIED, f"I see {finding.noun}, but am not sure on which side.")
    where = "on both sides" if best == "both" else f"on the patient's {best}"
    there = best == question.side or (best == "both" and question.side is not None)
    yes = "Yes" if there is not question.turned else "No"
    return Reply(Manner.CLASSIFIED, f"{yes}, the {finding.bare_noun} was found {where}.")


def tell_heart(text: str) -> str:
    """A model's answer to whether the heart is enlarged as one to how it is; what is neither yes nor no stays."""
    large = parse_yes_no(text)
    return text if large is None else f"{_say_heart(large)}."


def turn_answer(question: Question, text: str) -> str:
    """A model's answer to whether one is there as one to whether it is absent; what is neither yes nor no stays."""
    seen = parse_yes_no(text)
    if seen is None:
        return text
    noun = find_finding(question.findings[0]).bare_noun
    return f"No, there is {_strip_yes(text) or noun}." if seen else f"Yes, there is no {noun}."


def tell_patients_side(asked: str, text: str) -> str:
    """ "On the patient's left" where somebody asked for the side of the picture, whose left is the patient's right."""
    of_picture = re.search(r"\bside of the (?:picture|image|screen|photo)", asked.lower())
    return re.sub(r"\bthe (left|right)\b", r"the patient's \1", text) if of_picture else text
