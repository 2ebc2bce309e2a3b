import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from cxr.evaluation.films import draw_cases
from cxr.films.open import open_film
from cxr.films.phantom.sets import write_set
from cxr.findings import BY_KEY
from cxr.results import CxrError, Observation
from cxr.training.data import DataOptions, Notes, detect_kind, read_rows
from cxr.training.records import MAX_OWN, find_parts, gather_own, read_hub, read_records
from cxr.training.rows import Row, read_row, write_row

FOURTEEN = set(BY_KEY)
BARE = "Films without 'patient', each of which counts as a patient of its own when films are split:"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three pictures."""
    for name in ("a.png", "b.png", "films/c.png"):
        save_picture(tmp_path / name)
    return tmp_path


def save_picture(path: Path, grey: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.linear_gradient("L").resize((40, 40))
    picture.putpixel((0, 0), grey)
    picture.save(path, format="PNG")


def write_list(folder: Path, *objects: Any) -> Path:
    path = folder / "dataset.json"
    path.write_text(json.dumps(objects), encoding="utf-8")
    return path


def read(where: Path, **options: Any) -> tuple[list[Row], str]:
    notes = Notes()
    rows = list(read_records(where, DataOptions(**options), notes))
    return rows, " ".join(notes.sentences())


def read_one(folder: Path, **fields: Any) -> Row:
    write_list(folder, {"image": "a.png", **fields})
    ((row,), notes) = read(folder)
    assert notes in ("", f"{BARE} 1 (dataset.json, film 1).")
    return row


def refuse(folder: Path, **fields: Any) -> str:
    """The note about a film that is left out, beside one that is not."""
    write_list(folder, {"image": "a.png", "label": "Mass"}, {"image": "b.png", "label": "Mass", **fields})
    rows, notes = read(folder)
    assert [row.image.name for row in rows] == ["a.png"]
    assert "dataset.json, film 2" in notes
    return notes


def present(row: Row) -> set[str]:
    return {item.finding for item in row.truth.present}


# --- one film -------------------------------------------------------------------------------------------------------


def test_a_full_object_becomes_a_row(folder: Path) -> None:
    row = read_one(
        folder,
        findings=[{"finding": "Pleural Effusion", "side": "left", "zone": "lower", "size": "small"}],
        complete=True,
        report="FINDINGS: Unchanged small left effusion. IMPRESSION: Small left effusion.",
        indication="___F with cough",
        questions=[{"question": "Where?", "answer": "On the left."}],
        patient=17,
        split="validation",
        view="pa",
    )
    assert row.image == folder / "a.png" and (row.patient, row.split) == ("17", "val")
    assert row.truth.present == (Observation("effusion", "left", "lower", "small"),)
    assert row.truth.absent == FOURTEEN - {"effusion"} and row.truth.placed and row.truth.view == "PA"
    assert row.report == "Findings: Small left effusion. Impression: Small left effusion."
    assert row.indication == "Woman with cough" and row.pairs == (("Where?", "On the left."),)
    assert read_row(write_row(row)) == row


@pytest.mark.parametrize(
    "label", ["Effusion|Pleural_Thickening", ["Effusion", "Pleural thickening"], ["Effusion|Pleural_Thickening"]]
)
def test_labels_are_a_text_or_a_list(folder: Path, label: Any) -> None:
    row = read_one(folder, label=label)
    assert present(row) == {"effusion", "pleural_thickening"} and not row.truth.placed
    assert row.truth.absent == set()


def test_a_label_outside_the_14_is_a_finding_of_its_own(folder: Path) -> None:
    assert present(read_one(folder, label="Tuberculosis")) == {"tuberculosis"}


@pytest.mark.parametrize("label", ["No Finding", "Normal", ["NORMAL"]])
def test_a_normal_film_lacks_all_14(folder: Path, label: Any) -> None:
    truth = read_one(folder, label=label).truth
    assert truth.present == () and truth.absent == FOURTEEN


def test_what_is_not_named_is_unknown_unless_the_option_or_the_film_says_otherwise(folder: Path) -> None:
    write_list(folder, {"image": "a.png", "label": "Mass"}, {"image": "b.png", "label": [], "complete": True})
    (named, complete), _ = read(folder)
    assert named.truth.absent == set() and complete.truth.absent == FOURTEEN
    (named, complete), _ = read(folder, blank="absent")
    assert named.truth.absent == FOURTEEN - {"mass"} and complete.truth.absent == FOURTEEN


def test_blank_means_nothing_where_no_finding_was_looked_for(folder: Path) -> None:
    write_list(
        folder,
        {"image": "a.png", "report": "The heart is large."},
        {"image": "b.png", "questions": [{"question": "Why?", "answer": "So."}]},
        {"image": "films/c.png", "label": []},
    )
    (report, questions, looked), _ = read(folder, blank="absent")
    assert report.truth.known == questions.truth.known == [] and looked.truth.absent == FOURTEEN


def test_a_loose_picture_is_no_normal_one(tmp_path: Path) -> None:
    for name in ("train/Mass/1.png", "train/loose.png"):
        save_picture(tmp_path / name)
    rows, notes = read(tmp_path, blank="absent")
    assert [row.image.name for row in rows] == ["1.png"] and "nothing is said: 1 (train/loose.png)" in notes


def test_own_findings_of_the_set_are_absent_where_everything_else_is(folder: Path) -> None:
    write_list(
        folder,
        {"image": "a.png", "label": ["Tuberculosis", "Support Devices"]},
        {"image": "b.png", "label": "Normal"},
        {"image": "films/c.png", "label": "Mass", "complete": True},
    )
    (_, normal, complete), _ = read(folder)
    assert normal.truth.absent == FOURTEEN | {"tuberculosis"}  # "No Finding" says nothing about devices
    assert complete.truth.absent == FOURTEEN - {"mass"} | {"tuberculosis", "support_devices"}


def test_absent_findings_can_be_named(folder: Path) -> None:
    truth = read_one(folder, label="Mass", absent=["Tuberculosis", "Edema"]).truth
    assert truth.absent == {"tuberculosis", "edema"}


def test_a_finding_on_two_sides_is_on_both(folder: Path) -> None:
    twice = [
        {"finding": "effusion", "side": side, "zone": "lower", "size": size}
        for side, size in zip(["left", "right"], ["small", "large"], strict=True)
    ]
    assert read_one(folder, findings=twice).truth.present == (Observation("effusion", "both", "lower", None),)


def test_a_film_of_which_not_all_is_placed_says_so(folder: Path) -> None:
    row = read_one(folder, label="Mass|Effusion", findings=[{"finding": "Effusion", "side": "left"}])
    assert present(row) == {"mass", "effusion"} and not row.truth.placed


def test_a_report_without_headings_counts_as_findings(folder: Path) -> None:
    assert read_one(folder, report="The lungs are clear. No change.").report == "Findings: The lungs are clear."


def test_half_characters_do_not_break_the_index(folder: Path) -> None:
    row = read_one(folder, report="Small mass \ud800.", patient="x\udfff", indication="\ud83d cough")
    assert read_row(write_row(row).encode().decode()) == row


def test_complete_is_true_or_false(folder: Path) -> None:
    write_list(folder, {"image": "a.png", "label": "Mass", "complete": "true"})
    with pytest.raises(CxrError, match="'complete' is neither true nor false"):
        read(folder)


def test_null_counts_as_not_there(folder: Path) -> None:
    row = read_one(folder, label="Mass", report=None, findings=None, split=None, view=None, patient=None, complete=None)
    assert present(row) == {"mass"} and row.patient == "a.png"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"label": 3}, "'label' is neither a text nor a list of texts"),
        ({"label": ["Mass", None]}, "'label' is neither"),
        ({"label": "123"}, "a label that has no letters"),
        ({"label": "x" * 100}, "is a whole sentence"),
        ({"label": ["Mass", "No Finding"]}, "contradict"),
        ({"absent": "Mass"}, "contradict"),
        ({"findings": "effusion"}, "'findings' is no list of"),
        ({"findings": [{"side": "left"}]}, "names no 'finding'"),
        ({"findings": [{"finding": "mass", "side": "up"}]}, "'side' is none of left, right, both"),
        ({"findings": [{"finding": "mass", "zone": ["mid"]}]}, "'zone' is none of upper, mid, lower"),
        ({"questions": [["Where?", "Left."]]}, "'questions' is no list of {'question': ..., 'answer': ...}"),
        ({"questions": [{"q": "Where?", "a": "Left."}]}, "no {'question': ..., 'answer': ...}"),
        ({"questions": [{"question": "Where?", "answer": ""}]}, "no {'question': ..., 'answer': ...}"),
        ({"report": ["text"]}, "'report' is no text"),
        ({"patient": True}, "'patient' is neither"),
        ({"patient": 1.5}, "'patient' is neither"),
        ({"split": "holdout"}, "'split' is none of train, val and test"),
        ({"label": None}, "nothing is said"),
        ({"label": None, "report": "Unchanged."}, "only compares with earlier films"),
        ({"image": None}, "without 'image'"),
        ({"image": ""}, "without 'image'"),
        ({"image": "a\0.png"}, "without 'image'"),
        ({"image": 7}, "'image' is no text"),
        ({"image": "missing.png"}, "picture is missing: 1"),
        ({"image": "x" * 5000}, "picture is missing: 1"),
        ({"view": "lateral"}, "lateral and not frontal: 1"),
        ({"view": "LL"}, "lateral and not frontal: 1"),
        ({"image": "../b.png"}, "leads out of the folder"),
        ({"image": "films/../../b.png"}, "leads out of the folder"),
        ({"image": "/etc/hostname"}, "leads out of the folder"),
        ({"image": "."}, "leads out of the folder"),
    ],
)
def test_a_film_that_cannot_be_used_is_left_out_in_words(folder: Path, fields: dict[str, Any], words: str) -> None:
    assert words in refuse(folder, **fields)


def test_notes_do_not_repeat_what_a_film_holds(folder: Path) -> None:
    for fields in (
        {"label": "Jane Doe " * 9},
        {"split": "Jane Doe"},
        {"image": "../Jane Doe.png"},
        {"image": "Jane Doe"},
    ):
        assert "Jane" not in refuse(folder, **fields)


def test_an_absolute_path_within_the_folder_is_taken(folder: Path) -> None:
    assert read_one(folder, image=str(folder / "films" / "c.png"), label="Mass").image == folder / "films" / "c.png"


# --- splits ---------------------------------------------------------------------------------------------------------


def test_patients_without_a_split_are_shared_out_for_good(folder: Path) -> None:
    objects = [{"image": "a.png", "label": "Mass", "patient": f"p{i // 2}"} for i in range(2000)]
    write_list(folder, *objects)
    first, _ = read(folder)
    write_list(folder, *reversed(objects))
    again, _ = read(folder)
    splits = {row.patient: row.split for row in first}
    assert {row.patient: row.split for row in again} == splits
    assert all(splits[row.patient] == row.split for row in first)
    shares = [sum(split == name for split in splits.values()) for name in ("train", "val", "test")]
    assert 750 < shares[0] < 850 and all(70 < share < 130 for share in shares[1:])


def test_a_film_is_its_own_patient_wherever_the_folder_lies(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write_list(folder, {"image": "films/c.png", "label": "Mass"})
    copy = tmp_path_factory.mktemp("copy") / "elsewhere"
    shutil.copytree(folder, copy)
    (row,), (moved,) = read(folder)[0], read(copy)[0]
    assert row.patient == moved.patient == "films/c.png" and row.split == moved.split


@pytest.mark.parametrize(
    "name", ["data/dataset.json", "data/films.jsonl", "data/train/films.jsonl", "data/train.jsonl"]
)
def test_a_films_split_does_not_depend_on_which_of_its_paths_is_named(tmp_path: Path, name: str) -> None:
    """Else films that were trained on are tested on, once the folder is named otherwise."""
    path = tmp_path / name
    objects = [{"image": f"films/{i}.png", "label": "Mass"} for i in range(40)]
    for item in objects:
        save_picture(path.parent / item["image"])
    path.write_text(json.dumps(objects) if path.suffix == ".json" else "\n".join(map(json.dumps, objects)))
    places = [tmp_path, tmp_path / "data", *([] if path.parent.name == "train" else [path])]
    first, *others = ([(row.image, row.patient, row.split) for row in read(place)[0]] for place in places)
    assert others and all(other == first for other in others)
    assert len({split for _, _, split in first}) == (2 if "train" in name else 3)


@pytest.mark.parametrize("form", ["folders", "files", "lists"])
def test_the_split_is_what_the_folder_or_the_file_is_called(tmp_path: Path, form: str) -> None:
    for split in ("train", "val", "test"):
        root = tmp_path if form == "files" else tmp_path / split
        save_picture(root / f"{split}.png")
        line = {"image": f"{split}.png", "label": "Mass"}
        path = {"folders": root / "any.jsonl", "files": root / f"{split}.jsonl", "lists": root / "dataset.json"}[form]
        path.write_text(json.dumps([line] if form == "lists" else line))
    rows, _ = read(tmp_path)
    assert {row.image.name: row.split for row in rows} == {f"{s}.png": s for s in ("train", "val", "test")}


def test_pictures_in_folders_named_by_label_are_read(tmp_path: Path) -> None:
    for name in ("train/Pneumonia/1.png", "train/NORMAL/1.png", "val/Tuberculosis/x/1.png", "val/NORMAL/2.png"):
        save_picture(tmp_path / name)
    save_picture(tmp_path / "train" / "loose.png")
    (tmp_path / "train" / "Pneumonia" / "readme.txt").write_text("no picture")
    (tmp_path / "train" / "Pneumonia" / ".DS_Store").write_text("hidden")
    rows, notes = read(tmp_path)
    assert [(row.split, sorted(present(row))) for row in rows] == [
        ("train", []),
        ("train", ["pneumonia"]),
        ("val", []),
        ("val", ["tuberculosis"]),
    ]
    assert rows[0].truth.absent == FOURTEEN | {"tuberculosis"} and rows[1].truth.absent == set()
    assert len({row.patient for row in rows}) == 4
    assert "no picture: 1 (train/Pneumonia/readme.txt)" in notes and "nothing is said: 1 (train/loose.png)" in notes


def test_without_a_folder_for_validation_a_tenth_of_the_training_patients_is(tmp_path: Path) -> None:
    for i in range(60):
        save_picture(tmp_path / "data" / "train" / "Normal" / f"{i}.png")
    rows, _ = read(tmp_path)
    splits = [row.split for row in rows]
    assert set(splits) == {"train", "val"} and 0 < splits.count("val") < 20
    save_picture(tmp_path / "data" / "val" / "Normal" / "x.png")
    assert [row.split for row in read(tmp_path)[0]].count("val") == 1


def test_one_film_in_two_splits_is_refused(folder: Path) -> None:
    for split in ("train", "val"):
        (folder / f"{split}.jsonl").write_text(json.dumps({"image": "a.png", "label": "Mass"}))
    with pytest.raises(CxrError, match="two splits"):
        list(read_rows(str(folder), DataOptions(), Notes()))


# --- files ----------------------------------------------------------------------------------------------------------


def test_a_broken_line_is_left_out_and_named(folder: Path) -> None:
    good = json.dumps({"image": "a.png", "label": "Mass"})
    text = f"\ufeff{good}\n\n{{'image': 1}}\n[1]\n{'[' * 100_000}\n{good}\n"
    (folder / "films.jsonl").write_text(text, encoding="utf-8")
    rows, notes = read(folder)
    assert len(rows) == 2
    assert "Lines that are no JSON: 2 (films.jsonl, line 3, films.jsonl, line 5)." in notes
    assert "Entries that are no object of one film: 1 (films.jsonl, line 4)." in notes


def test_one_file_can_be_named(folder: Path) -> None:
    path = write_list(folder, {"image": "a.png", "label": "Mass"})
    assert detect_kind(str(path)) == detect_kind(str(folder)) == "records"
    assert len(read(path)[0]) == len(read(folder)[0]) == 1


def test_labels_that_are_free_text_are_refused(folder: Path) -> None:
    write_list(folder, *({"image": "a.png", "label": f"word {chr(97 + i % 26)}{i}"} for i in range(MAX_OWN + 5)))
    with pytest.raises(CxrError, match="more than 50 different labels"):
        gather_own(find_parts(folder))


def test_nothing_known_and_nothing_usable_are_errors(tmp_path: Path) -> None:
    with pytest.raises(CxrError, match=r"holds neither dataset\.json"):
        read(tmp_path)
    write_list(tmp_path, {"image": "gone.png", "label": "Mass"}, 7)
    with pytest.raises(CxrError, match=r"no film that can be used.*missing: 1 \(dataset.json, film 1\).*no object"):
        read(tmp_path)
    write_list(tmp_path)
    with pytest.raises(CxrError, match="no film that can be used"):
        read(tmp_path)


def test_a_drawn_set_is_read_as_it_was_drawn(tmp_path: Path) -> None:
    write_set(tmp_path, 20, 128)
    rows, notes = read(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "dataset.jsonl").read_text().splitlines()]
    lateral = [line for line in lines if line["view"] == "lateral"]
    assert lateral and notes.startswith(f"Films that are lateral and not frontal: {len(lateral)} (")
    assert {row.split for row in rows} == {"train", "val", "test"}
    assert [row.report for row in rows] == [line["report"] for line in lines if line["view"] != "lateral"]
    assert all(row.truth.complete and row.truth.placed for row in rows)
    (case,) = draw_cases(1, first=9_000_000, size=128)
    assert rows[0].truth.present == case.observations


# --- the Hub --------------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home / "cxr"


def read_name(name: Path, **options: Any) -> tuple[list[Row], str]:
    notes = Notes()
    rows = list(read_hub(str(name), DataOptions(**options), notes))
    return rows, " ".join(notes.sentences())


def test_a_dataset_of_folders_of_pictures_is_read_through_datasets(tmp_path: Path, cache: Path) -> None:
    for i, name in enumerate(
        ("train/Pneumonia/1.png", "train/Normal/2.png", "test/Tuberculosis/3.png", "test/Normal/4.png")
    ):
        save_picture(tmp_path / name, 20 * i)
    rows, _ = read_name(tmp_path)
    assert sorted((row.split, *sorted(present(row))) for row in rows if row.split == "test") == [
        ("test",),
        ("test", "tuberculosis"),
    ]
    assert {key for row in rows for key in present(row)} == {"pneumonia", "tuberculosis"}
    normal = [row for row in rows if not row.truth.present]
    assert all(row.truth.absent == FOURTEEN | {"tuberculosis"} for row in normal) and len(normal) == 2
    assert all(row.image.is_relative_to(cache) and open_film(row.image).pixels.shape == (40, 40) for row in rows)


def test_a_dataset_in_parquet_with_all_fields_is_read_through_datasets(tmp_path: Path, cache: Path) -> None:
    import datasets

    save_picture(tmp_path / "a.png")
    table = {
        "picture": [str(tmp_path / "a.png")] * 3,
        "label": [[0, 1], [], [2]],
        "findings": [[{"finding": "edema", "side": None, "zone": None, "size": "small"}], [], None],
        "report": ["Edema, unchanged.", "Lungs are clear.", None],
        "questions": [[{"question": "What?", "answer": "Edema."}], [], None],
        "patient": ["1", "2", "3"],
        "split": ["val", "test", "train"],
        "complete": [False, True, None],
    }
    classes = datasets.ClassLabel(names=["Mass", "Support Devices", "No Finding"])
    pictures = (
        datasets.Dataset.from_dict(table)
        .cast_column("picture", datasets.Image())
        .cast_column("label", datasets.List(classes))
    )
    pictures.to_parquet(tmp_path / "set" / "data.parquet")
    rows, notes = read_name(tmp_path / "set")
    assert notes.startswith("Films whose picture is a copy of one in another split") and ": 2 (" in notes
    assert "Fields" not in notes and "Films without" not in notes
    assert [(row.patient, row.split) for row in rows] == [("1", "val"), ("2", "test"), ("3", "train")]
    assert rows[0].truth.present[0] == Observation("edema", size="small")
    assert present(rows[0]) == {"edema", "mass", "support_devices"} and rows[0].pairs == (("What?", "Edema."),)
    assert rows[0].report == "Findings: Edema." and rows[1].truth.absent == FOURTEEN | {"support_devices"}
    assert rows[2].truth.absent == FOURTEEN
    assert len([path for path in cache.rglob("*") if path.is_file()]) == 1  # one picture, kept once


def test_a_dataset_without_pictures_is_an_error(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "x.jsonl").write_text(json.dumps({"label": "Mass"}))
    with pytest.raises(CxrError, match="without a picture"):
        read_name(tmp_path)
    assert not cache.exists()


@pytest.mark.parametrize(
    "fault",
    [FileNotFoundError("no such dataset"), ConnectionError("down"), httpx.ConnectError("down"), ValueError("?")],
)
def test_a_dataset_out_of_reach_is_an_error_that_names_it(fault: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, streaming: bool) -> None:
        raise fault

    monkeypatch.setattr("datasets.load_dataset", fail)
    with pytest.raises(CxrError, match=r"The dataset somebody/films cannot be read from the Hub .*HF_TOKEN"):
        list(read_hub("somebody/films", DataOptions(), Notes()))
