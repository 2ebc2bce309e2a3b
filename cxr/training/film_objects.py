"""One film of one's own data, an object of JSON, becomes a row; or one sentence says why it cannot.

    {"image": "films/1.png", "label": "Effusion|Edema" or ["Effusion", "Edema"], "absent": ["Pneumothorax"],
     "findings": [{"finding": "effusion", "side": "left", "zone": "lower", "size": "small"}], "complete": true,
     "report": "...", "indication": "...", "questions": [{"question": "...", "answer": "..."}],
     "patient": "...", "split": "train" or "val" or "test", "view": "PA" or "AP" or "lateral"}

Only `image` must be there; null, NaN and an empty text count as not there. `label` and `findings` say what is present,
`absent` what is not; "No Finding" or "Normal" as a label that nothing is, and `complete` that nothing else is: none of
the 14, and no own finding of the whole set. What they do not say is as the option `blank` has it; of a film without
any of these fields all is unknown. `film_labels` says which other forms labels may have; other fields are not read.
Sentences never repeat what the object holds, which may name a patient. Knows nothing about files.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from cxr.films.views import read_view
from cxr.results import CxrError
from cxr.training.data import LATERAL, DataOptions, hash_patient
from cxr.training.film_labels import read_findings, read_objects
from cxr.training.rows import Row, Split
from cxr.training.sections import Sections, clean_indication, has_headings, parse_sections, write_target
from cxr.training.tables import is_missing
from cxr.training.truth import Pair, Truth

SPLITS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validate": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
}
SINGLE = frozenset({"report", "indication", "split", "view", "complete"})  # in which "None" can only be no value
NOTHING_SAID = "films of which nothing is said"
NOBODY = frozenset({"none", "unknown", "anonymous", "anonymized", "anonymised"})  # no patient's name
SHARES: dict[int, Split] = {0: "val", 1: "test"}  # of ten patients where nothing says who is for what


@dataclass(frozen=True)
class Set:
    """What the films of one source have in common."""

    own: frozenset[str] = frozenset()  # keys of the findings outside the 14 that the whole set has labels for
    split: Split | None = None  # what its folder or name says
    lacks_val: bool = False  # it is split, but no part is for validation: a tenth of the training patients is


def build_row(data: Any, image: Path, name: str, origin: Set, options: DataOptions) -> Row:
    """The row of one object.

    Args:
        image: The film's file.
        name: What names the film within its set, wherever that lies; its patient where none is given.

    Raises:
        CxrError: what cannot be used, as the words that complete "films left out: ...".
    """
    data = read_object(data)
    view = read_view(read_text(data, "view"))
    if view == "lateral":
        raise CxrError(LATERAL)
    present, absent, placed = read_findings(data, origin.own, options)
    truth = Truth(present, absent, view, placed)
    given = read_text(data, "report")
    report = write_report_target(given)
    pairs = read_questions(data)
    if not (truth.known or report or pairs):
        raise CxrError("films whose report only compares with earlier films" if given else NOTHING_SAID)
    patient = read_patient(data) or name
    indication = clean_indication(read_text(data, "indication"))
    return Row(image, patient, read_split(data, patient, origin), truth, report, indication, pairs)


def read_object(data: Any) -> dict[str, Any]:
    """The fields that are there.

    Raises:
        CxrError: it is no object.
    """
    if not isinstance(data, dict):
        raise CxrError("entries that are no object of one film")
    return {key: value for key, value in data.items() if not (is_missing(value) or (key in SINGLE and value == "None"))}


# --- what is said ---------------------------------------------------------------------------------------------------


def write_report_target(report: str) -> str:
    """A report as "Findings: ... Impression: ...", without references to earlier films."""
    return write_target(parse_sections(report) if has_headings(report) else Sections(findings=report))


def read_questions(data: Mapping[str, Any]) -> tuple[Pair, ...]:
    """Questions with their answers.

    Raises:
        CxrError: they are not objects with a question and an answer, both texts.
    """
    form = "{'question': ..., 'answer': ...}"
    pairs = []
    for item in read_objects(data, "questions", form):
        pair = tuple(_clean(text).strip() for name in ("question", "answer") if isinstance(text := item.get(name), str))
        if len(pair) != 2 or not all(pair):
            raise CxrError(f"films with an entry in 'questions' that is no {form}")
        pairs.append(pair)
    return tuple(cast(Iterable[Pair], pairs))


def read_text(data: Mapping[str, Any], field: str) -> str:
    """A text; empty where there is none.

    Raises:
        CxrError: it is something else.
    """
    value = data.get(field, "")
    if not isinstance(value, str):
        raise CxrError(f"films whose {field!r} is no text")
    return _clean(value)


def _clean(text: str) -> str:
    """Without half characters ("\\ud800" in JSON), which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


# --- who and for what -----------------------------------------------------------------------------------------------


def read_patient(data: Mapping[str, Any]) -> str:
    """Whose film it is, a text or a whole number; empty where it is not said.

    Raises:
        CxrError: it is something else.
    """
    patient = data.get("patient", "")
    if isinstance(patient, float) and patient.is_integer():  # a column of numbers with an empty cell
        patient = int(patient)
    if not isinstance(patient, str | int) or isinstance(patient, bool):
        raise CxrError("films whose 'patient' is neither a text nor a whole number")
    return name_patient(_clean(str(patient)))


def name_patient(word: str) -> str:
    """One spelling of a patient's name: "7.0" is 7, however letters are composed; empty where it names nobody."""
    word = re.sub(r"^(\d+)\.0+$", r"\1", unicodedata.normalize("NFC", word).strip())
    return "" if word.lower() in NOBODY else word


def read_split(data: Mapping[str, Any], patient: str, origin: Set) -> Split:
    """What the film is for; where nothing says it, a tenth of the patients is for validation and a tenth for the test.

    Raises:
        CxrError: its split is no known word.
    """
    word = read_text(data, "split").strip().lower()
    if word and word not in SPLITS:
        raise CxrError("films whose 'split' is none of train, val and test")
    split = SPLITS[word] if word else origin.split
    drawn = SHARES.get(hash_patient(patient) % 10, "train")
    if split is None:
        return drawn
    return "val" if split == "train" and not word and origin.lacks_val and drawn == "val" else split
