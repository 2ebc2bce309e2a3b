"""Every figure of an evaluation is told, and nothing else."""

from dataclasses import fields
from typing import Any

import pytest

from cxr.evaluation.intervals import Figure
from cxr.evaluation.tables import NAMES, nest
from cxr.findings import BY_KEY
from cxr.training.data import DataOptions
from cxr.training.disclosure import BY_FINDING, CHOICES, OPTIONS, READERS, keep_metrics, keep_options, list_figures
from cxr.training.options import SftOptions

FIGURE = {"value": 0.5, "low": 0.25, "high": 0.75}


def test_everything_that_an_evaluation_measures_is_told() -> None:
    names = [*NAMES, *(f"{group}/{key}" for group in BY_FINDING for key in (*BY_KEY, "support_devices"))]
    figures = {f"{reader}/{name}": Figure(0.5, 0.25, 0.75) for reader in READERS for name in names}
    counts = {key: {"known": 9, "present": 2} for key in ("mass", "support_devices")}
    about = {"split": "test", "data_kind": "hub", "same_data": False, "films": 12, "patients": 9, "findings": counts}
    metrics: dict[str, Any] = {**about, **nest(figures)}
    assert keep_metrics(metrics, ["support_devices"]) == metrics
    assert list_figures(metrics) == figures
    assert {"auroc", "average_precision", "f1", "accuracy"} == BY_FINDING


@pytest.mark.parametrize(
    "metrics",
    [
        {"split": "ward 3"},
        {"split": ["test"]},
        {"films": "twelve"},
        {"patients": ["Erika"]},
        {"data_kind": "ward 3"},
        {"same_data": "Erika"},
        {"findings": {"Erika": {"known": 9, "present": 2}}},
        {"findings": {"support_devices": {"known": 9, "present": 2}}},
        {"findings": {"mass": {"known": 9, "present": "Erika"}}},
        {"findings": ["Erika"]},
        {"adapter": "Erika"},
        {"adapter": {"auroc": "Erika"}},
        {"adapter": {"auroc": {"Erika": FIGURE}}},
        {"adapter": {"auroc": {"support_devices": FIGURE}}},
        {"adapter": {"Erika": {"macro": FIGURE}}},
        {"adapter": {"reports": {"effusion": FIGURE}}},
        {"adapter": {"auroc": {"macro": {"low": 0.1, "high": 0.2}}}},
        {"adapter": {"auroc": {"macro": {"value": "Erika"}}}},
        {"adapter": {"auroc": {"macro": {"value": float("nan")}}}},
        {"adapter": {"auroc": {"macro": [0.1, 0.2]}}},
        {"Erika": {"auroc": {"macro": FIGURE}}},
        {},
    ],
)
def test_nothing_else_is(metrics: dict[str, Any]) -> None:
    assert keep_metrics(metrics) == {}


def test_a_figure_loses_what_is_no_number() -> None:
    told = keep_metrics({"adapter": {"auroc": {"macro": {**FIGURE, "worst": "Erika", "films": ["a.png"]}}}})
    assert told == {"adapter": {"auroc": {"macro": FIGURE}}}


def test_options_are_numbers_and_known_choices() -> None:
    given = {
        "rank": 16,
        "dropout": 0.05,
        "train_vision": False,
        "targets": "attention",
        "engine": "/data/x",
        "seed": [1],
    }
    assert keep_options({**given, "data": "/data/x", "out": "run", "Erika": 1}) == {
        "rank": 16,
        "dropout": 0.05,
        "train_vision": False,
        "targets": "attention",
    }
    assert keep_options(None) == keep_options("rank") == {}


def test_the_length_that_did_not_hold_and_the_canvas_are_left_out() -> None:
    assert keep_options({"epochs": 3.0, "max_steps": 4, "canvas": 0}) == {"max_steps": 4}
    assert keep_options({"epochs": 3.0, "max_steps": 0}) == keep_options({"epochs": 3.0}) == {"epochs": 3.0}


def test_the_options_are_those_that_a_run_records() -> None:
    recorded = {field.name: field for options in (SftOptions, DataOptions) for field in fields(options)}
    assert set(OPTIONS) <= recorded.keys()
    assert not {"data", "out", "base"} & set(OPTIONS)
    defaults = {recorded[name].default for name in OPTIONS if isinstance(recorded[name].default, str)}
    assert defaults - {""} <= CHOICES
