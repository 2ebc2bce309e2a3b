"""What would unfold to gigabytes is refused before it does, and before anything is decoded."""

import tracemalloc
import zlib
from pathlib import Path
from typing import NoReturn

import pytest

from cxr.films import dicom
from cxr.films.dicom import read_dicom
from cxr.films.dicom_bombs import (
    BOMB,
    ENDLESS,
    MAX_ELEMENTS,
    MAX_INFLATED,
    inflate,
    unfolds_beyond,
)
from cxr.films.dicom_values import BAD_NUMBER
from cxr.results import CxrError
from tests.fuzz.dicom_bombs import DICOM_BOMBS, PLAIN, deflate_film, deflate_zeros, insert


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "film"


DEFLATED = [name for name in DICOM_BOMBS if name.startswith("deflated, a gigabyte")]


@pytest.mark.parametrize("name", DEFLATED)
def test_a_deflate_bomb_is_never_inflated(path: Path, name: str) -> None:
    path.write_bytes(DICOM_BOMBS[name]())
    tracemalloc.start()
    try:
        with pytest.raises(CxrError, match=BOMB):
            read_dicom(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * MAX_INFLATED  # of a gigabyte


def test_the_weight_of_what_is_deflated_is_told_without_unfolding_it() -> None:
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    most = packer.compress(bytes(MAX_INFLATED)) + packer.flush(zlib.Z_FULL_FLUSH)
    assert len(inflate(most)) == MAX_INFLATED
    with pytest.raises(CxrError, match=BOMB):
        inflate(most + packer.compress(b"1") + packer.flush())


def test_nothing_behind_the_pixels_is_read(path: Path) -> None:
    path.write_bytes(deflate_film(16))
    assert read_dicom(path).pixels.shape == (64, 64)
    path.write_bytes(PLAIN + b"\0\0\0\0" * MAX_ELEMENTS * 4)
    assert read_dicom(path).pixels.shape == (64, 64)


def test_more_elements_than_a_film_has_are_refused(path: Path) -> None:
    element = b"\x07\x00\x10\x10UN\0\0\0\0\0\0"
    path.write_bytes(insert(element * (MAX_ELEMENTS - 100)))
    assert read_dicom(path).pixels.shape == (64, 64)
    for bomb in (insert(element * MAX_ELEMENTS), deflate_zeros(1)):
        path.write_bytes(bomb)
        with pytest.raises(CxrError, match=ENDLESS):
            read_dicom(path)


@pytest.mark.parametrize(
    ("segment", "length"),
    [
        (b"", 0),
        (b"\x02abc", 3),  # three as they are
        (b"\xfea", 3),  # one, three times
        (b"\x81a", 128),
        (b"\x80\x80\x00a", 1),  # 128 says nothing
        (b"\x02abc\x81z\x80\xffq\x00r", 3 + 128 + 2 + 1),
    ],
)
def test_the_length_of_an_rle_segment_is_told(segment: bytes, length: int) -> None:
    assert not unfolds_beyond(segment.ljust(len(segment)), max(length, len(segment)))
    if length > len(segment):
        assert unfolds_beyond(segment, length - 1)


class Counted(bytes):
    """Bytes that count how often one of them is looked at."""

    looks = 0

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        self.looks += 1
        return super().__getitem__(place)


def test_an_rle_bomb_is_looked_at_no_further_than_needed() -> None:
    bomb = Counted(bytes([129, 0]) * 500_000)
    assert unfolds_beyond(bomb, len(bomb))
    assert bomb.looks <= len(bomb) // 128 + 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("RLE of 400 megapixels", "40 megapixels"),
        ("RLE, a small film of 256 MB", BOMB),
        ("65,535 x 65,535 dots", "40 megapixels"),
        ("a disc's table of contents", "DICOMDIR"),
        ("slope not a number", BAD_NUMBER.format("Rescale Slope")),
        ("intercept infinite", BAD_NUMBER.format("Rescale Intercept")),
        ("window infinite", BAD_NUMBER.format("Window Width")),
    ],
)
def test_it_is_refused_before_anything_is_decoded(
    path: Path, name: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> NoReturn:
        raise AssertionError("decoded")

    monkeypatch.setattr(dicom, "render", decode)
    path.write_bytes(DICOM_BOMBS[name]())
    with pytest.raises(CxrError) as refusal:
        read_dicom(path)
    assert words in str(refusal.value)
