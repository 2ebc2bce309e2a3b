"""What simple statistics of a film say: blank, clipped, inverted, turned, no chest. Knows nothing of files or models.

Measured by `pytest tests/films/test_quality.py -m slow -s` on 732 real films whose patients did not shape the mean film
(364 validation, 368 test): 0.5 % of them are warned of; 99.6 % are caught when inverted, 94.0 and 93.4 % when turned to
either side, 71.3 % when upside down. Of 103 pictures of heads and bellies 63.1 % are warned of; finding the others is
the model's task.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from cxr.films.film import View
from cxr.results import CxrError

SMALL_SIDE = 128  # px
LONG_SIDE = 2.2  # times the short one
BLANK, FLAT = 0.01, 0.05  # standard deviation of the greys
BURNT_OUT, SUNK = 0.25, 0.65  # shares of pure white and pure black; collimation and letterboxes make the latter large
INVERTED, LIKE, LIKE_TURNED, TURNED_LEAD = -0.25, 0.3, 0.45, 0.3  # correlations with the mean film

# The mean frontal film, 8 x 8, standardised and times 10: lungs dark, shoulders and belly bright, the heart to the
# patient's left. Made of the 1,753 training films of the five sources, each source weighing the same (`average_films`).
MEAN_FILM = np.array(
    [
        [-20, -16, -10, 2, 2, -10, -15, -19],
        [-5, -1, -5, 1, 1, -6, -1, -5],
        [-2, -1, -12, 1, 3, -12, -1, -4],
        [-4, -2, -11, 6, 9, -9, -2, -5],
        [-6, -3, -6, 11, 14, 0, -2, -8],
        [-8, 0, 2, 14, 17, 7, 0, -9],
        [-9, 8, 13, 19, 19, 13, 5, -11],
        [-8, 12, 17, 19, 19, 15, 9, -11],
    ],
    dtype=np.float32,
)

SAY_BLANK = "This film is blank, or next to it, so there is nothing to read."
SAY_FLAT = "This film has so little contrast that fine detail is lost."
SAY_SMALL = "This picture is very small; fine detail cannot be seen on it."
SAY_LONG = "This picture is unusually long or wide; it may show only a part of a film, or more than a film."
SAY_BURNT_OUT = "Much of this film is pure white, and what was there cannot be seen."
SAY_SUNK = "Much of this film is pure black, and what was there cannot be seen."
SAY_INVERTED = (
    "This film looks inverted (air white, bone black), so what is said of it cannot be trusted; send it with air black."
)
SAY_TURNED = "This film looks turned sideways or upside down, so what is said of it cannot be trusted; send it upright."
SAY_STRANGE = "This does not look like an upright frontal chest film, so what is said of it cannot be trusted."
SAY_LATERAL = "This is a side view (lateral); the findings are those of frontal films, and sides cannot be told."


def check_film(pixels: np.ndarray, view: View | None = None) -> tuple[str, ...]:
    """Warnings about a film, H x W float32 in 0..1: plain sentences, none for an ordinary frontal film.

    Raises:
        CxrError: it is blank.
    """
    if pixels.std() < BLANK:
        raise CxrError(SAY_BLANK)
    return tuple(_find_warnings(pixels, view))


def _find_warnings(pixels: np.ndarray, view: View | None) -> Iterator[str]:
    short, long = sorted(pixels.shape)
    if short < SMALL_SIDE:
        yield SAY_SMALL
    if long > LONG_SIDE * short:
        yield SAY_LONG
    if pixels.std() < FLAT:
        yield SAY_FLAT
    if (pixels > 0.99).mean() > BURNT_OUT:
        yield SAY_BURNT_OUT
    if (pixels < 0.01).mean() > SUNK:
        yield SAY_SUNK
    if view == "lateral":
        yield SAY_LATERAL
    else:
        yield from _compare(pixels)


def _compare(pixels: np.ndarray) -> Iterator[str]:
    """Hold the film against the mean film, as it lies and in three turns."""
    thumbnail = shrink_to_thumbnail(pixels)
    upright, *turned = (correlate(np.rot90(thumbnail, turns), MEAN_FILM) for turns in range(4))
    if upright < INVERTED:
        yield SAY_INVERTED
    elif max(turned) > max(LIKE_TURNED, upright + TURNED_LEAD):
        yield SAY_TURNED
    elif upright < LIKE:
        yield SAY_STRANGE


def shrink_to_thumbnail(pixels: np.ndarray) -> np.ndarray:
    """H x W float32 averaged to 8 x 8, its shape not kept."""
    return np.asarray(Image.fromarray(pixels).resize(MEAN_FILM.shape, Image.Resampling.BOX))


def correlate(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation of two arrays of one shape; 0 where one of them is flat."""
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum()) / scale if scale else 0.0


def average_films(sources: dict[str, list[np.ndarray]]) -> np.ndarray:
    """MEAN_FILM from thumbnails (8 x 8 each) by source: each film standardised, each source weighing the same."""
    means = [np.mean([(film - film.mean()) / film.std() for film in films], axis=0) for films in sources.values()]
    mean = np.mean(means, axis=0)
    return np.round(mean / mean.std() * 10)
