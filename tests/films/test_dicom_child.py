"""Lies and bombs cost one film and nothing else; the child process is watched, renewed and replaced."""

import os
import signal
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    RLELossless,
)

from cxr.films.dicom import DicomDecoder, read_dicom
from cxr.films.open import open_film
from cxr.results import CxrError
from tests.films.dicoms import RAMP8, RAMP16, make_dicom, read, to_bytes, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "film"


@pytest.fixture(scope="module")
def decoder() -> Iterator[DicomDecoder]:
    decoder = DicomDecoder()
    yield decoder
    decoder.close()


# --- lies and bombs ---------------------------------------------------------------------------------------------------


def put_number(dataset: FileDataset, name: str, text: str) -> bytes:
    """The file with a DS element spelled as pydicom itself would refuse to write it."""
    setattr(dataset, name, "1")
    whole = to_bytes(dataset)
    tag = pydicom.tag.Tag(name)
    start = whole.index(tag.group.to_bytes(2, "little") + tag.element.to_bytes(2, "little") + b"DS") + 8
    text += " " * (len(text) % 2)
    length = int.from_bytes(whole[start - 2 : start], "little")
    return whole[: start - 2] + len(text).to_bytes(2, "little") + text.encode() + whole[start + length :]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("RescaleSlope", "nan"),
        ("RescaleSlope", "inf"),
        ("RescaleSlope", "1e308"),
        ("RescaleIntercept", "-inf"),
        ("WindowWidth", "0"),
        ("WindowWidth", "-5"),
        ("WindowWidth", "nan"),
        ("WindowCenter", "inf"),
        ("WindowCenter", "abc"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(path: Path, name: str, text: str) -> None:
    dataset = make_dicom(RAMP16, RescaleSlope=1, RescaleIntercept=0)
    if name.startswith("Window"):
        dataset.WindowCenter, dataset.WindowWidth = 100, 100
    path.write_bytes(put_number(dataset, name, text))
    with pytest.raises(CxrError):
        read_dicom(path)


@pytest.mark.parametrize(
    "elements",
    [
        {"Rows": 512},
        {"Columns": 300},
        {"BitsAllocated": 16},
        {"SamplesPerPixel": 3},
        {"BitsAllocated": 13},
        {"PhotometricInterpretation": "NONSENSE"},
        {"PixelData": b"\0" * 10},
        {"VOILUTFunction": "CUBIC", "WindowCenter": 1, "WindowWidth": 9},
    ],
)
def test_lies_about_the_pixels_are_refused(path: Path, elements: dict[str, Any]) -> None:
    with pytest.raises(CxrError):
        read(path, RAMP8, **elements)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.99])
def test_a_truncated_file_is_refused(path: Path, share: float) -> None:
    whole = to_bytes(make_dicom(RAMP8))
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CxrError):
        open_film(path)


def make_deflate_bomb(megabytes: int) -> bytes:
    """A deflated data set of a film and then so many zeros."""
    whole = to_bytes(make_dicom(RAMP8, syntax=DeflatedExplicitVRLittleEndian))
    start = 144 + int.from_bytes(whole[140:144], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = [packer.compress(zlib.decompress(whole[start:], -zlib.MAX_WBITS))]
    body += [packer.compress(bytes(2**20)) for _ in range(megabytes)]
    return whole[:start] + b"".join(body) + packer.flush()


def test_a_deflate_bomb_is_refused_and_the_next_film_opens(path: Path) -> None:
    path.write_bytes(make_deflate_bomb(700))
    with pytest.raises(CxrError, match="memory"):
        read_dicom(path)
    assert read(path, RAMP8).pixels.shape == RAMP8.shape


def test_a_smaller_deflate_bomb_runs_out_of_time(path: Path) -> None:
    decoder = DicomDecoder(seconds=0.5)
    path.write_bytes(make_deflate_bomb(128))
    with pytest.raises(CxrError, match="too long"):
        decoder.read(path)
    assert decoder.read(write(path, make_dicom(RAMP8))).pixels.shape == RAMP8.shape
    decoder.close()


def test_an_rle_bomb_is_refused_and_the_next_film_opens(path: Path) -> None:
    header = (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56)
    packed = encapsulate([header + bytes([129, 0]) * (20000 * 20000 // 128)])
    dataset = make_dicom(RAMP8, syntax=RLELossless, Rows=20000, Columns=20000, PixelData=packed)
    dataset["PixelData"].is_undefined_length = True
    with pytest.raises(CxrError, match="20 megapixels"):
        read_dicom(write(path, dataset))
    assert read(path, RAMP8).pixels.shape == RAMP8.shape


def test_the_largest_film_fits_into_the_memory(path: Path) -> None:
    stored = np.tile(RAMP16, (16, 20))[:4000, :5000]
    film = read(path, stored, WindowCenter=32768, WindowWidth=65536, RescaleSlope=1, RescaleIntercept=0)
    assert film.pixels.shape == (896, 1120)
    path.write_bytes(b"")


# --- the child process ------------------------------------------------------------------------------------------------


def test_a_killed_child_is_replaced(path: Path, decoder: DicomDecoder) -> None:
    write(path, make_dicom(RAMP8))
    decoder.read(path)
    assert decoder.process
    first = decoder.process.pid
    os.kill(first, signal.SIGKILL)
    decoder.process.wait()
    assert decoder.read(path).pixels.shape == RAMP8.shape
    assert decoder.process.pid != first


def test_a_child_that_hangs_is_killed_and_replaced(path: Path) -> None:
    decoder = DicomDecoder(seconds=0.5)
    write(path, make_dicom(RAMP8))
    decoder.read(path)
    assert decoder.process
    hung = decoder.process
    os.kill(hung.pid, signal.SIGSTOP)
    with pytest.raises(CxrError, match="too long"):
        decoder.read(path)
    assert hung.returncode == -signal.SIGKILL
    assert decoder.read(path).pixels.shape == RAMP8.shape
    decoder.close()


def test_a_child_that_dies_at_work_costs_one_film(path: Path, decoder: DicomDecoder) -> None:
    write(path, make_dicom(RAMP8))
    decoder.read(path)
    assert decoder.process
    os.kill(decoder.process.pid, signal.SIGSTOP)  # so that it dies with the film in its hands
    threading.Timer(0.3, os.kill, (decoder.process.pid, signal.SIGKILL)).start()
    with pytest.raises(CxrError, match="cannot be decoded"):
        decoder.read(path)
    assert decoder.read(path).pixels.shape == RAMP8.shape


def test_a_child_is_renewed_after_its_share(path: Path) -> None:
    decoder = DicomDecoder(films=2)
    write(path, make_dicom(RAMP8))
    pids = []
    for _ in range(4):
        decoder.read(path)
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
        seen[level] = float(read_dicom(tmp_path / str(level)).pixels.mean())

    threads = [threading.Thread(target=work, args=(level,)) for level in levels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {level: pytest.approx(level / 255, abs=1e-6) for level in levels}


FORK = """
import os, sys, threading, time
from pathlib import Path
from cxr.films.dicom import read_dicom

def is_right(path):
    return all(abs(read_dicom(path).pixels.mean() * 255 - int(path.name)) < 0.01 for _ in range(50))

slow, *paths = [Path(path) for path in sys.argv[1:]]
read_dicom(paths[0])
reading = threading.Thread(target=read_dicom, args=(slow,))  # a film is in the child's hands while this process forks
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
    slow.write_bytes(make_deflate_bomb(12))
    command = [sys.executable, "-c", FORK, str(slow), *map(str, paths)]
    done = subprocess.run(command, timeout=60, cwd=Path(__file__).parents[2])
    assert done.returncode == 0


def test_the_child_gets_no_secret_and_loads_no_torch(decoder: DicomDecoder, path: Path) -> None:
    os.environ["CXR_TEST_SECRET"] = "planted"
    try:
        fresh = DicomDecoder()
        fresh.read(write(path, make_dicom(RAMP8)))
        assert fresh.process
        process = Path("/proc") / str(fresh.process.pid)
        environment, maps = (process / "environ").read_bytes(), (process / "maps").read_text()
        fresh.close()
    finally:
        del os.environ["CXR_TEST_SECRET"]
    assert b"planted" not in environment
    assert "pydicom" not in environment.decode() and "libtorch" not in maps and "numpy" in maps
