"""What a picture looks like: the network that numpy runs, and its weights beside the code."""

import numpy as np
import pytest
import torch

from cxr.films.look import LOOKS, SIDE, make_thumbnail, normalise, read_weights, run_network, tell_looks
from cxr.films.phantom import draw_film
from cxr.training.looks import build_network

FILM = draw_film(10_000_002, view="PA").film.pixels


def test_the_look_hardly_depends_on_how_large_a_picture_was_sent() -> None:
    large, small = (tell_looks(pixels) for pixels in (FILM, np.ascontiguousarray(FILM[::2, ::2])))
    assert large == pytest.approx(small, abs=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (2, 900), (1120, 3)])
def test_any_shape_has_a_look(shape: tuple[int, int]) -> None:
    assert sum(tell_looks(np.zeros(shape, np.float32)).values()) == pytest.approx(1)


def test_the_looks_are_probabilities_and_an_upright_film_looks_upright() -> None:
    looks = tell_looks(FILM)
    assert set(looks) == set(LOOKS) and sum(looks.values()) == pytest.approx(1) and looks["upright"] > 0.9


@pytest.mark.parametrize("ground", [0.0, 1.0])
def test_a_border_changes_nothing_even_with_writing_on_it(ground: float) -> None:
    laid = np.pad(FILM, ((100, 0), (30, 200)), constant_values=ground)
    laid[20:30, 40:50] = 1 - ground
    laid[40:44, 100:500] = 1 - ground
    assert make_thumbnail(laid).shape == (SIDE, SIDE)
    assert tell_looks(laid) == pytest.approx(tell_looks(FILM), abs=0.02)


def test_numpy_runs_the_network_as_torch_does() -> None:
    network = build_network().eval()
    square = normalise(make_thumbnail(FILM))
    assert square.shape == (SIDE, SIDE)
    with torch.inference_mode():
        expected = network(torch.from_numpy(square)[None, None])[0].numpy()
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    assert run_network(square, weights) == pytest.approx(expected, abs=1e-5)
    assert {name: value.shape for name, value in read_weights().items()} == {
        name: value.shape for name, value in weights.items()
    }
