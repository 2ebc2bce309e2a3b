"""What the labels of a study of MIMIC-CXR say: CheXpert's or NegBio's, 1.0, 0.0, -1.0 or blank by the label's name.

Knows nothing about where they stand.
"""

from collections.abc import Mapping

from cxr.films.film import View
from cxr.findings import read_label
from cxr.results import Observation
from cxr.training.data import DataOptions, Notes
from cxr.training.film_labels import read_mark
from cxr.training.label_meaning import describe_said
from cxr.training.label_reading import read_said
from cxr.training.label_words import UMBRELLAS
from cxr.training.truth import Truth

NO_FINDING = "No Finding"
BESIDE_NO_FINDING = frozenset({"support_devices"})  # CheXpert's "No Finding" says nothing about devices


def read_truth(labels: Mapping[str, str], view: View, options: DataOptions) -> Truth:
    """What the labels of a study say.

    "No Finding" says that everything else that is labelled is absent, but for devices; beside another finding that is
    present it says nothing.
    """
    healthy = is_healthy(labels)
    opened = open_findings(labels)
    marks: dict[str, str] = {}
    for label, value in labels.items():
        key = read_label(label)
        if key is not None:
            blank = "unknown" if key in opened else "absent" if healthy and key not in BESIDE_NO_FINDING else ""
            marks[key] = _read_mark(value, blank, options)
    present = tuple(Observation(key) for key, mark in marks.items() if mark == "present")
    return Truth(present, frozenset(key for key, mark in marks.items() if mark == "absent"), view)


def open_findings(labels: Mapping[str, str]) -> frozenset[str]:
    """What the labels that are present leave open: a "Lung Opacity" may be an edema, and an edema is one."""
    said = [read_said(label) for label, value in labels.items() if _is_one(value)]
    keys = {item.finding for one in said for item in one.present}
    return frozenset(key for key, kinds in UMBRELLAS.items() if kinds & keys).union(*(one.opened for one in said))


def _read_mark(value: str, blank: str, options: DataOptions) -> str:
    """ "present", "absent" or "unknown"; `blank`: what an empty value means where that is known."""
    if not value:
        return blank or options.blank
    known = {"1": "present", "0": "absent", "-1": options.uncertain}
    return known.get(value.removesuffix(".0"), "unknown")


def note_labels(labels: Mapping[str, str], study: str, notes: Notes) -> None:
    """What each label that is not blank is read as, and a study of which nothing and something is said to be found."""
    for label, value in labels.items():
        if value:
            name, said = read_mark(label, value)
            notes.hear(name, describe_said(said), said.understood)
    if _is_one(labels.get(NO_FINDING, "")) and not is_healthy(labels):
        notes.count(f"studies with a finding beside {NO_FINDING!r}, which is not believed", study)


def is_healthy(labels: Mapping[str, str]) -> bool:
    """Whether "No Finding" holds: nothing but devices is present beside it."""
    present = {label for label, value in labels.items() if _is_one(value) and label != NO_FINDING}
    return _is_one(labels.get(NO_FINDING, "")) and {*map(read_label, present)} <= BESIDE_NO_FINDING


def _is_one(value: str) -> bool:
    return value in ("1", "1.0")
