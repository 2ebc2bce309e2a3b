"""The Space: settings -> reader -> page -> launch."""

import os
import tempfile

# Gradio reads these when it is imported. Uploads lie in a folder of this program's own, which alone may be swept.
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="chest-film-reader-")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shutil import rmtree
from threading import Thread

import spaces  # noqa: F401  # on ZeroGPU it must find torch before anything starts CUDA
from spaces.config import Config

from cxr.reader import load_reader
from cxr.results import CxrError
from cxr.settings import Settings
from cxr.space.desk import Desk
from cxr.space.examples import fetch_films, find_cache, load_examples
from cxr.space.layout import KEPT
from cxr.space.page import AT_ONCE, build_page
from cxr.space.serving import serve
from cxr.space.shelf import Shelf
from cxr.space.uploads import SWEPT_EVERY, Sweeper, forget_sessions, repeat
from cxr.turns import Turns

EXAMPLES = Path(__file__).with_name("examples")
SMALL_AT_ONCE = 128  # readings side by side where next to nothing is kept of each: embedded model, endpoint
MODEL_AT_ONCE = 1  # steps of the model side by side; one uses every core or the whole GPU


@contextmanager
def keep_swept(own: Path) -> Iterator[None]:
    """Let no upload grow old in this program's folder, nor in one that an ended program has left; remove it at the end.

    Gradio removes neither what an aborted upload leaves nor films that come over MCP.
    """
    repeat(Sweeper(own).sweep, SWEPT_EVERY)
    try:
        yield
    finally:
        rmtree(own, ignore_errors=True)


def add_real_films(shelf: Shelf) -> None:
    """Fetch the open real films and put them up; without a network nothing happens."""
    shelf.add(fetch_films(EXAMPLES / "films.json", find_cache()))


def run() -> None:
    """Load the model, serve the page, and stay until the program is ended."""
    reader = load_reader(Settings.from_env())
    for said in () if Config.zero_gpu else reader.warm_up():  # ZeroGPU has no GPU between two calls
        sys.stdout.write(f"{said}\n")
        sys.stdout.flush()
    shelf = Shelf(reader.open, load_examples(EXAMPLES, find_cache()))
    who = reader.identity
    desk = Desk(reader, turns=None if Config.zero_gpu or who.remote else Turns(MODEL_AT_ONCE))  # a server has its queue
    page = build_page(desk, shelf, SMALL_AT_ONCE if who.embedded or who.remote else AT_ONCE)
    Thread(target=add_real_films, args=(shelf,), daemon=True).start()
    sys.stdout.write(f"The page is at {serve(page)}\n")
    sys.stdout.flush()
    repeat(partial(forget_sessions, page, KEPT), every=60)
    page.block_thread()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that temporary folders are removed then, too
    with keep_swept(Path(os.environ["GRADIO_TEMP_DIR"])):
        try:
            run()
        except CxrError as error:
            sys.exit(str(error))
