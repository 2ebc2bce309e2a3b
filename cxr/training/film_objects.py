"""One film of one's own data, an object of JSON, becomes a row; or one sentence says why it cannot.

    {"image": "films/1.png", "label": "Effusion|Edema" or ["Effusion", "Edema"], "absent": ["Pneumothorax"],
     "findings": [{"finding": "effusion", "side": "left", "zone": "lower", "size": "small"}], "complete": true,
     "report": "...", "indication": "...", "questions": [{"question": "...", "answer": "..."}],
     "patient": "...", "split": "train" or "val" or "test", "view": "PA" or "AP" or "lateral"}

Only `image` must be there; null counts as not there, and other fields are not read. `label` and `findings` say what is
present, `absent` what is not; "No Finding" or "Normal" as a label that nothing is, and `complete` that nothing else is:
none of the 14, and no own finding of the whole set. What they do not say is as the option `blank` has it; of a film
without any of these fields all is unknown. Sentences never repeat what the object holds, which may name a patient.
Knows nothing about files.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from cxr.films.views import read_view
from cxr.findings import BY_KEY, read_label, split_labels
from cxr.results import CxrError, Observation, Side, Size, Zone
from cxr.training.data import DataOptions, hash_patient
from cxr.training.rows import Row, Split
from cxr.training.sections import Sections, clean_indication, has_headings, parse_sections, write_target
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
NOT_DENIED = frozenset({"support_devices"})  # a film with "No Finding" may show devices (Irvin et al., AAAI 2019)
LABELLED = frozenset({"label", "findings", "absent"})  # fields that say that findings were looked for
PLACES: dict[str, tuple[str, ...]] = {"side": get_args(Side), "zone": get_args(Zone), "size": get_args(Size)}
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
    truth = read_truth(data, origin.own, options)
    if truth.view == "lateral":
        raise CxrError("films that are lateral and not frontal")
    given = read_text(data, "report")
    report = write_report_target(given)
    pairs = read_questions(data)
    if not (truth.known or report or pairs):
        raise CxrError(
            "films whose report only compares with earlier films" if given else "films of which nothing is said"
        )
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
    return {key: value for key, value in data.items() if value is not None}


# --- what is seen ---------------------------------------------------------------------------------------------------


def read_truth(data: Mapping[str, Any], own: Collection[str], options: DataOptions) -> Truth:
    """What is present and what is absent. `own`: keys outside the 14 that the set has labels for.

    Raises:
        CxrError: labels or findings are malformed, or contradict each other.
    """
    labels = {read_key(label) for label in read_labels(data, "label")}
    denied = {key for label in read_labels(data, "absent") if (key := read_key(label))}
    placed = read_observations(data)
    merely = sorted(labels - {None} - {item.finding for item in placed}, key=str)
    present = (*placed, *(Observation(cast(str, key)) for key in merely))
    keys = {item.finding for item in present}
    if (None in labels and keys & set(BY_KEY)) or denied & keys:
        raise CxrError("films whose labels contradict each other")
    if not isinstance(data.get("complete"), bool | None):
        raise CxrError("films whose 'complete' is neither true nor false")
    rest = {*BY_KEY, *own} - keys
    labelled = not LABELLED.isdisjoint(data)
    if not (data.get("complete") is True or (labelled and options.blank == "absent")):
        rest = rest - NOT_DENIED if None in labels else set()
    view = read_view(read_text(data, "view"))
    return Truth(present, frozenset(rest | denied), view, "findings" in data and not merely)


def read_labels(data: Mapping[str, Any], field: str) -> list[str]:
    """The labels in a field: "A|B" or a list of them.

    Raises:
        CxrError: it holds something else.
    """
    value = data.get(field, [])
    labels = value if isinstance(value, list) else [value]
    if not all(isinstance(label, str) for label in labels):
        raise CxrError(f"films whose {field!r} is neither a text nor a list of texts")
    return [part for label in labels for part in split_labels(label)]


def read_key(label: str) -> str | None:
    """The finding's key; None for "No Finding" and "Normal".

    Raises:
        CxrError: it is no label.
    """
    try:
        return read_label(label)
    except ValueError:
        raise CxrError("films with a label that has no letters, denies something, or is a whole sentence") from None


def read_observations(data: Mapping[str, Any]) -> tuple[Observation, ...]:
    """The findings with their places, each once: one that is named left and right is on both sides.

    Raises:
        CxrError: they are malformed.
    """
    seen: dict[str, Observation] = {}
    for item in _read_list(data, "findings", "{'finding': ..., 'side': ...}"):
        key = read_key(item["finding"]) if isinstance(item.get("finding"), str) else None
        if key is None:
            raise CxrError("films with an entry in 'findings' that names no 'finding'")
        place = {name: _read_place(item, name) for name in PLACES}
        found = Observation(key, **cast(dict[str, Any], place))
        seen[key] = merge(seen[key], found) if key in seen else found
    return tuple(seen.values())


def merge(one: Observation, other: Observation) -> Observation:
    """Two places of one finding as one; what differs is not said, but for the sides."""
    side: Side | None = one.side if one.side == other.side else "both" if one.side and other.side else None
    zone = one.zone if one.zone == other.zone else None
    return Observation(one.finding, side, zone, one.size if one.size == other.size else None)


def _read_place(item: Mapping[str, Any], name: str) -> str | None:
    value = item.get(name)
    if value is None or value in PLACES[name]:
        return value
    raise CxrError(f"films with a finding whose {name!r} is none of {', '.join(PLACES[name])}")


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
    for item in _read_list(data, "questions", form):
        pair = tuple(_clean(text).strip() for name in ("question", "answer") if isinstance(text := item.get(name), str))
        if len(pair) != 2 or not all(pair):
            raise CxrError(f"films with an entry in 'questions' that is no {form}")
        pairs.append(pair)
    return tuple(cast(Iterable[Pair], pairs))


def _read_list(data: Mapping[str, Any], field: str, form: str) -> list[dict[str, Any]]:
    items = data.get(field, [])
    if not (isinstance(items, list) and all(isinstance(item, dict) for item in items)):
        raise CxrError(f"films whose {field!r} is no list of {form}")
    return items


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
    if not isinstance(patient, str | int) or isinstance(patient, bool):
        raise CxrError("films whose 'patient' is neither a text nor a whole number")
    return _clean(str(patient)).strip()


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
