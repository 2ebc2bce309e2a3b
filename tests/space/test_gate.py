"""The gate on the page and over HTTP: a refusal, a warning, the button that turns a film, reading it all the same."""

import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cxr.evaluation.strangers import draw_stranger
from cxr.films.film import Film, shrink, to_image
from cxr.films.gate import STRANGERS, inspect_film
from cxr.films.phantom import draw_film
from cxr.films.quality import SMALL
from cxr.results import Gate, Reason
from cxr.space import markup
from cxr.space.desk import Desk
from cxr.turns import Turns
from tests.fakes import BARE_LLAMA, EMBEDDED, FakeEngine, fake_reader
from tests.space.served import call, mark_file, serve_fake, upload
from tests.space.test_browser import CHROMIUM, PATIENCE, browser, choose, open_tab, visit  # noqa: F401

REFUSAL, WARNING = (Reason("x", refuses, "It is <b>odd</b>.", "Send another.") for refuses in (True, False))
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_fake(tmp_path_factory.mktemp("page"), gated=True) as address:
        yield address


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    film = draw_film(10_000_007, size=256, view="PA").film
    shown = {
        "film": film,
        "turned": Film(np.ascontiguousarray(np.rot90(film.pixels))),
        "page": draw_stranger("page", 10_000_000),
        "small": Film(shrink(film.pixels, 110)),
    }
    for name, each in shown.items():
        to_image(each).save(folder / f"{name}.png")
    return {name: folder / f"{name}.png" for name in shown}


def findings(page: Page) -> Locator:
    return page.locator(".cxr-findings tbody tr")


@pytest.mark.browser
@needs_chromium
def test_a_refused_film_says_why_and_what_to_do_and_is_read_only_when_asked(
    browser: Browser,  # noqa: F811
    address: str,
    films: dict[str, Path],
) -> None:
    with visit(browser, address) as page:
        choose(page, films["page"])
        expect(page.get_by_role("alert")).to_contain_text("This film was not read", timeout=PATIENCE)
        expect(page.get_by_role("alert")).to_contain_text("Send the film itself")
        expect(findings(page)).to_have_count(0)
        open_tab(page, "Captioning")
        expect(page.get_by_role("button", name="Write again")).to_be_disabled()
        expect(page.get_by_role("button", name="Turn it")).to_have_count(0)
        page.get_by_role("button", name="Read it anyway").click()
        open_tab(page, "Classification")
        expect(findings(page)).to_have_count(14, timeout=PATIENCE)
        expect(page.get_by_role("alert")).to_contain_text("Read all the same, as you asked")
        expect(page.get_by_role("tabpanel").get_by_role("status").first).to_contain_text("does not look like")
        expect(page.get_by_role("button", name="Read it anyway")).to_have_count(0)
        open_tab(page, "Captioning")
        expect(page.get_by_role("button", name="Write again")).to_be_enabled(timeout=PATIENCE)
        choose(page, films["film"])  # what was wanted of one film is not wanted of the next
        open_tab(page, "Classification")
        expect(page.get_by_role("alert")).to_have_count(0, timeout=PATIENCE)
        expect(findings(page)).to_have_count(14, timeout=PATIENCE)


@pytest.mark.browser
@needs_chromium
def test_a_turned_film_is_turned_by_a_button_and_read_again(
    browser: Browser,  # noqa: F811
    address: str,
    films: dict[str, Path],
) -> None:
    with visit(browser, address) as page:
        choose(page, films["turned"])
        expect(page.get_by_role("alert")).to_contain_text("turned to the left", timeout=PATIENCE)
        expect(findings(page)).to_have_count(0)
        picture = page.get_by_role("img", name="The chest film that is being read")
        before = picture.get_attribute("src") or ""
        page.get_by_role("button", name="Turn it to the right and read it again").click()
        expect(findings(page)).to_have_count(14, timeout=PATIENCE)
        expect(picture).not_to_have_attribute("src", before)
        expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.browser
@needs_chromium
def test_a_warning_stands_above_the_results(
    browser: Browser,  # noqa: F811
    address: str,
    films: dict[str, Path],
) -> None:
    with visit(browser, address) as page:
        choose(page, films["small"])
        expect(page.get_by_role("alert")).to_contain_text("Read with care", timeout=PATIENCE)
        expect(page.get_by_role("alert")).to_contain_text(SMALL.sentence)
        expect(findings(page)).to_have_count(14, timeout=PATIENCE)
        expect(page.get_by_role("button", name="Read it anyway")).to_have_count(0)


def test_the_endpoints_refuse_with_the_reason_and_read_when_told_to(address: str, films: dict[str, Path]) -> None:
    page, film = (mark_file(upload(address, films[name])) for name in ("page", "film"))
    for task, rest in (("classify", []), ("caption", [""]), ("answer", ["What view is this?", None])):
        refused = call(address, task, page, *rest)
        assert "does not look like" in refused["error"]
        read = call(address, task, page, *rest, True)
        assert any("does not look like" in text for text in read["warnings"])
        assert call(address, task, film, *rest)["warnings"] == []


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Film]:
    """The films that were inspected, wherever that is done."""
    seen: list[Film] = []
    for name, module in list(sys.modules.items()):
        if name.startswith("cxr.") and "inspect_film" in vars(module):
            monkeypatch.setattr(module, "inspect_film", lambda film: (seen.append(film), inspect_film(film))[1])
    return seen


def pickle_lease(duration: Callable[..., int]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What goes to ZeroGPU's fork, and comes from it, without the fork."""

    def decorate(task: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            assert duration(*given) > 0
            return pickle.loads(pickle.dumps(task(*pickle.loads(pickle.dumps(given)))))

        return run

    return decorate


@pytest.mark.parametrize("anyway", [False, True])
@pytest.mark.parametrize("stranger", [False, True])
def test_a_film_is_inspected_once(looks: list[Film], stranger: bool, anyway: bool) -> None:
    film = draw_stranger("page", 10_000_000) if stranger else draw_film(10_000_007, size=256, view="PA").film
    reader = fake_reader(gated=True)
    read = Desk(reader, lease=pickle_lease).read(replace(film, anyway=anyway))
    assert len(looks) == 1 and isinstance(read, Gate) is (stranger and not anyway)
    if isinstance(read, tuple):
        assert read[0].gate == reader.study(replace(film, anyway=anyway)).gate


def test_a_film_that_waits_with_others_is_inspected_once(looks: list[Film]) -> None:
    desk = Desk(fake_reader(gated=True), turns=Turns(1))
    films = [draw_film(10_000_007 + seed, size=128, view="PA").film for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(desk.read, films))
    assert len(looks) == len(films)


@pytest.mark.parametrize("task", ["classify", "caption", "answer", "locate"])
def test_a_call_inspects_its_film_once(address: str, films: dict[str, Path], looks: list[Film], task: str) -> None:
    asked = {"answer": ["Why?"], "locate": ["effusion"]}
    film = mark_file(upload(address, films["film"]))
    assert "error" not in call(address, task, film, *asked.get(task, []))
    assert len(looks) == 1


def test_a_refused_film_leases_no_model() -> None:
    reader = fake_reader(gated=True)
    gate = Desk(reader).read(draw_stranger("page", 10_000_000))
    assert isinstance(gate, Gate) and gate.reasons[0] in STRANGERS.values()
    assert isinstance(reader.engine, FakeEngine) and reader.engine.encodings == 0


@pytest.mark.parametrize(
    ("gate", "title"),
    [
        (Gate((REFUSAL,)), "This film was not read"),
        (Gate((REFUSAL, WARNING), overruled=True), "Read all the same"),
        (Gate((WARNING,)), "Read with care"),
        (Gate((WARNING,), overruled=True), "Read with care"),
    ],
)
def test_what_the_gate_says_is_shown_as_text(gate: Gate, title: str) -> None:
    shown = markup.show_gate(gate)
    assert title in shown and "It is &lt;b&gt;odd&lt;/b&gt;. <strong>Send another.</strong>" in shown
    assert markup.show_gate(Gate()) == ""


def test_a_model_without_a_gate_says_so() -> None:
    assert "Gate off" in markup.show_identity(BARE_LLAMA) and "Gate off" not in markup.show_identity(EMBEDDED)
