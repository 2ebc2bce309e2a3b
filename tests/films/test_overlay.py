"""A heat map in colour over a film: nothing where it is 0, the film still to be seen where it is 1."""

import numpy as np

from cxr.films.film import Film
from cxr.films.overlay import COLOUR, draw_greys, draw_layer, draw_overlay


def test_the_layer_hides_the_film_as_much_as_the_map_says() -> None:
    film = Film(np.full((4, 6), 0.5, np.float32))
    values = np.zeros((4, 6), np.float32)
    values[1, 2], values[3, 5] = 0.5, 1
    drawn = np.asarray(draw_overlay(film, values), int)
    assert drawn[0, 0].tolist() == [128] * 3
    assert abs(drawn[3, 5] - COLOUR).sum() < abs(drawn[1, 2] - COLOUR).sum() < abs(drawn[0, 0] - COLOUR).sum()
    assert np.asarray(draw_layer(values))[3, 5, 3] < 200  # the film shines through
    assert np.asarray(draw_greys(values))[[0, 1, 3], [0, 2, 5]].tolist() == [0, 128, 255]
