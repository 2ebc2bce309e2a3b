"""What is said instead of an answer, or before one: a correction, a doubt, a refusal, an entry of the glossary.

Every refusal and correction has a reason and a next step. Nothing here changes a classification. Knows no models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cxr.findings import BY_KEY, Finding, find_finding
from cxr.prompts import join_words
from cxr.questions import forms
from cxr.questions.naming import read_side
from cxr.questions.question import Question, Topic
from cxr.results import Manner, Score, Verdict, write_percent

SIDE_FROM = 0.75  # probability of one side alone from which the other side is corrected


@dataclass(frozen=True)
class Reply:
    """How a question is met, why, and what can be asked or done next."""

    manner: Manner
    reason: str
    step: str = ""

    @property
    def text(self) -> str:
        """Both in one."""
        return f"{self.reason} {self.step}".strip()


CARE = Reply(Manner.DECLINED, "I cannot advise on treatment or outcome.", "Please ask a clinician.")
EARLIER = Reply(Manner.DECLINED, "I have no earlier film to compare with.")
NO_FILM = Reply(Manner.DECLINED, "There is no film to look at.", "Choose a film or an example first, then ask again.")
NO_WORDS = Reply(Manner.DECLINED, "I found no words for an answer.", f'You can ask: "{forms.WHAT}"')
GREETING = "Hello. I am a program that reads chest films, for research and teaching, never for care."
UNTAUGHT = "I was taught a set of questions about a film, and this is none of them."
NO_WORD = Reply(Manner.DECLINED, "The glossary holds the findings that are looked for and no other words.")
OUTLOOK_STEP = "Please ask a clinician; whoever feels very ill should call for help at once."
REASONS = {
    Topic.EARLIER: EARLIER.reason,
    Topic.CAUSE: "A film alone does not tell why something is there.",
    Topic.SYMPTOMS: "A film does not show what somebody feels.",
    Topic.PERSON: "A film does not tell who the patient is or how the patient lives.",
    Topic.TRUST: "How sure I am differs by finding; beside each probability stands how often such answers were right.",
    Topic.NONSENSE: "I found nothing in this question that is looked for on a chest film.",
    Topic.LANGUAGE: "I read questions in English alone.",
    Topic.COUNT: "I tell whether something is there, not how many of them.",
    Topic.UNCLEAR: "I can tell side, place and size only of a finding that is looked for, and none is named.",
}
# Not answered in any case, but first it is said where a finding that such a question takes for granted is not there.
CORRECTED_FIRST = (Topic.CAUSE, Topic.EARLIER, Topic.OUTSIDE)
MADE_OF = "I do not look for cancer: a film shows spots, not what they are made of."
UNLISTED = "I do not look for {}."
ASK = "You can ask: {}"
SO = {
    Topic.SIZE: "so there is no size to tell",
    Topic.PLACE: "so there is no place to tell",
    Topic.CAUSE: "so there is nothing to explain",
}


def decline(question: Question, film: bool = True) -> Reply | None:
    """What needs no look at the film: an entry of the glossary, or why it is not answered. None: look at the film."""
    if film and question.granted and question.topic in CORRECTED_FIRST:
        return None
    return _refuse(question) or (None if film else NO_FILM)


def _refuse(question: Question) -> Reply | None:
    topic = question.topic
    if topic is Topic.MEANING:
        return explain(question)
    if topic is Topic.TREATMENT:
        return Reply(Manner.DECLINED, CARE.reason, f"{CARE.step} {suggest(question)}")
    if topic is Topic.OUTLOOK:
        return Reply(Manner.DECLINED, CARE.reason, f"{OUTLOOK_STEP} {suggest(question)}")
    if topic is Topic.OUTSIDE:
        return _name_outside(question)
    if topic is Topic.GREETING:
        return Reply(Manner.DECLINED, GREETING, suggest(question))
    return Reply(Manner.DECLINED, REASONS[topic], suggest(question)) if topic in REASONS else None


def explain(question: Question) -> Reply:
    """The entry of the glossary for each finding that is named."""
    if not question.findings:
        return Reply(NO_WORD.manner, NO_WORD.reason, ASK.format('"What is a pneumothorax?"'))
    return Reply(Manner.EXPLAINED, " ".join(define(find_finding(key)) for key in question.findings))


def define(finding: Finding) -> str:
    """ "Pleural effusion: fluid in the space around a lung." """
    noun = finding.bare_noun
    return f"{noun[:1].upper()}{noun[1:]}: {finding.plain[:1].lower()}{finding.plain[1:]}"


def suggest(question: Question) -> str:
    """What can be asked instead: whether the findings that were named are there, or all that is seen."""
    if question.topic is Topic.TRUST:
        return ASK.format('"How sure are you about the effusion?"')
    return ASK.format(f'"{forms.ask_seen(question.findings) if question.findings else forms.WHAT}"')


def _name_outside(question: Question) -> Reply:
    others, near = question.others, question.findings
    if "cancer" in others:
        return Reply(
            Manner.DECLINED, MADE_OF, ASK.format(f'"{forms.ask_seen(("mass",))}" or "{forms.ask_seen(("nodule",))}"')
        )
    if "COVID-19" in others and not near:
        near = ("pneumonia",)
    step = ASK.format(f'"{forms.ask_seen(near) if near else forms.WHAT}"')
    return Reply(
        Manner.DECLINED,
        UNLISTED.format(join_words(others, "or")),
        f"Ask somebody who reads films about that. {step}",
    )


def correct(question: Question, scores: Mapping[str, Score], sides: Mapping[str, float]) -> Reply | None:
    """What the classification says against what a question takes for granted; None: nothing.

    Args:
        scores: By finding.
        sides: Probability of "left", "right" and "both" of the one finding whose side is named; empty where not asked.
    """
    known = [scores[key] for key in question.findings if key in scores]
    if question.topic is Topic.CHANCE and known:
        return _say_chance(known, question.granted)
    if not question.granted:
        return None
    absent = [score for score in known if score.verdict is Verdict.ABSENT]
    unsure = [score for score in known if score.verdict is Verdict.NOT_SURE]
    if len(known) > 1 and any(score.verdict is Verdict.PRESENT for score in known):
        return None  # what is there is told of, and what is not
    if absent and len(absent) == len(known):
        return _say_absent(question, absent)
    if unsure and question.topic not in CORRECTED_FIRST:
        return _say_unsure(unsure)
    other = {"left": "right", "right": "left"}.get(question.side or "", "")
    if sides.get(other, 0.0) >= SIDE_FROM:
        noun = find_finding(question.findings[0]).bare_noun
        reason = f"On this film the {noun} was found on the {other}, not on the {question.side}."
        step = ASK.format(f'"{forms.WHERE.format(noun)}" or "{forms.SIZE.format(noun)}"')
        return Reply(Manner.CORRECTED, reason, step)
    return _refuse(question)


def correct_side(question: Question, text: str) -> Reply | None:
    """What is said where the model's own finished answer names the other side than a question takes for granted."""
    other = {"left": "right", "right": "left"}.get(question.side or "", "")
    if not question.granted or not needs_side(question) or read_side(text.lower()) != other:
        return None
    noun = find_finding(question.findings[0]).noun
    reason = f"The question takes {noun} on the {question.side} for granted; the answer places it on the {other}."
    return Reply(
        Manner.CORRECTED, reason, ASK.format(f'"{forms.SIDE.format(find_finding(question.findings[0]).bare_noun)}"')
    )


def _say_chance(known: Sequence[Score], granted: bool) -> Reply:
    parts = [
        f"{find_finding(score.finding).bare_noun} {write_percent(score.probability)}"
        f"{f' ({score.verdict.value})' if score.verdict else ', not calibrated'}"
        for score in known
    ]
    said = f"The classification of this film says: {join_words(parts, 'and')}."
    if granted and all(score.verdict is Verdict.ABSENT for score in known):
        return Reply(Manner.CORRECTED, said, ASK.format(f'"{forms.WHAT}"'))
    return Reply(Manner.CLASSIFIED, said)


def _say_absent(question: Question, absent: Sequence[Score]) -> Reply:
    nouns = join_words([find_finding(score.finding).bare_noun for score in absent], "or")
    percents = join_words([write_percent(score.probability) for score in absent], "and")
    so = SO.get(question.topic, "so there is nothing to tell about it")
    return Reply(
        Manner.CORRECTED,
        f"On this film no {nouns} was found (probability {percents}), {so}.",
        ASK.format(f'"{forms.WHAT}"'),
    )


def _say_unsure(unsure: Sequence[Score]) -> Reply:
    nouns = join_words([find_finding(score.finding).noun for score in unsure], "and")
    percents = join_words([write_percent(score.probability) for score in unsure], "and")
    return Reply(
        Manner.NOT_SURE,
        f"I am not sure that there is {nouns} (probability {percents}: neither present nor absent).",
        "Look at the film yourself, or ask somebody who reads films, before you rely on this:",
    )


def tell_nothing(question: Question, doubt: Reply | None) -> Reply:
    """What stands in place of a model's words that do not tell the size or place that was asked for."""
    so = SO[question.topic]
    if doubt is not None:
        return Reply(doubt.manner, f"{doubt.reason.rstrip('.')}, {so}.", suggest(question))
    nouns = join_words([find_finding(key).noun for key in question.findings], "and")
    what = "how large" if question.topic is Topic.SIZE else "where"
    return Reply(Manner.DECLINED, f"I see {nouns}, but cannot tell {what}.", suggest(question))


def tell_untaught(question: Question, doubt: Reply | None) -> Reply:
    """What stands in place of the words of a model that was never taught such a question."""
    return Reply(Manner.DECLINED, f"{doubt.reason} {UNTAUGHT}" if doubt else UNTAUGHT, suggest(question))


def warn_uncalibrated(question: Question, scores: Mapping[str, Score]) -> tuple[str, ...]:
    """What to know where a question takes for granted what nobody can confirm: the finding has no verdict."""
    bare = [key for key in question.findings if key in scores and scores[key].verdict is None]
    if not question.granted or not bare:
        return ()
    nouns = join_words([find_finding(key).noun for key in bare], "and")
    return (f"The question takes {nouns} for granted, and this model is not calibrated to tell whether that is so.",)


def needs_side(question: Question) -> bool:
    """Whether the answer hangs on the side of one finding among the 14 that is named with it."""
    keys = question.findings
    granted = question.granted and question.side in ("left", "right")
    named = len(keys) == 1 and (granted or (question.topic is Topic.PRESENCE and question.side is not None))
    return named and keys[0] in BY_KEY and BY_KEY[keys[0]].sided
