"""Films as tensors for an eye that learns without words: real ones, drawn ones, and augmented batches of both.

Knows nothing about models.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F

from cxr.evaluation.films import RealFilm
from cxr.films.open import open_film
from cxr.films.phantom import draw_film
from cxr.films.phantom.drawing import SMALLEST, DrawnFilm
from cxr.findings import FINDINGS
from cxr.results import Observation
from cxr.training.embedded.batches import Strength, distort
from cxr.training.embedded.examples import Examples, make_view, stack
from cxr.training.truth import Truth

CHUNK = 64  # drawn films a task
NAMES = ("images", "findings", "sides", "maps", "person", "placed")

Views = dict[str, torch.Tensor]  # N films under `NAMES`, as in `examples`


def view_real(films: Sequence[RealFilm], side: int, grid: int) -> Examples:
    """Real films; where a finding is on the picture is unknown."""
    return stack(
        [
            make_view(
                open_film(film.path),
                tell_real(film),
                None,
                side,
                grid,
                (film.sex, film.age),
            )
            for film in films
        ]
    )


def view_drawn(first: int, count: int, side: int, grid: int) -> Examples:
    """Drawn films `first` and on."""
    return stack([_view_one(seed, side, grid) for seed in range(first, first + count)])


def _view_one(seed: int, side: int, grid: int) -> Examples:
    drawn = draw_film(seed, size=max(side, SMALLEST))
    return make_view(drawn.film, tell_drawn(drawn), drawn.masks, side, grid, (drawn.sex, drawn.age))


def tell_real(film: RealFilm) -> Truth:
    """What is known of a real film: no places."""
    return Truth(tuple(Observation(key) for key in sorted(film.present)), film.absent, film.view)


def tell_drawn(drawn: DrawnFilm) -> Truth:
    """What is known of a drawn film: everything."""
    present = {item.finding for item in drawn.observations}
    absent = frozenset(finding.key for finding in FINDINGS if finding.key not in present)
    return Truth(drawn.observations, absent, drawn.film.view, placed=True)


class DrawnFilms:
    """Drawn films on their way from worker processes."""

    def __init__(self, first: int, count: int, side: int, grid: int, workers: int) -> None:
        self.pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        self.parts: list[Future[Examples]] = [
            self.pool.submit(view_drawn, first + start, min(CHUNK, count - start), side, grid)
            for start in range(0, count, CHUNK)
        ]

    def wait(self) -> Examples:
        """All of them."""
        parts = [part.result() for part in self.parts]
        self.pool.shutdown()
        return {name: np.concatenate([part[name] for part in parts]) for name in NAMES}


def draw_views(
    folder: Path, wanted: Sequence[tuple[int, int]], side: int, grid: int, workers: int
) -> Callable[[], list[Examples]]:
    """Begin to draw films, unless the folder holds them; what is returned waits for them. `wanted`: first, count."""
    paths = [folder / f"drawn-{first}-{count}-{side}.npz" for first, count in wanted]
    if all(path.is_file() for path in paths):
        return lambda: [dict(np.load(path)) for path in paths]
    under_way = [DrawnFilms(first, count, side, grid, workers) for first, count in wanted]

    def wait() -> list[Examples]:
        films = [each.wait() for each in under_way]
        for path, each in zip(paths, films, strict=True):
            np.savez(path, **cast(dict[str, Any], each))
        return films

    return wait


def join_views(parts: Sequence[Examples], device: torch.device) -> Views:
    """Arrays, one after another, on the device."""
    return {name: torch.from_numpy(np.concatenate([part[name] for part in parts])).to(device) for name in NAMES}


def pick(views: Views, rows: torch.Tensor, count: int, dice: torch.Generator) -> Views:
    """`count` films of those at `rows`, with replacement; images N x 1 x side x side in 0..1, all float32."""
    chosen = rows[torch.randint(len(rows), (count,), generator=dice, device=rows.device)]
    picked = {name: views[name][chosen].float() for name in NAMES}
    return {**picked, "images": picked["images"][:, None] / 255}


def balance(rows: torch.Tensor, findings: torch.Tensor) -> torch.Tensor:
    """The same rows, those with rare findings more than once: as often as the root of how much rarer they are."""
    present = (findings[rows] == 1).float()
    counts = present.sum(0).clamp(min=1)
    wanted = (present * (counts.max() / counts).sqrt()).amax(1).clamp(min=1).round().long()
    return rows.repeat_interleave(wanted)


def mix_views(parts: Sequence[Views]) -> Views:
    """One batch of several."""
    return {name: torch.cat([part[name] for part in parts]) for name in NAMES}


def vary(batch: Views, dice: torch.Generator, strength: Strength, side: int, grid: int) -> Views:
    """Augmented, on a canvas of `side` px with maps of `grid` cells."""
    images, maps = distort(batch["images"], batch["maps"], dice, strength)
    return {**batch, "images": resize(images, side), "maps": coarsen(maps, grid)}


def resize(images: torch.Tensor, side: int) -> torch.Tensor:
    """films x 1 x H x H -> films x 1 x side x side."""
    if images.shape[-1] == side:
        return images
    return F.interpolate(images, (side, side), mode="bilinear", antialias=True, align_corners=False)


def coarsen(maps: torch.Tensor, grid: int) -> torch.Tensor:
    """Maps of fewer cells: one holds a finding when any that it covers does. What is unknown stays unknown."""
    if maps.shape[-1] == grid:
        return maps
    fewer = (F.adaptive_max_pool2d(maps.clamp(min=0), grid) > 0).float()
    return torch.where(maps[:, :, :1, :1] < 0, -1.0, fewer)
