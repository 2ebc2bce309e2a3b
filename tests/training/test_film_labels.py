"""The labels of one film together: every form they come in, and nothing taught as absent that a label leaves open."""

import json
from pathlib import Path
from typing import Any

import pytest

from cxr.films.phantom.sets import label_opacity
from cxr.findings import BY_KEY
from cxr.results import CxrError, Observation
from cxr.training.data import DataOptions
from cxr.training.film_labels import read_findings
from cxr.training.film_objects import name_patient, read_object, read_patient
from tests.training.test_records import FOURTEEN, present, read, read_one, refuse, save_picture, write_list

OPACITIES = {"consolidation", "pneumonia", "infiltration", "atelectasis", "edema", "mass", "nodule"}
NAN = float("nan")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("a.png", "b.png", "films/c.png")):
        save_picture(tmp_path / name, 90 + number)
    return tmp_path


def judge(data: dict[str, Any], **options: Any) -> tuple[set[str], set[str]]:
    """What is present and what is absent."""
    seen, absent, _ = read_findings(read_object(data), (), DataOptions(**options))
    return {item.finding for item in seen}, set(absent)


ASSUMED = ({"complete": True}, {}), ({}, {"blank": "absent"})  # two ways in which what is not named is absent


@pytest.mark.parametrize(("more", "options"), ASSUMED)
@pytest.mark.parametrize(
    ("label", "opened"),
    [
        ("Lung Opacity", OPACITIES),
        ("Effusion|Lung Opacity", OPACITIES),
        (["Pleural effusion", "lung_opacity"], OPACITIES),
        ("Nodule/Mass", {"nodule", "mass"}),
        ("possible effusion", {"effusion"}),
        ("Effusion?", {"effusion"}),
        ({"Edema": 1, "Effusion": -1}, {"effusion"}),
        ("no large effusion", {"effusion"}),
        ("Pnemothorax", FOURTEEN),
        ("Mass|Pnemothorax", FOURTEEN - {"mass"}),
        ("Other disease", FOURTEEN),
        ("unchanged", FOURTEEN),
        ("suboptimal study", FOURTEEN),
        ("none", FOURTEEN),
    ],
)
def test_what_a_label_leaves_open_is_never_absent(
    label: Any, opened: set[str], more: dict[str, Any], options: dict[str, Any]
) -> None:
    seen, absent = judge({"label": label, **more}, **options)
    assert not absent & opened and not seen & opened
    assert absent == FOURTEEN - opened - seen


@pytest.mark.parametrize(("more", "options"), ASSUMED)
def test_what_is_understood_leaves_the_others_absent(more: dict[str, Any], options: dict[str, Any]) -> None:
    assert judge({"label": "Left pleural effusion, small|rib fracture|loc left|unchanged", **more}, **options) == (
        {"effusion", "rib_fracture"},
        FOURTEEN - {"effusion"},
    )


def test_an_own_finding_is_not_absent_where_a_kind_of_it_is_present() -> None:
    own = ("lung_opacity", "rib_fracture")
    _, absent, _ = read_findings({"label": "Consolidation", "complete": True}, own, DataOptions())
    assert "rib_fracture" in absent and "lung_opacity" not in absent
    assert "lung_opacity" in read_findings({"label": "Effusion", "complete": True}, own, DataOptions())[1]


def test_what_is_named_absent_is_so_beside_a_label_that_is_not_understood() -> None:
    data = {"label": "Lung Opacity|xyz", "absent": "Edema", "complete": True}
    assert judge(data) == ({"lung_opacity", "xyz"}, {"edema"})
    assert judge({"label": "no effusion|edema"}) == ({"edema"}, {"effusion"})


@pytest.mark.parametrize(
    "label",
    [
        "Effusion|Edema",
        ["Effusion", "Edema"],
        "['Effusion', ' Edema']",
        '["Effusion", "Edema"]',
        "[['Effusion', 'loc left'], ['Edema']]",
        "Effusion, Edema",
        "Effusion; Edema",
        "effusion and edema",
        "EFFUSION\nEDEMA",
        {"Effusion": 1, "Edema": 1.0, "Mass": None, "Nodule": NAN, "Hernia": "", "Fibrosis": "nan"},
        {"Pleural Effusion": "1.0", "Edema": True},
    ],
)
def test_one_label_in_every_form(label: Any) -> None:
    assert judge({"label": label}) == ({"effusion", "edema"}, set())


def test_columns_named_by_labels_are_read_as_chexpert_has_them(folder: Path) -> None:
    marks = {
        "No Finding": NAN,
        "Pleural Effusion": 1.0,
        "Edema": 0.0,
        "Pneumonia": -1.0,
        "Fracture": 1,
        "Lung Opacity": None,
    }
    row = read_one(folder, **marks)
    assert present(row) == {"effusion", "fracture"} and row.truth.absent == {"edema"}
    assert judge(marks, uncertain="present") == ({"effusion", "fracture", "pneumonia"}, {"edema"})
    assert judge(marks, uncertain="absent")[1] == {"edema", "pneumonia"}
    assert judge(marks, blank="absent")[1] == FOURTEEN - {"effusion", "pneumonia"}
    assert judge({"No Finding": 1.0, "Support Devices": 1.0}) == ({"support_devices"}, FOURTEEN)
    assert judge({"No Finding": 0.0, "Edema": 1.0}) == ({"edema"}, set())
    assert judge({"Edema": 7, "Mass": 1, "complete": True}) == ({"mass"}, set())


@pytest.mark.parametrize(
    ("data", "seen", "absent"),
    [
        ({"label": "Effusion: 1|Edema=0"}, {"effusion"}, {"edema"}),
        ({"label": "Effusion (-1)|Edema 0"}, set(), {"edema"}),
        ({"label": "COVID-19"}, {"covid_19"}, set()),
        ({"label": "no nodule or mass"}, set(), {"nodule", "mass"}),
        ({"Nodule/Mass": 0, "Rib fracture": 1, "line": 3, "age": 1}, {"rib_fracture"}, {"nodule", "mass"}),
        ({"Nodule/Mass": 1, "complete": True}, {"nodule_mass"}, FOURTEEN - {"nodule", "mass"}),
        ({"label": "No Finding: 0", "complete": True}, set(), set()),
        ({"label": "No Finding: 1"}, set(), FOURTEEN),
    ],
)
def test_numbers_behind_labels_and_columns_of_other_sets(
    data: dict[str, Any], seen: set[str], absent: set[str]
) -> None:
    assert judge(data) == (seen, absent)


@pytest.mark.parametrize(
    "fields",
    [
        {"label": "No Finding|Mass"},
        {"label": ["normal", "possible effusion"]},
        {"label": "No Finding|Lung Opacity"},
        {"label": "Effusion", "absent": "pleural effusion"},
        {"label": "left effusion|no effusion"},
        {"No Finding": 1, "Edema": 1},
        {"label": "No Finding", "Edema": 1},
    ],
)
def test_labels_that_contradict_each_other_teach_nothing_and_are_noted(folder: Path, fields: dict[str, Any]) -> None:
    write_list(folder, {"image": "a.png", "label": "Mass"}, {"image": "b.png", **fields})
    rows, notes = read(folder)
    assert [row.image.name for row in rows] == ["a.png"]
    assert "Films whose labels contradict each other: 1 (dataset.json, film 2)." in notes


def test_a_film_that_is_to_be_excluded_is_left_out(folder: Path) -> None:
    assert "label says that they are to be left out: 1" in refuse(folder, label="exclude")


def test_a_label_that_is_not_understood_is_listed_once_with_its_films(folder: Path) -> None:
    write_list(
        folder,
        {"image": "a.png", "label": "Xyz|Mass", "patient": "1"},
        {"image": "b.png", "label": "Xyz", "patient": "2"},
        {"image": "films/c.png", "label": "Qrs|fracture", "patient": "3"},
    )
    _, notes = read(folder)
    assert notes.count("Xyz") == notes.count("Qrs") == 1 and "are not understood" in notes
    assert "they do not name: Xyz 2, Qrs 1." in notes and "fracture" not in notes


def test_a_film_whose_only_label_tells_nothing_is_left_out_and_its_label_listed(folder: Path) -> None:
    write_list(folder, {"image": "a.png", "label": "Mass", "patient": "1"}, {"image": "b.png", "label": "no xyz"})
    rows, notes = read(folder)
    assert len(rows) == 1 and "nothing is said: 1" in notes and "no xyz 1." in notes


def test_places_in_labels_and_in_findings_are_joined() -> None:
    data = {"findings": [{"finding": "left effusion", "size": "small", "zone": None}], "label": "right mass"}
    seen, _, placed = read_findings(data, (), DataOptions())
    assert seen == (Observation("effusion", "left", size="small"), Observation("mass", "right")) and not placed
    with pytest.raises(CxrError, match="names no 'finding'"):
        read_findings({"findings": [{"finding": "no effusion"}]}, (), DataOptions())


def test_findings_that_are_not_understood_leave_all_open() -> None:
    assert judge({"findings": [{"finding": "xyz"}], "complete": True}) == ({"xyz"}, set())


# --- what is missing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["NaN", "null", '""', '"nan"', '"NULL"', '"NaN"', '" "', '"<NA>"'])
@pytest.mark.parametrize(
    "field",
    ["label", "absent", "findings", "complete", "report", "indication", "questions", "patient", "split", "view"],
)
def test_an_empty_cell_counts_as_not_there_in_every_field(folder: Path, field: str, value: str) -> None:
    text = f'[{{"image": "a.png", "Mass": 1, "{field}": {value}}}]'
    (folder / "dataset.json").write_text(text)
    ((row,), _) = read(folder, blank="absent")
    assert present(row) == {"mass"} and row.truth.absent == FOURTEEN - {"mass"}
    assert (row.report, row.indication, row.pairs, row.patient, row.truth.view) == ("", "", (), "a.png", None)


def test_an_empty_label_is_no_film_without_findings(folder: Path) -> None:
    for value in ("", "nan", NAN, None):
        (folder / "dataset.json").write_text(json.dumps([{"image": "a.png", "label": value, "report": "Clear lungs."}]))
        ((row,), _) = read(folder, blank="absent")
        assert row.truth.known == []


@pytest.mark.parametrize("value", [7, 7.0, "7", "7.0", " 7 ", "7.00"])
def test_a_patient_has_one_name_however_a_table_writes_it(value: Any) -> None:
    assert read_patient({"patient": value}) == "7"


def test_a_patients_name_is_one_however_it_is_encoded() -> None:
    assert name_patient("Mu\u0308ller") == name_patient("M\u00fcller") and name_patient("A.0") == "A.0"
    assert name_patient("unknown") == name_patient("None") == ""


@pytest.mark.parametrize(("value", "complete"), [(1.0, True), (0.0, False), (1, True)])
def test_complete_may_come_from_a_column_of_numbers(value: Any, complete: bool) -> None:
    assert judge({"label": "Mass", "complete": value})[1] == (FOURTEEN - {"mass"} if complete else set())
    assert set(BY_KEY) == FOURTEEN


def test_a_drawn_set_with_a_label_of_its_own_says_the_whole_truth() -> None:
    for seed, finding in enumerate(("consolidation", "effusion")):
        drawn = {"findings": [{"finding": finding, "side": "left"}], "complete": True}
        entry = label_opacity(drawn, seed)
        seen, absent, _ = read_findings(read_object(entry), ("lung_opacity",), DataOptions())
        known = {item.finding for item in seen}
        assert known == {finding} | ({"lung_opacity"} if finding in OPACITIES else set())
        assert known | set(absent) == FOURTEEN | {"lung_opacity"}
