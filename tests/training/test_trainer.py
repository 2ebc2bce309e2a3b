"""The loop on a tiny Mllama: it learns, it goes on where it stopped to the same weights, and it stops where it must."""

import copy
import csv
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback, TrainingArguments

from cxr.results import CxrError
from cxr.training.checkpoints import MARK, drop_unfinished, find_newest, list_checkpoints
from cxr.training.collator import Collator
from cxr.training.dataset import FilmDataset
from cxr.training.learner import FilmLearner
from cxr.training.lora import ATTENTION, add_lora
from cxr.training.progress import CsvLog, read_lines
from cxr.training.rows import Row
from cxr.training.states import StateStore
from cxr.training.trainer import FilmTrainer, SightCheck
from tests.tiny import tiny_engine
from tests.training.test_dataset import make_rows

STEPS = 6


def ask(row: Row, rng: Any) -> list[tuple[str, str]]:
    return [("Is there a nodule on this chest film? Answer yes or no.", rng.choice(["Yes.", "No."]))]


def make_trainer(folder: Path, rows: list[Row], **more: Any) -> FilmTrainer:
    engine = tiny_engine()
    torch.manual_seed(0)
    base = copy.deepcopy(more.pop("model", engine.model))
    learner = FilmLearner(add_lora(base, "tiny", rank=4, alpha=8, dropout=more.pop("dropout", 0.1), targets=ATTENTION))
    order = np.tile(np.arange(len(rows)), 10)
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=2,
        gradient_accumulation_steps=more.pop("accumulation", 2),
        max_steps=STEPS,
        learning_rate=more.pop("rate", 5e-3),
        optim=more.pop("optim", "adamw_torch"),
        max_grad_norm=more.pop("clip", 1.0),
        save_steps=2,
        eval_strategy="steps",
        eval_steps=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        prediction_loss_only=True,
        label_names=["labels"],
        logging_steps=1,
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
        seed=5,
    )
    store = more.pop("states", None)
    return FilmTrainer(
        model=learner,
        args=arguments,
        train_dataset=FilmDataset(rows, order, ask, engine.canvas, 0),
        eval_dataset=FilmDataset(rows, np.arange(2), ask, engine.canvas, 1),
        data_collator=Collator(engine.processor, 128, 16, store),
        callbacks=[SightCheck(), CsvLog(folder / "logs", 4), *more.pop("callbacks", [])],
        states=store,
    )


def weights(trainer: FilmTrainer) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in trainer.learner.named_parameters() if p.requires_grad}


class Die(TrainerCallback):
    """Ends the program as suddenly as a test can, in the step after a checkpoint."""

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 4:
            raise KeyboardInterrupt


def test_a_run_that_was_cut_off_ends_with_the_weights_of_one_that_was_not(tmp_path: Path) -> None:
    rows = make_rows(tmp_path, 5)
    whole = make_trainer(tmp_path / "whole", rows)
    whole.train()
    with pytest.raises(KeyboardInterrupt):
        make_trainer(tmp_path / "cut", rows, callbacks=[Die()]).train()
    newest = find_newest(tmp_path / "cut")
    assert newest is not None and newest.name == "checkpoint-4"
    (tmp_path / "cut" / "checkpoint-5").mkdir()  # what the kill may leave
    drop_unfinished(tmp_path / "cut")
    again = make_trainer(tmp_path / "cut", rows)
    again.train(resume_from_checkpoint=str(newest))
    one, two = weights(whole), weights(again)
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-6
    assert any(float(p.abs().max()) > 0 for name, p in one.items() if "lora_B" in name)


def test_a_kill_while_an_old_checkpoint_is_removed_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best is the first one; the fourth replaces the third, and the program dies while that is being removed."""
    measure = FilmTrainer.evaluate

    def worsen(self: FilmTrainer, *args: Any, **kwargs: Any) -> dict[str, float]:
        found = dict(measure(self, *args, **kwargs))
        return found | {"eval_loss": float(self.state.global_step)}

    def die(path: Path) -> None:
        (path / "optimizer.pt").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(FilmTrainer, "evaluate", worsen)
    rows = make_rows(tmp_path, 5)
    whole = make_trainer(tmp_path / "whole", rows)
    whole.train()
    assert {path.name for path in list_checkpoints(tmp_path / "whole")} == {"checkpoint-2", "checkpoint-6"}
    with monkeypatch.context() as dying:
        dying.setattr("cxr.training.checkpoints.shutil.rmtree", die)
        with pytest.raises(KeyboardInterrupt):
            make_trainer(tmp_path / "cut", rows).train()
    newest = find_newest(tmp_path / "cut")
    assert newest is not None and newest.name == "checkpoint-6"
    drop_unfinished(tmp_path / "cut")
    again = make_trainer(tmp_path / "cut", rows)
    again.args.max_steps = whole.args.max_steps = STEPS + 2
    again.train(resume_from_checkpoint=str(newest))
    whole.train(resume_from_checkpoint=str(tmp_path / "whole" / "checkpoint-6"))
    one, two = (load_file(tmp_path / name / "checkpoint-8" / "adapter_model.safetensors") for name in ("whole", "cut"))
    assert one and all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt"])
def test_a_checkpoint_without_its_optimizer_is_no_place_to_go_on_from(name: str, tmp_path: Path) -> None:
    rows = make_rows(tmp_path, 5)
    make_trainer(tmp_path / "run", rows).train()
    (tmp_path / "run" / "checkpoint-6" / name).unlink()
    again = make_trainer(tmp_path / "run", rows)
    with pytest.raises(CxrError, match=r"checkpoint-6 is damaged"):
        again.train(resume_from_checkpoint=str(tmp_path / "run" / "checkpoint-6"))


def test_checkpoints_hold_the_lora_and_a_mark_and_the_log_is_a_csv(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path / "run", make_rows(tmp_path, 5))
    trainer.train()
    names = {path.name for path in (tmp_path / "run" / "checkpoint-6").iterdir()}
    assert {MARK, "adapter_model.safetensors", "adapter_config.json", "optimizer.pt", "trainer_state.json"} <= names
    with (tmp_path / "run" / "logs" / "log.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert {line["step"] for line in lines} == {str(step) for step in range(1, STEPS + 1)}
    assert any(line["eval_loss"] for line in lines) and all(float(line["memory_gib"]) > 0 for line in lines)
    assert float(lines[-1]["rows_per_second"]) > 0 and lines[0]["seconds_left"]


def test_the_log_of_a_run_that_goes_on_has_each_step_once_and_one_clock(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows, run = make_rows(tmp_path, 5), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        make_trainer(run, rows, callbacks=[Die()]).train()
    log = run / "logs" / "log.csv"
    before = read_lines(log)
    log.write_text(log.read_text() + "8.0,5,6,1.5,,0.1,1.0,0.1,9\r\n8.5,6")  # a step that is done anew, a torn line
    again = make_trainer(run, rows)
    with caplog.at_level(logging.INFO):
        again.train(resume_from_checkpoint=str(run / "checkpoint-4"))
    assert "Training goes on from checkpoint-4: step 4 of 6." in caplog.messages
    lines = read_lines(log)
    assert lines[: len(before)] == before
    assert [line["step"] for line in lines if line["loss"]] == list("123456")
    seconds = [float(line["seconds"]) for line in lines]
    assert seconds == sorted(seconds) and seconds[-1] >= float(before[-1]["seconds"])


def test_only_lora_moves(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path / "run", make_rows(tmp_path, 5))
    before = copy.deepcopy(trainer.learner.state_dict())
    trainer.train()
    moved = {name for name, value in trainer.learner.state_dict().items() if not torch.equal(value, before[name])}
    assert moved and all("lora_" in name for name in moved)


def test_kept_states_change_nothing_and_spare_the_encoder(tmp_path: Path) -> None:
    rows = make_rows(tmp_path, 4)  # two films a micro-batch, so the same two meet again
    plain = make_trainer(tmp_path / "plain", rows)
    plain.train()
    store = StateStore(tmp_path / "states", "tiny", tiny_engine().canvas, 1, 1 << 30)
    kept = make_trainer(tmp_path / "kept", rows, states=store)
    calls = []
    kept.learner.mllama.model.vision_model.register_forward_hook(lambda *_: calls.append(1))
    kept.train()
    one, two = weights(plain), weights(kept)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert len(calls) == 3  # two micro-batches hold all four films; a third was read ahead of the first step


def test_a_loss_that_is_not_finite_stops_the_run_with_a_sentence(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path / "run", make_rows(tmp_path, 5))
    with torch.no_grad():
        trainer.learner.mllama.lm_head.weight.fill_(float("nan"))
    with pytest.raises(CxrError, match="not a number after step 0"):
        trainer.train()


@pytest.mark.parametrize("name", ["eval_loss", "grad_norm"])
def test_what_is_logged_must_be_finite_too(name: str, tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path / "run", make_rows(tmp_path, 5))
    with pytest.raises(CxrError, match="not a number after step 0"):
        trainer.log({name: float("nan")})


def test_a_step_that_does_not_fit_into_float16_is_left_out_and_no_reason_to_stop(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path / "run", make_rows(tmp_path, 5))
    trainer.accelerator.scaler = torch.amp.GradScaler("cpu")
    trainer.log({"grad_norm": float("inf"), "loss": 1.0})
    with pytest.raises(CxrError, match="not a number after step 0"):
        trainer.log({"grad_norm": float("inf"), "loss": float("nan")})


def test_a_model_that_does_not_see_the_film_is_not_trained(tmp_path: Path) -> None:
    blind = copy.deepcopy(tiny_engine().model)
    with torch.no_grad():
        for name, parameter in blind.named_parameters():
            if name.endswith("cross_attn_attn_gate"):
                parameter.zero_()
    with pytest.raises(CxrError, match="learn from the text alone"):
        make_trainer(tmp_path / "run", make_rows(tmp_path, 5), model=blind).train()
