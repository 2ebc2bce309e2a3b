"""How long each step of reading takes, side by side with the naive way.

    python -m cxr.evaluation.speed [--threads 2] [--repeats 10] [--doc docs/performance.md]
    python -m cxr.evaluation.speed --gpu BASE   the fast path of a full-size base, see `speed_gpu.py`

Times hold for the machine they were taken on; the ratios travel. Knows nothing about the truth.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from cxr.evaluation import speed_gpu
from cxr.evaluation.bounds import synchronize
from cxr.evaluation.paths import REPORT, ask_one_by_one
from cxr.evaluation.printed import Printer, add_places
from cxr.films.phantom import draw_film
from cxr.reader import Reader, load_reader
from cxr.second_look import SecondLook
from cxr.settings import Settings


@dataclass(frozen=True)
class Timing:
    """Seconds: the median of the repeats and the range of their middle half."""

    median: float
    low: float
    high: float


def time_steps(steps: dict[str, Callable[[], object]], repeats: int) -> dict[str, Timing]:
    """Every step `repeats` times in turns, after one untimed round, so that a slow minute falls on all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(repeats + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            synchronize()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: Timing(*np.quantile(values, [0.5, 0.25, 0.75]).tolist()) for name, values in seconds.items()}


def build_steps(reader: Reader, lengths: list[tuple[int, int]]) -> dict[str, Callable[[], object]]:
    """The steps of reading one drawn film. `lengths` receives the words and tokens of every whole report."""
    film = draw_film(0, view="PA").film
    study = reader.study(film)

    def write_report() -> None:
        pieces = list(reader.engine.stream(study.encoded, REPORT))
        lengths.append((len("".join(pieces).split()), len(pieces)))

    return {
        "encode": lambda: reader.study(film),
        "14 findings, film encoded": lambda: reader.classify(study),
        "14 findings, encode included": lambda: reader.classify(reader.study(film)),
        "14 findings asked one by one": lambda: ask_one_by_one(reader.engine, film),
        "first word, film encoded": lambda: next(reader.engine.stream(study.encoded, REPORT)),
        "whole report, film encoded": write_report,
        "heat map of a finding, film encoded": lambda: SecondLook(reader).locate(study, "effusion"),
    }


def write_table(timings: dict[str, Timing], length: tuple[int, int]) -> str:
    """A Markdown table of times and the ratio to encoding a film once."""
    unit = timings["encode"].median
    lines = ["| step | ms, median [middle half] | times an encode |", "|---|---|---|"]
    lines += [
        f"| {name} | {t.median * 1e3:.0f} [{t.low * 1e3:.0f}, {t.high * 1e3:.0f}] | {t.median / unit:.2f} |"
        for name, t in timings.items()
    ]
    gain = timings["14 findings asked one by one"].median / timings["14 findings, encode included"].median
    writing = timings["whole report, film encoded"].median
    return "\n".join(
        [
            *lines,
            "",
            f"One batch over one by one: {gain:.1f} times. Written a second: {length[0] / writing:.0f} words, "
            f"{length[1] / writing:.0f} tokens.",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table for the model that the settings name."""
    parser = argparse.ArgumentParser(prog="python -m cxr.evaluation.speed", description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads of torch")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--gpu", type=Path, metavar="BASE", help="a folder with a base of full size")
    parser.add_argument("--precisions", nargs="+", choices=["bf16", "4bit"], default=["bf16", "4bit"], help="of --gpu")
    add_places(parser)
    parser.add_argument("--cap", type=float, help="of --gpu: GiB of memory within which the 4-bit model must read")
    parser.add_argument("--profile", action="store_true", help="of --gpu: which kernels take the time")
    parser.add_argument("--float32", action="store_true", help="of --gpu: how far both paths are from it (60 GB)")
    options = parser.parse_args(arguments)
    if options.gpu:
        speed_gpu.run(options)
        return
    torch.set_num_threads(options.threads)
    reader = load_reader(Settings.from_env())
    lengths: list[tuple[int, int]] = []
    timings = time_steps(build_steps(reader, lengths), options.repeats)
    who = reader.identity
    text = (
        f"{' '.join([Path(who.base).name, (who.base_revision or '')[:8]]).strip()}, {who.adapter or 'no adapter'}, "
        f"{who.device}, {options.threads} threads\n\n"
        f"{write_table(timings, lengths[-1])}\n"
    )
    Printer("speed on a CPU", options.out, options.doc).tell(text)


if __name__ == "__main__":
    main()
