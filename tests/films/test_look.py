"""The statistics of the gate, and their weights as data beside the code."""

from pathlib import Path

import numpy as np
import pytest

from cxr.films import look
from cxr.films.look import GRID, LOOKS, Weights, measure_statistics, read_weights, tell_looks, write_weights
from cxr.films.phantom import draw_film

FILM = draw_film(10_000_002, view="PA").film.pixels


def test_statistics_hardly_depend_on_how_large_a_picture_was_sent() -> None:
    large, small = measure_statistics(FILM), measure_statistics(np.ascontiguousarray(FILM[::2, ::2]))
    assert large.shape == (GRID * GRID + 12,) and np.abs(large - small).mean() < 0.03


@pytest.mark.parametrize("shape", [(1, 1), (2, 900), (1120, 3)])
def test_any_shape_has_statistics(shape: tuple[int, int]) -> None:
    assert np.isfinite(measure_statistics(np.zeros(shape, np.float32))).all()


def test_the_looks_are_probabilities_and_an_upright_film_looks_upright() -> None:
    looks = tell_looks(FILM)
    assert set(looks) == set(LOOKS) and sum(looks.values()) == pytest.approx(1) and looks["upright"] > 0.9


def test_weights_are_read_as_they_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    written = Weights(rng.normal(size=(len(LOOKS), 5)), rng.normal(size=len(LOOKS)))
    monkeypatch.setattr(look, "FILE", tmp_path / "look.json")
    write_weights(written)
    found = read_weights.__wrapped__()
    assert np.abs(found.slopes - written.slopes).max() < 1e-4
    assert np.abs(found.intercepts - written.intercepts).max() < 1e-4


def test_black_and_white_borders_are_trimmed_even_with_writing_on_them() -> None:
    inner = FILM[60:460, 60:460].clip(0.15, 0.9)
    laid = np.pad(inner, ((100, 0), (30, 200)))
    laid[20:30, 40:50] = 1
    laid[40:44, 100:500] = 1  # a whole line
    assert look.trim_borders(laid).shape == inner.shape
    white = np.pad(inner, ((0, 50), (0, 0)), constant_values=1.0)
    assert look.trim_borders(white).shape == inner.shape
    assert look.trim_borders(laid * 0).shape == laid.shape  # nothing would be left
