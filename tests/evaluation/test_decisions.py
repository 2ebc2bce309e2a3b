"""Thresholds and what they give, against values computed by hand."""

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from cxr.evaluation.classification import KEYS, Outcome, measure_auroc
from cxr.evaluation.decisions import (
    UNDECIDED,
    choose_threshold,
    choose_thresholds,
    measure_accuracy,
    measure_average_precision,
    measure_decisions,
    measure_exact_match,
    measure_f1,
    measure_micro_f1,
)


def make(*columns: tuple[list[float], list[int]]) -> Outcome:
    """Findings "a", "b", ... with their probabilities and truth."""
    probabilities, truth = (np.array([column[i] for column in columns]).T for i in (0, 1))
    patients = np.array([f"p{i}" for i in range(len(truth))])
    return Outcome(probabilities, truth.astype(np.int8), patients, tuple("abcdefgh"[: len(columns)]))


def test_the_threshold_gives_the_highest_f1() -> None:
    # present .9 .6 .3, absent .7 .2 .1; F1 from .9: 1/2, .7: 2/5, .6: 2/3, .3: 3/4 (3 found, 1 wrong: 6/7)
    outcome = make(([0.9, 0.6, 0.3, 0.7, 0.2, 0.1], [1, 1, 1, 0, 0, 0]))
    assert choose_threshold(outcome, 0) == 0.3
    assert measure_f1(outcome, np.array([0.3]), 0) == pytest.approx(6 / 7)
    assert measure_f1(outcome, np.array([0.6]), 0) == pytest.approx(4 / 6)
    assert all(measure_f1(outcome, np.array([t]), 0) <= 6 / 7 + 1e-9 for t in np.linspace(0, 1, 101))


def test_films_that_are_unknown_choose_no_threshold_and_count_in_no_figure() -> None:
    outcome = make(([0.9, 0.2, 0.8, 0.1, 0.95], [1, 0, -1, -1, -1]))
    assert choose_threshold(outcome, 0) == 0.9
    assert measure_accuracy(outcome, np.array([0.5]), 0) == 1 == measure_f1(outcome, np.array([0.5]), 0)
    assert measure_exact_match(outcome, np.array([0.5])) == 1


def test_without_positive_films_half_is_the_threshold() -> None:
    assert choose_thresholds(make(([0.1, 0.2], [0, 0]), ([0.1, 0.2], [0, 1]))).tolist() == [UNDECIDED, 0.2]


def test_average_precision_is_the_mean_precision_at_each_positive() -> None:
    # in order: present, absent, present: (1/1 + 2/3) / 2
    assert measure_average_precision(make(([0.9, 0.8, 0.7], [1, 0, 1])), 0) == pytest.approx(5 / 6)
    assert math.isnan(measure_average_precision(make(([0.9], [1])), 0))


def test_our_quick_figures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    for films in (5, 30, 400):
        scores = rng.random(films).round(1 if films > 5 else 3)  # many ties
        truth = (rng.random(films) < 0.3 + 0.4 * scores).astype(int)
        truth[:2] = 0, 1
        outcome = make((scores.tolist(), truth.tolist()))
        assert measure_auroc(outcome, 0) == pytest.approx(roc_auc_score(truth, scores))
        assert measure_average_precision(outcome, 0) == pytest.approx(average_precision_score(truth, scores))
        assert measure_f1(outcome, np.array([0.5]), 0) == pytest.approx(f1_score(truth, scores >= 0.5))


def test_accuracy_counts_both_kinds_of_right() -> None:
    outcome = make(([0.9, 0.6, 0.4, 0.1], [1, 0, 1, 0]))
    assert measure_accuracy(outcome, np.array([0.5]), 0) == 0.5
    assert measure_accuracy(outcome, np.array([0.4]), 0) == 0.75  # the threshold itself is present
    assert math.isnan(measure_accuracy(make(([0.9], [-1])), np.array([0.5]), 0))


def test_an_exact_match_needs_every_known_finding_of_a_film() -> None:
    outcome = make(([0.9, 0.9, 0.1, 0.9], [1, 1, 0, -1]), ([0.1, 0.9, 0.9, 0.9], [0, 0, -1, -1]))
    # film 0 right; film 1 wrong in b; film 2 right in a, b unknown; film 3 unknown altogether
    assert measure_exact_match(outcome, np.array([0.5, 0.5])) == pytest.approx(2 / 3)


def test_micro_f1_pools_all_pairs() -> None:
    outcome = make(([0.9, 0.1, 0.9], [1, 1, 0]), ([0.9, 0.9, 0.1], [1, -1, 0]))
    # called and true: 2; called wrongly: 1; missed: 1; the unknown pair does not count
    assert measure_micro_f1(outcome, np.array([0.5, 0.5])) == pytest.approx(4 / 6)


def test_macro_is_the_mean_over_findings_that_have_a_value() -> None:
    outcome = make(([0.9, 0.6, 0.4, 0.1], [1, 1, 0, 0]), ([0.5, 0.9, 0.5, 0.1], [1, 0, 0, 0]), ([0.5] * 4, [0] * 4))
    figures = measure_decisions(outcome, np.array([0.5, 0.5, 0.6]))
    assert figures["auroc/a"] == 1 and figures["auroc/b"] == 0.5 and math.isnan(figures["auroc/c"])
    assert figures["auroc/macro"] == pytest.approx(0.75)
    assert figures["f1/a"] == 1 and figures["f1/b"] == pytest.approx(2 / 4) and math.isnan(figures["f1/c"])
    assert figures["f1/macro"] == pytest.approx(0.75)
    assert figures["accuracy/macro"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert figures["average_precision/macro"] == pytest.approx((1 + (1 / 3)) / 2)  # b: one of three from .5 on
    assert figures["accuracy/exact_match"] == 0.5


def test_a_perfect_reader_of_the_14_has_only_ones() -> None:
    truth = np.tile([[0], [1]], (3, 14)).astype(np.int8)
    outcome = Outcome(truth.astype(float), truth, np.arange(6), KEYS)
    assert set(measure_decisions(outcome, choose_thresholds(outcome)).values()) == {1.0}
