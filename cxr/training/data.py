"""The door for all data: what a folder or a name holds, its rows as a stream, and what was left out and why.

Knows nothing about how any one kind of data is laid out inside, nor about models.
"""

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Literal

from cxr.findings import BY_KEY
from cxr.model.sources import means_folder
from cxr.results import CxrError
from cxr.statements import read_statements
from cxr.training.film_files import read_header_view
from cxr.training.options import check_ranges
from cxr.training.rows import Row

Kind = Literal["chestxray14", "mimic_cxr", "records", "hub"]

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
MISSING = "films whose picture is missing"
LATERAL = "films that are lateral and not frontal"
LATERAL_HEADER = "films whose own header says that they are lateral and not frontal"
UNCLEAR = (
    "Labels that are not understood, with the number of their films, of which nothing is taught as absent that they do "
    "not name"
)
OTHER_LABELS = "(other labels)"
MOST_LABELS = 2000  # different ones that are counted
LISTED = 30  # labels that are not understood, of which the most frequent are listed
NAMED = 3  # examples of what was left out
KNOWN = (
    "Data_Entry_2017*.csv (ChestX-ray14), mimic-cxr-*.csv.gz or files/p10 (MIMIC-CXR), "
    "dataset.json, *.jsonl, or the folders train and val (your own films)"
)


@dataclass
class DataOptions:
    """Which data are read, what their labels mean and which films an epoch shows."""

    data: str = field(default="data", metadata={"help": "folder of films and labels, or owner/name of a Hub dataset"})
    uncertain: Literal["unknown", "present", "absent"] = field(
        default="unknown",
        metadata={"help": "what an uncertain label (-1) means: U-Ignore, U-Ones or U-Zeros of arXiv:1901.07031"},
    )
    blank: Literal["unknown", "absent"] = field(
        default="unknown", metadata={"help": "what a finding means that a film's labels do not mention"}
    )
    normal_share: float = field(
        default=0.5, metadata={"help": "at most this share (0 to 1) of an epoch's films shows no finding"}
    )
    rare_floor: int = field(
        default=500,
        metadata={
            "help": "films an epoch by which a rare finding is raised, by repeating each at most 8 times and no "
            "finding above the median one; 0: never"
        },
    )
    seed: int = field(default=0, metadata={"help": "of every random choice of a run"})


RANGES: dict[str, tuple[float, float]] = {  # lowest and highest value that makes sense
    "normal_share": (0, 1),
    "rare_floor": (0, math.inf),
    "seed": (0, 2**32 - 1),  # NumPy's
}


def check_data_options(options: DataOptions) -> None:
    """Refuse what would only show later.

    Raises:
        CxrError: an option is out of its range.
    """
    check_ranges(options, RANGES)


class Notes:
    """What was left out and why: a count for each reason, and the first few names; and what labels were read as."""

    def __init__(self) -> None:
        self.labels: Counter[tuple[str, str]] = Counter()  # a label, what it is read as -> films
        self._unclear: Counter[str] = Counter()  # labels that are not understood -> films
        self._counts: dict[str, int] = {}
        self._names: dict[str, list[str]] = {}

    def hear(self, label: str, says: str, understood: bool = True) -> None:
        """One more film with a label that is read as `says`; beyond a great many different ones, all count as one."""
        label = label if len(self.labels) < MOST_LABELS or (label, says) in self.labels else OTHER_LABELS
        self.labels[label, says] += 1
        if not understood:
            self._unclear[label] += 1

    def count(self, reason: str, name: str) -> None:
        """One more of what `reason` says ("no picture file"); `name` finds it again."""
        self._counts[reason] = self._counts.get(reason, 0) + 1
        names = self._names.setdefault(reason, [])
        if len(names) < NAMED:
            names.append(name)

    def sentences(self) -> tuple[str, ...]:
        """One sentence a reason: "No picture file: 12 (a.png, b.png, c.png, ...)."."""
        unclear = self._unclear.most_common(LISTED)
        words = ", ".join(f"{label} {count}" for label, count in unclear)
        more = f" and {len(self._unclear) - LISTED} more" if len(self._unclear) > LISTED else ""
        said = [f"{UNCLEAR}: {words}{more}."] if unclear else []
        return (*(self._write(reason, count) for reason, count in self._counts.items()), *said)

    def _write(self, reason: str, count: int) -> str:
        names = self._names[reason]
        more = ", ..." if count > len(names) else ""
        return f"{reason[:1].upper()}{reason[1:]}: {count} ({', '.join(names)}{more})."


def read_rows(where: str, options: DataOptions, notes: Notes) -> Iterator[Row]:
    """The rows of a folder, a file or a Hub dataset, one by one and in a fixed order.

    Args:
        where: A folder, a .json or .jsonl file, or owner/name of a Hub dataset.
        notes: Gets what is left out.

    Raises:
        CxrError: the data are not recognised, a patient or a film is in two splits, or nothing can be used.
    """
    count = 0
    for row in keep_patients_apart(leave_out_laterals(_choose_reader(where)(options, notes), notes)):
        if contradicts(row):
            notes.count("films whose report contradicts their labels, so that it is not used", row.image.name)
            row = replace(row, report="")
        yield row
        count += 1
    if not count:
        raise CxrError(" ".join((f"{where} holds no film that can be used.", *notes.sentences())))


def _choose_reader(where: str) -> Callable[[DataOptions, Notes], Iterator[Row]]:
    """Each reader is imported when it is needed: the Hub's needs a large library."""
    kind = detect_kind(where)
    folder = Path(where).expanduser().absolute()
    if kind == "chestxray14":
        from cxr.training.chestxray14 import read_chestxray14

        return lambda options, notes: read_chestxray14(folder, options, notes)
    if kind == "mimic_cxr":
        from cxr.training.mimic_cxr import read_mimic

        return lambda options, notes: read_mimic(folder, options, notes)
    from cxr.training.records import read_hub, read_records

    if kind == "hub":
        return lambda options, notes: read_hub(where, options, notes)
    return lambda options, notes: read_records(folder, options, notes)


def detect_kind(where: str) -> Kind:
    """What lies at `where`, by the files that are there.

    Raises:
        CxrError: nothing is there, or nothing that is known.
    """
    path = Path(where).expanduser()
    if path.is_dir():
        return _detect_folder(path)
    if path.is_file():
        if path.suffix.lower() in (".json", ".jsonl"):
            return "records"
        raise CxrError(f"{where} is no folder and no .json or .jsonl file.")
    if HUB_NAME.fullmatch(where) and not means_folder(where):
        return "hub"
    raise CxrError(f"There is no folder {where}, and it is no owner/name of a Hub dataset.")


def _detect_folder(folder: Path) -> Kind:
    patterns: tuple[tuple[Kind, tuple[str, ...]], ...] = (
        ("chestxray14", ("Data_Entry_2017*.csv",)),
        ("mimic_cxr", ("mimic-cxr-*.csv*", "files/p1[0-9]")),
        ("records", ("dataset.json", "*.jsonl", "train", "val", "data/train", "data/val", "data/dataset.json")),
    )
    for kind, names in patterns:
        if any(next(folder.glob(name), None) for name in names):
            return kind
    raise CxrError(f"{folder} holds nothing that is known here: {KNOWN}.")


def leave_out_laterals(rows: Iterator[Row], notes: Notes) -> Iterator[Row]:
    """The rows whose own header does not say that they are lateral, whatever else is said of their view."""
    for row in rows:
        if read_header_view(row.image) == "lateral":
            notes.count(LATERAL_HEADER, row.image.name)
        else:
            yield row


def contradicts(row: Row) -> bool:
    """Whether the report asserts a finding that is absent, or only denies one that is present."""
    own = [key for key in row.truth.known if key not in BY_KEY]
    said = [(item.observation.finding, item.present) for item in read_statements(row.report, own)]
    asserted = {key for key, present in said if present}
    denied = {key for key, present in said if not present} - asserted
    return not (asserted.isdisjoint(row.truth.absent) and denied.isdisjoint(item.finding for item in row.truth.present))


def keep_patients_apart(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows as they come, as long as no patient and no picture is in two splits.

    Of each only a hash is kept, which takes about 100 bytes.

    Raises:
        CxrError: a patient or a picture is in two splits.
    """
    patients: dict[str, set[int]] = {"train": set(), "val": set(), "test": set()}
    pictures: dict[str, set[int]] = {"train": set(), "val": set(), "test": set()}
    for row in rows:
        patient, picture = hash_patient(row.patient), hash_text(os.path.realpath(row.image))
        if split := find_other(patients, row.split, patient):
            raise CxrError(
                f"The patient of {row.image.name} has films in two splits, {split} and {row.split}; give all films "
                "of a patient the same split."
            )
        if split := find_other(pictures, row.split, picture):
            raise CxrError(
                f"The picture {row.image.name} is in two splits, {split} and {row.split}; give it one patient and one "
                "split."
            )
        patients[row.split].add(patient)
        pictures[row.split].add(picture)
        yield row


def find_other(seen: dict[str, set[int]], split: str, mark: int) -> str | None:
    """Another split in which a hash was seen before."""
    return next((other for other, marks in seen.items() if other != split and mark in marks), None)


def hash_patient(patient: str) -> int:
    """The hash of a patient's name; "P7" is "p7"."""
    return hash_text(patient.casefold())


def hash_text(text: str) -> int:
    """64 bits, the same on every machine and in every run; that two of a million texts share them is 1 in 10^7."""
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest(), "big")
