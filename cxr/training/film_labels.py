"""What the labels of one film's object say together: present, absent, and what stays unknown.

    "label": "Effusion|Edema", ["Effusion", "Edema"], "['Effusion', 'Edema']" or {"Effusion": 1, "Edema": 0, "Mass": -1}
    "absent": "Pneumothorax", "findings": [{"finding": "effusion", "side": "left"}], "complete": true
    "Pleural Effusion": 1.0    a column of its own, as CheXpert's tables have it: 1 present, 0 absent, -1 uncertain

What is not named is as the option `blank` has it, or absent where the film says that it is complete; but for what a
label leaves open, which is unknown. Knows nothing about files.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast, get_args

from cxr.findings import BY_KEY
from cxr.labels import OWN_NOUNS
from cxr.results import CxrError, Observation, Side, Size, Zone
from cxr.training.data import DataOptions
from cxr.training.label_reading import Said, read_said
from cxr.training.label_words import EVERY, UMBRELLAS
from cxr.training.tables import is_missing

NOT_DENIED = frozenset({"support_devices"})  # a film with "No Finding" may show devices (Irvin et al., AAAI 2019)
LABELLED = frozenset({"label", "findings", "absent"})  # fields that say that findings were looked for
PLACES: dict[str, tuple[str, ...]] = {"side": get_args(Side), "zone": get_args(Zone), "size": get_args(Size)}
YES, NO = frozenset({"1", "true", "yes", "present", "positive"}), frozenset({"0", "false", "no", "absent"})
MARKED = re.compile(r"\s*(.+?)\s*[:=(\s]\s*(-?[01](?:\.0+)?|true|false|yes|no|uncertain)\s*\)?\s*", re.IGNORECASE)
PERHAPS = frozenset({"-1", "uncertain", "possible", "?"})

CONTRADICT = "films whose labels contradict each other"
NO_LABEL = "films with a label that has no letters, denies what stands under 'absent', or is a whole sentence"


# --- what labels say ------------------------------------------------------------------------------------------------


def list_said(data: Mapping[str, Any]) -> list[tuple[str, Said]]:
    """Each label of a film and what it says, from all fields but "findings".

    Raises:
        CxrError: a field holds something else than labels, or what is no label.
    """
    said = [read_label_or_mark(text) for text in read_labels(data, "label")]
    said += [(f"{text} (in 'absent')", _read(text, denied=True)) for text in read_labels(data, "absent")]
    given = data.get("label")
    marks = {**({} if not isinstance(given, Mapping) else given), **{key: data[key] for key in list_columns(data)}}
    return [*said, *(read_mark(name, value) for name, value in marks.items() if not is_missing(value))]


def list_columns(data: Mapping[str, Any]) -> list[str]:
    """The fields that are named by a label that is known."""
    return [field for field in data if field not in LABELLED and is_column(field)]


def is_column(field: str) -> bool:
    """Whether a field or a column of a table is named by a label that is known; "line" or "position" alone is none."""
    try:
        said = read_said(field)
    except ValueError:
        return False
    keys = {item.finding for item in said.present}
    telling = said.opened or len(field.split()) > 1 or keys & {*BY_KEY, *OWN_NOUNS}
    return said.nothing or bool(keys and telling and said.understood and not said.absent | said.unsure)


def read_label_or_mark(text: str) -> tuple[str, Said]:
    """What a label says, also where a number stands behind it: "Effusion: 0"."""
    marked = MARKED.fullmatch(text)
    return read_mark(marked[1], marked[2]) if marked and is_column(marked[1]) else (text, _read(text))


def read_mark(name: str, value: Any) -> tuple[str, Said]:
    """What a label with a number says: 1 present, 0 absent, -1 uncertain (Irvin et al., AAAI 2019)."""
    word = re.sub(r"\.0+$", "", str(value).strip().lower())
    said = _read(name)
    keys = frozenset(item.finding for item in said.present)
    if word in YES:
        return name, said
    if word in NO:
        return f"{name}: 0", Said() if said.nothing else _read(name, denied=True)
    if word in PERHAPS:
        return f"{name}: -1", Said(opened=EVERY) if said.nothing else Said(unsure=keys, opened=said.opened)
    return f"{name}: another value than 1, 0 and -1", Said(opened=EVERY, understood=False)


def read_labels(data: Mapping[str, Any], field: str) -> list[str]:
    """The labels in a field: "A|B", a list of them, or such a list written as a text; none where it holds marks.

    Raises:
        CxrError: it holds something else.
    """
    value = data.get(field, [])
    if isinstance(value, Mapping) and field == "label":
        return []
    labels = value if isinstance(value, list) else [value]
    if not all(isinstance(label, str) for label in labels):
        raise CxrError(f"films whose {field!r} is neither a text nor a list of texts")
    return [part for label in labels for part in split_labels(label)]


def split_labels(text: str) -> list[str]:
    """The labels in a text, between which "|", ";" or a new line stands; or a list as Python or JSON writes it."""
    listed = re.fullmatch(r"\s*\[.*\]\s*", text, re.DOTALL)
    quoted = [one or other for one, other in re.findall(r"'([^']*)'|\"([^\"]*)\"", text)] if listed else []
    parts = quoted or re.split(r"[|;\n]", text.strip().strip("[]") if listed else text)
    return [part.strip() for part in parts if not is_missing(part)]


def _read(label: str, denied: bool = False) -> Said:
    try:
        return read_said(label, denied)
    except ValueError:
        raise CxrError(NO_LABEL) from None


def list_own(data: Mapping[str, Any]) -> set[str]:
    """The keys outside the 14 that one object names; CxrError where it is malformed."""
    said = [one for _, one in list_said(data)]
    keys = {item.finding for one in said for item in one.present}.union(*(one.absent | one.unsure for one in said))
    return (keys | {item.finding for item in read_observations(data)[0]}) - set(BY_KEY)


# --- what a film shows ----------------------------------------------------------------------------------------------


def read_findings(
    data: Mapping[str, Any], own: Collection[str], options: DataOptions
) -> tuple[tuple[Observation, ...], frozenset[str], bool]:
    """What is present and what is absent, and whether places are known. `own`: the set's keys outside the 14.

    Raises:
        CxrError: labels or findings are malformed, contradict each other, or say that the film is to be left out.
    """
    labels = list_said(data)
    placed, more = read_observations(data)
    said = [*(one for _, one in labels), *more]
    if any(one.excluded for one in said):
        raise CxrError("films whose label says that they are to be left out")
    seen = {item.finding: item for item in placed}
    merely = gather(item for one in said for item in one.present if item.finding not in seen)
    denied, unsure, opened = (
        frozenset().union(*(getattr(one, name) for one in said)) for name in ("absent", "unsure", "opened")
    )
    if options.uncertain == "present":
        merely |= {key: Observation(key) for key in sorted(unsure - seen.keys() - merely.keys())}
    keys = seen.keys() | merely.keys()
    nothing = any(one.nothing for one in said)
    if denied & keys or (nothing and any(map(is_found, said))):
        raise CxrError(CONTRADICT)
    rest = {*BY_KEY, *own} - keys - {key for key, kinds in UMBRELLAS.items() if kinds & keys}
    told = bool(more or any(not one.silent for _, one in labels)) or not labels  # "unchanged" alone tells nothing
    if not (told and (is_complete(data) or (is_labelled(data) and options.blank == "absent"))):
        rest = rest - NOT_DENIED if nothing else set()
    if opened >= EVERY:
        rest = set()
    if options.uncertain == "absent":
        denied |= unsure - keys
    else:
        opened |= unsure
    absent = (frozenset(rest) - opened) | (denied - (unsure if options.uncertain == "unknown" else frozenset()))
    present = (*placed, *(merely[key] for key in sorted(merely)))
    return present, absent - keys, "findings" in data and not merely


def is_found(said: Said) -> bool:
    """Whether a label says that one of the 14 is or may be there, which "No Finding" denies."""
    shown = any(item.finding in BY_KEY for item in said.present) or not said.unsure.isdisjoint(BY_KEY)
    return shown or (not said.nothing and said.understood and bool(said.opened))


def is_complete(data: Mapping[str, Any]) -> bool:
    """Whether the film says that nothing but what it names is there.

    Raises:
        CxrError: it says something else than true or false.
    """
    complete = data.get("complete", False)
    if not isinstance(complete, bool) and complete not in (0, 1):  # a column with empty cells holds 1.0 and 0.0
        raise CxrError("films whose 'complete' is neither true nor false")
    return bool(complete)


def is_labelled(data: Mapping[str, Any]) -> bool:
    """Whether any field says that findings were looked for."""
    return not LABELLED.isdisjoint(data) or bool(list_columns(data))


def read_observations(data: Mapping[str, Any]) -> tuple[tuple[Observation, ...], list[Said]]:
    """The findings with their places, each once, and what else their names say; left and right is on both sides.

    Raises:
        CxrError: they are malformed.
    """
    found, said = [], []
    for (_, one), item in zip(list_found(data), data.get("findings", []), strict=True):
        said.append(Said(opened=one.opened, understood=one.understood))
        where = {name: place for name in PLACES if (place := _read_place(item, name)) is not None}
        found += [Observation(**{**vars(seen), **cast(dict[str, Any], where)}) for seen in one.present]
    return tuple(gather(found).values()), said


def list_found(data: Mapping[str, Any]) -> list[tuple[str, Said]]:
    """What each entry of "findings" names, and what that says.

    Raises:
        CxrError: it names no finding that is there.
    """
    listed = []
    for item in read_objects(data, "findings", "{'finding': ..., 'side': ...}"):
        word = item.get("finding")
        one = _read(word) if isinstance(word, str) else Said()
        if not one.present or one.absent or one.unsure:
            raise CxrError("films with an entry in 'findings' that names no 'finding'")
        listed.append((str(word), one))
    return listed


def gather(found: Collection[Observation] | Iterator[Observation]) -> dict[str, Observation]:
    """Each finding once, with the places of all that name it."""
    seen: dict[str, Observation] = {}
    for item in found:
        seen[item.finding] = merge(seen[item.finding], item) if item.finding in seen else item
    return seen


def merge(one: Observation, other: Observation) -> Observation:
    """Two places of one finding as one; what differs is not said, but for the sides."""
    side: Side | None = one.side if one.side == other.side else "both" if one.side and other.side else None
    zone = one.zone if one.zone == other.zone else None
    return Observation(one.finding, side, zone, one.size if one.size == other.size else None)


def _read_place(item: Mapping[str, Any], name: str) -> str | None:
    value = item.get(name)
    if is_missing(value):
        return None
    if value in PLACES[name]:
        return str(value)
    raise CxrError(f"films with a finding whose {name!r} is none of {', '.join(PLACES[name])}")


def read_objects(data: Mapping[str, Any], field: str, form: str) -> list[dict[str, Any]]:
    """A list of objects in a field; CxrError with their `form` where it holds something else."""
    items = data.get(field, [])
    if not (isinstance(items, list) and all(isinstance(item, dict) for item in items)):
        raise CxrError(f"films whose {field!r} is no list of {form}")
    return items
