"""Films on which it is known where findings lie: drawn ones by their masks, real ones by the boxes of ChestX-ray14.

Boxes: BBox_List_2017.csv (Wang et al., CVPR 2017), in px of films of 1024 px, drawn by radiologists. Knows nothing
about models.
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from cxr.evaluation.films import list_films
from cxr.evaluation.placing import Place
from cxr.films.film import Film
from cxr.films.open import open_film
from cxr.films.phantom import DrawnFilm, draw_film
from cxr.findings import FROM_NIH

SIZE = 288  # px of drawn films
BOXES = Path("chestxray14") / "BBox_List_2017.csv"
BOXED_SIDE = 1024  # px of the films on which the boxes were drawn
SPELLED = {"Infiltrate": "infiltration"}
GUESS = 64  # px of the mean lungs


def draw_places(first: int, count: int) -> Iterator[Place]:
    """Drawn frontal films of seeds from `first` on that show a finding whose place is known."""
    for seed in range(first, first + count):
        drawn = draw_frontal(seed)
        masks = {key: mask for key, mask in drawn.masks.items() if mask.any()}
        if masks:
            yield Place(drawn.film, f"drawn:{seed}", masks, drawn.lungs.astype(np.float32))


def draw_frontal(seed: int) -> DrawnFilm:
    """A drawn film, PA or AP in turn."""
    return draw_film(seed, size=SIZE, view=("PA", "AP")[seed % 2])


def average_lungs(places: Iterable[Place]) -> np.ndarray:
    """Where lungs lie on drawn films, as a guess for real ones: GUESS x GUESS float32, 0..1."""
    shrunk = [_resize(place.lungs, GUESS, GUESS) for place in places]
    return np.asarray(np.mean(shrunk, axis=0))


def open_boxes(folder: Path, lungs: np.ndarray) -> Iterator[Place]:
    """Real films of validation and test whose findings somebody has boxed. `lungs`: what `average_lungs` guesses.

    Films that any model of ours was trained on are left out, by patient.
    """
    boxes = read_boxes(folder / BOXES) if (folder / BOXES).is_file() else {}
    for split in ("val", "test"):
        for row in list_films(folder, split):
            found = boxes.get(row.path.stem.rpartition("__")[2])
            if found:
                film = open_film(row.path)
                height, width = film.pixels.shape
                yield Place(film, row.patient, mark_boxes(film, found), _resize(lungs, width, height))


def read_boxes(path: Path) -> dict[str, list[tuple[str, tuple[float, ...]]]]:
    """Finding keys and boxes (left, top, width, height) by film name without its ending.

    The header has 9 fields over rows of 6 values, so it is read by position.
    """
    boxes: dict[str, list[tuple[str, tuple[float, ...]]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for name, label, *numbers in list(csv.reader(file))[1:]:
            box = tuple(float(number) for number in numbers[:4])
            key = SPELLED.get(label) or FROM_NIH[label]
            boxes.setdefault(name.rpartition(".")[0], []).append((key, box))
    return boxes


def mark_boxes(film: Film, boxes: Iterable[tuple[str, tuple[float, ...]]]) -> dict[str, np.ndarray]:
    """The film's masks by finding; several boxes of one finding are one mask."""
    height, width = film.pixels.shape
    masks: dict[str, np.ndarray] = {}
    for key, (left, top, wide, high) in boxes:
        mask = masks.setdefault(key, np.zeros((height, width), bool))
        rows = slice(round(top * height / BOXED_SIDE), round((top + high) * height / BOXED_SIDE))
        mask[rows, round(left * width / BOXED_SIDE) : round((left + wide) * width / BOXED_SIDE)] = True
    return masks


def _resize(values: np.ndarray, width: int, height: int) -> np.ndarray:
    image = Image.fromarray(values.astype(np.float32), mode="F")
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
