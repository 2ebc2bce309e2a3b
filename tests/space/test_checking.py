"""Marked sentences and the checks on demand, on the page and as HTML."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cxr.probes import Dependence
from cxr.results import Mark, Report
from cxr.sides import SideEvidence, compare_sides
from cxr.space.checking import (
    NO_QUESTION,
    NO_SIDE,
    show_answer_dependence,
    show_dependences,
    show_marks,
    show_sides,
)
from tests.space.served import serve_fake, write_film
from tests.space.test_browser import CHROMIUM, PATIENCE, browser, choose, open_tab, read_report, visit  # noqa: F401

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_fake(tmp_path_factory.mktemp("page")) as address:
        yield address


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("films")
    return [write_film(folder / f"{shade}.png", shade) for shade in (0.25, 0.65)]


def mark_sentences(page: Page) -> None:
    """Have a report written that asserts what the fake engine's classification calls absent."""
    open_tab(page, "Captioning")
    page.get_by_label("Why the film was taken").fill("Unchanged fibrosis on the left")
    page.get_by_role("button", name="Write again").click()


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_a_visitor_sees_how_sure_it_is_and_checks_it(
    browser: Browser,  # noqa: F811
    address: str,
    films: list[Path],
    tmp_path: Path,
    theme: str,
    width: int,
) -> None:
    with visit(browser, address, theme, width) as page:
        depends, sides = (page.get_by_role("button", name=name) for name in ("Does this depend", "Check left"))
        expect(depends).to_be_disabled()
        choose(page, films[0])
        unsure = page.locator(".cxr-findings tbody tr.cxr-not-sure").first
        expect(unsure).to_contain_text("11 of 78 such films had it", timeout=PATIENCE)

        depends.click()
        panel = page.get_by_role("tabpanel").get_by_role("status")
        expect(panel.filter(has_text="probabilities depend on this film")).to_be_visible(timeout=PATIENCE)
        page.screenshot(path=tmp_path / f"depends-{theme}.png", full_page=True)
        sides.click()
        expect(panel.filter(has_text="as it must")).to_contain_text("moves to the", timeout=PATIENCE)
        expect(panel.filter(has_text="probabilities depend on this film")).to_have_count(0)
        page.screenshot(path=tmp_path / f"sides-{theme}.png", full_page=True)

        mark_sentences(page)
        marked = page.locator(".cxr-level mark")
        expect(marked).to_have_text("Indication: Unchanged fibrosis on the left.", timeout=PATIENCE)
        expect(page.get_by_text("1 sentence is marked: do not rely on it")).to_be_visible()
        reason = "[Contradicted: the classification calls fibrosis absent."
        assert f"on the left. {reason}" in read_report(page)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download", exact=True).click()
        assert reason in Path(download.value.path()).read_text(encoding="utf-8")
        page.screenshot(path=tmp_path / f"marked-{theme}.png", full_page=True)

        open_tab(page, "Questions")
        again = page.get_by_role("button", name="Does the last answer depend on the film?")
        again.click()
        expect(page.get_by_text(NO_QUESTION)).to_be_visible(timeout=PATIENCE)
        page.get_by_role("button", name="What view is this?").click()
        expect(page.get_by_text("Shade 25, question 1")).to_be_visible(timeout=PATIENCE)
        again.click()
        expect(page.get_by_text("Of a blank grey film: Shade 50, question 1")).to_be_visible(timeout=PATIENCE)
        page.screenshot(path=tmp_path / f"answer-{theme}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width

        choose(page, films[1])  # nothing that was said of the first stays
        expect(page.get_by_text("Of a blank grey film")).to_have_count(0, timeout=PATIENCE)
        open_tab(page, "Captioning")
        expect(marked).to_have_count(0)
        open_tab(page, "Classification")
        expect(panel.filter(has_text="as it must")).to_have_count(0)
        expect(depends).to_be_enabled(timeout=PATIENCE)


def test_marks_of_one_sentence_stand_together_and_are_escaped() -> None:
    marks = (Mark(0, 9, "doubt", "A."), Mark(0, 9, "side", "Not <b>."), Mark(10, 12, "earlier film", "C."))
    shown = show_marks(Report("A <mass>. B.", "", "", True, marks=marks))
    assert "2 sentences are marked: do not rely on them" in shown and shown.count("<mark>") == 2
    assert "<mark>A &lt;mass&gt;.</mark> Doubtful: a. Side not supported: not &lt;b&gt;." in shown
    assert show_marks(Report("A.", "", "", True)) == ""


def test_what_barely_moves_is_named_and_all_stand_in_a_table() -> None:
    found = [
        Dependence(key, "Yes", "Yes", 0.5, share, depends, "")
        for key, share, depends in (("mass", 0.1, True), ("nodule", 0.49, False))
    ]
    shown = show_dependences(found)
    assert "1 of 2 probabilities depend on this film" in shown and "say little about it: a nodule." in shown
    assert shown.count("<tr>") == 3 and "<td>50%</td><td>49%</td><td>barely</td>" in shown
    assert "say little about it" not in show_dependences(found[:1])


def test_unsure_sides_are_named_before_sure_ones_are_praised() -> None:
    left, right = SideEvidence("mass", 0.9, 0.1, 0.0), SideEvidence("mass", 0.1, 0.9, 0.0)
    assert "Every side changes with the film" in show_sides(compare_sides([left], [right]))
    unsure = show_sides(compare_sides([left, left], [left, right]))
    assert "1 of 2 sides unsure" in unsure and unsure.count("<mark>unsure</mark>") == 1
    assert NO_SIDE in show_sides(())


def test_an_answers_check_is_escaped() -> None:
    shown = show_answer_dependence(Dependence("<q>", "<a>", "<b>", 0.5, 0.5, False, "It barely moves."))
    assert "hardly depends" in shown and "&lt;q&gt;" in shown and "&lt;b&gt;" in shown and "<b>" not in shown
