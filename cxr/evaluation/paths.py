"""One model on both of its paths, the steps that are timed on them, and how far apart they are.

Knows nothing about time.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cxr.films.film import MAX_SIDE, Film
from cxr.findings import FINDINGS
from cxr.model.engine import Encoded, Engine
from cxr.model.loading import load_named
from cxr.model.recording import count_alike
from cxr.prompts import YES_NO, ask_finding, ask_report, build_conversation
from cxr.results import Turn
from cxr.settings import Settings

REPORT = build_conversation(ask_report())
QUESTIONS = [build_conversation(ask_finding(finding)) for finding in FINDINGS]


def make_film(seed: int) -> Film:
    """Noise; what is on a film costs nothing."""
    return Film(np.random.default_rng(seed).random((MAX_SIDE, MAX_SIDE - 100), dtype=np.float32))


@dataclass(frozen=True)
class Pair:
    """The same model twice: as transformers runs it, and on the fast path."""

    plain: Engine
    fast: Engine
    film: Film
    encoded: Encoded

    def write(self, engine: Engine, tokens: int) -> None:
        """A report of so many tokens about the film."""
        for _ in engine.stream(self.encoded, REPORT, tokens):
            pass

    def begin(self, engine: Engine, film: Film) -> None:
        """From a film to the first word."""
        next(engine.stream(engine.encode(film), REPORT), "")

    def ask(self, engine: Engine, question: str) -> None:
        """The first word of a further question."""
        next(engine.stream(self.encoded, build_conversation(question, [Turn("Is there fluid?", "No.")])), "")


def ask_one_by_one(engine: Engine, film: Film) -> None:
    """What a program does that knows of no cache: encode and ask, 14 times."""
    for question in QUESTIONS:
        engine.score(engine.encode(film), [question], YES_NO)


def load_pair(base: Path, precision: str | None) -> Pair:
    """The base in that precision, warm, with no token at which it stops.

    Raises:
        CxrError: it cannot be had.
    """
    engine = load_named(Settings(base=str(base), precision=precision)).engine
    plain, fast = (Engine(engine.model, engine.processor, engine.canvas, fast=quick) for quick in (False, True))
    plain.stops = fast.stops = set()
    film = make_film(0)
    encoded = fast.encode(film)
    for _ in fast.record(encoded):
        pass
    return Pair(plain, fast, film, encoded)


def compare(pair: Pair) -> str:
    """How far apart both paths are: relative to the spread of the states and of the logits."""
    pieces = []
    theirs = pair.plain.encode(pair.film)
    ours = pair.fast.encode(pair.film)
    pieces.append(("states", theirs.states.float(), ours.states.float()))
    prompt = pair.plain._tokenize(REPORT)
    film_at = prompt.index(pair.plain.processor.image_token_id)
    asked = prompt[: film_at + 1], [tuple(prompt[film_at + 1 :])], 8, list(range(pair.plain.model.lm_head.out_features))
    logits = pair.fast.fast.score_rows([theirs.states], *asked) if pair.fast.fast else None
    if logits is not None:
        # Less their mean, since the rounding of the sum over all words stands in each log-probability.
        one, other = (each - each.mean(-1, keepdim=True) for each in (pair.plain._run_rows(theirs, *asked), logits[0]))
        pieces.append(("logits", one, other))
    apart = [f"{name} {float((a - b).norm() / (a - a.mean()).norm()):.2e}" for name, a, b in pieces]
    return f"Apart, relative: {', '.join(apart)}. {compare_texts(pair)}"


def compare_texts(pair: Pair, tokens: int = 32) -> str:
    """How far a text is the same on both paths, and with and without recorded steps."""
    texts = [list(engine.stream(pair.encoded, REPORT, tokens)) for engine in (pair.plain, pair.fast)]
    said = f"Of {len(texts[0])} pieces of text the first {count_alike(*texts)} are alike"
    if pair.fast.fast:
        seat = pair.fast.fast.seat
        recorded, seat.recorded = seat.recorded, dict.fromkeys(seat.recorded)
        texts.append(list(pair.fast.stream(pair.encoded, REPORT, tokens)))
        seat.recorded = recorded
        said += f"; with and without recorded steps, of which there are {sum(map(bool, recorded.values()))}, "
        said += f"{count_alike(*texts[1:])}"
    return f"{said}."
