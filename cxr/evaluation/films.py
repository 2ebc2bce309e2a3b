"""Films with their truth: the open real ones of a `films.csv`, and drawn ones. What is measured is measured on these.

The table has the columns file, source, patient_id, view, sex, age, labels ("A|B"), split (train, val or test, by
patient), licence and origin. What a source does not label is unknown, not absent. Knows nothing about models.
"""

import argparse
import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from cxr.films.film import Film, View
from cxr.films.open import open_film
from cxr.films.phantom import draw_film
from cxr.films.views import read_view
from cxr.findings import BY_KEY, FINDINGS, FROM_KERMANY, FROM_NIH
from cxr.results import Observation

CHESTXRAY14 = "nih_cxr14"
UNLABELLED = frozenset({"hannover_covid19", "vqa_rad"})  # nothing of the 14 findings is said there
DRAWN_SEED = 10_000_000  # drawn films from here on are never trained on


@dataclass(frozen=True)
class RealFilm:
    """One row: a picture file, whose it is, and what is known of it."""

    path: Path
    source: str
    patient: str
    split: str
    view: View | None
    present: frozenset[str]  # finding keys
    absent: frozenset[str]
    sex: str | None = None  # M or F
    age: int | None = None  # years


@dataclass(frozen=True)
class Case:
    """A film in memory with what is known of it; `observations` are exact for drawn films, else None."""

    film: Film
    patient: str
    present: frozenset[str]
    absent: frozenset[str]
    observations: tuple[Observation, ...] | None = None
    name: str = ""  # of the file, to find it again
    report: str = ""  # "Findings: ... Impression: ..."; empty where there is none
    indication: str = ""  # why the film was taken
    pairs: tuple[tuple[str, str], ...] = ()  # questions and answers that came with the data


def read_films(folder: Path, split: str) -> list[RealFilm]:
    """The labelled films of one split, in the order of the table.

    Raises:
        ValueError: a patient stands in two splits, so nothing measured here would be true.
    """
    films = [film for film in list_films(folder, split) if film.source not in UNLABELLED]
    return [film for film in films if film.present or film.absent]


def list_films(folder: Path, split: str) -> list[RealFilm]:
    """All films of one split, labelled or not, in the order of the table.

    A film that lies in two sources has another patient's name in each: of such patients those who have a film to train
    on are left out of the other splits.

    Raises:
        ValueError: a patient stands in two splits, so nothing measured here would be true.
    """
    with (folder / "films.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    splits: dict[str, str] = {}
    for row in rows:
        if splits.setdefault(row["patient_id"], row["split"]) != row["split"]:
            raise ValueError(f"A patient of {row['source']} is in two splits.")
    whose = join_patients(rows)
    trained = {patient for patient, row in zip(whose, rows, strict=True) if row["split"] == "train"}
    return [
        read_row(row, folder / "films")
        for patient, row in zip(whose, rows, strict=True)
        if row["split"] == split and (split == "train" or patient not in trained)
    ]


def join_patients(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """One name for whoever stands behind each row: what follows the source in a file's name is its film's own name."""
    first: dict[str, str] = {}  # patient -> an earlier patient who is the same
    films: dict[str, str] = {}  # film -> the patient of its first row

    def find(patient: str) -> str:
        while patient in first:
            patient = first[patient]
        return patient

    for row in rows:
        patient = find(row["patient_id"])
        known = find(films.setdefault(row["file"].partition("__")[2] or row["file"], patient))
        if known != patient:
            first[patient] = known
    return [find(row["patient_id"]) for row in rows]


def read_row(row: dict[str, str], folder: Path) -> RealFilm:
    """What one row says: every finding for ChestX-ray14, pneumonia alone for the other sources."""
    labels = {label for label in row["labels"].split("|") if label}
    if row["source"] == CHESTXRAY14:
        present = {FROM_NIH[label] for label in labels & set(FROM_NIH)}
        absent = set(BY_KEY) - present if labels else set()
    else:
        present = {FROM_KERMANY[label] for label in labels & set(FROM_KERMANY)}
        absent = {"pneumonia"} if "No Finding" in labels else set()
    return RealFilm(
        folder / row["file"],
        row["source"],
        row["patient_id"],
        row["split"],
        read_view(row["view"]),
        frozenset(present),
        frozenset(absent),
        row["sex"] if row["sex"] in ("M", "F") else None,
        int(row["age"]) if row["age"].isdigit() and int(row["age"]) <= 120 else None,
    )


def open_cases(films: list[RealFilm]) -> Iterator[Case]:
    """The films, opened one by one."""
    for film in films:
        yield Case(open_film(film.path), film.patient, film.present, film.absent)


def draw_cases(count: int, first: int = DRAWN_SEED, size: int = 512) -> Iterator[Case]:
    """Drawn films of `size` px and any view that no model of ours was trained on; each is a patient of its own."""
    for seed in range(first, first + count):
        drawn = draw_film(seed, size=size)
        present = frozenset(item.finding for item in drawn.observations)
        absent = frozenset(finding.key for finding in FINDINGS) - present
        yield Case(drawn.film, f"drawn:{seed}", present, absent, drawn.observations)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say on which films to measure; `choose_cases` reads them."""
    parser.add_argument("--films", type=Path, help="folder of films.csv")
    parser.add_argument("--split", choices=["train", "val", "test"], default="val")
    parser.add_argument("--source", help="one source of films.csv alone, for instance nih_cxr14")
    parser.add_argument("--drawn", type=int, default=0, help="how many drawn films")


def choose_cases(options: argparse.Namespace) -> Iterator[Case]:
    """The real films that the options ask for, then the drawn ones."""
    real = read_films(options.films, options.split) if options.films else []
    return chain(
        open_cases([film for film in real if options.source in (None, film.source)]), draw_cases(options.drawn)
    )
