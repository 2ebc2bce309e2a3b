"""The gallery: films with their truth. Drawn films ship with the code, open real ones are fetched once and checked.

Every fetch may fail: a film that cannot be had, or that is not the film that was meant, is left out and nothing else
changes. Knows nothing about the page or the model.
"""

import hashlib
import http.client
import io
import json
import logging
import os
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from cxr.films.film import View
from cxr.findings import BY_KEY
from cxr.prompts import join_words
from cxr.results import Observation

logger = logging.getLogger(__name__)

MAX_BYTES = 4 << 20  # an original is about 0.5 MB
MAX_SIDE = 2048  # px
READ_SECONDS = 5.0  # for one answer of the server
FILM_SECONDS = 20.0  # for one film
GRID = 8  # cells a side of a pointer's `greys`
GREYS_APART = 4  # of 255; a smaller copy of a film differs by at most 1, any other of 1,369 by 42 or more
LOOPBACK = {"127.0.0.1", "::1", "localhost"}

DRAWN_CREDIT = "Drawn by this program; no patient."
LABEL_CAUTION = "Read from a report by a program, so wrong in about one label of ten; sides are not known."


@dataclass(frozen=True)
class Example:
    """A film of the gallery. `name` gives nothing away; `truth` and `words` are shown only when asked for."""

    path: Path
    name: str
    view: View | None
    truth: tuple[Observation, ...]  # empty: none of the 14
    words: str
    credit: str
    drawn: bool


@dataclass(frozen=True)
class Pointer:
    """Where an open real film lies and how it is recognised: by its sha256, or by its greys where that is not known.

    `greys`: 64 bytes as hex digits, the means of 8 x 8 cells of the picture, row 0 at the top, black 0.
    """

    file: str
    url: str
    sha256: str | None
    greys: str | None
    view: View | None
    truth: tuple[Observation, ...]
    credit: str


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A pointer names the file itself; whoever sends us elsewhere is not believed."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing: the redirect becomes an HTTPError."""


def load_examples(folder: Path, cache: Path | None = None) -> list[Example]:
    """The drawn films of a folder and those real ones that a cache holds; touches no network.

    `folder`: holds drawn.json with its films, and films.json; a missing list or film is left out.
    """
    rows = _read_json(folder / "drawn.json", [])
    drawn = [_read_drawn(row, folder, number) for number, row in enumerate(rows, start=1)]
    real = _list_cached(read_pointers(folder / "films.json"), cache) if cache else []
    return [example for example in drawn if example.path.is_file()] + real


def fetch_films(pointers: Path, cache: Path, seconds: float = 90.0) -> list[Example]:
    """The real films that could be had, after at most about `seconds`; what lies in the cache is not asked for again.

    Never raises for a network, server or disk that does not do as it should; to be run beside the page, not before it.
    """
    listed, deadline = read_pointers(pointers), time.monotonic() + seconds
    for pointer in listed:
        if time.monotonic() < deadline and not _is_cached(pointer, cache):
            try:
                _keep(pointer, cache, _download(pointer.url, min(deadline, time.monotonic() + FILM_SECONDS)))
            except (OSError, http.client.HTTPException, ValueError) as error:
                logger.info("the example %s is left out: %s", pointer.file, error)
    return _list_cached(listed, cache)


def find_cache() -> Path:
    """The folder for fetched films of whoever runs the program."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chest-film-reader"


def read_pointers(path: Path) -> list[Pointer]:
    """The pointers in films.json; none where there is no such file."""
    listed = _read_json(path, {"films": [], "credit": "", "licence": ""})
    credit = f"{listed['credit']} {listed['licence']}"
    return [
        Pointer(
            file=Path(row["file"]).name,
            url=row["url"],
            sha256=row.get("sha256"),
            greys=row.get("greys"),
            view=row["view"],
            truth=tuple(Observation(key) for key in row["truth"]),
            credit=credit,
        )
        for row in listed["films"]
    ]


def is_meant(pointer: Pointer, data: bytes) -> bool:
    """Whether bytes are the film that a pointer means."""
    if pointer.sha256 is not None:
        return hashlib.sha256(data).hexdigest() == pointer.sha256
    if pointer.greys is None:
        return False
    meant = np.frombuffer(bytes.fromhex(pointer.greys), dtype=np.uint8).astype(int)
    try:
        return int(np.abs(measure_greys(data).astype(int) - meant).max()) <= GREYS_APART
    except (OSError, ValueError, SyntaxError):  # Pillow's words for a broken PNG
        return False


def measure_greys(data: bytes) -> np.ndarray:
    """A PNG's or JPEG's mean greys in 8 x 8 cells: 64 uint8, row by row, row 0 at the top.

    Raises:
        ValueError: the picture is larger than any film of the list.
        OSError, SyntaxError: it is no picture.
    """
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
        if max(image.size) > MAX_SIDE:  # before anything is unpacked
            raise ValueError(f"a picture of {image.width} x {image.height} px")
        cells = image.convert("L").resize((GRID, GRID), Image.Resampling.BOX)
    return np.asarray(cells, dtype=np.uint8).reshape(-1)


def _read_drawn(row: dict[str, Any], folder: Path, number: int) -> Example:
    truth = tuple(
        Observation(item["finding"], item.get("side"), item.get("zone"), item.get("size")) for item in row["truth"]
    )
    return Example(
        path=folder / Path(row["file"]).name,
        name=f"Drawn film {number}, {row['view']}",
        view=row["view"],
        truth=truth,
        words=row["words"],
        credit=DRAWN_CREDIT,
        drawn=True,
    )


def _list_cached(pointers: Sequence[Pointer], cache: Path) -> list[Example]:
    return [
        Example(
            path=cache / pointer.file,
            name=f"Real film {number}, {pointer.view}",
            view=pointer.view,
            truth=pointer.truth,
            words=f"{_write_labels(pointer.truth)} {LABEL_CAUTION}",
            credit=pointer.credit,
            drawn=False,
        )
        for number, pointer in enumerate(pointers, start=1)
        if _is_cached(pointer, cache)
    ]


def _write_labels(truth: Sequence[Observation]) -> str:
    names = [BY_KEY[item.finding].name.lower() for item in truth]
    return f"Labelled with {join_words(names, 'and')}." if names else "Labelled with none of the 14 findings."


def _is_cached(pointer: Pointer, cache: Path) -> bool:
    try:
        return is_meant(pointer, (cache / pointer.file).read_bytes())
    except OSError:
        return False


def _keep(pointer: Pointer, cache: Path, data: bytes) -> None:
    if not is_meant(pointer, data):
        raise ValueError("what came is not the film that was meant")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as room:
        part = Path(room) / pointer.file
        part.write_bytes(data)
        os.replace(part, cache / pointer.file)  # a reader sees the whole film or none


def _download(url: str, deadline: float) -> bytes:
    place = urlsplit(url)
    if place.scheme != "https" and not (place.scheme == "http" and place.hostname in LOOPBACK):
        raise ValueError("only https is fetched")
    data = bytearray()
    with urllib.request.build_opener(_NoRedirect).open(url, timeout=READ_SECONDS) as answer:
        while piece := answer.read(1 << 16):
            data += piece
            if len(data) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError("too slow")
    return bytes(data)


def _read_json(path: Path, missing: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else missing
