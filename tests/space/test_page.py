"""The page's parts, its events, what they promise to ZeroGPU, and how faults become sentences."""

import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch

from cxr.films.phantom import draw_film
from cxr.prompts import READY_QUESTIONS
from cxr.results import CxrError
from cxr.space import desk as desks
from cxr.space import faults
from cxr.space.desk import Desk
from cxr.space.examples import Example
from cxr.space.page import Page, build_page
from cxr.space.serving import build_theme, choose_host, serve
from cxr.space.shelf import Shelf
from cxr.space.visit import Studied, Visit, find_seen
from tests.fakes import BARE_LLAMA, FakeEngine, fake_reader
from tests.space.served import TRUTH, draw_examples

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def page(tmp_path: Path) -> Page:
    reader = fake_reader(replace(BARE_LLAMA, problem="The adapter is gated."))
    return build_page(Desk(reader), Shelf(reader.open, draw_examples(tmp_path)))


def test_events_of_the_page_are_private(page: Page) -> None:
    public = {fn.api_name for fn in page.fns.values() if fn.api_visibility != "private"}
    assert public == {"classify", "caption", "answer", "locate", "check_film", "check_sides"}


def test_nothing_of_an_example_is_told_beforehand(page: Page) -> None:
    config = json.dumps(page.get_config_file(), default=str)
    assert "Drawn film 1" in config
    assert TRUTH not in config and "example-1" not in config


def test_the_page_names_the_problem_the_licence_and_what_is_missing(page: Page) -> None:
    config = json.dumps(page.get_config_file(), default=str)
    for text in (
        "The adapter is gated.",
        "Built with Llama",
        "European Union",
        "Not fine-tuned, not calibrated",
        *READY_QUESTIONS,
    ):
        assert text in config


def test_what_the_adapter_was_taught_is_not_called_not_looked_for(page: Page, tmp_path: Path) -> None:
    reader = fake_reader(own_findings=["tuberculosis"])
    taught = build_page(Desk(reader), Shelf(reader.open, draw_examples(tmp_path)))
    texts = [json.dumps(each.get_config_file(), default=str) for each in (page, taught)]
    unsought = [text.partition("Not looked for: ")[2].partition(".")[0] for text in texts]
    assert ["tuberculosis" in text for text in unsought] == [True, False]
    assert all(text.startswith("fractures") for text in unsought)


def test_what_a_visitor_leaves_is_deleted(page: Page) -> None:
    states = [block for block in page.blocks.values() if isinstance(block, gr.State)]
    assert states and all(state.time_to_live == 3600 for state in states)
    assert page.delete_cache == (300, 3600)


def test_building_the_page_runs_no_model(tmp_path: Path) -> None:
    reader = fake_reader()
    build_page(Desk(reader), Shelf(reader.open, draw_examples(tmp_path)))
    assert isinstance(reader.engine, FakeEngine) and reader.engine.encodings == 0


def test_other_machines_reach_the_page_only_on_a_space() -> None:
    assert choose_host({}) == "127.0.0.1"
    assert choose_host({"SPACE_ID": "someone/reader"}) != "127.0.0.1"


@pytest.mark.parametrize("name", ["0.0.0.0", "127.0.0.2", "localhost"])
@pytest.mark.parametrize("more", [{}, {"SPACE_ID": "someone/reader"}])
def test_the_address_that_is_named_is_served(name: str, more: dict[str, str]) -> None:
    assert choose_host({"GRADIO_SERVER_NAME": name, **more}) == name


@pytest.mark.parametrize("name", ["203.0.113.7", "no.such.machine.invalid", "x" * 70, "127.0.0.1:80", " "])
def test_an_address_that_is_not_of_this_machine_is_a_sentence(name: str) -> None:
    with pytest.raises(CxrError, match="GRADIO_SERVER_NAME"):
        choose_host({"GRADIO_SERVER_NAME": name})


def test_a_port_that_cannot_be_had_gets_a_sentence(page: Page) -> None:
    for named in ("abc", "0", "70000"):
        with pytest.raises(CxrError, match=f"must be a port, 1 to 65535, not {named}"):
            serve(page, {"GRADIO_SERVER_PORT": named})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CxrError, match="Another port can be named with GRADIO_SERVER_PORT"):
            serve(page, {"GRADIO_SERVER_PORT": str(taken.getsockname()[1])})


def test_it_is_served_with_nothing_kept_or_told(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def launch(**options: Any) -> tuple[None, str, None]:
        given.update(options)
        return None, "http://127.0.0.1:1/", None

    monkeypatch.setattr(page, "launch", launch)
    serve(page, {})
    off = ("run_history", "show_error", "enable_monitoring", "share", "ssr_mode", "pwa")
    assert not any(given[name] for name in off) and given["mcp_server"]
    assert given["server_name"] == "127.0.0.1" and given["server_port"] == 7860
    assert given["max_file_size"] == 64 << 20
    assert given["max_threads"] > page.at_once  # a reading that waits for the model holds a thread
    assert given["state_session_capacity"] > page.at_once  # no film is forgotten while it is read


def test_the_theme_fetches_no_font() -> None:
    assert not build_theme()._stylesheets


def test_an_example_that_cannot_be_opened_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_text("no film")
    broken = Example(tmp_path / "broken.png", "Broken", None, (), "", "", drawn=False)
    shelf = Shelf(fake_reader().open, [broken, *draw_examples(tmp_path)])
    assert [name for _, name in shelf.list_thumbnails()] == ["Drawn film 1, PA", "Drawn film 2, PA"]
    with pytest.raises(CxrError):
        shelf.find("Broken")


def test_a_late_study_of_another_film_is_not_used() -> None:
    reader = fake_reader()
    first, second = (draw_film(seed, size=128).film for seed in (1, 2))
    visit, studied = Visit("second", second), Studied("first", reader.study(first))
    assert find_seen(visit, studied) is second
    assert find_seen(visit, replace(studied, number="second")) is studied.study
    with pytest.raises(CxrError, match="choose a film"):
        find_seen(None, studied)


def test_the_film_is_encoded_once_for_all_that_follows() -> None:
    reader = fake_reader()
    desk = Desk(reader)
    study, _ = desk.read(draw_film(1, size=128).film)
    list(desk.caption(study))
    for _ in range(5):
        list(desk.answer(study, "Is the heart enlarged?"))
    assert isinstance(reader.engine, FakeEngine) and reader.engine.encodings == 1


def test_leases_are_long_enough_and_no_longer_than_needed() -> None:
    film = draw_film(1, size=128).film
    study = fake_reader().study(film)
    assert (
        desks.estimate_reading(film)
        < desks.estimate_writing(study)
        < desks.estimate_writing(film, "question", ())
        <= 60
    )


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (CxrError("Send a film, not <b>."), "Send a film, not &lt;b&gt;."),
        (RuntimeError("secret"), faults.GENERAL),
        (torch.OutOfMemoryError("secret"), faults.NO_MEMORY),
        (
            gr.Error("You have exceeded your GPU quota", title="ZeroGPU quota exceeded"),
            faults.ZERO_GPU["ZeroGPU quota exceeded"],
        ),
        (gr.Error("GPU task aborted", title="ZeroGPU worker error"), faults.ZERO_GPU["ZeroGPU worker error"]),
    ],
)
def test_whatever_is_raised_becomes_a_sentence(raised: Exception, said: str, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise raised

    def fail_late() -> Iterator[int]:
        yield 1
        raise raised

    twice = faults.guard(faults.guard(fail))  # as around a handler and around what it leases
    with caplog.at_level(logging.INFO):
        for run in (twice, lambda: list(faults.guard(fail_late)())):
            with pytest.raises(gr.Error) as caught:
                run()
            assert caught.value.message == said and not caught.value.print_exception
    assert "secret" not in caplog.text


def test_every_error_of_zerogpu_has_a_sentence() -> None:
    folder = Path(sys.modules["spaces"].__file__ or "").parent / "zero"
    text = "".join((folder / name).read_text(encoding="utf-8") for name in ("client.py", "wrappers.py"))
    for title in faults.ZERO_GPU:
        assert f'error("{title}"' in text


@pytest.mark.slow
def test_a_fork_gives_the_same_answers() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.space.forked"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    answers = json.loads(run.stdout)
    assert answers["forked"] == answers["direct"]
    assert answers["direct"]["report"] == answers["direct"]["again"] and answers["direct"]["answer"]["finished"]
