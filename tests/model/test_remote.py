"""A model behind an endpoint says what the same one says here; what goes wrong on the way becomes a sentence.

The server is a stand-in that speaks SGLang's protocol on loopback; SGLang itself never ran here.
"""

import inspect
import pickle
import time
from collections.abc import Iterator

import numpy as np
import pytest

from cxr.films.film import Film
from cxr.findings import BY_KEY
from cxr.model import endpoint as wire
from cxr.model.endpoint import Endpoint
from cxr.model.engine import Engine
from cxr.model.remote import NO_LOGPROBS, RemoteEngine, Sent
from cxr.prompts import YES_NO, ask_report, build_conversation
from cxr.reader import ask_findings
from cxr.results import CxrError, Turn
from cxr.sides import SIDE_ANSWERS
from tests.server import KEY, StandIn, serve, served_engine, stand_in
from tests.tiny import noise_film

QUESTIONS = ask_findings(tuple(BY_KEY))
REPORT = build_conversation(ask_report())
EVERY = 10_000  # tokens: the tiny model is untrained, so yes and no are not among its likeliest


@pytest.fixture
def server() -> StandIn:
    return stand_in()


@pytest.fixture
def address(server: StandIn) -> Iterator[str]:
    with serve(server) as address:
        yield address


def connect(address: str, read: float = 10.0, top: int = EVERY, **more: str | None) -> RemoteEngine:
    return RemoteEngine(Endpoint(address, read=read, pause=0.05, **more), served_engine().canvas, top)  # type: ignore[arg-type]


def write_here(film: Film, limit: int) -> list[str]:
    engine = served_engine()
    return [piece for piece in engine.stream(engine.encode(film), REPORT, limit) if piece]


def test_it_has_all_that_a_reader_asks_of_an_engine() -> None:
    for name in ("record", "encode", "encode_all", "score", "score_all", "stream", "write_all"):
        here, there = (list(inspect.signature(getattr(kind, name)).parameters) for kind in (Engine, RemoteEngine))
        assert here == there, name


def test_findings_agree_and_the_first_question_goes_alone(server: StandIn, address: str) -> None:
    here, there, film = served_engine(), connect(address), noise_film()
    kept = pickle.loads(pickle.dumps(there.encode(film)))
    scores = there.score(kept, QUESTIONS, YES_NO)
    expected = here.score(here.encode(film), QUESTIONS, YES_NO)
    assert scores == pytest.approx(expected, abs=1e-3) and np.ptp(expected[:, 0]) > 0.01
    assert len(server.asked) == 14 and server.side_by_side[:2] == [1, 1] and max(server.side_by_side) > 3
    assert {body["max_tokens"] for body in server.asked} == {1} and {body["model"] for body in server.asked} == {
        "tiny-merged"
    }
    assert server.prompts[0] == here.processor.apply_chat_template(QUESTIONS[0], add_generation_prompt=True)


def test_earlier_turns_follow_the_film(server: StandIn, address: str) -> None:
    there = connect(address)
    conversation = build_conversation("Is it?", [Turn("What is it?", "A film.")])
    there.score(there.encode(noise_film()), [conversation], YES_NO)
    assert server.prompts == [served_engine().processor.apply_chat_template(conversation, add_generation_prompt=True)]
    assert "user<|end_header_id|>\n\n<|image|>What is it?" in server.prompts[0]


def test_sides_are_told_apart_by_the_words_that_differ(server: StandIn, address: str) -> None:
    here, there, film = served_engine(), connect(address), noise_film(1)
    scores = there.score(there.encode(film), QUESTIONS[:2], SIDE_ANSWERS)
    told = here.score(here.encode(film), QUESTIONS[:2], ["On the left", "On the right", "On both"])
    assert scores == pytest.approx(told, abs=1e-3) and len(server.asked) == 4 and np.ptp(told) > 0.1
    with pytest.raises(CxrError, match="one is the beginning of another"):
        there.score(there.encode(film), QUESTIONS[:1], ["On", "On both"])


def test_an_answer_that_is_not_among_those_told_is_no_number(address: str) -> None:
    there = connect(address, top=20)
    with pytest.raises(CxrError, match="not among the 20 likeliest"):
        there.score(there.encode(noise_film()), QUESTIONS, YES_NO)
    spelt = connect(address)
    with pytest.raises(CxrError, match="not among"):  # spelt with several tokens
        spelt.score(spelt.encode(noise_film()), QUESTIONS[:1], ["Perhaps", "Never"])


def test_many_films_are_asked_and_written_about_at_once(address: str) -> None:
    here, there, films = served_engine(), connect(address), [noise_film(2), noise_film(3)]
    scores = there.score_all(there.encode_all(films), QUESTIONS[:3], YES_NO)
    assert scores == pytest.approx(here.score_all(here.encode_all(films), QUESTIONS[:3], YES_NO), abs=1e-3)
    assert np.abs(scores[0] - scores[1]).max() > 1e-3
    texts = there.write_all(there.encode_all(films), [REPORT, REPORT], limit=5)
    assert texts == ["".join(write_here(film, 5)) for film in films]


def test_a_report_comes_piece_by_piece(server: StandIn, address: str) -> None:
    there, server.slow = connect(address), 0.02
    pieces = there.stream(there.encode(noise_film()), REPORT, 30)
    first = next(pieces)
    assert server.tokens < 30  # it was not kept until the end
    assert [first, *pieces] == write_here(noise_film(), 30)


def test_who_stops_is_seen_by_the_server(server: StandIn, address: str) -> None:
    there, server.slow = connect(address), 0.02
    pieces = there.stream(there.encode(noise_film()), REPORT, 300)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert server.gone.wait(5) and server.tokens < 50


def test_a_server_that_starts_again_is_asked_again(server: StandIn) -> None:
    with serve(server) as address:
        there = connect(address)
        film = there.encode(noise_film())
        before = there.score(film, QUESTIONS[:1], YES_NO)
    with serve(server, int(address.split(":")[2].split("/")[0])):
        assert there.score(film, QUESTIONS[:1], YES_NO) == pytest.approx(before)
    with pytest.raises(CxrError, match="cannot be reached"):
        there.score(film, QUESTIONS[:1], YES_NO)


@pytest.mark.parametrize("fault", ["hang up", "break off after 0"])
def test_a_stream_that_fails_before_anything_was_shown_is_begun_again(
    server: StandIn, address: str, fault: str
) -> None:
    there, server.faults = connect(address), [fault]
    assert list(there.stream(there.encode(noise_film()), REPORT, 12)) == write_here(noise_film(), 12)
    server.faults = [fault, fault]
    with pytest.raises(CxrError, match="broke off"):
        list(there.stream(there.encode(noise_film()), REPORT, 4))


def test_half_a_report_is_neither_begun_again_nor_taken_for_a_whole_one(server: StandIn, address: str) -> None:
    there, server.faults = connect(address), ["break off after 2"]
    pieces = there.stream(there.encode(noise_film()), REPORT, 30)
    assert [next(pieces), next(pieces)] == write_here(noise_film(), 30)[:2]
    with pytest.raises(CxrError, match="broke off"):
        next(pieces)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("401", wire.BAD_KEY),
        ("404", wire.STATUS[404]),
        ("429", wire.STATUS[429]),
        ("503", wire.BROKEN),
        ("400", "The endpoint does not take what it was asked (HTTP 400)."),
        ("silence", wire.TOO_SLOW),
        ("garbage", wire.GARBAGE),
    ],
)
def test_every_fault_has_its_sentence(server: StandIn, address: str, fault: str, sentence: str) -> None:
    there = connect(address, read=0.2)
    for ask in (
        lambda: there.score(there.encode(noise_film()), QUESTIONS[:1], YES_NO),
        lambda: list(there.stream(there.encode(noise_film()), REPORT, 4)),
    ):
        server.faults = [fault]
        with pytest.raises(CxrError) as caught:
            ask()
        assert str(caught.value) == sentence and not server.faults


def test_no_logprobs_are_no_number(server: StandIn, address: str) -> None:
    there, server.faults = connect(address), ["no logprobs"]
    with pytest.raises(CxrError) as caught:
        there.score(there.encode(noise_film()), QUESTIONS, YES_NO)
    assert str(caught.value) == NO_LOGPROBS and len(server.asked) == 1


def test_the_key_is_sent_and_never_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with serve(stand_in(KEY)) as address:
        there = connect(address, key=KEY)
        assert there.score(there.encode(noise_film()), QUESTIONS[:1], YES_NO).sum() == pytest.approx(1)
        for key in (None, "another-key", "schlüssel"):
            with pytest.raises(CxrError) as caught:
                connect(address, key=key)
            assert str(caught.value) == wire.BAD_KEY
        named = address.replace("http://", "http://somebody:password@")
        with pytest.raises(CxrError):
            connect(named)
    assert KEY not in caplog.text and "password" not in caplog.text and "somebody" not in caplog.text


@pytest.mark.parametrize("address", ["", "host:30000", "ftp://host/v1", "http://", "http://[::1/v1"])
def test_what_is_no_address_is_said(address: str) -> None:
    with pytest.raises(CxrError) as caught:
        Endpoint(address)
    assert str(caught.value) == wire.BAD_ADDRESS


def test_a_film_as_it_is_sent_is_bounded() -> None:
    engine = RemoteEngine(Endpoint("http://127.0.0.1:9/v1", model="named"))  # which asks nobody
    film = Film(np.random.default_rng(0).random((1120, 1120), np.float32))
    began = time.monotonic()
    sent = engine.encode(film)
    assert isinstance(sent, Sent) and len(sent.png) < 1120 * 1120 * 1.1 and time.monotonic() - began < 5
