"""The peer is taken where validation likes it best, and its file fits the figures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cxr.evaluation.films import CHESTXRAY14
from cxr.training.embedded import peer_figures
from cxr.training.embedded.peer_figures import choose_best, main
from cxr.training.embedded.trials_table import PEER
from cxr.training.embedded.variants import TRIALS
from tests.evaluation.test_films import row, write_table


def test_the_look_that_validation_likes_best_is_kept() -> None:
    truth = np.array([[1] * 14, [0] * 14], np.int8)
    good, bad = np.where(truth == 1, 1.0, -1.0), np.where(truth == 1, -1.0, 1.0)
    looks = iter([[bad, np.full(3, 1.0)], [good, np.full(3, 2.0)], [good / 2, np.full(3, 3.0)]])
    assert choose_best(looks, truth, np.array(["a", "b"])).tolist() == [2.0] * 3


def test_it_learns_from_training_films_and_tells_of_the_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []
    views = peer_figures.view

    def watch(films, device):  # type: ignore[no-untyped-def]
        trained.append([film.path.name for film in films])
        return views(films, device)

    monkeypatch.setattr(peer_figures, "view", watch)
    monkeypatch.setitem(peer_figures.TRIALS, PEER, replace(TRIALS[PEER], batch=2))
    rows = [
        row(source, labels, file=f"{name}.png", patient_id=name, split=split)
        for name, source, labels, split in (
            ("a", CHESTXRAY14, "Mass", "train"),
            ("b", "kermany_pediatric", "Pneumonia", "train"),
            ("c", CHESTXRAY14, "Mass", "val"),
            ("d", CHESTXRAY14, "No Finding", "val"),
            ("e", CHESTXRAY14, "Edema", "test"),
            ("f", "kermany_pediatric", "Pneumonia", "test"),
        )
    ]
    folder = write_table(tmp_path, *rows)
    main(["--films", str(folder), "--split", "test", "--out", str(tmp_path / "peer.npz"), "--steps", "2"])
    assert trained == [["a.png", "b.png"], ["c.png", "d.png"], ["e.png"]]
    kept = np.load(tmp_path / "peer.npz")
    assert kept["files"].tolist() == ["e.png"] and kept["patients"].tolist() == ["e"]
    assert kept["told"].shape == kept["truth"].shape == (1, 14) and kept["truth"].sum() == 1
    assert torch.isfinite(torch.from_numpy(kept["told"])).all()
