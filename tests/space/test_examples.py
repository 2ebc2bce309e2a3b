"""The gallery's films: drawn ones from the folder, real ones fetched from a server that misbehaves in every way."""

import csv
import hashlib
import io
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from cxr.findings import BY_KEY, FROM_NIH
from cxr.results import Observation
from cxr.space import examples
from cxr.space.examples import GREYS_APART, fetch_films, is_meant, load_examples, measure_greys, read_pointers
from tests.data import DATA, needs_data

LIST = Path(__file__).resolve().parents[2] / "examples" / "films.json"


def draw_png(seed: int, side: int = 64) -> bytes:
    cells = np.random.default_rng(seed).integers(0, 255, (8, 8)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.kron(cells, np.ones((side // 8, side // 8), np.uint8))).save(file, "PNG")
    return file.getvalue()


FILM, OTHER = draw_png(1), draw_png(2)


class Server:
    """Answers each path with a status and a body, or runs what is given in their place; counts what is asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: Counter[str] = Counter()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked[self.path] += 1
                status, body = server.answers.get(self.path, (404, b""))
                self.send_response(status)
                if status in (301, 302):
                    self.send_header("Location", body.decode())
                elif self.path.startswith("/short"):
                    self.send_header("Content-Length", str(len(body) + 100))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *values: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.http.shutdown()
    server.http.server_close()


def write_list(folder: Path, *urls: str, film: bytes = FILM, **changes: object) -> Path:
    rows = [
        {
            "file": f"film{number}.png",
            "url": url,
            "sha256": hashlib.sha256(film).hexdigest(),
            "view": "PA",
            "truth": ["effusion", "mass"],
            **changes,
        }
        for number, url in enumerate(urls)
    ]
    path = folder / "films.json"
    path.write_text(json.dumps({"credit": "Somebody.", "licence": "Free.", "films": rows}))
    return path


def test_a_good_film_is_fetched_once_and_kept(server: Server, tmp_path: Path) -> None:
    server.answers["/a.png"] = (200, FILM)
    pointers, cache = write_list(tmp_path, f"{server.url}/a.png"), tmp_path / "cache"
    [example] = fetch_films(pointers, cache)
    assert example.path.read_bytes() == FILM and not example.drawn
    assert example.truth == (Observation("effusion"), Observation("mass"))
    assert example.words.startswith("Labelled with effusion and mass.") and example.credit == "Somebody. Free."
    assert "effusion" not in example.name
    server.answers.clear()
    assert fetch_films(pointers, cache) == load_examples(tmp_path, cache) == [example]
    assert server.asked == {"/a.png": 1}
    assert [path.name for path in cache.iterdir()] == ["film0.png"]  # no part file is left


def test_another_film_is_not_kept(server: Server, tmp_path: Path) -> None:
    server.answers["/a.png"] = (200, OTHER)
    assert fetch_films(write_list(tmp_path, f"{server.url}/a.png"), tmp_path / "cache") == []
    assert not list((tmp_path / "cache").glob("*"))


def test_a_film_that_changed_in_the_cache_is_fetched_again(server: Server, tmp_path: Path) -> None:
    server.answers["/a.png"] = (200, FILM)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "film0.png").write_bytes(OTHER)
    pointers = write_list(tmp_path, f"{server.url}/a.png")
    assert load_examples(tmp_path, tmp_path / "cache") == []
    [example] = fetch_films(pointers, tmp_path / "cache")
    assert example.path.read_bytes() == FILM


def test_a_film_that_never_ends_is_cut(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = FILM + b"\0" * (1 << 18)
    monkeypatch.setattr(examples, "MAX_BYTES", len(long) - 1)
    server.answers["/a.png"] = (200, long)
    assert fetch_films(write_list(tmp_path, f"{server.url}/a.png", film=long), tmp_path / "cache") == []
    monkeypatch.setattr(examples, "MAX_BYTES", len(long))
    assert len(fetch_films(write_list(tmp_path, f"{server.url}/a.png", film=long), tmp_path / "cache")) == 1


@pytest.mark.parametrize(("path", "status"), [("/gone.png", 404), ("/busy.png", 503), ("/short.png", 200)])
def test_a_film_that_cannot_be_had_leaves_the_others(server: Server, tmp_path: Path, path: str, status: int) -> None:
    server.answers |= {path: (status, FILM[:-1]), "/good.png": (200, FILM)}
    pointers = write_list(tmp_path, server.url + path, f"{server.url}/good.png")
    assert [example.path.name for example in fetch_films(pointers, tmp_path / "cache")] == ["film1.png"]


def test_nobody_is_followed_elsewhere(server: Server, tmp_path: Path) -> None:
    server.answers |= {"/a.png": (302, f"{server.url}/b.png".encode()), "/b.png": (200, FILM)}
    assert fetch_films(write_list(tmp_path, f"{server.url}/a.png"), tmp_path / "cache") == []
    assert server.asked["/b.png"] == 0


@pytest.mark.parametrize(
    "url",
    ["http://example.org/a.png", "file:///etc/hostname", "ftp://127.0.0.1/a", "nonsense", "https://[broken/a.png"],
)
def test_only_https_is_fetched(tmp_path: Path, url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        assert fetch_films(write_list(tmp_path, url), tmp_path / "cache") == []
    assert "left out" in caplog.text and "offline" not in caplog.text  # refused before anything was asked


def test_without_a_network_nothing_happens(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert fetch_films(write_list(tmp_path, f"http://127.0.0.1:{port}/a.png"), tmp_path / "cache") == []


def test_time_that_is_up_asks_nobody(server: Server, tmp_path: Path) -> None:
    server.answers["/a.png"] = (200, FILM)
    assert fetch_films(write_list(tmp_path, f"{server.url}/a.png"), tmp_path / "cache", seconds=0) == []
    assert not server.asked


def test_a_cache_that_cannot_be_written_is_no_error(server: Server, tmp_path: Path) -> None:
    server.answers["/a.png"] = (200, FILM)
    (tmp_path / "cache").write_text("a file in the folder's place")
    assert fetch_films(write_list(tmp_path, f"{server.url}/a.png"), tmp_path / "cache") == []


def test_a_pointer_stays_inside_the_cache(server: Server, tmp_path: Path) -> None:
    server.answers["/a.png"] = (200, FILM)
    fetch_films(write_list(tmp_path, f"{server.url}/a.png", file="../../outside.png"), tmp_path / "deep" / "cache")
    assert (tmp_path / "deep" / "cache" / "outside.png").is_file() and not (tmp_path / "outside.png").exists()


def test_greys_recognise_a_film_at_any_size_and_no_other(tmp_path: Path) -> None:
    greys = measure_greys(FILM).tobytes().hex()
    [pointer] = read_pointers(write_list(tmp_path, "https://example.org/a", sha256=None, greys=greys))
    assert is_meant(pointer, FILM) and is_meant(pointer, draw_png(1, side=256))
    assert not is_meant(pointer, OTHER) and not is_meant(pointer, b"no picture") and not is_meant(pointer, FILM[:60])
    assert not is_meant(pointer, draw_png(1, side=examples.MAX_SIDE + 8))  # never unpacked
    [nothing] = read_pointers(write_list(tmp_path, "https://example.org/a", sha256=None))
    assert not is_meant(nothing, FILM)


def test_drawn_films_come_with_their_truth(tmp_path: Path) -> None:
    rows = [
        {
            "file": f"{name}.png",
            "seed": 1,
            "view": "AP",
            "sex": "F",
            "age": 60,
            "words": "Small pleural effusion.",
            "truth": [{"finding": "effusion", "side": "left", "zone": "lower", "size": "small"}, {"finding": "edema"}],
        }
        for name in ("here", "missing")
    ]
    (tmp_path / "drawn.json").write_text(json.dumps(rows))
    (tmp_path / "here.png").write_bytes(FILM)
    [example] = load_examples(tmp_path)
    assert example.drawn and example.path == tmp_path / "here.png" and example.view == "AP"
    assert example.truth == (Observation("effusion", "left", "lower", "small"), Observation("edema"))
    assert example.words == "Small pleural effusion." and "no patient" in example.credit


def test_an_empty_folder_has_no_examples(tmp_path: Path) -> None:
    assert load_examples(tmp_path, tmp_path / "cache") == []


# --- the list that ships --------------------------------------------------------------------------------------------


def test_the_list_holds_a_dozen_films_with_every_finding() -> None:
    pointers = read_pointers(LIST)
    assert len(pointers) == len({pointer.file for pointer in pointers}) == 12
    assert {item.finding for pointer in pointers for item in pointer.truth} == set(BY_KEY)
    assert any(not pointer.truth for pointer in pointers)
    for pointer in pointers:
        assert pointer.url.startswith("https://raw.githubusercontent.com/") and (pointer.sha256 or pointer.greys)
        assert "NIH Clinical Center" in pointer.credit


@needs_data
@pytest.mark.parametrize("pointer", read_pointers(LIST), ids=lambda pointer: pointer.file)
def test_a_listed_film_is_what_the_data_say_and_was_not_trained_on(pointer: examples.Pointer) -> None:
    with (DATA / "films.csv").open(newline="", encoding="utf-8") as lines:
        rows = {row["file"]: row for row in csv.DictReader(lines)}
    name = f"nih_cxr14__{Path(pointer.file).stem}.jpg"
    row = rows[name]
    assert not [
        other for other in rows.values() if other["patient_id"] == row["patient_id"] and other["split"] == "train"
    ]
    repository, path = row["origin"].split(":", 1)
    path, commit = path.rsplit("@", 1)
    assert unquote(pointer.url) == f"https://raw.githubusercontent.com/{repository}/{commit}/{path}"
    labels = {FROM_NIH[label] for label in row["labels"].split("|") if label != "No Finding"}
    assert {item.finding for item in pointer.truth} == labels and pointer.view == row["view"]
    original = DATA / "chestxray14" / "images" / pointer.file
    assert (pointer.sha256 is not None) == original.is_file()
    assert is_meant(pointer, original.read_bytes() if original.is_file() else (DATA / "films" / name).read_bytes())


@needs_data
def test_a_smaller_copy_has_the_greys_of_its_original() -> None:
    for original in sorted((DATA / "chestxray14" / "images").iterdir())[:4]:
        copy = DATA / "films" / f"nih_cxr14__{original.stem}.jpg"
        apart = np.abs(measure_greys(original.read_bytes()).astype(int) - measure_greys(copy.read_bytes()))
        assert apart.max() <= GREYS_APART // 2
