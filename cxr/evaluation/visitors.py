"""How long visitors wait who all choose a film at the same moment and then ask for its report.

    python -m cxr.evaluation.visitors [--visitors 1 4 16] [--tokens 60] [--at_once 1 4 16] [--doc docs/performance.md]
    python -m cxr.evaluation.visitors --gpu BASE [--precision bf16]

Each visitor is a thread that asks what the page asks: first the findings, then the report. The model is that of the
settings, or BASE, a folder with a base of full size, whose weights may be random. `--at_once`: how many films of
waiting visitors are read in one batch at most; left out, as many as the page reads. Knows nothing about the truth.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import numpy as np

from cxr.evaluation.paths import REPORT, make_film
from cxr.evaluation.printed import Printer, add_places
from cxr.evaluation.tables import write_head
from cxr.films.film import Film
from cxr.model.loading import load_named
from cxr.reader import Reader, load_reader
from cxr.settings import Settings
from cxr.sharing import Looked, Read, SharedReader
from cxr.turns import Turns, take_turns

COLUMNS = (
    "films in a batch",
    "visitors",
    "lost",
    "batches of findings",
    "findings, s: p50",
    "p95",
    "first word, s: p50",
    "p95",
    "whole report, s: p50",
    "p95",
)


@dataclass
class Wait:
    """What one visitor met: seconds since the film was chosen; infinite where it never came."""

    findings: float = float("inf")
    word: float = float("inf")
    report: float = float("inf")


class Watched(SharedReader):
    """Notes how many films each batch had."""

    def __init__(self, reader: Reader, turns: Turns, at_once: int | None) -> None:
        super().__init__(reader, turns, at_once)
        self.turns = turns
        self.batches: list[int] = []

    def _read_all(self, films: Sequence[Looked]) -> list[Read]:
        self.batches.append(len(films))
        return super()._read_all(films)


def visit(shared: Watched, film: Film, tokens: int, start: Barrier) -> Wait:
    """One visitor, from the moment when all choose their films; a report of at most so many tokens."""
    met = Wait()
    start.wait()
    began = time.perf_counter()
    seen = shared.read(film)
    met.findings = time.perf_counter() - began
    if isinstance(seen, tuple):
        for _ in take_turns(shared.reader.engine.stream(seen[0].encoded, REPORT, tokens), shared.turns):
            met.word = min(met.word, time.perf_counter() - began)
        met.report = time.perf_counter() - began
    return met


def meet(reader: Reader, visitors: int, tokens: int, at_once: int | None) -> str:
    """A row: so many visitors at once. One who breaks is lost, and no other with them."""
    shared, start = Watched(reader, Turns(1), at_once), Barrier(visitors)
    with ThreadPoolExecutor(visitors) as pool:
        asked = [pool.submit(visit, shared, make_film(seed), tokens, start) for seed in range(visitors)]
    met = [each.result() for each in asked if not each.exception()]
    good = [each for each in met if np.isfinite([each.findings, each.word, each.report]).all()]
    times = [
        f"{np.quantile(values, share):.2f}" if values else "-"
        for values in ([each.findings for each in good], [each.word for each in good], [each.report for each in good])
        for share in (0.5, 0.95)
    ]
    counts = max(shared.batches), visitors, visitors - len(good), len(shared.batches)
    return f"| {' | '.join([*map(str, counts), *times])} |\n"


def load_shared(options: argparse.Namespace) -> Reader:
    """The model that is asked, warm; a bare base never stops, so that its reports have as many tokens as they may."""
    if options.gpu:
        loaded = load_named(Settings(base=str(options.gpu), precision=options.precision))
        loaded.engine.stops = set()
        reader = Reader(loaded.engine, loaded.identity, None)
    else:
        reader = load_reader(Settings.from_env(), anyway=True)
    for _ in reader.warm_up():
        pass
    return reader


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m cxr.evaluation.visitors", description=__doc__.partition("\n")[0])
    parser.add_argument("--visitors", nargs="+", type=int, default=[1, 4, 16])
    parser.add_argument("--tokens", type=int, default=60, help="of each report, at most")
    parser.add_argument("--gpu", type=Path, metavar="BASE", help="a folder with a base of full size")
    parser.add_argument("--precision", choices=["bf16", "4bit"], help="of --gpu")
    parser.add_argument("--at_once", nargs="+", type=int, default=[None], help="films in a batch at most")
    add_places(parser)
    options = parser.parse_args(arguments)
    reader = load_shared(options)
    who = reader.identity
    printer = Printer(f"visitors on a {'GPU' if options.gpu else 'CPU'}", options.out, options.doc)
    printer.tell(f"{Path(who.base).name}, {who.device}; reports of at most {options.tokens} tokens.\n\n")
    printer.tell(f"{write_head(COLUMNS)}\n")
    meet(reader, 1, options.tokens, None)  # not told: the first one warms up
    for visitors in options.visitors:
        for at_once in options.at_once:
            printer.tell(meet(reader, visitors, options.tokens, at_once))


if __name__ == "__main__":
    main(sys.argv[1:])
