"""Run as a program: the picture in docs, of the page with a drawn film and the model that the settings name.

`python -m tests.space.screenshot [EXAMPLE]`: EXAMPLE counts the drawn films from 1.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from cxr.reader import load_reader
from cxr.settings import Settings
from cxr.space.desk import Desk
from cxr.space.examples import load_examples
from cxr.space.page import build_page
from cxr.space.serving import serve
from cxr.space.shelf import Shelf
from tests.programs import find_port

ROOT = Path(__file__).resolve().parents[2]


def take_screenshot(example: int, path: Path) -> None:
    """Choose the example as a visitor would, wait for its findings and report, and keep the picture."""
    reader = load_reader(Settings.from_env())
    page = build_page(Desk(reader), Shelf(reader.open, load_examples(ROOT / "examples")))
    address = serve(page, {"GRADIO_SERVER_PORT": str(find_port())}, quiet=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 1000})
        tab.goto(f"{address}?__theme=light")
        tab.locator(".cxr-examples button").nth(example - 1).click()
        tab.locator(".cxr-findings").wait_for(timeout=120_000)
        tab.wait_for_timeout(5000)  # the report, whose overlay would stand in the picture
        tab.screenshot(path=path)
        browser.close()
    page.close(verbose=False)


if __name__ == "__main__":
    take_screenshot(int(sys.argv[1]) if len(sys.argv) > 1 else 2, ROOT / "docs" / "screenshot.png")
