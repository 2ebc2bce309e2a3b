"""Platt scaling and operating points, fitted on validation films.

    python -m cxr.training.calibrate --films FOLDER --out ADAPTER

writes `calibration.json` into the adapter's folder for the model that the settings name.

With few positives a slope of one's own is mostly noise, so a finding's slope is drawn towards the one that all share:
with n positives its own counts n / (n + 20), and nothing below five of either kind. The intercept is then set so that
the mean probability is the share of films that have the finding. Source: Platt, Probabilistic outputs for support
vector machines, 1999. The operating points are those of `operating.py`; how right they are is counted on films that
had no part in fitting (`crossfit.py`) and stored with them. Knows nothing about how a model was trained.
"""

import argparse
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from cxr.evaluation.classification import Outcome, read_outcome
from cxr.evaluation.films import CHESTXRAY14, open_cases, read_films
from cxr.evaluation.intervals import FEWEST
from cxr.findings import BY_KEY
from cxr.model.calibration import Calibration, Scale, write_calibration
from cxr.reader import Reader, load_reader
from cxr.settings import Settings
from cxr.training.card import DATASETS
from cxr.training.crossfit import crossfit
from cxr.training.operating import choose_points

KEYS = tuple(BY_KEY)
PRIOR_POSITIVES = 20
SLOPE = (0.05, 2.0)  # never negative: calibration does not turn an order round
STRENGTH = 1.0  # inverse, of the penalty on slopes: a few films that are told apart without an error set no bound
FREE = 100.0  # scale of what an intercept is multiplied with: as good as no penalty
POPULATION = "{} films of NIH ChestX-ray14, in whose collection pneumonia is far more frequent than among patients"
# The same by the kind of data, as in "In the 193 NIH films it was tested on".
TESTED_ON = {"chestxray14": "NIH films", "mimic_cxr": "MIMIC-CXR films", "records": "own films", "hub": "own films"}
OF_A_RUN = "{} validation films ({})"


def calibrate(outcome: Outcome, population: str, tested_on: str) -> Calibration:
    """From what a reader without calibration said about validation films, with how right its decisions are.

    `population`, `tested_on`: which films these are, in words and in two or three.
    """
    fitted = fit_calibration(outcome.probabilities, outcome.truth, population, outcome.keys)
    tested = crossfit(outcome, tested_on, lambda part: fit_calibration(part.probabilities, part.truth, "", part.keys))
    scales = {key: replace(scale, tested=tested.get(key)) for key, scale in fitted.scales.items()}
    return Calibration(scales, population)


def calibrate_embedded(outcome: Outcome) -> Calibration:
    """The same for validation films of ChestX-ray14 as the embedded model is given them."""
    return calibrate(outcome, POPULATION.format(len(outcome.truth)), TESTED_ON["chestxray14"])


def name_population(films: int, kind: str) -> str:
    """On which films a run's calibration holds; `kind`: a key of `DATASETS`."""
    return OF_A_RUN.format(films, DATASETS[kind])


def read_population(text: str) -> str:
    """The same sentence, if `name_population` wrote it; anybody's else is not passed on."""
    known = "|".join(map(re.escape, dict.fromkeys(DATASETS.values())))
    written = re.fullmatch(rf"\d+ validation films \((?:{known})\)", text)
    return text if written else "films that are not recorded"


def fit_calibration(
    probabilities: np.ndarray, truth: np.ndarray, population: str, keys: Sequence[str] = KEYS
) -> Calibration:
    """Fit every finding that some films have and some have not, unless no finding has `FEWEST` of both kinds.

    Args:
        probabilities: films x findings in 0..1.
        truth: films x findings; 1 present, 0 absent, -1 unknown.
        population: which films these are, in words.
        keys: of the findings; the 14, then an adapter's own.
    """
    if not probabilities.shape == truth.shape == (len(truth), len(keys)):
        raise ValueError(f"{len(keys)} findings, but {probabilities.shape} probabilities and {truth.shape} marks")
    scores = logit(np.clip(probabilities, 1e-6, 1 - 1e-6))
    fewer = [min((truth[:, i] == 1).sum(), (truth[:, i] == 0).sum()) for i in range(len(keys))]
    usable = [i for i, count in enumerate(fewer) if count >= FEWEST]
    if not usable:
        return Calibration({}, population)
    shared = fit_shared_slope(scores, truth, usable)
    parts = {
        i: (scores[known, i], truth[known, i]) for i in range(len(keys)) if fewer[i] for known in [truth[:, i] >= 0]
    }
    lines = {i: fit_line(*part, shared) for i, part in parts.items()}
    points = choose_points({i: (expit(lines[i][0] * told + lines[i][1]), true) for i, (told, true) in parts.items()})
    return Calibration({keys[i]: Scale(*lines[i], *points[i]) for i in parts}, population)


def fit_shared_slope(scores: np.ndarray, truth: np.ndarray, findings: list[int]) -> float:
    """One slope for all findings, each with an intercept of its own."""
    parts = [(scores[known, i], truth[known, i], i) for i in findings for known in [truth[:, i] >= 0]]
    whose = FREE * np.eye(scores.shape[1])
    inputs = np.concatenate([np.column_stack([x, whose[np.full(len(x), i)]]) for x, _, i in parts])
    model = LogisticRegression(C=STRENGTH, fit_intercept=False, max_iter=5000).fit(
        inputs, np.concatenate([y for _, y, _ in parts])
    )
    return float(model.coef_[0, 0])


def fit_line(scores: np.ndarray, truth: np.ndarray, shared: float) -> tuple[float, float]:
    """Slope and intercept of one finding, from the logits and labels of the films where it is known."""
    slope = shared
    if min(truth.sum(), (1 - truth).sum()) >= FEWEST:
        own = float(LogisticRegression(C=STRENGTH, max_iter=1000).fit(scores[:, None], truth).coef_[0, 0])
        trust = truth.sum() / (truth.sum() + PRIOR_POSITIVES)
        slope = trust * own + (1 - trust) * shared
    slope = float(np.clip(slope, *SLOPE))
    prevalence = (truth.sum() + 0.5) / (len(truth) + 1)
    return slope, float(brentq(lambda shift: expit(slope * scores + shift).mean() - prevalence, -60, 60))


def main(arguments: Sequence[str] | None = None) -> None:
    """Calibrate the model that the settings name."""
    parser = argparse.ArgumentParser(prog="python -m cxr.training.calibrate", description=__doc__.partition("\n")[0])
    parser.add_argument("--films", type=Path, required=True, help="folder of films.csv; its validation films are read")
    parser.add_argument("--out", type=Path, required=True, help="the adapter's folder")
    options = parser.parse_args(arguments)
    served = load_reader(Settings.from_env())
    if served.identity.problem:  # another model's scales would be wrong for the one that was asked for
        parser.error(f"{served.identity.problem} Nothing was fitted.")
    films = [film for film in read_films(options.films, "val") if film.source == CHESTXRAY14]
    bare = Reader(served.engine, served.identity, None, served.own_findings)
    write_calibration(calibrate_embedded(read_outcome(bare, open_cases(films))), options.out)


if __name__ == "__main__":
    main()
