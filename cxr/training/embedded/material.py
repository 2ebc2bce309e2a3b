"""What the embedded model learns from: texts, real and drawn films, batches of both. Knows nothing about models."""

import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import get_args

import torch

from cxr.evaluation.films import DRAWN_SEED, RealFilm
from cxr.films.film import View
from cxr.films.open import open_film
from cxr.findings import BY_KEY
from cxr.results import Observation, Side, Zone
from cxr.results import Size as FindingSize
from cxr.training.conversations import Truth, closed_pairs, free_pairs
from cxr.training.embedded.batches import Batch, Pool, Strength, augment, join
from cxr.training.embedded.build import Size
from cxr.training.embedded.drawing import Plan
from cxr.training.embedded.examples import ConversationWriter, Examples, make_example, stack
from cxr.training.embedded.views import Views, mix_views, pick, tell_real, vary

logger = logging.getLogger(__name__)

REAL_ROWS = 8  # free conversations written once for each real film
SEED_STEP = 1_000_000  # drawn films a seed
ROWS = 8  # conversations a film and step
DRAWN_FREE, REAL_FREE = 4, 2  # of them other than closed questions


@dataclass(frozen=True)
class Options:
    """What a run can be told."""

    films: Path  # the folder of films.csv
    out: Path
    work: Path = Path("outputs/embedded")  # what a run that goes on begins with
    seed: int = 0
    see_steps: int = 3000  # the encoder on drawn films
    real_steps: int = 1500  # and on real ones with drawn ones among them
    steps: int = 2400  # all but the encoder
    batch: int = 128  # drawn films a step
    person: float = 0.0  # weight of sex, age and view
    hidden: float = 0.0  # weight of hidden patches
    teachers: int = 2  # ResNet-18s that say of films what is on them
    spoken_share: float = 0.3  # of a batch while it learns to speak, real
    adapter_drawn: int = 1600  # drawn films of the adapter
    adapter_epochs: float = 1.5
    first_drawn: int = 1500  # drawn films before the first step
    drawn_a_step: float = 2.0
    workers: int = 2
    device: str = "cpu"

    @property
    def drawn(self) -> int:
        """How many drawn films the base sees."""
        return int(self.first_drawn + (self.see_steps + self.real_steps + self.steps) * self.drawn_a_step)


def plan_drawing(options: Options, size: Size) -> Plan:
    """A million film numbers for each seed of a run, so that no two runs share a film.

    Raises:
        ValueError: the run would see films that are kept for evaluation.
    """
    first = options.seed * SEED_STEP
    if not 0 <= first <= first + options.drawn <= DRAWN_SEED:
        raise ValueError(
            f"Drawn films from {DRAWN_SEED} on are for evaluation: take a seed from 0 to 9, or fewer steps."
        )
    return Plan(first, size.canvas, size.canvas // size.patch)


def write_texts(seed: int) -> Iterator[str]:
    """Texts of the kind the model will read and write, for its vocabulary."""
    rng = random.Random(seed)
    sides, zones, sizes = [None, *get_args(Side)], [None, *get_args(Zone)], [None, *get_args(FindingSize)]
    for _ in range(3000):
        keys = rng.sample(sorted(BY_KEY), rng.randint(0, 3))
        present = tuple(Observation(key, rng.choice(sides), rng.choice(zones), rng.choice(sizes)) for key in keys)
        truth = Truth(present, frozenset(BY_KEY) - set(keys), rng.choice(get_args(View)), placed=True)
        for request, answer in [*closed_pairs(truth, rng), *islice(free_pairs(truth, rng), 6)]:
            yield f"{request} {answer}"


def write_real(films: list[RealFilm], writer: ConversationWriter, size: Size, seed: int) -> Examples:
    """The real training films with their conversations; where a finding is on the picture is unknown."""
    rng = random.Random(seed)
    grid = size.canvas // size.patch
    return stack(
        [
            make_example(
                open_film(film.path),
                tell_real(film),
                None,
                writer,
                rng,
                size.canvas,
                grid,
                REAL_ROWS,
                (film.sex, film.age),
            )
            for film in films
        ]
    )


@dataclass
class Pools:
    """The films at hand while learning."""

    drawn: Pool
    real: Pool

    def grow(self, chunks: Iterator[Examples], options: Options, step: int) -> int:
        """How many of the drawn films a step may see: a matter of its number alone, however fast they come."""
        limit = max(1, int(options.first_drawn + step * options.drawn_a_step))
        self.drawn.reach(limit, chunks)
        return min(limit, self.drawn.size)


def fill_pools(chunks: Iterator[Examples], real: Examples, options: Options) -> Pools:
    """All real films, and room for the drawn ones."""
    device, first = torch.device(options.device), next(chunks)
    pools = Pools(
        Pool(first, options.drawn, device),
        Pool(real, len(real["images"]), device),
    )
    pools.drawn.add(first)
    pools.real.add(real)
    logger.info("%d real films", pools.real.size)
    return pools


def see_batches(
    pools: Pools, chunks: Iterator[Examples], options: Options, size: Size, share: float, before: int
) -> Iterator[Views]:
    """Augmented batches without end, `share` of each real; the drawn films grow with the step."""
    device = torch.device(options.device)
    dice = torch.Generator(device).manual_seed(options.seed + before)
    real = round(options.batch * share)
    every = torch.arange(pools.real.size, device=device)
    while True:
        drawn = torch.arange(pools.grow(chunks, options, before), device=device)
        parts = [pick(pools.drawn.held, drawn, options.batch - real, dice)]
        parts += [pick(pools.real.held, every, real, dice)] if real else []
        yield vary(mix_views(parts), dice, Strength(), size.canvas, size.canvas // size.patch)
        before += 1


def mix(pools: Pools, chunks: Iterator[Examples], options: Options, share: float, before: int) -> Iterator[Batch]:
    """Augmented batches without end, `share` of each real; the drawn films grow with the step while chunks come."""
    dice = torch.Generator(options.device).manual_seed(options.seed)
    films = options.batch // 2  # with their conversations they weigh as much
    real = round(films * share)
    while True:
        limit = pools.grow(chunks, options, before)
        batch = join(
            [
                pools.drawn.sample(limit, films - real, ROWS - DRAWN_FREE, DRAWN_FREE, dice),
                pools.real.sample(pools.real.size, real, ROWS - REAL_FREE, REAL_FREE, dice),
            ]
        )
        yield augment(batch, dice)
        before += 1
