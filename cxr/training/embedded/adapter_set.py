"""The films of the adapter as a data set for train.py: real ones with their labels, drawn ones with their exact truth.

Knows nothing about models.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from cxr.evaluation.films import RealFilm
from cxr.films.phantom.drawing import SMALLEST
from cxr.films.phantom.sets import write_film
from cxr.findings import FINDINGS

FIRST_DRAWN = 8_000_000  # seeds of drawn films that neither the base learns from nor anything is measured on


def write_set(folder: Path, films: Sequence[RealFilm], drawn: int, side: int, workers: int) -> None:
    """dataset.jsonl with a link to the real films, which stay where they are, and the drawn ones beside it."""
    (folder / "films").mkdir(parents=True, exist_ok=True)
    entries = []
    for film in films:
        link = folder / "real" / film.path.name
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(film.path.absolute())
        entries.append(describe(film, link.relative_to(folder).as_posix()))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        seeds = range(FIRST_DRAWN, FIRST_DRAWN + drawn)
        entries += pool.map(partial(write_film, folder, size=max(side, SMALLEST)), seeds, chunksize=16)
    text = "".join(json.dumps(entry) + "\n" for entry in entries)
    (folder / "dataset.jsonl").write_text(text, encoding="utf-8")


def describe(film: RealFilm, name: str) -> dict[str, Any]:
    """One real film's object; what its source does not label is unknown, not absent."""
    return {
        "image": name,
        "findings": [{"finding": key} for key in sorted(film.present)],
        "absent": sorted(film.absent),
        "complete": len(film.present | film.absent) == len(FINDINGS),
        "patient": film.patient,
        "split": film.split,
        "view": film.view,
    }
