"""transformers' Trainer, told about films: what is encoded once, what a checkpoint holds, and when to stop.

Knows nothing about where films come from.
"""

import math
import pickle
from collections.abc import Sized
from pathlib import Path
from typing import Any, cast

import torch
from peft import set_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.utils.data import Dataset, Sampler, SequentialSampler
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from cxr.results import CxrError
from cxr.training.checkpoints import mark_complete, rotate
from cxr.training.learner import FilmLearner
from cxr.training.states import StateStore

NOT_FINITE = "The loss is not a number after step {}: lower --learning_rate, or look at the films around that step."
DAMAGED = "{} is damaged. Delete that folder and run the same command again: training goes on from what is before it."
STATES = ("optimizer.pt", "scheduler.pt")  # what a checkpoint holds beside weights and dice
BLIND = "No gradient reaches the LoRA of the cross-attention: this model would learn from the text alone."


class FilmTrainer(Trainer):
    """Trains a `FilmLearner` on batches of the collator, in the order of its dataset."""

    def __init__(self, *args: Any, states: StateStore | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.states = states
        self.model_accepts_loss_kwargs = True  # the learner divides by the answers' tokens of the whole step

    @property
    def learner(self) -> FilmLearner:
        """The model without what several GPUs wrap around it."""
        learner = self.accelerator.unwrap_model(self.model)
        assert isinstance(learner, FilmLearner)
        return learner

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler:
        # The dataset is in its order already.
        return SequentialSampler(cast(Sized, train_dataset or self.train_dataset))

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The loss of a micro-batch; what the encoder makes of its films is kept where a store is given."""
        keys = inputs.pop("keys", ())
        if self.states is not None and "states" not in inputs:
            names = ("pixel_values", "aspect_ratio_ids", "aspect_ratio_mask")
            inputs["states"] = self.learner.encode(**{name: inputs.pop(name) for name in names})
            for key, states in zip(keys, inputs["states"], strict=True):
                self.states.keep(key, states)
        outputs = model(**inputs, num_items_in_batch=num_items_in_batch)
        loss = outputs["loss"]
        if num_items_in_batch is not None and self.args.average_tokens_across_devices:
            loss = (
                loss * self.accelerator.num_processes
            )  # gradients are averaged over processes, tokens counted over all
        return (loss, outputs) if return_outputs else loss

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """One micro-batch.

        Raises:
            CxrError: its loss is not finite; nothing of it has reached the weights.
        """
        loss = super().training_step(*args, **kwargs)
        if not torch.isfinite(loss):
            raise CxrError(NOT_FINITE.format(self.state.global_step))
        return loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Pass on what is logged.

        Raises:
            CxrError: a gradient or the validation loss is not finite, though the loss may be. A gradient that does not
                fit into float16 is none of these: its step is left out and the next one is scaled lower.
        """
        super().log(logs, *args, **kwargs)
        watched = ("loss", "eval_loss") if self.accelerator.scaler is not None else ("loss", "eval_loss", "grad_norm")
        if any(not math.isfinite(logs.get(name, 0.0)) for name in watched):
            raise CxrError(NOT_FINITE.format(self.state.global_step))

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        save_lora(self.learner, Path(output_dir or str(self.args.output_dir)))

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()  # every process writes the state of its own dice
        if self.args.should_save:
            run, best = Path(str(self.args.output_dir)), self.state.best_model_checkpoint
            mark_complete(run / f"checkpoint-{self.state.global_step}")
            rotate(run, Path(best) if best else None)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: torch.nn.Module | None = None) -> None:
        load_lora(self.learner, Path(resume_from_checkpoint))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        whole = checkpoint is None or all((Path(checkpoint) / name).is_file() for name in STATES)
        if not whole:  # transformers would begin with a new optimizer, without a word
            raise CxrError(DAMAGED.format(checkpoint))
        try:
            super()._load_optimizer_and_scheduler(checkpoint)
        except torch.OutOfMemoryError:
            raise
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise CxrError(DAMAGED.format(checkpoint)) from error

    def restore(self, checkpoint: Path) -> None:
        """State and weights as training ended with them, from its last checkpoint; the trainer would do a step more.

        Raises:
            CxrError: a checkpoint is damaged.
        """
        self.state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
        load_lora(self.learner, Path(self.state.best_model_checkpoint or checkpoint))

    def _load_best_model(self) -> None:
        load_lora(self.learner, Path(str(self.state.best_model_checkpoint)))


def save_lora(learner: FilmLearner, folder: Path) -> None:
    """The LoRA alone, in the layout of peft."""
    learner.peft.save_pretrained(str(folder), save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # peft's template; our card is written when it is published


def load_lora(learner: FilmLearner, folder: Path) -> None:
    """Weights that `save_lora` wrote, into the LoRA that is there.

    Raises:
        CxrError: they belong to another one, or are damaged.
    """
    try:
        weights = load_file(folder / "adapter_model.safetensors")
    except SafetensorError as error:
        raise CxrError(DAMAGED.format(folder)) from error
    result: Any = set_peft_model_state_dict(learner.peft, weights)
    if result.unexpected_keys:
        raise CxrError(f"{folder.name} holds another adapter than this run trains; choose another --out.")


class SightCheck(TrainerCallback):
    """Stops a run that does not learn from the films.

    A dropped film, or a cross-attention gate that is closed, trains on text alone without a word.
    """

    def __init__(self) -> None:
        self._checked = False

    def on_pre_optimizer_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: torch.nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        """Before the first step: the film must have reached the LoRA of the cross-attention.

        Raises:
            CxrError: it has not.
        """
        if self._checked or model is None:
            return
        self._checked = True
        grads = [p.grad for name, p in model.named_parameters() if "cross_attn" in name and "lora_B" in name]
        if not any(grad is not None and bool(grad.abs().max() > 0) for grad in grads):
            raise CxrError(BLIND)
