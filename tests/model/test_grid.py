"""Patches come back to where they lie on the film: tiles in their order, no letterbox, left and right kept."""

import numpy as np
import pytest
import torch

from cxr.films.film import Film, letterbox
from cxr.model.engine import Encoded
from cxr.model.grid import Grid, find_grid
from cxr.model.pixels import cut_as_stock
from tests.tiny import tiny_engine


@pytest.mark.parametrize(("tiles", "height", "width"), [(1, 120, 100), (4, 90, 150), (4, 200, 80)])
def test_a_bright_place_comes_back_to_where_it_was(tiles: int, height: int, width: int) -> None:
    """The tiles that the stock processor makes, averaged patch by patch as an encoder sees them, laid on the film."""
    engine = tiny_engine(tiles)
    pixels = np.zeros((height, width), np.float32)
    pixels[height // 10 : height // 3, width * 6 // 10 : width * 9 // 10] = 1
    film = Film(pixels)
    cut = cut_as_stock(engine.processor, letterbox(film, engine.canvas), torch.device("cpu"))
    grid = find_grid(engine, Encoded(torch.zeros(1, 1, 1), cut.real))
    assert grid.side == engine.canvas // 14 and grid.share == 1
    greys = cut.pixels[0, 0, : cut.real, 0].unflatten(-1, (-1, 14)).unflatten(-3, (-1, 14)).mean((-1, -3))
    with_class = torch.cat([torch.full((cut.real, 1), 99.0), greys.flatten(1)], 1)  # what no map may show
    laid = grid.lay_on_film(grid.arrange(with_class.flatten()).numpy(), film, engine.canvas)
    assert laid.shape == pixels.shape and laid.max() < 5
    shares = laid - laid.min()
    for axis, middle in ((1, height * 13 / 60), (0, width * 3 / 4)):
        along = shares.sum(axis)
        assert (along @ np.arange(len(along))) / along.sum() == pytest.approx(middle, abs=0.08 * max(height, width))


def test_a_canvas_that_fills_a_part_of_the_tiles_lies_in_their_corner() -> None:
    values = np.zeros((10, 10), np.float32)
    values[:5, :5] = 1
    laid = Grid(2, 5, 0.5).lay_on_film(values, Film(np.zeros((40, 40), np.float32)), 560)
    assert laid[:34, :34].min() > 0.9
