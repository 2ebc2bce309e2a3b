"""Everything `train.py sft` does, in one process on a tiny base: from rows to an adapter that the program loads."""

import errno
import fcntl
import gc
import json
import logging
import shutil
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig
from safetensors.torch import load_file

from cxr.films.film import to_image
from cxr.films.phantom.sets import write_set
from cxr.model.loading import EMBEDDED, load, load_named
from cxr.reader import Reader
from cxr.results import CxrError
from cxr.settings import Settings
from cxr.training import finetune as module
from cxr.training.data import DataOptions
from cxr.training.dataset import FilmDataset
from cxr.training.finetune import finetune
from cxr.training.index import build_indexes
from cxr.training.learner import FilmLearner
from cxr.training.lora import choose_targets
from cxr.training.merge import MergeOptions, merge
from cxr.training.options import SftOptions
from cxr.training.student import Student, load_student
from cxr.training.trainer import FilmTrainer, save_lora
from tests.data import DATA, needs_data
from tests.tiny import noise_film, save_tiny
from tests.training.mimic_tree import make_mimic


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    write_set(folder, count=20, size=128, first=9_000_000)
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny"))[0]


def quick(base: Path, out: Path) -> SftOptions:
    return SftOptions(
        out=str(out), base=str(base), rank=4, films=2, rows=2, accumulation=1, max_steps=3, eval_steps=1, eval_films=2
    )


def test_the_loop_and_the_lora_are_as_the_options_say(drawn: Path, base: Path, tmp_path: Path) -> None:
    odd = SftOptions(
        out=str(tmp_path),
        base=str(base),
        rank=3,
        alpha=5,
        dropout=0.15,
        targets="attention+mlp",
        learning_rate=3.5e-4,
        warmup=0.07,
        max_steps=11,
        films=3,
        accumulation=7,
        eval_steps=2,
        eval_films=3,
    )
    student = load_student(odd)
    lora = student.learner.peft.peft_config["default"]
    assert isinstance(lora, LoraConfig)
    assert (lora.r, lora.lora_alpha, lora.lora_dropout) == (3, 5, 0.15)
    assert lora.target_modules == choose_targets("attention+mlp", False)
    data = DataOptions(data=str(drawn), seed=4)
    indexes = build_indexes(data.data, data, tmp_path / "rows")
    trainer = module.build_trainer(tmp_path, odd, data, indexes, student)
    told = trainer.args
    assert (told.learning_rate, told.warmup_steps, told.max_steps, told.seed) == (3.5e-4, 0.07, 11, 4)
    assert (told.per_device_train_batch_size, told.gradient_accumulation_steps) == (3, 7)
    assert (told.eval_steps, told.save_steps, told.save_total_limit) == (2, 2, None)
    assert (told.load_best_model_at_end, told.metric_for_best_model, told.greater_is_better) == (
        True,
        "eval_loss",
        False,
    )
    val, train = ({row.patient for row in rows} for rows in (indexes.val, indexes.train))
    assert not val & train
    checked = trainer.eval_dataset
    assert isinstance(checked, FilmDataset) and len(checked) == min(3, len(indexes.val))
    assert checked.rows is indexes.val
    assert isinstance(trainer.train_dataset, FilmDataset) and trainer.train_dataset.rows is indexes.train


def test_the_adapter_is_that_of_the_checkpoint_with_the_least_validation_loss(
    drawn: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = FilmTrainer.evaluate

    def worsen(self: FilmTrainer, *args: Any, **kwargs: Any) -> dict[str, float]:
        return dict(measure(self, *args, **kwargs)) | {"eval_loss": float(self.state.global_step)}

    monkeypatch.setattr(FilmTrainer, "evaluate", worsen)
    adapter = finetune(quick(base, tmp_path / "run"), DataOptions(data=str(drawn)))
    first, last, kept = (
        load_file(folder / "adapter_model.safetensors")
        for folder in (tmp_path / "run" / "checkpoint-1", tmp_path / "run" / "checkpoint-3", adapter)
    )
    assert all(torch.equal(kept[name], first[name]) for name in kept)
    assert any(not torch.equal(kept[name], last[name]) for name in kept)


def test_an_adapter_comes_out_that_the_program_loads_and_that_answers(
    drawn: Path, base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        adapter = finetune(quick(base, tmp_path / "run"), DataOptions(data=str(drawn)))
    assert adapter == tmp_path / "run" / "adapter"
    assert caplog.messages[-1].startswith(f"The adapter is in {adapter}. It is that of checkpoint-")
    loaded = load(Settings(base=str(base), adapter=str(adapter)))
    assert loaded.identity.problem is None and loaded.identity.adapter == str(adapter)
    reader = Reader(loaded.engine, loaded.identity, loaded.calibration)
    assert len(reader.classify(reader.study(noise_film())).scores) == 14
    assert any(
        "lora_B" in name and p.abs().max() > 0 for name, p in load_file(adapter / "adapter_model.safetensors").items()
    )
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["data_kind"] == "records" and record["base"] == str(base)
    assert (tmp_path / "run" / "logs" / "log.csv").is_file()
    assert list((tmp_path / "run" / "logs").glob("events.out.tfevents*"))
    assert not list((tmp_path / "run").glob("*/README.md"))


def test_what_was_trained_leaves_the_memory_for_whoever_measures_it(
    drawn: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[weakref.ref[FilmLearner]] = []

    def watch(options: SftOptions) -> Student:
        student = load_student(options)
        trained.append(weakref.ref(student.learner))
        return student

    monkeypatch.setattr(module, "load_student", watch)
    finetune(quick(base, tmp_path / "run"), DataOptions(data=str(drawn)))
    gc.collect()
    assert len(trained) == 1 and trained[0]() is None


def test_the_same_command_again_trains_nothing_more_and_another_one_is_refused(
    drawn: Path, base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options, data = quick(base, tmp_path / "run"), DataOptions(data=str(drawn))
    log = tmp_path / "run" / "logs" / "log.csv"
    before = load_file(finetune(options, data) / "adapter_model.safetensors")
    lines = log.read_text()
    with caplog.at_level(logging.INFO):
        after = load_file(finetune(options, data) / "adapter_model.safetensors")
    assert "This run has ended before, with checkpoint-3; nothing is left to train." in caplog.messages
    assert "It is that of checkpoint-" in caplog.messages[-1] and log.read_text() == lines
    assert all(torch.equal(before[name], after[name]) for name in before)
    with pytest.raises(CxrError, match="another learning_rate; choose another --out"):
        finetune(replace(options, learning_rate=1.0), data)


def test_a_run_whose_data_have_changed_is_not_continued(base: Path, tmp_path: Path) -> None:
    write_set(tmp_path / "films", count=20, size=128, first=9_000_000)
    options, data = quick(base, tmp_path / "run"), DataOptions(data=str(tmp_path / "films"))
    finetune(options, data)
    lines = (tmp_path / "films" / "dataset.jsonl").read_text().splitlines()
    (tmp_path / "films" / "dataset.jsonl").write_text("\n".join(lines[:-2]) + "\n")
    with pytest.raises(CxrError, match="another data as they are now"):
        finetune(options, data)


def test_a_command_that_is_refused_leaves_the_run_as_it_was(drawn: Path, base: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    finetune(quick(base, run), DataOptions(data=str(drawn)))
    write_set(tmp_path / "other", count=20, size=128, first=9_000_100)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(CxrError, match="There is no folder"):
        finetune(quick(base, run), DataOptions(data=str(tmp_path / "typo")))
    with pytest.raises(CxrError, match="holds a run with another data"):
        finetune(quick(base, run), DataOptions(data=str(tmp_path / "other")))
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_two_commands_do_not_train_in_one_folder(drawn: Path, base: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with (tmp_path / "run" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(CxrError, match="being trained by another process"):
            finetune(quick(base, tmp_path / "run"), DataOptions(data=str(drawn)))


def test_a_damaged_record_and_a_moved_run_go_on(drawn: Path, base: Path, tmp_path: Path) -> None:
    options, data = quick(base, tmp_path / "run"), DataOptions(data=str(drawn))
    finetune(options, data)
    (tmp_path / "run" / "run.json").write_text("")
    (tmp_path / "run").rename(tmp_path / "moved")
    finetune(replace(options, out=str(tmp_path / "moved")), data)
    state = json.loads((tmp_path / "moved" / "checkpoint-3" / "trainer_state.json").read_text())
    assert Path(state["best_model_checkpoint"]).parent == tmp_path / "moved"
    assert json.loads((tmp_path / "moved" / "run.json").read_text())["base"] == str(base)


@pytest.mark.parametrize(
    "changes",
    [
        {"canvas": 7},
        {"canvas": 2000},
        {"rank": 0},
        {"films": 0},
        {"accumulation": 0},
        {"epochs": 0.0},
        {"dropout": 1.5},
        {"learning_rate": 0.0},
        {"keep_states": float("inf")},
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_loaded(
    changes: dict[str, Any], base: Path, tmp_path: Path
) -> None:
    with pytest.raises(CxrError, match=f"--{next(iter(changes))} must be"):
        finetune(replace(quick(base, tmp_path / "run"), **changes), DataOptions(data="nowhere"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("changes", [{"seed": -1}, {"seed": 99_999_999_999}, {"normal_share": 1.5}, {"rare_floor": -1}])
def test_options_of_the_data_that_cannot_be_are_refused_too(
    changes: dict[str, Any], base: Path, tmp_path: Path
) -> None:
    with pytest.raises(CxrError, match=rf"--{next(iter(changes))} must be .*, not {next(iter(changes.values()))}\."):
        finetune(quick(base, tmp_path / "run"), DataOptions(data="nowhere", **changes))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "optimizer.pt", "trainer_state.json"])
def test_a_damaged_checkpoint_is_named_and_the_run_goes_on_without_it(
    name: str, drawn: Path, base: Path, tmp_path: Path
) -> None:
    options = replace(quick(base, tmp_path / "run"), max_steps=2)
    data = DataOptions(data=str(drawn))
    finetune(options, data)
    shutil.rmtree(tmp_path / "run" / "checkpoint-2")  # as if it had been cut off
    file = tmp_path / "run" / "checkpoint-1" / name
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(CxrError, match=r"checkpoint-1 is damaged\. Delete that folder"):
        finetune(options, data)
    shutil.rmtree(file.parent)
    assert finetune(options, data).is_dir()


def test_a_folder_that_cannot_be_made_is_a_sentence(base: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CxrError, match="cannot be used"):
        finetune(quick(base, tmp_path / "file" / "run"), DataOptions(data="nowhere"))


def test_a_canvas_over_a_tile_works_with_kept_states(drawn: Path, base: Path, tmp_path: Path) -> None:
    options = replace(quick(base, tmp_path / "run"), canvas=80, keep_states=0.1, eval_films=1, tiles="real")
    adapter = finetune(options, DataOptions(data=str(drawn)))
    assert json.loads((adapter / "cxr_config.json").read_text()) == {"canvas": 80, "guided": True, "tiles": "real"}
    assert load_named(Settings(base=str(base), adapter=str(adapter))).engine.real_tiles


def test_a_dry_run_shows_rows_counts_and_time_and_trains_nothing(
    drawn: Path, base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        finetune(replace(quick(base, tmp_path / "run"), dry_run=True), DataOptions(data=str(drawn)))
    for part in ("<|image|>", "| effusion |", "GiB of memory"):
        assert part in caplog.text
    shown = {text.split(" ---")[0]: text.partition("---\n")[2] for text in caplog.text.split("\n--- ")[1:]}
    assert list(shown) == ["question with yes or no", "label list", "report", "guided report", "open question"]
    assert all("<|image|>" in row and ">>" in row for row in shown.values())
    assert ">>I see " in shown["label list"] and ">>Findings: " in shown["report"]
    assert ">>Findings: " in shown["guided report"] and "Likely" not in shown["report"]
    assert not (tmp_path / "run" / "adapter").exists() and not list((tmp_path / "run").glob("checkpoint-*"))


def test_data_of_which_nothing_can_be_taught_are_refused_before_a_model_is_loaded(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for patient in ("Novak", "Weiss"):  # as if they were labels
        for number in range(2):
            path = tmp_path / "films" / "train" / patient / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            to_image(noise_film(len(patient) + number)).save(path)
    monkeypatch.setattr(module, "load_student", lambda options: pytest.fail("a model was loaded"))
    with pytest.raises(
        CxrError, match=r"No training film has a finding that is taught.*fewer than 5 training patients"
    ):
        finetune(quick(base, tmp_path / "run"), DataOptions(data=str(tmp_path / "films")))


def test_what_is_wrong_with_the_data_is_said_before_a_model_is_loaded(
    drawn: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "load_student", lambda options: pytest.fail("a model was loaded"))

    def check(indexes: Any) -> None:
        raise CxrError(f"{len(indexes.train)} films are too few.")

    with pytest.raises(CxrError, match=r"^15 films are too few"):
        finetune(quick(base, tmp_path / "run"), DataOptions(data=str(drawn)), check)


def test_a_full_disk_is_a_sentence_that_says_where_training_goes_on(
    drawn: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = []

    def save(self: Any, output_dir: Any = None, state_dict: Any = None) -> None:
        if saved:
            raise OSError(errno.ENOSPC, "No space left on device")
        saved.append(output_dir)
        save_lora(self.learner, Path(output_dir))

    monkeypatch.setattr(module.FilmTrainer, "_save", save)
    options, data = quick(base, tmp_path / "run"), DataOptions(data=str(drawn))
    with pytest.raises(CxrError, match=r"disk is full.*goes on from checkpoint-1"):
        finetune(options, data)
    monkeypatch.undo()
    assert finetune(options, data).is_dir()


def test_kept_states_end_with_the_same_adapter(drawn: Path, base: Path, tmp_path: Path) -> None:
    data = DataOptions(data=str(drawn))
    plain = finetune(quick(base, tmp_path / "plain"), data)
    kept = finetune(replace(quick(base, tmp_path / "kept"), keep_states=0.1), data)
    assert list((tmp_path / "kept" / "states").glob("*.safetensors"))
    one, two = (load_file(folder / "adapter_model.safetensors") for folder in (plain, kept))
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-5


@needs_data
def test_chestxray14_as_it_is_downloaded_trains(base: Path, tmp_path: Path) -> None:
    adapter = finetune(quick(base, tmp_path / "run"), DataOptions(data=str(DATA / "chestxray14")))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["data_kind"] == "chestxray14"
    assert (adapter / "adapter_model.safetensors").is_file()


def test_mimic_trains_and_its_own_findings_travel_with_the_adapter(base: Path, tmp_path: Path) -> None:
    make_mimic(tmp_path / "mimic")
    adapter = finetune(quick(base, tmp_path / "run"), DataOptions(data=str(tmp_path / "mimic"), blank="absent"))
    record = json.loads((adapter / "cxr_config.json").read_text())
    assert "support_devices" in record["own_findings"]
    loaded = load(Settings(base=str(base), adapter=str(adapter)))
    assert "support_devices" in loaded.own_findings


def test_a_file_in_the_place_of_the_merged_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for merged in (tmp_path / "file", tmp_path / "file" / "merged"):
        with pytest.raises(CxrError, match="cannot be used"):
            merge(MergeOptions(adapter=str(EMBEDDED / "adapter"), merged=str(merged)))


def test_merged_weights_answer_as_base_and_adapter_do(drawn: Path, base: Path, tmp_path: Path) -> None:
    adapter = finetune(quick(base, tmp_path / "run"), DataOptions(data=str(drawn)))
    merged = merge(MergeOptions(adapter=str(adapter.parent), base=str(base), merged=str(tmp_path / "merged")))
    film = noise_film()
    scores = []
    for settings in (Settings(base=str(base), adapter=str(adapter)), Settings(base=str(merged))):
        loaded = load(settings)
        assert loaded.identity.problem is None
        reader = Reader(loaded.engine, loaded.identity, None)
        scores.append([score.probability for score in reader.classify(reader.study(film)).scores])
    assert scores[0] == pytest.approx(scores[1], abs=0.02)  # merged weights are rounded to bf16
    config = json.loads((merged / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes"}
    (merged / "config.json").write_text(json.dumps(config))
    with pytest.raises(CxrError, match="merged into bf16 weights only"):
        merge(MergeOptions(adapter=str(adapter), base=str(merged), merged=str(tmp_path / "again")))
