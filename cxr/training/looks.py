"""The network of the gate, trained: what a chest film looks like, upright or not, and what is none.

    python -m cxr.training.looks --films FOLDER

writes `cxr/films/look.safetensors` from the training films of FOLDER/films.csv (of large sources each weighing less),
the half of FOLDER/not_chest that `is_fitted` names, and drawn films and strangers of seeds below those that are kept to
measure on. Each film is also turned, inverted, cut, photographed, and varied in grey and frame. It takes half an hour
on 2 cores.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from cxr.evaluation.films import RealFilm, list_films
from cxr.evaluation.photographs import photograph_film
from cxr.evaluation.spoilt import cut, draw_lateral, photograph
from cxr.evaluation.strangers import KINDS, draw_stranger, open_strangers
from cxr.films.film import shrink
from cxr.films.gate import CUTS
from cxr.films.look import FILE, LOOKS, SIDE, make_thumbnail, normalise
from cxr.films.open import open_film
from cxr.films.phantom import draw_film

Array = np.ndarray
FIRST_SEED = 9_500_000  # of the drawn ones; no other set of ours begins here
DRAWN, LATERALS, OF_A_KIND = 160, 80, 400
MORE = {"objects": 2}  # times as many of a kind that is hard to tell by greys
EQUAL = 300  # films at which a source neither gains nor loses weight
LARGE = 256  # px to which a film is shrunk first
CHANNELS = (1, 16, 32, 64, 64)
ROUNDS, BATCH, RATE, DECAY, DROPPED = 12, 256, 2e-3, 0.05, 0.3
SHIFT = 4  # px of the square by which a picture is moved at most
RADIOGRAPHS = ("slice", "limb")  # strangers that are medical pictures, but of no chest
TURNS = {1: "turned to the left", 2: "upside down", 3: "turned to the right"}  # quarters against the clock


@dataclass(frozen=True)
class Sample:
    """One picture, SIDE x SIDE uint8, what it is, and how much it counts."""

    square: Array
    look: str
    weight: float = 1.0


def build_network() -> nn.Sequential:
    """Convolutions that each halve the sides, and a linear layer: what `look.run_network` runs, with dropout."""
    layers: list[nn.Module] = []
    for before, after in pairwise(CHANNELS):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.ReLU()]
    left = SIDE >> (len(CHANNELS) - 1)
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(DROPPED), nn.Linear(CHANNELS[-1] * left**2, len(LOOKS)))


def train_looks(samples: Sequence[Sample], rounds: int = ROUNDS) -> dict[str, Tensor]:
    """The weights of a network, seeded, after so many passes over the pictures, each moved a little anew."""
    torch.manual_seed(0)
    squares = np.stack([sample.square for sample in samples])
    looks = torch.tensor([LOOKS.index(sample.look) for sample in samples])
    weights = torch.tensor([sample.weight for sample in samples])
    weights /= weights.mean()
    network = build_network().train()
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    steps = rounds * -(-len(samples) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for _ in range(rounds):
        for chosen in torch.randperm(len(samples)).split(BATCH):
            scores = network(_move(torch.from_numpy(normalise(squares[chosen]))[:, None]))
            losses = functional.cross_entropy(scores, looks[chosen], reduction="none")
            optimiser.zero_grad()
            (losses * weights[chosen]).mean().backward()
            optimiser.step()
            schedule.step()
    return network.state_dict()


def _move(squares: Tensor) -> Tensor:
    """Pictures, N x 1 x SIDE x SIDE, each moved by up to SHIFT px in either direction."""
    wide = functional.pad(squares, (SHIFT,) * 4, mode="replicate")
    places = zip(wide, torch.randint(2 * SHIFT + 1, (len(squares), 2)).tolist(), strict=True)
    return torch.stack([one[:, top : top + SIDE, left : left + SIDE] for one, (top, left) in places])


def collect_samples(films: Sequence[RealFilm], strangers: Path, drawn: int = DRAWN) -> Iterator[Sample]:
    """Everything that is fitted on. `drawn`: how many drawn chest films; the numbers of others follow it."""
    counts = Counter(film.source for film in films)
    for number, film in enumerate(films):
        pixels = shrink(open_film(film.path).pixels, LARGE)
        yield from vary_film(pixels, (EQUAL / counts[film.source]) ** 0.5, np.random.default_rng([0, number]))
    for seed in range(FIRST_SEED, FIRST_SEED + drawn):
        pixels = draw_film(seed, size=256, view=("PA", "AP")[seed % 2]).film.pixels
        yield from vary_film(pixels, 1.0, np.random.default_rng(seed))
    for seed in range(FIRST_SEED, FIRST_SEED + drawn * LATERALS // DRAWN):
        pixels, rng = draw_lateral(seed).pixels, np.random.default_rng(seed)
        yield from (_note(vary(pixels, rng), "lateral") for _ in range(4))
        yield _note(photograph_film(vary(pixels, rng), rng), "lateral")
    yield from collect_strangers(strangers, drawn * OF_A_KIND // DRAWN)


def collect_strangers(folder: Path, count: int) -> Iterator[Sample]:
    """Pictures that are no chest films: those of a folder that may be fitted on, and so many of each drawn kind."""
    for number, stranger in enumerate(open_strangers(folder, fitted=True) if folder.is_dir() else ()):
        pixels, rng = shrink(stranger.pixels, LARGE), np.random.default_rng([1, number])
        yield _note(pixels, "not a chest", 3.0)
        yield from (_note(vary(pixels, rng), "not a chest", 1.5) for _ in range(4))
        yield from (_note(photograph_film(vary(pixels, rng), rng), "not a chest", 1.5) for _ in range(4))
    for kind in KINDS:
        look = "not a chest" if kind in RADIOGRAPHS else "not an X-ray"
        for seed in range(FIRST_SEED, FIRST_SEED + MORE.get(kind, 1) * count):
            pixels = draw_stranger(kind, seed).pixels
            yield _note(pixels, look)
            if seed % 4 == 0:
                yield _note(photograph_film(pixels, np.random.default_rng(seed)), look)


def vary_film(pixels: Array, weight: float, rng: np.random.Generator) -> Iterator[Sample]:
    """A chest film as it is and as it might have come, upright and not."""
    yield _note(pixels, "upright", 2 * weight)
    yield from (_note(vary(pixels, rng), "upright", weight) for _ in range(2))
    for quarters, look in TURNS.items():
        yield _note(np.rot90(vary(pixels, rng), quarters), look, 0.5 * weight)
    yield _note(1 - vary(pixels, rng), "inverted", 0.5 * weight)
    for look in CUTS:
        yield _note(vary(cut(pixels, look, rng.uniform(0.40, 0.55)), rng), look, 0.3 * weight)
    yield from photograph_turned(pixels, weight, rng)


def photograph_turned(pixels: Array, weight: float, rng: np.random.Generator) -> Iterator[Sample]:
    """Photographs of a chest film that hangs upright or in another way."""
    for quarters, look in {0: "upright", **TURNS}.items():
        turned = np.rot90(pixels, quarters)
        yield _note(photograph_film(turned, rng), look, 0.5 * weight)
        yield _note(photograph_film(np.rot90(vary(pixels, rng), quarters), rng), look, 0.5 * weight)
    quarters, look = [(0, "upright"), *TURNS.items()][int(rng.integers(4))]
    yield _note(photograph(np.rot90(pixels, quarters), rng).clip(0, 1), look, weight)


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
    return Sample(make_thumbnail(np.ascontiguousarray(pixels, dtype=np.float32)), look, weight)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and write, in half precision."""
    parser = argparse.ArgumentParser(prog="python -m cxr.training.looks", description=__doc__.partition("\n")[0])
    parser.add_argument("--films", type=Path, required=True, help="folder of films.csv and not_chest")
    folder = parser.parse_args(arguments).films
    samples = list(collect_samples(list_films(folder, "train"), folder / "not_chest"))
    weights = train_looks(samples)
    save_file({name: value.half().contiguous() for name, value in weights.items()}, FILE)
    sys.stdout.write(f"{len(samples)} pictures\n")


if __name__ == "__main__":
    main()
