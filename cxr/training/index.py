"""Rows on disk, made once and found by number: a million of them take 30 MB of memory.

A split is three files: its rows as lines of JSON, where each line begins, and a compact table of labels. Knows nothing
about where rows come from, nor about models.
"""

import json
import logging
import os
from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, get_args, overload

import numpy as np

from cxr.findings import BY_KEY, find_finding, order_finding
from cxr.model.recorded import MAX_OWN
from cxr.model.sources import read_json
from cxr.results import CxrError
from cxr.training.checkpoints import write_whole
from cxr.training.data import MISSING, DataOptions, Notes, hash_patient, read_rows
from cxr.training.fingerprint import AS_IT_IS, fingerprint
from cxr.training.label_meaning import find_meaning
from cxr.training.rows import Row, Split, read_row, write_row

logger = logging.getLogger(__name__)

SPLITS: tuple[Split, ...] = get_args(Split)
INDEX = "index.json"  # written last: where it stands, everything else is whole
LABELS = "labels.json"  # the labels of the data, what they are read as, and their films
MOST_OWN = 100  # findings outside the 14 of which nobody has heard
FEWEST = 5  # training patients with a finding outside the 14; one that fewer have may be the name of one of them
NEITHER = "so they are neither asked nor taught"
TOO_FEW = f"findings outside the 14 that fewer than {FEWEST} training patients have, {NEITHER}"
NEVER_ABSENT = (
    "findings outside the 14 that no training film is known to be without, so they are neither asked nor taught (name "
    "them in 'absent' or say 'complete' in your own data, or give --blank absent)"
)
TOO_MANY = f"findings outside the 14 beyond the {MAX_OWN} most frequent, {NEITHER}"
SAID_EVERY = 100_000  # films

Counts = dict[Split, dict[str, tuple[int, int, int]]]  # split -> finding key -> films present, absent, unknown


class RowIndex(Sequence[Row]):
    """The rows of one split, read from disk one by one; may be sent to other processes.

    `labels`: rows x findings int8, 1 present, 0 absent, -1 unknown; its columns are `findings`. `taught`: the numbers
    of the columns that are asked and taught, of the 14 and of the `own` findings.
    """

    def __init__(self, folder: Path, split: Split, findings: Sequence[str], own: Collection[str] = ()) -> None:
        self.findings = tuple(findings)
        self.taught = [i for i, key in enumerate(self.findings) if key in BY_KEY or key in own]
        self.labels: np.ndarray = np.load(folder / f"{split}.labels.npy")
        self._starts: np.ndarray = np.load(folder / f"{split}.starts.npy")  # int64, bytes
        self._path = folder / f"{split}.jsonl"

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, number: int) -> Row: ...
    @overload
    def __getitem__(self, number: slice) -> list[Row]: ...
    def __getitem__(self, number: int | slice) -> Row | list[Row]:
        """A row by its number; IndexError beyond the last one."""
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        start = int(self._starts[number])
        with self._path.open("rb") as file:
            file.seek(start)
            return read_row(file.readline().decode(errors=AS_IT_IS))


@dataclass(frozen=True)
class Indexes:
    """The three splits of a data set."""

    train: RowIndex
    val: RowIndex
    test: RowIndex
    notes: tuple[str, ...]  # what was left out and why, one sentence a reason
    counts: Counts
    own_findings: tuple[str, ...]  # keys outside the 14 that are asked and taught; see `choose_own`
    labels: tuple[tuple[str, str, int], ...] = ()  # a label of the data, what it is read as, films; most frequent first


def build_indexes(
    where: str, options: DataOptions, folder: Path, check: Callable[[Indexes], None] | None = None
) -> Indexes:
    """The rows of `where`, indexed in `folder`; they are read again where the data or their options have changed.

    A change is one of a table, a list or a folder's content; Hub data are taken to stay what they were.

    Args:
        check: Refuses rows before they take the place of those that were in the folder.

    Raises:
        CxrError: the data cannot be used, and why; a patient or a film is in two splits; nearly every label is
            a new finding. The folder is as it was.
    """
    mark = fingerprint(where, options, folder)
    if read_record(folder).get("mark") == mark:
        indexes = open_indexes(folder)
        if check:
            check(indexes)
        return indexes
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as name:
        aside = Path(name)
        record = {"mark": mark, **write_splits(where, options, aside)}
        write_whole(aside / INDEX, json.dumps(record, indent=2) + "\n")
        if check:
            check(open_indexes(aside))
        move_files(aside, folder)
    return open_indexes(folder)


def move_files(aside: Path, folder: Path) -> None:
    """Put a whole index in the place of another; what is cut off between leaves none, and never a mixed one."""
    (folder / INDEX).unlink(missing_ok=True)
    for path in sorted(aside.iterdir(), key=lambda path: path.name == INDEX):
        os.replace(path, folder / path.name)


def open_indexes(folder: Path) -> Indexes:
    """What `build_indexes` left in a folder."""
    record = read_record(folder)
    own = tuple(record["own"])
    splits = {split: RowIndex(folder, split, record["findings"], own) for split in SPLITS}
    counts = {split: count_labels(index) for split, index in splits.items()}
    labels = tuple((label, says, films) for label, says, films in json.loads((folder / LABELS).read_text("utf-8")))
    notes = (*record["notes"], *warn(splits, counts))
    return Indexes(**splits, notes=notes, counts=counts, own_findings=own, labels=labels)


def read_record(folder: Path) -> dict[str, Any]:
    """What index.json says; nothing where there is none, or a broken one."""
    return read_json(folder / INDEX)


def count_labels(index: RowIndex) -> dict[str, tuple[int, int, int]]:
    """Films by finding: present, absent, unknown."""
    sums = [(index.labels == value).sum(axis=0).tolist() for value in (1, 0, -1)]
    return dict(zip(index.findings, zip(*sums, strict=True), strict=True))


def warn(splits: dict[Split, RowIndex], counts: Counts) -> Iterator[str]:
    """What one should know of the data before training on them."""
    if not len(splits["val"]):
        yield "No film is kept to validate, so the last checkpoint is taken and not the best."
    for key in BY_KEY:
        present, absent, _ = counts["train"][key]
        if present and not absent:
            yield (
                f"{BY_KEY[key].name}: no training film is known to be without it, so the answer learnt is always yes; "
                "name it in 'absent' or say 'complete' in your own data, or give --blank absent."
            )


def write_splits(where: str, options: DataOptions, folder: Path) -> dict[str, Any]:
    """Streams all rows into their split's files; the rest of index.json."""
    notes, kept = Notes(), 0
    with ExitStack() as stack:
        files = {split: stack.enter_context((folder / f"{split}.jsonl").open("wb")) for split in SPLITS}
        writers = {split: SplitWriter(file) for split, file in files.items()}
        for row in read_rows(where, options, notes):
            if not row.image.is_file():
                notes.count(MISSING, row.image.name)
            elif not (row.truth.present or row.truth.absent or row.report or row.pairs):
                notes.count("films of which nothing is known", row.image.name)
            else:
                writers[row.split].add(row)
                kept += 1
                if kept % SAID_EVERY == 0:
                    logger.info("%d films read", kept)
    if not kept:
        raise CxrError(" ".join((f"{where} holds no film that can be used.", *notes.sentences())))
    findings = sorted({*BY_KEY}.union(*(writer.columns for writer in writers.values())), key=order_finding)
    for split, writer in writers.items():
        writer.save(folder, split, findings)
    own = choose_own(writers["train"], findings, notes)
    labels = [(*named, count) for named, count in notes.labels.most_common()]
    write_whole(folder / LABELS, json.dumps(labels))
    return {"notes": notes.sentences(), "findings": findings, "own": own}


def choose_own(train: "SplitWriter", findings: Sequence[str], notes: Notes) -> list[str]:
    """The findings outside the 14 that are asked and taught; the others are noted, and why."""
    own = []
    for key in findings:
        if key in BY_KEY:
            continue
        if len(train.patients.get(key, ())) < FEWEST:
            notes.count(TOO_FEW, find_finding(key).name)
        elif 0 not in train.columns[key]:
            notes.count(NEVER_ABSENT, find_finding(key).name)
        else:
            own.append(key)
    often = sorted(own, key=lambda key: -train.columns[key].count(1))
    for key in often[MAX_OWN:]:
        notes.count(TOO_MANY, find_finding(key).name)
    return [key for key in own if key in often[:MAX_OWN]]


class SplitWriter:
    """Writes the rows of one split; in memory are only where they begin (8 bytes) and their labels (1 byte each)."""

    def __init__(self, file: BinaryIO) -> None:
        self.columns: dict[str, array[int]] = {}  # labels by finding
        self.patients: dict[str, set[int]] = {}  # who has a finding outside the 14, hashed; not all but enough of them
        self._file = file
        self._strange = 0  # columns of findings of which nobody has heard
        self._starts = array("q")
        self._end = 0

    def add(self, row: Row) -> None:
        """One more row.

        Raises:
            CxrError: there are too many findings.
        """
        known = dict.fromkeys(row.truth.absent, 0) | {item.finding: 1 for item in row.truth.present}
        for key in known.keys() - self.columns.keys():
            self.columns[key] = array("b", [-1]) * len(self._starts)
            self._strange += not find_meaning(key.replace("_", " ")).understood
        if self._strange > MOST_OWN:
            raise CxrError(f"There are more than {MOST_OWN} different labels; are they labels, and not names or texts?")
        for key, column in self.columns.items():
            column.append(known.get(key, -1))
        for key in (item.finding for item in row.truth.present if item.finding not in BY_KEY):
            who = self.patients.setdefault(key, set())
            if len(who) < FEWEST:
                who.add(hash_patient(row.patient))
        self._starts.append(self._end)
        self._end += self._file.write(f"{write_row(row)}\n".encode(errors=AS_IT_IS))

    def save(self, folder: Path, split: Split, findings: Sequence[str]) -> None:
        """The two files that stand beside the rows; labels get one column a finding."""
        labels = np.full((len(self._starts), len(findings)), -1, np.int8)
        for i, key in enumerate(findings):
            if key in self.columns:
                labels[:, i] = self.columns[key]
        np.save(folder / f"{split}.starts.npy", np.array(self._starts, np.int64))
        np.save(folder / f"{split}.labels.npy", labels)
