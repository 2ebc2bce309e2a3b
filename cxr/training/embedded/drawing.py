"""Drawn films without end, made by worker processes while the model learns. Knows nothing about models.

Film number n is always the same film with the same conversations, and a training step only ever sees the films below a
number that grows with the step, so that a run does not depend on how fast the workers are.
"""

import random
from collections.abc import Generator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image
from transformers import PreTrainedTokenizerFast

from cxr.films.film import Film
from cxr.films.phantom import draw_film
from cxr.films.phantom.drawing import SMALLEST
from cxr.films.phantom.mix import BILATERAL, choose_observations
from cxr.findings import BY_KEY
from cxr.results import Observation
from cxr.training.embedded.examples import ConversationWriter, Examples, make_example, stack
from cxr.training.embedded.views import CHUNK, tell_drawn
from cxr.training.truth import Truth

FREE_ROWS = 8
NOTHING = 40  # one film in so many is a picture of nothing, of which nothing is to be said
BOTH = 6  # one in so many has on both sides what can be: what is seldom there is called one-sided


@dataclass(frozen=True)
class Plan:
    """What the workers draw: film numbers from `first` on, on a canvas of `side` px with maps of `grid` cells."""

    first: int
    side: int
    grid: int


@cache
def load_writer(tokenizer: Path) -> ConversationWriter:
    """One writer a worker process."""
    return ConversationWriter(PreTrainedTokenizerFast.from_pretrained(tokenizer))


def draw_chunk(plan: Plan, chunk: int, tokenizer: Path) -> Examples:
    """The films `plan.first + chunk * CHUNK` and on."""
    return stack([draw_example(plan, chunk * CHUNK + i, load_writer(tokenizer)) for i in range(CHUNK)])


def draw_example(plan: Plan, number: int, writer: ConversationWriter) -> Examples:
    """One drawn film with its exact truth."""
    seed = plan.first + number
    if seed % NOTHING == NOTHING - 1:
        truth, empty = Truth((), frozenset(BY_KEY), None, placed=True), draw_nothing(seed)
        return make_example(empty, truth, {}, writer, random.Random(seed), plan.side, plan.grid, FREE_ROWS)
    observations = None if seed % BOTH else choose_both(seed)
    drawn = draw_film(seed, size=max(plan.side, SMALLEST), observations=observations)
    rng, person = random.Random(seed), (drawn.sex, drawn.age)
    return make_example(
        drawn.film, tell_drawn(drawn), drawn.masks, writer, rng, plan.side, plan.grid, FREE_ROWS, person
    )


def choose_both(seed: int) -> tuple[Observation, ...]:
    """What the film of a seed shows by chance, but on both sides where a finding can be."""
    seen = choose_observations(seed, True, None)
    return tuple(replace(item, side="both") if item.finding in BILATERAL else item for item in seen)


def draw_nothing(seed: int) -> Film:
    """One grey, a slope of greys, or noise of any coarseness."""
    rng = np.random.default_rng(seed)
    level, contrast, cells = rng.uniform(0, 1), rng.choice((0.0, rng.uniform(0, 1))), int(rng.choice((2, 8, 64, 256)))
    noise = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32), mode="F")
    pixels = level + contrast * np.asarray(noise.resize((SMALLEST, SMALLEST), Image.Resampling.BILINEAR))
    return Film(pixels.clip(0, 1).astype(np.float32))


def draw_chunks(plan: Plan, tokenizer: Path, workers: int) -> Generator[Examples]:
    """Chunks in order, without end, drawn ahead by `workers` processes; closing the iterator ends them."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        ahead: list[Future[Examples]] = [
            pool.submit(draw_chunk, plan, chunk, tokenizer) for chunk in range(4 * workers)
        ]
        chunk = len(ahead)
        try:
            while True:
                yield ahead.pop(0).result()
                ahead.append(pool.submit(draw_chunk, plan, chunk, tokenizer))
                chunk += 1
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
