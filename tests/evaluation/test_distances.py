"""The fast path is no further from float32 than the plain one, with open gates, one tile and four."""

import copy
from pathlib import Path

import pytest
import torch

from cxr.evaluation.distances import compare, listen, measure_apart, write_distances, write_rows
from cxr.model.engine import Engine
from tests.model.test_fast import plain_engine
from tests.tiny import noise_film, save_tiny

MARGIN = 1.25  # roundings of the two paths are other ones, so one of them is a little further by chance


@pytest.mark.parametrize("tiles", [1, 4])
def test_in_bf16_the_fast_path_is_as_near_to_float32_as_the_plain_one(tiles: int) -> None:
    exact = plain_engine(tiles)
    films = [noise_film(seed) for seed in range(4)]
    given = [exact.encode(film) for film in films]
    half = [copy.deepcopy(exact.model).to(torch.bfloat16) for _ in range(2)]
    plain, fast = (
        listen(Engine(model, exact.processor, exact.canvas, fast=quick), films, given)
        for model, quick in zip(half, (False, True), strict=True)
    )
    apart = compare(listen(exact, films), plain, fast)
    for name, of_plain, of_fast, both in apart[:2]:
        assert 1e-4 < of_plain < 2e-2, name  # 8 bits: 0.4 % a rounding
        assert of_fast < MARGIN * of_plain, name
        assert both < of_plain + of_fast, name


def test_a_distance_is_relative_to_the_spread() -> None:
    other = torch.tensor([1.0, 2.0, 3.0])
    assert measure_apart(other + torch.tensor([0.1, 0.0, 0.0]), other) == pytest.approx(0.1 / 2**0.5)
    assert "| bf16 | 4 | states | 2.00e-02 | 1.00e-02 | 0.50 | 3.00e-03 |" in write_rows(
        "bf16", 4, [("states", 0.02, 0.01, 0.003)]
    )


def test_a_base_is_compared_with_itself_in_float32(tmp_path: Path) -> None:
    base, _ = save_tiny(tmp_path)
    rows = [line for line in write_distances(base, "float32").splitlines() if line.startswith("| float32 | 1 | ")]
    assert len(rows) == 3
    for row in rows:
        plain, fast = (float(cell) for cell in row.split(" | ")[3:5])
        assert plain == 0 and fast < 1e-4
