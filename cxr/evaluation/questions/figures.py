"""What was said to each wording becomes shares, with intervals by question. Knows nothing about models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cxr.evaluation.answers import normalize
from cxr.evaluation.gate import Tally, measure_tally
from cxr.evaluation.intervals import RESAMPLES
from cxr.evaluation.questions.asking import Asked
from cxr.evaluation.tables import write_head
from cxr.results import Answer, Manner

REFUSED = (Manner.DECLINED, Manner.CORRECTED)
# How a model that was only taught to say so begins what is no answer; `training/wordings.py`.
OWN_WORDS = ("I cannot", "I do not look", "I have no", "I see no ")
HEAD = ("questions", "how many", "declined or corrected", 'told "not sure"', "met alike", "same words")


@dataclass(frozen=True)
class Heard:
    """A question and what was said to each of its wordings; `alone`: by the model without anything around it."""

    asked: Asked
    answers: tuple[Answer, ...]
    alone: tuple[str, ...] = ()

    def count_refused(self) -> float:
        """The share of wordings that are declined or corrected, with a reason and a next step."""
        return mean([one.manner in REFUSED and bool(one.reason and one.step) for one in self.answers])

    def count_unsure(self) -> float:
        """The share of wordings of which it is said that what they take for granted is not certain."""
        return mean([one.manner is Manner.NOT_SURE and bool(one.reason and one.step) for one in self.answers])

    def count_alike(self) -> float:
        """1 where all wordings are met in the same manner, else 0."""
        return float(len({one.manner for one in self.answers}) == 1)

    def count_same(self) -> float:
        """1 where all wordings get the same words, else 0."""
        return float(len({" ".join(normalize(one.text)) for one in self.answers}) == 1)

    def count_alone(self) -> float:
        """The share of wordings to which the model alone says that it does not answer or sees no such thing."""
        return mean([text.startswith(OWN_WORDS) for text in self.alone])


def mean(marks: Sequence[bool]) -> float:
    """Their mean; NaN of nothing."""
    return float(np.mean(marks)) if marks else float("nan")


def write_share(heard: Sequence[Heard], count: Callable[[Heard], float], resamples: int = RESAMPLES) -> str:
    """The mean of a count over questions, with its 95 % interval."""
    numbers = np.arange(len(heard)).astype(str)
    return str(measure_tally(Tally(numbers, np.array([count(one) for one in heard])), resamples))


def write_row(name: str, heard: Sequence[Heard], resamples: int = RESAMPLES) -> str:
    """A row of the table."""
    counts = (Heard.count_refused, Heard.count_unsure, Heard.count_alike, Heard.count_same)
    return f"| {' | '.join([name, str(len(heard)), *(write_share(heard, each, resamples) for each in counts)])} |"


def write_table(heard: Sequence[Heard], resamples: int = RESAMPLES) -> str:
    """The table: what cannot be answered, what can, by kind; and what always and never declining would give."""
    groups = {
        "**cannot be answered**": [one for one in heard if not one.asked.answerable],
        "**can be answered**": [one for one in heard if one.asked.answerable],
    }
    lines = [write_head(HEAD)]
    for name, group in groups.items():
        lines.append(write_row(name, group, resamples))
        kinds = dict.fromkeys(one.asked.kind for one in group)
        lines += [write_row(kind, [one for one in group if one.asked.kind == kind], resamples) for kind in kinds]
    lines += ["", "| who declines | of what cannot be answered | of what can |", "|---|---|---|"]
    ours = [write_share(group, Heard.count_refused, resamples) for group in groups.values()]
    alone = [write_share(group, Heard.count_alone, resamples) for group in groups.values()]
    lines += [f"| {name} | {first} | {second} |" for name, first, second in (("the program", *ours), (ALONE, *alone))]
    return "\n".join([*lines, "| always declining | 1.000 | 1.000 |", "| never declining | 0.000 | 0.000 |"])


ALONE = "the model alone, in its own words"
