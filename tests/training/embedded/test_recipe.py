"""The recipe: which films it may see, what it asks of them, and a very small run from nothing to a folder."""

import copy
import csv
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
from cxr.training.embedded import recipe
from cxr.training.embedded.batches import Pool
from cxr.training.embedded.build import Size
from cxr.training.embedded.drawing import Plan, draw_example, load_writer
from cxr.training.embedded.examples import CLOSED, ConversationWriter, stack
from cxr.training.embedded.learning import Learner
from cxr.training.embedded.recipe import Options, Pools, make_embedded, mix, wrap, write_real, write_texts
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
    monkeypatch.setattr(recipe, "open_film", lambda path: opened.append(path) or noise_film())
    monkeypatch.setattr(recipe, "REAL_ROWS", 1)
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


@pytest.mark.parametrize(("free", "closed"), [(0, 8), (4, 4)])
def test_a_batch_is_mixed_as_told(monkeypatch: pytest.MonkeyPatch, free: int, closed: int) -> None:
    monkeypatch.setattr(recipe, "augment", lambda batch, dice: batch)
    options = Options(Path(), Path(), batch=10, first_drawn=4)
    batch = next(mix(Pools(make_pool(10), make_pool(200)), None, options, 0.3, free))
    shades = (batch.images.mean((1, 2, 3)) * 255).round().int().tolist()
    assert shades == [10] * 7 + [200] * 3
    assert batch.closed[:7].sum(1).tolist() == [4] * 7 and batch.closed[7:].sum(1).tolist() == [closed] * 3


def test_only_the_attention_of_the_language_model_is_adapted() -> None:
    engine = tiny_engine()
    learner = Learner(copy.deepcopy(engine.model), engine.processor)
    adapter = wrap(learner)
    trained = {name for name, parameter in learner.named_parameters() if parameter.requires_grad}
    assert trained and all("lora" in name and "language_model" in name and "attn" in name for name in trained)
    assert any("cross_attn" in name for name in trained) and any("self_attn" in name for name in trained)
    assert learner.model is adapter and adapter.peft_config["default"].base_model_name_or_path == recipe.EMBEDDED_NAME


def choose_real(folder: Path, split: str) -> list[RealFilm]:
    """Twelve films of ChestX-ray14, some with an effusion."""
    films = [film for film in read_films(folder, split) if film.source == "nih_cxr14"]
    ill = [film for film in films if "effusion" in film.present][:5]
    return [*ill, *[film for film in films if not film.present][: 12 - len(ill)]]


@needs_data
@pytest.mark.slow
def test_a_very_small_run_makes_a_folder_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def read(folder: Path, split: str) -> list[RealFilm]:
        asked.append(split)
        return choose_real(folder, split)

    def draw(plan: Plan, tokenizer: Path, workers: int) -> Any:
        for chunk in range(10**6):
            yield stack([draw_example(plan, 4 * chunk + i, load_writer(tokenizer)) for i in range(4)])

    def write_few(seed: int) -> list[str]:
        return [*islice(write_texts(seed), 2000), *TEXTS]

    monkeypatch.setattr(recipe, "read_films", read)
    monkeypatch.setattr(recipe, "draw_chunks", draw)
    monkeypatch.setattr(recipe, "write_texts", write_few)
    monkeypatch.setattr(recipe, "draw_cases", lambda count, size: draw_cases(2, size=size))
    options = Options(DATA, tmp_path / "model", steps=4, adapter_steps=3, batch=6, first_drawn=8, drawn_a_step=1.0)
    make_embedded(options, TINY)
    assert sorted(asked) == ["train", "val"]

    monkeypatch.setattr(loading, "EMBEDDED", options.out)
    loaded = loading.load_embedded()
    assert loaded.engine.canvas == TINY.canvas and loaded.identity.embedded
    assert (
        loaded.calibration and "effusion" in loaded.calibration.scales and "12 films" in loaded.calibration.population
    )
    film = open_film(choose_real(DATA, "val")[0].path)
    scores = loaded.engine.score(loaded.engine.encode(film), [build_conversation(ask_report())], YES_NO)
    assert np.isfinite(scores).all()
