"""A place of a run always has the same film and questions; a broken film gives way to the next, in words."""

import logging
from pathlib import Path

import numpy as np
import pytest

from cxr.films.film import to_image
from cxr.results import CxrError, Observation
from cxr.training.conversations import Truth
from cxr.training.dataset import FilmDataset, order_epochs
from cxr.training.rows import Row
from tests.tiny import noise_film


def make_rows(folder: Path, count: int) -> list[Row]:
    rows = []
    for seed in range(count):
        path = folder / f"{seed}.png"
        to_image(noise_film(seed)).save(path)
        rows.append(Row(path, f"p{seed}", "train", Truth((Observation("nodule"),), frozenset({"mass"}))))
    return rows


def ask(row: Row, rng: object) -> list[tuple[str, str]]:
    return [(f"{row.patient}?", str(rng.random()))]  # type: ignore[attr-defined]


def test_a_place_has_the_same_film_and_questions_each_time(tmp_path: Path) -> None:
    rows = make_rows(tmp_path, 3)
    order = np.array([2, 0, 1, 2])
    one, two, other = (FilmDataset(rows, order, ask, 56, seed) for seed in (0, 0, 1))
    assert [one[i].pairs for i in range(4)] == [two[i].pairs for i in range(4)]
    assert [one[i].pairs[0][0] for i in range(4)] == ["p2?", "p0?", "p1?", "p2?"]
    assert one[0].pairs != one[3].pairs  # the same film is asked something else the second time
    assert one[0].pairs != other[0].pairs
    assert one[0].image.size == (56, 56)


def test_a_broken_film_gives_way_to_the_next_and_is_named_by_its_row(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = make_rows(tmp_path, 2)
    rows[0].image.write_bytes(b"no picture")
    with caplog.at_level(logging.WARNING):
        assert FilmDataset(rows, np.array([0, 1]), ask, 56, 0)[0].pairs[0][0] == "p1?"
    assert "row 0 of train.jsonl" in caplog.text and rows[0].patient not in caplog.text
    rows[1].image.write_bytes(b"no picture")
    with pytest.raises(CxrError, match="in a row cannot be read"):
        FilmDataset(rows, np.array([0, 1]), ask, 56, 0)[0]


def test_a_film_of_which_nothing_is_asked_is_not_opened(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = make_rows(tmp_path, 2)
    rows[0].image.write_bytes(b"no picture")
    with caplog.at_level(logging.WARNING):
        shown = FilmDataset(rows, np.array([0, 1]), lambda row, rng: ask(row, rng) if row is rows[1] else [], 56, 0)[0]
    assert shown.pairs[0][0] == "p1?" and not caplog.messages  # it would have been said to be skipped


def test_epochs_follow_each_other_shuffled_and_may_end_in_the_middle() -> None:
    order = order_epochs(lambda epoch: np.arange(10), 2.5, seed=1)
    assert len(order) == 25
    assert sorted(order[:10]) == sorted(order[10:20]) == list(range(10))
    assert list(order[:10]) != list(order[10:20])
    assert list(order) == list(order_epochs(lambda epoch: np.arange(10), 2.5, seed=1))
