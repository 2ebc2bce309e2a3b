"""Probabilities are measured over the right films and findings, and beside the right rows of a peer."""

from pathlib import Path

import numpy as np
import pytest

from cxr.evaluation.classification import KEYS
from cxr.evaluation.embedded.probabilities import (
    LEAST,
    OFTEN,
    find_often,
    measure_order,
    read_peers,
    write_groups,
    write_probabilities,
)
from cxr.evaluation.films import CHESTXRAY14, RealFilm
from cxr.evaluation.intervals import Several, measure_mean
from cxr.evaluation.readings import Reading, collect_outcome
from cxr.results import CxrError
from tests.evaluation.embedded.said import said


def make_readings(films: int = 40) -> list[Reading]:
    """A mass in every second film, told apart at once; a hernia in one, held for the least likely."""
    readings = []
    for i in range(films):
        present = [*(["mass"] if i % 2 else []), *(["hernia"] if i == 0 else [])]
        likely = {"mass": 0.9 if i % 2 else 0.1, "hernia": 0.0 if i == 0 else 0.5}
        readings.append(said(f"{i}.png", present, patient=f"p{i // 2}", probabilities=likely))
    return readings


def keep_peer(path: Path, readings: list[Reading], logits: np.ndarray, truth: np.ndarray | None = None) -> Path:
    names, patients = [each.name for each in readings], [each.patient for each in readings]
    true = collect_outcome(readings).truth if truth is None else truth
    np.savez(path, told=logits, truth=true.astype(np.float32), patients=np.array(patients), files=np.array(names))
    return path


def find_row(table: str, name: str) -> list[str]:
    (row,) = (line for line in table.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_a_finding_that_few_films_have_counts_in_the_mean_of_all_alone() -> None:
    outcome = collect_outcome(make_readings())
    often = find_often(outcome)
    assert [KEYS[i] for i in often] == ["mass"] and LEAST == 7
    figures = measure_order(outcome, often)
    assert figures[OFTEN] == 1 and figures["macro AUROC, all 14"] == pytest.approx((1 + 0) / 2)


def test_the_figure_of_several_is_the_mean_of_theirs() -> None:
    outcome = collect_outcome(make_readings())
    turned = type(outcome)(1 - outcome.probabilities, outcome.truth, outcome.patients, outcome.keys)
    figures = measure_mean(Several((outcome, turned)), lambda one: measure_order(one, find_often(outcome)))
    assert figures[OFTEN] == 0.5 and figures["Mass"] == 0.5


def test_the_table_holds_every_finding_and_says_how_many_films_have_it() -> None:
    table = write_probabilities(make_readings(), None, 20)
    assert "40 films of 20 patients" in table
    assert find_row(table, "Mass")[1:] == ["20", "1.000 [1.000, 1.000]"] and find_row(table, "Edema")[1:] == ["0", "-"]
    skill = float(find_row(table, f"Brier skill, findings with at least {LEAST} films")[2].split()[0])
    assert skill == pytest.approx(1 - 0.01 / 0.25)


def test_a_peer_is_matched_by_the_names_of_films(tmp_path: Path) -> None:
    readings = make_readings()
    logits = np.where(collect_outcome(readings).truth == 1, -1.0, 1.0)  # always wrong
    mixed = list(reversed(readings))
    path = keep_peer(tmp_path / "peer.npz", mixed, logits[::-1])
    peers = read_peers([path, path], readings[4:])
    assert peers is not None and len(peers.parts) == 2
    table = write_probabilities(readings[4:], peers, 20)
    assert find_row(table, "Mass")[2:] == ["1.000 [1.000, 1.000]", "0.000 [0.000, 0.000]", "+1.000 [+1.000, +1.000]"]


def test_a_peer_of_other_films_or_another_truth_is_refused(tmp_path: Path) -> None:
    readings = make_readings()
    logits = np.zeros((len(readings), len(KEYS)))
    with pytest.raises(CxrError, match=r"39\.png"):
        read_peers([keep_peer(tmp_path / "a.npz", readings[:-1], logits[:-1])], readings)
    with pytest.raises(CxrError, match="true"):
        read_peers([keep_peer(tmp_path / "b.npz", readings, logits, np.zeros_like(logits))], readings)
    assert read_peers([], readings) is None


def test_groups_hold_their_own_films_alone() -> None:
    readings = make_readings()
    films = [
        RealFilm(
            Path(each.name),
            CHESTXRAY14,
            each.patient,
            "val",
            "PA" if i < 10 else "AP",
            frozenset(),
            frozenset(),
            "F" if i < 30 else None,
            (39, 40, 65, 66)[i % 4],
        )
        for i, each in enumerate(readings)
    ]
    table = write_groups(films, readings, 20)
    assert find_row(table, "women")[1:4] == ["30", "15", "1"] and find_row(table, "men")[1:] == [
        "0",
        "0",
        "0",
        "-",
        "-",
    ]
    assert [find_row(table, name)[1] for name in ("under 40 years", "40 to 65 years", "over 65 years")] == [
        "10",
        "20",
        "10",
    ]
    assert find_row(table, "PA")[1:5] == ["10", "5", "0", "-"]  # five of them have a mass: too few for a mean
    assert find_row(table, "AP")[1:5] == ["30", "15", "1", "1.000 [1.000, 1.000]"]
