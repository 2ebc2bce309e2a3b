"""Films side by side, each with a request of its own, are written about as each alone."""

import pytest
import torch

from cxr.model.decoder import Decoder
from cxr.model.engine import Encoded, Engine
from cxr.model.seat import Seat
from cxr.model.writing import Writing
from cxr.prompts import YES_NO, Message, ask_report, build_conversation
from cxr.results import Turn
from tests.model.test_fast import FURTHER, REPORT, Watch, fast_engine, forbid_plain, plain_engine
from tests.tiny import noise_film

ASKED = [
    REPORT,
    build_conversation(ask_report("Cough for two weeks")),
    build_conversation("Where?"),
    FURTHER,
    build_conversation("Is there a mass?", [Turn("What is it?", "There is fluid.")]),
]
SHORTEST, LONGEST = 2, 4
BEFORE = {"type": "text", "text": "There is a film of the chest, and there is a question. "}
LATE = [{"role": "user", "content": [BEFORE, *REPORT[0]["content"]]}]  # the film does not stand first
FILMS = [noise_film(seed) for seed in range(len(ASKED))]


def write_alone(engine: Engine, limit: int) -> list[str]:
    """What is streamed about each film in its own conversation."""
    pairs = zip(FILMS, ASKED, strict=True)
    return ["".join(engine.stream(engine.encode(film), asked, limit)) for film, asked in pairs]


def choose_tokens(engine: Engine, encoded: Encoded, asked: list[Message], count: int) -> list[int]:
    """The first tokens that are written about a film, whatever ends a text."""
    ids, cache = engine._tokenize(asked), engine._new_cache()
    start = len(ids)
    for _ in range(count):
        ids.append(engine._choose_next(ids, encoded, cache))
    return ids[start:]


def watch_runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list to which the tokens of each pass are added."""
    run: list[int] = []
    stock = Decoder.run
    monkeypatch.setattr(Decoder, "run", lambda self, ids, *told: run.append(ids.shape[1]) or stock(self, ids, *told))
    return run


def test_the_prompts_differ_in_length() -> None:
    lengths = [len(plain_engine()._tokenize(asked)) for asked in ASKED]
    assert len(set(lengths)) == len(ASKED)
    assert lengths[SHORTEST] == min(lengths) and lengths[LONGEST] == max(lengths)


@pytest.mark.parametrize("tiles", [1, 4])
@pytest.mark.parametrize("at_once", [2, 3, 5])  # 3 and 5 films leave places empty
def test_texts_after_prompts_of_different_lengths_equal_the_streamed_ones(tiles: int, at_once: int) -> None:
    plain, fast = plain_engine(tiles), fast_engine(tiles)
    expected = write_alone(plain, 12)
    with forbid_plain(fast):
        assert fast.write_all([fast.encode(film) for film in FILMS], ASKED, 12, at_once) == expected
        assert write_alone(fast, 12) == expected
    assert plain.write_all([plain.encode(film) for film in FILMS], ASKED, 12, at_once) == expected
    assert len(set(expected)) == len(expected) and all(expected)


@pytest.mark.parametrize("asked", [REPORT, LATE])  # leaves what all texts begin with at the seat, or something else
def test_texts_after_findings_of_the_same_films_equal_the_streamed_ones(asked: list[Message]) -> None:
    plain, fast = plain_engine(), fast_engine()
    with forbid_plain(fast):
        encoded = [fast.encode(film) for film in FILMS]
        fast.score_all(encoded, [asked], YES_NO)
        assert fast.write_all(encoded, ASKED, 12) == write_alone(plain, 12)


@pytest.mark.parametrize("first", [SHORTEST, LONGEST])  # the one while the others' prompts are read; the other after
def test_a_film_that_stops_early_does_not_stop_the_others(first: int) -> None:
    shared, fast = plain_engine(), fast_engine()
    plain = Engine(shared.model, shared.processor, shared.canvas, fast=False)
    token = choose_tokens(plain, plain.encode(FILMS[first]), ASKED[first], 3)[2]
    plain.stops = fast.stops = {token}
    expected = write_alone(plain, 20)
    with forbid_plain(fast):
        assert fast.write_all([fast.encode(film) for film in FILMS], ASKED, 20) == expected
    lengths = [len(text) for text in expected]
    assert lengths[first] < max(lengths)


def test_films_may_all_stop_at_once() -> None:
    fast = fast_engine()
    encoded = [fast.encode(film) for film in FILMS]
    pairs = zip(encoded, ASKED, strict=True)
    fast.stops = {token for pair in pairs for token in choose_tokens(fast, *pair, 1)}
    assert fast.write_all(encoded, ASKED) == [""] * len(ASKED)


def test_what_every_prompt_is_long_enough_for_is_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = fast_engine()
    assert fast.fast
    states = [fast.encode(film).states for film in FILMS]
    texts = [fast._tokenize(asked) for asked in ASKED]
    film_at = [fast._find_film(ids) for ids in texts]
    run = watch_runs(monkeypatch)
    written = fast.fast.write_all(states, texts, film_at, 6, set())
    assert written and [len(tokens) for tokens in written] == [6] * len(texts)
    shortest, longest = min(map(len, texts)), max(map(len, texts))
    assert run == [shortest, *[1] * (longest - shortest + 6)]
    run.clear()
    assert fast.fast.write_all(states, texts[:1] * len(texts), film_at, 6, set())
    assert run == [len(texts[0]), *[1] * 6]


def test_a_prompt_that_does_not_fit_with_its_text_is_read_one_by_one(caplog: pytest.LogCaptureFixture) -> None:
    plain, fast = plain_engine(), fast_engine()
    assert fast.fast
    fast.fast.capacity = max(len(fast._tokenize(asked)) for asked in ASKED) + 11
    assert fast.write_all([fast.encode(film) for film in FILMS], ASKED, 12) == write_alone(plain, 12)
    assert "runs on the plain path" in caplog.text


def test_films_that_do_not_stand_at_one_place_in_their_prompts_are_read_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain, fast = plain_engine(), fast_engine()
    asked = [FURTHER, LATE]
    expected = plain.write_all([plain.encode(film) for film in FILMS[:2]], asked, 8)

    def fail(*_: object) -> None:
        raise AssertionError("they are written in step")

    monkeypatch.setattr(Seat, "write", fail)
    with forbid_plain(fast):
        assert fast.write_all([fast.encode(film) for film in FILMS[:2]], asked, 8) == expected


@pytest.mark.parametrize("fast", [False, True])
def test_as_many_conversations_as_films_are_wanted(fast: bool) -> None:
    engine = fast_engine() if fast else plain_engine()
    with pytest.raises(ValueError, match="zip"):
        engine.write_all([engine.encode(FILMS[0])], ASKED[:2])


def test_own_tokens_stand_in_without_a_look_at_the_chosen_ones() -> None:
    writing = Writing([[1, 2], [1, 2, 3, 4], [1, 5, 6]], limit=2, stops={9}, device=torch.device("cpu"))
    tokens = torch.tensor([[7], [7], [7]])
    found = []
    with Watch() as watch:
        for place in range(writing.begun, writing.end):
            writing.dictate(tokens, place)
            found.append(tokens.clone())
            tokens.fill_(7)
    assert torch.cat(found, 1).tolist() == [[7, 7, 7, 7], [3, 4, 7, 7], [6, 7, 7, 7]]
    assert watch.names["aten.where"] and not watch.names["aten._local_scalar_dense"]


def test_each_text_ends_at_its_own_limit_or_stop() -> None:
    writing = Writing([[1], [1, 2, 3]], limit=3, stops={9}, device=torch.device("cpu"))
    goes_on = [writing.note(tokens, place) for place, tokens in enumerate([[4, 9], [5, 9], [6, 4], [7, 9]], start=1)]
    assert writing.written == [[4, 5, 6], [4]] and goes_on == [True, True, True, False]
