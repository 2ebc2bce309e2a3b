"""A few drawn films with their heat maps side by side, to be looked at.

    python -m cxr.evaluation.maps_figure docs/heat-maps.jpg [--first SEED]

The upper row shows each film with the outline of where a finding was drawn, the lower one the map that the page shows.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from cxr.evaluation.places import draw_frontal
from cxr.films.film import to_image
from cxr.films.overlay import draw_overlay
from cxr.findings import BY_KEY
from cxr.reader import Reader, load_reader
from cxr.second_look import SecondLook
from cxr.settings import Settings

FIRST = 10_750_000  # of seeds; no film that was measured on
FILMS, SIDE = 5, 220  # across, and px of each
OUTLINE = (0, 200, 255)
STEPS = ((-2, 0), (2, 0), (0, -2), (0, 2))
Pair = tuple[Image.Image, Image.Image]


def draw_pairs(reader: Reader, first: int) -> Iterator[Pair]:
    """Film with the outline of a finding, film with its map; a finding is shown once."""
    shown: set[str] = set()
    for seed in range(first, first + 1000):
        drawn = draw_frontal(seed)
        new = [key for key, mask in drawn.masks.items() if mask.any() and key not in shown]
        if new:
            shown.add(new[0])
            found = SecondLook(reader).locate(reader.study(drawn.film), new[0])
            truth = outline(to_image(drawn.film).convert("RGB"), drawn.masks[new[0]])
            ImageDraw.Draw(truth).text((6, 4), BY_KEY[new[0]].name, fill="white")
            yield truth, draw_overlay(drawn.film, found.values)


def outline(image: Image.Image, mask: np.ndarray) -> Image.Image:
    """The picture with the edge of a mask in colour, two pixels wide."""
    wide = np.pad(mask, 2, mode="edge")
    height, width = mask.shape
    inner = [wide[2 + down : 2 + down + height, 2 + right : 2 + right + width] for down, right in STEPS]
    pixels = np.array(image)
    pixels[mask & ~np.logical_and.reduce(inner)] = OUTLINE
    return Image.fromarray(pixels)


def draw_figure(pairs: Sequence[Pair]) -> Image.Image:
    """All pairs side by side, the outlines above."""
    figure = Image.new("RGB", (SIDE * len(pairs), 2 * SIDE))
    for column, pair in enumerate(pairs):
        for row, image in enumerate(pair):
            figure.paste(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS), (column * SIDE, row * SIDE))
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the figure with the model that the settings name."""
    parser = argparse.ArgumentParser(
        prog="python -m cxr.evaluation.maps_figure", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("out", type=Path, help="the picture to write")
    parser.add_argument("--first", type=int, default=FIRST, help="seed of the first drawn film")
    options = parser.parse_args(arguments)
    pairs = list(islice(draw_pairs(load_reader(Settings.from_env(), anyway=True), options.first), FILMS))
    draw_figure(pairs).save(options.out, quality=85)
    sys.stdout.write(f"{options.out}: {len(pairs)} drawn films\n")


if __name__ == "__main__":
    main()
