"""Visitors who wait are read in one batch, and each is told of their own film."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from cxr.evaluation.strangers import draw_stranger
from cxr.films.film import Film
from cxr.results import Gate
from cxr.sharing import SharedReader
from cxr.turns import Turns
from tests.fakes import fake_reader
from tests.tiny import noise_film


def test_films_that_wait_are_read_at_once_and_one_that_is_refused_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, turns = fake_reader(gated=True), Turns(1)
    shared, batches = SharedReader(reader, turns, at_once=8), list[int]()
    score = reader.engine.score_all
    monkeypatch.setattr(reader.engine, "score_all", lambda *told: (batches.append(len(told[0])), score(*told))[1])
    films = [Film(noise_film(seed).pixels * (seed + 1) / 8, anyway=True) for seed in range(5)]
    films.insert(2, draw_stranger("page", 10_000_000))
    with ThreadPoolExecutor(len(films)) as pool:
        with turns:
            told = [pool.submit(shared.read, film) for film in films]
            while len(shared._together._bench) < len(films):
                pass
        read = [each.result() for each in told]
    assert batches == [5] and isinstance(read[2], Gate) and read[2].refused
    for film, each in zip(films, read, strict=True):
        if not isinstance(each, Gate):
            study, result = each
            assert study.film.pixels is film.pixels and result == reader.classify(reader.study(film))


def test_a_report_may_be_asked_for_with_the_film_alone() -> None:
    reader, film = fake_reader(), noise_film()
    shared = SharedReader(reader, Turns(1))
    *_, report = shared.caption(film)
    assert report == list(shared.caption(reader.study(film)))[-1] and report.finished
    assert list(shared.answer(film, "Is the heart on the left?"))[-1].text.endswith("Is the heart on the left?")
