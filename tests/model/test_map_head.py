"""The part that draws maps: taught where findings lie, written and read, refused where it does not fit."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from cxr.model.map_head import FILE, gather_cells, read_head, write_head
from cxr.model.map_learning import Lessons, learn_head
from cxr.results import CxrError
from tests.tiny import noise_film, tiny_engine

WIDTH = 8


def make_lessons(films: int = 64) -> Lessons:
    """Finding 0 lies where the first number is high, finding 3 where the second is; the others are nowhere."""
    rng = torch.Generator().manual_seed(0)
    states = torch.randn(films, WIDTH, 6, 6, generator=rng)
    filled = torch.zeros(films, 14, 6, 6)
    filled[:, 0], filled[:, 3] = (states[:, 0] > 1).float(), (states[:, 1] > 1).float()
    return Lessons(states.half() * 3 + 5, filled)


def test_it_learns_where_findings_lie_and_the_same_again() -> None:
    lessons = make_lessons()
    head = learn_head(lessons, steps=150)
    drawn = head.draw(lessons.states.float())
    for finding in (0, 3):
        inside, outside = (drawn[:, finding][lessons.filled[:, finding] == value].mean() for value in (1, 0))
        assert inside > 0.5 and outside < 0.2
    again = learn_head(lessons, steps=150)
    assert torch.equal(head.low, again.low) and torch.equal(head.high, again.high)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    head = learn_head(make_lessons(), steps=2)
    write_head(head, tmp_path)
    found = read_head(tmp_path, WIDTH)
    assert found is not None and torch.allclose(found.low, head.low, atol=1e-2)
    assert np.array_equal(found.trials, head.trials)
    assert read_head(tmp_path / "nowhere", WIDTH) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("low", np.zeros((48, WIDTH + 1, 1, 1), np.float16)),
        ("high", np.zeros((13, 48, 3, 3), np.float16)),
        ("trials", np.zeros((4, 2), np.float32)),
        ("trials", np.full((3, 2), 0.5, np.float32)),
        ("high_bias", np.full(14, np.nan, np.float16)),
        ("low_bias", None),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_a_sentence(
    tmp_path: Path, name: str, value: np.ndarray | None
) -> None:
    write_head(learn_head(make_lessons(), steps=1), tmp_path)
    tensors = load_file(tmp_path / FILE)
    save_file({**tensors, name: value} if value is not None else {"low": tensors["low"]}, tmp_path / FILE)
    with pytest.raises(CxrError, match=FILE):
        read_head(tmp_path, WIDTH)


def test_a_films_states_become_a_picture() -> None:
    engine = tiny_engine(4)
    assert gather_cells(engine, engine.encode(noise_film())).shape == (32, 8, 8)
