"""The rows from which every engine learns when steps are timed. Knows nothing about engines."""

import random
from collections.abc import Sequence

from cxr.films.film import letterbox
from cxr.films.phantom import draw_film
from cxr.training.collator import Example

ROWS = 8  # a step
FILMS = 2  # of those rows
WORDS = 110  # of an answer: about 150 tokens


def make_examples(canvas: int) -> list[Example]:
    """Two films with four questions each, the answers of one length, so that shapes stay the same."""
    dice = random.Random(0)
    words = ["effusion", "left", "right", "lower", "zone", "heart", "lung", "small", "large", "clear"]
    pairs = tuple((f"Question {n}?", " ".join(dice.choice(words) for _ in range(WORDS))) for n in range(ROWS // FILMS))
    return [Example(letterbox(draw_film(seed, size=512, view="PA").film, canvas), pairs) for seed in range(FILMS)]


def split_rows(examples: Sequence[Example], micro: int) -> list[list[Example]]:
    """The same rows in micro-batches of `micro`; rows of one film stay together as far as that goes."""
    rows = [Example(example.image, (pair,)) for example in examples for pair in example.pairs]
    batches = [rows[i : i + micro] for i in range(0, len(rows), micro)]
    return [join_films(batch) for batch in batches]


def join_films(rows: Sequence[Example]) -> list[Example]:
    """One example a film again."""
    films = {id(row.image): row.image for row in rows}
    return [
        Example(image, tuple(pair for row in rows if id(row.image) == key for pair in row.pairs))
        for key, image in films.items()
    ]
