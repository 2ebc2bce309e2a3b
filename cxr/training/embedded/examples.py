"""Films with what is known of them become arrays: pictures, rows of tokens, and targets for the auxiliary heads.

Knows nothing about where films come from, nor about models.
"""

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice

import numpy as np
from PIL import Image
from transformers import PreTrainedTokenizerFast

from cxr.films.film import Film, letterbox
from cxr.findings import FINDINGS
from cxr.prompts import ask_finding
from cxr.results import Turn
from cxr.training.conversations import Pair, Truth, closed_pairs, free_pairs, rehearsed_pairs
from cxr.training.tokens import encode_answer, encode_request

LONGEST = 144  # tokens of a row; longer ones are written again without earlier turns
LONGEST_CLOSED = 48  # of a closed question with its answer
HISTORY = 0.25  # share of free rows that come after other turns
CLOSED = len(FINDINGS)  # the first rows of every film; those of unknown findings are empty

# What a batch of N films holds, each an array with the films first:
#   images   uint8  N x side x side      the canvas, air dark
#   tokens   int16  N x rows x LONGEST   the conversation and its answer, padded
#   starts   int16  N x rows             index of the answer's first token
#   ends     int16  N x rows             number of tokens; 0 for an empty row
#   findings int8   N x 14               1 present, 0 absent, -1 unknown
#   sides    int8   N x 14 x 2           the same for the patient's left and right
#   maps     int8   N x 14 x grid x grid 1 where a finding is, 0 where not, -1 unknown
#   person   int8   N x 3                1 male, 0 female; age in years; 1 AP, 0 PA; -1 unknown
#   placed   int8   N                    1 drawn: all of it is exact; 0 real: no places are known, and labels are noisy
Examples = dict[str, np.ndarray]
Person = tuple[str | None, int | None]  # sex, M or F; age in years


class ConversationWriter:
    """Writes conversations about a film as rows of tokens."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer
        self._encode_request = lru_cache(50_000)(self.encode_request)
        self._encode_answer = lru_cache(50_000)(self.encode_answer)

    def encode_request(self, request: str, history: tuple[Turn, ...] = ()) -> list[int]:
        """The tokens up to the assistant's turn, as serving writes them."""
        return encode_request(self.tokenizer, request, history)

    def encode_answer(self, answer: str) -> list[int]:
        """The tokens of an answer and the one that ends a turn."""
        return encode_answer(self.tokenizer, answer)

    def write(self, truth: Truth, rng: random.Random, free: int) -> Examples:
        """14 closed rows in the order of FINDINGS and `free` others, without the leading axis of films.

        Of a film that is not drawn, the others are those that its labels do not decide.
        """
        closed = {pair[0]: pair for pair in closed_pairs(truth, rng)}
        rows = [self.encode(closed.get(ask_finding(finding)), ()) for finding in FINDINGS]
        pairs = (free_pairs if truth.placed else rehearsed_pairs)(truth, rng)
        for pair in islice(pairs, free):
            before = [Turn(*other) for other in islice(pairs, rng.choice((1, 1, 2)))] if rng.random() < HISTORY else []
            row = self.encode(pair, tuple(before))
            rows.append(row if len(row[0]) <= LONGEST else self.encode(pair, ()))
        tokens = np.full((len(rows), LONGEST), self.tokenizer.pad_token_id, np.int16)
        for i, (ids, _) in enumerate(rows):
            tokens[i, : len(ids[:LONGEST])] = ids[:LONGEST]
        return {
            "tokens": tokens,
            "starts": np.array([start for _, start in rows], np.int16),
            "ends": np.array([min(len(ids), LONGEST) for ids, _ in rows], np.int16),
        }

    def encode(self, pair: Pair | None, history: tuple[Turn, ...]) -> tuple[list[int], int]:
        """A row and where its answer begins; an empty one for no pair."""
        if pair is None:
            return [], 0
        request = self.encode_request(pair[0], history) if history else self._encode_request(pair[0])
        return request + self._encode_answer(pair[1]), len(request)


def make_example(
    film: Film,
    truth: Truth,
    masks: Mapping[str, np.ndarray] | None,
    writer: ConversationWriter,
    rng: random.Random,
    side: int,
    grid: int,
    free: int,
    person: Person = (None, None),
) -> Examples:
    """One film as arrays without the leading axis. `masks`: H x W bool by finding, None where places are unknown."""
    return {**make_view(film, truth, masks, side, grid, person), **writer.write(truth, rng, free)}


def make_view(
    film: Film,
    truth: Truth,
    masks: Mapping[str, np.ndarray] | None,
    side: int,
    grid: int,
    person: Person = (None, None),
) -> Examples:
    """The same without words."""
    sex, age = person
    known_view = -1 if truth.view not in ("PA", "AP") else int(truth.view == "AP")
    marks = [-1 if sex is None else int(sex == "M"), -1 if age is None else min(age, 100), known_view]
    return {
        "images": np.asarray(letterbox(film, side)),
        "findings": mark_findings(truth),
        "sides": mark_sides(truth),
        "maps": draw_maps(truth, masks, grid),
        "person": np.array(marks, np.int8),
        "placed": np.array(truth.placed, np.int8),
    }


def mark_findings(truth: Truth) -> np.ndarray:
    """14 int8: 1 present, 0 absent, -1 unknown."""
    return np.array([1 if truth.find(f.key) else 0 if f.key in truth.absent else -1 for f in FINDINGS], np.int8)


def mark_sides(truth: Truth) -> np.ndarray:
    """14 x 2 int8 for the patient's left and right; unknown where the side of a present finding is."""
    marks = np.full((len(FINDINGS), 2), -1, np.int8)
    for i, finding in enumerate(FINDINGS):
        seen = truth.find(finding.key)
        if finding.key in truth.absent:
            marks[i] = 0
        elif seen and seen.side:
            marks[i] = seen.side in ("left", "both"), seen.side in ("right", "both")
    return marks


def draw_maps(truth: Truth, masks: Mapping[str, np.ndarray] | None, grid: int) -> np.ndarray:
    """14 x grid x grid int8: a cell holds a finding when a tenth of it does; a finding's largest cell always does."""
    maps = np.full((len(FINDINGS), grid, grid), -1, np.int8)
    for i, finding in enumerate(FINDINGS):
        if finding.key in truth.absent:
            maps[i] = 0
        elif masks is not None and finding.key in masks:
            mask = Image.fromarray(masks[finding.key].astype(np.float32), mode="F")
            share = np.asarray(mask.resize((grid, grid), Image.Resampling.BOX))
            maps[i] = share >= max(min(0.1, float(share.max())), 1e-6)
    return maps


def stack(examples: Sequence[Examples]) -> Examples:
    """Films on a leading axis."""
    return {name: np.stack([example[name] for example in examples]) for name in examples[0]}
