"""What helps a small eye to see with few films: variants side by side, by 5-fold cross-validation inside train.

    python -m cxr.training.embedded.trials --films FOLDER --out FOLDER --device cuda [--trials NAME ...] [--seeds 0 1 2]

Every film of the training split is predicted by a model that saw no film of its patient, by the heads that are not
shipped; a ResNet-18 from scratch on the same folds stands beside them, at the step that its own held-out films like
best. What is predicted is kept in `--out`, and the table is made of all that lies there. Knows nothing about text.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from cxr.evaluation.films import CHESTXRAY14, RealFilm, read_films
from cxr.training.embedded.examples import Examples
from cxr.training.embedded.fitting import Fitter, Pace, fit
from cxr.training.embedded.peer import ResNet18
from cxr.training.embedded.seeing import build_seer, label_loss, look, see_loss, skip_layers
from cxr.training.embedded.trials_table import write_table
from cxr.training.embedded.variants import MUON_RATE, TEACHER, TRIALS, Trial
from cxr.training.embedded.views import Views, balance, draw_views, join_views, mix_views, pick, vary, view_real

logger = logging.getLogger(__name__)

T = TypeVar("T")

FOLDS = 5
SIDE, GRID = 288, 24  # px and cells in which films are held
FIRST, HELD = 9_000_000, 9_900_000  # seeds of drawn films to learn from and to check on; neither is for evaluation
HELD_FILMS = 1024
CHECKS = 4  # looks at the held-out films on the way


@dataclass(frozen=True)
class Grounds:
    """What every trial works with: real films with their folds, and drawn ones once they are there."""

    real: Views
    folds: np.ndarray
    scored: np.ndarray  # bool: films of ChestX-ray14
    patients: np.ndarray
    drawn: Callable[[], tuple[Views, Views]]  # to learn from, and to check on
    begun: dict[object, dict[str, torch.Tensor]]  # what was learnt from drawn films alone, by how


def fold_of(patient: str) -> int:
    """Which fold holds a patient back."""
    return blake2b(patient.encode(), digest_size=4).digest()[0] % FOLDS


def batches(trial: Trial, drawn: Views | None, real: Views | None, rows: torch.Tensor, seed: int) -> Iterator[Views]:
    """Augmented batches without end, from drawn films and from the real ones at `rows`."""
    dice = torch.Generator(rows.device).manual_seed(seed)
    count = 0 if drawn is None else trial.batch if real is None else round(trial.batch * trial.drawn_share)
    every = torch.arange(len(drawn["images"]), device=rows.device) if drawn else rows
    while True:
        parts = [pick(drawn, every, count, dice)] if drawn and count else []
        if real is not None and count < trial.batch:
            parts.append(pick(real, rows, trial.batch - count, dice))
        yield vary(mix_views(parts), dice, trial.strength, trial.size.canvas, trial.size.canvas // trial.size.patch)


def build(trial: Trial, device: torch.device) -> nn.Module:
    """The trial's model, untrained."""
    if trial.peer:
        return ResNet18().to(device)
    seer = build_seer(trial.size)
    if trial.skipped:
        skip_layers(seer, trial.skipped)
    return seer.to(device)


def begin(trial: Trial, seed: int, grounds: Grounds) -> dict[str, torch.Tensor] | None:
    """The weights with which every fold begins; None: each begins with its own."""
    if not trial.drawn_steps:
        return None
    key = (trial.peer, trial.size, trial.drawn_steps, trial.muon, seed)
    if key not in grounds.begun:
        torch.manual_seed(seed)
        pool, _ = grounds.drawn()
        device = pool["images"].device
        plain = Trial(size=trial.size, batch=128, peer=trial.peer)
        pace = Pace(trial.drawn_steps, MUON_RATE if trial.muon else 1e-3, muon=trial.muon)
        model = build(plain, device)
        drawn = batches(plain, pool, None, torch.arange(1, device=device), seed)
        fit(model, label_loss if trial.peer else see_loss, drawn, pace)
        grounds.begun[key] = {name: value.clone() for name, value in model.state_dict().items()}
    return grounds.begun[key]


def run_fold(trial: Trial, seed: int, fold: int, grounds: Grounds) -> tuple[nn.Module, torch.Tensor]:
    """A model that has not seen a fold's patients, and logits of its films: on the way, and at the end."""
    begun, real = begin(trial, seed, grounds), grounds.real
    device, side = real["images"].device, trial.size.canvas
    pool = grounds.drawn()[0] if trial.drawn_share else None
    teachers = [
        run_fold(TEACHER, trial.teachers * seed + number, fold, grounds)[0].eval() for number in range(trial.teachers)
    ]
    torch.manual_seed(100 * seed + fold)
    model = build(trial, device)
    if begun:
        model.load_state_dict(begun)
    inside = torch.from_numpy(np.flatnonzero(grounds.folds != fold)).to(device)
    if trial.balanced:
        inside = balance(inside, real["findings"])
    out = np.flatnonzero((grounds.folds == fold) & grounds.scored)
    images = real["images"][torch.from_numpy(out).to(device)]
    loss = label_loss if trial.peer else partial(see_loss, lessons=trial.lessons, teachers=teachers)
    fitter = Fitter(model, loss, Pace(trial.steps, trial.rate, decay=trial.decay, muon=trial.fold_muon))
    steps = fitter.fit(batches(trial, pool, real, inside, 100 * seed + fold))
    return model, torch.stack(list(watch(fitter, steps, lambda: look(model, images, side))))


def watch(fitter: Fitter, steps: Iterable[int], tell: Callable[[], T]) -> Iterator[T]:
    """What `tell` says at CHECKS steps on the way, and of the averaged weights at the end."""
    every = max(1, fitter.pace.steps // CHECKS)
    for step in steps:
        if step % every == 0 and step // every <= CHECKS:
            yield tell()
    fitter.keep_average()
    yield tell()


def run_trial(trial: Trial, seed: int, grounds: Grounds) -> dict[str, np.ndarray]:
    """Logits of the scored films, on the way and by the averaged weights at the end, and of drawn films unseen."""
    held = grounds.drawn()[1] if trial.drawn_steps or trial.drawn_share else None
    told = np.zeros((CHECKS + 1, len(grounds.folds), grounds.real["findings"].shape[1]), np.float32)
    for fold in range(FOLDS):
        model, told[:, (grounds.folds == fold) & grounds.scored] = run_fold(trial, seed, fold, grounds)
        logger.info("fold %d of %d", fold + 1, FOLDS)
    truth = grounds.real["findings"].cpu().numpy()[grounds.scored]
    result = {"told": told[:, grounds.scored], "truth": truth, "patients": grounds.patients[grounds.scored]}
    if held is not None:
        drawn = look(model, held["images"], trial.size.canvas).numpy()
        result |= {"drawn": drawn, "drawn_truth": held["findings"].cpu().numpy()}
    return result


def prepare(films: Sequence[RealFilm], device: torch.device, draw: Callable[[], list[Examples]]) -> Grounds:
    """Films on the device; drawn ones are waited for when they are first asked for."""

    @cache
    def wait() -> tuple[Views, Views]:
        pool, held = (join_views([each], device) for each in draw())
        return pool, held

    patients = np.array([film.patient for film in films])
    scored = np.array([film.source == CHESTXRAY14 for film in films])
    real = join_views([view_real(films, SIDE, GRID)], device)
    return Grounds(real, np.array([fold_of(patient) for patient in patients]), scored, patients, wait, {})


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(prog="python -m cxr.training.embedded.trials", description=__doc__)
    parser.add_argument("--films", type=Path, required=True, help="folder of films.csv")
    parser.add_argument("--out", type=Path, required=True, help="where predictions are kept")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    parser.add_argument("--trials", nargs="*", choices=list(TRIALS), default=list(TRIALS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--drawn", type=int, default=16_384, help="drawn films to learn from")
    parser.add_argument("--draw-only", action="store_true", help="draw films for several runs side by side")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options.out.mkdir(parents=True, exist_ok=True)
    if options.trials or options.draw_only:
        wanted = ((FIRST, options.drawn), (HELD, HELD_FILMS))
        draw = draw_views(options.out, wanted, SIDE, GRID, options.workers)
    if options.draw_only:
        draw()
    elif options.trials:
        grounds = prepare(read_films(options.films, "train"), options.device, draw)
        for seed in options.seeds:
            for name in options.trials:
                start = time.monotonic()
                kept: dict[str, Any] = run_trial(TRIALS[name], seed, grounds)
                np.savez_compressed(options.out / f"{name} {seed}.npz", **kept)
                logger.info("%s, seed %d: %.0f s", name, seed, time.monotonic() - start)
    sys.stdout.write(write_table(options.out, list(TRIALS)) + "\n")


if __name__ == "__main__":
    main()
