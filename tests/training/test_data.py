"""The door: every kind of data is recognised, patients stay on one side, and what is left out is said."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import HfArgumentParser

from cxr.results import CxrError, Observation
from cxr.training import data
from cxr.training.data import DataOptions, Notes, detect_kind, hash_patient, keep_patients_apart, read_rows
from cxr.training.rows import Row, Split
from cxr.training.truth import Truth


def make_row(patient: str, split: Split = "train", name: str = "a.png") -> Row:
    return Row(Path(name), patient, split, Truth((), frozenset({"mass"})))


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["Data_Entry_2017.csv"], "chestxray14"),
        (["Data_Entry_2017_v2020.csv", "train/x"], "chestxray14"),
        (["mimic-cxr-2.0.0-split.csv.gz"], "mimic_cxr"),
        (["files/p10/p10000032/s50414267.txt"], "mimic_cxr"),
        (["dataset.json"], "records"),
        (["films.jsonl"], "records"),
        (["train/dataset.json"], "records"),
        (["data/val/Pneumonia/x.png"], "records"),
    ],
)
def test_a_folder_is_recognised_by_what_it_holds(tmp_path: Path, names: list[str], kind: str) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert detect_kind(str(tmp_path)) == kind


def test_a_file_and_a_hub_name_are_recognised(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").touch()
    assert detect_kind(str(tmp_path / "mine.jsonl")) == "records"
    assert detect_kind("somebody/chest-films") == "hub"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("", "nothing that is known here: Data_Entry_2017"),
        ("picture.png", "no .json or .jsonl file"),
        ("nowhere/to/be/found", "There is no folder"),
        ("../data", "There is no folder"),
        ("data", "There is no folder data"),
    ],
)
def test_what_is_not_known_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, said: str) -> None:
    (tmp_path / "picture.png").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CxrError, match=said):
        detect_kind(where or str(tmp_path))


def test_a_patient_in_two_splits_is_refused() -> None:
    rows = [make_row("1"), make_row("2", "test", "b.png"), make_row("1"), make_row("2", "val", "late.png")]
    with pytest.raises(CxrError, match=r"late.png has films in two splits, test and val"):
        list(keep_patients_apart(iter(rows)))
    assert list(keep_patients_apart(iter(rows[:3]))) == rows[:3]


def test_a_patient_is_the_same_in_capital_letters() -> None:
    with pytest.raises(CxrError, match=r"b.png has films in two splits, train and test"):
        list(keep_patients_apart(iter([make_row("P7"), make_row("p7", "test", "b.png")])))


def test_a_picture_in_two_splits_is_refused_whoever_it_is_said_to_be_of(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    for name in ("a.png", "b.png"):
        pair = [make_row("1", name=str(tmp_path / "a.png")), make_row("2", "test", str(tmp_path / name))]
        with pytest.raises(CxrError, match=rf"The picture {name} is in two splits, train and test"):
            list(keep_patients_apart(iter(pair)))
    rows = [make_row("1"), make_row("2")]
    assert list(keep_patients_apart(iter(rows))) == rows


@pytest.mark.parametrize(
    ("report", "kept"),
    [
        ("Findings: A large effusion. Impression: Effusion.", True),
        ("Findings: No mass. A large effusion.", True),
        ("Findings: No effusion on the right. A large effusion on the left.", True),
        ("Findings: Hernia.", True),  # unknown
        ("Findings: A mass. A large effusion.", False),
        ("Findings: There is no effusion.", False),
    ],
)
def test_a_report_that_contradicts_the_labels_is_not_used(
    monkeypatch: pytest.MonkeyPatch, report: str, kept: bool
) -> None:
    truth = Truth((Observation("effusion"),), frozenset({"mass"}))
    given = Row(Path("a.png"), "1", "train", truth, report)
    monkeypatch.setattr(data, "_choose_reader", lambda where: lambda options, notes: iter([given]))
    notes = Notes()
    (row,) = read_rows("mine", DataOptions(), notes)
    assert row == (given if kept else replace(given, report=""))
    said = ("Films whose report contradicts their labels, so that it is not used: 1 (a.png).",)
    assert notes.sentences() == (() if kept else said)


def test_a_patients_hash_never_changes() -> None:
    """It says who validates: a change would move patients between the splits of a run that goes on."""
    assert hash_patient("1") == 17797172410793473910


def test_notes_count_and_name_the_first_three() -> None:
    notes = Notes()
    for n in range(4):
        notes.count("films without a picture", f"{n}.png")
    notes.count("torn lines", "line 7")
    assert notes.sentences() == (
        "Films without a picture: 4 (0.png, 1.png, 2.png, ...).",
        "Torn lines: 1 (line 7).",
    )


@pytest.mark.parametrize(
    ("kind", "module", "function", "expected"),
    [
        ("chestxray14", "cxr.training.chestxray14", "read_chestxray14", "folder"),
        ("mimic_cxr", "cxr.training.mimic_cxr", "read_mimic", "folder"),
        ("records", "cxr.training.records", "read_records", "folder"),
        ("hub", "cxr.training.records", "read_hub", "name"),
    ],
)
def test_each_kind_has_its_reader(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, module: str, function: str, expected: str
) -> None:
    seen: list[object] = []

    def reader(where: object, options: DataOptions, notes: Notes) -> object:
        seen.append(where)
        return iter([make_row("1")])

    stand_in = type(sys)(module)
    for name in ("read_records", "read_hub", function):
        monkeypatch.setattr(stand_in, name, reader, raising=False)
    monkeypatch.setitem(sys.modules, module, stand_in)
    monkeypatch.setattr(data, "detect_kind", lambda where: kind)
    assert [row.patient for row in read_rows(str(tmp_path), DataOptions(), Notes())] == ["1"]
    assert seen == [tmp_path if expected == "folder" else str(tmp_path)]


def test_nothing_usable_is_an_error_with_the_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(where: str) -> Callable[[DataOptions, Notes], object]:
        def read(options: DataOptions, notes: Notes) -> object:
            notes.count("torn lines", "line 7")
            return iter(())

        return read

    monkeypatch.setattr(data, "_choose_reader", choose)
    with pytest.raises(CxrError, match=r"mine holds no film that can be used. Torn lines: 1 \(line 7\)."):
        list(read_rows("mine", DataOptions(), Notes()))


def test_the_command_line_takes_the_options() -> None:
    arguments = ["--data", "films", "--uncertain", "present", "--blank", "absent", "--normal_share", "0.3"]
    (options,) = HfArgumentParser(DataOptions).parse_args_into_dataclasses(
        [*arguments, "--rare_floor", "9", "--seed", "4"]
    )
    assert options == DataOptions("films", "present", "absent", 0.3, 9, 4)
    with pytest.raises(SystemExit):
        HfArgumentParser(DataOptions).parse_args_into_dataclasses(["--uncertain", "perhaps"])


def test_a_mistyped_folder_is_not_looked_for_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clinic").mkdir()
    with pytest.raises(CxrError, match="There is no folder clinic/flims"):
        detect_kind("clinic/flims")
    assert detect_kind("elsewhere/films") == "hub"
