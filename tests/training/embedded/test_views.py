"""Films as tensors: what is known comes along, what is unknown stays unknown."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cxr.evaluation.films import read_films
from cxr.findings import FINDINGS
from cxr.training.embedded import views as module
from cxr.training.embedded.views import (
    balance,
    coarsen,
    draw_views,
    join_views,
    mix_views,
    pick,
    resize,
    view_drawn,
    view_real,
)
from tests.data import DATA, needs_data

CPU = torch.device("cpu")


def test_a_drawn_film_brings_its_truth_and_its_person() -> None:
    views = view_drawn(40, 5, 128, 8)
    assert views["images"].shape == (5, 128, 128) and views["maps"].shape == (5, 14, 8, 8)
    assert (views["findings"] >= 0).all()
    assert ((views["maps"] == 1).any((2, 3)) == (views["findings"] == 1)).all()
    assert set(np.unique(views["person"][:, 0])) <= {0, 1} and (views["person"][:, 1] > 0).all()


@needs_data
def test_a_real_film_keeps_what_its_source_does_not_say() -> None:
    films = [film for film in read_films(DATA, "train") if film.source == "kermany_pediatric"][:2]
    views = view_real(films, 128, 8)
    pneumonia = [finding.key for finding in FINDINGS].index("pneumonia")
    assert (np.delete(views["findings"], pneumonia, 1) == -1).all() and (views["findings"][:, pneumonia] >= 0).all()
    assert (views["sides"] != 1).all() and (views["maps"] != 1).all()


def test_a_batch_holds_only_films_of_its_rows() -> None:
    views = join_views([view_drawn(40, 3, 128, 8), view_drawn(43, 2, 128, 8)], CPU)
    batch = pick(views, torch.tensor([1, 4]), 40, torch.Generator().manual_seed(0))
    known = {views["images"][row].float().div(255).numpy().tobytes() for row in (1, 4)}
    assert {image[0].numpy().tobytes() for image in batch["images"]} == known
    both = mix_views([batch, pick(views, torch.tensor([0]), 2, torch.Generator())])
    assert len(both["maps"]) == 42


def test_a_small_finding_survives_fewer_cells() -> None:
    maps = torch.zeros(1, 14, 24, 24)
    maps[0, 0, 5, 7], maps[0, 1] = 1, -1
    fewer = coarsen(maps, 14)
    assert fewer[0, 0].sum() >= 1 and fewer[0, 0, 2:4, 4].any() and (fewer[0, 1] == -1).all() and fewer[0, 2].sum() == 0
    assert coarsen(maps, 24) is maps


def test_resizing_keeps_the_brightness() -> None:
    images = torch.rand(2, 1, 128, 128)
    small = resize(images, 64)
    assert small.shape == (2, 1, 64, 64) and abs(float(small.mean() - images.mean())) < 0.01


def test_rare_findings_come_more_often_and_no_other_film_comes_in() -> None:
    findings = torch.zeros(40, 14)
    findings[:16, 0] = 1  # common
    findings[16, 1] = 1  # once: by the root of 16 more often
    rows = torch.arange(30)
    counts = torch.bincount(balance(rows, findings), minlength=40)
    assert counts.tolist() == [1] * 16 + [4] + [1] * 13 + [0] * 10


def test_drawn_films_are_kept_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = draw_views(tmp_path, [(40, 3), (60, 2)], 128, 8, 1)()
    assert [len(films["images"]) for films in first] == [3, 2]
    monkeypatch.setattr(module, "DrawnFilms", None)  # none is drawn again
    again = draw_views(tmp_path, [(40, 3), (60, 2)], 128, 8, 1)()
    for one, other in zip(first, again, strict=True):
        assert set(one) == set(other) and all((one[name] == other[name]).all() for name in one)
