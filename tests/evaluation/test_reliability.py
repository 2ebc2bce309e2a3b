"""Calibration error and Brier score by hand."""

import math

import numpy as np
import pytest

from cxr.evaluation.classification import Outcome
from cxr.evaluation.reliability import apply_calibration, bin_pairs, measure_brier, measure_ece
from cxr.model.calibration import Calibration, Scale


def make(probabilities: list[float], truth: list[int]) -> Outcome:
    """One finding, "mass"."""
    marks = np.array(truth, np.int8)[:, None]
    return Outcome(np.array(probabilities)[:, None], marks, np.arange(len(truth)), ("mass",))


def test_bins_are_of_equal_width_and_closed_above() -> None:
    bins = bin_pairs(np.array([0.0, 0.25, 0.26, 1.0, 0.9]), np.array([0.0, 1, 0, 1, 1]), bins=4)
    assert bins[:, 0].tolist() == [2, 1, 0, 2]  # 0 and .25; .26; nothing; .9 and 1
    assert bins[0].tolist() == [2, 0.125, 0.5] and bins[2].tolist() == [0, 0, 0]


def test_ece_weighs_the_gap_of_each_bin() -> None:
    # .9 four times, three true: gap .15; .1 four times, none true: gap .1; half of the pairs each
    assert measure_ece(make([0.9] * 4 + [0.1] * 4, [1, 1, 1, 0, 0, 0, 0, 0])) == pytest.approx(0.125)
    assert measure_ece(make([0.75] * 4, [1, 1, 1, 0])) == pytest.approx(0)


def test_gaps_of_one_bin_cancel_and_those_of_two_do_not() -> None:
    assert measure_ece(make([0.49, 0.51], [0, 1])) == pytest.approx(0)  # both in the middle one of 15 bins
    assert measure_ece(make([0.2, 0.8], [0, 1])) == pytest.approx(0.2)


def test_brier_is_the_mean_square() -> None:
    assert measure_brier(make([0.9, 0.2, 0.5], [1, 0, -1])) == pytest.approx((0.01 + 0.04) / 2)


def test_nothing_known_is_no_figure() -> None:
    assert math.isnan(measure_brier(make([0.5], [-1]))) and math.isnan(measure_ece(make([0.5], [-1])))


def test_calibration_is_applied_as_it_serves_and_truth_stays() -> None:
    outcome = make([0.9, 0.5], [1, 0])
    scaled = apply_calibration(outcome, Calibration({"mass": Scale(0.5, 0.0, 0.6, 0.3)}, "x"))
    assert scaled.probabilities[:, 0] == pytest.approx([0.75, 0.5])  # logit of .9 is ln 9, half of it is ln 3
    assert scaled.truth is outcome.truth and scaled.keys == ("mass",)
    kept = apply_calibration(outcome, Calibration({}, "x"))
    np.testing.assert_array_equal(kept.probabilities, outcome.probabilities)
