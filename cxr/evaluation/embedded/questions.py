"""Closed questions: those of VQA-RAD, beside readers that do not look, and those that are turned round.

Balanced accuracy is the mean of the shares of yes and of no questions that are answered right; an answer that is
neither is wrong. What is not looked for is declined, so the same is told of the questions that are answered alone.
"""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from cxr.evaluation.answers import Exchange, divide
from cxr.evaluation.embedded.gather import QUESTIONS, VQA, read_pairs
from cxr.evaluation.embedded.probabilities import count_films
from cxr.evaluation.embedded.tallies import Sums, Tallies, measure_sums, subtract, tally, write_rows, write_section
from cxr.evaluation.films import list_films
from cxr.evaluation.intervals import RESAMPLES
from cxr.evaluation.readings import Reading
from cxr.prompts import parse_yes_no

OURS, NO, WORDS, BLANK = "the model", "always no", "the question alone", "the model on a grey picture"
READERS = (OURS, NO, WORDS, BLANK)
ANSWERED = ", answered"
FORMS = ('"free of ...?" opposite to the plain question', '"no ...?" opposite to the plain question')


def learn_words(folder: Path) -> Pipeline:
    """What the wording of a question alone gives away: logistic regression of its words and pairs of words.

    Learnt from the closed questions about training films, yes and no weighing the same.

    Raises:
        ValueError: there are no such questions with both answers.
    """
    pairs = read_pairs(folder)
    asked = [
        Exchange(*pair)
        for film in list_films(folder, "train")
        if film.source == VQA
        for pair in pairs.get(film.path.name, ())
    ]
    closed = [item for item in asked if item.closed]
    return fit_words([item.question for item in closed], [bool(parse_yes_no(item.reference)) for item in closed])


def fit_words(questions: Sequence[str], answers: Sequence[bool]) -> Pipeline:
    """A model of yes or no from words."""
    words = CountVectorizer(ngram_range=(1, 2), binary=True, preprocessor=normalize)
    return make_pipeline(words, LogisticRegression(class_weight="balanced", max_iter=1000)).fit(questions, answers)


def normalize(question: str) -> str:
    """Lower case, and "Is/Are there", as the data writes it, as "is there"."""
    return re.sub(r"\b(is|was)/\w+", r"\1", question.lower())


def count_closed(reading: Reading, blank: Reading, words: Pipeline) -> dict[str, float]:
    """What a film adds: yes and no questions, and how many of each every reader answers right.

    Keys that end in ANSWERED are of the questions to which the model says yes or no.
    """
    kinds = [f"{kind}{part}" for kind in ("yes", "no") for part in ("", ANSWERED)]
    counts = dict.fromkeys([*kinds, *(f"{name}/{kind}" for name in READERS for kind in kinds)], 0.0)
    for asked, unseen in zip(reading.exchanges, blank.exchanges, strict=True):
        if not asked.closed:
            continue
        true = bool(parse_yes_no(asked.reference))
        kind = "yes" if true else "no"
        said = {
            OURS: parse_yes_no(asked.answer),
            NO: False,
            WORDS: bool(words.predict([asked.question])[0]),
            BLANK: parse_yes_no(unseen.answer),
        }
        for part in ("", ANSWERED)[: 1 if said[OURS] is None else 2]:
            counts[f"{kind}{part}"] += 1
            for name, answer in said.items():
                counts[f"{name}/{kind}{part}"] += answer is true
    return counts


def tally_closed(readings: Sequence[Reading], blank: Sequence[Reading], words: Pipeline) -> Tallies:
    """`count_closed` of every film."""
    rows = [count_closed(each, other, words) for each, other in zip(readings, blank, strict=True)]
    return tally([reading.patient for reading in readings], rows)


def measure_closed(sums: Sums, part: str = "") -> dict[str, float]:
    """Balanced accuracy of every reader; NaN without both kinds of question. `part`: ANSWERED, or all."""
    kinds = [f"yes{part}", f"no{part}"]
    return {name: float(np.mean([divide(sums[f"{name}/{kind}"], sums[kind]) for kind in kinds])) for name in READERS}


def compare_readers(part: str, sums: Sums) -> dict[str, float]:
    """Balanced accuracies, and how far the model's lies above each of the others."""
    return subtract(measure_closed(sums, part), OURS)


def write_closed(
    readings: Sequence[Reading], blank: Sequence[Reading], words: Pipeline, resamples: int = RESAMPLES
) -> str:
    """The table of VQA-RAD."""
    counts = tally_closed(readings, blank, words)
    sums, tables = counts.sum_up(), []
    for part in ("", ANSWERED):
        figures = measure_sums(counts, partial(compare_readers, part), resamples)
        tables.append(write_rows(figures))
    told = (
        f"{count_films(readings)} who are not in train, {sums['yes']:.0f} questions with yes and {sums['no']:.0f} with "
        f"no (`{QUESTIONS}`). The model learnt from no film of VQA-RAD. The question alone: logistic regression of "
        "its words, learnt from the questions about train films."
    )
    answered = (
        f"The {sums[f'yes{ANSWERED}']:.0f} with yes and {sums[f'no{ANSWERED}']:.0f} with no to which the model says "
        "yes or no; the others it declines, since it does not look for what they name, or answers in other words."
    )
    heads = ("who answers", "balanced accuracy [95 %]")
    return "\n\n".join(
        (
            write_section("VQA-RAD: closed questions", told, tables[0], heads),
            write_section("VQA-RAD: closed questions that are answered", answered, tables[1], heads),
        )
    )


def count_forms(reading: Reading) -> dict[str, float]:
    """How many findings are asked, and how often the answer to each other form is the opposite of the plain one's."""
    said = [parse_yes_no(item.answer) for item in reading.exchanges]
    step = len(FORMS) + 1
    plain, *others = (said[form::step] for form in range(step))
    counts: dict[str, float] = {"pairs": len(plain)}
    for name, answers in zip(FORMS, others, strict=True):
        opposite = [None not in both and both[0] is not both[1] for both in zip(plain, answers, strict=True)]
        counts[name] = sum(opposite)
    return counts


def measure_forms(sums: Sums) -> dict[str, float]:
    """The share of pairs of film and finding whose forms are answered consistently, right or wrong."""
    return {name: divide(sums[name], sums["pairs"]) for name in FORMS}


def write_forms(readings: Sequence[Reading], resamples: int = RESAMPLES) -> str:
    """The table of questions that are turned round, over films x findings."""
    counts = tally([reading.patient for reading in readings], [count_forms(reading) for reading in readings])
    told = f"{count_films(readings)}, 14 findings each. Yes to a question that is turned round means absent."
    rows = write_rows(measure_sums(counts, measure_forms, resamples))
    return write_section("Real films: questions turned round", told, rows, ("the answer to", "share [95 %]"))
