"""What is said when a run has ended: the adapter, the checkpoint it is, and a command that can be copied."""

from pathlib import Path

from transformers import TrainerState

from cxr.training.data import DataOptions
from cxr.training.progress import describe_end


def test_the_end_names_adapter_best_checkpoint_and_the_next_command() -> None:
    state = TrainerState(best_model_checkpoint="elsewhere/checkpoint-20", best_metric=0.51234)
    said = describe_end(Path("runs/one"), DataOptions(data="my films"), state, "test")
    assert said.startswith("The adapter is in runs/one/adapter. It is that of checkpoint-20, ")
    assert "a loss of 0.5123 on the validation films" in said
    assert said.endswith(": python train.py evaluate --data 'my films' --adapter runs/one")


def test_the_next_command_has_the_options_of_the_data_and_a_split_with_films() -> None:
    data = DataOptions(data="films", blank="absent", seed=3, rare_floor=7)
    said = describe_end(Path("runs/one"), data, TrainerState(), "val")
    assert "the last step's" in said
    assert said.endswith("evaluate --data films --adapter runs/one --blank absent --seed 3 --split val")
