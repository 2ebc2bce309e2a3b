"""A visit with a browser and films full of identifiers leaves none of them; tests/test_app.py does it over HTTP."""

import base64
import io
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Response, expect, sync_playwright

from cxr.space.desk import Desk
from cxr.space.page import build_page
from cxr.space.shelf import Shelf
from cxr.space.uploads import KEPT_SECONDS, sweep
from cxr.space.views import render_film, write_jpeg
from tests.fakes import fake_reader
from tests.space.planted import BURNT_IN, NAMES, PLANTED, find_in_files, find_planted, plant
from tests.space.served import draw_examples, serve_fake

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 20_000  # ms


@dataclass
class Visited:
    """A page that writes only into `folder`, and films to bring there."""

    address: str
    folder: Path
    films: dict[str, Path]


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    films, folder = plant(tmp_path_factory.mktemp("films")), tmp_path_factory.mktemp("machine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "uploads"))
        patch.setattr(tempfile, "tempdir", str(folder))
        with serve_fake(tmp_path_factory.mktemp("page")) as address:
            yield Visited(address, folder, films)


def test_there_are_36_and_the_films_hold_them(visited: Visited) -> None:
    assert len(PLANTED) == len(set(PLANTED)) == 36
    held = {
        each for path in visited.films.values() for each in find_planted(path.read_bytes()) + find_planted(path.name)
    }
    assert {*PLANTED} - held <= {"ZQX-ztext-32", BURNT_IN}  # one is compressed there, the other is a picture


def leave(visited: Visited) -> None:
    """Let the time pass in which originals are kept."""
    for path in visited.folder.rglob("*"):
        os.utime(path, (time.time() - KEPT_SECONDS,) * 2)
    sweep(visited.folder / "uploads", KEPT_SECONDS)


@pytest.fixture
def nothing_is_left(
    visited: Visited, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[None]:
    """After the test, nothing planted is in the log, in what was printed, or in any file."""
    caplog.set_level(logging.INFO)
    yield
    everywhere = find_in_files(visited.folder)
    assert everywhere and all(f"{os.sep}uploads{os.sep}" in path for path in everywhere)  # the originals, and only they
    leave(visited)
    assert find_in_files(visited.folder) == {}
    assert not [path for path in (visited.folder / "uploads").rglob("*") if path.is_file()]
    assert find_planted(caplog.text) == find_planted("".join(capfd.readouterr())) == []


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
@pytest.mark.usefixtures("nothing_is_left")
def test_nothing_is_left_of_a_visit_with_a_browser(visited: Visited) -> None:
    said: list[str] = []

    def hear(response: Response) -> None:
        # The answer to an upload tells its own sender where it lies, and nobody else.
        if "/gradio_api/" in response.url and "/upload" not in response.url:
            said.append(response.text())

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: said.append(message.text))
        page.goto(visited.address)
        page.on("requestfinished", lambda request: hear(request.response()) if request.response() else None)
        for name in ("dicom", "cut dicom", "jpeg"):
            page.locator("input[type=file]").first.set_input_files(visited.films[name])
            if name == "cut dicom":
                expect(page.locator(".toast-body").first).to_be_visible(timeout=PATIENCE)
                said.append(page.locator(".toast-body").first.inner_text())
                continue
            expect(page.locator(".cxr-findings tbody tr")).to_have_count(14, timeout=PATIENCE)
            page.get_by_role("tab", name="Questions").click()
            page.get_by_role("button", name="What view is this?").click()
            expect(page.get_by_text("question 1: What view is this?")).to_be_visible(timeout=PATIENCE)
            page.get_by_role("tab", name="Classification").click()
            said.append(page.content())
            with page.expect_download() as download:
                page.get_by_text("Download findings").click()
            said.append(Path(download.value.path()).read_text() + download.value.suggested_filename)
            said.append(read_preview(page).decode("latin-1"))
        check_masking(page)
        said.append(page.content())
        browser.close()
    assert find_planted("".join(said)) == [] and NAMES["jpeg"] not in "".join(said)
    assert any("shade" in text.lower() for text in said)  # the answers were heard


def read_preview(page: Page) -> bytes:
    """The picture on the page: it comes with the page's own events, so no address fetches it."""
    source = page.get_by_role("img", name="The chest film that is being read").get_attribute("src") or ""
    kind, _, content = source.partition(",")
    assert kind == "data:image/jpeg;base64"
    return base64.b64decode(content)


def check_masking(page: Page) -> None:
    """The film has a name written into it: the page warns, and on being asked shows and reads it without."""
    expect(page.get_by_text("There seems to be writing in this picture.").first).to_be_visible()
    before = np.asarray(Image.open(io.BytesIO(read_preview(page))))
    page.get_by_role("button", name="Black out").click()
    expect(page.get_by_text("Writing was blacked out on this film").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Black out")).to_have_count(0)
    after = np.asarray(Image.open(io.BytesIO(read_preview(page))))
    name = np.s_[16:38, 20:240]  # where it stood, of a picture that is half as large again as the film
    assert before[name].max() > 200 and after[name].max() < 10
    expect(page.locator(".cxr-findings tbody tr")).to_have_count(14, timeout=PATIENCE)


def test_a_preview_holds_nothing_but_its_pixels(visited: Visited) -> None:
    film = fake_reader().open(visited.films["jpeg"])
    picture = Image.open(io.BytesIO(write_jpeg(render_film(film))))
    assert not picture.getexif() and set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_no_event_takes_a_picture_or_a_download_from_the_browser(tmp_path: Path) -> None:
    reader = fake_reader()
    page = build_page(Desk(reader), Shelf(reader.open, draw_examples(tmp_path)))
    taken = {block.get_block_name() for fn in page.fns.values() for block in fn.inputs}
    assert "file" in taken and not taken & {"image", "downloadbutton", "html", "gallery"}
