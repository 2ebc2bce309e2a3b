"""`python train.py evaluate`: the whole way with the embedded model, and its steps alone."""

import errno
import json
import logging
import shutil
import weakref
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from transformers import HfArgumentParser

from cxr.evaluation.classification import Outcome
from cxr.evaluation.contenders import Contenders
from cxr.evaluation.summary import Origin
from cxr.films.phantom.sets import write_set
from cxr.findings import BY_KEY
from cxr.model.bases import EMBEDDED_NAME
from cxr.model.calibration import read_calibration
from cxr.model.loading import EMBEDDED
from cxr.reader import Reader
from cxr.results import CxrError, Observation
from cxr.training import assess
from cxr.training.assess import (
    AssessOptions,
    Heard,
    choose_contenders,
    choose_index,
    choose_out,
    choose_rows,
    describe_origin,
    evaluate,
    fit,
    hear,
    list_differences,
    listen,
    open_films,
    store_calibration,
)
from cxr.training.conversations import Truth
from cxr.training.data import DataOptions
from cxr.training.index import build_indexes
from cxr.training.rows import Row, open_case
from tests.evaluation.test_summary import read
from tests.fakes import BARE_LLAMA, FakeEngine, fake_reader
from tests.training.runs import write_json

TEST = Origin("test", 0)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    write_set(folder, count=40, size=128, first=700)
    return folder


def make_rows(folder: Path, count: int) -> list[Row]:
    """Drawn films in turns with and without a mass, so that a calibration can be fitted."""
    (folder / "films").mkdir()
    write_set(folder, count=count, size=128, first=800)
    paths = sorted(folder.rglob("*.png"))
    mass, free = Truth((Observation("mass"),), frozenset(BY_KEY) - {"mass"}), Truth((), frozenset(BY_KEY))
    return [Row(path, f"p{i}", "test", (mass, free)[i % 2]) for i, path in enumerate(paths)]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    return make_rows(tmp_path_factory.mktemp("rows"), 12)


def test_the_command_line_knows_the_options_and_those_of_the_data() -> None:
    parser = HfArgumentParser((AssessOptions, DataOptions))  # type: ignore[arg-type]
    words = "--data films --adapter outputs/run1 --split val --limit 5 --calibrate --uncertain absent"
    options, data = parser.parse_args_into_dataclasses(words.split())
    assert (options.adapter, options.split, options.limit, options.calibrate) == ("outputs/run1", "val", 5, True)
    assert (data.data, data.uncertain) == ("films", "absent") and options.resamples == 1000


def test_from_a_run_to_figures_beside_its_adapter(
    drawn: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = tmp_path / "run1"
    shutil.copytree(EMBEDDED / "adapter", run / "adapter")
    (run / "adapter" / "calibration.json").unlink()
    write_json(run / "run.json", {"options": {**asdict(DataOptions()), "data": str(drawn), "seed": 1}})
    options = AssessOptions(adapter=str(run), limit=3, resamples=10)
    with caplog.at_level(logging.INFO):
        table = evaluate(options, DataOptions(data=str(drawn)))
    assert caplog.messages[0].startswith("Reading the data in ") and "**WARNING: not the seed of the" in table
    out = run / "evaluation"
    assert table.startswith("| measure | base | adapter | difference |") and str(out) in table
    assert {path.name for path in out.glob("*.*")} == {
        *("metrics.json", "predictions.jsonl", "roc.png", "reliability.png", "confusion.png"),
    }
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in (out / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]
    assert metrics["films"] == 3 == len(lines) and metrics["adapter"]["bleu"]["1"]["value"] > 0.3
    assert all(line["adapter"]["report"].startswith("Findings:") for line in lines)
    assert any(line["base"]["probabilities"] != line["adapter"]["probabilities"] for line in lines)
    assert (metrics["data_kind"], metrics["same_data"]) == ("records", False)


def test_an_evaluation_that_was_killed_asks_only_for_the_rest(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    asked: list[int] = []
    score = FakeEngine.score

    def count(self: FakeEngine, *told: Any) -> Any:
        asked.append(1)
        if len(asked) == 6:  # at the third film after 3 validation films: each is asked for its findings once
            raise Killed
        return score(self, *told)

    monkeypatch.setattr(FakeEngine, "score", count)
    monkeypatch.setattr(Contenders, "load_base", lambda self: fake_reader(BARE_LLAMA))
    options = AssessOptions(base="x/y", limit=3, resamples=5, out=str(tmp_path / "out"))
    with pytest.raises(Killed):
        evaluate(options, DataOptions(data=str(drawn)))
    assert len((tmp_path / "out" / "kept-base.jsonl").read_text().splitlines()) == 3  # its mark and two films
    table = evaluate(options, DataOptions(data=str(drawn)))
    assert not list((tmp_path / "out").glob("kept-*"))
    lines = (tmp_path / "out" / "predictions.jsonl").read_text()
    asked_in_all = len(asked)
    assert evaluate(options, DataOptions(data=str(drawn))) == table  # anew: nothing is kept of what is done
    assert lines == (tmp_path / "out" / "predictions.jsonl").read_text()
    assert len(asked) - asked_in_all == asked_in_all - 1  # only the questions it was killed in came twice


def test_the_index_of_the_run_is_used_where_it_is_of_the_same_data(drawn: Path, tmp_path: Path) -> None:
    data, adapter, out = DataOptions(data=str(drawn)), str(tmp_path / "run" / "adapter"), tmp_path / "out"
    assert choose_index(out, adapter, data) == out / "rows" == choose_index(out, None, data)
    build_indexes(str(drawn), data, tmp_path / "run" / "rows")
    assert choose_index(out, adapter, data) == tmp_path / "run" / "rows"
    assert choose_index(out, adapter, replace(data, uncertain="absent")) == out / "rows"


def test_the_calibration_is_stored_with_the_name_of_its_data(rows: list[Row], tmp_path: Path) -> None:
    heard = listen(
        fake_reader(BARE_LLAMA), "adapter", rows[:2], rows[2:], replace(TEST, data_kind="mimic_cxr"), tmp_path
    )
    store_calibration(heard, tmp_path)
    calibration = read_calibration(tmp_path)
    assert calibration is not None and set(calibration.scales) == {"mass"}
    assert calibration.population == "10 validation films (MIMIC-CXR)"


def test_a_split_without_films_and_a_calibration_without_a_folder_are_told(drawn: Path, tmp_path: Path) -> None:
    lines = (drawn / "dataset.jsonl").read_text(encoding="utf-8").splitlines()
    data = tmp_path / "data"
    data.mkdir()
    (data / "films").symlink_to(drawn / "films")
    kept = [line for line in lines if json.loads(line)["split"] != "test"]
    (data / "dataset.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")
    with pytest.raises(CxrError, match="no test films; choose another --split"):
        evaluate(AssessOptions(out=str(tmp_path / "out")), DataOptions(data=str(data)))
    for adapter in ("", "somebody/adapter"):
        with pytest.raises(CxrError, match="--calibrate writes into the adapter's folder"):
            evaluate(AssessOptions(adapter=adapter, calibrate=True), DataOptions(data=str(data)))


@pytest.mark.parametrize(
    ("changes", "seed", "word"),
    [({"limit": -1}, 0, "limit"), ({"resamples": -1}, 0, "resamples"), ({}, -1, "seed"), ({}, 2**32, "seed")],
)
def test_numbers_that_make_no_sense_are_refused(changes: dict[str, int], seed: int, word: str, tmp_path: Path) -> None:
    with pytest.raises(CxrError, match=f"--{word} must be"):
        evaluate(AssessOptions(out=str(tmp_path / "out"), **changes), DataOptions(data="nowhere", seed=seed))  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_where_nothing_can_be_written_is_a_sentence(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CxrError, match=r"file cannot be used \(File exists\)"):
        evaluate(AssessOptions(out=str(tmp_path / "file")), DataOptions(data=str(drawn)))

    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(assess, "build_indexes", fail)
    with pytest.raises(CxrError, match=r"disk is full.*run the same command again: what was read until now is kept\.$"):
        evaluate(AssessOptions(out=str(tmp_path / "out")), DataOptions(data=str(drawn)))


def test_other_data_than_those_of_the_run_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = {"data": "films", "blank": "unknown", "uncertain": "unknown", "seed": 0}
    write_json(tmp_path / "run" / "run.json", {"options": told})
    adapter = str(tmp_path / "run" / "adapter")
    assert list_differences(adapter, DataOptions(data=str(tmp_path / "films"))) == []
    assert list_differences(adapter, DataOptions(data="other", seed=1)) == ["data", "seed"]
    assert list_differences(adapter, DataOptions(data="films", blank="absent")) == ["blank"]
    assert list_differences(adapter, DataOptions(data="films", uncertain="absent")) == ["uncertain"]
    assert list_differences(None, DataOptions()) is None
    assert list_differences(str(tmp_path / "elsewhere" / "adapter"), DataOptions()) is None


def test_films_that_may_not_be_new_to_the_adapter_are_warned_of() -> None:
    same, other = describe_origin("test", 5, "hub", []), describe_origin("test", 5, "hub", ["data", "seed"])
    assert (same.same_data, same.warning, same.data_kind) == (True, "", "hub") and not other.same_data
    assert "not the data, seed of the adapter's training" in other.warning and "these test films" in other.warning
    assert not describe_origin("val", 5, "hub", None).same_data
    assert not describe_origin("train", 5, "hub", ["seed"]).warning  # the notes say so of these films in any case


def test_figures_lie_beside_the_adapter_of_a_run_only(tmp_path: Path) -> None:
    adapter = tmp_path / "run" / "adapter"
    adapter.mkdir(parents=True)
    assert choose_out("", str(adapter)) == Path("outputs/evaluation") == choose_out("", None)
    (tmp_path / "run" / "run.json").write_text("{}", encoding="utf-8")
    assert choose_out("", str(adapter)) == tmp_path / "run" / "evaluation"
    assert choose_out("there", str(adapter)) == Path("there")


def test_a_limit_draws_films_by_the_seed_and_keeps_their_order(rows: list[Row]) -> None:
    many = [replace(rows[0], patient=f"{i:03}") for i in range(100)]
    some = [row.patient for row in choose_rows(many, 10, seed=1)]
    assert len(set(some)) == 10 and some == sorted(some) and some[-1] > "050"
    assert some == [row.patient for row in choose_rows(many, 10, seed=1)]
    assert some != [row.patient for row in choose_rows(many, 10, seed=2)]
    assert choose_rows(many, 0, 0) is many and choose_rows(many, 100, 0) is many


def test_the_base_is_the_adapters_own_unless_another_is_named(tmp_path: Path) -> None:
    adapter = str(EMBEDDED / "adapter")
    assert choose_contenders(AssessOptions(), adapter, ()).base == EMBEDDED_NAME
    assert choose_contenders(AssessOptions(base="x/y"), adapter, ()).base == "x/y"
    alone = choose_contenders(AssessOptions(base="x/y"), None, ("tuberculosis",))
    assert (alone.adapter, alone.own_findings) == (None, ("tuberculosis",))


def test_a_case_carries_what_came_with_the_row(rows: list[Row]) -> None:
    row = replace(rows[0], report="Findings: x", indication="cough", pairs=(("Why?", "So."),))
    case = open_case(row)
    assert (case.report, case.indication, case.pairs) == ("Findings: x", "cough", (("Why?", "So."),))
    assert case.name == str(row.image) and case.patient == "p0" and case.present == {"mass"}


def test_films_that_cannot_be_opened_are_counted_and_left_out(
    rows: list[Row], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = replace(rows[0], image=tmp_path / "none.png", patient="broken")
    with caplog.at_level(logging.INFO):
        cases = list(open_films([broken, rows[1], broken, rows[2]], "base, test films"))
    assert [case.patient for case in cases] == ["p1", "p2"]
    assert "base, test films: 2 of 4 are left out; the first: " in caplog.text
    assert "base, test films: 4 of 4, about 0 s left" in caplog.text
    with pytest.raises(CxrError, match="None of the 1 test films"):
        listen(fake_reader(BARE_LLAMA), "base", [broken], [], TEST, tmp_path)


def test_validation_films_fit_thresholds_and_scaling_and_other_films_do_not(rows: list[Row], tmp_path: Path) -> None:
    reader = fake_reader(BARE_LLAMA)
    heard = listen(reader, "base", rows[:2], rows[2:], TEST, tmp_path)
    assert heard.validation is not None and heard.calibration is not None
    assert heard.validation.patients.tolist() == [row.patient for row in rows[2:]]
    assert set(heard.calibration.scales) == {"mass"}  # no other finding has both kinds of film
    alone = listen(reader, "base", rows, [], TEST, tmp_path)
    assert (alone.validation, alone.calibration) == (None, None)


def test_reports_are_guided_by_what_validation_films_gave_in_every_split_and_only_where_that_was_taught(
    rows: list[Row], tmp_path: Path
) -> None:
    for guided in (False, True):
        reader = fake_reader(BARE_LLAMA)
        reader.guided = guided
        for split in ("test", "val"):
            heard = listen(reader, "adapter", rows, rows, replace(TEST, split=split), tmp_path)
            assert {"Likely: " in reading.report or "Possible: " in reading.report for reading in heard.readings} == {
                guided
            }


def test_nothing_is_fitted_to_films_of_one_kind(
    rows: list[Row], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard = listen(fake_reader(BARE_LLAMA), "base", rows[:1], rows[::2], TEST, tmp_path)
    assert heard.calibration is None
    outcome = heard.validation
    assert isinstance(outcome, Outcome) and fit(outcome, "hub") is None and fit(None, "hub") is None
    store_calibration(Heard(read(0.5), outcome, None), tmp_path)
    assert not (tmp_path / "calibration.json").exists() and "so no calibration is stored" in caplog.text


def test_one_model_is_in_memory_at_a_time(rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[weakref.ref[Reader]] = []

    def load(self: Contenders) -> Reader:
        assert all(reader() is None for reader in loaded)
        reader = fake_reader(BARE_LLAMA)
        loaded.append(weakref.ref(reader))
        return reader

    monkeypatch.setattr(Contenders, "load_base", load)
    monkeypatch.setattr(Contenders, "load_adapter", load)
    both = hear(Contenders("x/base", "x/adapter"), rows[:2], rows[2:], TEST, tmp_path)
    assert list(both) == ["base", "adapter"] and len(loaded) == 2
    assert [reading.name for reading in both["base"].readings] == [reading.name for reading in both["adapter"].readings]
    assert list(hear(Contenders("x/base"), rows[:2], [], TEST, tmp_path)) == ["base"]
