"""What two readers said becomes files and a table that agree with each other."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from PIL import Image

from cxr.evaluation.answers import Exchange
from cxr.evaluation.classification import KEYS, Outcome
from cxr.evaluation.figures import count_decisions, draw_confusion, draw_reliability, draw_roc
from cxr.evaluation.intervals import Figure
from cxr.evaluation.readings import Reading, collect_outcome
from cxr.evaluation.scores import Scores, measure_scores, score_readings
from cxr.evaluation.summary import Heard, Origin, write_summary
from cxr.evaluation.tables import nest, write_cell, write_table
from cxr.evaluation.text import Reports, measure_f1
from cxr.model.calibration import Calibration, Scale
from cxr.statements import read_statements

FILMS = 24


def read(skill: float, seed: int = 0) -> list[Reading]:
    """A reader that knows findings as far as `skill` (0 to 1) goes; two films a patient."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, (FILMS, len(KEYS)))
    noise = rng.random(truth.shape)
    probabilities = 0.1 + 0.8 * (skill * truth + (1 - skill) * noise)
    exchange = Exchange("Which view is this?", "A PA view.", answer="A PA view." if skill > 0.5 else "Lateral.")
    return [
        Reading(
            f"film-{i}.png",
            f"secret-{i // 2}",
            KEYS,
            tuple(map(int, truth[i])),
            tuple(map(float, probabilities[i])),
            "Findings: There is a mass. Impression: Mass.",
            f"Findings: There is a mass. Impression: {'Mass' if skill > 0.5 else i}.",
            (exchange,),
        )
        for i in range(FILMS)
    ]


def hear(skill: float) -> Heard:
    scales = {key: Scale(1.5, 0.1, 0.6, 0.3) for key in KEYS}
    return Heard(read(skill), collect_outcome(read(skill, seed=1)), Calibration(scales, "x"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    out = tmp_path_factory.mktemp("out")
    return write_summary(
        {"base": hear(0.1), "adapter": hear(0.9)}, Origin("test", FILMS + 1, "hub", True), 30, 0, out
    ), out


def test_metrics_are_nested_figures_with_intervals(written: tuple[str, Path]) -> None:
    metrics = json.loads((written[1] / "metrics.json").read_text(encoding="utf-8"))
    assert (metrics["split"], metrics["films"], metrics["patients"], metrics["skipped"]) == (
        "test",
        FILMS,
        FILMS // 2,
        1,
    )
    assert (metrics["data_kind"], metrics["same_data"]) == ("hub", True)
    for reader in ("base", "adapter", "difference"):
        assert set(metrics[reader]["auroc"]) == {"macro", *KEYS}
        for group in ("average_precision", "f1", "accuracy", "ece", "brier", "bleu", "rouge", "reports", "vqa"):
            for figure in metrics[reader][group].values():
                assert set(figure) == {"value", "low", "high"} and figure["low"] <= figure["high"]
    base, adapter, difference = (metrics[name]["auroc"]["macro"] for name in ("base", "adapter", "difference"))
    assert difference["value"] == pytest.approx(adapter["value"] - base["value"]) and difference["low"] > 0
    assert metrics["findings"]["mass"]["known"] == FILMS and set(metrics["thresholds"]["adapter"]) == set(KEYS)
    assert set(metrics["base"]["ece"]) == {"before", "after"} == set(metrics["base"]["brier"])
    assert "finding_questions" not in metrics["base"]  # none was asked


def test_metrics_name_no_film_and_no_patient_and_predictions_do(written: tuple[str, Path]) -> None:
    metrics = (written[1] / "metrics.json").read_text(encoding="utf-8")
    assert "secret" not in metrics and "film-" not in metrics and "There is" not in metrics
    lines = [json.loads(line) for line in (written[1] / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["film"] for line in lines] == [f"film-{i}.png" for i in range(FILMS)]
    assert lines[3]["patient"] == "secret-1" and {"base", "adapter"} <= set(lines[3])


def test_the_table_puts_base_beside_adapter_and_their_difference(written: tuple[str, Path]) -> None:
    metrics = json.loads((written[1] / "metrics.json").read_text(encoding="utf-8"))
    rows = {line.split(" | ")[0].strip("| "): line for line in written[0].splitlines() if line.startswith("|")}
    assert rows["measure"] == "| measure | base | adapter | difference |"
    figures = [metrics[name]["auroc"]["macro"] for name in ("base", "adapter", "difference")]
    base, adapter, difference = (Figure(**figure) for figure in figures)
    wanted = f"| AUROC, mean over findings | {base} | {adapter} | +{difference.value:.3f} [+{difference.low:.3f}, "
    assert rows["AUROC, mean over findings"].startswith(wanted)
    with_it = metrics["findings"]["pleural_thickening"]["present"]
    assert f"AUROC, Pleural thickening ({with_it} with it)" in rows and "BLEU-4" in rows
    assert not any("closed questions" in row for row in rows)
    assert f"{FILMS} test films of {FILMS // 2} patients. 1 could not be opened" in written[0]
    assert f"come from {FILMS} validation films" in written[0] and "sacrebleu's (nrefs:1|case:lc" in written[0]


def test_pictures_have_a_panel_a_reader(written: tuple[str, Path], tmp_path: Path) -> None:
    write_summary({"base": hear(0.1)}, Origin("val", FILMS), 3, 0, tmp_path)
    for name in ("roc.png", "reliability.png", "confusion.png"):
        one, two = Image.open(tmp_path / name), Image.open(written[1] / name)
        assert two.size == (one.size[0] * 2, one.size[1]) and np.asarray(two.convert("L")).std() > 5


def test_a_warning_stands_under_the_table(tmp_path: Path) -> None:
    table = write_summary({"base": hear(0.1)}, Origin("test", FILMS, warning="other data."), 3, 0, tmp_path)
    assert table.split("\n\n")[1].startswith("**WARNING: other data.**\n")


def paint(paint: Callable[[Axes, Scores], None], readings: list[Reading]) -> Axes:
    """One panel of a drawing."""
    panel = Drawing().subplots()
    scores = score_readings(readings, None, Calibration({key: Scale(1.5, 0.1, 0.6, 0.3) for key in KEYS}, "x"))
    paint(panel, scores)
    return panel


def read_rare() -> list[Reading]:
    """As `read`, but the first finding is present on four films alone."""
    return [replace(one, truth=(int(i < 4), *one.truth[1:])) for i, one in enumerate(read(0.9))]


def test_roc_curves_can_be_told_apart_and_leave_out_what_few_films_have() -> None:
    panel = paint(draw_roc, read_rare())
    curves = {str(line.get_label()): line for line in panel.lines[:-1]}
    assert len(curves) == 13 and "Pneumothorax" not in " ".join(curves) and "Pneumothorax" in panel.get_xlabel()
    assert len({(line.get_color(), line.get_linestyle()) for line in curves.values()}) == 13
    with_mass = sum(one.truth[KEYS.index("mass")] for one in read_rare())
    assert f"Mass: 1.000 ({with_mass})" in curves
    legend = panel.get_legend()
    assert legend is not None and legend.get_bbox_to_anchor().x0 >= panel.bbox.x1


def test_reliability_shows_every_point_and_its_count() -> None:
    panel = paint(draw_reliability, read(1.0))
    low, high = panel.get_ylim()
    assert low < -0.03 and high > 1.03
    before, after = (line for line in panel.lines if "Platt" in str(line.get_label()))
    assert before.get_fillstyle() == after.get_fillstyle() == "none" and before.get_marker() != after.get_marker()
    counts = [int(text.get_text()) for text in panel.texts]
    assert sum(counts) == 2 * FILMS * len(KEYS)


def test_confusion_says_how_many_films_each_row_has() -> None:
    names = [tick.get_text() for tick in paint(draw_confusion, read_rare()).get_yticklabels()]
    assert names[0] == f"Pneumothorax\n4 / {FILMS - 4}"


def test_a_base_alone_has_one_column_and_what_cannot_be_had_is_left_out(tmp_path: Path) -> None:
    told = [replace(reading, reference="", exchanges=()) for reading in read(0.5)]
    table = write_summary({"base": Heard(told, None, None)}, Origin("train", FILMS), 3, 0, tmp_path)
    assert table.startswith("| measure | base |\n|---|---|\n")
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert not {"adapter", "difference"} & set(metrics) and not {"bleu", "rouge", "vqa"} & set(metrics["base"])
    assert set(metrics["base"]["ece"]) == {"before"} and "BLEU-1" not in table
    assert "no validation films" in table and "trained on these films" in table


def test_thresholds_come_from_validation_and_the_truth_of_the_test_films_moves_none() -> None:
    heard = hear(0.5)
    assert heard.validation is not None
    scores = score_readings(heard.readings, heard.validation, None)
    flipped = [replace(reading, truth=tuple(1 - mark for mark in reading.truth)) for reading in heard.readings]
    np.testing.assert_array_equal(score_readings(flipped, heard.validation, None).thresholds, scores.thresholds)
    one = score_readings(heard.readings, heard.validation.take(np.arange(FILMS) % 3), None)
    assert (one.thresholds != scores.thresholds).any()
    assert score_readings(heard.readings, None, None).thresholds.tolist() == [0.5] * 14


def test_figures_do_not_change_with_the_order_of_films_and_a_draw_takes_whole_films() -> None:
    scores = score_readings(read(0.5), None, None)
    whole, turned = measure_scores(scores), measure_scores(scores.take(np.arange(FILMS)[::-1]))
    assert turned == pytest.approx(whole, nan_ok=True)
    some = np.array([0, 0, 5, 9])
    drawn, again = scores.take(some), score_readings([read(0.5)[i] for i in some], None, None)
    np.testing.assert_array_equal(drawn.outcome.probabilities, again.outcome.probabilities)
    assert drawn.patients.tolist() == ["secret-0", "secret-0", "secret-2", "secret-4"]
    assert measure_scores(drawn)["bleu/2"] == pytest.approx(measure_scores(again)["bleu/2"])


def test_the_f1_of_reports_is_that_of_the_report_evaluation() -> None:
    readings = read(0.5)
    named = {item.observation.finding for item in read_statements(readings[0].report) if item.present}
    asserted = np.tile([key in named for key in KEYS], (FILMS, 1))
    truth = np.array([reading.truth for reading in readings])
    patients = np.array([reading.patient for reading in readings])
    expected = measure_f1(Reports((), asserted, truth, patients, ()))
    assert measure_scores(score_readings(readings, None, None))["reports/findings_f1"] == pytest.approx(expected)


def test_decisions_are_counted_where_the_truth_is_known() -> None:
    truth = np.array([[1], [1], [0], [0], [0], [-1]], np.int8)
    outcome = Outcome(np.array([[0.9], [0.2], [0.7], [0.1], [0.2], [0.9]]), truth, np.arange(6), ("mass",))
    assert count_decisions(outcome, np.array([0.5])).tolist() == [[1, 1, 1, 2]]


def test_what_is_no_number_stays_out_of_json_and_table() -> None:
    nan = float("nan")
    figures = {"base/auroc/mass": Figure(0.5, nan, nan), "base/auroc/macro": Figure(nan, nan, nan)}
    assert nest(figures) == {"base": {"auroc": {"mass": {"value": 0.5}}}}
    assert write_table(figures, ["base"], ["mass"]).splitlines()[2:] == ["| AUROC, Mass | 0.500 |"]
    assert write_cell(Figure(-0.0001, -0.25, 0.0), signed=True) == "+0.000 [-0.250, +0.000]"
    assert write_cell(None, signed=False) == "-" == write_cell(Figure(nan, nan, nan), signed=True)
