"""Whether heat maps point at what they are about, beside what knows nothing of the film.

    python -m cxr.evaluation.localisation [--films FOLDER]

Pointing game and IoU of four ways to draw a map, on drawn films of seeds that are kept to measure on and on the boxes
of FOLDER/chestxray14; beside them a centre prior, the lungs, the finding's mean mask, and the same four ways on the
same model with its weights shuffled, where the taught part is taught anew. From which share of its maximum a map means
a place was chosen for each of them by itself on other drawn films. Intervals of 95 % are by patient.
"""

import argparse
import copy
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from cxr.evaluation.localisation_table import write_report
from cxr.evaluation.places import average_lungs, draw_frontal, draw_places, open_boxes
from cxr.evaluation.placing import Draw, Place, choose_share, collect_marks
from cxr.films.phantom import DrawnFilm
from cxr.findings import BY_KEY
from cxr.model.engine import Engine
from cxr.model.map_learning import Lessons, gather_lessons, learn_head
from cxr.model.maps import Mapper
from cxr.model.ways import Method, draw_raw
from cxr.reader import load_reader
from cxr.settings import Settings

FITTED, TAUGHT = 9_700_000, 1500  # the drawn films that the taught part learns from
DEVELOPMENT, TRIED = 9_790_000, 60  # on which thresholds and the shown method are chosen
MEASURED, DRAWN = 10_700_000, 120  # on which they are measured
Ways = dict[str, tuple[Draw, float]]  # by name: the way, and from which share of its maximum its map means a place


def draw_by(mapper: Mapper, method: Method) -> Draw:
    """One way to draw maps of a model, unscaled."""

    def draw(place: Place) -> dict[str, np.ndarray]:
        encoded = mapper.engine.encode(place.film)
        return draw_raw(mapper.engine, mapper.head, place.film, encoded, list(place.masks), method)

    return draw


def try_methods(mapper: Mapper, places: Sequence[Place]) -> dict[Method, tuple[float, float]]:
    """Of each way the share of its maximum from which it overlaps masks best, and how well."""
    return {method: choose_share(draw_by(mapper, method), places) for method in Method}


def draw_centre(place: Place) -> dict[str, np.ndarray]:
    """The centre prior: a round bump in the middle of the film, a quarter of its side wide."""
    height, width = place.film.pixels.shape
    down, across = (np.linspace(-2, 2, size) for size in (height, width))
    bump = np.exp(-(down[:, None] ** 2 + across[None, :] ** 2) / 2)
    return dict.fromkeys(place.masks, bump)


def draw_lungs(place: Place) -> dict[str, np.ndarray]:
    """The lung prior: both lungs."""
    return dict.fromkeys(place.masks, place.lungs)


def draw_usual(lessons: Lessons) -> Draw:
    """The usual place: the mean of a finding's masks on the films that the taught part learns from."""
    there = (lessons.filled.amax((2, 3)) > 0).sum(0).clamp_min(1)
    means = (lessons.filled.sum(0) / there[:, None, None]).numpy()

    def draw(place: Place) -> dict[str, np.ndarray]:
        height, width = place.film.pixels.shape
        laid = {key: means[list(BY_KEY).index(key)] for key in place.masks}
        return {key: _stretch(values, height, width) for key, values in laid.items()}

    return draw


def _stretch(values: np.ndarray, height: int, width: int) -> np.ndarray:
    tensor = torch.from_numpy(values)[None, None]
    return np.asarray(torch.nn.functional.interpolate(tensor, (height, width), mode="bilinear")[0, 0].numpy())


def shuffle_weights(engine: Engine, seed: int = 0) -> Engine:
    """The same engine with the numbers of every weight matrix in another order: as large, and knowing nothing."""
    model = copy.deepcopy(engine.model)
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.data = parameter.data.flatten()[order].view_as(parameter)
    return Engine(model, engine.processor, engine.canvas, fast=False)


def collect_ways(mapper: Mapper, films: Sequence[DrawnFilm], places: Sequence[Place]) -> Ways:
    """Every way and every baseline, its threshold chosen on `places`; `films`: what the taught parts learn from."""
    ways: Ways = {}
    if mapper.head is not None:
        tried = {method: float(share) for method, (share, _) in zip(Method, mapper.head.trials, strict=True)}
        ways |= {method.name: (draw_by(mapper, method), share) for method, share in tried.items()}
    else:
        methods = [method for method in Method if method is not Method.TRAINED]
        ways |= {each.name: choose_way(draw_by(mapper, each), places) for each in methods}
    empty = shuffle_weights(mapper.engine)
    lessons = gather_lessons(empty, films)
    blind = Mapper(empty, learn_head(lessons))
    ways |= {f"{each.name}, random": choose_way(draw_by(blind, each), places) for each in Method}
    for name, draw in (("centre", draw_centre), ("lungs", draw_lungs), ("usual place", draw_usual(lessons))):
        ways[name] = choose_way(draw, places)
    return ways


def choose_way(draw: Draw, places: Iterable[Place]) -> tuple[Draw, float]:
    """A way with its threshold."""
    return draw, choose_share(draw, places)[0]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the model that the settings name."""
    parser = argparse.ArgumentParser(prog="python -m cxr.evaluation.localisation", description=__doc__.split("\n")[0])
    parser.add_argument("--films", type=Path, help="folder of films.csv and chestxray14")
    parser.add_argument("--drawn", type=int, default=DRAWN, help="drawn films to measure on, with and without findings")
    parser.add_argument("--tried", type=int, default=TRIED, help="drawn films to choose thresholds on")
    parser.add_argument("--taught", type=int, default=TAUGHT, help="drawn films for the part on random weights")
    options = parser.parse_args(arguments)
    reader = load_reader(Settings.from_env(), anyway=True)
    places = list(draw_places(DEVELOPMENT, options.tried))
    ways = collect_ways(reader.mapper, [draw_frontal(FITTED + i) for i in range(options.taught)], places)
    sets = {"drawn films": draw_places(MEASURED, options.drawn)}
    if options.films:
        sets["real films"] = open_boxes(options.films, average_lungs(places))
    marks = {name: collect_marks(list(ways.values()), some) for name, some in sets.items()}
    sys.stdout.write(f"{reader.identity.base}, {reader.identity.adapter or 'no adapter'}.\n\n")
    sys.stdout.write(write_report(marks, list(ways), reader.mapper.choose_method(next(iter(BY_KEY))).name) + "\n")


if __name__ == "__main__":
    main()
