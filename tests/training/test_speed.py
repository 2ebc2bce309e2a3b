"""The engines that are compared learn from the same rows, and the table says what was measured."""

import argparse
from pathlib import Path

import pytest
import torch

from cxr.training import speed_rows
from cxr.training.speed import ROWS, make_examples, measure, name_gpus, split_rows, write_table
from tests.tiny import save_tiny


@pytest.mark.parametrize("micro", [1, 2, 4, 8])
def test_micro_batches_hold_the_same_rows_and_each_film_once(micro: int) -> None:
    examples = make_examples(56)
    parts = split_rows(examples, micro)
    pairs = [pair for part in parts for example in part for pair in example.pairs]
    assert pairs == [pair for example in examples for pair in example.pairs] and len(pairs) == ROWS
    assert all(sum(len(example.pairs) for example in part) == micro for part in parts)
    assert all(len({id(example.image) for example in part}) == len(part) for part in parts)


@pytest.mark.parametrize("engine", ["peft", "ours", "ours, states kept"])
def test_an_engine_is_timed(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, _ = save_tiny(tmp_path)
    monkeypatch.setattr(speed_rows, "WORDS", 10)
    options = argparse.Namespace(
        base=base, engine=engine, micro=4, canvas=56, steps=1, cap=0.0, precision="float32", states=tmp_path / "states"
    )
    result = measure(options)
    assert result["seconds"] > 0 and result["micro"] == 4
    assert bool(list(tmp_path.glob("states/*.safetensors"))) == engine.endswith("kept")


def test_the_table_takes_the_best_micro_batch_and_names_what_failed() -> None:
    results = [
        {"engine": "peft", "micro": 2, "seconds": 4.0, "gib": 30.0},
        {"engine": "peft", "micro": 4, "seconds": 5.0, "gib": 40.0},
        {"engine": "ours", "micro": 4, "seconds": 2.0, "gib": 12.0},
        {"engine": "unsloth", "micro": 4, "fault": "out of memory"},
    ]
    table = write_table(results)
    assert "| peft | 2 | 4.00 | 2.00 | 1.00 | 30.0 | 100% |" in table
    assert "| ours | 4 | 2.00 | 4.00 | 2.00 | 12.0 | 40% |" in table
    assert "unsloth at 4: out of memory" in table and "| unsloth" not in table


@pytest.mark.parametrize(("allowed", "named"), [("1", ["1"]), ("2,3", ["2", "3"]), ("", [""]), (None, ["0"])])
def test_no_other_card_is_taken_than_those_that_are_allowed(
    monkeypatch: pytest.MonkeyPatch, allowed: str | None, named: list[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0 if allowed is None else 1)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if allowed is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
    assert name_gpus() == named
