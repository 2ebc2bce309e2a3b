"""What is decided, how right that is, and the curve of risk and coverage, as one would count by hand."""

import math
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from cxr.evaluation import certainty as module
from cxr.evaluation.certainty import Decided, decide, draw_risk, main, measure_decided, trace_risk, write_findings
from cxr.evaluation.classification import Outcome
from cxr.evaluation.films import draw_cases
from tests.fakes import fake_reader

KEYS = ("mass", "nodule")
SHARES = np.array([[0.9, 0.2], [0.4, 0.05], [0.6, 0.3], [0.02, 0.7]])
TRUTH = np.array([[1, 1], [1, 0], [0, -1], [0, 1]], np.int8)
VERDICTS = np.array([[1, 0], [0, -1], [1, 0], [-1, 1]], np.int8)
SAMPLE = Decided(Outcome(SHARES, TRUTH, np.array(["a", "b", "c", "d"]), KEYS), VERDICTS)


def test_the_figures_are_those_counted_by_hand() -> None:
    figures = measure_decided(SAMPLE)  # 7 known pairs; decided: 0.9, 0.6, 0.02, 0.05, 0.7
    assert figures["decided"] == pytest.approx(5 / 7)
    assert figures["present"] == pytest.approx(2 / 3) and figures["absent"] == 1
    assert figures["found"] == pytest.approx(2 / 4) and figures["missed"] == 0  # 0.4 and 0.2 have it and stay open
    assert figures["wrong"] == pytest.approx(1 / 5) and figures["forced"] == 1  # 0.4 and 0.2 have it
    assert figures["gain"] == pytest.approx(4 / 5) and figures["nothing"] == pytest.approx(4 / 7)


def test_the_surest_are_asked_first() -> None:
    coverage, risk = trace_risk(np.array([0.4, 0.99, 0.7, 0.05]), np.array([True, True, False, False]))
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk == pytest.approx([0, 0, 1 / 3, 1 / 2])


def test_films_that_decide_nothing_have_no_such_figure() -> None:
    nothing = Decided(SAMPLE.outcome, np.zeros_like(VERDICTS))
    figures = measure_decided(nothing)
    assert figures["decided"] == 0 and all(math.isnan(figures[name]) for name in ("present", "absent", "wrong"))


def test_a_reader_is_judged_by_the_verdicts_that_it_serves() -> None:
    sample, scores = decide(fake_reader(), draw_cases(3, size=128))
    assert sample.verdicts.shape == (3, 14) and {*sample.verdicts.ravel().tolist()} <= {-1, 0, 1}
    assert ((sample.verdicts == 1) == (sample.outcome.probabilities >= 0.6)).all()
    table = write_findings(sample, scores, resamples=20)
    assert "| Pneumothorax | 3 (" in table and "| 3 of 5 | 105 of 110 |" in table


def test_the_command_prints_both_tables_and_draws_the_curve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = StringIO()
    monkeypatch.setattr(module, "load_reader", lambda *_, **__: fake_reader())
    monkeypatch.setattr(sys, "stdout", out)
    main(["--drawn", "3", "--resamples", "20", "--out", str(tmp_path / "figures")])
    assert "## All pairs of film and finding" in out.getvalue() and "held out: present" in out.getvalue()
    assert (tmp_path / "figures" / "risk-coverage.png").read_bytes().startswith(b"\x89PNG")
    draw_risk(SAMPLE, tmp_path / "again.png")
    assert (tmp_path / "again.png").stat().st_size > 5000
