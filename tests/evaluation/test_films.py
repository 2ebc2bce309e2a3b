"""What is known of real and drawn films, and on which side of a split they stand."""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr.evaluation.films import (
    CHESTXRAY14,
    DRAWN_SEED,
    UNLABELLED,
    RealFilm,
    add_options,
    choose_cases,
    draw_cases,
    list_films,
    read_films,
    read_row,
)
from cxr.films.phantom import draw_film
from cxr.findings import BY_KEY, FROM_NIH
from tests.data import DATA, needs_data

COLUMNS = ("file", "source", "patient_id", "view", "sex", "age", "labels", "report", "split", "licence", "origin")


def row(source: str, labels: str, **more: str) -> dict[str, str]:
    return (
        dict.fromkeys(COLUMNS, "")
        | {
            "file": "a.png",
            "source": source,
            "patient_id": "p1",
            "view": "PA",
            "labels": labels,
            "split": "val",
        }
        | more
    )


def write_table(folder: Path, *rows: dict[str, str]) -> Path:
    (folder / "films").mkdir()
    with (folder / "films.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    for each in rows:
        Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (300, 1))).save(folder / "films" / each["file"])
    return folder


def know(source: str, labels: str) -> tuple[set[str], set[str]]:
    film = read_row(row(source, labels), Path("films"))
    return set(film.present), set(film.absent)


def test_chestxray14_knows_all_fourteen() -> None:
    present, absent = know(CHESTXRAY14, "Effusion|Pleural_Thickening")
    assert present == {"effusion", "pleural_thickening"} and absent == set(BY_KEY) - present
    assert know(CHESTXRAY14, "No Finding") == (set(), set(BY_KEY))
    assert len(FROM_NIH) == 14


def test_a_label_that_a_source_does_not_give_is_unknown() -> None:
    assert know("kermany_pediatric", "Pneumonia") == ({"pneumonia"}, set())
    assert know("kermany_pediatric", "No Finding") == (set(), {"pneumonia"})
    assert know("covid_ieee8023", "Pneumonia|COVID-19") == ({"pneumonia"}, set())
    assert know("covid_ieee8023", "COVID-19") == (set(), set())
    assert know(CHESTXRAY14, "") == (set(), set())


def test_a_split_holds_its_labelled_films_in_order(tmp_path: Path) -> None:
    folder = write_table(
        tmp_path,
        row(CHESTXRAY14, "Mass", file="b.png"),
        row(CHESTXRAY14, "No Finding", file="a.png", patient_id="p2"),
        row(CHESTXRAY14, "Mass", file="c.png", patient_id="p3", split="train"),
        row("vqa_rad", "Mass", file="d.png", patient_id="p4"),
        row("covid_ieee8023", "", file="e.png", patient_id="p5"),
    )
    assert [film.path.name for film in read_films(folder, "val")] == ["b.png", "a.png"]
    assert [film.patient for film in read_films(folder, "train")] == ["p3"]


@pytest.mark.parametrize("asked", ["train", "val", "test"])
def test_a_patient_on_two_sides_is_refused_whichever_is_asked(tmp_path: Path, asked: str) -> None:
    folder = write_table(tmp_path, row(CHESTXRAY14, "Mass"), row("hannover_covid19", "", file="b.png", split="train"))
    with pytest.raises(ValueError, match="two splits"):
        read_films(folder, asked)


@needs_data
def test_no_real_patient_is_on_two_sides() -> None:
    sides: defaultdict[str, set[str]] = defaultdict(set)
    with (DATA / "films.csv").open(encoding="utf-8", newline="") as file:
        for each in csv.DictReader(file):
            sides[each["patient_id"]].add(each["split"])
    assert len(sides) > 500 and {len(splits) for splits in sides.values()} == {1}


@needs_data
def test_the_three_sides_of_the_real_films_share_no_picture() -> None:
    films = {split: read_films(DATA, split) for split in ("train", "val", "test")}
    assert all(film.split == split for split, those in films.items() for film in those)
    everything: list[RealFilm] = [film for those in films.values() for film in those]
    pictures = {film.path.read_bytes() for film in everything}
    assert len(pictures) == len({film.path for film in everything}) == len(everything) > 1500
    assert not {film.source for film in everything} & UNLABELLED


def test_drawn_cases_tell_the_truth_and_are_patients_of_their_own() -> None:
    cases = list(draw_cases(4, size=128))
    assert [case.patient for case in cases] == [f"drawn:{DRAWN_SEED + i}" for i in range(4)]
    for i, case in enumerate(cases):
        drawn = draw_film(DRAWN_SEED + i, size=128)
        np.testing.assert_array_equal(case.film.pixels, drawn.film.pixels)
        assert case.observations == drawn.observations
        assert case.present == {item.finding for item in drawn.observations}
        assert case.present | case.absent == set(BY_KEY) and not case.present & case.absent


def test_options_choose_the_films(tmp_path: Path) -> None:
    folder = write_table(
        tmp_path,
        row(CHESTXRAY14, "Mass"),
        row("kermany_pediatric", "Pneumonia", file="b.png", patient_id="p2"),
    )
    parser = argparse.ArgumentParser()
    add_options(parser)

    def choose(*words: str) -> list[str]:
        return [case.patient for case in choose_cases(parser.parse_args(words))]

    assert choose("--films", str(folder)) == ["p1", "p2"]
    assert choose("--films", str(folder), "--source", "kermany_pediatric", "--drawn", "1") == [
        "p2",
        f"drawn:{DRAWN_SEED}",
    ]
    assert choose("--films", str(folder), "--split", "test") == [] and choose() == []


def test_a_film_in_two_sources_has_one_patient_who_is_on_one_side(tmp_path: Path) -> None:
    head = "file,source,patient_id,view,sex,age,labels,report,split,licence,origin"
    rows = [
        ("a__1.jpg", "a:1", "train"),
        ("a__2.jpg", "a:2", "val"),
        ("b__1.jpg", "b:1", "test"),
        ("b__3.jpg", "b:1", "test"),
    ]
    lines = [f"{name},x,{patient},PA,,,No Finding,,{split},," for name, patient, split in rows]
    (tmp_path / "films.csv").write_text("\n".join([head, *lines]))
    assert [film.path.name for film in list_films(tmp_path, "train")] == ["a__1.jpg"]
    assert [film.path.name for film in list_films(tmp_path, "val")] == ["a__2.jpg"]
    assert list_films(tmp_path, "test") == []


@needs_data
def test_no_film_to_measure_on_is_one_that_another_source_trains_on() -> None:
    trained = {film.path.name.partition("__")[2] for film in list_films(DATA, "train")}
    others = [film.path.name.partition("__")[2] for split in ("val", "test") for film in list_films(DATA, split)]
    assert len(others) > 600 and not trained & {*others}
