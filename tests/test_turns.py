"""Turns at the model, and what is answered at once to those who wait."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from cxr.turns import Together, Turns, take_turns


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


def wait_until(so: Callable[[], bool]) -> None:
    while not so():
        pass


def ask_while_busy(
    wishes: Sequence[int], run: Callable[[Sequence[int]], Sequence[int]], at_once: int = 8
) -> list[object]:
    """What each of these is told, or raised, who all come while another has the turn."""
    turns = Turns(1)
    together = Together(run, turns, at_once)

    def ask(wish: int) -> object:
        try:
            return together.ask(wish)
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(len(wishes)) as pool:
        with turns:
            told = [pool.submit(ask, wish) for wish in wishes]
            wait_until(lambda: len(together._bench) == len(wishes))
        answers = [each.result() for each in told]
    assert turns._free == 1 and not together._bench
    return answers


def test_who_waits_together_is_answered_in_few_batches() -> None:
    batches: list[int] = []

    def double(wishes: Sequence[int]) -> list[int]:
        batches.append(len(wishes))
        return [2 * wish for wish in wishes]

    assert ask_while_busy(range(6), double) == [0, 2, 4, 6, 8, 10] and batches == [6]
    assert Together(double, nullcontext(), 8).ask(4) == 8 and batches == [6, 1]
    assert ask_while_busy(range(7), double, at_once=3) == [0, 2, 4, 6, 8, 10, 12] and batches[2:] == [3, 3, 1]


def test_what_is_wrong_with_one_wish_does_not_touch_the_others() -> None:
    def halve(wishes: Sequence[int]) -> list[int]:
        if any(wish % 2 for wish in wishes):
            raise ValueError(f"odd: {max(wish for wish in wishes if wish % 2)}")
        return [wish // 2 for wish in wishes]

    assert ask_while_busy([4, 3, 8, 5], halve) == [2, "odd: 3", 4, "odd: 5"]


def test_nobody_waits_for_one_who_was_interrupted() -> None:
    def stop(_: Sequence[int]) -> list[int]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Together(stop, Turns(1), 8).ask(1)
