"""The figure is drawn by the reader that serves, a finding once."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr.evaluation import maps_figure
from cxr.evaluation.maps_figure import FILMS, OUTLINE, SIDE, main, outline
from tests.fakes import fake_reader


def test_every_film_stands_over_its_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps_figure, "load_reader", lambda settings, anyway: fake_reader())
    main([str(tmp_path / "maps.png")])
    figure = np.asarray(Image.open(tmp_path / "maps.png"), int)
    assert figure.shape == (2 * SIDE, FILMS * SIDE, 3)
    corner = figure[-20:, SIDE - 20 : SIDE]  # which the fake mapper marks
    assert (corner[..., 0] - corner[..., 2]).min() > 40
    assert abs(figure[:SIDE] - np.array(OUTLINE)).sum(-1).min() < 150


def test_an_outline_is_the_edge_alone() -> None:
    mask = np.zeros((20, 20), bool)
    mask[5:15, 5:15] = True
    drawn = (np.asarray(outline(Image.new("RGB", (20, 20)), mask)) == OUTLINE).all(-1)
    assert drawn[5:7, 5:15].all() and not drawn[8:12, 8:12].any() and not drawn[~mask].any()
