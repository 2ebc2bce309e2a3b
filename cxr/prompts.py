"""Every instruction and answer form, each writer beside its parser.

Training, evaluation and serving build their conversations here and nowhere else, so they cannot drift apart.
Knows nothing about films, tokens or models.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cxr.findings import BY_KEY, Finding, find_finding, order_finding
from cxr.results import Observation, Turn

Message = dict[str, Any]  # {"role": "user" | "assistant", "content": [{"type": "image" | "text", ...}]}
Choose = Callable[[Sequence[str]], str]  # picks one wording

YES_NO = ("Yes", "No")  # the options of a closed question; each is one token in the Llama 3 vocabulary
MAX_QUESTION = 500  # characters
MAX_ANSWER = 1000  # characters of an earlier answer
RAW = 8  # characters that are looked at for each that is kept: anybody may send a megabyte of blanks
MAX_TURNS = 8  # earlier questions a conversation carries
MAX_HISTORY = 4000  # characters of all of them; the oldest are left out first
REPORT_REQUEST = "Write the report of this chest film."
GUIDE_WORDS = ("Likely", "Possible")
READY_QUESTIONS = (  # for students; the embedded model was taught all of them
    "What does this film show?",
    "Is there a pleural effusion?",
    "On which side is the pleural effusion?",
    "Is the heart enlarged?",
    "What view is this?",
    "Which side of the picture is the patient's left?",
    "What is a pneumothorax?",
)


def first(wordings: Sequence[str]) -> str:
    """The canonical wording."""
    return wordings[0]


# --- requests -------------------------------------------------------------------------------------------------------


def clean(text: str, limit: int = MAX_QUESTION) -> str:
    """A visitor's text on one line, without the marks that steer the model (`<|...|>`), cut to `limit` characters.

    Of a longer text only the beginning is looked at, RAW times as much.
    """
    text = re.sub(r"<\|[^|]*\|>|<\||\|>", " ", text[: RAW * limit])
    return " ".join(text.split())[:limit].strip()


def ask_finding(finding: Finding) -> str:
    """The closed question from whose answer the probability of a finding is read.

    Nobody knows whether an own finding is one thing or many ("support devices"), so its question fits both.
    """
    if finding.key not in BY_KEY:
        return f"Does this chest film show {finding.noun}? Answer yes or no."
    return f"Is there {finding.noun} on this chest film? Answer yes or no."


@dataclass(frozen=True)
class Guide:
    """What a report is to be about: keys of findings that are likely on the film, and of others that are possible.

    Source: Jin et al., PromptMRG: Diagnosis-driven prompts for medical report generation, arXiv:2308.12604.
    """

    likely: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()


def ask_report(indication: str = "", guide: Guide | None = None) -> str:
    """The request for a report, with what is known of the film and why it was taken, if that is known."""
    indication = clean(indication).rstrip(".")
    parts = [REPORT_REQUEST, *(_tell_guide(guide) if guide else ())]
    return " ".join([*parts, f"Indication: {indication}."] if indication else parts)


def _tell_guide(guide: Guide) -> Iterator[str]:
    if not guide.likely and not guide.possible:
        yield f"{GUIDE_WORDS[0]}: none."
    for word, keys in zip(GUIDE_WORDS, (guide.likely, guide.possible), strict=True):
        if keys:
            yield f"{word}: {', '.join(find_finding(key).bare_noun for key in sorted(keys, key=order_finding))}."


def build_conversation(request: str, history: Sequence[Turn] = ()) -> list[Message]:
    """The messages for one request about one film.

    The image opens the first user turn: in Mllama it is seen only by the text after it
    (llama-models, models/llama3_2/vision_prompt_format.md).
    """
    turns = [
        message
        for question, answer in _keep_turns(history)
        for message in (_say("user", question), _say("assistant", answer))
    ]
    turns.append(_say("user", request))
    turns[0]["content"].insert(0, {"type": "image"})
    return turns


def _keep_turns(history: Sequence[Turn]) -> list[tuple[str, str]]:
    """The latest turns that fit, oldest first; whoever calls the public endpoint writes both of their texts."""
    kept: list[tuple[str, str]] = []
    room = MAX_HISTORY
    for turn in reversed(history[-MAX_TURNS:]):
        texts = clean(turn.question), clean(turn.answer, MAX_ANSWER)
        room -= sum(map(len, texts))
        if room < 0:
            break
        kept.insert(0, texts)
    return kept


def _say(role: str, text: str) -> Message:
    return {"role": role, "content": [{"type": "text", "text": text}]}


def parse_yes_no(answer: str) -> bool | None:
    """True for an answer that begins with yes, False for no, None for neither."""
    found = re.match(r"\W*(yes|no)\b", answer, re.IGNORECASE)
    return None if found is None else found[1].lower() == "yes"


# --- reports --------------------------------------------------------------------------------------------------------

FRAMES = ("There is {}.", "{} is seen.", "The film shows {}.")  # the last fits one thing and many
REPORT_HEADING = re.compile(r"\b(FINDINGS|Findings|IMPRESSION|Impression)[ \t*]*:")
NOTHING_SEEN = ("None of the 14 findings is seen.", "No sign of the 14 findings.")


def write_place(observation: Observation, choose: Choose = first) -> str:
    """Where it is, in words: "in the left lower zone", or an empty string where nothing is known."""
    side, zone = observation.side, observation.zone
    if side == "both":
        return f"in both {zone} zones" if zone else choose(("on both sides", "in both lungs"))
    if side:
        return f"in the {side} {zone} zone" if zone else choose((f"on the {side}", f"on the {side} side"))
    return f"in the {zone} zone" if zone else ""


def write_observation(observation: Observation, choose: Choose = first) -> str:
    """A finding with its size and place: "a small pleural effusion on the left"."""
    finding = find_finding(observation.finding)
    noun = finding.noun
    if observation.size:  # "an infiltrate", but "a small infiltrate"
        noun = f"{'' if noun == finding.bare_noun else 'a '}{observation.size} {finding.bare_noun}"
    return " ".join(word for word in (noun, write_place(observation, choose)) if word)


def write_possible(observation: Observation, choose: Choose = first) -> str:
    """The same of a finding that may be there: "possible small pleural effusion on the left"."""
    noun = find_finding(observation.finding).bare_noun
    return " ".join(word for word in ("possible", observation.size, noun, write_place(observation, choose)) if word)


def write_report(
    present: Sequence[Observation],
    absent: Sequence[str] = (),
    choose: Choose = first,
    possible: Sequence[Observation] = (),
) -> str:
    """A report that asserts `present`, denies the finding keys in `absent` and leaves `possible` open."""
    present, possible = (sorted(some, key=lambda item: order_finding(item.finding)) for some in (present, possible))
    seen = [write_observation(item, choose) for item in present]
    open_ones = [write_possible(item, choose) for item in possible]
    frame = choose(FRAMES)
    frames = [frame if item.finding in BY_KEY else FRAMES[-1] for item in present]
    sentences = [_sentence(frame.format(text)) for frame, text in zip(frames, seen, strict=True)]
    sentences += [f"{_sentence(text)}." for text in open_ones]
    if not sentences:
        sentences.append(choose(NOTHING_SEEN))
    elif absent:
        sentences.append(f"No {join_words([find_finding(key).bare_noun for key in absent], 'or')}.")
    told = [f"{_sentence(join_words(some, 'and'))}." for some in (seen, open_ones) if some]
    return f"Findings: {' '.join(sentences)} Impression: {' '.join(told) or choose(NOTHING_SEEN)}"


def parse_report(text: str) -> tuple[str, str]:
    """The findings and the impression of a report, in either order; text without headings counts as findings."""
    before, *sections = REPORT_HEADING.split(re.sub(r"\*\*", "", text))
    parts: dict[str, list[str]] = {"findings": [before.strip()], "impression": []}
    for heading, body in zip(sections[::2], sections[1::2], strict=True):
        parts[heading.lower()].append(body.strip())
    return " ".join(filter(None, parts["findings"])), " ".join(filter(None, parts["impression"]))


def join_words(words: Sequence[str], last: str) -> str:
    """ "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
