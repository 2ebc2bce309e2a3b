"""Cross-validation holds patients back, and its table says what was predicted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cxr.evaluation.films import read_films
from cxr.training.embedded import trials
from cxr.training.embedded.build import Size
from cxr.training.embedded.trials import FOLDS, Grounds, fold_of, run_trial
from cxr.training.embedded.trials_table import PEER, read_seeds, write_table
from cxr.training.embedded.variants import PLAIN
from cxr.training.embedded.views import join_views, view_drawn
from tests.data import DATA, needs_data

TINY = Size(canvas=56, patch=14, vision_width=32, vision_layers=3, text_width=32, text_mlp=64, text_layers=4, heads=4)


@needs_data
def test_a_patient_is_in_one_fold_and_folds_are_alike_in_size() -> None:
    films = read_films(DATA, "train")
    folds: dict[str, set[int]] = {}
    for film in films:
        folds.setdefault(film.patient, set()).add(fold_of(film.patient))
    assert all(len(own) == 1 for own in folds.values())
    counts = np.bincount([fold_of(film.patient) for film in films], minlength=FOLDS)
    assert len(counts) == FOLDS and counts.min() > 0.14 * len(films)


def make_grounds(scored: np.ndarray) -> Grounds:
    views = join_views([view_drawn(40, 10, 128, 24)], torch.device("cpu"))
    patients = np.array([f"p{i // 2}" for i in range(10)])
    return Grounds(views, np.arange(10) // 2, scored, patients, lambda: (views, views), {})


def test_no_model_has_seen_a_film_that_it_predicts(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = []
    grounds = make_grounds(np.ones(10, bool))
    picked = trials.pick

    def watch(views, rows, count, dice):  # type: ignore[no-untyped-def]
        if len(rows) < 10:  # the real films of a fold; of drawn ones any may be seen
            seen.append(set(rows.tolist()))
        return picked(views, rows, count, dice)

    monkeypatch.setattr(trials, "pick", watch)
    result = run_trial(replace(PLAIN, size=TINY, drawn_steps=1, steps=4, batch=4), 0, grounds)
    assert {frozenset(rows) for rows in seen} == {frozenset(range(10)) - {2 * i, 2 * i + 1} for i in range(FOLDS)}
    assert result["told"].shape == (5, 10, 14) and np.abs(result["told"]).min() > 0  # each film was predicted
    assert list(grounds.begun) and result["drawn"].shape == (10, 14)


def keep(folder: Path, name: str, told: np.ndarray, truth: np.ndarray) -> None:
    np.savez(folder / f"{name}.npz", told=told, truth=truth, patients=np.arange(len(truth)))


def test_the_table_has_the_peer_at_its_best_step_and_ours_at_its_last(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (60, 14)).astype(np.int8)
    good, bad = truth * 4.0 + rng.normal(size=truth.shape), rng.normal(size=truth.shape)
    keep(tmp_path, f"{PEER} 0", np.stack([good, bad]), truth)
    keep(tmp_path, "ours 0", np.stack([good, bad]), truth)
    keep(tmp_path, "ours 1", np.stack([bad, good]), truth)
    keep(tmp_path, "ours and more 0", np.stack([bad, good]), truth)  # another variant, whose name begins alike
    assert len(read_seeds(tmp_path, "ours", peer=False).parts) == 2
    peer, ours = write_table(tmp_path, [PEER, "ours", "none of these"], 50).splitlines()[2:]
    assert peer.startswith(f"| {PEER} | 1 | 0.99") and "| - |" in peer
    assert ours.startswith("| ours | 2 | 0.7") and "-0.2" in ours
