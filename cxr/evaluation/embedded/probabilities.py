"""How good the 14 probabilities are on real films: beside those of a peer, and in groups of patients.

A peer's predictions lie in a `.npz`: `told` (films x 14 logits), `truth`, `patients` and `files`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from scipy.special import expit

from cxr.evaluation.classification import (
    KEYS,
    Outcome,
    measure_any,
    measure_auroc,
    measure_macro,
    measure_skill,
)
from cxr.evaluation.embedded.tallies import write_section
from cxr.evaluation.films import RealFilm
from cxr.evaluation.intervals import RESAMPLES, Figure, Pair, Several, bootstrap_all, compare, measure_mean
from cxr.evaluation.readings import Reading, collect_outcome
from cxr.evaluation.reliability import measure_ece
from cxr.evaluation.tables import write_cell
from cxr.findings import find_finding
from cxr.results import CxrError

LEAST = 7  # positive films below which a finding's own figure says little
OFTEN, ALL, ANY = f"macro AUROC, findings with at least {LEAST} films", "macro AUROC, all 14", "any of the 14 or none"
GROUPS: dict[str, Callable[[RealFilm], bool]] = {
    "women": lambda film: film.sex == "F",
    "men": lambda film: film.sex == "M",
    "under 40 years": lambda film: film.age is not None and film.age < 40,
    "40 to 65 years": lambda film: film.age is not None and 40 <= film.age <= 65,
    "over 65 years": lambda film: film.age is not None and film.age > 65,
    "PA": lambda film: film.view == "PA",
    "AP": lambda film: film.view == "AP",
}


def find_often(outcome: Outcome) -> list[int]:
    """The findings, by number, that at least `LEAST` films have: chosen once, the same for every draw."""
    return [i for i in range(len(outcome.keys)) if (outcome.truth[:, i] == 1).sum() >= LEAST]


def choose_findings(outcome: Outcome, numbers: Sequence[int]) -> Outcome:
    """The same with some of the findings alone."""
    keys = tuple(outcome.keys[i] for i in numbers)
    return Outcome(outcome.probabilities[:, numbers], outcome.truth[:, numbers], outcome.patients, keys)


def measure_order(outcome: Outcome, often: Sequence[int]) -> dict[str, float]:
    """How well films are told apart, which a peer without a calibration can be asked, too."""
    return {
        OFTEN: measure_macro(choose_findings(outcome, often)),
        ALL: measure_macro(outcome),
        ANY: measure_any(outcome),
        **{find_finding(key).name: measure_auroc(outcome, i) for i, key in enumerate(outcome.keys)},
    }


def measure_trust(outcome: Outcome, often: Sequence[int]) -> dict[str, float]:
    """Whether the probabilities are honest."""
    return {
        f"Brier skill, findings with at least {LEAST} films": measure_skill(choose_findings(outcome, often)),
        "Brier skill, all 14": measure_skill(outcome),
        "ECE, all pairs of film and finding": measure_ece(outcome),
    }


def read_peers(paths: Sequence[Path], readings: Sequence[Reading]) -> Several[Outcome] | None:
    """What peers said of the films of these readings, in their order; None without peers.

    Raises:
        CxrError: a peer has not read one of the films, or takes something else for its truth.
    """
    outcomes, ours = [], collect_outcome(readings)
    for path in paths:
        kept = np.load(path)
        places = {str(name): place for place, name in enumerate(kept["files"])}
        try:
            rows = [places[reading.name] for reading in readings]
        except KeyError as missing:
            raise CxrError(f"{path.name} says nothing of {missing}: it is of other films.") from missing
        truth = ours.truth[:, : len(KEYS)]
        if not np.array_equal(kept["truth"][rows], truth):
            raise CxrError(f"{path.name} takes other findings for true than films.csv.")
        outcomes.append(Outcome(expit(kept["told"][rows]), truth, ours.patients))
    return Several(tuple(outcomes)) if outcomes else None


def write_probabilities(readings: Sequence[Reading], peers: Several[Outcome] | None, resamples: int = RESAMPLES) -> str:
    """The figures of all films and of each finding, beside the peers' where there are any."""
    outcome = choose_findings(collect_outcome(readings), range(len(KEYS)))
    often = find_often(outcome)
    measure = partial(measure_mean, measure=partial(measure_order, often=often))
    ours, columns = Several((outcome,)), ["adapter"]
    if peers:
        figures: Mapping[str, Figure] = bootstrap_all(Pair(peers, ours), compare(measure), resamples)
        columns += ["base", "difference"]
    else:
        figures = {f"adapter/{name}": figure for name, figure in bootstrap_all(ours, measure, resamples).items()}
    counts = {find_finding(key).name: int((outcome.truth[:, i] == 1).sum()) for i, key in enumerate(KEYS)}
    rows = []
    for name in (OFTEN, ALL, ANY, *counts):
        cells = [write_cell(figures[f"{column}/{name}"], column == "difference") for column in columns]
        rows.append(f"| {name} | {counts.get(name, '')} | {' | '.join(cells)} |")
    blank = " | -" * (len(columns) - 1)
    trust = bootstrap_all(outcome, partial(measure_trust, often=often), resamples)
    rows += [f"| {name} | | {write_cell(figure, False)}{blank} |" for name, figure in trust.items()]
    head = ("AUROC and calibration", "with it", "embedded", *(["ResNet-18", "difference"] if peers else []))
    words = f"{count_films(readings)}. As served: a finding without a calibration keeps the model's own."
    if peers:
        words += f" The ResNet-18, from scratch on the same films: figures are means of {len(peers.parts)} seed(s)."
    return write_section("Real films: the 14 probabilities", words, rows, head)


def count_films(readings: Sequence[Reading]) -> str:
    """ "193 films of 150 patients"."""
    return f"{len(readings)} films of {len({reading.patient for reading in readings})} patients"


def write_groups(films: Sequence[RealFilm], readings: Sequence[Reading], resamples: int = RESAMPLES) -> str:
    """The same in groups of patients; findings with too few films in a group are left out of its mean."""
    outcome = choose_findings(collect_outcome(readings), range(len(KEYS)))
    rows = []
    for name, belongs in GROUPS.items():
        chosen = np.array([place for place, film in enumerate(films) if belongs(film)], int)
        part = outcome.take(chosen)
        often = find_often(part)
        asked = partial(_measure_group, often=often)
        cells = [write_cell(figure, False) for figure in bootstrap_all(part, asked, resamples).values()]
        rows.append(f"| {name} | {len(chosen)} | {len(set(part.patients))} | {len(often)} | {' | '.join(cells)} |")
    words = f"The mean is over findings that at least {LEAST} films of the group have. What is not known is left out."
    return write_section(
        "Real films: groups of patients", words, rows, ("group", "films", "patients", "findings", "macro AUROC", ANY)
    )


def _measure_group(outcome: Outcome, often: Sequence[int]) -> dict[str, float]:
    return {OFTEN: measure_macro(choose_findings(outcome, often)), ANY: measure_any(outcome)}
