"""ChestX-ray14 as downloaded: labels, splits by patient, places from boxes, and what is said of what is missing."""

from pathlib import Path

import pytest

from cxr.films.film import to_image
from cxr.findings import BY_KEY
from cxr.results import CxrError, Observation
from cxr.training.chestxray14 import place_finding, read_chestxray14
from cxr.training.data import DataOptions, Notes
from cxr.training.rows import Row
from tests.data import DATA, needs_data
from tests.tiny import noise_film

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
BOXES = "Image Index,Finding Label,Bbox [x,y,w,h],,,"
PLACES = ("images_001/images", "images_012/images")


def make_release(
    folder: Path, films: dict[str, tuple[str, str, str]], test: set[str], boxes: tuple[str, ...] = ()
) -> Path:
    """The official layout. `films`: name -> labels, patient, view; every film has its picture."""
    lines = [
        f"{name},{labels},0,{patient},57,M,{view},2682,2749,0.143,0.143"
        for name, (labels, patient, view) in films.items()
    ]
    (folder / "Data_Entry_2017_v2020.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    (folder / "BBox_List_2017.csv").write_text("\n".join([BOXES, *boxes]) + "\n")
    (folder / "test_list.txt").write_text("\n".join(sorted(test)))
    (folder / "train_val_list.txt").write_text("\n".join(name for name in films if name not in test) + "\n")
    for i, name in enumerate(films):
        place = folder / PLACES[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        to_image(noise_film()).save(place / name)
    return folder


def read(folder: Path, notes: Notes | None = None) -> list[Row]:
    return list(read_chestxray14(folder, DataOptions(), notes or Notes()))


FILMS = {
    "00000001_000.png": ("Cardiomegaly|Pleural_Thickening", "1", "PA"),
    "00000002_000.png": ("No Finding", "2", "AP"),
    "00000003_000.png": ("Infiltration|Mass", "3", "PA"),
}


def test_labels_views_and_splits_are_read_by_position(tmp_path: Path) -> None:
    heart, nothing, mass = read(make_release(tmp_path, FILMS, {"00000003_000.png"}))
    assert [item.finding for item in heart.truth.present] == ["cardiomegaly", "pleural_thickening"]
    assert heart.truth.absent == set(BY_KEY) - {"cardiomegaly", "pleural_thickening"}
    assert nothing.truth.present == () and nothing.truth.absent == set(BY_KEY)
    assert [row.truth.view for row in (heart, nothing, mass)] == ["PA", "AP", "PA"]
    assert [row.patient for row in (heart, nothing, mass)] == ["1", "2", "3"]
    assert mass.split == "test" and nothing.split != "test"
    assert all(row.image.is_file() for row in (heart, nothing, mass))
    assert heart.image.parent == tmp_path / PLACES[0] and nothing.image.parent == tmp_path / PLACES[1]


def test_the_2020_table_is_preferred_to_the_first(tmp_path: Path) -> None:
    folder = make_release(tmp_path, FILMS, set())
    newer = (folder / "Data_Entry_2017_v2020.csv").read_text()
    (folder / "Data_Entry_2017.csv").write_text(newer.replace("Cardiomegaly", "Hernia"))
    assert read(folder)[0].truth.find("cardiomegaly")


def test_about_a_tenth_of_the_patients_validates_and_all_films_of_a_patient_go_together(tmp_path: Path) -> None:
    films = {f"{patient:08}_{n:03}.png": ("Mass", str(patient), "PA") for patient in range(150) for n in range(2)}
    rows = read(make_release(tmp_path, films, set()))
    splits = {row.patient: {other.split for other in rows if other.patient == row.patient} for row in rows}
    assert all(len(found) == 1 for found in splits.values())
    assert 5 <= sum(found == {"val"} for found in splits.values()) <= 27
    assert splits["0"] | splits["1"] <= {"train", "val"}
    assert [row.split for row in rows] == [row.split for row in read(tmp_path)]


def test_a_box_gives_side_and_zone_and_infiltrate_is_infiltration(tmp_path: Path) -> None:
    boxes = (
        "00000003_000.png,Infiltrate,650.0,100.5,200.25,180.0",  # on the right of the picture: the patient's left
        "00000003_000.png,Mass,150,700,100,100",
        "00000001_000.png,Cardiomegaly,300,500,450,400",
    )
    heart, _, mass = read(make_release(tmp_path, FILMS, {"00000003_000.png"}, boxes))
    assert set(mass.truth.present) == {
        Observation("infiltration", "left", "upper"),
        Observation("mass", "right", "lower"),
    }
    assert heart.truth.find("cardiomegaly") == Observation("cardiomegaly")  # a heart has no side
    assert not mass.truth.placed  # the places of other films are unknown


def test_boxes_say_no_more_than_they_agree_on() -> None:
    left, right = ("effusion", 0.7, 0.7, 0.9, 0.8), ("effusion", 0.1, 0.4, 0.3, 0.5)
    assert place_finding("effusion", [left, right]) == Observation("effusion", "both", None)
    assert place_finding("effusion", [("effusion", 0.3, 0.2, 0.8, 0.8)]) == Observation("effusion")
    assert place_finding("nodule", [left]) == Observation("nodule")


def test_missing_pictures_are_counted_and_the_first_three_named(tmp_path: Path) -> None:
    films = {f"{n:08}_000.png": ("No Finding", str(n), "PA") for n in range(6)}
    folder, notes = make_release(tmp_path, films, set()), Notes()
    for n in range(5):
        next(folder.glob(f"images*/images/{n:08}_000.png")).unlink()
    assert [row.patient for row in read(folder, notes)] == ["5"]
    assert notes.sentences() == (
        "Films whose picture is missing: 5 (00000000_000.png, 00000001_000.png, 00000002_000.png, ...).",
    )


def test_without_any_picture_it_says_so(tmp_path: Path) -> None:
    folder = make_release(tmp_path, FILMS, set())
    for picture in folder.glob("images*/images/*"):
        picture.unlink()
    with pytest.raises(CxrError, match=r"Not one film .* 3 \(00000001_000.png"):
        read(folder)


@pytest.mark.parametrize("name", ["test_list.txt", "train_val_list.txt"])
def test_a_missing_list_is_refused_because_test_patients_would_be_trained_on(tmp_path: Path, name: str) -> None:
    folder = make_release(tmp_path, FILMS, set())
    (folder / name).unlink()
    with pytest.raises(CxrError, match=f"{name} is missing"):
        read(folder)


def test_a_list_with_a_byte_order_mark_is_read_and_one_in_utf_16_refused(tmp_path: Path) -> None:
    folder = make_release(tmp_path, FILMS, {"00000003_000.png"})
    path = folder / "test_list.txt"
    path.write_text("00000003_000.png\n", encoding="utf-8-sig")
    assert [row.split for row in read(folder)].count("test") == 1
    path.write_text("00000003_000.png\n", encoding="utf-16")
    with pytest.raises(CxrError, match=r"test_list.txt is no text in UTF-8"):
        read(folder)


def test_lists_that_share_a_film_are_refused(tmp_path: Path) -> None:
    folder = make_release(tmp_path, FILMS, {"00000003_000.png"})
    (folder / "train_val_list.txt").write_text("00000001_000.png\n00000003_000.png")
    with pytest.raises(CxrError, match=r"share 1 films, 00000003_000.png"):
        read(folder)


def test_lines_that_cannot_be_used_are_counted_and_not_fatal(tmp_path: Path) -> None:
    folder, notes = (
        make_release(tmp_path, FILMS, set(), ("00000001_000.png,Mass,1,2", "00000002_000.png,Mass,1,2,3,4")),
        Notes(),
    )
    with (folder / "Data_Entry_2017_v2020.csv").open("a") as file:
        file.write("00000009_000.png,Mass\n00000008_000.png,Mass,0,8,1,M,PA,1,1,1,1\n")
    (folder / "train_val_list.txt").write_text("\n".join(FILMS))
    assert len(read(folder, notes)) == 3
    assert notes.sentences() == (
        "Boxes that cannot be read: 1 (line 2).",
        "Films with a box for a finding that their labels lack: 1 (00000002_000.png).",
        "A line of the table that is cut off: 1 (line 5).",
        "Films in neither train_val_list.txt nor test_list.txt: 1 (00000008_000.png).",
    )


def test_a_picture_in_place_of_the_table_is_refused_in_a_sentence(tmp_path: Path) -> None:
    folder = make_release(tmp_path, FILMS, set())
    (folder / "Data_Entry_2017_v2020.csv").write_bytes(b"\x89PNG\r\n\xff\xfe")
    with pytest.raises(CxrError, match="is no table"):
        read(folder)


@needs_data
def test_the_real_files_are_read() -> None:
    notes = Notes()
    rows = read(DATA / "chestxray14", notes)
    assert len(rows) == 25 and notes.sentences()[0].startswith("Films whose picture is missing: 1344 (")
    by_name = {row.image.name: row for row in rows}
    first = by_name["00000001_001.png"]
    assert [item.finding for item in first.truth.present] == ["cardiomegaly", "emphysema"]
    assert (first.patient, first.truth.view) == ("1", "PA") and first.truth.complete
    assert by_name["00000003_000.png"].split == "test"
    assert len({row.split for row in rows if row.patient == "13"}) == 1


# --- saved again by another program ---------------------------------------------------------------------------------

OPACITIES = {"consolidation", "pneumonia", "infiltration", "atelectasis", "edema", "mass", "nodule"}
NAMES = ("Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "Patient Gender", "View Position")


def save_again(folder: Path, name: str, lines: list[list[str]], delimiter: str = ",") -> None:
    (folder / name).write_text("".join(f"{delimiter.join(line)}\r\n" for line in lines), encoding="utf-8-sig")


def say(rows: list[Row]) -> list[tuple[str, str, str | None, list[str]]]:
    return [(row.image.name, row.patient, row.truth.view, [item.finding for item in row.truth.present]) for row in rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("dropped", [(), ("Follow-up #",), ("Follow-up #", "Patient Age", "Patient Gender")])
@pytest.mark.parametrize("first", [(), ("",), ("Unnamed: 0", "index")])
def test_columns_are_found_by_their_names(
    tmp_path: Path, delimiter: str, dropped: tuple[str, ...], first: tuple[str, ...]
) -> None:
    expected = say(read(make_release(tmp_path, FILMS, {"00000003_000.png"})))
    lines = [[*first, *(name for name in reversed(NAMES) if name not in dropped), "OriginalImage[Width", "Height]"]]
    for number, (name, (labels, patient, view)) in enumerate(FILMS.items()):
        cells = dict(zip(NAMES, (name, labels, "0", f"{patient}.0", "58", "M", view), strict=True))
        lines.append([*[str(number)] * len(first), *(cells[column] for column in lines[0][len(first) : -2]), "9", "9"])
    save_again(tmp_path, "Data_Entry_2017_v2020.csv", lines, delimiter)
    assert say(read(tmp_path)) == expected and [one[1] for one in expected] == ["1", "2", "3"]


def test_a_table_without_its_patients_is_refused(tmp_path: Path) -> None:
    make_release(tmp_path, FILMS, set())
    lines = [["Image Index", "Finding Labels", "Age", "View Position"], *[[name, "Mass", "58", "PA"] for name in FILMS]]
    save_again(tmp_path, "Data_Entry_2017_v2020.csv", lines)
    with pytest.raises(CxrError, match="has no column Patient ID"):
        read(tmp_path)


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_boxes_are_read_by_their_names_too(tmp_path: Path, delimiter: str) -> None:
    make_release(tmp_path, FILMS, {"00000003_000.png"})
    edges = ["650,5" if delimiter == ";" else "650.5", "100", "200", "180"]
    lines = [["", "Finding Label", "x", "y", "w", "h]", "Image Index"], ["0", "Infiltrate", *edges, "00000003_000.png"]]
    save_again(tmp_path, "BBox_List_2017.csv", lines, delimiter)
    assert read(tmp_path)[2].truth.find("infiltration") == Observation("infiltration", "left", "upper")


def test_lists_and_names_may_hold_paths_of_windows(tmp_path: Path) -> None:
    make_release(tmp_path, FILMS, {"00000003_000.png"})
    (tmp_path / "test_list.txt").write_text("images\\00000003_000.png\r\n")
    table = tmp_path / "Data_Entry_2017_v2020.csv"
    table.write_text(table.read_text().replace("\n0000", "\nimages_001\\images\\0000"))
    assert [(row.image.name, row.split == "test") for row in read(tmp_path)] == [(name, "3_" in name) for name in FILMS]


@pytest.mark.parametrize(
    ("labels", "absent"),
    [
        ("Xyz", set()),
        ("Mass|Xyz", set()),
        (
            "Lung Opacity",
            set(BY_KEY) - OPACITIES,
        ),
        ("Mass|possible Nodule", set(BY_KEY) - {"mass", "nodule"}),
    ],
)
def test_what_a_label_of_the_table_leaves_open_is_not_absent(tmp_path: Path, labels: str, absent: set[str]) -> None:
    notes = Notes()
    (row,) = read(make_release(tmp_path, {"1.png": (labels, "1", "PA")}, set()), notes)
    assert row.truth.absent == absent
    assert ("Xyz 1." in " ".join(notes.sentences())) == ("Xyz" in labels)


@pytest.mark.parametrize(
    ("labels", "words"), [("No Finding|Mass", "contradict"), ("", "without a label"), ("nan", "without")]
)
def test_a_film_without_a_label_or_with_a_contradiction_is_left_out(tmp_path: Path, labels: str, words: str) -> None:
    notes = Notes()
    films = {"1.png": (labels, "1", "PA"), "2.png": ("Mass", "2", "PA")}
    assert [row.image.name for row in read(make_release(tmp_path, films, set()), notes)] == ["2.png"]
    assert words in " ".join(notes.sentences())
