"""How many films a minute are read, by how many at once on a GPU, and by how many processes on a CPU.

    python -m cxr.evaluation.throughput --gpu BASE [--precisions bf16 4bit] [--batches 1 4 8 16 32 64] [--doc ...]
    python -m cxr.evaluation.throughput [--workers 1 2] [--films 24]

BASE: a folder with a base of full size; random weights will do, since every report has the same number of tokens. On a
CPU the command `python -m cxr read FOLDER` itself is timed on drawn films, from when its model is there. Rows are
written as they are found. Knows nothing about the truth.
"""

import argparse
import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch

from cxr.batch.reading import count_cores
from cxr.batch.rows import TASKS, Task
from cxr.batch.run import read_folder
from cxr.evaluation.bounds import time_rounds
from cxr.evaluation.paths import QUESTIONS, REPORT, make_film
from cxr.evaluation.printed import Printer, add_places
from cxr.evaluation.tables import write_head
from cxr.films.film import to_image
from cxr.films.phantom import draw_film
from cxr.model.engine import Encoded, Engine
from cxr.model.loading import load_named
from cxr.prompts import YES_NO
from cxr.settings import Settings

BATCHES = (1, 4, 8, 16, 32, 64)
REPORT_TOKENS = 150  # of about 100 words
FIRST_FILM = 10_300_000  # of the drawn ones
GPU_COLUMNS = (
    "precision",
    "films at once",
    "encoded, films/s",
    "14 findings, films/s",
    "findings and reports a minute",
    "tok/s while writing",
    "peak GiB",
    "largest difference of a probability to the film alone",
)
CPU_COLUMNS = "task", "processes", "threads each", "films", "films a minute", "times the first row"


def time_step(step: Callable[[], object], repeats: int) -> float:
    """Median seconds, after a round that is not timed."""
    return median(time_rounds(step, repeats))


def measure_batch(engine: Engine, count: int, tokens: int, repeats: int) -> str:
    """A row but for its first cell: so many films side by side."""
    films = [make_film(seed) for seed in range(count)]
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    encoded: list[Encoded] = []

    def see() -> None:
        encoded[:] = engine.encode_all(films)

    def classify() -> None:
        engine.score_all(encoded, QUESTIONS, YES_NO, count)

    def write() -> None:
        engine.write_all(encoded, [REPORT] * count, tokens, count)

    seeing, asking, writing = (time_step(step, repeats) for step in (see, classify, write))
    peak = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else 0.0
    apart = measure_distance(engine, encoded)
    all_three = 60 * count / (seeing + asking + writing)
    return (
        f"{count} | {count / seeing:.1f} | {count / (seeing + asking):.1f} | {all_three:.1f} "
        f"| {count * tokens / writing:.0f} | {peak:.1f} | {apart:.1e} |\n"
    )


def measure_distance(engine: Engine, encoded: Sequence[Encoded], films: int = 4) -> float:
    """The largest difference between a finding's probability of a film among others, in another order, and alone."""
    turned = list(encoded[::-1])
    together = engine.score_all(turned, QUESTIONS, YES_NO, len(turned))[::-1]
    alone = [
        engine.score(engine.encode(make_film(seed)), QUESTIONS, YES_NO) for seed in range(min(films, len(encoded)))
    ]
    return float(np.abs(together[:films] - np.stack(alone)).max())


def measure_gpu(options: argparse.Namespace) -> None:
    """A row for each number of films at once."""
    short = not torch.cuda.is_available()
    name = "CPU" if short else torch.cuda.get_device_name()
    printer = Printer("many films on a GPU", options.out, options.doc)
    printer.tell(f"{name}; reports of {options.tokens} tokens.\n\n{write_head(GPU_COLUMNS)}\n")
    for precision in ["float32"] if short else options.precisions:
        engine = load_named(Settings(base=str(options.gpu), precision=precision)).engine
        engine.stops = set()
        for count in options.batches:
            printer.tell(f"| {precision} | {measure_batch(engine, count, options.tokens, options.repeats)}")
        del engine
        gc.collect()


def measure_cpu(options: argparse.Namespace) -> None:
    """A row for each task and number of processes, which share the cores; in turns, so that a slow minute falls on all.

    Other programs on the machine are told first: beside them several threads of one process wait for each other, and
    what is measured is no longer the number of processes.
    """
    busy = f"{os.getloadavg()[0]:.1f} of {count_cores()} cores busy before"
    printer = Printer("many films on a CPU", options.out, options.doc)
    printer.tell(f"{busy}; median of {options.repeats}.\n\n{write_head(CPU_COLUMNS)}\n")
    with TemporaryDirectory() as room:
        folder = Path(room) / "films"
        folder.mkdir()
        for number in range(options.films):
            to_image(draw_film(FIRST_FILM + number, view="PA").film).save(folder / f"{number:04}.png")
        for task in options.tasks:
            seconds: dict[int, list[float]] = {workers: [] for workers in options.workers}
            for turn in range(options.repeats):
                for workers, own in seconds.items():
                    own.append(time_folder(folder, Path(room) / f"{task}-{workers}-{turn}.csv", task, workers))
            rates = {workers: 60 * options.films / median(own) for workers, own in seconds.items()}
            for workers, rate in rates.items():
                cells = task, workers, choose_threads(workers), options.films, f"{rate:.1f}"
                gain = rate / rates[options.workers[0]]
                printer.tell(f"| {' | '.join(map(str, cells))} | {gain:.2f} |\n")


def choose_threads(workers: int) -> int:
    """Threads of each of so many processes."""
    return max(1, count_cores() // workers)


def time_folder(folder: Path, table: Path, task: Task, workers: int) -> float:
    """Seconds of the command, from when it says who answers."""
    torch.set_num_threads(choose_threads(workers))  # of this process, where it reads by itself
    size = max(1, len(list(folder.iterdir())) // workers // 4)  # so that no process waits long for another's last part
    began = 0.0
    for _ in read_folder(folder, table, task, workers, size=size):
        began = began or time.perf_counter()
    return time.perf_counter() - began


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m cxr.evaluation.throughput", description=__doc__.partition("\n")[0])
    parser.add_argument("--gpu", type=Path, metavar="BASE", help="a folder with a base of full size")
    parser.add_argument("--precisions", nargs="+", choices=["bf16", "4bit"], default=["bf16"], help="of --gpu")
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES, help="of --gpu: films at once")
    parser.add_argument("--tokens", type=int, default=REPORT_TOKENS, help="of --gpu: of each report")
    parser.add_argument("--repeats", type=int, default=2, help="of each measurement")
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2], help="processes on a CPU")
    parser.add_argument("--films", type=int, default=24, help="on a CPU")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=["classify", "all"], help="on a CPU")
    add_places(parser)
    options = parser.parse_args(arguments)
    if options.gpu:
        measure_gpu(options)
    else:
        measure_cpu(options)


if __name__ == "__main__":
    main(sys.argv[1:])
