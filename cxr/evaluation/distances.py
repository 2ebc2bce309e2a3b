"""How far both paths of a model in few bits are from the same model in float32, plain: is the fast one any further?

    python -m cxr.evaluation.speed --gpu BASE --float32

Compared are a film's states, then logits after the same states, so that the encoder's rounding does not count twice,
then what the program says, the 14 probabilities. Logits are taken less their mean: only differences between words mean
anything, and a log-probability carries the rounding of the sum over all words in each of them. Distances are relative
to the spread of the float32 ones. Knows nothing about the truth.
"""

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cxr.evaluation.paths import QUESTIONS, REPORT, make_film
from cxr.evaluation.tables import write_head
from cxr.films.film import Film
from cxr.model.engine import Encoded, Engine
from cxr.model.loading import load_named
from cxr.prompts import YES_NO
from cxr.settings import Settings

FILMS = 3
LAST = 8  # tokens of the prompt after which logits are compared
COLUMNS = (
    "precision",
    "tiles of film",
    "what",
    "plain path to float32",
    "fast path to float32",
    "fast over plain",
    "fast to plain",
)


@dataclass(frozen=True)
class Said:
    """What an engine makes of some films, in float32 on the CPU."""

    states: Tensor  # films x positions x hidden
    logits: Tensor  # films x LAST x vocabulary, less their mean, after states that were given
    probabilities: Tensor  # films x findings


def listen(engine: Engine, films: Sequence[Film], given: Sequence[Encoded] = ()) -> Said:
    """`given`: the states after which logits are compared; left out, the engine's own."""
    encoded = [engine.encode(film) for film in films]
    yes = np.stack([engine.score(each, QUESTIONS, YES_NO)[:, 0] for each in encoded])
    return Said(
        torch.cat([each.states.float() for each in encoded]),
        torch.stack([read_logits(engine, each) for each in given or encoded]),
        torch.from_numpy(yes).float(),
    )


def read_logits(engine: Engine, encoded: Encoded) -> Tensor:
    """Logits less their mean after the last tokens of the prompt for a report: LAST x vocabulary."""
    prompt = engine._tokenize(REPORT)
    at = engine._find_film(prompt) + 1
    asked = prompt[:at], [tuple(prompt[at:])], LAST, list(range(engine.model.lm_head.out_features))
    states = encoded.states.to(engine.model.lm_head.weight.dtype)  # the same object in all calls would be cached
    log_p = engine._ask_rows([Encoded(states, encoded.tiles)], *asked)[0, 0]
    return log_p - log_p.mean(-1, keepdim=True)


def measure_apart(one: Tensor, other: Tensor) -> float:
    """The distance relative to the spread of `other`."""
    return float((one - other).norm() / (other - other.mean()).norm())


def compare(exact: Said, plain: Said, fast: Said) -> list[tuple[str, float, float, float]]:
    """For each thing compared: plain to float32, fast to float32, fast to plain."""
    return [
        (name, measure_apart(two, one), measure_apart(three, one), measure_apart(three, two))
        for name, one, two, three in (
            ("states", exact.states, plain.states, fast.states),
            ("logits after the same states", exact.logits, plain.logits, fast.logits),
            ("14 probabilities", exact.probabilities, plain.probabilities, fast.probabilities),
        )
    ]


def write_rows(precision: str, tiles: int, apart: Sequence[tuple[str, float, float, float]]) -> str:
    """Markdown rows."""
    rows = []
    for name, plain, fast, both in apart:
        ratio = fast / plain if plain else 1.0
        rows.append(f"| {precision} | {tiles} | {name} | {plain:.2e} | {fast:.2e} | {ratio:.2f} | {both:.2e} |\n")
    return "".join(rows)


def write_distances(base: Path, precision: str) -> str:
    """The table for a base: its float32 self is loaded first and gone before it is loaded again in that precision.

    Raises:
        CxrError: it cannot be had.
    """
    films = [make_film(seed) for seed in range(FILMS)]
    known: dict[int, tuple[Said, list[Encoded]]] = {}
    for canvas, engine in vary_canvas(load_named(Settings(base=str(base), precision="float32")).engine, fast=False):
        known[canvas] = listen(engine, films), [engine.encode(film) for film in films]
    del engine
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    loaded, rows = load_named(Settings(base=str(base), precision=precision)).engine, []
    for fast in (False, True):
        for canvas, engine in vary_canvas(loaded, fast):
            rows.append((canvas, listen(engine, films, known[canvas][1])))
    half = len(rows) // 2
    table = [
        write_rows(precision, known[canvas][1][0].tiles, compare(known[canvas][0], plain, fast))
        for (canvas, plain), (_, fast) in zip(rows[:half], rows[half:], strict=True)
    ]
    return f"\n{write_head(COLUMNS)}\n{''.join(table)}\n"


def vary_canvas(engine: Engine, fast: bool) -> list[tuple[int, Engine]]:
    """The model with a film on one tile and, where it takes so many, on 2 x 2."""
    tile = int(engine.processor.image_processor.size["height"])
    sides = [tile, 2 * tile] if engine.processor.image_processor.max_image_tiles >= 4 else [tile]
    return [(side, Engine(engine.model, engine.processor, side, fast=fast)) for side in sides]
