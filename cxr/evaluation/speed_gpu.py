"""A full-size model's speed: the fast path beside the plain one in the same run and beside what the machine allows.

    python -m cxr.evaluation.speed --gpu BASE [--precisions bf16 4bit] [--doc docs/performance.md] [--profile]
    python -m cxr.evaluation.speed --gpu BASE --cap 14.5 [--doc docs/performance.md]

BASE: a folder with a base; random weights will do, as nothing here looks at what is said. Rows are written as they are
found, so a run that is cut short leaves those it had. Knows nothing about the truth.
"""

import argparse
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import torch

from cxr.evaluation.bounds import Needs, Rates, count_needs, measure_rates, synchronize
from cxr.evaluation.distances import write_distances
from cxr.evaluation.kernels import write_profile
from cxr.evaluation.paths import QUESTIONS, REPORT, Pair, ask_one_by_one, compare, load_pair, make_film
from cxr.evaluation.printed import Printer
from cxr.evaluation.tables import write_head
from cxr.model.engine import Engine
from cxr.model.precision import choose_precision
from cxr.model.ways import Method, draw_raw
from cxr.prompts import YES_NO, build_conversation
from cxr.results import Turn

REPORT_TOKENS = 150  # of about 100 words
START = 8  # tokens that are written in both of two runs, of which the difference is timed
COLUMNS = ("precision", "what", "plain path", "fast path", "times as fast", "bound", "of the bound")


@dataclass(frozen=True)
class Row:
    """One measurement: seconds on both paths and at best."""

    what: str
    plain: float
    fast: float
    bound: float
    tokens: int = 0  # written in that time; 0 where a wait is measured

    def write(self, precision: str) -> str:
        """A Markdown row, in tokens a second or milliseconds."""

        def tell(seconds: float) -> str:
            return f"{self.tokens / seconds:.1f} tok/s" if self.tokens else f"{seconds * 1e3:.1f} ms"

        return (
            f"| {precision} | {self.what} | {tell(self.plain)} | {tell(self.fast)} | {self.plain / self.fast:.1f} "
            f"| {tell(self.bound)} | {self.bound / self.fast:.0%} |\n"
        )


def take_turns(plain: Callable[[], object], fast: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median seconds of both, in turns so that a slow moment falls on both, after a round that is not timed."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 1):
        for own, step in zip(seconds, (plain, fast), strict=True):
            synchronize()
            start = time.perf_counter()
            step()  # ends when the program has what it asked for; a step that was started ahead may still run
            if turn:
                own.append(time.perf_counter() - start)
    return median(seconds[0]), median(seconds[1])


def measure(pair: Pair, rates: Rates, needs: Needs, short: bool) -> Iterator[Row]:
    """Every row, the most wanted first. `short`: few tokens and repeats, for a try."""
    tokens, repeats = (6, 1) if short else (96, 4)
    prompt = len(pair.fast._tokenize(REPORT))
    counts = START + tokens // 3, START + tokens
    begun = take_turns(lambda: pair.write(pair.plain, START), lambda: pair.write(pair.fast, START), repeats)
    whole = take_turns(lambda: pair.write(pair.plain, counts[0]), lambda: pair.write(pair.fast, counts[1]), repeats)
    plain = (whole[0] - begun[0]) * tokens / (tokens // 3)
    bound = sum(needs.decode(rates, prompt + START + i) for i in range(tokens))
    yield Row("text, one film", plain, whole[1] - begun[1], bound, tokens)
    numbers = iter(range(1, 1000))

    def begin(engine: Engine) -> None:
        pair.begin(engine, make_film(next(numbers)))

    def ask(engine: Engine) -> None:
        pair.ask(engine, f"What of number {next(numbers)} on this film?")

    making = take_turns(lambda: make_film(0), lambda: make_film(0), repeats)[0]
    firsts = take_turns(lambda: begin(pair.plain), lambda: begin(pair.fast), repeats)
    first = needs.see(rates) + needs.read(rates, prompt)
    yield Row("first word after a film is chosen", firsts[0] - making, firsts[1] - making, first)
    asked = take_turns(lambda: ask(pair.plain), lambda: ask(pair.fast), repeats)
    yield Row("first word of a further question", *asked, needs.read(rates, 20))
    yield from measure_findings(pair, rates, needs, 1 if short else repeats)
    yield measure_many(pair, rates, needs, short)


def measure_findings(pair: Pair, rates: Rates, needs: Needs, repeats: int) -> Iterator[Row]:
    """The 14 findings of a new film, beside the plain path and beside a program without a cache."""
    rows = sum(len(pair.fast._tokenize(question)) for question in QUESTIONS)
    bound = needs.see(rates) + needs.read(rates, rows)

    def classify(engine: Engine) -> None:
        engine.score(engine.encode(pair.film), QUESTIONS, YES_NO)

    yield Row("14 findings", *take_turns(lambda: classify(pair.plain), lambda: classify(pair.fast), repeats), bound)
    naive = take_turns(lambda: ask_one_by_one(pair.plain, pair.film), lambda: classify(pair.fast), max(1, repeats // 2))
    yield Row("14 findings, beside one by one", *naive, bound)


def measure_many(pair: Pair, rates: Rates, needs: Needs, short: bool) -> Row:
    """Reports of many films at once, beside the plain path's one by one, which is timed on one."""
    films, tokens = (3, 8) if short else (32, REPORT_TOKENS)
    encoded = [pair.encoded] * films
    prompt = len(pair.fast._tokenize(REPORT))
    plain, fast = take_turns(
        lambda: pair.write(pair.plain, tokens), lambda: pair.fast.write_all(encoded, [REPORT] * films, tokens, films), 1
    )
    bound = sum(needs.decode(rates, prompt + i, films) for i in range(tokens))
    return Row(f"reports of {films} films", plain * films, fast, bound, films * tokens)


def measure_maps(pair: Pair, repeats: int) -> str:
    """Milliseconds of a heat map of one finding of an encoded film, by each way that needs no part that was taught."""
    told = []
    for method in (Method.ATTENTION, Method.GRAD_CAM, Method.OCCLUSION):

        def draw(method: Method = method) -> object:
            return draw_raw(pair.fast, None, pair.film, pair.encoded, ["effusion"], method)

        told.append(f"{method.name} {take_turns(draw, lambda: None, repeats)[0] * 1e3:.1f} ms")
    return f"A heat map of a film of {pair.encoded.tiles} tiles: {', '.join(told)}."


def read_under_cap(pair: Pair, cap: float, short: bool) -> str:
    """One film, its findings, a report and five turns; what memory that took."""
    tokens = 6 if short else 400
    pair.fast.score(pair.fast.encode(pair.film), QUESTIONS, YES_NO)
    pair.write(pair.fast, tokens)
    history: list[Turn] = []
    for i in range(5):
        question = f"What of number {i} on this film?"
        conversation = build_conversation(question, history)
        history.append(Turn(question, "".join(pair.fast.stream(pair.encoded, conversation, tokens // 2))))
    peaks = [peak() / 2**30 for peak in (torch.cuda.max_memory_allocated, torch.cuda.max_memory_reserved)]
    path = "fast" if pair.fast.fast and pair.fast.fast.runs else "plain"
    return (
        f"Under a cap of {cap} GiB, {pair.encoded.tiles} tiles, findings, a report of {tokens} tokens and 5 turns "
        f"on the {path} path: peak {peaks[0]:.2f} GiB allocated, {peaks[1]:.2f} GiB reserved.\n"
    )


def run(options: argparse.Namespace) -> None:
    """Measure what the command line asks for, and tell each row when it is there."""
    short = not torch.cuda.is_available()
    if options.cap and not short:
        torch.cuda.set_per_process_memory_fraction(options.cap * 2**30 / torch.cuda.mem_get_info()[1])
    if options.cap:
        pair = load_pair(options.gpu, None if short else "4bit")
        Printer("memory under a cap", options.out, options.doc).tell(read_under_cap(pair, options.cap, short))
        return
    printer = Printer("speed on a GPU", options.out, options.doc)
    rates = measure_rates(torch.device("cpu" if short else "cuda"))
    name = "CPU" if short else torch.cuda.get_device_name()
    copied, multiplied = rates.bytes_a_second / 1e12, rates.operations_a_second / 1e12
    printer.tell(f"{name}: {copied:.3f} TB/s copied, {multiplied:.2f} TFLOP/s multiplied.\n")
    for precision in [choose_precision(None)] if short else options.precisions:
        measure_all(options, precision, rates, short, printer)


def measure_all(options: argparse.Namespace, precision: str, rates: Rates, short: bool, printer: Printer) -> None:
    """Every row of one precision, how far apart the paths are, and where the time goes if that is asked for."""
    free_memory()
    if not short:
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    pair = load_pair(options.gpu, precision)
    loaded = time.perf_counter() - start
    printer.tell(f"\n{write_head(COLUMNS)}\n")
    for row in measure(pair, rates, count_needs(pair.plain.model, pair.encoded.tiles), short):
        printer.tell(row.write(precision))
    maps = measure_maps(pair, 1 if short else 2)
    gib = torch.cuda.max_memory_allocated() / 2**30
    printer.tell(f"\n{precision}: loaded and warm in {loaded:.0f} s, peak {gib:.1f} GiB. {maps} {compare(pair)}\n")
    if options.profile:
        steps: dict[str, Callable[[], object]] = {
            "text": lambda: pair.write(pair.fast, 24),
            "film": lambda: pair.fast.encode(pair.film),
        }
        printer.tell(write_profile(steps))
        steps.clear()
    if options.float32:
        del pair
        free_memory()
        printer.tell(write_distances(options.gpu, precision))


def free_memory() -> None:
    """Give back what a model has left that is gone."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
