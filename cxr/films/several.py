"""Is there more than one film in a picture: side by side, one above the other, with a gap between them or without?

Where two pictures meet, greys jump along a whole line, or the line is plain; and each part looks like a whole chest,
whereas the halves of one film look cut off. Knows nothing of files or models.
"""

from collections.abc import Iterator

import numpy as np

from cxr.films.field import find_field
from cxr.films.film import shrink
from cxr.films.look import tell_looks

SIDE = 384  # px of the long side at which seams are looked for
MARGIN = 0.15  # of the side; a narrower part is no film
AROUND = 12  # lines at either side that a seam is compared with
SEAM = 1.8  # times as much change as around; 366 films had at most 1.6 where both parts looked whole
FAINT = 0.004  # change from line to line that is noise
ALIKE, PLAIN = 0.03, 0.02  # greys nearer than this are one; the share of a plain line that may differ
TRIED = 3  # seams along each way
WHOLE = 0.4  # probability from which a part is believed to be a whole chest
GROUPS = (  # of looks; the films of one picture lie the same way up
    ("upright", "lateral"),
    ("inverted",),
    ("turned to the left",),
    ("turned to the right",),
    ("upside down",),
)


def holds_several(pixels: np.ndarray) -> bool:
    """Whether a picture, H x W float32 in 0..1, shows more than one chest film."""
    whole = shrink(find_field(pixels).cut(pixels), SIDE)
    return any(True for _ in _find_common(whole, 2))


def _find_common(pixels: np.ndarray, depth: int) -> Iterator[int]:
    """The groups in which both parts of a picture are, wherever it may be split."""
    for parts in _split(pixels):
        small, large = sorted(parts, key=np.size)
        if groups := _find_groups(small, depth - 1):
            yield from groups & _find_groups(large, depth - 1)


def _find_groups(part: np.ndarray, depth: int) -> set[int]:
    """In which groups a part is: by itself, or because it shows several films again."""
    part = np.ascontiguousarray(find_field(part).cut(part))
    looks = tell_looks(part)
    found = {number for number, group in enumerate(GROUPS) if sum(looks[name] for name in group) > WHOLE}
    return found or (set(_find_common(part, depth)) if depth and min(part.shape) > 2 * AROUND else set())


def _split(pixels: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Both parts beside each line where two pictures may meet."""
    for place in _find_seams(pixels):
        yield pixels[:, :place], pixels[:, place:]
    for place in _find_seams(pixels.T):
        yield pixels[:place], pixels[place:]


def _find_seams(pixels: np.ndarray) -> list[int]:
    """Columns, strongest first, at which greys jump from top to bottom; then the middles of plain bands."""
    low = max(1, int(MARGIN * pixels.shape[1]))
    inner = pixels[:, low : pixels.shape[1] - low]
    if inner.shape[1] < 2 * AROUND:
        return []
    change = np.abs(inner[:, 2:] - inner[:, :-2]).mean(axis=0)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(change, AROUND, mode="reflect"), 2 * AROUND + 1)
    strength = change / (np.median(windows, axis=1) + FAINT)
    seams = [int(place) for place in np.argsort(-strength)[:TRIED] if strength[place] > SEAM]
    plain = (np.abs(inner - np.median(inner, axis=0)) > ALIKE).mean(axis=0) <= PLAIN
    bands = np.flatnonzero(np.diff(np.pad(plain, 1).astype(np.int8))).reshape(-1, 2)
    return [low + 1 + place for place in seams] + [low + int(band.mean()) for band in bands]
