import csv
import gzip
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cxr.films.open import open_film
from cxr.priors import mentions_prior
from cxr.results import CxrError
from cxr.training.data import DataOptions, Notes, detect_kind
from cxr.training.mimic_cxr import join_tables, read_mimic
from cxr.training.rows import Row
from tests.training.mimic_tree import STUDIES, Study, make_mimic, name_film, write_film


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_mimic(tmp_path_factory.mktemp("mimic"))


def read(folder: Path, **options: str) -> tuple[dict[str, list[Row]], str]:
    """The rows by study, and the notes."""
    notes, rows = Notes(), {}
    for row in read_mimic(folder, DataOptions(**options), notes):  # type: ignore[arg-type]
        rows.setdefault(row.image.parent.name, []).append(row)
    return rows, " ".join(notes.sentences())


def present(row: Row) -> set[str]:
    return {item.finding for item in row.truth.present}


def test_the_tree_is_known_and_its_frontal_films_can_be_opened(tree: Path) -> None:
    rows, notes = read(tree)
    assert detect_kind(str(tree)) == "mimic_cxr"
    assert {row.truth.view for found in rows.values() for row in found} == {"PA", "AP"}
    assert len(rows["s50414267"]) == 1 and len(rows["s50414268"]) == 2
    assert open_film(rows["s50414267"][0].image).pixels.shape == (64, 64)
    assert "Films that are no PA or AP view: 3" in notes


def test_splits_and_patients_are_the_official_ones(tree: Path) -> None:
    rows, _ = read(tree)
    assert {study: found[0].split for study, found in rows.items()} == {
        "s50414267": "train",
        "s50414268": "train",
        "s57375967": "train",
        "s50771383": "train",
        "s50578979": "train",
        "s50985099": "val",
        "s51967283": "val",
        "s50225296": "test",
        "s53957785": "test",
        "s53186264": "train",
        "s50225298": "train",
        "s50225299": "train",
    }
    assert {row.patient for row in rows["s50414267"] + rows["s50414268"]} == {"10000032"}


@pytest.mark.parametrize("policy", ["unknown", "present", "absent"])
def test_an_uncertain_label_is_what_the_policy_says(tree: Path, policy: str) -> None:
    truth = read(tree, uncertain=policy)[0]["s50414267"][0].truth
    said = {"present": truth.find("pneumonia") is not None, "absent": "pneumonia" in truth.absent}
    assert said == {"present": policy == "present", "absent": policy == "absent"}


def test_a_blank_is_unknown_unless_it_is_to_mean_absent(tree: Path) -> None:
    row = read(tree)[0]["s50414267"][0]
    assert present(row) == {"effusion", "support_devices"} and row.truth.absent == {"pneumothorax"}
    row = read(tree, blank="absent")[0]["s50414267"][0]
    assert present(row) == {"effusion", "support_devices"}
    assert {"pneumothorax", "edema", "fracture", "lung_opacity"} <= row.truth.absent
    assert not {"pneumonia", "mass", "nodule", "hernia"} & row.truth.absent  # uncertain, or not labelled by CheXpert


def test_no_finding_denies_what_is_labelled_and_says_nothing_of_devices(tree: Path) -> None:
    rows, _ = read(tree)
    truth = rows["s50414268"][0].truth
    assert {item.finding for item in truth.present} == {"support_devices"}
    assert {"effusion", "pneumonia", "cardiomegaly", "fracture", "lung_lesion"} <= truth.absent
    assert not {"mass", "emphysema", "no_finding"} & truth.absent
    assert "support_devices" not in rows["s50225296"][0].truth.known


def test_no_finding_beside_a_finding_says_nothing(tmp_path: Path) -> None:
    both = {"No Finding": "1.0", "Edema": "1.0", "Pneumothorax": "0.0", "Support Devices": "1.0"}
    make_mimic(tmp_path, [Study("10000001", "50000001", "train", ("PA",), both, None)])
    row = read(tmp_path)[0]["s50000001"][0]
    assert present(row) == {"edema", "support_devices"} and row.truth.absent == {"pneumothorax"}


def test_negbio_speaks_where_chexpert_is_silent(tree: Path) -> None:
    rows, _ = read(tree)
    assert present(rows["s50985099"][0]) == {"atelectasis"} and rows["s50985099"][0].truth.absent == {"pneumothorax"}


def test_chexpert_comes_before_negbio(tmp_path: Path) -> None:
    make_mimic(tmp_path, [Study("10000001", "50000001", "train", ("PA",), {"Edema": "1.0"}, None)])
    with gzip.open(tmp_path / "mimic-cxr-2.0.0-negbio.csv.gz", "at") as file:
        file.write("10000001,50000001,1.0" + "," * 13 + "\n")
    assert present(read(tmp_path)[0]["s50000001"][0]) == {"edema"}


def test_reports_become_targets_without_priors_and_blanks(tree: Path) -> None:
    rows, _ = read(tree)
    reports = {study: found[0].report for study, found in rows.items()}
    assert reports["s50414267"] == (
        "Findings: There is a small left pleural effusion. The ET tube ends above the carina. No pneumothorax. "
        "Impression: Small left pleural effusion. No pneumothorax."
    )
    assert reports["s50414268"] == "Findings: The lungs are clear. No acute findings."
    assert reports["s57375967"] == "Impression: Consolidation in the right lower lobe. Mild cardiomegaly."
    assert reports["s50771383"] == "Findings: The heart is enlarged."  # the last paragraph, for want of headings
    assert reports["s50578979"] == (
        "Findings: A nodule is seen in the right upper lobe. Impression: Right upper lobe nodule."
    )
    assert not any(mentions_prior(report) or "__" in report for report in reports.values())
    assert rows["s50414267"][0].indication == "Woman with cough and fever // eval for pneumonia"


def test_what_is_missing_is_counted_and_named(tree: Path) -> None:
    rows, notes = read(tree)
    assert "picture is missing: 1 (" in notes and name_film(STUDIES[-1], 0) in notes
    assert "without a report: 1 (study 51967283)" in notes and rows["s51967283"][0].report == ""
    assert "neither findings nor impression: 2 (study 53957785" in notes
    assert "only compares with earlier films: 1 (study 50225296)" in notes
    assert "neither a label nor a report says anything: 1" in notes and "s53186265" not in rows
    assert rows["s53186264"][0].report and not rows["s53186264"][0].truth.known  # a report alone is worth a row


def test_a_jpeg_is_preferred_to_a_dicom(tmp_path: Path) -> None:
    study = Study("10000001", "50000001", "train", ("PA",), {"Edema": "1.0"}, None, ending=".dcm")
    make_mimic(tmp_path, [study])
    (row,) = read(tmp_path)[0]["s50000001"]
    assert row.image.suffix == ".dcm"
    write_film(row.image.with_suffix(".jpg"))
    assert read(tmp_path)[0]["s50000001"][0].image.suffix == ".jpg"


@pytest.mark.parametrize("reports", ["mimic-cxr-reports/files", "mimic-cxr-reports"])
def test_plain_tables_and_a_tree_of_reports_are_read_too(tmp_path: Path, reports: str) -> None:
    rows, _ = read(make_mimic(tmp_path, STUDIES[:1], packed=False, reports=reports))
    assert rows["s50414267"][0].report.startswith("Findings: ") and present(rows["s50414267"][0])


def test_a_view_is_taken_from_its_code_where_it_is_not_told(tmp_path: Path) -> None:
    make_mimic(tmp_path, [Study("10000001", "50000001", "train", ("",), {"Edema": "1.0"}, None)], packed=False)
    path = tmp_path / "mimic-cxr-2.0.0-metadata.csv"
    head, line = path.read_text().splitlines()
    path.write_text(f"{head},ViewCodeSequence_CodeMeaning\n{line},antero-posterior\n")
    assert read(tmp_path)[0]["s50000001"][0].truth.view == "AP"


@pytest.mark.parametrize("table", ["split", "metadata"])
def test_a_table_that_is_needed_is_asked_for(tmp_path: Path, table: str) -> None:
    make_mimic(tmp_path, STUDIES[:1])
    (tmp_path / f"mimic-cxr-2.0.0-{table}.csv.gz").unlink()
    with pytest.raises(CxrError, match=f"lacks mimic-cxr-2.0.0-{table}.csv.gz"):
        read(tmp_path)


def test_a_half_copied_table_and_a_missing_column_are_named(tmp_path: Path) -> None:
    make_mimic(tmp_path, STUDIES)
    path = tmp_path / "mimic-cxr-2.0.0-chexpert.csv.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CxrError, match=r"chexpert.csv.gz is damaged or was not copied whole"):
        read(tmp_path)
    path.write_bytes(gzip.compress(b"study,Edema\n1,1.0\n"))
    with pytest.raises(CxrError, match="has no column subject_id"):
        read(tmp_path)


@pytest.mark.parametrize("table", ["split", "metadata", "chexpert"])
@pytest.mark.parametrize("end", ["1", "02aa,1"])
def test_a_line_that_is_cut_off_is_an_error_that_names_it(tmp_path: Path, table: str, end: str) -> None:
    path = make_mimic(tmp_path, STUDIES[:1], packed=False) / f"mimic-cxr-2.0.0-{table}.csv"
    lines = path.read_text().count("\n")
    path.write_text(path.read_text() + end)
    with pytest.raises(CxrError, match=rf"{table}.csv was not copied whole: its line {lines + 1} is cut off"):
        read(tmp_path)


def test_nothing_usable_is_an_error_that_says_why(tmp_path: Path) -> None:
    make_mimic(tmp_path, [Study("10000001", "50000001", "train", ("PA",), {"Edema": "1.0"}, None, ending="")])
    with pytest.raises(CxrError, match=r"no frontal film that can be used.*picture is missing: 1"):
        read(tmp_path)


def test_reading_that_is_broken_off_leaves_no_file(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows = read_mimic(tree, DataOptions(), Notes())
    next(rows)
    assert list(tmp_path.iterdir())
    assert isinstance(rows, Iterator)
    rows.close()  # type: ignore[attr-defined]
    assert not list(tmp_path.iterdir())


def test_the_join_does_not_hold_the_tables_in_memory(tmp_path: Path) -> None:
    films = 40_000
    with gzip.open(tmp_path / "mimic-cxr-2.0.0-split.csv.gz", "wt", compresslevel=1) as file:
        file.write("dicom_id,study_id,subject_id,split\n")
        file.writelines(f"{i:040},{i:08},{i // 3:08},train\n" for i in range(films))
    with gzip.open(tmp_path / "mimic-cxr-2.0.0-metadata.csv.gz", "wt", compresslevel=1) as file:
        file.write("dicom_id,ViewPosition\n")
        file.writelines(f"{i:040},PA\n" for i in range(films))
    tracemalloc.start()
    count = sum(film.view == "PA" for film in join_tables(tmp_path, tmp_path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == films
    assert peak < 2 << 20  # bytes; the film ids alone are 3.5 MB


# --- saved again, and what labels leave open ------------------------------------------------------------------------


Lines = list[list[str]]


def save_again(folder: Path, name: str, change: Callable[[Lines], Lines], delimiter: str = ",") -> None:
    """A table of the folder, changed and not packed."""
    path = folder / f"mimic-cxr-2.0.0-{name}.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        lines = change(list(csv.reader(file)))
    path.unlink()
    with path.with_suffix("").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(lines)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_that_pandas_or_excel_saved_again_say_the_same(tmp_path: Path, delimiter: str) -> None:
    def change(lines: Lines) -> Lines:
        numbers = [name in ("subject_id", "study_id") for name in lines[0]]
        for line in lines[1:]:
            line[:] = [f"{cell}.0" if number else cell or "nan" for cell, number in zip(line, numbers, strict=True)]
        return [["Unnamed: 0" if not place else str(place % 2), *reversed(line)] for place, line in enumerate(lines)]

    first = make_mimic(tmp_path / "first")
    again = make_mimic(tmp_path / "again")
    for name in ("split", "metadata", "chexpert", "negbio"):
        save_again(again, name, change, delimiter)
    (rows, _), (others, _) = read(first), read(again)
    told, retold = (
        [
            (row.image.name, row.patient, present(row), row.truth.absent, row.truth.view)
            for found in part
            for row in found
        ]
        for part in (rows.values(), others.values())
    )
    assert retold == told


def test_a_lung_opacity_leaves_open_what_it_may_be_where_blank_means_absent(tmp_path: Path) -> None:
    labels = {"Lung Opacity": "1.0", "Pneumonia": "0.0", "Cardiomegaly": "", "Edema": ""}
    make_mimic(tmp_path, [Study("10000001", "50000001", "train", ("PA",), labels, None)])
    row = read(tmp_path, blank="absent")[0]["s50000001"][0]
    assert present(row) == {"lung_opacity"} and {"pneumonia", "cardiomegaly", "pneumothorax"} <= row.truth.absent
    assert not row.truth.absent & {"edema", "consolidation", "atelectasis"}
    make_mimic(tmp_path / "edema", [Study("10000001", "50000001", "train", ("PA",), {"Edema": "1.0"}, None)])
    absent = read(tmp_path / "edema", blank="absent")[0]["s50000001"][0].truth.absent
    assert "lung_opacity" not in absent and {"consolidation", "lung_lesion"} <= absent


def test_a_finding_beside_no_finding_is_noted_and_labels_are_counted(tmp_path: Path) -> None:
    both = {"No Finding": "1.0", "Edema": "1.0", "Mass": "1.0", "Pneumonia": "-1.0"}
    make_mimic(tmp_path, [Study("10000001", "50000001", "train", ("PA",), both, None)])
    notes = Notes()
    assert len(list(read_mimic(tmp_path, DataOptions(), notes))) == 1
    assert "beside 'No Finding', which is not believed: 1 (study 50000001)" in " ".join(notes.sentences())
    assert notes.labels["Edema", "Edema"] == 1 and notes.labels["Pneumonia: -1", "possibly Pneumonia"] == 1


@pytest.mark.parametrize(
    ("word", "view"),
    [
        ("P.A.", "PA"),
        ("pa", "PA"),
        ("AP LLD", None),
        ("LL", None),
        ("XTABLE LATERAL", None),
        ("antero-posterior", "AP"),
        ("", None),
    ],
)
def test_a_view_is_read_in_every_word_for_it(tmp_path: Path, word: str, view: str | None) -> None:
    studies = [Study("10000001", "50000001", "train", (word, "PA"), {"Edema": "1.0"}, None)]
    rows = read(make_mimic(tmp_path, studies))[0]["s50000001"]
    assert [row.truth.view for row in rows] == [*([view] if view else []), "PA"]
