"""What matters is told as the mean of several models, with how far they lie apart."""

import pytest

from cxr.evaluation.classification import KEYS, Outcome
from cxr.evaluation.embedded.gather import Heard
from cxr.evaluation.embedded.probabilities import OFTEN
from cxr.evaluation.embedded.questions import fit_words
from cxr.evaluation.embedded.seeds import write_seeds
from cxr.evaluation.intervals import Several
from cxr.evaluation.readings import Exchange, Reading, collect_outcome
from tests.evaluation.embedded.said import said

FILMS = 40


def hear(right: bool, reported: int) -> Heard:
    """A mass in every second film, told apart by its probability or the other way round, and reported in some."""
    real, asked = [], []
    for i in range(FILMS):
        present = ["mass"] if i % 2 else []
        likely = {"mass": 0.9 if bool(present) is right else 0.1}
        named = present if i < reported else []
        real.append(said(f"{i}.png", present, patient=f"p{i // 2}", asserted=named, probabilities=likely))
        answer = ("Yes." if present else "No.") if right else ("No." if present else "Yes.")
        exchange = Exchange("Is there a mass?", "Yes" if present else "No", answer=answer)
        asked.append(said(f"{i}.png", patient=f"p{i // 2}", exchanges=(exchange,)))
    return Heard([], real, real, [], asked, asked)


def find(table: str, name: str) -> list[str]:
    (row,) = (line for line in table.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in row.strip("|").split("|")[1:]]


def test_means_lie_between_the_seeds() -> None:
    words = fit_words(["Is there a mass?", "Is it a chest?"], [True, False])
    table = write_seeds([hear(True, FILMS), hear(False, FILMS // 2)], None, words, 50)
    assert table.startswith("## Means of 2 seeds\n\n40 films of 20 patients, each read by 2 models")
    assert find(table, f"real films: {OFTEN}") == ["0.500 [0.500, 0.500]", "0.000", "1.000"]
    mean, low, high = find(table, "report F1: the model")
    assert (low, high) == ("0.667", "1.000") and mean.startswith("0.833 [")
    assert find(table, "VQA-RAD: the model")[1:] == ["0.000", "1.000"] and "drawn films" not in table


def test_the_peer_stands_beside_and_the_difference_is_paired() -> None:
    one = hear(True, FILMS)
    outcome = collect_outcome(one.real)
    peers: Several[Outcome] = Several(
        (Outcome(1 - outcome.probabilities[:, : len(KEYS)], outcome.truth[:, : len(KEYS)], outcome.patients),)
    )
    table = write_seeds([one, one], peers, None, 50)
    assert find(table, f"the same, ResNet-18: {OFTEN}")[0] == "0.000 [0.000, 0.000]"
    assert find(table, f"above the ResNet-18: {OFTEN}")[0] == "+1.000 [+1.000, +1.000]"
    assert "VQA-RAD" not in table


def test_drawn_films_are_told_where_every_model_read_them() -> None:
    def draw(sides: str) -> Reading:
        reading = said("drawn:1", ["mass"], probabilities={"mass": 0.9})
        report = f"Findings: There is a mass on the {sides}. Impression: A mass on the {sides}."
        truth = "Findings: There is a mass on the left. Impression: A mass on the left."
        return type(reading)(**{**vars(reading), "report": report, "reference": truth})

    base = hear(True, FILMS)
    both = [Heard([], base.real, base.real, [draw(side)], [], []) for side in ("left", "right")]
    row = find(write_seeds(both, None, None, 20), "drawn films: right side, of findings with a side that are reported")
    assert row[1:] == ["0.000", "1.000"] and float(row[0].split()[0]) == pytest.approx(0.5)
