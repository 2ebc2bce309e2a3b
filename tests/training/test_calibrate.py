"""Calibration on synthetic scores whose truth is known."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import brier_score_loss

from cxr.evaluation.classification import Outcome
from cxr.findings import FINDINGS
from cxr.model.calibration import Calibration
from cxr.training.calibrate import (
    SLOPE,
    TESTED_ON,
    calibrate,
    fit_calibration,
    fit_line,
    main,
    name_population,
    read_population,
)
from cxr.training.card import DATASETS
from cxr.training.operating import DECIDED, LIKELY, MISSED, MOST_MISSED, choose_points, is_decided, place_points

FILMS = 3000


def misjudge(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a model that orders films well and is three times too sure and too eager; and the truth."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(-2, 1.5, (FILMS, len(FINDINGS)))
    truth = (rng.random(honest.shape) < expit(honest)).astype(np.int8)
    return expit(3 * honest + 4), truth


def apply(calibration: Calibration, finding: int, probabilities: np.ndarray) -> np.ndarray:
    """As the reader applies it."""
    return np.array([calibration.score(FINDINGS[finding].key, p).probability for p in probabilities])


@pytest.fixture(scope="module")
def fitted() -> tuple[np.ndarray, np.ndarray, Calibration]:
    probabilities, truth = misjudge()
    return probabilities, truth, fit_calibration(probabilities, truth, "synthetic films")


def test_what_was_miscalibrated_becomes_honest(fitted: tuple[np.ndarray, np.ndarray, Calibration]) -> None:
    probabilities, truth, calibration = fitted
    for i, finding in enumerate(FINDINGS):
        scale = calibration.scales[finding.key]
        calibrated = apply(calibration, i, probabilities[:, i])
        assert scale.slope == pytest.approx(1 / 3, abs=0.08)
        assert scale.intercept == pytest.approx(-4 / 3, abs=0.35)
        assert calibrated.mean() == pytest.approx(truth[:, i].mean(), abs=1e-3)
        assert brier_score_loss(truth[:, i], calibrated) < brier_score_loss(truth[:, i], probabilities[:, i]) - 0.05


def test_operating_points_are_ordered_and_hold_what_they_promise(
    fitted: tuple[np.ndarray, np.ndarray, Calibration],
) -> None:
    probabilities, truth, calibration = fitted
    missed, decided = [], []
    for i, finding in enumerate(FINDINGS):
        scale, calibrated = calibration.scales[finding.key], apply(calibration, i, probabilities[:, i])
        assert 0 < scale.absent_below < scale.present_from < 1 and scale.present_from >= LIKELY
        specific = np.quantile(calibrated[truth[:, i] == 0], 0.95)
        assert scale.present_from == pytest.approx(max(specific, LIKELY))
        missed.append((calibrated[truth[:, i] == 1] < scale.absent_below).mean())
        decided.append(is_decided(calibrated, (scale.present_from, scale.absent_below)).mean())
        assert place_points(calibrated, truth[:, i])[1] <= scale.absent_below  # a tenth is missed at least
    assert np.mean(decided) == pytest.approx(DECIDED, abs=0.02)  # here a tenth does not decide as many
    assert max(missed) - min(missed) < 0.05 and MISSED < np.mean(missed) < MOST_MISSED  # the same for all findings


def test_a_tenth_is_missed_where_that_decides_enough() -> None:
    rng = np.random.default_rng(2)
    honest = expit(rng.normal(-3, 3, 6000))
    truth = (rng.random(6000) < honest).astype(int)
    present_from, absent_below = choose_points({0: (honest, truth)})[0]
    assert is_decided(honest, (present_from, absent_below)).mean() > DECIDED
    assert (honest[truth == 1] < absent_below).mean() == pytest.approx(MISSED, abs=0.02)


def test_one_film_does_not_place_the_point_of_a_rare_finding() -> None:
    honest = np.linspace(0.001, 0.05, 400)
    points = []
    for place in (20, 380):  # the only film that has it, low or high
        truth = np.zeros(400, int)
        truth[place] = 1
        points.append(place_points(honest, truth)[1])
    assert points[0] == points[1]


def test_what_is_called_present_is_more_often_so_than_not() -> None:
    rng = np.random.default_rng(4)
    scores = rng.normal(-4, 1.2, 6000)  # a rare finding: of the one in twenty that score highest, most are without it
    truth = (rng.random(6000) < expit(scores)).astype(int)
    slope, intercept = fit_line(scores, truth, shared=1.0)
    calibrated = expit(slope * scores + intercept)
    eager = calibrated >= np.quantile(calibrated[truth == 0], 0.95)
    assert truth[eager].mean() < 0.4
    assert truth[calibrated >= place_points(calibrated, truth)[0]].mean() > 0.5


def test_points_stay_ordered_where_both_kinds_are_told_apart() -> None:
    present_from, absent_below = place_points(expit(np.linspace(-6, 6, 60)), np.repeat([0, 1], 30))
    assert absent_below == present_from


def test_an_order_is_never_turned_round() -> None:
    scores = np.linspace(-3, 3, 400)
    slope, _ = fit_line(scores, (scores < 0).astype(int), shared=-1.0)
    assert slope == SLOPE[0] > 0


def test_few_positives_take_the_slope_that_all_share() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=4000)
    many = (rng.random(4000) < expit(0.3 * scores)).astype(int)
    few = np.zeros(4000, int)
    few[rng.choice(4000, 3, replace=False)] = 1
    some = few.copy()
    some[rng.choice(4000, 5, replace=False)] = 1
    assert fit_line(scores, few, shared=1.5)[0] == 1.5  # of three films nothing of their own is believed
    assert 0.9 < fit_line(scores, some, shared=1.5)[0] < 1.5
    assert fit_line(scores, many, shared=1.5)[0] == pytest.approx(0.3, abs=0.1)


def test_a_finding_without_both_kinds_of_film_is_left_out() -> None:
    probabilities, truth = misjudge(2)
    truth[:, 0] = 0
    truth[:, 1] = -1
    truth[:, 2] = np.where(np.arange(FILMS) % 2, 1, -1)
    scales = fit_calibration(probabilities, truth, "x").scales
    assert set(scales) == {finding.key for finding in FINDINGS[3:]}


def test_nothing_is_calibrated_where_no_finding_has_five_films_of_each_kind() -> None:
    probabilities, truth = misjudge(5)
    for kind in (0, 1):
        truth[:] = 1 - kind
        truth[:4] = kind
        assert fit_calibration(probabilities, truth, "x").scales == {}
        truth[4, 0] = kind  # one that has, lends its slope to all
        scales = fit_calibration(probabilities, truth, "x").scales
        assert len(scales) == len(FINDINGS) and len({scale.slope for scale in scales.values()}) <= 2


def test_decisions_are_counted_on_films_that_had_no_part_in_fitting() -> None:
    probabilities, truth = misjudge(9)
    truth[:, 3] = -1
    keys, whose = tuple(finding.key for finding in FINDINGS[:4]), np.arange(600) // 2
    told = Outcome(probabilities[:600, :4], truth[:600, :4], whose, keys)
    calibration = calibrate(told, "600 films", TESTED_ON["chestxray14"])
    assert set(calibration.scales) == {*keys[:3]}
    for i, key in enumerate(keys[:3]):
        tested = calibration.scales[key].tested
        assert tested and (tested.where, tested.films, tested.with_it) == ("NIH films", 600, truth[:600, i].sum())
        assert 0 < tested.present_right < tested.present and 0 < tested.absent_right < tested.absent
    noise = Outcome(np.random.default_rng(1).random((600, 4)), truth[:600, :4], whose, keys)
    beyond = [
        tested.absent_right / tested.absent - (1 - tested.with_it / tested.films)
        for tested in (scale.tested for scale in calibrate(noise, "x", "films").scales.values())
        if tested and tested.absent
    ]  # what cannot be known is not right more often than by chance
    assert beyond and np.mean(beyond) < 0.03


def test_a_population_is_read_back_and_nobody_elses_words_are() -> None:
    for kind, name in DATASETS.items():
        assert read_population(name_population(7, kind)) == f"7 validation films ({name})"
    for text in ("7 validation films (ward 3)", "", "Erika", "7 validation films (MIMIC-CXR) of Erika"):
        assert read_population(text) == "films that are not recorded"


def test_films_of_unknown_truth_do_not_count() -> None:
    probabilities, truth = misjudge(3)
    known = fit_calibration(probabilities[:1500], truth[:1500], "x").scales
    truth[1500:] = -1
    assert fit_calibration(probabilities, truth, "x").scales == known


def test_the_reader_applies_what_was_fitted(fitted: tuple[np.ndarray, np.ndarray, Calibration]) -> None:
    probabilities, _, calibration = fitted
    scale = calibration.scales[FINDINGS[5].key]
    p = probabilities[:20, 5]
    expected = expit(scale.slope * logit(np.clip(p, 1e-6, 1 - 1e-6)) + scale.intercept)
    np.testing.assert_allclose(apply(calibration, 5, p), expected)
    assert calibration.population == "synthetic films"


def test_own_findings_are_fitted_beside_the_14() -> None:
    probabilities, truth = misjudge(6)
    keys = (*(finding.key for finding in FINDINGS), "fracture", "tuberculosis")
    probabilities = np.column_stack([probabilities, probabilities[:, :2]])
    truth = np.column_stack([truth, truth[:, 0], np.full(FILMS, -1)])  # of tuberculosis nothing is known
    scales = fit_calibration(probabilities, truth, "x", keys).scales
    assert set(scales) == set(keys) - {"tuberculosis"}
    assert scales["fracture"] == scales[FINDINGS[0].key]


def test_films_without_any_truth_leave_nothing_calibrated() -> None:
    probabilities, truth = misjudge(7)
    assert fit_calibration(probabilities, np.full_like(truth, -1), "x").scales == {}


def test_as_many_findings_are_named_as_are_given() -> None:
    probabilities, truth = misjudge(8)
    with pytest.raises(ValueError, match="13 findings"):
        fit_calibration(probabilities, truth, "x", [finding.key for finding in FINDINGS[:13]])


def test_nothing_is_fitted_for_an_endpoint_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else the embedded model's scales would be taken for the endpoint's."""
    monkeypatch.setenv("CXR_ENDPOINT", "no address")
    with pytest.raises(SystemExit):
        main(["--films", str(tmp_path), "--out", str(tmp_path)])
    assert "Nothing was fitted" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_few_films_that_are_told_apart_without_an_error_do_not_set_the_steepest_slope() -> None:
    truth = np.repeat([1, 0], [6, 14])[:, None]
    told = expit(np.where(truth == 1, 1.5, -1.5))
    slope = fit_calibration(told, truth, "", ("effusion",)).scales["effusion"].slope
    assert 0.5 < slope < 0.9 * SLOPE[1]
