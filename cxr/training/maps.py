"""Where findings lie: the part of an adapter that draws heat maps, taught on drawn films' masks for one base.

    python -m cxr.training.maps --base BASE --adapter ADAPTER

writes `maps.safetensors` into the adapter's folder; without --base and --adapter, into that of the embedded model. Then
every way to draw a map is tried on further drawn films, and the best one is what the page shows. No real film is used.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cxr.evaluation.localisation import DEVELOPMENT, FITTED, TAUGHT, TRIED, try_methods
from cxr.evaluation.places import draw_frontal, draw_places
from cxr.model.engine import Engine
from cxr.model.loading import EMBEDDED, load_embedded, load_named
from cxr.model.map_head import MapHead, write_head
from cxr.model.map_learning import gather_lessons, learn_head
from cxr.model.maps import Mapper
from cxr.model.ways import Method
from cxr.settings import Settings


def fit_maps(engine: Engine, adapter: Path, taught: int = TAUGHT, tried: int = TRIED) -> MapHead:
    """Teach on `taught` drawn films, try on `tried` others, and write into the adapter's folder; what was written."""
    head = learn_head(gather_lessons(engine, map(draw_frontal, range(FITTED, FITTED + taught))))
    places = list(draw_places(DEVELOPMENT, tried))
    trials = try_methods(Mapper(engine, head), places)
    head = replace(head, trials=np.array([trials[method] for method in Method], np.float32))
    write_head(head, adapter)
    return head


def main(arguments: Sequence[str] | None = None) -> None:
    """Teach the maps of one adapter."""
    parser = argparse.ArgumentParser(prog="python -m cxr.training.maps", description=__doc__.partition("\n")[0])
    parser.add_argument("--base", help="Hub name or folder; left out, the one that the adapter names")
    parser.add_argument("--adapter", type=Path, help="folder of the adapter; left out, the embedded one")
    parser.add_argument("--taught", type=int, default=TAUGHT, help="drawn films to learn from")
    parser.add_argument("--tried", type=int, default=TRIED, help="drawn films to choose on")
    options = parser.parse_args(arguments)
    named = Settings(base=options.base, adapter=str(options.adapter)) if options.adapter else None
    loaded = load_named(named) if named else load_embedded()
    head = fit_maps(loaded.engine, options.adapter or EMBEDDED / "adapter", options.taught, options.tried)
    for method, (share, overlap) in zip(Method, head.trials.tolist(), strict=True):
        sys.stdout.write(f"{method.name}: IoU {overlap:.3f} from {share:.2f} of the maximum\n")


if __name__ == "__main__":
    main()
