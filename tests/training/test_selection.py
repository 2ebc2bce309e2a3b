"""An epoch shows fewer films without a finding and more with a rare one, the same for the same seed."""

from pathlib import Path

import numpy as np
import pytest

from cxr.results import CxrError
from cxr.training.data import DataOptions
from cxr.training.index import RowIndex
from cxr.training.selection import MOST, choose_rows

KEYS = ("mass", "nodule", "hernia")


def make_index(folder: Path, labels: np.ndarray) -> RowIndex:
    """An index without any row on disk: whoever looks at one fails."""
    np.save(folder / "train.labels.npy", labels.astype(np.int8))
    np.save(folder / "train.starts.npy", np.arange(len(labels)))
    return RowIndex(folder, "train", KEYS[: labels.shape[1]])


def choose(index: RowIndex, seed: int = 0, **options: float) -> np.ndarray:
    return choose_rows(index, DataOptions(**options), np.random.default_rng(seed))  # type: ignore[arg-type]


def label(*groups: tuple[int, tuple[int, ...]]) -> np.ndarray:
    """`count` films with the same labels, group after group."""
    return np.array([row for count, row in groups for _ in range(count)])


@pytest.mark.parametrize(("share", "normal"), [(0.5, 20), (0.2, 5), (0.0, 0), (1.0, 90), (0.9, 90)])
def test_films_without_a_finding_make_up_their_share(tmp_path: Path, share: float, normal: int) -> None:
    index = make_index(tmp_path, label((90, (0, 0)), (20, (1, 0))))
    chosen = choose(index, normal_share=share, rare_floor=0)
    assert (chosen < 90).sum() == normal and (chosen >= 90).sum() == 20
    assert len(np.unique(chosen)) == len(chosen)


def test_a_finding_that_is_not_taught_counts_for_nothing(tmp_path: Path) -> None:
    make_index(tmp_path, label((20, (0, 1)), (20, (1, 0))))
    alone, taught = (RowIndex(tmp_path, "train", ("mass", "jane_doe"), own) for own in ((), ("jane_doe",)))
    assert len(choose(alone, normal_share=0, rare_floor=0)) == 20
    assert len(choose(taught, normal_share=0, rare_floor=0)) == 40


def test_where_there_is_no_finding_all_films_are_shown(tmp_path: Path) -> None:
    assert len(choose(make_index(tmp_path, label((9, (0, 0)))), normal_share=0.1)) == 9


def test_a_film_of_which_no_finding_is_known_counts_as_neither(tmp_path: Path) -> None:
    index = make_index(tmp_path, label((5, (-1, -1)), (50, (0, -1)), (5, (1, -1))))
    chosen = choose(index, normal_share=0.5, rare_floor=0)
    assert (chosen < 5).sum() == 5 and len(chosen) == 20


def test_a_rare_finding_is_raised_to_the_floor_evenly(tmp_path: Path) -> None:
    index = make_index(tmp_path, label((400, (1, 0, 0)), (300, (0, 1, 0)), (20, (0, 0, 1))))
    times = np.bincount(choose(index, rare_floor=50), minlength=720)
    assert times[700:].sum() == 50 and set(times[700:]) == {2, 3}
    assert set(times[:700]) == {1}


def test_no_film_is_shown_more_than_eight_times(tmp_path: Path) -> None:
    index = make_index(tmp_path, label((400, (1, 0, 0)), (300, (0, 1, 0)), (3, (0, 0, 1))))
    times = np.bincount(choose(index, rare_floor=200))
    assert set(times[700:]) == {MOST} == {8}


def test_a_film_with_two_rare_findings_counts_for_both_and_stays_within_bounds(tmp_path: Path) -> None:
    index = make_index(tmp_path, label((200, (1, 0, 0)), (4, (0, 1, 1)), (40, (0, 1, 0))))
    times = np.bincount(choose(index, rare_floor=44))
    assert times.max() <= 8 and times[200:204].sum() == 32 and times[200:].sum() >= 44


def test_in_a_small_set_nothing_is_repeated_where_nothing_is_rarer_than_the_rest(tmp_path: Path) -> None:
    index = make_index(tmp_path, label((10, (1, 0, 0)), (10, (0, 1, 0)), (10, (0, 0, 1))))
    assert len(choose(index, rare_floor=500)) == 30


def test_the_same_seed_chooses_the_same_films_and_another_epoch_others(tmp_path: Path) -> None:
    index = make_index(tmp_path, label((90, (0, 0)), (20, (1, 0)), (4, (0, 1))))
    one, again, other = choose(index, 1), choose(index, 1), choose(index, 2)
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert one.dtype == np.int64 and np.array_equal(one, np.sort(one))


def test_what_cannot_be_chosen_from_is_said(tmp_path: Path) -> None:
    with pytest.raises(CxrError, match="no film to train on"):
        choose(make_index(tmp_path, np.zeros((0, 2))))
    with pytest.raises(CxrError, match="normal_share"):
        choose(make_index(tmp_path, label((2, (1, 0)))), normal_share=1.5)
