"""Every request belongs to one task."""

import random
from pathlib import Path

import pytest

from cxr.findings import BY_KEY
from cxr.prompts import Guide, ask_report
from cxr.results import Observation
from cxr.training.conversations import Truth
from cxr.training.data import DataOptions
from cxr.training.index import build_indexes
from cxr.training.preview import TASKS, name_task, show_labels
from cxr.training.questions import ask_list, ask_normal, ask_one, ask_place, ask_what
from tests.training.test_records import save_picture, write_list

TRUTH = Truth((Observation("mass", "left"),), frozenset(BY_KEY) - {"mass"}, "PA", placed=True)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_asked_belongs_to_its_task(seed: int) -> None:
    rng = random.Random(seed)
    lists = [ask_list(TRUTH, rng), ask_what(TRUTH, rng)]
    assert {name_task(*pair) for pair in lists if pair} == {"label list"}
    closed = [ask_one(TRUTH, rng), ask_normal(TRUTH, rng)]
    assert "label list" not in {name_task(*pair) for pair in closed if pair}
    place = ask_place(TRUTH, rng)
    assert place is None or name_task(*place) == "open question"
    assert name_task(ask_report("cough"), "Findings: x.") == "report"
    assert name_task(ask_report("cough", Guide(possible=("mass",))), "Findings: x.") == "guided report"
    assert set(TASKS) == {"question with yes or no", "label list", "report", "guided report", "open question"}


def test_each_label_is_shown_with_what_it_is_read_as_and_its_films(tmp_path: Path) -> None:
    labels = ["Left effusion|Xyz", "No Finding", "left effusion", "Lung Opacity", ["Xyz", "Xyz"]]
    for number, label in enumerate(labels):
        save_picture(tmp_path / f"{number}.png", 90 + number)
        labels[number] = {"image": f"{number}.png", "label": label, "patient": str(number), "split": "train"}
    write_list(tmp_path, *labels)
    for _ in range(2):  # made, and read back from the run's folder
        lines = show_labels(build_indexes(str(tmp_path), DataOptions(), tmp_path / "rows")).splitlines()
    assert "| Xyz | NOT UNDERSTOOD; Xyz (own); all that is not named is unknown | 2 |" in lines
    assert "| Left effusion | Effusion (left) | 1 |" in lines and "| No Finding | nothing found | 1 |" in lines
    assert [line for line in lines if line.startswith("| Lung Opacity | Lung opacity (own); unknown: Atelectasis, ")]
