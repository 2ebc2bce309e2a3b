"""Reports are read back and counted as one would by hand."""

import math

import numpy as np
import pytest

from cxr.evaluation import text
from cxr.evaluation.films import Case, draw_cases
from cxr.evaluation.text import (
    KEYS,
    Reports,
    assert_always,
    compare_sides,
    find_common,
    main,
    measure_f1,
    measure_sides,
    write_reports,
    write_table,
)
from cxr.films.film import Film
from cxr.prompts import write_report
from cxr.reader import Reader
from cxr.results import Observation
from tests.fakes import EMBEDDED, FakeEngine, fake_reader
from tests.tiny import noise_film


def make(asserted: list[set[str]], present: list[set[str]], unknown: set[str] = frozenset()) -> Reports:  # type: ignore[assignment]
    truth = np.array([[-1 if key in unknown else int(key in those) for key in KEYS] for those in present], np.int8)
    patients = np.array([f"p{i}" for i in range(len(present))])
    return Reports(
        ("",) * len(present), np.array([[key in those for key in KEYS] for those in asserted]), truth, patients, ()
    )


class Dictated(FakeEngine):
    """Writes what it is told, one report a film."""

    def __init__(self, reports: list[str]) -> None:
        super().__init__()
        self.reports = iter(reports)

    def stream(self, *told: object, **more: object):  # type: ignore[no-untyped-def, override]
        yield next(self.reports)


def dictate(*reports: str) -> Reader:
    engine: object = Dictated(list(reports))
    return Reader(engine, EMBEDDED, None)  # type: ignore[arg-type]


def case(*observations: Observation, exact: bool = True) -> Case:
    present = frozenset(item.finding for item in observations)
    film: Film = noise_film()
    return Case(film, "p", present, frozenset(KEYS) - present, observations if exact else None)


def test_f1_counts_findings_over_all_films() -> None:
    # 2 found, 1 asserted wrongly, 2 missed: 2 * 2 / (3 + 4)
    reports = make([{"mass", "hernia"}, {"edema"}, set()], [{"mass"}, {"edema", "effusion"}, {"nodule"}])
    assert measure_f1(reports) == pytest.approx(4 / 7)
    assert measure_f1(make([{"mass"}], [{"mass"}])) == 1 and measure_f1(make([{"mass"}], [{"edema"}])) == 0
    assert math.isnan(measure_f1(make([set()], [set()])))


def test_unknown_findings_do_not_count() -> None:
    reports = make([{"mass", "hernia"}], [{"mass", "edema"}], unknown={"hernia", "edema"})
    assert measure_f1(reports) == 1


def test_reports_are_read_back() -> None:
    effusion, mass = Observation("effusion", "left", None, "small"), Observation("mass", "right", "upper")
    cases = [case(effusion, mass), case(effusion), case(mass, exact=False)]
    reports = write_reports(
        dictate(
            write_report([effusion, mass], ["pneumothorax"]),
            "Findings: No pleural effusion. There is a hernia. Impression: Hernia.",
            write_report([Observation("mass", "left")]),
        ),
        cases,
    )
    said = [{key for key, named in zip(KEYS, row, strict=True) if named} for row in reports.asserted]
    assert said == [{"effusion", "mass"}, {"hernia"}, {"mass"}]
    assert measure_f1(reports) == pytest.approx(2 * 3 / (4 + 4))
    assert reports.sides == (("left", "left"), ("right", "right"))  # the last film's sides are not known
    assert reports.patients.tolist() == ["p"] * 3 and len(reports.texts) == 3


def test_sides_are_compared_where_the_finding_was_reported() -> None:
    true = [
        Observation("effusion", "left"),
        Observation("mass", "right"),
        Observation("edema"),
        Observation("nodule", "both"),
    ]
    seen = {
        "effusion": Observation("effusion", "right"),
        "edema": Observation("edema", "left"),
        "nodule": Observation("nodule"),
        "hernia": Observation("hernia", "left"),
    }
    assert compare_sides(true, seen) == [("left", "right"), ("both", None)]


def test_sides_count_a_missing_one_as_wrong() -> None:
    sides = (("left", "left"), ("left", "right"), ("both", None), ("right", "right"))
    reports = Reports((), np.zeros((0, 14), bool), np.zeros((0, 14), np.int8), np.array([]), sides)  # type: ignore[arg-type]
    assert measure_sides(reports) == 0.5
    assert math.isnan(measure_sides(make([set()], [set()])))


def test_constant_readers_assert_the_most_frequent() -> None:
    reports = make([set()] * 3, [{"mass"}, {"mass", "edema"}, {"hernia", "edema", "mass"}])
    assert find_common(reports, 2) == sorted(["mass", "edema"], key=["mass", "edema"].index)
    assert measure_f1(assert_always(reports, ["mass"])) == pytest.approx(2 * 3 / (3 + 6))
    unknown = make([set()] * 2, [{"mass"}, {"edema"}], unknown={"mass"})
    assert find_common(unknown, 1) == ["edema"]


def test_drawing_again_keeps_films_whole() -> None:
    reports = make([{"mass"}, {"edema"}], [{"mass"}, {"hernia"}])
    again = reports.take(np.array([0, 0]))
    assert measure_f1(again) == 1 and again.patients.tolist() == ["p0", "p0"]


def test_the_table_tells_how_many_distinct_reports_there_were() -> None:
    lines = write_table(make([{"mass"}, {"mass"}, set()], [{"mass"}, {"edema"}, {"mass"}]), 20)
    assert "2 on 3 films" in lines and "always asserting the 1 most frequent" in lines
    assert "| micro F1 of named findings | 0.800 [" not in lines and "0.400" in lines


def test_the_command_prints_the_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "load_reader", lambda settings, anyway: fake_reader())
    monkeypatch.setattr(text, "choose_cases", lambda options: draw_cases(options.drawn, size=128))
    main(["--drawn", "3"])
    assert "on 3 films" in capsys.readouterr().out
