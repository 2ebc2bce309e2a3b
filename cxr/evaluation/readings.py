"""One reader and many films: everything it says about each, beside what is true.

The film is encoded once; then the findings are scored, the report is written and questions are answered, by the same
calls that serve. Knows nothing about figures.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from cxr.evaluation.answers import Exchange, write_exchanges
from cxr.evaluation.classification import Outcome, list_scores, mark
from cxr.evaluation.films import Case
from cxr.model.calibration import Calibration
from cxr.prompts import YES_NO
from cxr.reader import Reader, Study
from cxr.results import Classification


@dataclass(frozen=True)
class Reading:
    """One film: what is true, and what one reader said. Holds texts and names: never publish it."""

    name: str  # of the film
    patient: str
    keys: tuple[str, ...]  # the findings that were asked for
    truth: tuple[int, ...]  # for each: 1 present, 0 absent, -1 unknown
    probabilities: tuple[float, ...]  # for each, 0..1; the reader's own, or calibrated where the reader is
    reference: str = ""  # the report that came with the film
    report: str = ""
    exchanges: tuple[Exchange, ...] = ()


def classify_cases(reader: Reader, cases: Iterable[Case]) -> Iterator[Reading]:
    """Probabilities alone, as much as thresholds and calibration need."""
    for case in cases:
        yield _note(reader.classify(reader.study(case.film)), case)


def read_cases(
    reader: Reader,
    cases: Iterable[Case],
    ask: Callable[[Case], Sequence[Exchange]] = write_exchanges,
    guide: Calibration | None = None,
) -> Iterator[Reading]:
    """Findings, report and answers to what `ask` asks. Without a calibration the probabilities are the reader's own.

    `guide`: by which the reports are guided where the reader itself has none.
    """
    writer = copy(reader)
    writer.calibration = reader.calibration or guide
    for case in cases:
        study = reader.study(case.film)
        answers = reader.engine.score(study.encoded, reader.questions, YES_NO)
        result, known = reader.conclude(study, answers), writer.conclude(study, answers)
        report = list(writer.caption(study, case.indication, known=known))[-1].text
        exchanges = tuple(answer(reader, study, exchange, result) for exchange in ask(case))
        yield replace(_note(result, case), report=report, exchanges=exchanges)


def _note(result: Classification, case: Case) -> Reading:
    scores = list_scores(result)
    keys = tuple(score.finding for score in scores)
    probabilities = tuple(score.probability for score in scores)
    return Reading(case.name, case.patient, keys, tuple(mark(case, keys)), probabilities, case.report)


def answer(reader: Reader, study: Study, exchange: Exchange, known: Classification) -> Exchange:
    """The same with the reader's answer."""
    return replace(exchange, answer=list(reader.answer(study, exchange.question, known=known))[-1].text)


def read_reading(line: bytes) -> Reading:
    """A reading that was kept as one line of JSON."""
    data: dict[str, Any] = json.loads(line)
    told: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    told["exchanges"] = tuple(Exchange(**exchange) for exchange in data["exchanges"])
    return Reading(**told)


def collect_outcome(readings: Sequence[Reading]) -> Outcome:
    """The probabilities and the truth of films that were asked for the same findings; at least one film."""
    return Outcome(
        np.array([reading.probabilities for reading in readings]),
        np.array([reading.truth for reading in readings], np.int8),
        np.array([reading.patient for reading in readings]),
        readings[0].keys,
    )


def describe_film(by_reader: dict[str, Reading]) -> dict[str, object]:
    """One film as a line of `predictions.jsonl`: the truth once, then what each reader said."""
    some = next(iter(by_reader.values()))
    words = {1: "present", 0: "absent", -1: "unknown"}
    line: dict[str, object] = {
        "film": some.name,
        "patient": some.patient,
        "truth": {key: words[value] for key, value in zip(some.keys, some.truth, strict=True)},
        "reference": some.reference,
    }
    for name, reading in by_reader.items():
        line[name] = {
            "probabilities": dict(zip(reading.keys, reading.probabilities, strict=True)),
            "report": reading.report,
            "answers": [asdict(exchange) for exchange in reading.exchanges],
        }
    return line
