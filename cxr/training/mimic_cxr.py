"""MIMIC-CXR and MIMIC-CXR-JPG as PhysioNet lays them out become rows: frontal films with labels and reports.

    files/p10/p10000032/s50414267/*.jpg or *.dcm        films
    files/p10/p10000032/s50414267.txt                   reports, also below mimic-cxr-reports/
    mimic-cxr-2.0.0-{split,metadata,chexpert,negbio}.csv.gz     also another version, or unpacked

The tables are joined in a temporary SQLite file, so that a million rows never sit in memory. CheXpert's labels (Irvin
et al., AAAI 2019) come first, NegBio's where a study has none. A finding that neither labels (mass, nodule, ...) is
unknown. Knows nothing about models.
"""

import json
import sqlite3
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from cxr.films.views import read_projection
from cxr.results import CxrError
from cxr.training.data import MISSING, DataOptions, Notes
from cxr.training.film_labels import is_column
from cxr.training.mimic_labels import note_labels, read_truth
from cxr.training.rows import Row, Split
from cxr.training.sections import clean_indication, parse_sections, write_target
from cxr.training.tables import Cells, is_missing, read_table

SPLITS: dict[str, Split] = {"train": "train", "validate": "val", "test": "test"}
IDS = ("subject_id", "study_id")
CODES = "ViewCodeSequence_CodeMeaning"
MAX_REPORT = 200_000  # bytes; a report has a few thousand

SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE film (subject TEXT, study TEXT, dicom TEXT, split TEXT, PRIMARY KEY (subject, study, dicom)) WITHOUT ROWID;
CREATE TABLE view (dicom TEXT PRIMARY KEY, view TEXT) WITHOUT ROWID;
CREATE TABLE label (study TEXT PRIMARY KEY, labels TEXT) WITHOUT ROWID;
"""
JOIN = """
SELECT film.subject, film.study, film.dicom, film.split, view.view, label.labels
FROM film LEFT JOIN view USING (dicom) LEFT JOIN label USING (study) ORDER BY film.subject, film.study, film.dicom
"""


class Film(NamedTuple):
    """One film of the joined tables."""

    subject: str
    study: str
    dicom: str
    split: str
    view: str | None
    labels: str | None  # JSON: CheXpert's label -> "1.0", "0.0" or "-1.0"; None where the study has no labels

    def locate(self, root: Path) -> Path:
        """The film's file in a tree of films, without its ending."""
        return locate_study(self, root) / self.dicom


def read_mimic(folder: Path, options: DataOptions, notes: Notes) -> Iterator[Row]:
    """The frontal films of MIMIC-CXR, by patient and study.

    Args:
        folder: Where the tables and `files` lie.
        options: `uncertain` says what a label of -1 means, `blank` an empty one.
        notes: Gets what is left out: other views, missing films and reports, reports without findings or impression.

    Raises:
        CxrError: the split, the views, or both labels and reports are missing; or nothing can be used.
    """
    count = 0
    with tempfile.TemporaryDirectory(prefix="cxr-") as scratch, closing(join_tables(folder, Path(scratch))) as films:
        for film in films:
            row = build_row(film, folder, options, notes)
            if row:
                count += 1
                yield row
    if not count:
        raise CxrError(" ".join((f"{folder} holds no frontal film that can be used.", *notes.sentences())))


def build_row(film: Film, folder: Path, options: DataOptions, notes: Notes) -> Row | None:
    """One film as a row; None, and a note, where it cannot be one."""
    seen, split = read_projection(film.view or ""), SPLITS.get(film.split)
    view = seen.view if seen.view in ("PA", "AP") and seen.position is None else None
    name = f"{film.dicom} of study {film.study}"
    if view is None or split is None:
        reason = "films whose split is not train, validate or test"
        notes.count("films that are no PA or AP view" if view is None else reason, name)
        return None
    image = find_image(film, folder)
    if image is None:
        notes.count(MISSING, name)
        return None
    report, indication = read_report(film, folder, notes)
    labels = json.loads(film.labels) if film.labels else {}
    truth = read_truth(labels, view, options)
    if not (truth.known or report):
        notes.count("films of which neither a label nor a report says anything", name)
        return None
    note_labels(labels, f"study {film.study}", notes)
    return Row(image, film.subject, split, truth, report, indication)


# --- files ----------------------------------------------------------------------------------------------------------


def locate_study(film: Film, root: Path) -> Path:
    """The folder of a study in a tree of films; its report is beside it, with the ending ".txt"."""
    return root / f"p{film.subject[:2]}" / f"p{film.subject}" / f"s{film.study}"


def find_image(film: Film, folder: Path) -> Path | None:
    """The film's file; a JPEG is preferred, for it is read sooner."""
    path = film.locate(folder / "files")
    return next((found for ending in (".jpg", ".dcm") if (found := path.with_name(path.name + ending)).is_file()), None)


def read_report(film: Film, folder: Path, notes: Notes) -> tuple[str, str]:
    """The study's report as a target and why the film was taken; empty, and a note, where there is nothing to learn."""
    trees = [folder / tree for tree in ("files", "mimic-cxr-reports/files", "mimic-cxr-reports")]
    paths = [locate_study(film, tree).with_suffix(".txt") for tree in trees]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        notes.count("films without a report", f"study {film.study}")
        return "", ""
    with path.open("rb") as file:
        sections = parse_sections(file.read(MAX_REPORT).decode("utf-8", "replace"))
    report = write_target(sections)
    if not report:
        empty = not (sections.findings or sections.impression)
        why = "has neither findings nor impression" if empty else "only compares with earlier films"
        notes.count(f"films whose report {why}", f"study {film.study}")
    return report, clean_indication(sections.indication)


# --- tables ---------------------------------------------------------------------------------------------------------


def join_tables(folder: Path, scratch: Path) -> Generator[Film, None, None]:
    """The films of all tables, ordered by patient, study and film; the join lies in a file in `scratch`.

    Raises:
        CxrError: a table is missing or damaged, or the disk is full.
    """
    try:
        yield from _join(folder, scratch)
    except sqlite3.OperationalError as error:
        raise CxrError(
            f"The tables cannot be joined in {scratch.parent}: {error}; TMPDIR names another place."
        ) from None


def _join(folder: Path, scratch: Path) -> Generator[Film, None, None]:
    with closing(sqlite3.connect(scratch / "mimic.sqlite")) as base:
        base.executescript(SCHEMA)
        splits = read_columns(folder, "split", ("dicom_id", *IDS, "split"))
        base.executemany(
            "INSERT OR REPLACE INTO film VALUES (:subject_id, :study_id, :dicom_id, :split)", map(_strip, splits)
        )
        views = read_columns(folder, "metadata", ("dicom_id", "ViewPosition"), (CODES,))
        base.executemany(
            "INSERT OR REPLACE INTO view VALUES (?, ?)", ((row["dicom_id"], _find_view(row)) for row in views)
        )
        for source in ("chexpert", "negbio"):
            if find_table(folder, source):
                studies = read_columns(folder, source, IDS)
                base.executemany("INSERT OR IGNORE INTO label VALUES (?, ?)", map(_keep_labels, studies))
        yield from map(Film._make, base.execute(JOIN))


def find_table(folder: Path, name: str) -> Path | None:
    """The table of that name, of whatever version; the newest where there are several."""
    found = [path for ending in ("csv", "csv.gz") for path in folder.glob(f"mimic-cxr-*-{name}.{ending}")]
    return max(found, key=lambda path: path.name.removesuffix(".gz"), default=None)


def read_columns(folder: Path, name: str, columns: Sequence[str], known: Sequence[str] = ()) -> Iterator[Cells]:
    """The rows of a table, one by one.

    Raises:
        CxrError: it is missing, lacks one of these columns or is damaged.
    """
    path = find_table(folder, name)
    if path is None:
        raise CxrError(f"{folder} lacks mimic-cxr-2.0.0-{name}.csv.gz, which comes with MIMIC-CXR-JPG.")
    for line, row in read_table(path, columns, known):
        if row is None:
            raise CxrError(f"{path.name} was not copied whole: its line {line} is cut off.")
        yield row


def name_id(value: str) -> str:
    """A number of a patient or a study, which a program may have saved as "10000032.0"."""
    return value.removesuffix(".0")


def _strip(row: Cells) -> dict[str, str]:
    return {name: name_id(row[name]) for name in ("subject_id", "study_id", "dicom_id", "split")}


def _find_view(row: Cells) -> str:
    """The view; where it is not told, what the codes say of it."""
    told = row["ViewPosition"]
    return row.get(CODES, "") if is_missing(told) else told


def _keep_labels(row: Cells) -> tuple[str, str]:
    """A study and its labels; other columns, an index for one, are none."""
    labels = {name: "" if is_missing(value) else value for name, value in row.items() if is_column(name)}
    return name_id(row["study_id"]), json.dumps(labels)
