"""Every request belongs to one task."""

import random

import pytest

from cxr.findings import BY_KEY
from cxr.prompts import Guide, ask_report
from cxr.results import Observation
from cxr.training.conversations import Truth
from cxr.training.preview import TASKS, name_task
from cxr.training.questions import ask_list, ask_normal, ask_one, ask_place, ask_what

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
