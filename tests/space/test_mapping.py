"""The heat map's tab: nothing until it is asked for, then a layer that lies where its film lies, and words."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from cxr.results import HeatMap, Score, Verdict
from cxr.space.map_markup import name_map, show_map
from tests.space.served import serve_fake, write_film
from tests.space.test_browser import CHROMIUM, PATIENCE, choose, open_tab, visit, wait_for_report

browsing = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")

WRITTEN = "Write the report of this chest film."  # by the fake engine
MAP = HeatMap(
    np.zeros((4, 4), np.float32), "a <b>mass</b>", ("mass",), "a way", "in the lower third", (Score("mass", 0.03),)
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_fake(tmp_path_factory.mktemp("page")) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("films") / "film.png", 0.4)


def ask(page: Page, about: str) -> None:
    page.get_by_label("Of which finding").click()
    page.get_by_role("option", name=about).click()
    page.get_by_role("button", name="Show where it came from").click()


@browsing
@pytest.mark.browser
@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_a_map_is_shown_when_it_is_asked_for(
    browser: Browser,
    address: str,
    film: Path,
    theme: str,
    width: int,
) -> None:
    with visit(browser, address, theme, width) as page:
        open_tab(page, "Heat map")
        button = page.get_by_role("button", name="Show where it came from")
        expect(button).to_be_disabled()
        choose(page, film)
        expect(button).to_be_enabled(timeout=PATIENCE)
        expect(page.locator(".cxr-map img")).to_have_count(0)
        ask(page, "Effusion")
        expect(page.get_by_text("For a pleural effusion: the colour lies mostly")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("Where the answer came from, not where disease is").last).to_be_visible()
        expect(page.get_by_text("unproven on real films").last).to_be_visible()
        expect(page.get_by_text("Counted for: Effusion")).to_be_visible()
        under, over = (page.locator(".cxr-map img").nth(number) for number in (0, 1))
        assert under.bounding_box() == over.bounding_box()
        assert all("data:image/" in str(each.get_attribute("src")) for each in (under, over))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        choose(page, film)  # another film: nothing of the map stays
        expect(page.locator(".cxr-map img")).to_have_count(0, timeout=PATIENCE)
        expect(page.get_by_text("the colour lies mostly")).to_have_count(0)


@browsing
@pytest.mark.browser
def test_a_sentence_of_the_report_can_be_chosen(browser: Browser, address: str, film: Path) -> None:
    with visit(browser, address) as page:
        choose(page, film)
        open_tab(page, "Captioning")
        wait_for_report(page, f"Findings: shade 40.\n\nImpression: {WRITTEN}")
        open_tab(page, "Heat map")
        ask(page, f"Report: {WRITTEN}")
        expect(page.get_by_text("“Write the report of this chest film.”: the colour lies mostly")).to_be_visible(
            timeout=PATIENCE
        )


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict.PRESENT, "calls it present"),
        (Verdict.NOT_SURE, "is not sure"),
        (Verdict.ABSENT, "only what came closest"),
        (None, "never calibrated"),
    ],
)
def test_words_say_what_the_model_thinks_of_the_finding(verdict: Verdict | None, words: str) -> None:
    told = show_map(replace(MAP, scores=(Score("mass", 0.03, verdict=verdict),)))
    assert words in told and "3.0%" in told and "a way" in told and "<b>mass" not in told


def test_an_empty_map_and_a_sentence_without_findings_have_words_too() -> None:
    assert "no place stands out" in show_map(replace(MAP, place=""))
    bare = replace(MAP, about="All <i>clear</i>.", findings=(), scores=())
    assert "“All &lt;i&gt;clear&lt;/i&gt;.”: the colour lies mostly" in show_map(bare) and "Attention" in name_map(bare)
    assert name_map(MAP) == "Counted for: Mass"
