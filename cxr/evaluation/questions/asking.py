"""Questions made by code: a kind, a film whose truth fits it, and three wordings. Knows nothing about models.

The same for every model: the seed alone decides. Films are drawn ones that nothing was trained or fitted on.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cxr.evaluation.questions import fresh, kept_apart, measured, names, seen, seen_answerable, seventh, sixth, tried
from cxr.evaluation.questions.names import Wordings
from cxr.films.film import Film
from cxr.films.phantom import DrawnFilm, draw_film
from cxr.findings import BY_KEY
from cxr.results import Observation


@dataclass(frozen=True)
class Words:
    """One set of wordings. `names`: finding key -> how people call it; `others`: what is not looked for."""

    names: Mapping[str, tuple[str, ...]]
    others: tuple[str, ...]
    unanswerable: Wordings
    answerable: Wordings


SETS = {
    "fresh": Words(names.NAMES, fresh.OTHERS, fresh.UNANSWERABLE, fresh.ANSWERABLE),
    "kept_apart": Words(names.NAMES, kept_apart.OTHERS, kept_apart.UNANSWERABLE, kept_apart.ANSWERABLE),
    "measured": Words(names.NAMES, measured.OTHERS, measured.UNANSWERABLE, measured.ANSWERABLE),
    "seen": Words(names.NAMES, names.OTHERS, seen.UNANSWERABLE, seen_answerable.ANSWERABLE),
    "seventh": Words(names.NAMES, seventh.OTHERS, seventh.UNANSWERABLE, seventh.ANSWERABLE),
    "sixth": Words(names.NAMES, sixth.OTHERS, sixth.UNANSWERABLE, sixth.ANSWERABLE),
    "tried": Words(tried.NAMES, tried.OTHERS, tried.UNANSWERABLE, tried.ANSWERABLE),
}
FIRST = {
    "seventh": 10_800_000,
    "sixth": 10_600_000,
    "kept_apart": 10_500_000,
    "fresh": 10_400_000,
    "measured": 10_300_000,
    "seen": 10_200_000,
    "tried": 9_710_000,
}  # seed of the first film of each set
SIZE = 512  # px
WORDINGS = 3
TYPOS = 0.5  # share of questions of which one wording is mistyped
OTHER_SIDE = {"left": "right", "right": "left"}
# How many questions of each kind, of 200 that cannot and 200 that can be answered.
UNANSWERABLE = {
    "takes a size for granted": 25,
    "takes a place for granted": 25,
    "takes a finding for granted": 20,
    "takes the wrong side for granted": 20,
    "treatment": 20,
    "outlook and urgency": 20,
    "not looked for": 25,
    "other parts of the body": 10,
    "not to be seen on one film": 15,
    "nonsense": 10,
    "no film": 10,
}
ANSWERABLE = {
    "is it there": 60,
    "is it on this side": 20,
    "on which side is it": 20,
    "how large is it": 20,
    "the heart": 15,
    "the view": 15,
    "normal or not": 15,
    "what is seen": 15,
    "where left is": 5,
    "what kind of picture": 5,
    "what a word means": 10,
}
NEEDS_ONE_SIDE = ("takes the wrong side for granted", "is it on this side", "on which side is it", "how large is it")


@dataclass(frozen=True)
class Asked:
    """One question in its wordings. `film`: None where none is given."""

    kind: str
    answerable: bool
    wordings: tuple[str, ...]
    film: Film | None
    seed: int


def make_questions(name: str, seed: int = 0, share: float = 1.0) -> Iterator[Asked]:
    """All questions of a set of SETS, one after the other; `share`: of how many of each kind."""
    rng, film_seed = random.Random(f"{name}/{seed}"), FIRST[name]
    for answerable, counts in ((False, UNANSWERABLE), (True, ANSWERABLE)):
        for kind, count in counts.items():
            for number in range(max(1, round(count * share))):
                film_seed, drawn = draw_fitting(kind, number, film_seed)
                yield write_question(SETS[name], kind, answerable, number, drawn, rng)


def draw_fitting(kind: str, number: int, seed: int) -> tuple[int, DrawnFilm]:
    """The first film from a seed on whose truth fits a kind of question, and the seed after it."""
    while True:
        drawn = draw_film(seed, size=SIZE)
        seed += 1
        needs = kind in NEEDS_ONE_SIDE or (kind == "is it there" and number % 2 == 0)
        if not needs or find_sided(drawn):
            return seed, drawn


def find_sided(drawn: DrawnFilm) -> list[Observation]:
    """What is on one side of a film alone and has a size."""
    return [item for item in drawn.observations if BY_KEY[item.finding].sided and item.side in OTHER_SIDE and item.size]


def write_question(
    words: Words, kind: str, answerable: bool, number: int, drawn: DrawnFilm, rng: random.Random
) -> Asked:
    """A question of a kind about a film, in three wordings of a set."""
    item = choose_finding(kind, number, drawn, rng)
    sides = {"takes the wrong side for granted": OTHER_SIDE.get(item.side or "", "left")}
    side, other = sides.get(kind) or rng.choice(("left", "right")), rng.choice(words.others)
    forms = (words.answerable if answerable else words.unanswerable)[kind]
    chosen = rng.sample(forms, min(WORDINGS, len(forms)))
    texts = [form.format(x=rng.choice(words.names[item.finding]), side=side, other=other) for form in chosen]
    if rng.random() < TYPOS:
        place = rng.randrange(len(texts))
        texts[place] = mistype(texts[place], rng)
    return Asked(kind, answerable, tuple(texts), None if kind == "no film" else drawn.film, drawn.seed)


def choose_finding(kind: str, number: int, drawn: DrawnFilm, rng: random.Random) -> Observation:
    """The finding that is asked about: one that is there where the kind needs it, else one that is not."""
    if kind in NEEDS_ONE_SIDE or (kind == "is it there" and number % 2 == 0):
        return rng.choice(find_sided(drawn))
    present = {item.finding for item in drawn.observations}
    return Observation(rng.choice([key for key in BY_KEY if key not in present]))


def mistype(text: str, rng: random.Random) -> str:
    """The text with one letter of one long word left out, doubled or swapped with the next; the same without one."""
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) > 5 and word[:5].isalpha()]
    if not long:
        return text
    place = rng.choice(long)
    word, at = words[place], rng.randint(1, 4)
    words[place] = rng.choice(
        (
            word[:at] + word[at + 1 :],
            word[: at + 1] + word[at:],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        )
    )
    return " ".join(words)
