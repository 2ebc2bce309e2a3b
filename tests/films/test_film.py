"""The Film, its canvas, and the ways numbers become greys."""

import pickle

import numpy as np
import pytest
from PIL import Image

from cxr.films.film import MAX_SIDE, Film, letterbox, shrink, to_image
from cxr.films.greys import mix_colours, scale_to_unit, stretch
from cxr.results import CxrError


def test_a_film_is_frozen_and_travels() -> None:
    film = Film(np.eye(40, dtype=np.float32), "PA", ("A sentence.",))
    with pytest.raises(AttributeError):
        film.view = "AP"  # type: ignore[misc]
    again = pickle.loads(pickle.dumps(film))
    assert np.array_equal(again.pixels, film.pixels) and (again.view, again.warnings) == ("PA", ("A sentence.",))
    assert set(vars(film)) == {"pixels", "view", "warnings", "anyway", "reasons"}


def test_an_image_of_a_film_has_its_greys() -> None:
    image = to_image(Film(np.array([[0, 0.5, 1]], np.float32)))
    assert image.mode == "L" and list(np.asarray(image)[0]) == [0, 128, 255]


def test_shrinking_averages_and_keeps_the_shape() -> None:
    pixels = np.zeros((2 * MAX_SIDE, MAX_SIDE), np.float32)
    pixels[::2, ::2] = 1
    small = shrink(pixels)
    assert small.shape == (MAX_SIDE, MAX_SIDE // 2) and small.dtype == np.float32
    assert np.allclose(small, 0.25)
    assert shrink(small) is small


@pytest.mark.parametrize(
    ("shape", "inside"),
    [
        ((100, 50), (slice(None), slice(14, 42))),
        ((50, 100), (slice(14, 42), slice(None))),
    ],
)
def test_the_canvas_is_square_black_and_centred(shape: tuple[int, int], inside: tuple[slice, slice]) -> None:
    canvas = np.asarray(letterbox(Film(np.ones(shape, np.float32)), 56))
    assert canvas.shape == (56, 56) and (canvas[inside] == 255).all()
    assert canvas.sum() == 255 * 56 * 28


def test_what_is_left_stays_left_on_the_canvas() -> None:
    pixels = np.zeros((64, 64), np.float32)
    pixels[:32, 32:] = 1  # the patient's left shoulder
    pixels[48:, :16] = 0.5  # so that black is no border
    canvas = np.asarray(letterbox(Film(pixels), 32))
    assert canvas[4, 28] == 255 and not canvas[4, 4] and not canvas[28, 28]


def test_scaling_cuts_off_and_turns_round() -> None:
    values = np.array([-5, 0, 5, 10, 20])
    assert scale_to_unit(values, 0, 10).tolist() == [0, 0, 0.5, 1, 1]
    assert scale_to_unit(values, 10, 0).tolist() == [1, 1, 0.5, 0, 0]
    assert scale_to_unit(values, 3, 3).tolist() == [0] * 5


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_numbers_are_refused(value: float) -> None:
    with pytest.raises(CxrError):
        stretch(np.array([[0, 1], [2, value]]))


def test_stretching_bears_a_dead_pixel_and_a_nearly_flat_picture() -> None:
    ramp = np.linspace(0, 4095, 10_000).reshape(100, 100)
    dead = ramp.copy()
    dead[50, 50] = 65535
    assert np.allclose(np.delete(stretch(dead), 5050), np.delete(ramp / 4095, 5050), atol=0.003)
    spot = np.full((100, 100), 7.0)
    spot[0, 0] = 9
    assert stretch(spot)[0, 0] == 1 and not stretch(spot)[1:].any()
    assert not stretch(np.full((9, 9), 3.0)).any()


def test_a_little_colour_is_no_colour_picture() -> None:
    grey = np.full((100, 100, 3), 100, np.uint8)
    assert mix_colours(Image.fromarray(grey)) == (pytest.approx(np.full((100, 100), 100 / 255)), ())
    grey[:10, :10] = (255, 0, 0)  # a note in red
    assert mix_colours(Image.fromarray(grey))[1] == ()
    grey[:40] = (255, 0, 0)
    assert len(mix_colours(Image.fromarray(grey))[1]) == 1
