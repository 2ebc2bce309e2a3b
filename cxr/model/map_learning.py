"""Teaches the layers of `map_head.py`, from what an encoder made of films and where findings lie on them.

Here and not with training, because evaluation teaches them anew on an encoder of random weights, to see what of a map
comes from the model. Knows nothing about where films come from.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, gelu

from cxr.films.phantom import DrawnFilm
from cxr.findings import BY_KEY, FINDINGS
from cxr.model.engine import Engine
from cxr.model.grid import find_grid
from cxr.model.map_head import WAYS, MapHead, gather_cells

HIDDEN, STEPS, BATCH, RATE, DECAY = 48, 1200, 32, 3e-3, 1e-2
ABSENT = 0.3  # how much a film without the finding counts, where nothing is to be drawn
SHARE = 0.5  # of a map's maximum, from which a place is meant before that was tried


@dataclass(frozen=True)
class Lessons:
    """Films to learn from: states (films x width x side x side, half precision) and how much of each cell each finding
    fills (films x 14 x side x side, 0..1)."""

    states: Tensor
    filled: Tensor


def gather_lessons(engine: Engine, films: Iterable[DrawnFilm]) -> Lessons:
    """Encode drawn films, which are square, so that they fill the canvas."""
    states, filled = [], []
    for drawn in films:
        encoded = engine.encode(drawn.film)
        cells = gather_cells(engine, encoded)
        share = find_grid(engine, encoded).share
        states.append(cells.half())
        filled.append(_fill(drawn, cells.shape[-1], share))
    return Lessons(torch.stack(states), torch.stack(filled))


def _fill(drawn: DrawnFilm, side: int, share: float) -> Tensor:
    """How much of each cell each finding fills: 14 x side x side."""
    own = max(1, round(side * share))
    filled = np.zeros((len(FINDINGS), side, side), np.float32)
    for place, key in enumerate(BY_KEY):
        if key in drawn.masks:
            mask = Image.fromarray(drawn.masks[key].astype(np.float32), mode="F")
            filled[place, :own, :own] = np.asarray(mask.resize((own, own), Image.Resampling.BOX))
    return torch.from_numpy(filled)


def learn_head(lessons: Lessons, steps: int = STEPS, seed: int = 0) -> MapHead:
    """Two layers that say where findings lie; the same seed gives the same layers."""
    count = len(lessons.states)
    mean, spread = _measure(lessons.states)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        low = nn.Conv2d(len(mean), HIDDEN, 1)
        high = nn.Conv2d(HIDDEN, len(FINDINGS), 3, padding=1)
        picks = torch.randint(count, (steps, BATCH))
    parameters = [*low.parameters(), *high.parameters()]
    optimizer = torch.optim.AdamW(parameters, RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for picked in picks:
        states = (lessons.states[picked].float() - mean[:, None, None]) / spread[:, None, None]
        loss = weigh_errors(high(gelu(low(states))), lessons.filled[picked])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    weight, bias = low.weight.detach(), low.bias.detach()  # type: ignore[union-attr]
    scaled = weight / spread[:, None, None]  # so that the layer reads states as they come
    shifted = bias - (scaled[..., 0, 0] @ mean)
    trials = np.tile(np.array([SHARE, 0.0], np.float32), (WAYS, 1))
    return MapHead(scaled, shifted, high.weight.detach(), high.bias.detach(), trials)  # type: ignore[union-attr]


def _measure(states: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and spread of each of the states' numbers over all films and places."""
    chunks = [chunk.double() for chunk in states.split(64)]
    mean = torch.stack([chunk.sum((0, 2, 3)) for chunk in chunks]).sum(0) / states[:, 0].numel()
    square = torch.stack([chunk.square().sum((0, 2, 3)) for chunk in chunks]).sum(0) / states[:, 0].numel()
    return mean.float(), (square - mean.square()).clamp_min(1e-8).sqrt().float()


def weigh_errors(logits: Tensor, filled: Tensor) -> Tensor:
    """Cross-entropy of every cell and one less Dice's overlap where a finding is; the first alone where it is not."""
    there = (filled.amax((2, 3)) > 0).float()
    cells = binary_cross_entropy_with_logits(logits, filled, reduction="none").mean((2, 3))
    drawn = logits.sigmoid()
    overlap = (2 * (drawn * filled).sum((2, 3)) + 1) / ((drawn + filled).sum((2, 3)) + 1)
    present = ((cells + 1 - overlap) * there).sum() / there.sum().clamp_min(1)
    return present + ABSENT * (cells * (1 - there)).mean()
