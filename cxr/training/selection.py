"""Which films an epoch shows: fewer of those without a finding, more of those with a rare one.

Works on the table of labels alone (1 present, 0 absent, -1 unknown); no row is read, and findings that are not taught
count for nothing. Knows nothing about films.
"""

import numpy as np

from cxr.results import CxrError
from cxr.training.data import DataOptions
from cxr.training.index import RowIndex

EMPTY = "There is no film to train on: the split train is empty."
MOST = 8  # times a film is shown in an epoch, or a few films would be learnt by heart


def choose_rows(index: RowIndex, options: DataOptions, rng: np.random.Generator) -> np.ndarray:
    """The row numbers of one epoch in ascending order, int64; a film that is repeated stands there several times.

    All films with a finding are chosen, those with a rare one repeatedly. Films on which findings were looked for and
    none seen are drawn until they make up `normal_share`. A film of which no finding is known, for instance one with
    questions alone, is chosen once.

    Args:
        rng: Decides which; the same state chooses the same rows.

    Raises:
        CxrError: there is no row, or an option is out of range.
    """
    if not 0 <= options.normal_share <= 1 or options.rare_floor < 0:
        raise CxrError("normal_share must be between 0 and 1, and rare_floor must not be negative.")
    if not len(index):
        raise CxrError(EMPTY)
    labels = index.labels[:, index.taught]
    normal = (labels == 0).any(axis=1) & ~(labels == 1).any(axis=1)
    times = repeat_rare(labels == 1, options.rare_floor, rng)
    times[normal] = 0
    others = np.repeat(np.arange(len(labels)), times)
    kept = draw_normal(np.flatnonzero(normal), len(others), options.normal_share, rng)
    return np.sort(np.concatenate([others, kept]))


def draw_normal(normal: np.ndarray, others: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """As many of the films without a finding as make up `share` beside `others`; all where there is nothing else."""
    if share == 1 or not others:
        return normal
    count = min(len(normal), round(share / (1 - share) * others))
    return rng.choice(normal, count, replace=False)


def repeat_rare(present: np.ndarray, floor: int, rng: np.random.Generator) -> np.ndarray:
    """How often each film is shown, 1 to 8, so that every finding comes up to `floor`, the rarest first.

    No finding is raised above the median one: in a small set all are below the floor and none is rarer than the rest.

    Args:
        present: films x findings, bool.
    """
    times = np.ones(len(present), np.int64)
    counts = present.sum(axis=0)
    floor = min(floor, int(np.median(counts[counts > 0]))) if counts.any() else 0
    for finding in np.argsort(counts, kind="stable"):
        films = np.flatnonzero(present[:, finding])
        while (lacking := floor - int(times[films].sum())) > 0:
            least = films[times[films] == times[films].min(initial=MOST)]  # shared out evenly
            if not len(films) or times[least[0]] >= MOST:
                break
            times[rng.permutation(least)[:lacking]] += 1
    return times
