"""A drawn set to train on: its layout, its truth, its splits, and the seeds that it must never touch."""

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from cxr.films.phantom.__main__ import main
from cxr.films.phantom.drawing import SMALLEST, draw_film
from cxr.films.phantom.sets import KEPT, OPACITIES, OPACITY, SPLITS, write_set
from cxr.findings import BY_KEY
from cxr.results import Observation
from cxr.statements import read_statements


def read_entries(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "dataset.jsonl").read_text().splitlines()]


def test_a_set_holds_its_films_with_exact_truth(tmp_path: Path) -> None:
    write_set(tmp_path, count=10, size=SMALLEST, first=2000)
    entries = read_entries(tmp_path)
    assert [entry["split"] for entry in entries] == [*(["train"] * 8), "val", "test"]
    assert len({entry["patient"] for entry in entries}) == len(entries) == 10
    for seed, entry in enumerate(entries, start=2000):
        with Image.open(tmp_path / str(entry["image"])) as image:
            assert (image.mode, image.size) == ("L", (SMALLEST, SMALLEST))
        drawn = draw_film(seed, size=SMALLEST, view=entry["view"])  # type: ignore[arg-type]
        findings = {Observation(**item) for item in entry["findings"]}  # type: ignore[attr-defined]
        assert findings == set(drawn.observations) and entry["complete"] is True
        said = read_statements(str(entry["report"]))
        assert {each.observation for each in said if each.present} == findings
        denied = {each.observation.finding for each in said if not each.present}
        assert not denied & {item.finding for item in findings} and denied <= set(BY_KEY)
        assert "null" not in json.dumps(entry["findings"])


def test_the_same_seeds_give_the_same_set_and_hardly_any_laterals(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_set(tmp_path / name, count=20, size=SMALLEST)
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*")} for name in ("one", "two")]
    assert files[0] == files[1] and len(files[0]) == 21
    views = [entry["view"] for entry in read_entries(tmp_path / "one")]
    assert {"PA", "AP"} <= set(views) and views.count("lateral") <= 4


def test_films_that_are_kept_to_measure_on_are_never_in_a_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="kept to measure on"):
        write_set(tmp_path, count=2, size=SMALLEST, first=KEPT - 1)
    arguments = ["phantom", "--set", str(tmp_path), "--count", "1", "--size", "128", "--first", str(KEPT)]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit):
        main()
    assert "kept to measure on" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_the_command_writes_a_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["phantom", "--set", str(tmp_path), "--count", "1", "--size", "128"])
    main()
    assert "1 films and dataset.jsonl" in capsys.readouterr().out
    assert len(read_entries(tmp_path)) == 1


def test_the_kept_seeds_are_those_of_evaluation() -> None:
    from cxr.evaluation.films import DRAWN_SEED

    assert KEPT == DRAWN_SEED and (SPLITS.count("train"), len(SPLITS)) == (8, 10)


def test_a_set_may_say_of_a_finding_of_its_own_whether_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, seeds = str(tmp_path), range(2000, 2020)
    told = ["phantom", "--set", name, "--count", "20", "--size", str(SMALLEST), "--first", "2000", "--opacity"]
    monkeypatch.setattr(sys, "argv", told)
    main()
    entries = read_entries(tmp_path)
    assert [entry["split"] for entry in entries] == [*(["train"] * 6), "val", "val", "test", "test"] * 2
    for seed, entry in zip(seeds, entries, strict=True):
        drawn = draw_film(seed, size=SMALLEST, view=entry["view"])  # type: ignore[arg-type]
        dense = any(item.finding in OPACITIES for item in drawn.observations)
        others = sorted(OPACITIES - {item.finding for item in drawn.observations})
        assert ("label" in entry) == dense and entry.get("label", [OPACITY]) == [OPACITY]
        assert entry["complete"] and bool(entry["findings"]) == bool(drawn.observations)
        assert entry["absent"] == (others if dense else [OPACITY, *others])
    assert {"label", "absent"} <= {key for entry in entries for key in entry}
