"""Which findings drawn films have, and that words can say them."""

from typing import get_args

import numpy as np

from cxr.films.film import View
from cxr.films.phantom import draw_film
from cxr.films.phantom.mix import choose_observations
from cxr.findings import BY_KEY, FINDINGS
from cxr.prompts import write_observation, write_report
from cxr.results import Observation, Side
from cxr.statements import read_statements


def choose(seed: int, frontal: bool = True) -> tuple[Observation, ...]:
    return choose_observations(seed, frontal, None)


def test_every_drawn_observation_can_be_said_and_read_back() -> None:
    for seed in range(150):
        for item in choose(seed):
            said = read_statements(write_report([item]))
            assert Observation(item.finding, item.side, item.zone, item.size) in [each.observation for each in said]
            assert write_observation(item)


def test_the_mix_holds_everything_and_nothing_in_three_of_ten() -> None:
    films = [choose(seed) for seed in range(1500)]
    assert 0.25 < np.mean([not film for film in films]) < 0.35
    assert max(len(film) for film in films) == 3
    seen = [item for film in films for item in film]
    assert {item.finding for item in seen} == {finding.key for finding in FINDINGS}
    assert {item.side for item in seen if BY_KEY[item.finding].sided} == set(get_args(Side))
    assert all(item.side is None for item in seen if not BY_KEY[item.finding].sided)
    assert all(item.side is None for seed in range(200) for item in choose(seed, frontal=False))


def test_a_random_film_has_one_mask_a_finding() -> None:
    for seed in range(12):
        drawn = draw_film(seed, size=128)
        assert set(drawn.masks) == {item.finding for item in drawn.observations}
        assert drawn.view in get_args(View) and drawn.film.view == drawn.view and drawn.seed == seed
        assert 18 <= drawn.age <= 92


def test_what_is_given_is_kept() -> None:
    asked = Observation("mass", "right", "upper", "large")
    drawn = draw_film(9, size=128, view="AP", sex="F", age=80, observations=(asked,))
    assert (drawn.view, drawn.sex, drawn.age, drawn.observations) == ("AP", "F", 80, (asked,))


def test_a_lateral_has_no_left_and_right() -> None:
    assert (
        draw_film(1, size=128, view="lateral", observations=(Observation("effusion", "left"),)).observations[0].side
        is None
    )
