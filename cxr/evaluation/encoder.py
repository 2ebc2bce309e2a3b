"""How long the vision encoder takes by kernel of attention and by which tiles are encoded, and how far states move.

    python -m cxr.evaluation.encoder --gpu BASE [--precision bf16] [--doc docs/performance.md]
    python -m cxr.evaluation.encoder            the model of the settings

With all tiles the fast path is to equal the plain one to rounding, whatever the kernel; with the real ones alone a film
of one tile is another, since patches no longer see padding tiles: the last column says how much its states move.
Knows nothing about the truth.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend

from cxr.evaluation.distances import measure_apart
from cxr.evaluation.paths import make_film
from cxr.evaluation.printed import Printer, add_places
from cxr.evaluation.tables import write_head
from cxr.evaluation.throughput import time_step
from cxr.films.film import letterbox
from cxr.model.engine import Engine
from cxr.model.loading import load, load_named
from cxr.model.pixels import Cutter
from cxr.model.vision import Vision
from cxr.settings import Settings

KERNELS: dict[str, list[SDPBackend] | None] = {
    "as served": None,
    "flash": [SDPBackend.FLASH_ATTENTION],
    "cuDNN": [SDPBackend.CUDNN_ATTENTION],
    "efficient": [SDPBackend.EFFICIENT_ATTENTION],
}
COLUMNS = (
    "tiles of film",
    "encoded",
    "attention",
    "one film, ms",
    "four, ms a film",
    "states apart from the plain path",
    "from all tiles encoded",
)


def measure(engine: Engine, side: int, repeats: int) -> Iterator[str]:
    """Rows for films on a canvas of this side."""
    core = engine.model.model
    whole = read_states(Engine(engine.model, engine.processor, side, fast=False))
    for real in (False, True):
        plain = read_states(Engine(engine.model, engine.processor, side, fast=False, real_tiles=real))
        cutter = Cutter(engine.processor, side, engine.model.device, real)
        tiles = [cutter.cut(letterbox(make_film(seed), side)) for seed in range(4)]
        pixels, aspect, count = torch.cat([each.pixels for each in tiles]), tiles[0].aspect, tiles[0].real
        for name, kernels in KERNELS.items():
            run = partial(Vision(core, kernels).encode, aspect=aspect, real=count)
            told = measure_kernel(run, pixels, plain, whole, repeats)
            yield f"| {count} | {'real' if real else 'all'} | {name} | {told} |\n"


def measure_kernel(run: Callable[[Tensor], Tensor], pixels: Tensor, plain: Tensor, whole: Tensor, repeats: int) -> str:
    """The last cells of a row: `pixels` of four films; the first one's states on the plain path, and of all tiles."""
    try:
        states = run(pixels[:1]).float().cpu()
        one = time_step(lambda: run(pixels[:1]), repeats)
        four = time_step(lambda: run(pixels), repeats) / 4
    except RuntimeError as error:  # a kernel that this machine lacks
        return f"{(str(error).splitlines() or ['cannot run'])[0][:60]} | | |"
    apart = f"{measure_apart(states, plain):.1e} | {measure_apart(states, whole):.1e}"
    return f"{one * 1e3:.1f} | {four * 1e3:.1f} | {apart}"


def read_states(engine: Engine) -> Tensor:
    """A film's states in float32 on the CPU: 1 x positions x hidden."""
    return engine.encode(make_film(0)).states.float()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m cxr.evaluation.encoder", description=__doc__.partition("\n")[0])
    parser.add_argument("--gpu", type=Path, metavar="BASE", help="a folder with a base of full size")
    parser.add_argument("--precision", choices=["bf16", "4bit"], help="of --gpu")
    parser.add_argument("--repeats", type=int, default=8)
    add_places(parser)
    options = parser.parse_args(arguments)
    asked = Settings(base=str(options.gpu), precision=options.precision) if options.gpu else Settings.from_env()
    engine = (load_named(asked) if options.gpu else load(asked)).engine
    printer = Printer("encoder", options.out, options.doc)
    printer.tell(f"{write_head(COLUMNS)}\n")
    tile = int(engine.processor.image_processor.size["height"])
    for side in (tile, 2 * tile) if engine.processor.image_processor.max_image_tiles >= 4 else (tile,):
        for row in measure(engine, side, options.repeats):
            printer.tell(row)


if __name__ == "__main__":
    main(sys.argv[1:])
