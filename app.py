"""The Space: settings -> reader -> page -> launch."""

import spaces  # noqa: F401  # first: on ZeroGPU it must find torch before anything starts CUDA

import os
import signal
import sys
import tempfile
from pathlib import Path
from threading import Thread

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from cxr.reader import load_reader
from cxr.settings import Settings
from cxr.space.desk import Desk
from cxr.space.examples import fetch_films, find_cache, load_examples
from cxr.space.layout import KEPT
from cxr.space.page import build_page, serve
from cxr.space.shelf import Shelf
from cxr.space.uploads import keep_swept

EXAMPLES = Path(__file__).with_name("examples")


def keep_own_folder() -> None:
    """Let uploads and what is made of them lie in a folder of this program's own, which alone may be swept."""
    own = Path(tempfile.gettempdir()) / f"chest-film-reader-{os.getuid()}"
    if os.environ.setdefault("GRADIO_TEMP_DIR", str(own)) == str(own):
        own.mkdir(mode=0o700, exist_ok=True)
        keep_swept(own, KEPT)


def add_real_films(shelf: Shelf) -> None:
    """Fetch the open real films and put them up; without a network nothing happens."""
    shelf.add(fetch_films(EXAMPLES / "films.json", find_cache()))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that temporary folders are removed then, too
    keep_own_folder()
    reader = load_reader(Settings.from_env())
    shelf = Shelf(reader.open, load_examples(EXAMPLES, find_cache()))
    demo = build_page(Desk(reader), shelf)
    Thread(target=add_real_films, args=(shelf,), daemon=True).start()
    serve(demo)
