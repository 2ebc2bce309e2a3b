"""The recipe: which films it may see, what it asks of them, and a very small run from nothing to a folder."""

import copy
import csv
import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cxr.evaluation import films as evaluation_films
from cxr.evaluation.films import RealFilm, draw_cases, read_films
from cxr.films.film import letterbox
from cxr.films.open import open_film
from cxr.findings import FINDINGS
from cxr.model import loading
from cxr.prompts import YES_NO, ask_report, build_conversation
from cxr.training.data import DataOptions, Notes, read_rows
from cxr.training.embedded import adapter_set, material, recipe
from cxr.training.embedded.batches import Pool
from cxr.training.embedded.build import Size
from cxr.training.embedded.drawing import Plan, draw_example, load_writer
from cxr.training.embedded.examples import CLOSED, ConversationWriter, stack
from cxr.training.embedded.learning import Learner
from cxr.training.embedded.material import Options, Pools, mix, see_batches, write_real, write_texts
from cxr.training.embedded.recipe import make_embedded
from tests.data import DATA, needs_data
from tests.tiny import TEXTS, noise_film, tiny_engine

TINY = Size(canvas=56, patch=14, vision_width=32, vision_layers=3, text_width=32, text_mlp=64, text_layers=4, heads=4)


@needs_data
def test_only_training_films_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the whole table: the films that the recipe opens are those of the training side, and no patient of
    theirs is on another one."""
    with (DATA / "films.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    opened: list[Path] = []
    monkeypatch.setattr(material, "open_film", lambda path: opened.append(path) or noise_film())
    monkeypatch.setattr(material, "REAL_ROWS", 1)
    written = write_real(read_films(DATA, "train"), ConversationWriter(tiny_engine().processor.tokenizer), TINY, 0)
    assert len(opened) == len(written["images"]) > 1000
    assert {rows[path.name]["split"] for path in opened} == {"train"}
    patients = {rows[path.name]["patient_id"] for path in opened}
    assert not patients & {row["patient_id"] for row in rows.values() if row["split"] != "train"}
    sources = {rows[path.name]["source"] for path in opened}
    assert not sources & evaluation_films.UNLABELLED


@needs_data
def test_real_films_are_asked_only_what_their_source_says() -> None:
    films = read_films(DATA, "train")
    some = [next(film for film in films if film.source == name) for name in ("nih_cxr14", "kermany_pediatric")]
    examples = write_real(some, ConversationWriter(tiny_engine().processor.tokenizer), TINY, 0)
    for i, film in enumerate(some):
        known = [finding.key in film.present | film.absent for finding in FINDINGS]
        np.testing.assert_array_equal(examples["ends"][i, :CLOSED] > 0, known)
        np.testing.assert_array_equal(examples["findings"][i] >= 0, known)
        np.testing.assert_array_equal(examples["images"][i], np.asarray(letterbox(open_film(film.path), TINY.canvas)))
        assert not (examples["maps"][i] == 1).any() and not (examples["sides"][i] == 1).any()  # no places are known
    assert not examples["placed"].any() and make_pool(0).held["placed"].all()


def test_the_vocabulary_is_learnt_from_the_same_texts_each_time() -> None:
    one, two = (list(islice(write_texts(seed), 400)) for seed in (0, 0))
    assert one == two != list(islice(write_texts(1), 400))
    text = " ".join(one)
    assert all(finding.bare_noun in text for finding in FINDINGS) and "Findings: " in text


def make_pool(shade: int) -> Pool:
    """Six films of one grey with rows of every kind."""
    writer = ConversationWriter(tiny_engine().processor.tokenizer)
    example = draw_example(Plan(1, TINY.canvas, 4), 0, writer)
    examples = stack([{**example, "images": np.full_like(example["images"], shade)} for _ in range(6)])
    pool = Pool(examples, 6, torch.device("cpu"))
    pool.add(examples)
    return pool


def test_a_batch_is_mixed_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(material, "augment", lambda batch, dice: batch)
    options = Options(Path(), Path(), batch=20, first_drawn=4)
    batch = next(mix(Pools(make_pool(10), make_pool(200)), iter(()), options, 0.3, 0))
    shades = (batch.images.mean((1, 2, 3)) * 255).round().int().tolist()
    assert shades == [10] * 7 + [200] * 3
    assert (batch.asked[:7] >= 0).sum(1).tolist() == [4] * 7 and (batch.asked[7:] >= 0).sum(1).tolist() == [6] * 3


@pytest.mark.parametrize(("share", "real"), [(0.0, 0), (0.25, 2)])
def test_the_eye_sees_drawn_films_and_as_many_real_ones_as_told(
    monkeypatch: pytest.MonkeyPatch, share: float, real: int
) -> None:
    monkeypatch.setattr(material, "vary", lambda batch, *rest: batch)
    options = Options(Path(), Path(), batch=8, first_drawn=4)
    batch = next(see_batches(Pools(make_pool(10), make_pool(200)), iter(()), options, TINY, share, 0))
    shades = (batch["images"].mean((1, 2, 3)) * 255).round().int().tolist()
    assert shades == [10] * (8 - real) + [200] * real and batch["person"].shape == (8, 3)


def choose_real(folder: Path, split: str) -> list[RealFilm]:
    """Twelve films of ChestX-ray14, some with an effusion."""
    films = [film for film in read_films(folder, split) if film.source == "nih_cxr14"]
    ill = [film for film in films if "effusion" in film.present][:5]
    return [*ill, *[film for film in films if not film.present][: 12 - len(ill)]]


def run_small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Options, list[str]]:
    """The recipe with a tiny model and a few films; what splits it asked for."""
    asked: list[str] = []

    def read(where: Path, split: str) -> list[RealFilm]:
        asked.append(split)
        return choose_real(where, split)

    def draw(plan: Plan, tokenizer: Path, workers: int) -> Any:
        for chunk in range(10**6):
            yield stack([draw_example(plan, 4 * chunk + i, load_writer(tokenizer)) for i in range(4)])

    def write_few(seed: int) -> list[str]:
        return [*islice(write_texts(seed), 2000), *TEXTS]

    monkeypatch.setattr(recipe, "read_films", read)
    monkeypatch.setattr(recipe, "draw_chunks", draw)
    monkeypatch.setattr(recipe, "write_texts", write_few)
    monkeypatch.setattr(recipe, "draw_cases", lambda count, first, size: draw_cases(2, size=size))
    options = Options(
        DATA, folder / "model", folder / "work", see_steps=3, real_steps=2, steps=3, batch=6, first_drawn=8,
        drawn_a_step=1.0, adapter_drawn=20, adapter_epochs=0.3,
    )  # fmt: skip
    make_embedded(options, TINY)
    return options, asked


@needs_data
@pytest.mark.slow
def test_a_very_small_run_makes_a_folder_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options, asked = run_small(tmp_path, monkeypatch)
    assert set(asked) == {"train", "val"}  # never test
    monkeypatch.setattr(loading, "EMBEDDED", options.out)
    loaded = loading.load_embedded()
    assert loaded.engine.canvas == TINY.canvas and loaded.identity.embedded
    assert loaded.calibration and "12 films" in loaded.calibration.population
    film = open_film(choose_real(DATA, "val")[0].path)
    scores = loaded.engine.score(loaded.engine.encode(film), [build_conversation(ask_report())], YES_NO)
    assert np.isfinite(scores).all()

    # The same command goes on from what is finished, and ends alike; another run is refused.
    weights = {path.name: path.read_bytes() for path in options.out.rglob("*.safetensors")}
    shutil.rmtree(options.out / "adapter")
    monkeypatch.setattr(recipe, "make_base", None)
    make_embedded(options, TINY)
    assert {path.name: path.read_bytes() for path in options.out.rglob("*.safetensors")} == weights
    with pytest.raises(ValueError, match="another run"):
        make_embedded(replace(options, seed=1), TINY)


@torch.no_grad()
def test_the_eye_that_is_believed_stays_as_it_was() -> None:
    """It says of films what the model's own heads say, and goes on saying it while they learn."""
    engine = tiny_engine()
    learner = Learner(copy.deepcopy(engine.model), engine.processor)
    images = torch.rand(2, 1, TINY.canvas, TINY.canvas)
    eye = recipe.copy_eye(learner, TINY)
    before = learner.heads(learner.encode(images))[0]
    torch.testing.assert_close(eye(images), before, atol=1e-4, rtol=1e-4)
    for parameter in learner.parameters():
        parameter += 0.01
    torch.testing.assert_close(eye(images), before, atol=1e-4, rtol=1e-4)
    assert not any(parameter.requires_grad for parameter in eye.parameters())


@needs_data
def test_the_adapters_films_keep_their_sides_and_what_is_unknown(tmp_path: Path) -> None:
    """Through train.py's own reader: no film changes sides, and a source's silence is no denial."""
    films = [*choose_real(DATA, "train"), *choose_real(DATA, "val")]
    films += [film for film in read_films(DATA, "train") if film.source == "kermany_pediatric"][:3]
    adapter_set.write_set(tmp_path, films, 4, 128, 1)
    rows = list(read_rows(str(tmp_path), DataOptions(data=str(tmp_path)), Notes()))
    told = {film.path.name: film for film in films}
    real = [row for row in rows if row.image.name in told]
    assert len(real) == len(films) and len(rows) > len(films)
    for row in real:
        film = told[row.image.name]
        assert row.split == film.split and row.truth.absent == film.absent
        assert {item.finding for item in row.truth.present} == film.present
