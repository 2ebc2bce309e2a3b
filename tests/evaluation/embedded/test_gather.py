"""The right films are read, once each, and a run that was killed goes on."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr.evaluation.embedded import __main__ as command
from cxr.evaluation.embedded import gather as gathering
from cxr.evaluation.embedded.gather import Wanted, draw_nothing, draw_one, gather, load_model
from cxr.evaluation.embedded.kept import load_kept, mark_program, read_on
from cxr.evaluation.films import CHESTXRAY14, Case
from cxr.evaluation.readings import Reading
from cxr.evaluation.text import read_asserted
from cxr.films.phantom import draw_film
from cxr.probes import draw_blank
from cxr.reader import Study
from cxr.results import CxrError
from tests.evaluation.embedded.said import said
from tests.evaluation.test_films import row, write_table
from tests.fakes import FakeEngine, fake_reader
from tests.tiny import save_tiny

PAIRS = [
    {"question": "Is there a nodule?", "answer": "Yes"},
    {"question": "Is there a mass?", "answer": "No"},
    {"question": "How many nodules are there?", "answer": 2},  # VQA-RAD has numbers, too
]


def make_folder(folder: Path) -> Path:
    folder.mkdir()
    rows = [
        row(source, labels, file=f"{name}.png", patient_id=name, split=split)
        for name, source, labels, split in (
            ("a", CHESTXRAY14, "Mass", "val"),
            ("b", CHESTXRAY14, "No Finding", "val"),
            ("c", "kermany_pediatric", "Pneumonia", "val"),
            ("d", CHESTXRAY14, "Mass", "test"),
            ("e", "vqa_rad", "", "val"),
            ("f", "vqa_rad", "", "test"),
            ("g", "vqa_rad", "", "train"),
        )
    ]
    (write_table(folder, *rows) / "vqa_rad.json").write_text(json.dumps({f"{name}.png": PAIRS for name in "efg"}))
    return folder


def names(films: list) -> list[str]:  # type: ignore[type-arg]
    return [film.path.stem for film in films]


def test_a_split_gives_its_own_films(tmp_path: Path) -> None:
    wanted = Wanted(make_folder(tmp_path / "films"), "val", 0)
    assert names(wanted.choose_real()) == ["a", "b"] and names(wanted.choose_asked()) == ["e"]
    test = replace(wanted, split="test")
    assert names(test.choose_real()) == ["d"] and names(test.choose_asked()) == ["e", "f"]  # none of train
    assert names(replace(wanted, limit=1).choose_real()) == ["a"]


def test_a_drawn_films_report_says_what_is_on_it() -> None:
    case, truth = draw_one(10_000_003), draw_film(10_000_003).observations
    said = read_asserted(case.report)
    assert {key: item.side for key, item in said.items()} == {item.finding: item.side for item in truth}
    assert case.name == "drawn:10000003" and len(draw_nothing()) == 3


def test_each_film_is_encoded_once_and_nothing_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, bare = fake_reader(), fake_reader()
    monkeypatch.setattr(gathering, "load_model", lambda folder, adapted=True: bare)
    engine: FakeEngine = reader.engine  # type: ignore[assignment]
    wanted = Wanted(make_folder(tmp_path / "films"), "val", 2)
    Image.fromarray(np.tile(np.arange(128, dtype=np.uint8), (300, 2))).save(wanted.films / "films" / "e.png")
    heard = gather(wanted, tmp_path / "model", reader, tmp_path / "work")
    assert engine.encodings == 2 + 2 + 1 + 1 and bare.engine.encodings == 2  # type: ignore[attr-defined]
    assert [len(each.exchanges) for each in heard.real] == [42, 42]
    assert [each.question for each in heard.asked[0].exchanges] == [pair["question"] for pair in PAIRS]
    assert [each.closed for each in heard.asked[0].exchanges] == [True, True, False]
    assert heard.asked[0].exchanges[0].answer != heard.blank[0].exchanges[0].answer  # another picture
    *_, blank = bare.answer(Study(draw_blank(), bare.engine.encode(draw_blank())), PAIRS[0]["question"])
    assert heard.blank[0].exchanges[0].answer == blank.text
    assert gather(wanted, tmp_path / "model", reader, tmp_path / "work") == heard and engine.encodings == 6


def test_a_line_that_was_cut_is_read_again(tmp_path: Path) -> None:
    path, read = tmp_path / "real.jsonl", []
    film = draw_nothing()["grey"]
    plan = {name: partial(Case, film, "", frozenset(), frozenset(), name=name) for name in "abc"}

    def tell(case: Case) -> Reading:
        read.append(case.name)
        return said(case.name)

    whole = read_on(path, plan, tell)
    path.write_bytes(path.read_bytes()[:-20])
    assert read_on(path, plan, tell) == whole and read == ["a", "b", "c", "c"]
    assert [reading.name for reading in load_kept(path)] == ["a", "b", "c"]
    assert [reading.name for reading in read_on(path, {"b": plan["b"]}, tell)] == ["b"] and len(read) == 4


def test_another_model_has_another_mark_but_another_card_has_not(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"one")
    mark = mark_program(tmp_path, "CPU")
    (tmp_path / "README.md").write_text("card")
    assert mark_program(tmp_path, "CPU") == mark != mark_program(tmp_path, "a GPU")
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert mark_program(tmp_path, "CPU") != mark


def test_a_folders_model_is_read_with_and_without_its_adapter(tmp_path: Path) -> None:
    base, adapter = save_tiny(tmp_path)
    adapter.rename(base / "adapter")
    on, off = load_model(base), load_model(base, adapted=False)
    film = draw_nothing()["noise"]
    told = [
        np.array([score.probability for score in reader.classify(reader.study(film)).scores]) for reader in (on, off)
    ]
    assert np.abs(told[0] - told[1]).max() > 1e-4 and on.engine.canvas == off.engine.canvas
    with pytest.raises(CxrError):
        load_model(tmp_path / "nothing")


def test_the_command_prints_every_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (command, gathering):
        monkeypatch.setattr(module, "load_model", lambda folder, adapted=True: fake_reader())
    folder = make_folder(tmp_path / "films")
    options = ["--films", str(folder), "--drawn", "2", "--resamples", "10", "--work", str(tmp_path / "work")]
    command.main([*options, "--model", str(tmp_path / "model")])
    told = capsys.readouterr().out
    assert told.count("\n## ") == 10 and "flattered" in told and "| black | 0 |" in told
    command.main([*options, "--model", str(tmp_path / "model"), str(tmp_path / "model")])
    several = capsys.readouterr().out
    assert several.startswith(told) and several.count("\n## ") == 11 and "## Means of 2 seeds" in several
