"""Does the model know such films? From what its encoder computed, by their distance from the films it was fitted on.

The mean of a film's states is compared with a Gaussian of probabilistic principal components (Tipping and Bishop,
1999), whose distance is that of Mahalanobis. It and what header and greys said are weighed together. All of it is
fitted by `python -m cxr.training.gate` and kept as `gate.safetensors` beside the adapter.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from cxr.films.film import Film
from cxr.films.gate import Inspection
from cxr.model.engine import Encoded
from cxr.results import CxrError, Gate

FILE = "gate.safetensors"
SURE = 3.0  # log odds from which greys alone refuse a stranger although the encoder could be asked


@dataclass(frozen=True)
class Familiarity:
    """The Gaussian of known films, and how its distance counts.

    mean: width; axes: k x width, orthonormal; variances: k, along the axes; noise: variance along all others.
    weights: of the doubt of header and greys, of the distance, and the intercept of the log odds.
    """

    mean: np.ndarray
    axes: np.ndarray
    variances: np.ndarray
    noise: float
    weights: tuple[float, float, float]

    def measure_distance(self, pooled: np.ndarray) -> np.ndarray:
        """Of states (... x width), about sqrt(2) for known films: the root of two means of squared deviations."""
        away = pooled - self.mean
        along = away @ self.axes.T
        rest = np.maximum((away**2).sum(-1) - (along**2).sum(-1), 0) / self.noise
        return np.sqrt((along**2 / self.variances).mean(-1) + rest / (len(self.mean) - len(self.axes)))

    def weigh(self, doubt: float, pooled: np.ndarray) -> float:
        """Log odds that a picture is no chest film at all."""
        of_doubt, of_distance, intercept = self.weights
        return of_doubt * doubt + of_distance * float(self.measure_distance(pooled)) + intercept


class Gatekeeper:
    """Lets films through to one model. `familiarity`: None where the adapter brings none, and then greys decide."""

    def __init__(self, familiarity: Familiarity | None) -> None:
        self.familiarity = familiarity

    def judge(self, film: Film, seen: Inspection, encoded: Encoded | None = None) -> Gate:
        """What header, greys and, where it has run, the encoder say."""
        reasons = seen.reasons
        if not any(reason.refuses for reason in reasons) and self._is_strange(seen, encoded):
            reasons = (seen.stranger, *reasons)
        return Gate(reasons, film.anyway)

    def _is_strange(self, seen: Inspection, encoded: Encoded | None) -> bool:
        if self.familiarity is None:
            return seen.doubt > 0
        if encoded is None or seen.doubt > SURE:
            return seen.doubt > SURE
        return self.familiarity.weigh(seen.doubt, pool_states(encoded)) > 0


def pool_states(encoded: Encoded) -> np.ndarray:
    """The mean state of a film: width float32."""
    return np.asarray(encoded.states[0].float().mean(0).numpy())


def read_familiarity(folder: Path, width: int) -> Familiarity | None:
    """What lies in an adapter's folder, or None where nothing does. `width`: of the states of its base.

    Raises:
        CxrError: the file is there but is not one of ours, or belongs to another base.
    """
    if not (folder / FILE).is_file():
        return None
    try:
        data = {name: np.asarray(value, np.float32) for name, value in load_file(folder / FILE).items()}
        noise, *weights = data["figures"].tolist()
        of_doubt, of_distance, intercept = weights
        found = Familiarity(data["mean"], data["axes"], data["variances"], noise, (of_doubt, of_distance, intercept))
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise CxrError(f"The adapter's {FILE} cannot be read ({type(error).__name__}).") from error
    count = len(found.variances)
    fits = found.mean.shape == (width,) and found.axes.shape == (count, width) and 0 < count < width
    numbers = all(np.isfinite(value).all() for value in data.values())
    if not fits or not numbers or min(noise, *found.variances.tolist()) <= 0:
        raise CxrError(f"The adapter's {FILE} does not fit this base; fit it again or delete it.")
    return found


def write_familiarity(found: Familiarity, folder: Path) -> None:
    """Write `gate.safetensors`, the inverse of `read_familiarity`."""
    figures = np.array([found.noise, *found.weights], np.float32)
    tensors = {"mean": found.mean, "axes": found.axes, "variances": found.variances, "figures": figures}
    save_file({name: np.ascontiguousarray(value, np.float32) for name, value in tensors.items()}, folder / FILE)
