"""Which films a model knows: the gate's second part, fitted on training films for one base and its adapter.

    python -m cxr.training.gate --base BASE --adapter ADAPTER --films FOLDER

writes `gate.safetensors` into the adapter's folder; without --base and --adapter, into that of the embedded model. No
validation or test film is used, nor the half of FOLDER/not_chest that is measured on.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from cxr.evaluation.films import RealFilm, list_films
from cxr.evaluation.spoilt import spoil
from cxr.evaluation.strangers import KINDS, draw_stranger, open_strangers
from cxr.films.film import Film
from cxr.films.gate import inspect_film
from cxr.films.open import open_film
from cxr.films.phantom import draw_film
from cxr.model.engine import Engine
from cxr.model.gate import Familiarity, pool_states, write_familiarity
from cxr.model.loading import EMBEDDED, load_embedded, load_named
from cxr.settings import Settings

Array = np.ndarray
FIRST_SEED = 9_600_000  # of the drawn ones; no other set of ours begins here
DRAWN, OF_A_KIND, SPOILT = 400, 120, 480
WARNED_OF = ("clipped", "photo of a screen", "cropped", "photographed")  # of `evaluation.spoilt`
AXES = 64
FEWEST = 10  # films an axis, or its variance is a guess


def fit_gate(engine: Engine, films: Path, adapter: Path, drawn: int = DRAWN) -> Familiarity:
    """Fit on the training films below `films` and write into the adapter's folder; what was written."""
    known = list_films(films, "train")
    counts = Counter(film.source for film in known)
    told = [_read(engine, open_film(film.path)) for film in known]
    told += [
        _read(engine, draw_film(seed, size=256, view=("PA", "AP")[seed % 2]).film)
        for seed in range(FIRST_SEED, FIRST_SEED + drawn)
    ]
    weights = np.array([counts[film.source] ** -0.5 for film in known] + [max(drawn, 1) ** -0.5] * drawn)
    strangers = [_read(engine, film) for film in collect_strangers(films, drawn)]
    spoilt = [_read(engine, film) for film in collect_spoilt(known, drawn)]
    found = fit_familiarity(told, weights, strangers, spoilt)
    write_familiarity(found, adapter)
    return found


def collect_strangers(films: Path, drawn: int) -> Iterable[Film]:
    """What the distance is weighed against."""
    folder = films / "not_chest"
    yield from open_strangers(folder, fitted=True) if folder.is_dir() else ()
    for kind in KINDS:
        for seed in range(FIRST_SEED, FIRST_SEED + max(1, drawn * OF_A_KIND // DRAWN)):
            yield draw_stranger(kind, seed)


def collect_spoilt(known: Sequence[RealFilm], drawn: int) -> Iterable[Film]:
    """Chest films that came badly: to be warned of and read, not refused. Of each source as many as of another."""
    by_source = [
        [film for film in known if film.source == source] for source in sorted({film.source for film in known})
    ]
    rng = np.random.default_rng(FIRST_SEED)
    for number in range(drawn * SPOILT // DRAWN if known else 0):
        films = by_source[number % len(by_source)]
        film = open_film(films[int(rng.integers(len(films)))].path)
        yield spoil(film, WARNED_OF[number // len(by_source) % len(WARNED_OF)], FIRST_SEED + number)


def fit_familiarity(
    known: Sequence[tuple[float, Array]],
    weights: Array,
    strangers: Sequence[tuple[float, Array]],
    spoilt: Sequence[tuple[float, Array]] = (),
) -> Familiarity:
    """The Gaussian of known films, then how its distance and the doubt count.

    Args:
        known: Of each film the doubt of header and greys, and its mean state (width).
        weights: Of the known films, so that no source counts by its films alone.
        strangers: The same of pictures that are no chest films.
        spoilt: The same of chest films that came badly: none that the Gaussian is to know, and none to refuse.
    """
    mean, axes, variances, noise = fit_gaussian(np.stack([state for _, state in known]), weights)
    bare = Familiarity(mean, axes, variances, noise, (0.0, 1.0, 0.0))
    rows = [(doubt, bare.weigh(0.0, state)) for doubt, state in (*known, *spoilt, *strangers)]
    counts = np.concatenate([weights / weights.mean(), np.ones(len(spoilt) + len(strangers))])
    truth = np.array([0] * (len(known) + len(spoilt)) + [1] * len(strangers))
    model = LogisticRegression(C=10.0).fit(np.array(rows), truth, sample_weight=counts)
    of_doubt, of_distance = model.coef_[0].tolist()
    return Familiarity(mean, axes, variances, noise, (of_doubt, of_distance, float(model.intercept_[0])))


def fit_gaussian(states: Array, weights: Array) -> tuple[Array, Array, Array, float]:
    """Mean, principal axes, variances along them and along all others, by weighted maximum likelihood.

    Source: Tipping and Bishop, Probabilistic principal component analysis, 1999, section 3.2.
    """
    shares = weights / weights.sum()
    mean = shares @ states
    _, spread, axes = np.linalg.svd((states - mean) * np.sqrt(shares)[:, None], full_matrices=False)
    variances = spread**2
    count = max(1, min(AXES, len(states) // FEWEST, len(variances) - 1))
    noise = float(variances[count:].sum() / (states.shape[1] - count))
    return mean, axes[:count], variances[:count], noise


def _read(engine: Engine, film: Film) -> tuple[float, Array]:
    return inspect_film(film).doubt, pool_states(engine.encode(film))


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit the gate of one adapter."""
    parser = argparse.ArgumentParser(prog="python -m cxr.training.gate", description=__doc__.partition("\n")[0])
    parser.add_argument("--base", help="Hub name or folder; left out, the one that the adapter names")
    parser.add_argument("--adapter", type=Path, help="folder of the adapter; left out, the embedded one")
    parser.add_argument("--films", type=Path, required=True, help="folder of films.csv and not_chest")
    options = parser.parse_args(arguments)
    named = Settings(base=options.base, adapter=str(options.adapter)) if options.adapter else None
    loaded = load_named(named) if named else load_embedded()
    found = fit_gate(loaded.engine, options.films, options.adapter or EMBEDDED / "adapter")
    of_doubt, of_distance, intercept = found.weights
    sys.stdout.write(
        f"{len(found.axes)} axes of {len(found.mean)}; log odds of a stranger: {of_doubt:.2f} x doubt + "
        f"{of_distance:.2f} x distance {intercept:+.2f}\n"
    )


if __name__ == "__main__":
    main()
