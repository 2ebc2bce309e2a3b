"""Figures against values computed by hand, and intervals that count patients."""

import math
from functools import partial

import numpy as np
import pytest

from cxr.evaluation import classification
from cxr.evaluation.classification import (
    Outcome,
    describe,
    main,
    mark,
    measure_any,
    measure_auroc,
    measure_macro,
    measure_skill,
    read_outcome,
    write_table,
)
from cxr.evaluation.films import Case, draw_cases
from cxr.evaluation.intervals import Figure, bootstrap
from cxr.findings import FINDINGS
from tests.fakes import fake_reader
from tests.tiny import noise_film


def make(probabilities: list[float], truth: list[int], patients: list[str] | None = None) -> Outcome:
    """One finding (the first); the others are unknown."""
    films = len(truth)
    marks, scores = np.full((films, 14), -1, np.int8), np.full((films, 14), 0.5)
    marks[:, 0], scores[:, 0] = truth, probabilities
    return Outcome(scores, marks, np.array(patients or [f"p{i}" for i in range(films)]))


def noisy(films: int, seed: int = 0) -> Outcome:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, films)
    return make((0.25 * truth + rng.random(films) * 0.7).tolist(), truth.tolist())


def test_auroc_is_the_share_of_pairs_in_order() -> None:
    # positives .9 .6 .4, negatives .7 .4 .1: 3 + 2 + 1.5 of 9 pairs, a tie counting half
    assert measure_auroc(make([0.9, 0.6, 0.4, 0.7, 0.4, 0.1], [1, 1, 1, 0, 0, 0]), 0) == pytest.approx(6.5 / 9)


def test_unknown_films_are_left_out_of_a_figure() -> None:
    outcome = make([0.9, 0.2, 0.99, 0.01], [1, 0, -1, -1])
    assert measure_auroc(outcome, 0) == 1
    assert measure_skill(outcome) == pytest.approx(1 - (0.01 + 0.04) / 2 / 0.25)


def test_a_figure_needs_both_kinds_of_film() -> None:
    assert math.isnan(measure_auroc(make([0.1, 0.2], [0, 0]), 0))
    assert math.isnan(measure_auroc(make([0.1, 0.2], [1, -1]), 0))
    assert math.isnan(measure_macro(make([0.1, 0.2], [0, 0]))) and math.isnan(measure_skill(make([0.1], [1])))


def test_the_mean_counts_findings_alike_and_can_ask_for_enough_films() -> None:
    outcome = make([0.9, 0.6, 0.4, 0.1], [1, 1, 0, 0])  # 1.0
    outcome.truth[:, 1], outcome.probabilities[:, 1] = [1, 0, 0, 0], [0.5, 0.9, 0.5, 0.1]  # 0.5
    assert measure_macro(outcome) == pytest.approx(0.75)
    assert measure_macro(outcome, least=2) == pytest.approx(1.0)


def test_any_against_none_joins_the_findings() -> None:
    outcome = Outcome(np.full((3, 14), 0.1), np.zeros((3, 14), np.int8), np.array(["a", "b", "c"]))
    outcome.truth[0, 3] = 1
    outcome.probabilities[0] = 0.2  # 1 - 0.8^14 = 0.956
    outcome.probabilities[1, 5] = 0.75  # the largest of all, but 1 - 0.25 * 0.9^13 = 0.936
    assert measure_any(outcome) == 1.0
    outcome.probabilities[1, 5] = 0.9  # now 0.975, above the film with a finding
    assert measure_any(outcome) == 0.5
    outcome.truth[1, 0] = -1  # not all 14 known: left out
    assert measure_any(outcome) == 1.0


def test_skill_of_the_prevalence_is_nothing_and_of_the_truth_everything() -> None:
    assert measure_skill(make([0.25] * 4, [1, 0, 0, 0])) == pytest.approx(0)
    assert measure_skill(make([1, 0, 0, 0], [1, 0, 0, 0])) == pytest.approx(1)
    assert measure_skill(make([0, 1, 1, 1], [1, 0, 0, 0])) < -3


def test_the_interval_covers_what_other_samples_of_the_same_kind_give() -> None:
    measure = partial(measure_auroc, finding=0)
    figure = bootstrap(noisy(150), measure, 300)
    others = np.array([measure(noisy(150, seed)) for seed in range(1, 200)])
    spread = np.quantile(others, 0.975) - np.quantile(others, 0.025)
    assert figure.low < figure.value < figure.high
    assert figure.value == measure(noisy(150))
    assert 0.6 * spread < figure.high - figure.low < 1.6 * spread


def test_more_films_of_the_same_patients_do_not_narrow_the_interval() -> None:
    measure, few = partial(measure_auroc, finding=0), noisy(60)
    five = few.take(np.repeat(np.arange(60), 5))
    strangers = Outcome(five.probabilities, five.truth, np.array([f"s{i}" for i in range(300)]))
    widths = [(f := bootstrap(each, measure, 200)).high - f.low for each in (few, five, strangers)]
    assert widths[1] == pytest.approx(widths[0], rel=1e-6)
    assert widths[2] < 0.7 * widths[0]


def test_an_interval_is_the_same_each_time_and_forgives_draws_without_a_figure() -> None:
    outcome = make([0.9, 0.8, 0.3, 0.2], [1, 0, 0, 0])
    measure = partial(measure_auroc, finding=0)
    figure = bootstrap(outcome, measure, 100)
    assert figure == bootstrap(outcome, measure, 100) and not math.isnan(figure.low)
    assert str(Figure(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"


def test_marks_are_present_absent_and_unknown() -> None:
    case = Case(noise_film(), "p", frozenset({"mass"}), frozenset({"hernia"}))
    marks = dict(zip([finding.key for finding in FINDINGS], mark(case), strict=True))
    assert marks.pop("mass") == 1 and marks.pop("hernia") == 0 and set(marks.values()) == {-1}


def test_every_case_is_read_with_the_reader_that_serves() -> None:
    reader = fake_reader()
    films = [noise_film(seed) for seed in range(3)]
    known = frozenset(finding.key for finding in FINDINGS)
    outcome = read_outcome(reader, [Case(film, f"p{i}", frozenset(), known) for i, film in enumerate(films)])
    expected = [[s.probability for s in reader.classify(reader.study(film)).scores] for film in films]
    np.testing.assert_array_equal(outcome.probabilities, expected)
    assert outcome.patients.tolist() == ["p0", "p1", "p2"] and outcome.truth.tolist() == [[0] * 14] * 3
    assert describe(outcome).endswith("(3 films)")


def test_the_table_names_every_finding_and_leaves_gaps_where_nothing_is_known() -> None:
    outcome = noisy(30)
    lines = write_table(outcome, 20).splitlines()
    assert len(lines) == 2 + 14 + 3
    assert lines[2].startswith(f"| {FINDINGS[0].name} | 30 | {int((outcome.truth[:, 0] == 1).sum())} | 0.")
    assert lines[3] == f"| {FINDINGS[1].name} | 0 | 0 | - |"
    assert lines[-2].startswith("| any of the 14 | 30") and "Brier skill" in lines[-1]


def test_the_command_prints_the_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classification, "load_reader", lambda settings, anyway: fake_reader())
    monkeypatch.setattr(classification, "choose_cases", lambda options: draw_cases(options.drawn, size=128))
    monkeypatch.setattr(classification, "write_table", partial(write_table, resamples=5))
    main(["--drawn", "6"])
    assert "| mean of the 14 | 6 |" in capsys.readouterr().out
