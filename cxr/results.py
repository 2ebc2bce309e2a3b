"""What the program says about a film: frozen, picklable values, and the one error a user can mend.

Sides are the patient's: left is on the right of the picture. Knows nothing about models or pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np

from cxr.findings import Level

DISCLAIMER = "Research and teaching only. Not a medical device."

Side = Literal["left", "right", "both"]
Zone = Literal["upper", "mid", "lower"]
Size = Literal["small", "moderate", "large"]
MarkKind = Literal["contradiction", "doubt", "earlier film", "side"]
Mend = Literal["turn left", "turn right", "turn over", "invert"]  # what the program can do to a film by itself


class CxrError(ValueError):
    """Something a user can mend. Its text is one sentence that is shown to them as it stands."""


@dataclass(frozen=True)
class Reason:
    """Why a film cannot be read, or only with care: a sentence for somebody who is not a doctor, and the next step."""

    name: str  # in a word or two: "lateral"
    refuses: bool  # else it only warns
    sentence: str
    step: str
    mend: Mend | None = None


@dataclass(frozen=True)
class Gate:
    """Whether a film is a frontal chest film that the model can read. `overruled`: it is to be read all the same."""

    reasons: tuple[Reason, ...] = ()
    overruled: bool = False

    @property
    def refused(self) -> bool:
        """Whether the film is not read."""
        return not self.overruled and any(reason.refuses for reason in self.reasons)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What every result of this film carries."""
        return tuple(f"{reason.sentence} {reason.step}" for reason in self.reasons)

    @property
    def mend(self) -> Mend | None:
        """What the program can do about it, if anything."""
        return next((reason.mend for reason in self.reasons if reason.mend), None)


class RefusalError(CxrError):
    """A film that the gate does not let through, with what the gate says."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        super().__init__(" ".join(gate.warnings))


class Verdict(Enum):
    """What a probability means at the operating points of its finding."""

    PRESENT = "present"
    NOT_SURE = "not sure"
    ABSENT = "absent"


@dataclass(frozen=True)
class Observation:
    """One finding as seen on a film or named in a text; None where it is not said."""

    finding: str  # a key of findings.BY_KEY, or of an own finding
    side: Side | None = None
    zone: Zone | None = None
    size: Size | None = None


@dataclass(frozen=True)
class Statement:
    """One sentence part of a report that asserts or denies a finding, or calls it possible."""

    observation: Observation
    present: bool
    possible: bool = False  # present at most


@dataclass(frozen=True)
class TrackRecord:
    """What became of one finding's decisions on films whose truth is known. All but `where` are numbers of films."""

    where: str  # which films, as in "the 193 NIH films"
    films: int
    with_it: int
    present: int  # called so
    present_right: int
    absent: int
    absent_right: int


@dataclass(frozen=True)
class Score:
    """The probability of one finding, 0..1, and what it means.

    `present_from` and `absent_below` are the operating points on the same scale; they and `verdict`
    are None where no calibration is known, and then the probability is the model's own. `meaning`: how far the verdict
    can be relied on, in a sentence that names the films of `tested`; empty where that was not measured.
    """

    finding: str
    probability: float
    present_from: float | None = None
    absent_below: float | None = None
    verdict: Verdict | None = None
    tested: TrackRecord | None = None
    meaning: str = ""


@dataclass(frozen=True)
class Classification:
    """The findings of one film: the 14 in the order of `findings.FINDINGS`, and what else the adapter was taught."""

    scores: tuple[Score, ...]  # of the 14
    level: Level | None  # None where what is calibrated asks for nothing and something of the 14 is not
    reasons: tuple[str, ...]  # why this level, one sentence a finding
    warnings: tuple[str, ...] = ()  # what to know about the film
    own: tuple[Score, ...] = ()  # of the adapter's own findings, by name

    def by_finding(self) -> Mapping[str, Score]:
        """All scores by finding key."""
        return {score.finding: score for score in (*self.scores, *self.own)}


@dataclass(frozen=True)
class Mark:
    """A sentence of a report that is not to be believed as it stands, and why. Several may be of one sentence.

    `start`, `end`: characters of the report's text. `kind`: the classification says otherwise, or is not sure; an
    earlier film is cited though none was given; the question for the side is answered otherwise.
    """

    start: int
    end: int
    kind: MarkKind
    reason: str  # a sentence


@dataclass(frozen=True)
class Report:
    """A report, or as much of it as has been written. Only a finished one has been checked, has marks and plain words.

    `plain`: a line a finding.
    """

    text: str
    findings: str
    impression: str
    finished: bool
    warnings: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    plain: str = ""


class Manner(Enum):
    """How a question was met."""

    ANSWERED = "answered"  # by the model
    EXPLAINED = "explained"  # from the glossary
    CLASSIFIED = "classified"  # from the classification
    NOT_SURE = "not sure"  # by the model, after it was said that what is taken for granted is not certain
    CORRECTED = "corrected"  # what is taken for granted is not so
    DECLINED = "declined"


@dataclass(frozen=True)
class Answer:
    """An answer to a question about the film, or as much of it as has been written.

    `reason` and `step`: why the model alone did not answer, and what to ask or do next; both stand in the text, too.
    `asked`: how the question was put to the model, where that differs from the visitor's own words.
    """

    text: str
    finished: bool
    warnings: tuple[str, ...] = ()
    manner: Manner = Manner.ANSWERED
    reason: str = ""
    step: str = ""
    asked: str = ""


@dataclass(frozen=True)
class Turn:
    """One earlier question and its answer."""

    question: str
    answer: str


MAP_NOTE = "This shows where the answer came from, not where disease is. It is unproven on real films."


@dataclass(frozen=True)
class HeatMap:
    """Where an answer came from, not where disease is.

    `values`: H x W float32 in 0..1 over the film's own pixels, row 0 at the top, the patient's left on the right; 0.5
    is the edge of the place that is meant, and all 0 says that nothing stood out.
    """

    values: np.ndarray
    about: str  # the noun of a finding, or a sentence of a report
    findings: tuple[str, ...]  # keys of what it is about; none where a sentence names none
    method: str  # how it was drawn, in words
    place: str  # where the place lies, in words: "in the lower third, ..."; empty where nothing stood out
    scores: tuple[Score, ...] = ()  # of the findings that it is about
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Identity:
    """Who is answering."""

    base: str
    base_revision: str | None
    adapter: str | None
    adapter_revision: str | None
    device: str
    embedded: bool
    calibrated: bool
    llama: bool  # Llama weights are in use: "Built with Llama" and its notice are due
    problem: str | None = None  # why the embedded model answers although another was asked for
    gate: bool = False  # whether the encoder is asked if it knows such films; else the gate goes by headers and greys
    remote: bool = False  # whether the model runs behind an endpoint, out of reach of gate and heat maps


def write_percent(probability: float) -> str:
    """In whole percent, to one place below 10 %; never 0 or 100, which no model can know."""
    if 0.001 <= probability < 0.0995:
        return f"{probability:.1%}"
    return "<0.1%" if probability < 0.001 else ">99%" if probability > 0.995 else f"{probability:.0%}"
