"""What a ResNet-18 from scratch says of films that it was not trained on, to stand beside the embedded model.

    python -m cxr.training.embedded.peer_figures --films FOLDER --split test --out FILE.npz [--device cuda] [--seed 0]

It learns as in the trials, from the training films alone, and is taken at the step that the validation films like best.
The file goes to `python -m cxr.evaluation.embedded --peer`: `told` (films x 14 logits), `truth`, `patients`, `files`.
"""

import argparse
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import expit

from cxr.evaluation.classification import Outcome, describe, measure_macro
from cxr.evaluation.films import CHESTXRAY14, RealFilm, read_films
from cxr.training.embedded.fitting import Fitter, Pace
from cxr.training.embedded.seeing import label_loss, look
from cxr.training.embedded.trials import GRID, SIDE, batches, build, watch
from cxr.training.embedded.trials_table import PEER
from cxr.training.embedded.variants import TRIALS, Trial
from cxr.training.embedded.views import Views, join_views, view_real

logger = logging.getLogger(__name__)


def learn(trial: Trial, real: Views, judged: Sequence[Views], seed: int) -> Iterator[list[np.ndarray]]:
    """What a model that learns from `real` says of each of `judged`, at every look: films x 14 logits."""
    device = real["images"].device
    torch.manual_seed(seed)
    model = build(trial, device)
    fitter = Fitter(model, label_loss, Pace(trial.steps, trial.rate, decay=trial.decay))
    rows = torch.arange(len(real["images"]), device=device)

    def tell() -> list[np.ndarray]:
        return [look(model, views["images"], trial.size.canvas).numpy() for views in judged]

    yield from watch(fitter, fitter.fit(batches(trial, None, real, rows, seed)), tell)


def choose_best(looks: Iterator[list[np.ndarray]], truth: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """What is said of the second films at the look whose macro AUROC over the first, validation, ones is highest."""
    best, kept = -1.0, np.empty(0)
    for checked, told in looks:
        outcome = Outcome(expit(checked), truth, patients)
        logger.info("validation: %s", describe(outcome))
        if measure_macro(outcome) > best:
            best, kept = measure_macro(outcome), told
    return kept


def predict(trial: Trial, folder: Path, split: str, device: torch.device, seed: int) -> dict[str, Any]:
    """Train on the training films and read those of ChestX-ray14 in a split."""
    checked, asked = choose_films(folder, "val"), choose_films(folder, split)
    real, val, out = (view(films, device) for films in (read_films(folder, "train"), checked, asked))
    truth = val["findings"].cpu().numpy()
    told = choose_best(learn(trial, real, (val, out), seed), truth, np.array([film.patient for film in checked]))
    return {
        "told": told,
        "truth": out["findings"].cpu().numpy(),
        "patients": np.array([film.patient for film in asked]),
        "files": np.array([film.path.name for film in asked]),
    }


def choose_films(folder: Path, split: str) -> list[RealFilm]:
    """The films of ChestX-ray14 in a split."""
    return [film for film in read_films(folder, split) if film.source == CHESTXRAY14]


def view(films: Sequence[RealFilm], device: torch.device) -> Views:
    """The films on the device."""
    return join_views([view_real(films, SIDE, GRID)], device)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and write the file."""
    parser = argparse.ArgumentParser(
        prog="python -m cxr.training.embedded.peer_figures", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--films", type=Path, required=True, help="folder of films.csv")
    parser.add_argument("--split", choices=["val", "test"], default="val")
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=TRIALS[PEER].steps, help="as many as in the trials")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    trial = replace(TRIALS[PEER], steps=options.steps)
    told = predict(trial, options.films, options.split, options.device, options.seed)
    np.savez_compressed(options.out, **told)
    logger.info("%d films are in %s", len(told["files"]), options.out)


if __name__ == "__main__":
    main()
