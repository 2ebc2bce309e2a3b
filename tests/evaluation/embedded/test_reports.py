"""Reports are read back and counted as one would by hand, beside readers that never look."""

import numpy as np
import pytest

from cxr.evaluation.embedded.reports import (
    NORMAL,
    OTHER,
    OURS,
    count_drawn,
    count_readers,
    count_switch,
    measure_drawn,
    measure_f1s,
    measure_switch,
    swap_reports,
    write_agreement,
    write_drawn,
    write_switch,
    write_variety,
)
from cxr.evaluation.embedded.tallies import tally
from cxr.evaluation.readings import Reading
from cxr.model.calibration import Calibration, Scale
from cxr.prompts import write_report
from cxr.results import Observation
from tests.evaluation.embedded.said import said

CALIBRATION = Calibration({"mass": Scale(1.0, 0.0, 0.6, 0.3)}, "no films")


def test_other_patients_reports_are_averaged_and_ones_own_left_out() -> None:
    asserted = np.array([[True, False], [True, True], [False, True]])
    swapped = swap_reports(asserted, np.array(["a", "a", "b"]))
    np.testing.assert_allclose(swapped, [[0, 1], [0, 1], [1, 0.5]])
    assert not swap_reports(asserted, np.array(["a"] * 3)).any()


def test_f1_of_the_model_and_of_those_who_do_not_look() -> None:
    readings = [
        said("0", ["mass"], asserted=["mass"]),
        said("1", ["mass", "edema"], asserted=["edema"], unknown=["hernia"]),
        said("2", ["edema", "mass"], asserted=["mass", "hernia"]),
    ]
    f1s = measure_f1s(count_readers(readings).sum_up())
    assert f1s[OURS] == pytest.approx(2 * 3 / (4 + 5)) and f1s[NORMAL] == 0
    # asserted by the two others, on average: film 0 edema .5 mass .5 hernia .5; 1 mass 1; 2 mass .5 edema .5
    assert f1s[OTHER] == pytest.approx(2 * (0.5 + 1 + 1) / (1.5 + 1 + 1 + 5))
    assert f1s["the 1 most frequent of these films, always"] == pytest.approx(2 * 3 / (3 + 5))
    assert f1s["the 2 most frequent of these films, always"] == pytest.approx(2 * 5 / (6 + 5))


def test_the_difference_has_its_own_interval() -> None:
    right = [
        said(str(i), ["mass"] if i % 2 else ["edema"], asserted=["mass"] if i % 2 else ["edema"]) for i in range(20)
    ]
    table = write_agreement(right, 50)
    assert "| the model | 1.000 [1.000, 1.000] |" in table and f"| above {NORMAL} | +1.000 [+1.000, +1.000] |" in table


def test_variety_tells_sides_apart_and_counts_earlier_films() -> None:
    texts = [
        write_report([Observation("mass", "left")]),
        write_report([Observation("mass", "right")]),
        write_report([Observation("mass", "right")]) + " It is unchanged.",
        write_report([]),
    ]
    table = write_variety([Reading(str(i), "p", (), (), (), report=text) for i, text in enumerate(texts)])
    assert "(finding, side) | 3 |" in table and "distinct reports | 4 |" in table and "earlier film | 1 |" in table


def drawn(true: list[Observation], told: list[Observation]) -> Reading:
    return Reading("d", "d", (), (), (), reference=write_report(true), report=write_report(told))


def test_a_drawn_film_counts_findings_and_sides() -> None:
    left, right = Observation("mass", "left"), Observation("effusion", "right", size="small")
    both, edema = Observation("pneumonia", "both", "lower"), Observation("edema")
    rows = [
        count_drawn(drawn([left, edema], [Observation("mass", "right"), edema])),  # exact, but the side is wrong
        count_drawn(drawn([right, both], [Observation("effusion", "right"), left])),  # one missed, one too many
        count_drawn(drawn([], [])),
        count_drawn(drawn([], [edema])),  # more than is there
    ]
    figures = measure_drawn(tally(list("abcd"), rows).sum_up())
    assert list(figures.values()) == pytest.approx([2 * 3 / 9, 2 / 4, 1 / 2, 1 / 3])


def test_the_section_of_drawn_films_names_their_seeds() -> None:
    readings = [
        said(f"drawn:{i}", ["mass"] if i % 2 else [], probabilities={"mass": 0.2 + i % 2 / 2}) for i in range(8)
    ]
    table = write_drawn(readings, range(10_000_000, 10_000_008), 20)
    assert "10000000 to 10000007" in table and "| macro AUROC, all 14 | 1.000 [1.000, 1.000] |" in table


def test_switching_the_adapter_off_is_seen_in_probabilities_verdicts_and_reports() -> None:
    on = [
        said("0", ["mass"], asserted=["mass"], probabilities={"mass": 0.7}),
        said("1", [], probabilities={"mass": 0.1, "edema": 0.9}),
    ]
    off = [
        said("0", ["mass"], asserted=["edema"], probabilities={"mass": 0.5}),
        said("1", [], probabilities={"mass": 0.2, "edema": 0.1}),
    ]
    rows = [count_switch(one, other, CALIBRATION) for one, other in zip(on, off, strict=True)]
    figures = measure_switch(tally(["0", "1"], rows).sum_up())
    assert figures["mean change of a probability"] == pytest.approx((0.2 + 0.1 + 0.8) / 28)
    assert figures["films with another verdict (present, not sure, absent)"] == 0.5  # edema has no operating points
    assert figures["films whose report names other findings"] == 0.5
    assert (figures["report F1, adapter on"], figures["report F1, adapter off"]) == (1, 0)
    same = tally(["0", "1"], [count_switch(one, one, CALIBRATION) for one in on]).sum_up()
    assert list(measure_switch(same).values())[:3] == [0, 0, 0]
    table = write_switch(on, off, CALIBRATION, 20)
    assert "above report F1, adapter off | +1.000" in table and "above macro AUROC, adapter off | +0.000" in table
