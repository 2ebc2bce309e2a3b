"""The child process that decodes is watched, renewed and replaced, and costs one film when it dies."""

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from PIL import Image

from cxr.films import decoder as module
from cxr.films.decoder import SAY_BROKEN, SAY_NO_CHILD, Decoder, DecoderPool, Kind, decode
from cxr.films.decoder_child import MAX_MEMORY
from cxr.films.film import MAX_SIDE
from cxr.results import CxrError
from tests.films.dicoms import RAMP8, RAMP12, RAMP16, compress, make_dicom, to_bytes, write
from tests.fuzz.dicom_bombs import insert, repeat_items


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "film"


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


def make_largest(kind: str) -> tuple[bytes, Kind]:
    """As many dots as are allowed, in the forms that take the most memory; only a corner is not black."""
    if kind == "dicom":
        stored = np.zeros((4000, 5000), np.uint16)
        stored[:256, :256] = RAMP16
        window = {"WindowCenter": 32768, "WindowWidth": 65536, "RescaleSlope": 1, "RescaleIntercept": 0}
        return to_bytes(make_dicom(stored, **window)), "dicom"
    if kind in PACKED:
        stored = np.zeros((6300, 6300), np.uint16)
        stored[::2, ::2] = 7
        stored[:256, :256] = RAMP12
        with tempfile.TemporaryDirectory() as folder:
            plain = write(Path(folder, "plain"), make_dicom(stored, BitsStored=12, HighBit=11, PixelPaddingValue=0))
            return compress(plain, Path(folder, "packed"), kind).read_bytes(), "dicom"
    if kind == "float dicom":
        values = np.zeros((4000, 5000), np.float32)
        values[:256, :256] = RAMP16
        floats = {"PixelData": None, "BitsStored": None, "HighBit": None, "PixelRepresentation": None}
        return to_bytes(make_dicom(values, **floats, FloatPixelData=values.tobytes())), "dicom"
    mode = {"deep png": "I;16", "webp": "RGBA"}[kind]
    image, buffer = Image.new(mode, (8000, 5000)), io.BytesIO()
    image.paste(Image.fromarray(RAMP8).convert("RGBA") if mode == "RGBA" else Image.fromarray(RAMP16), (0, 0))
    image.save(buffer, kind.split()[-1], compress_level=1, lossless=True, quality=0, method=0)
    return buffer.getvalue(), "picture"


PACKED = ("JPEG2000Lossless", "JPEGLSLossless", "JPEGLosslessProcess14_1", "RLELossless")


@pytest.mark.parametrize("kind", ["dicom", "float dicom", "deep png", "webp", *PACKED])
def test_the_largest_film_fits_into_the_memory(path: Path, kind: str) -> None:
    content, told = make_largest(kind)
    path.write_bytes(content)
    patient = Decoder(seconds=60)  # memory is what is asked here, on a machine however busy
    pixels = patient.read(path, told).pixels
    patient.close()
    assert max(pixels.shape) == MAX_SIDE and pixels.max() > 0.5
    path.write_bytes(b"")


def test_a_killed_child_is_replaced(path: Path, decoder: Decoder) -> None:
    write(path, make_dicom(RAMP8))
    decoder.read(path, "dicom")
    assert decoder.process
    first = decoder.process.pid
    os.kill(first, signal.SIGKILL)
    decoder.process.wait()
    assert decoder.read(path, "dicom").pixels.shape == RAMP8.shape
    assert decoder.process.pid != first


def test_a_child_that_hangs_is_killed_and_replaced(path: Path) -> None:
    decoder = Decoder(seconds=0.5)
    write(path, make_dicom(RAMP8))
    decoder.read(path, "dicom")
    assert decoder.process
    hung = decoder.process
    os.kill(hung.pid, signal.SIGSTOP)
    with pytest.raises(CxrError, match="too long"):
        decoder.read(path, "dicom")
    assert hung.returncode == -signal.SIGKILL
    assert decoder.read(path, "dicom").pixels.shape == RAMP8.shape
    decoder.close()


def test_a_child_that_dies_at_work_costs_one_film(path: Path, decoder: Decoder) -> None:
    write(path, make_dicom(RAMP8))
    decoder.read(path, "dicom")
    assert decoder.process
    os.kill(decoder.process.pid, signal.SIGSTOP)  # so that it dies with the film in its hands
    threading.Timer(0.3, os.kill, (decoder.process.pid, signal.SIGKILL)).start()
    with pytest.raises(CxrError, match="cannot be decoded"):
        decoder.read(path, "dicom")
    assert decoder.read(path, "dicom").pixels.shape == RAMP8.shape


def test_a_child_is_renewed_after_its_share(path: Path) -> None:
    decoder = Decoder(films=2)
    write(path, make_dicom(RAMP8))
    pids = []
    for _ in range(4):
        decoder.read(path, "dicom")
        assert decoder.process
        pids.append(decoder.process.pid)
    decoder.close()
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_threads_get_their_own_films(tmp_path: Path) -> None:
    levels = range(0, 240, 10)
    for level in levels:
        write(tmp_path / str(level), make_dicom(np.full((64, 64), level, np.uint8)))
    seen: dict[int, float] = {}

    def work(level: int) -> None:
        seen[level] = float(decode(tmp_path / str(level), "dicom").pixels.mean())

    threads = [threading.Thread(target=work, args=(level,)) for level in levels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {level: pytest.approx(level / 255, abs=1e-6) for level in levels}


FORK = """
import os, sys, threading, time
from pathlib import Path
from cxr.films.decoder import decode

def is_right(path):
    return all(abs(decode(path, "dicom").pixels.mean() * 255 - int(path.name)) < 0.01 for _ in range(50))

slow, *paths = [Path(path) for path in sys.argv[1:]]
decode(paths[0], "dicom")
reading = threading.Thread(target=decode, args=(slow, "dicom"))  # the child works while this process forks
reading.start()
time.sleep(0.1)
gate, opener = os.pipe()
children = []
for path in paths:
    children.append(os.fork())
    if not children[-1]:
        os.close(opener)
        os.read(gate, 1)  # so that all begin together
        os._exit(0 if is_right(path) else 1)
os.close(opener)
assert reading.is_alive()
right = is_right(paths[0])
sys.exit(0 if right and not any([os.waitpid(pid, 0)[1] for pid in children]) else 1)
"""


def test_forked_processes_do_not_share_the_child(tmp_path: Path) -> None:
    paths = [write(tmp_path / str(level), make_dicom(np.full((64, 64), level, np.uint8))) for level in (10, 20, 30)]
    slow = tmp_path / "slow"
    slow.write_bytes(insert(repeat_items(60_000)))
    command = [sys.executable, "-c", FORK, str(slow), *map(str, paths)]
    done = subprocess.run(command, timeout=60, cwd=Path(__file__).parents[2])
    assert done.returncode == 0


def test_a_bomb_does_not_hold_up_the_next_visitor(path: Path) -> None:
    pool = DecoderPool(2)
    write(path, make_dicom(RAMP8))
    pool.read(path, "dicom")
    busy = next(decoder for decoder in pool.decoders if decoder.process)
    assert busy.process
    os.kill(busy.process.pid, signal.SIGSTOP)

    def visit() -> None:
        with suppress(CxrError):
            pool.read(path, "dicom")

    visitor = threading.Thread(target=visit)
    visitor.start()
    while not busy.lock.locked():
        visitor.join(0.01)
    assert pool.read(path, "dicom").pixels.shape == RAMP8.shape
    assert visitor.is_alive()
    os.kill(busy.process.pid, signal.SIGKILL)
    visitor.join()
    for decoder in pool.decoders:
        decoder.close()


def interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def test_an_interrupted_film_is_never_the_next_ones(
    path: Path, decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder.read(write(path, make_dicom(np.full((64, 64), 200, np.uint8))), "dicom")
    with monkeypatch.context() as patch:
        patch.setattr(Decoder, "_receive", interrupt)
        with pytest.raises(KeyboardInterrupt):
            decoder.read(path, "dicom")
    assert decoder.read(write(path, make_dicom(RAMP8)), "dicom").pixels.shape == RAMP8.shape


def test_a_child_that_cannot_be_started_is_said_and_tried_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Decoder()
    write(path, make_dicom(RAMP8))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(path.with_name("no python")))
        with pytest.raises(CxrError, match=SAY_NO_CHILD):
            fresh.read(path, "dicom")
    assert fresh.read(path, "dicom").pixels.shape == RAMP8.shape
    fresh.close()


@pytest.mark.parametrize(
    ("header", "pixels"),
    [
        (b"\xff", b""),
        (b"[]", b""),
        (b"{}", b""),
        (b'{"height": 2, "width": 2, "view": null, "warnings": [], "reasons": []}', bytes(12)),
        (b'{"height": 1, "width": 4000, "view": null, "warnings": [], "reasons": []}', bytes(16000)),
        (b'{"height": 0, "width": 0, "view": null, "warnings": [], "reasons": []}', b""),
        (b'{"height": 1e999, "width": 1, "view": null, "warnings": [], "reasons": []}', b""),
        (b'{"height": 1, "width": 1, "view": [], "warnings": 5}', bytes(4)),
    ],
)
def test_what_makes_no_sense_is_not_believed(header: bytes, pixels: bytes) -> None:
    with pytest.raises(ConnectionError):
        module._build_film(header, pixels)


@pytest.mark.parametrize("word", [b"ready", b"[]"])
def test_a_child_out_of_step_is_replaced(path: Path, monkeypatch: pytest.MonkeyPatch, word: bytes) -> None:
    """As one would be that was interrupted while it started: every visitor would get the film before theirs."""
    fresh = Decoder()
    fresh.read(write(path, make_dicom(RAMP8)), "dicom")
    with monkeypatch.context() as patch:
        patch.setattr(Decoder, "_ask", lambda *_: (word, b""))
        with pytest.raises(CxrError, match=SAY_BROKEN):
            fresh.read(path, "dicom")
    assert fresh.process is None
    assert fresh.read(path, "dicom").pixels.shape == RAMP8.shape
    fresh.close()


def test_a_start_that_was_interrupted_leaves_no_child(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Decoder()
    with monkeypatch.context() as patch:
        patch.setattr(Decoder, "_receive", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fresh.read(write(path, make_dicom(RAMP8)), "dicom")
    assert fresh.process is None and fresh.pipe is None
    assert fresh.read(path, "dicom").pixels.shape == RAMP8.shape
    fresh.close()


def test_numbers_beyond_a_film_are_brought_back() -> None:
    header = json.dumps({"height": 1, "width": 3, "view": "none", "warnings": [], "reasons": []}).encode()
    film = module._build_film(header, np.array([np.nan, -3, 7], np.float32).tobytes())
    assert film.pixels.tolist() == [[0, 0, 1]] and film.view is None


ALONE = """
import sys, time
from cxr.films import decoder_child
decoder_child.LONGEST, decoder_child.READERS = 1, {"picture": lambda path: time.sleep(60)}
decoder_child.serve(int(sys.argv[1]))
"""


def test_a_child_that_nobody_watches_ends_by_itself() -> None:
    ours, theirs = Pipe()
    command = [sys.executable, "-c", ALONE, str(theirs.fileno())]
    child = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=Path(__file__).parents[2])
    ours.send_bytes(b"picture\0film")
    assert child.wait(30) == -signal.SIGALRM


def test_the_child_is_bounded_and_isolated(decoder: Decoder, path: Path) -> None:
    decoder.read(write(path, make_dicom(RAMP8)), "dicom")
    assert decoder.process and "-I" in decoder.process.args  # type: ignore[operator]
    lines = (Path("/proc") / str(decoder.process.pid) / "limits").read_text().splitlines()
    limits = {line[:26].strip(): line[26:].split()[:2] for line in lines}
    assert limits["Max address space"] == [str(MAX_MEMORY)] * 2 and MAX_MEMORY <= 1.5e9
    assert limits["Max file size"] == limits["Max core file size"] == ["0", "0"]


def test_the_child_gets_no_secret_and_loads_no_torch(decoder: Decoder, path: Path) -> None:
    os.environ["CXR_TEST_SECRET"] = "planted"
    try:
        fresh = Decoder()
        fresh.read(write(path, make_dicom(RAMP8)), "dicom")
        assert fresh.process
        process = Path("/proc") / str(fresh.process.pid)
        environment, maps = (process / "environ").read_bytes(), (process / "maps").read_text()
        fresh.close()
    finally:
        del os.environ["CXR_TEST_SECRET"]
    assert b"planted" not in environment
    assert "pydicom" not in environment.decode() and "libtorch" not in maps and "numpy" in maps
