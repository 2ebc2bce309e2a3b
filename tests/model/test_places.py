"""Where a map lies, in words; a side that a sentence names and the map does not show."""

import numpy as np
import pytest

from cxr.model.places import describe_place, doubt_side


def mark(rows: slice, columns: slice) -> np.ndarray:
    values = np.zeros((90, 60), np.float32)
    values[rows, columns] = 1
    return values


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        (slice(70, 90), slice(40, 60), "in the lower third, on the right of the picture, which is the patient's left"),
        (slice(0, 20), slice(0, 20), "in the upper third, on the left of the picture, which is the patient's right"),
        (slice(35, 55), slice(10, 50), "in the middle third, on both sides of the middle"),
        (slice(5, 55), slice(10, 50), "in the upper two thirds, on both sides of the middle"),
        (slice(0, 90), slice(0, 60), "from top to bottom, on both sides of the middle"),
        (slice(0, 0), slice(0, 0), ""),
    ],
)
def test_words_for_a_place(rows: slice, columns: slice, words: str) -> None:
    assert describe_place(mark(rows, columns)) == words


def test_a_side_that_the_map_does_not_show_is_doubted() -> None:
    on_left = mark(slice(60, 80), slice(35, 60))  # of the patient
    assert doubt_side(on_left, ["right"]) == (
        "The sentence says right, but most of the map lies on the patient's left.",
    )
    for sides in (["left"], ["both"], [None], ["left", "right"], []):
        assert doubt_side(on_left, sides) == ()
    assert doubt_side(np.zeros((9, 9), np.float32), ["right"]) == ()
