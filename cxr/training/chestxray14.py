"""ChestX-ray14 as the NIH Clinical Center gives it away becomes rows.

The folder holds Data_Entry_2017*.csv, train_val_list.txt, test_list.txt, BBox_List_2017.csv and the pictures below
images or images_001 to images_012. Both tables are read by position: the brackets of their headers hold commas that
nobody quoted. Labels were mined from reports (Wang et al., CVPR 2017), all 14 for every film; boxes were drawn by a
radiologist. Knows nothing about models.
"""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cxr.films.views import read_view
from cxr.findings import BY_KEY, read_label
from cxr.results import CxrError, Observation, Side, Zone
from cxr.training.data import MISSING, DataOptions, Notes, hash_patient
from cxr.training.rows import Row, Split
from cxr.training.truth import Truth

NAME, LABELS, PATIENT, VIEW = 0, 1, 3, 6  # columns of Data_Entry_2017*.csv
ONE_IN = 10  # of the patients of train_val_list.txt is kept to validate
BOX_SIDE = 1024  # px of the picture on which boxes were drawn
MIDLINE, UPPER, LOWER = 0.5, 0.35, 0.6  # shares of the picture; zones are thirds of lungs from about 0.1 to 0.85
INSIDE = 0.75  # share of a box that must lie on a side or in a zone for it to be said

Box = tuple[str, float, float, float, float]  # finding key; left, top, right, bottom as shares of the picture


@dataclass(frozen=True)
class Release:
    """What is held in memory of the folder beside the one line being read."""

    folder: Path
    table: Path
    pictures: dict[str, str]  # file name -> the folder it is in
    train_val: frozenset[str]  # file names
    test: frozenset[str]
    boxes: dict[str, list[Box]]  # by file name


def read_chestxray14(folder: Path, options: DataOptions, notes: Notes) -> Iterator[Row]:
    """The films of a folder as downloaded, in the order of its table. A film that is not there is counted.

    The films of test_list.txt are the test split; of the other patients a tenth, always the same, is kept to validate.

    Raises:
        CxrError: a list is missing, the lists share a film, or not one picture is there.
    """
    release = open_release(folder, notes)
    found = False
    for line, fields in read_table(release.table):
        row = read_line(fields, f"line {line}", release, notes)
        if row is not None:
            found = True
            yield row
    if not found:
        raise CxrError(
            " ".join((f"Not one film of {release.table.name} can be used below {folder}/images*.", *notes.sentences()))
        )


def open_release(folder: Path, notes: Notes) -> Release:
    """Everything but the table.

    Raises:
        CxrError: a list is missing, or the lists share a film.
    """
    train_val, test = (read_list(folder / name) for name in ("train_val_list.txt", "test_list.txt"))
    if both := train_val & test:
        raise CxrError(f"train_val_list.txt and test_list.txt share {len(both)} films, {min(both)} for one.")
    tables = sorted(folder.glob("Data_Entry_2017*.csv"))
    if not tables:
        raise CxrError(f"{folder} holds no Data_Entry_2017*.csv.")
    boxes = folder / "BBox_List_2017.csv"
    # The 2020 edition of the table, which sorts last, corrects the first.
    return Release(
        folder, tables[-1], find_pictures(folder), train_val, test, read_boxes(boxes, notes) if boxes.is_file() else {}
    )


def read_list(path: Path) -> frozenset[str]:
    """The file names of a split, one a line.

    Raises:
        CxrError: there is no such list, or it is no text; without it films of test patients would be trained on.
    """
    if not path.is_file():
        raise CxrError(f"{path.name} is missing in {path.parent}; it comes with ChestX-ray14 and says who is tested.")
    try:
        return frozenset(path.read_text(encoding="utf-8-sig").split())
    except UnicodeDecodeError:
        raise CxrError(f"{path.name} is no text in UTF-8; download it again.") from None


def find_pictures(folder: Path) -> dict[str, str]:
    """Where each picture below images*/ lies: file name -> folder."""
    where: dict[str, str] = {}
    for top in sorted(folder.glob("images*")):
        for path, below, names in os.walk(top, followlinks=True):
            below.sort()
            for name in names:
                where.setdefault(name, path)
    return where


def read_table(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines after the header with their numbers, from 2 on.

    Raises:
        CxrError: it is no table.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file)
        try:
            next(lines, None)
            for fields in filter(None, lines):
                yield lines.line_num, fields
        except (csv.Error, UnicodeDecodeError) as error:
            raise CxrError(f"{path.name} is no table from line {lines.line_num + 1} on; download it again.") from error


def read_line(fields: list[str], line: str, release: Release, notes: Notes) -> Row | None:
    """The row of one line; None, and a note, where it cannot be used."""
    if len(fields) <= VIEW or not fields[PATIENT].strip():
        notes.count("a line of the table that is cut off", line)
        return None
    name, patient = fields[NAME].strip(), fields[PATIENT].strip()
    split = choose_split(name, patient, release)
    if split is None:
        notes.count("films in neither train_val_list.txt nor test_list.txt", name)
        return None
    if name not in release.pictures:
        notes.count(MISSING, name)
        return None
    try:
        present = {key for key in map(read_label, fields[LABELS].split("|")) if key is not None}
    except ValueError:
        notes.count("films whose label cannot be read", name)
        return None
    boxes = release.boxes.get(name, [])
    if any(box[0] not in present for box in boxes):
        notes.count("films with a box for a finding that their labels lack", name)
    seen = tuple(place_finding(key, boxes) for key in sorted(present))
    truth = Truth(seen, frozenset(BY_KEY) - present, read_view(fields[VIEW]))
    return Row(Path(release.pictures[name]) / name, patient, split, truth)


def choose_split(name: str, patient: str, release: Release) -> Split | None:
    """Test by the official list; of the other patients a tenth to validate; None for a film in neither list."""
    if name in release.test:
        return "test"
    if name not in release.train_val:
        return None
    return "val" if hash_patient(patient) % ONE_IN == 0 else "train"


def read_boxes(path: Path, notes: Notes) -> dict[str, list[Box]]:
    """The boxes of every film that has some; x, y, w, h in the table are px of a picture of 1024."""
    boxes: dict[str, list[Box]] = {}
    for line, fields in read_table(path):
        try:
            key = read_label(fields[1])
            left, top, width, height = (float(value) / BOX_SIDE for value in fields[2:6])
        except (ValueError, IndexError):
            notes.count("boxes that cannot be read", f"line {line}")
            continue
        if key is not None:
            boxes.setdefault(fields[0], []).append((key, left, top, left + width, top + height))
    return boxes


def place_finding(key: str, boxes: list[Box]) -> Observation:
    """A present finding with the side and zone that its boxes agree on; no box, or one across the middle: not said.

    The patient's left is on the right of the picture.
    """
    own = [box for box in boxes if box[0] == key]
    if not own or key not in BY_KEY or not BY_KEY[key].sided:
        return Observation(key)
    sides: set[Side | None] = {find_side(box) for box in own}
    zones = {find_zone(box) for box in own}
    side: Side | None = "both" if sides == {"left", "right"} else sides.pop() if len(sides) == 1 else None
    return Observation(key, side, zones.pop() if len(zones) == 1 else None)


def find_side(box: Box) -> Side | None:
    """The patient's side on which nearly all of a box lies."""
    _, left, _, right, _ = box
    if overlap(left, right, 0, MIDLINE) >= INSIDE:
        return "right"
    return "left" if overlap(left, right, MIDLINE, 1) >= INSIDE else None


def find_zone(box: Box) -> Zone | None:
    """The zone in which nearly all of a box lies."""
    _, _, top, _, bottom = box
    zones: tuple[tuple[Zone, float, float], ...] = (("upper", 0, UPPER), ("mid", UPPER, LOWER), ("lower", LOWER, 1))
    return next((zone for zone, first, last in zones if overlap(top, bottom, first, last) >= INSIDE), None)


def overlap(start: float, end: float, first: float, last: float) -> float:
    """The share of start..end that lies in first..last, 0..1."""
    return max(0.0, min(end, last) - max(start, first)) / max(end - start, 1e-9)
