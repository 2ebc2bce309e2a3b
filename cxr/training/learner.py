"""The forward pass of fine-tuning: one pass of the frozen encoder a film, then all its rows.

Knows nothing about data, LoRA or the loop.
"""

from typing import Any, cast

import torch
import torch.nn.functional as F
from peft import PeftModel
from torch import nn
from transformers import MllamaForConditionalGeneration

from cxr.training.collator import IGNORED


class FilmLearner(nn.Module):
    """A Mllama with a LoRA in it, from a batch of the collator to the loss of its answers."""

    def __init__(self, model: PeftModel, *, train_vision: bool = False) -> None:
        super().__init__()
        self.peft = model
        self.train_vision = train_vision

    @property
    def mllama(self) -> MllamaForConditionalGeneration:
        """The model inside the LoRA's wrapper."""
        return cast(MllamaForConditionalGeneration, self.peft.get_base_model())

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.mllama.device

    def encode(
        self, pixel_values: torch.Tensor, aspect_ratio_ids: torch.Tensor, aspect_ratio_mask: torch.Tensor
    ) -> torch.Tensor:
        """F films -> F x (tiles * patches) x hidden, the real tiles alone, as `Engine.encode` has them."""
        core = self.mllama.model
        tiles = int(aspect_ratio_mask[0].sum())
        with torch.set_grad_enabled(self.train_vision and torch.is_grad_enabled()):
            seen = core.vision_model(
                pixel_values.to(self.mllama.dtype),
                aspect_ratio_ids=aspect_ratio_ids,
                aspect_ratio_mask=aspect_ratio_mask,
            )
            states = core.multi_modal_projector(seen.last_hidden_state)  # F x 1 x tiles x patches x hidden
        return states[:, 0, :tiles].flatten(1, 2)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor,
        cross_attention_mask: torch.Tensor,
        film_of_row: torch.Tensor,
        states: torch.Tensor | None = None,
        num_items_in_batch: torch.Tensor | int | None = None,
        **pixels: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """The mean cross-entropy of the answers' tokens; over `num_items_in_batch` of them where that is given."""
        states = self.encode(**pixels) if states is None else states
        hidden = self.mllama.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            cross_attention_mask=cross_attention_mask,
            cross_attention_states=states[film_of_row],
            use_cache=False,
        ).last_hidden_state[:, :-1]
        targets = labels[:, 1:]
        answers = targets != IGNORED
        # The output layer runs on the answers alone: over every token its logits would be the largest thing in memory.
        logits = self.mllama.lm_head(hidden[answers])
        total = F.cross_entropy(logits.float(), targets[answers], reduction="sum")
        count: Any = answers.sum() if num_items_in_batch is None else num_items_in_batch
        return {"loss": total / count}
