"""One film of a training set with everything known about it, and its form on one line of JSON.

Knows nothing about where rows come from, nor about tokens.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from cxr.evaluation.films import Case
from cxr.films.film import Film
from cxr.films.open import open_film
from cxr.results import CxrError, Observation
from cxr.training.conversations import Pair, Truth

Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class Row:
    """One film, not opened yet. What is neither present nor absent in `truth` is unknown."""

    image: Path
    patient: str
    split: Split
    truth: Truth
    report: str = ""  # "Findings: ... Impression: ..."; empty where there is none
    indication: str = ""  # why the film was taken
    pairs: tuple[Pair, ...] = ()  # questions and answers that came with the data


def write_row(row: Row) -> str:
    """The row on one line of JSON; `read_row` reads it back."""
    truth = {**asdict(row.truth), "absent": sorted(row.truth.absent)}
    return json.dumps({**asdict(row), "image": str(row.image), "truth": truth}, ensure_ascii=False)


def read_row(line: str) -> Row:
    """The row that `write_row` wrote."""
    data = json.loads(line)
    truth = data["truth"]
    present = tuple(Observation(**item) for item in truth["present"])
    return Row(
        **{
            **data,
            "image": Path(data["image"]),
            "truth": Truth(present, frozenset(truth["absent"]), truth["view"], truth["placed"]),
            "pairs": tuple((question, answer) for question, answer in data["pairs"]),
        }
    )


def open_row(row: Row) -> Film:
    """The film of a row.

    Raises:
        CxrError: it cannot be read, or it says itself that it is no frontal film.
    """
    film = open_film(row.image, row.truth.view)
    if film.view == "lateral":
        raise CxrError("The film's own header says that it is lateral; only frontal films are read.")
    return film


def open_case(row: Row) -> Case:
    """The film in memory with its truth, as evaluation takes it.

    Raises:
        CxrError: the film cannot be read, and why.
    """
    truth = row.truth
    present = frozenset(item.finding for item in truth.present)
    exact = truth.present if truth.placed else None
    return Case(
        open_row(row),
        row.patient,
        present,
        truth.absent,
        exact,
        name=str(row.image),
        report=row.report,
        indication=row.indication,
        pairs=row.pairs,
    )
