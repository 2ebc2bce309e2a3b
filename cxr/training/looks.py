"""The statistics of the gate, fitted: what a chest film looks like, upright or not, and what is none.

    python -m cxr.training.looks --films FOLDER

writes `cxr/films/look.json` from the training films of FOLDER/films.csv (of large sources each weighing less), the half
of FOLDER/not_chest that `is_fitted` names, and drawn films and strangers of seeds below those that are kept to measure
on. Each film is also turned, inverted, cut, and varied in grey and frame. Knows nothing about models.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression

from cxr.evaluation.films import RealFilm, list_films
from cxr.evaluation.photographs import photograph_film
from cxr.evaluation.spoilt import cut, draw_lateral, photograph
from cxr.evaluation.strangers import KINDS, draw_stranger, open_strangers
from cxr.films.gate import CUTS
from cxr.films.look import LOOKS, Weights, measure_statistics, write_weights
from cxr.films.open import open_film
from cxr.films.phantom import draw_film

Array = np.ndarray
FIRST_SEED = 9_500_000  # of the drawn ones; no other set of ours begins here
DRAWN, LATERALS, OF_A_KIND = 160, 80, 300
MORE = {"objects": 2}  # times as many of a kind that is hard to tell by greys
EQUAL = 300  # films at which a source neither gains nor loses weight
STRICT = 1.0  # of the logistic regression; the larger, the closer to the fitted pictures
RADIOGRAPHS = ("slice", "limb")  # strangers that are medical pictures, but of no chest
TURNS = {1: "turned to the left", 2: "upside down", 3: "turned to the right"}  # quarters against the clock


@dataclass(frozen=True)
class Sample:
    """Statistics of one picture, what it is, and how much it counts."""

    statistics: Array
    look: str
    weight: float = 1.0


def fit_looks(samples: Sequence[Sample]) -> Weights:
    """A multinomial logistic regression."""
    model = LogisticRegression(C=STRICT, max_iter=600).fit(
        np.stack([sample.statistics for sample in samples]),
        [LOOKS.index(sample.look) for sample in samples],
        sample_weight=[sample.weight for sample in samples],
    )
    return Weights(model.coef_, model.intercept_)


def collect_samples(films: Sequence[RealFilm], strangers: Path, drawn: int = DRAWN) -> Iterator[Sample]:
    """Everything that is fitted on. `drawn`: how many drawn chest films; the numbers of others follow it."""
    rng = np.random.default_rng(0)
    counts = Counter(film.source for film in films)
    for film in films:
        yield from vary_film(open_film(film.path).pixels, (EQUAL / counts[film.source]) ** 0.5, rng)
    for seed in range(FIRST_SEED, FIRST_SEED + drawn):
        yield from vary_film(draw_film(seed, size=256, view=("PA", "AP")[seed % 2]).film.pixels, 1.0, rng)
    for seed in range(FIRST_SEED, FIRST_SEED + drawn * LATERALS // DRAWN):
        pixels = draw_lateral(seed).pixels
        yield from (_note(vary(pixels, rng), "lateral") for _ in range(4))
        yield _note(photograph_film(vary(pixels, rng), rng), "lateral")
    for stranger in open_strangers(strangers, fitted=True) if strangers.is_dir() else ():
        yield _note(stranger.pixels, "not a chest", 3.0)
        yield from (_note(vary(stranger.pixels, rng), "not a chest", 2.0) for _ in range(3))
        yield from (_note(photograph_film(vary(stranger.pixels, rng), rng), "not a chest", 2.0) for _ in range(2))
    for kind in KINDS:
        look = "not a chest" if kind in RADIOGRAPHS else "not an X-ray"
        for seed in range(FIRST_SEED, FIRST_SEED + MORE.get(kind, 1) * drawn * OF_A_KIND // DRAWN):
            pixels = draw_stranger(kind, seed).pixels
            yield _note(pixels, look)
            if seed % 3 == 0:
                yield _note(photograph_film(pixels, rng), look)


def vary_film(pixels: Array, weight: float, rng: np.random.Generator) -> Iterator[Sample]:
    """A chest film as it is and as it might have come, upright and not."""
    yield _note(pixels, "upright", 2 * weight)
    yield from (_note(vary(pixels, rng), "upright", weight) for _ in range(2))
    for quarters, look in TURNS.items():
        yield _note(np.rot90(vary(pixels, rng), quarters), look, 0.5 * weight)
    yield _note(1 - vary(pixels, rng), "inverted", 0.5 * weight)
    for quarters, look in {0: "upright", **TURNS}.items():
        turned = np.rot90(vary(pixels, rng), quarters)
        yield _note(photograph_film(turned, rng), look, weight / (1 + (quarters > 0)))
        yield _note(photograph(turned, rng).clip(0, 1), look, weight / 4)
    yield _note(photograph_film(1 - vary(pixels, rng), rng), "inverted", 0.3 * weight)
    for look in CUTS:
        yield _note(vary(cut(pixels, look, rng.uniform(0.40, 0.55)), rng), look, 0.3 * weight)


def vary(pixels: Array, rng: np.random.Generator) -> Array:
    """The same, a little turned, trimmed, of other greys, and sometimes with black borders."""
    if rng.random() < 0.5:
        ground = float(np.median(pixels[0])) if rng.random() < 0.5 else 0.0
        image = Image.fromarray(np.ascontiguousarray(pixels))
        pixels = np.asarray(image.rotate(rng.normal(0, 6), Image.Resampling.BILINEAR, fillcolor=ground))
    height, width = pixels.shape
    top, bottom, left, right = rng.uniform(0, 0.08, 4) * (height, height, width, width)
    pixels = pixels[int(top) : height - int(bottom), int(left) : width - int(right)]
    pixels = np.clip(pixels, 0, 1) ** rng.uniform(0.6, 1.7)
    if rng.random() < 0.5:
        low, high = rng.uniform(0, 0.15), rng.uniform(0.8, 1)
        pixels = low + (high - low) * pixels
    if rng.random() < 0.35:
        shares = rng.uniform(0, 0.2, (2, 2)) * (rng.random((2, 1)) < 0.6)
        pixels = np.pad(pixels, (shares * np.array(pixels.shape)[:, None]).astype(int))
    return np.ascontiguousarray(pixels, dtype=np.float32)


def _note(pixels: Array, look: str, weight: float = 1.0) -> Sample:
    return Sample(measure_statistics(np.ascontiguousarray(pixels, dtype=np.float32)), look, weight)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(prog="python -m cxr.training.looks", description=__doc__.partition("\n")[0])
    parser.add_argument("--films", type=Path, required=True, help="folder of films.csv and not_chest")
    folder = parser.parse_args(arguments).films
    samples = list(collect_samples(list_films(folder, "train"), folder / "not_chest"))
    write_weights(fit_looks(samples))
    sys.stdout.write(f"{len(samples)} pictures\n")


if __name__ == "__main__":
    main()
