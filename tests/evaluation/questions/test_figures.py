"""Shares are counted as one would by hand."""

import sys
from pathlib import Path

import pytest

from cxr.evaluation.questions import __main__ as module
from cxr.evaluation.questions.__main__ import main
from cxr.evaluation.questions.asking import Asked
from cxr.evaluation.questions.figures import Heard, write_table
from cxr.reader import Reader
from cxr.results import Answer, Manner
from tests.fakes import fake_reader


def heard(answerable: bool, *manners: Manner, step: str = "Ask again.") -> Heard:
    asked = Asked("treatment" if not answerable else "the view", answerable, ("a", "b", "c"), None, 1)
    answers = tuple(Answer("The same.", True, (), manner, "Because.", step) for manner in manners)
    return Heard(asked, answers, ("I cannot say.", "Yes.", "Yes."))


def test_a_refusal_needs_a_reason_and_a_step() -> None:
    three = (Manner.DECLINED, Manner.CORRECTED, Manner.ANSWERED)
    assert heard(False, *three).count_refused() == pytest.approx(2 / 3)
    assert heard(False, *three, step="").count_refused() == 0
    assert heard(False, Manner.NOT_SURE).count_unsure() == 1 and heard(False, Manner.NOT_SURE).count_refused() == 0


def test_wordings_agree_in_manner_and_in_words() -> None:
    assert heard(True, *[Manner.ANSWERED] * 3).count_alike() == 1
    mixed = heard(True, Manner.ANSWERED, Manner.ANSWERED, Manner.DECLINED)
    assert mixed.count_alike() == 0 and mixed.count_same() == 1


def test_the_table_holds_both_shares_and_the_readers_that_ask_nothing() -> None:
    table = write_table([heard(False, *[Manner.DECLINED] * 3), heard(True, *[Manner.ANSWERED] * 3)], 20)
    assert "| **cannot be answered** | 1 | 1.000" in table and "| **can be answered** | 1 | 0.000" in table
    assert "| always declining | 1.000 | 1.000 |" in table and "| the model alone" in table


def test_the_command_asks_and_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load_fake(_: object, anyway: bool) -> Reader:
        return fake_reader()

    monkeypatch.setattr(module, "load_reader", load_fake)
    monkeypatch.setattr(sys, "argv", ["questions"])
    main(["--set", "tried", "--share", "0.01", "--resamples", "5", "--out", str(tmp_path / "said.jsonl")])
    assert "| treatment | 1 | 1.000" in capsys.readouterr().out
    lines = (tmp_path / "said.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3 * 22 and all('"manner"' in line for line in lines)
