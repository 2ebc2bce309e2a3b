"""Platt scaling and operating points, fitted on validation films.

    python -m cxr.training.calibrate --films FOLDER --out ADAPTER

writes `calibration.json` into the adapter's folder for the model that the settings name.

With few positives a slope of one's own is mostly noise, so a finding's slope is drawn towards the one that all share:
with n positives its own counts n / (n + 20). The intercept is then set so that the mean probability is the share of
films that have the finding. Source: Platt, Probabilistic outputs for support vector machines, 1999.

A finding is present where it is more likely than not and at most one film in twenty without it scores as high; it is
absent where nine of ten films with it score higher. Knows nothing about how a model was trained.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
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

KEYS = tuple(BY_KEY)
PRIOR_POSITIVES = 20
SLOPE = (0.05, 2.0)  # never negative: calibration does not turn an order round
SPECIFICITY, SENSITIVITY = 0.95, 0.90  # of the two operating points, on the validation films
LIKELY = 0.5  # nothing is called present below it: of a rare finding most of what scores highest is still without it
POPULATION = "{} films of NIH ChestX-ray14, in whose collection pneumonia is far more frequent than among patients"
OF_A_RUN = "{} validation films ({})"


def calibrate(outcome: Outcome) -> Calibration:
    """From what a reader without calibration said about validation films of ChestX-ray14."""
    return fit_calibration(outcome.probabilities, outcome.truth, POPULATION.format(len(outcome.truth)), outcome.keys)


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
    """Fit every finding that at least `FEWEST` films have and as many have not; none leaves nothing calibrated.

    Args:
        probabilities: films x findings in 0..1.
        truth: films x findings; 1 present, 0 absent, -1 unknown.
        population: which films these are, in words.
        keys: of the findings; the 14, then an adapter's own.
    """
    if not probabilities.shape == truth.shape == (len(truth), len(keys)):
        raise ValueError(f"{len(keys)} findings, but {probabilities.shape} probabilities and {truth.shape} marks")
    scores = logit(np.clip(probabilities, 1e-6, 1 - 1e-6))
    usable = [i for i in range(len(keys)) if min((truth[:, i] == 1).sum(), (truth[:, i] == 0).sum()) >= FEWEST]
    shared = fit_shared_slope(scores, truth, usable) if usable else 1.0
    scales: Mapping[str, Scale] = {
        keys[i]: fit_scale(scores[:, i][truth[:, i] >= 0], truth[:, i][truth[:, i] >= 0], shared) for i in usable
    }
    return Calibration(scales, population)


def fit_shared_slope(scores: np.ndarray, truth: np.ndarray, findings: list[int]) -> float:
    """One slope for all findings, each with an intercept of its own."""
    parts = [(scores[known, i], truth[known, i], i) for i in findings for known in [truth[:, i] >= 0]]
    inputs = np.concatenate([np.column_stack([x, np.eye(scores.shape[1])[np.full(len(x), i)]]) for x, _, i in parts])
    model = LogisticRegression(C=1e3, fit_intercept=False, max_iter=1000).fit(
        inputs, np.concatenate([y for _, y, _ in parts])
    )
    return float(model.coef_[0, 0])


def fit_scale(scores: np.ndarray, truth: np.ndarray, shared: float) -> Scale:
    """One finding, from the logits and labels of the films where it is known."""
    own = float(LogisticRegression(C=1e3, max_iter=1000).fit(scores[:, None], truth).coef_[0, 0])
    trust = truth.sum() / (truth.sum() + PRIOR_POSITIVES)
    slope = float(np.clip(trust * own + (1 - trust) * shared, *SLOPE))
    prevalence = (truth.sum() + 0.5) / (len(truth) + 1)
    intercept = float(brentq(lambda shift: expit(slope * scores + shift).mean() - prevalence, -60, 60))
    calibrated = expit(slope * scores + intercept)
    present_from = float(np.quantile(calibrated[truth == 0], SPECIFICITY))
    absent_below = float(np.quantile(calibrated[truth == 1], 1 - SENSITIVITY))
    if absent_below > present_from:  # a finding told apart so well needs no band between
        present_from = absent_below = (present_from + absent_below) / 2
    return Scale(slope, intercept, max(present_from, LIKELY), absent_below)


def main(arguments: Sequence[str] | None = None) -> None:
    """Calibrate the model that the settings name."""
    parser = argparse.ArgumentParser(prog="python -m cxr.training.calibrate", description=__doc__.partition("\n")[0])
    parser.add_argument("--films", type=Path, required=True, help="folder of films.csv; its validation films are read")
    parser.add_argument("--out", type=Path, required=True, help="the adapter's folder")
    options = parser.parse_args(arguments)
    films = [film for film in read_films(options.films, "val") if film.source == CHESTXRAY14]
    served = load_reader(Settings.from_env())
    bare = Reader(served.engine, served.identity, None, served.own_findings)
    write_calibration(calibrate(read_outcome(bare, open_cases(films))), options.out)


if __name__ == "__main__":
    main()
