"""The command line, as a person types it."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr import __main__ as module
from cxr.__main__ import main
from cxr.evaluation.strangers import draw_stranger
from cxr.films.film import to_image
from cxr.reader import Reader
from tests.fakes import BARE_LLAMA, EMBEDDED, fake_reader

ROOT = Path(__file__).resolve().parents[1]
FILM = "examples/drawn-effusion.png"


def test_a_refused_film_does_not_stop_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "letter.txt"
    text.write_text("Dear doctor")
    assert main(["read", str(text), str(ROOT / FILM), "--json"]) == 1
    said = capsys.readouterr()
    refusal = [line for line in said.err.splitlines() if line.startswith(str(text))]
    assert len(refusal) == 1 and refusal[0].endswith(".")
    refused, reading = [json.loads(line) for line in said.out.splitlines()]
    assert refused["film"] == str(text) and refusal[0].endswith(refused["refused"])
    assert reading["film"] == str(ROOT / FILM) and len(reading["classification"]["scores"]) == 14
    assert all(0 <= score["probability"] <= 1 for score in reading["classification"]["scores"])
    assert reading["answered_by"]["adapter"] == "embedded adapter"
    assert reading["report"]["findings"] and reading["report"]["plain"] and reading["answer"]["text"]
    assert reading["answer"]["manner"] == "classified"


def test_one_task_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert not main(["read", str(ROOT / FILM), "--task", "answer", "--question", "What view is this?"])
    said = capsys.readouterr().out
    assert "Research and teaching only" in said and "embedded" in said
    assert "What view is this?" in said and "Findings:" not in said and "%" not in said


def test_a_map_needs_a_finding_and_a_picture_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["read", FILM, "--task", "map"])
    assert "--task map takes one film, --finding KEY and --out MAP.png" in capsys.readouterr().err


def test_a_map_is_a_picture_of_the_film_and_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["--task", "map", "--finding", "effusion", "--out", str(tmp_path / "map.png")]
    assert not main(["read", str(ROOT / FILM), *wanted])
    said = capsys.readouterr().out
    assert "the patient's left" in said and "not where disease is" in said
    assert re.search(r"Effusion +99%  present", said)
    film, drawn = (np.asarray(Image.open(path).convert("RGB"), int) for path in (ROOT / FILM, tmp_path / "map.png"))
    red = (drawn - film)[..., 0] - (drawn - film)[..., 2]  # orange over grey
    assert drawn.shape == film.shape and red[:, 256:].sum() > 5 * red[:, :256].sum()


def test_a_reader_who_leaves_early_is_no_fault() -> None:
    command = f"{sys.executable} -m cxr read {FILM} {FILM} --task classify | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert "Research and teaching only" in done.stdout and "Traceback" not in done.stderr


def test_a_folder_becomes_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("CXR_")]:
        monkeypatch.delenv(name)
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "film.png").write_bytes((ROOT / FILM).read_bytes())
    (tmp_path / "films" / "letter.txt").write_text("Dear doctor")
    assert main(["read", str(tmp_path / "films"), "--out", str(tmp_path / "results.csv")]) == 0
    said = capsys.readouterr()
    assert said.out == "" and "Research and teaching only" in said.err and "refused: 1." in said.err
    with (tmp_path / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        film, letter = csv.DictReader(file)
    assert film["file"] == "film.png" and film["effusion_decision"] == "present" and film["report"]
    assert letter["refused"].startswith("This is a text") and not letter["effusion"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (FILM, "--task", "cure"),
        (FILM, "--question", " "),
    ],
)
def test_wrong_use_is_told(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["read", *arguments])
    assert ended.value.code == 2 and "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("more", [("--task", "answer"), ("docs",), ("--json",), ("--check",), ("--workers", "-1")])
def test_what_no_table_can_hold_is_told(more: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["read", "examples", *more, "--out", "t.csv"])
    assert "--out takes one folder" in capsys.readouterr().err


def test_what_the_gate_refuses_is_named_and_read_only_with_anyway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load_fake(_: object, anyway: bool) -> Reader:
        reader = fake_reader(gated=True)
        reader.anyway = anyway
        return reader

    monkeypatch.setattr(module, "load_reader", load_fake)
    page = tmp_path / "page.png"
    to_image(draw_stranger("page", 10_000_000)).save(page)
    assert main(["read", str(page), "--task", "classify"]) == 1
    assert "does not look like an X-ray" in capsys.readouterr().err
    assert main(["read", str(page), "--task", "classify", "--anyway"]) == 0
    assert "! This does not look like an X-ray film. Send the film itself" in capsys.readouterr().out


def test_what_was_asked_is_asked_again_of_a_blank_and_of_the_mirrored_film(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "load_reader", lambda *_: fake_reader())
    assert main(["read", FILM, "--check", "--question", "Why?"]) == 0
    printed = capsys.readouterr().out
    assert "? With a blank film, too: " in printed and "such answers were right" in printed
    assert "? Probabilities that barely move with a blank film: " in printed and "as it must." in printed
    assert main(["read", FILM, "--check", "--json", "--task", "classify"]) == 0
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert len(checks["findings"]) == 14 and checks["sides"] and checks["answer"] is None
    assert main(["read", FILM, "--json", "--task", "classify"]) == 0
    assert json.loads(capsys.readouterr().out)["checks"] is None


def test_a_model_without_a_gate_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for identity, off in ((BARE_LLAMA, True), (EMBEDDED, False)):
        monkeypatch.setattr(module, "load_reader", lambda _, anyway, identity=identity: fake_reader(identity))
        main(["read", str(ROOT / FILM), "--task", "classify"])
        assert ("gate is off" in capsys.readouterr().out) == off


def test_what_a_map_is_written_to_is_named_where_it_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("none/map.png", "map.xyz"):
        wanted = ["--task", "map", "--finding", "Effusion", "--out", str(tmp_path / name)]
        assert main(["read", str(ROOT / FILM), *wanted]) == 1
        said = capsys.readouterr().err
        assert f"{tmp_path / name} could not be written" in said and FILM not in said


def test_a_question_that_nobody_answers_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["read", FILM, "--task", "classify", "--question", "Is there an effusion?"])
    assert "--question is for --task answer or all" in capsys.readouterr().err
