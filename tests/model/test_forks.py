"""Where answers part."""

from cxr.model.forks import END, WORD, find_forks
from cxr.prompts import YES_NO
from cxr.sides import SIDE_ANSWERS


def test_answers_of_one_word_part_at_once() -> None:
    assert find_forks(YES_NO) == {"": {"Yes": [0], "No": [1]}}


def test_sides_part_where_they_differ_and_nowhere_else() -> None:
    assert find_forks(SIDE_ANSWERS) == {
        "On": {" the": [0, 1], " both": [2]},
        "On the": {" left": [0], " right": [1]},
    }


def test_what_is_the_same_or_goes_on_is_seen() -> None:
    assert find_forks(["No.", "No."]) == {}
    assert find_forks(["No.", "No. It is."]) == {"No.": {END: [0], " It": [1]}}


def test_no_letter_is_lost() -> None:
    for text in ("No_2 (a) don't 1234\n\n  é – 50 %", "On both sides."):
        assert "".join(WORD.findall(text)) == text
