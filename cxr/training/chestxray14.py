"""ChestX-ray14 as the NIH Clinical Center gives it away becomes rows.

The folder holds Data_Entry_2017*.csv, train_val_list.txt, test_list.txt, BBox_List_2017.csv and the pictures below
images or images_001 to images_012. The brackets of both headers hold commas that nobody quoted, so that each part of
one is a column. Labels were mined from reports (Wang et al., CVPR 2017), all 14 for every film; boxes were drawn by a
radiologist. Knows nothing about models.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cxr.films.views import read_view
from cxr.findings import BY_KEY
from cxr.results import CxrError, Observation, Side, Zone
from cxr.training.data import MISSING, DataOptions, Notes, hash_patient
from cxr.training.film_labels import read_findings
from cxr.training.film_objects import name_patient
from cxr.training.label_reading import read_said
from cxr.training.remarks import hear_labels
from cxr.training.rows import Row, Split
from cxr.training.tables import Cells, is_missing, read_table
from cxr.training.truth import Truth

NAME, LABELS, PATIENT, VIEW = "Image Index", "Finding Labels", "Patient ID", "View Position"  # of Data_Entry_2017*.csv
LABEL, LEFT, REST = "Finding Label", "Bbox [x", ("y", "w", "h]")  # columns of BBox_List_2017.csv
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
    for line, cells in read_table(release.table, (NAME, LABELS, PATIENT), (VIEW,)):
        row = read_line(cells, f"line {line}", release, options, notes)
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
        return frozenset(map(name_file, path.read_text(encoding="utf-8-sig").split()))
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


def read_line(cells: Cells | None, line: str, release: Release, options: DataOptions, notes: Notes) -> Row | None:
    """The row of one line; None, and a note, where it cannot be used."""
    patient = name_patient(cells[PATIENT]) if cells else ""
    if not cells or not patient or is_missing(patient):
        notes.count("a line of the table that is cut off", line)
        return None
    name = name_file(cells[NAME])
    split = choose_split(name, patient, release)
    if split is None:
        notes.count("films in neither train_val_list.txt nor test_list.txt", name)
        return None
    if name not in release.pictures:
        notes.count(MISSING, name)
        return None
    label = {} if is_missing(cells[LABELS]) else {"label": cells[LABELS]}
    if not label:
        notes.count("films without a label", name)
        return None
    try:  # all 14 were looked for in every report
        present, absent, _ = read_findings({**label, "complete": True}, (), options)
    except CxrError as error:
        notes.count(str(error), name)
        return None
    hear_labels(label, notes)
    keys = {item.finding for item in present}
    boxes = release.boxes.get(name, [])
    if any(box[0] not in keys for box in boxes):
        notes.count("films with a box for a finding that their labels lack", name)
    seen = tuple(place_finding(item.finding, boxes) if boxes else item for item in present)
    return Row(Path(release.pictures[name]) / name, patient, split, Truth(seen, absent, read_view(cells.get(VIEW, ""))))


def name_file(path: str) -> str:
    """The file's name in a path, whichever system wrote it."""
    return path.replace("\\", "/").rpartition("/")[2].strip()


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
    for line, cells in read_table(path, (NAME, LABEL, *REST), (LEFT,)):
        try:
            found = read_box(cells or {})
        except (ValueError, KeyError):
            notes.count("boxes that cannot be read", f"line {line}")
            continue
        boxes.setdefault(name_file((cells or {})[NAME]), []).extend(found)
    return boxes


def read_box(cells: Cells) -> list[Box]:
    """The box of each finding that one line names. KeyError or ValueError: a cell is missing or no number."""
    edges = [cells[name] for name in (LEFT if LEFT in cells else "x", *REST)]
    left, top, width, height = (float(edge.replace(",", ".")) / BOX_SIDE for edge in edges)
    said = read_said(cells[LABEL])
    return [(item.finding, left, top, left + width, top + height) for item in said.present]


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
