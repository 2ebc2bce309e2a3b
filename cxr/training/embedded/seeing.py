"""The eye of the embedded model alone: encoder, projector and the auxiliary heads, and what they are taught.

Knows nothing about text, nor about where films come from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from transformers.models.mllama.modeling_mllama import MllamaVisionModel

from cxr.training.embedded.build import Size, build_vision_config, open_gates
from cxr.training.embedded.fitting import Losses
from cxr.training.embedded.learning import Heads, known_loss
from cxr.training.embedded.teachers import ask
from cxr.training.embedded.views import Views, resize

MEAN, STD = 0.5, 0.5  # the processor's, for all three colours


class Seer(nn.Module):
    """Encoder and projector of a Mllama with heads on what they make of a film."""

    def __init__(self, vision: MllamaVisionModel, projector: nn.Linear, heads: Heads, patch: int) -> None:
        super().__init__()
        self.vision, self.projector, self.heads, self.patch = vision, projector, heads, patch
        width = projector.out_features
        self.person = nn.Linear(width, 3)  # sex, age and view: what every film shows, so that few films teach more
        self.patches = nn.Linear(width, patch**2)

    def see(self, images: torch.Tensor) -> torch.Tensor:
        """films x 1 x side x side in 0..1 -> films x (1 + patches) x width."""
        pixels = ((images - MEAN) / STD).expand(-1, 3, -1, -1)[:, None, None]
        one = torch.ones(len(images), 1, dtype=torch.long, device=images.device)
        seen = self.vision(pixels, aspect_ratio_ids=one, aspect_ratio_mask=one[..., None])
        states: torch.Tensor = self.projector(seen.last_hidden_state)[:, 0, 0]
        return states

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """films x 14 logits of the findings."""
        logits: torch.Tensor = self.heads(self.see(images).float())[0]
        return logits


def build_seer(size: Size) -> Seer:
    """An untrained one by torch's current seed."""
    config = build_vision_config(size)
    vision = MllamaVisionModel(config)
    open_gates(vision)
    return Seer(vision, nn.Linear(config.vision_output_dim, size.text_width), Heads(size.text_width), size.patch)


@dataclass(frozen=True)
class Lessons:
    """What an eye is taught beside findings, sides and places, and how much each counts."""

    person: float = 0.0
    hidden: float = 0.0  # patches to be guessed from the others (arXiv:2111.09886)
    hidden_share: float = 0.4  # of the patches, in half of the films
    taught: float = 0.0  # to say of a film what the teachers say of it (arXiv:2106.05237)
    alone: bool = False  # of a real film, whose labels are noisy, by the teachers alone


def see_loss(
    model: nn.Module, batch: Views, lessons: Lessons = Lessons(), teachers: Sequence[nn.Module] = ()
) -> Losses:
    """What is wrong about what is known of the films."""
    assert isinstance(model, Seer)
    images = batch["images"]
    veil = hide(images, model.patch, lessons.hidden_share) if lessons.hidden else None
    shown = images if veil is None else torch.where(veil, MEAN, images)
    states = model.see(shown).float()
    findings, sides, maps = model.heads(states)
    told = torch.where(batch["placed"][:, None] == 0, -1.0, batch["findings"]) if lessons.alone else batch["findings"]
    losses = {
        "findings": known_loss(findings, told),
        "sides": 0.5 * known_loss(sides, batch["sides"]),
        "maps": known_loss(maps, batch["maps"], positive=3.0),
    }
    if lessons.taught:
        losses["taught"] = lessons.taught * known_loss(findings, ask(teachers, images))
    if lessons.person:
        losses["person"] = lessons.person * person_loss(model.person(states[:, 1:].mean(1)), batch["person"])
    if veil is not None:
        losses["hidden"] = lessons.hidden * guess_loss(model.patches(states[:, 1:]), images, veil, model.patch)
    return losses


def skip_layers(seer: Seer, most: float) -> None:
    """While training, leave encoder layers out by chance, film by film: later ones more often (arXiv:1603.09382)."""
    layers = [*seer.vision.transformer.layers, *seer.vision.global_transformer.layers]
    for place, layer in enumerate(layers):
        layer.register_forward_hook(partial(_skip, share=most * (place + 1) / len(layers)), with_kwargs=True)


def _skip(
    layer: nn.Module, _: object, given: dict[str, torch.Tensor], made: torch.Tensor, share: float
) -> torch.Tensor:
    if not layer.training:
        return made
    before = given["hidden_states" if "hidden_states" in given else "hidden_state"]  # as transformers 5.17 has it
    stays = torch.rand(len(made), *[1] * (made.dim() - 1), device=made.device) >= share
    return torch.where(stays, before + (made - before) / (1 - share), before)


def person_loss(logits: torch.Tensor, person: torch.Tensor) -> torch.Tensor:
    """Of sex and view their cross-entropy, of the age the error in spans of 20 years; over those that are known."""
    known = person[:, 1] >= 0
    age = F.smooth_l1_loss(logits[:, 1], (person[:, 1] - 50) / 20, reduction="none")
    return known_loss(logits[:, [0, 2]], person[:, [0, 2]]) + (age * known).sum() / known.sum().clamp(min=1)


def hide(images: torch.Tensor, patch: int, share: float) -> torch.Tensor:
    """films x 1 x side x side bool: a share of the patches in every second film, by chance."""
    films, cells = len(images), images.shape[-1] // patch
    veil = torch.rand(films, 1, cells, cells, device=images.device) < share
    veil = veil & (torch.rand(films, 1, 1, 1, device=images.device) < 0.5)
    return veil.repeat_interleave(patch, 2).repeat_interleave(patch, 3)


def guess_loss(guesses: torch.Tensor, images: torch.Tensor, veil: torch.Tensor, patch: int) -> torch.Tensor:
    """The mean absolute error of hidden patches, each in its own brightness and contrast."""
    pixels = F.unfold(images, patch, stride=patch).transpose(1, 2)
    pixels = (pixels - pixels.mean(-1, keepdim=True)) / (pixels.std(-1, keepdim=True) + 0.02)
    hidden = F.unfold(veil.float(), patch, stride=patch).transpose(1, 2)[..., 0]
    return ((guesses - pixels).abs().mean(-1) * hidden).sum() / hidden.sum().clamp(min=1)


def label_loss(model: nn.Module, batch: Views) -> Losses:
    """The findings alone, for a model that has no other heads."""
    return {"findings": known_loss(model(batch["images"]), batch["findings"])}


@torch.no_grad()
@torch.compiler.set_stance("force_eager")  # batches of many sizes, each looked at once
def look(model: nn.Module, images: torch.Tensor, side: int, chunk: int = 256) -> torch.Tensor:
    """N x H x H uint8 -> N x 14 logits of the findings, on the CPU."""
    model.eval()
    logits = []
    for part in images.split(chunk):
        with torch.autocast(part.device.type, torch.bfloat16, enabled=part.is_cuda):
            logits.append(model(resize(part[:, None].float() / 255, side)).float().cpu())
    model.train()
    return torch.cat(logits)
