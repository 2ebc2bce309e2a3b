"""The forward pass in training and its losses. Knows nothing about where films come from.

Loss: cross-entropy on the answers' tokens; the yes or no of closed questions counts once more, since probabilities
are read from it, and there what is believed of a film may stand for its label. Auxiliary heads on the film's states
(findings, their sides, and where on the picture they are) teach the encoder to see before the text can; they are not
part of what ships.
"""

import math
from collections.abc import Callable, Iterable
from typing import cast

import torch
import torch.nn.functional as F
from peft import PeftModel
from torch import nn
from transformers import MllamaForConditionalGeneration, MllamaProcessor

from cxr.findings import FINDINGS
from cxr.prompts import YES_NO
from cxr.training.embedded.batches import Batch
from cxr.training.embedded.examples import LONGEST, LONGEST_CLOSED
from cxr.training.embedded.fitting import Inputs, Losses, Pace, fit

IGNORED = -100  # a target that costs nothing

Believe = Callable[[Batch], torch.Tensor]  # films x 14 probabilities, -1 where a film's label counts


class Heads(nn.Module):
    """What the states of a film are asked directly: 14 findings, 14 x 2 sides, and 14 maps."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.findings = nn.Linear(width, len(FINDINGS))
        self.sides = nn.Linear(width, 2 * len(FINDINGS))
        self.maps = nn.Linear(width, len(FINDINGS))

    def forward(self, states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """films x (1 + patches) x width -> films x 14, films x 14 x 2, films x 14 x grid x grid logits."""
        patches = states[:, 1:]
        grid = math.isqrt(patches.shape[1])
        maps = self.maps(patches).transpose(1, 2).unflatten(2, (grid, grid))
        pooled = patches.mean(1)
        return self.findings(pooled), self.sides(pooled).unflatten(1, (-1, 2)), maps


class Learner(nn.Module):
    """A Mllama, the heads, and the pixel scaling of its processor."""

    def __init__(self, model: MllamaForConditionalGeneration, processor: MllamaProcessor) -> None:
        super().__init__()
        self.model: MllamaForConditionalGeneration | PeftModel = model
        self.heads = Heads(model.config.get_text_config().hidden_size)
        self.image_token = processor.image_token_id
        first = [processor.tokenizer.encode(word, add_special_tokens=False)[0] for word in YES_NO]
        self.yes_no = nn.Buffer(torch.tensor(first), persistent=False)
        images = processor.image_processor
        self.mean = nn.Buffer(torch.tensor(images.image_mean)[:, None, None])
        self.std = nn.Buffer(torch.tensor(images.image_std)[:, None, None])

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """films x 1 x side x side in 0..1 -> films x (1 + patches) x width, as `Engine.encode` has them."""
        core = self.mllama.model
        pixels = ((images - self.mean) / self.std)[:, None, None]
        one = torch.ones(len(images), 1, dtype=torch.long, device=images.device)
        seen = core.vision_model(pixels, aspect_ratio_ids=one, aspect_ratio_mask=one[..., None])
        return core.multi_modal_projector(seen.last_hidden_state)[:, 0, 0]

    @property
    def mllama(self) -> MllamaForConditionalGeneration:
        """The model itself, inside a LoRA where it has one."""
        return (
            cast(MllamaForConditionalGeneration, self.model.get_base_model())
            if isinstance(self.model, PeftModel)
            else self.model
        )

    def speak(
        self, states: torch.Tensor, batch: Batch, belief: torch.Tensor | None, rows: slice, longest: int
    ) -> tuple[torch.Tensor, ...]:
        """Of some rows, by token: cross-entropy, and 1 in answers; by row: that of the yes or no, and 1 if closed."""
        ids, starts, ends = (
            batch.tokens[:, rows, :longest].flatten(0, 1),
            batch.starts[:, rows].flatten(),
            batch.ends[:, rows].flatten(),
        )
        place = torch.arange(longest, device=ids.device)[None]
        # Only what follows the film's token sees it.
        seen = (place >= (ids == self.image_token).int().argmax(1, keepdim=True)).long()[..., None, None]
        output = self.model(
            input_ids=ids,
            attention_mask=(place < ends[:, None]).long(),
            cross_attention_mask=seen,
            cross_attention_states=states.repeat_interleave(len(ids) // len(states), 0),
            use_cache=False,
        )
        # Only answers are targets: the film's token lies outside the output layer.
        answers = ((place >= starts[:, None]) & (place < ends[:, None]))[:, 1:]
        targets = torch.where(answers, ids[:, 1:], IGNORED)
        loss = F.cross_entropy(
            output.logits[:, :-1].float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="none"
        )
        every = torch.arange(len(ids), device=ids.device)
        said = output.logits[every, (starts - 1).clamp(min=0)].float().log_softmax(-1)  # where an answer begins
        decisions = -said[every, ids[every, starts]]
        asked = batch.asked[:, rows]
        if belief is not None:
            believed = belief.gather(1, asked.clamp(min=0)).flatten()
            yes, no = said[:, self.yes_no].unbind(1)
            decisions = torch.where(believed < 0, decisions, -(believed * yes + (1 - believed) * no))
        closed = (asked.flatten() >= 0) & (ends > 0)
        return loss, answers.flatten().float(), decisions, closed.float()

    def forward(self, batch: Batch, belief: torch.Tensor | None = None) -> Losses:
        """What is wrong about a batch. `belief`: films x 14 as `Believe` has it."""
        states = self.encode(batch.images)
        half = batch.tokens.shape[1] // 2  # the first rows are closed and short: less padding in two parts
        parts = [
            self.speak(states, batch, belief, *part)
            for part in ((slice(0, half), LONGEST_CLOSED), (slice(half, None), LONGEST))
        ]
        tokens, answers, decisions, closed = (torch.cat(part) for part in zip(*parts, strict=True))
        findings, sides, maps = self.heads(states.float())
        told = batch.findings if belief is None else torch.where(belief < 0, batch.findings, belief)
        return {
            "tokens": tokens.sum() / answers.sum(),
            "decision": (decisions * closed).sum() / closed.sum().clamp(min=1),
            "findings": known_loss(findings, told),
            "sides": 0.5 * known_loss(sides, batch.sides),
            "maps": known_loss(maps, batch.maps, positive=3.0),
        }


def known_loss(logits: torch.Tensor, targets: torch.Tensor, positive: float = 1.0) -> torch.Tensor:
    """Binary cross-entropy over the targets that are known (0 or 1); -1 is unknown."""
    known = targets >= 0
    weight = known * torch.where(targets == 1, positive, 1.0)
    loss = F.binary_cross_entropy_with_logits(logits.float(), targets.clamp(min=0), reduction="none")
    return (loss * weight).sum() / known.sum().clamp(min=1)


def learn(learner: Learner, batches: Iterable[Batch], pace: Pace, believe: Believe | None = None) -> None:
    """Train in place what requires gradients; ends with the averaged weights."""

    def loss(model: nn.Module, inputs: Inputs) -> Losses:
        batch = Batch(**inputs)
        losses: Losses = model(batch, believe(batch) if believe else None)
        return losses

    fit(learner, loss, (vars(batch) for batch in batches), pace)
