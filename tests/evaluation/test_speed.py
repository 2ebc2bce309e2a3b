"""Steps are timed in turns and told side by side. No test here looks at a clock."""

from itertools import count

import pytest

from cxr.evaluation import speed
from cxr.evaluation.speed import Timing, build_steps, main, time_steps, write_table
from cxr.films.phantom import draw_film
from cxr.prompts import ask_report, build_conversation
from tests.fakes import FakeEngine, fake_reader


def test_steps_take_turns_after_an_untimed_round() -> None:
    done: list[str] = []
    timings = time_steps({name: (lambda name=name: done.append(name)) for name in "ab"}, repeats=3)  # type: ignore[misc]
    assert done == ["a", "b"] * 4 and list(timings) == ["a", "b"]


def test_the_first_round_does_not_count_and_the_median_does(monkeypatch: pytest.MonkeyPatch) -> None:
    # A clock that the step itself moves: 100 s the first time, then 1, 2, 3, 4 and 5 s.
    now, durations = [0.0], iter([100.0, 1, 2, 3, 4, 5])
    monkeypatch.setattr(speed.time, "perf_counter", lambda: now[0])

    def step() -> None:
        now[0] += next(durations)

    assert time_steps({"step": step}, 5) == {"step": Timing(3, 2, 4)}


def test_every_step_does_what_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, asked = fake_reader(), []
    engine: FakeEngine = reader.engine  # type: ignore[assignment]
    score = engine.score
    monkeypatch.setattr(engine, "score", lambda *told: asked.append(len(told[1])) or score(*told))
    lengths: list[tuple[int, int]] = []
    steps = build_steps(reader, lengths)
    counted = {}
    for name, step in steps.items():
        before, so_far = engine.encodings, len(asked)
        step()
        counted[name] = (engine.encodings - before, asked[so_far:])
    assert counted == {
        "encode": (1, []),
        "14 findings, film encoded": (0, [14]),
        "14 findings, encode included": (1, [14]),
        "14 findings asked one by one": (14, [1] * 14),
        "first word, film encoded": (0, []),
        "whole report, film encoded": (0, []),
        "heat map of a finding, film encoded": (0, [1]),
    }
    pieces = list(engine.stream(reader.study(draw_film(0, view="PA").film).encoded, build_conversation(ask_report())))
    assert lengths == [(len("".join(pieces).split()), len(pieces))]


def test_the_table_gives_milliseconds_ratios_and_speed() -> None:
    seconds = dict(zip(build_steps(fake_reader(), []), count(1), strict=False))
    timings = {name: Timing(s / 10, s / 20, s / 5) for name, s in seconds.items()}
    table = write_table(timings, (30, 60))
    assert "| encode | 100 [50, 200] | 1.00 |" in table
    assert "| 14 findings, encode included | 300 [150, 600] | 3.00 |" in table
    assert "One batch over one by one: 1.3 times. Written a second: 50 words, 100 tokens." in table


def test_the_command_prints_model_and_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "load_reader", lambda settings: fake_reader())
    threads: list[int] = []
    monkeypatch.setattr(speed.torch, "set_num_threads", threads.append)
    main(["--threads", "1", "--repeats", "1"])
    said = capsys.readouterr().out
    assert said.startswith("embedded Mllama, embedded adapter, CPU, float32, 1 threads") and threads == [1]
    assert "| 14 findings asked one by one |" in said
