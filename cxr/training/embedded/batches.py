"""Batches from films held on the training device, and the augmentation of their pictures.

Never a horizontal flip: it would put the heart on the wrong side. Knows nothing about the model.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from cxr.training.embedded.examples import CLOSED, Examples


@dataclass(frozen=True)
class Batch:
    """`films` pictures with `rows` conversations each, on one device.

    images: films x 1 x side x side float32 in 0..1; tokens: films x rows x longest int64; starts, ends: films x rows;
    asked: films x rows int64, which of the 14 a closed question is about, -1 in other rows; findings, sides, maps,
    placed: as in `examples`, float32 with -1 for unknown.
    """

    images: torch.Tensor
    tokens: torch.Tensor
    starts: torch.Tensor
    ends: torch.Tensor
    asked: torch.Tensor
    findings: torch.Tensor
    sides: torch.Tensor
    maps: torch.Tensor
    placed: torch.Tensor


class Pool:
    """Examples on a device, growing up to `capacity` films."""

    def __init__(self, like: Examples, capacity: int, device: torch.device) -> None:
        """`like`: a stack of examples with the shapes to hold."""
        self.held = {
            name: torch.zeros((capacity, *array.shape[1:]), dtype=torch.from_numpy(array).dtype, device=device)
            for name, array in like.items()
        }
        self.size, self.capacity = 0, capacity

    def add(self, examples: Examples) -> None:
        """Append films; those over the capacity are left out."""
        count = min(len(examples["images"]), self.capacity - self.size)
        for name, array in examples.items():
            self.held[name][self.size : self.size + count] = torch.from_numpy(array[:count]).to(self.held[name].device)
        self.size += count

    def reach(self, count: int, source: Iterator[Examples]) -> None:
        """Grow to at least `count` films, or to the capacity."""
        while self.size < min(count, self.capacity):
            self.add(next(source))

    def sample(self, limit: int, films: int, closed: int, free: int, dice: torch.Generator) -> Batch:
        """Draw films from the first `limit` with some of their rows; a present finding is asked 4 times as often."""
        device = self.held["images"].device
        chosen = torch.randint(min(limit, self.size), (films,), generator=dice, device=device)
        held = {name: array[chosen] for name, array in self.held.items()}
        weight = (held["ends"] > 0).float()
        weight[:, :CLOSED] *= 1 + 3 * (held["findings"] == 1).float()
        # A film of which little is known has few closed rows: it may be asked the same thing twice.
        picked = [
            torch.multinomial(part + 1e-9, count, replacement=True, generator=dice) + offset
            for part, count, offset in ((weight[:, :CLOSED], closed, 0), (weight[:, CLOSED:], free, CLOSED))
            if count
        ]
        rows = torch.cat(picked, 1)
        tokens = held["tokens"].gather(1, rows[..., None].expand(-1, -1, held["tokens"].shape[-1]))
        return Batch(
            held["images"][:, None].float() / 255,
            tokens.long(),
            held["starts"].gather(1, rows).long(),
            held["ends"].gather(1, rows).long(),
            torch.where(rows < CLOSED, rows, -1),
            held["findings"].float(),
            held["sides"].float(),
            held["maps"].float(),
            held["placed"].float(),
        )


def join(batches: list[Batch]) -> Batch:
    """One batch of several with the same numbers of rows."""
    return Batch(*(torch.cat([getattr(batch, name) for batch in batches]) for name in Batch.__dataclass_fields__))


@dataclass(frozen=True)
class Strength:
    """How far a picture is changed."""

    turn: float = 8.0  # degrees, at most
    small: float = 0.85  # scales, from
    large: float = 1.12  # to
    shift: float = 0.1  # of half the side, at most
    grey: float = 1.0  # of gamma, contrast and brightness
    erase: float = 0.25  # share of films with a box
    noise: float = 0.04


def augment(batch: Batch, dice: torch.Generator) -> Batch:
    """Turned up to 8 degrees, scaled and moved, with other greys, noise, blur and erased patches."""
    images, maps = distort(batch.images, batch.maps, dice)
    return replace(batch, images=images, maps=maps)


def distort(
    images: torch.Tensor, maps: torch.Tensor, dice: torch.Generator, strength: Strength = Strength()
) -> tuple[torch.Tensor, torch.Tensor]:
    """films x 1 x side x side pictures in 0..1 with their maps, changed alike."""
    films, device = len(images), images.device

    def between(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(films, *shape, generator=dice, device=device)

    turn = between(-strength.turn, strength.turn) * math.pi / 180
    scale = between(strength.small, strength.large)
    wide, tall = scale * between(0.93, 1.07), scale * between(0.93, 1.07)
    shift = between(-strength.shift, strength.shift, 2)
    matrix = torch.stack(
        [
            torch.stack([turn.cos() * wide, -turn.sin() * tall, shift[:, 0]], -1),
            torch.stack([turn.sin() * wide, turn.cos() * tall, shift[:, 1]], -1),
        ],
        1,
    )
    images = _warp(images, matrix)
    maps = torch.where(maps < 0, maps, (_warp(maps.clamp(min=0), matrix) > 0.25).float())
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    images = torch.lerp(images, blurred, (between(-0.7, 1).clamp(min=0))[:, None, None, None])
    grey = strength.grey
    images = images.clamp(1e-4, 1) ** torch.exp(between(-0.4 * grey, 0.4 * grey, 1, 1, 1))
    contrast, light = between(1 - 0.3 * grey, 1 + 0.25 * grey, 1, 1, 1), between(-0.12 * grey, 0.12 * grey, 1, 1, 1)
    images = (images - 0.5) * contrast + 0.5 + light
    images = images + torch.randn(images.shape, generator=dice, device=device) * between(0, strength.noise, 1, 1, 1)
    return _erase(images, between, strength.erase).clamp(0, 1), maps


def _warp(images: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="zeros", align_corners=False)


def _erase(images: torch.Tensor, between: Callable[..., torch.Tensor], share: float) -> torch.Tensor:
    """A grey box of at most a fifth of each side on a share of the films: labels, patches, jewellery."""
    side = images.shape[-1]
    place = torch.arange(side, device=images.device) / side
    half, middle = between(0.02, 0.1, 2), between(0, 1, 2)
    inside = [(place[None] - middle[:, axis, None]).abs() < half[:, axis, None] for axis in (0, 1)]
    box = inside[0][:, None, :, None] & inside[1][:, None, None, :] & (between(0, 1) < share)[:, None, None, None]
    return torch.where(box, between(0, 1, 1, 1, 1), images)
