"""On which side a finding is: the question, its answers, and what they say. Sides are the patient's.

The embedded model answers "Is there ... on the left?" by whether the finding is there at all; asked on which side it
is, it tells the sides apart (`python -m cxr.evaluation.sides`). Knows nothing about models or films.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cxr.findings import Finding, find_finding
from cxr.results import Side, write_percent

SIDE_ANSWERS = ("On the left.", "On the right.", "On both sides.")  # in the order of `SideEvidence`
SUPPORTED = 0.5  # a side is more likely than all others together
WORDS: dict[Side, str] = {"left": "on the left", "right": "on the right", "both": "on both sides"}
OPPOSITE: dict[Side, Side] = {"left": "right", "right": "left", "both": "both"}


@dataclass(frozen=True)
class SideEvidence:
    """How likely each answer is to the question on which side a finding is; 0..1, together 1."""

    finding: str
    left: float
    right: float
    both: float


@dataclass(frozen=True)
class SideCheck:
    """The side of a finding on a film, and on the same film mirrored, where it must be the other one."""

    finding: str
    side: Side
    probability: float  # of that side, 0..1
    mirrored_side: Side
    mirrored_probability: float
    sure: bool
    sentence: str


def ask_side(finding: Finding) -> str:
    """The question whose answer is one of `SIDE_ANSWERS`."""
    return f"On which side is the {finding.bare_noun}?"


def weigh_side(evidence: SideEvidence, side: Side) -> float:
    """The probability of one side."""
    return {"left": evidence.left, "right": evidence.right, "both": evidence.both}[side]


def choose_side(evidence: SideEvidence) -> Side:
    """The likeliest side."""
    return max(WORDS, key=lambda side: weigh_side(evidence, side))


def explain_side(evidence: SideEvidence) -> str:
    """Why a named side is not supported: what the question for it is answered."""
    side = choose_side(evidence)
    told = f"Asked for the side of the {find_finding(evidence.finding).bare_noun} alone, the model"
    if weigh_side(evidence, side) >= SUPPORTED:
        return f"{told} says {WORDS[side]} ({write_percent(weigh_side(evidence, side))})."
    shares = ", ".join(f"{write_percent(weigh_side(evidence, each))} {words}" for each, words in WORDS.items())
    return f"{told} is not sure: {shares}."


def compare_sides(here: Sequence[SideEvidence], mirrored: Sequence[SideEvidence]) -> tuple[SideCheck, ...]:
    """What a film and its mirror image say of the same findings, in the same order."""
    return tuple(_compare(one, other) for one, other in zip(here, mirrored, strict=True))


def _compare(here: SideEvidence, mirrored: SideEvidence) -> SideCheck:
    side, other = choose_side(here), choose_side(mirrored)
    sure = other == OPPOSITE[side]
    noun = find_finding(here.finding).bare_noun
    told = f"{noun[:1].upper()}{noun[1:]}: {WORDS[side]}"
    if sure:
        moved = "stays there" if side == "both" else f"moves to the {OPPOSITE[side]}"
        sentence = f"{told}. On the mirrored film it {moved}, as it must."
    else:
        still = "still " if other == side else ""
        sentence = f"{told}, but {still}{WORDS[other]} on the mirrored film: do not rely on its side."
    return SideCheck(
        here.finding, side, weigh_side(here, side), other, weigh_side(mirrored, other), sure=sure, sentence=sentence
    )
