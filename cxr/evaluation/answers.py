"""Questions about a film whose answers are known, and how right an answer is.

Questions come with the data, or are written here from what is known of the film: a finding, plain and turned round.
Knows nothing about models.
"""

import random
import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cxr.evaluation.films import Case
from cxr.findings import find_finding
from cxr.prompts import ask_finding, parse_yes_no

Kind = Literal["data", "plain", "negated"]  # came with the data; written here, as it is or turned round
CLOSED = re.compile(r"\W*(?:yes\b|no\s*(?:[.,;:!\u2013\u2014]|\s-|$|(?:there|it|this)\b))", re.IGNORECASE)
NEGATED = "Is this film free of {}?"


@dataclass(frozen=True)
class Exchange:
    """A question, what is true and what was answered; `answer` is empty until it was asked."""

    question: str
    reference: str
    kind: Kind = "data"
    answer: str = ""

    @property
    def closed(self) -> bool:
        """Whether yes or no is asked for: the reference opens with one; "No effusion" is no such answer."""
        return CLOSED.match(self.reference) is not None

    @property
    def right(self) -> bool:
        """Whether a closed question was answered with the reference's yes or no; neither is wrong."""
        return parse_yes_no(self.answer) is parse_yes_no(self.reference)


def write_exchanges(case: Case) -> tuple[Exchange, ...]:
    """The questions that came with a film, then of one finding that it has and one that it has not, plain and negated.

    Which findings depends on patient and file name alone, so every reader gets the same questions.
    """
    rng = random.Random(f"{case.patient}/{Path(case.name).name}")
    chosen = [
        (rng.choice(sorted(keys)), present) for keys, present in ((case.present, True), (case.absent, False)) if keys
    ]
    return (
        *(Exchange(question, answer) for question, answer in case.pairs),
        *(exchange for key, present in chosen for exchange in write_both(key, present)),
    )


def write_both(key: str, present: bool) -> tuple[Exchange, Exchange]:
    """Whether a finding is there and whether the film is free of it."""
    finding = find_finding(key)
    yes_no = ("Yes.", "No.") if present else ("No.", "Yes.")
    return (
        Exchange(ask_finding(finding), yes_no[0], "plain"),
        Exchange(NEGATED.format(finding.noun), yes_no[1], "negated"),
    )


def measure_token_f1(answer: str, reference: str) -> float:
    """F1 of the words that two texts share, normalised as in SQuAD (Rajpurkar et al., EMNLP 2016)."""
    said, true = normalize(answer), normalize(reference)
    if not said or not true:
        return float(said == true)
    shared = sum((Counter(said) & Counter(true)).values())
    return 2 * shared / (len(said) + len(true))


def normalize(text: str) -> list[str]:
    """Words in lower case, without punctuation and articles."""
    text = text.lower().translate(str.maketrans("", "", string.punctuation))
    return [word for word in text.split() if word not in ("a", "an", "the")]


def count_answers(exchanges: Sequence[Exchange]) -> dict[str, float]:
    """What one film adds to the figures of `measure_answers`."""
    closed = [item for item in exchanges if item.closed and item.kind == "data"]
    opened = [item for item in exchanges if not item.closed]
    written = [item for item in exchanges if item.kind != "data"]
    pairs = list(zip(written[::2], written[1::2], strict=True))  # plain, then negated
    said = [(parse_yes_no(plain.answer), parse_yes_no(negated.answer)) for plain, negated in pairs]
    return {
        "closed": len(closed),
        "closed_right": sum(item.right for item in closed),
        "open": len(opened),
        "open_f1": sum(measure_token_f1(item.answer, item.reference) for item in opened),
        "written": len(written),
        "written_right": sum(item.right for item in written),
        "negated": len(pairs),
        "consistent": sum(None not in both and both[0] is not both[1] for both in said),
    }


def measure_answers(sums: Mapping[str, float]) -> dict[str, float]:
    """From the sums over films: accuracy of closed questions (of the data; written here) and token F1 of open ones.

    Negated consistency is the share of findings whose plain and negated question get opposite answers, right or wrong.
    """
    return {
        "vqa/closed_accuracy": divide(sums["closed_right"], sums["closed"]),
        "vqa/open_token_f1": divide(sums["open_f1"], sums["open"]),
        "finding_questions/closed_accuracy": divide(sums["written_right"], sums["written"]),
        "finding_questions/negated_consistency": divide(sums["consistent"], sums["negated"]),
    }


def divide(part: float, whole: float) -> float:
    """NaN of nothing."""
    return part / whole if whole else float("nan")
