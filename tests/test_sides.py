"""On which side a finding is, and what the mirrored film must say."""

from cxr.findings import BY_KEY
from cxr.sides import OPPOSITE, SIDE_ANSWERS, SideEvidence, ask_side, choose_side, compare_sides
from cxr.training.wordings import SIDE

LEFT = SideEvidence("effusion", 0.8, 0.15, 0.05)
RIGHT = SideEvidence("effusion", 0.1, 0.7, 0.2)
BOTH = SideEvidence("effusion", 0.2, 0.2, 0.6)


def test_the_question_is_one_that_was_taught() -> None:
    assert ask_side(BY_KEY["effusion"]) in [wording.format("pleural effusion") for wording in SIDE]


def test_the_answers_stand_in_the_order_of_the_evidence() -> None:
    shares = [[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]]
    sides = [choose_side(SideEvidence("mass", *row)) for row in shares]
    assert sides == ["left", "right", "both"]
    assert all(side in answer for side, answer in zip(sides, SIDE_ANSWERS, strict=True))
    assert [OPPOSITE[OPPOSITE[side]] for side in sides] == sides


def test_a_side_is_sure_where_it_changes_with_the_film() -> None:
    flipped, stayed, both, lost = compare_sides([LEFT, LEFT, BOTH, BOTH], [RIGHT, LEFT, BOTH, LEFT])
    assert (flipped.sure, flipped.side, flipped.mirrored_side) == (True, "left", "right")
    assert flipped.sentence == "Pleural effusion: on the left. On the mirrored film it moves to the right, as it must."
    assert not stayed.sure and "still on the left on the mirrored film: do not rely on its side" in stayed.sentence
    assert both.sure and "stays there" in both.sentence
    assert not lost.sure and lost.probability == 0.6
