"""The Space: settings -> reader -> page -> launch."""

import spaces  # noqa: F401  # first: on ZeroGPU it must find torch before anything starts CUDA

import os
from pathlib import Path
from threading import Thread

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from cxr.reader import load_reader
from cxr.settings import Settings
from cxr.space.desk import Desk
from cxr.space.examples import fetch_films, find_cache, load_examples
from cxr.space.page import build_page, serve
from cxr.space.shelf import Shelf

EXAMPLES = Path(__file__).with_name("examples")


def add_real_films(shelf: Shelf) -> None:
    """Fetch the open real films and put them up; without a network nothing happens."""
    shelf.add(fetch_films(EXAMPLES / "films.json", find_cache()))


if __name__ == "__main__":
    reader = load_reader(Settings.from_env())
    shelf = Shelf(reader.open, load_examples(EXAMPLES, find_cache()))
    demo = build_page(Desk(reader), shelf)
    Thread(target=add_real_films, args=(shelf,), daemon=True).start()
    serve(demo)
