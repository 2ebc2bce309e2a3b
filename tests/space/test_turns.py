"""Turns at the model and the pace of streams."""

import threading
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from cxr.space.turns import ALONE, TOGETHER, Pace, Turns, take_turns


def test_turns_come_in_the_order_of_asking() -> None:
    turns, order = Turns(1), list[int]()

    def wait(number: int) -> None:
        with turns:
            order.append(number)

    with turns:
        threads = []
        for number in range(8):
            threads.append(threading.Thread(target=wait, args=(number,)))
            threads[-1].start()
            while len(turns._waiting) <= number:  # the next one asks only when this one waits
                pass
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_so_many_at_once_and_no_more() -> None:
    turns, inside, most = Turns(3), list[int](), list[int]()

    def work() -> None:
        for _ in range(50):
            with turns:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 3 and turns._free == 3


def test_a_stream_does_not_keep_its_turn_while_it_is_read() -> None:
    turns = Turns(1)
    first, second = (take_turns(iter(range(3)), turns) for _ in range(2))
    assert [next(first), next(second), next(first), next(second)] == [0, 0, 1, 1]
    assert [*first, *second] == [2, 2] and turns._free == 1


def test_a_turn_ends_when_its_work_breaks() -> None:
    def fail() -> Iterator[int]:
        yield 1
        raise RuntimeError

    turns = Turns(1)
    stream = take_turns(fail(), turns)
    next(stream)
    with pytest.raises(RuntimeError):
        next(stream)
    assert turns._free == 1
    assert list(take_turns(iter("ab"), nullcontext())) == ["a", "b"]


def test_pacing_keeps_the_last_and_closes_what_it_paces() -> None:
    closed = []

    def count() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    assert list(Pace(alone=60).keep(count())) == [0, 999]
    assert list(Pace(alone=0, together=1e9).keep(count())) == list(range(1000))
    stream = Pace().keep(count())
    next(stream)
    stream.close()
    assert len(closed) == 3


def test_one_stream_sends_ten_a_second_and_many_share_what_there_is() -> None:
    pace = Pace()
    streams = [pace.keep(iter(range(3))) for _ in range(128)]
    next(streams[0])
    assert pace.pause == ALONE == 0.1
    for stream in streams[1:]:
        next(stream)
    assert pace.pause == 128 / TOGETHER > 0.1  # 128 streams together: TOGETHER updates a second
    for stream in streams:
        stream.close()
    assert pace.pause == ALONE
