"""The index: every row by its number, made once, remade when the data change, counted, and small in memory."""

import json
import pickle
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cxr.findings import BY_KEY
from cxr.results import CxrError, Observation
from cxr.training import index as module
from cxr.training.data import DataOptions, Notes
from cxr.training.index import Indexes, RowIndex, build_indexes
from cxr.training.rows import Row, Split
from cxr.training.truth import Truth
from tests.data import DATA, needs_data
from tests.training.test_chestxray14 import FILMS, make_release


def make_row(
    image: Path, number: int, split: Split = "train", present: tuple[str, ...] = (), absent: str = "mass"
) -> Row:
    truth = Truth(tuple(Observation(key) for key in present), frozenset({absent} if absent else ()))
    return Row(image, f"{split}-{number}", split, truth, report=f"Findings: ä{number}.")


def index_rows(rows: list[Row], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Indexes:
    def read(where: str, options: DataOptions, notes: Notes) -> Iterator[Row]:
        return iter(rows)

    monkeypatch.setattr(module, "read_rows", read)
    return build_indexes("somebody/films", DataOptions(), folder / "rows")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "film \u00fc.png").touch()
    return tmp_path / "film \u00fc.png"


def test_every_row_is_found_by_its_number(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [make_row(image, n, "test" if n % 3 == 2 else "train", ("nodule",)) for n in range(9)]
    indexes = index_rows(rows, tmp_path, monkeypatch)
    assert list(indexes.train) == [row for row in rows if row.split == "train"]
    assert list(indexes.test) == [row for row in rows if row.split == "test"]
    assert len(indexes.val) == 0 and list(indexes.val) == []
    assert indexes.train[-1] == rows[7] and indexes.train[1:3] == [rows[1], rows[3]]
    with pytest.raises(IndexError):
        indexes.train[6]


def test_an_index_may_go_to_another_process(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    indexes = index_rows([make_row(image, n) for n in range(3)], tmp_path, monkeypatch)
    again: RowIndex = pickle.loads(pickle.dumps(indexes.train))
    assert list(again) == list(indexes.train) and np.array_equal(again.labels, indexes.train.labels)


def test_labels_are_counted_and_unknown_is_not_absent(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        make_row(image, 0),
        make_row(image, 1, present=("nodule",), absent="tuberculosis"),
        make_row(image, 2, present=("tuberculosis", "nodule")),
        make_row(image, 3, "test", present=("fracture",)),
        *(make_row(image, n, present=("tuberculosis", "nodule")) for n in range(4, 8)),
    ]
    indexes = index_rows(rows, tmp_path, monkeypatch)
    train = indexes.train
    assert train.findings == (*BY_KEY, "fracture", "tuberculosis")
    assert train.labels.dtype == np.int8 and train.labels.shape == (7, 16)
    assert train.labels[:, train.findings.index("nodule")].tolist() == [-1, *[1] * 6]
    assert train.labels[:, train.findings.index("tuberculosis")].tolist() == [-1, 0, *[1] * 5]
    assert indexes.counts["train"]["nodule"] == (6, 0, 1)
    assert indexes.counts["train"]["mass"] == (0, 6, 1)
    assert indexes.counts["test"]["fracture"] == (1, 0, 0)
    assert indexes.counts["val"]["mass"] == (0, 0, 0)
    assert indexes.own_findings == ("tuberculosis",)  # nobody can learn a finding that only test films show
    assert train.taught == [*range(14), train.findings.index("tuberculosis")]


def test_an_own_finding_of_few_patients_or_never_absent_is_left_out_in_words(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders named by patients must not become findings that are published."""
    names = [make_row(image, n % 4, present=("jane_doe",), absent="") for n in range(40)]
    never = [make_row(image, n, present=("fracture",), absent="") for n in range(5)]
    rest = [make_row(image, n, absent="jane_doe") for n in range(5)]
    indexes = index_rows([*names, *never, *rest, make_row(image, 1, "val", absent="scoliosis")], tmp_path, monkeypatch)
    assert indexes.own_findings == () and set(indexes.train.findings) > {"jane_doe", "fracture"}
    absent, few = indexes.notes
    assert few.startswith("Findings outside the 14 that fewer than 5 training patients have")
    assert few.endswith("neither asked nor taught: 2 (Jane doe, Scoliosis).")
    assert absent.startswith("Findings outside the 14 that no training film is known to be without")
    assert "--blank absent" in absent and absent.endswith(": 1 (Fracture).")


def test_a_finding_that_is_always_present_is_warned_of(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [make_row(image, n, present=("nodule", "mass"), absent="hernia") for n in range(2)]
    notes = index_rows([*rows, make_row(image, 1, "val", absent="mass")], tmp_path, monkeypatch).notes
    assert sorted(note.partition(":")[0] for note in notes) == ["Mass", "Nodule"]
    assert all("always yes" in note and "--blank absent" in note and "'complete'" in note for note in notes)


def test_films_that_are_missing_or_say_nothing_are_left_out_and_counted(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Row(image, "9", "train", Truth((), frozenset()))
    rows = [make_row(image, 0), make_row(tmp_path / "gone.png", 1), bare, make_row(image, 2, "val")]
    indexes = index_rows(rows, tmp_path, monkeypatch)
    assert len(indexes.train) == 1
    assert indexes.notes == (
        "Films whose picture is missing: 1 (gone.png).",
        "Films of which nothing is known: 1 (film \u00fc.png).",
    )
    with pytest.raises(CxrError, match=r"holds no film that can be used. Films whose picture is missing: 1"):
        index_rows(rows[1:2], tmp_path / "other", monkeypatch)


def test_texts_in_place_of_labels_are_noticed(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CxrError, match="more than 100 different labels"):
        index_rows([make_row(image, n, present=(f"label_{n}",)) for n in range(120)], tmp_path, monkeypatch)


def count_readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    readings, read_rows = [], module.read_rows

    def read(where: str, options: DataOptions, notes: Notes) -> Iterator[Row]:
        readings.append(where)
        return read_rows(where, options, notes)

    monkeypatch.setattr(module, "read_rows", read)
    return readings


def test_an_index_is_made_once_and_again_when_data_or_options_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, rows = make_release(tmp_path, FILMS, {"00000003_000.png"}), tmp_path / "run" / "rows"
    readings, options = count_readings(monkeypatch), DataOptions(str(folder))
    first = build_indexes(options.data, options, rows)
    again = build_indexes(options.data, DataOptions(str(folder), normal_share=0.1, rare_floor=3, seed=9), rows)
    assert len(readings) == 1
    assert (again.counts, again.notes, list(again.train)) == (first.counts, first.notes, list(first.train))
    (folder / "images_001/images/00000003_000.png").unlink()
    assert len(build_indexes(options.data, options, rows).test) == 0 and len(readings) == 2
    table = folder / "Data_Entry_2017_v2020.csv"
    table.write_text(table.read_text().replace("Cardiomegaly", "Hernia"))
    counts = build_indexes(options.data, options, rows).counts
    assert sum(counts[split]["hernia"][0] for split in counts) == 1 and len(readings) == 3
    build_indexes(options.data, DataOptions(str(folder), uncertain="present"), rows)
    assert len(readings) == 4


def test_an_index_that_was_cut_off_leaves_the_one_before_and_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, rows = make_release(tmp_path, FILMS, set()), tmp_path / "run" / "rows"
    options = DataOptions(str(folder))
    total = sum(map(len, (lambda made: (made.train, made.val))(build_indexes(str(folder), options, rows))))
    before = {path.name: path.read_bytes() for path in rows.iterdir()}
    table = folder / "Data_Entry_2017_v2020.csv"
    table.write_text(table.read_text() + "\n")

    def torn(where: str, options: DataOptions, notes: Notes) -> Iterator[Row]:
        yield next(read_rows(where, options, notes))
        raise OSError("no space")

    read_rows = module.read_rows
    with monkeypatch.context() as patch:
        patch.setattr(module, "read_rows", torn)
        with pytest.raises(OSError, match="no space"):
            build_indexes(str(folder), options, rows)
    assert {path.name: path.read_bytes() for path in rows.iterdir()} == before
    made = build_indexes(str(folder), options, rows)
    assert len(made.train) + len(made.val) == total == 3


def test_lists_that_split_a_patient_are_refused(tmp_path: Path) -> None:
    films = {"00000001_000.png": ("Mass", "1", "PA"), "00000001_001.png": ("Mass", "1", "PA")}
    folder = make_release(tmp_path, films, {"00000001_001.png"})
    with pytest.raises(CxrError, match="has films in two splits"):
        build_indexes(str(folder), DataOptions(str(folder)), tmp_path / "rows")


def test_a_broken_index_is_made_again(tmp_path: Path) -> None:
    folder, rows = make_release(tmp_path, FILMS, set()), tmp_path / "run" / "rows"
    made = build_indexes(str(folder), DataOptions(str(folder)), rows)
    for broken in ("", '{"mark": ', "[]", "\0"):
        (rows / "index.json").write_text(broken)
        assert list(build_indexes(str(folder), DataOptions(str(folder)), rows).train) == list(made.train)


def test_rows_that_are_refused_leave_the_index_as_it_was(tmp_path: Path) -> None:
    folder, rows = make_release(tmp_path, FILMS, set()), tmp_path / "run" / "rows"
    build_indexes(str(folder), DataOptions(str(folder)), rows)
    before = {path.name: path.read_bytes() for path in rows.iterdir()}
    seen = []

    def refuse(indexes: Indexes) -> None:
        seen.append(list(indexes.train))
        raise CxrError("no")

    for options in (DataOptions(str(folder)), DataOptions(str(folder), uncertain="present")):  # as it is, and anew
        with pytest.raises(CxrError, match="no"):
            build_indexes(str(folder), options, rows, refuse)
    assert {path.name: path.read_bytes() for path in rows.iterdir()} == before
    assert seen[0] == seen[1] and seen[0]


def test_memory_does_not_grow_with_the_rows(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 200 bytes a row while it is made, garbage included; a row alone takes more than 1,000."""

    def peak(count: int) -> int:
        def read(where: str, options: DataOptions, notes: Notes) -> Iterator[Row]:
            return (make_row(image, n, present=("nodule",)) for n in range(count))

        monkeypatch.setattr(module, "read_rows", read)
        tracemalloc.start()
        made = build_indexes("somebody/films", DataOptions(), tmp_path / str(count))
        assert made.train[count - 1].patient == f"train-{count - 1}"
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(5000) - peak(1000) < 4000 * 200


@needs_data
def test_the_real_films_are_indexed_without_a_row_of_the_test_list_in_train(tmp_path: Path) -> None:
    where = str(DATA / "chestxray14")
    indexes = build_indexes(where, DataOptions(where), tmp_path)
    assert (len(indexes.train), len(indexes.val), len(indexes.test)) == (11, 4, 10)
    tested = set((DATA / "chestxray14" / "test_list.txt").read_text().split())
    assert not tested & {row.image.name for rows in (indexes.train, indexes.val) for row in rows}
    assert sum(indexes.counts["train"]["mass"]) == 11 and indexes.own_findings == ()
    assert set(json.loads((tmp_path / "index.json").read_text())) == {"mark", "notes", "findings", "own"}
