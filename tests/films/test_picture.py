"""How large a picture is decides before anything of it is decoded, and Pillow's own alarm counts as one."""

import warnings
from pathlib import Path
from typing import NoReturn

import pytest
from PIL import Image, ImageFile

from cxr.films.picture import read_picture
from cxr.results import CxrError
from tests.fuzz.picture_bombs import PICTURE_BOMBS


def load(image: ImageFile.ImageFile) -> NoReturn:
    raise AssertionError("loaded")


@pytest.mark.parametrize(
    "name",
    ["PNG of 200 megapixels", "PNG of 100 megapixels", "PNG of four billion squared", "JPEG file of 65,500 x 65,500"],
)
def test_a_picture_that_is_too_large_is_refused_before_it_is_loaded(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    path = tmp_path / "film"
    path.write_bytes(PICTURE_BOMBS[name]())
    with warnings.catch_warnings(record=True) as raised, pytest.raises(CxrError, match="40 megapixels"):
        read_picture(path)
    assert not raised


def test_pillows_warning_of_a_bomb_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the size that is checked is small, as that of a later picture of a file may be large."""
    path = tmp_path / "film"
    Image.new("L", (256, 256)).save(path, "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 256 * 256 - 1)
    with warnings.catch_warnings(record=True), pytest.raises(CxrError, match="40 megapixels"):
        read_picture(path)
