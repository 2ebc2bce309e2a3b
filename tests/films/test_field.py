"""What lies around the exposed field is found and blackened; a film without a border stays as it is, dot by dot."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from PIL import Image, ImageDraw

from cxr.films.field import Box, blacken_border, find_field
from cxr.films.film import Film, letterbox
from cxr.films.gate import mend_film
from cxr.films.open import open_film
from cxr.films.phantom import draw_film
from tests.data import DATA, needs_data

Array = np.ndarray
FILM = draw_film(10_000_001, view="PA").film.pixels[60:460, 40:400].clip(0.12, 0.95)
HEIGHT, WIDTH = FILM.shape


def pad(width: int, value: float, film: Array = FILM) -> Array:
    return np.pad(film, width, constant_values=np.asarray(value, film.dtype))


def write(pixels: Array, ink: float) -> Array:
    image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    pen.text((60, 8), "PORTABLE 12:45 Ward 3", fill=ink)
    pen.text((6, 150), "L", fill=ink, font_size=20)
    return np.asarray(image)


def compress(pixels: Array, quality: int) -> Array:
    file = BytesIO()
    Image.fromarray((pixels * 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file), dtype=np.float32) / 255


@pytest.mark.parametrize("value", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize(
    "lay",
    [
        lambda value: pad(30, value),
        lambda value: write(pad(30, value), 1 - value if value != 0.5 else 1.0),
        lambda value: pad(2, 1 - value, pad(28, value)),  # a thin frame around it
        lambda value: pad(12, value, pad(18, 1 - value)),  # two borders
    ],
)
def test_a_border_of_any_grey_is_found_to_the_line(lay: Callable[[float], Array], value: float) -> None:
    assert find_field(lay(value)) == Box(30, 30, 30 + HEIGHT, 30 + WIDTH)


@pytest.mark.parametrize("widths", [((0, 0), (50, 50)), ((40, 0), (0, 0)), ((7, 90), (20, 60))])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_each_side_has_its_own_width(widths: tuple[tuple[int, int], tuple[int, int]], value: float) -> None:
    padded = np.pad(FILM, widths, constant_values=value)
    assert np.array_equal(find_field(padded).cut(padded), FILM)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("border", [0, 127])
def test_raw_values_of_any_type_will_do(kind: type, border: int) -> None:
    raw = (FILM * 100).astype(kind)
    assert find_field(pad(25, border, raw)) == Box(25, 25, 25 + HEIGHT, 25 + WIDTH)


def test_padding_far_outside_the_range_is_a_border_of_twelve_bit_values() -> None:
    raw = (FILM * 4095).astype(np.uint16)
    for value in (0, 4095, 60000, 65535):
        assert find_field(pad(25, value, raw)) == Box(25, 25, 25 + HEIGHT, 25 + WIDTH)


@pytest.mark.parametrize("quality", [70, 90])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_noise_of_jpeg_hides_no_border(value: float, quality: int) -> None:
    field = find_field(compress(pad(32, value), quality))
    assert np.abs(np.array(field) - (32, 32, 32 + HEIGHT, 32 + WIDTH)).max() <= 4


def test_a_film_without_a_border_stays_as_it_is() -> None:
    edges = FILM.copy()
    edges[:, :40] = np.linspace(0, 0.12, 40)  # air that fades to black
    edges[-60:] = np.clip(edges[-60:] + np.linspace(0, 1, 60)[:, None], 0, 1)  # overexposed below
    edges[100:180, :70] = 1  # an arm
    for film in (FILM, edges, FILM * 0 + 0.4, np.zeros((3, 90), np.float32)):
        assert blacken_border(film) is film
        assert find_field(film).cut(film).size >= 0.97 * film.size
    assert find_field(FILM) == (0, 0, HEIGHT, WIDTH)


@pytest.mark.parametrize("value", [0.4, 1.0])
def test_what_is_light_around_a_film_becomes_black_with_its_writing(value: float) -> None:
    found = blacken_border(write(pad(30, value), 0.0))
    assert np.array_equal(found, pad(30, 0.0))
    assert blacken_border(found) is found


@pytest.mark.parametrize("aslant", [-12, -3, 3, 12])
@pytest.mark.parametrize("side", range(4))
def test_a_collimators_edges_may_lie_aslant(side: int, aslant: float) -> None:
    turned = np.rot90(FILM, side).copy()
    height, width = turned.shape
    line = 25 + aslant * np.linspace(-1, 1, height)[:, None]
    outside = np.arange(width) < line
    turned[outside] = 1
    found = np.rot90(blacken_border(np.ascontiguousarray(np.rot90(turned, -side))), side)
    wrong = (found != np.where(outside, 0, turned)).mean()
    assert wrong < 0.004 and found[outside].mean() < 0.02


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_the_canvas_is_the_same_with_a_border(value: float) -> None:
    with_border = letterbox(Film(blacken_border(pad(27, value))), 224)
    assert np.array_equal(np.asarray(with_border), np.asarray(letterbox(Film(FILM), 224)))


def test_the_largest_picture_takes_no_time() -> None:
    values = np.full((6000, 6600), 7, np.uint16)
    values[300:-300, 300:-300] = np.add.outer(np.arange(5400) * 37 % 997, np.arange(6000) * 91 % 1009)
    start = perf_counter()
    assert find_field(values) == Box(300, 300, 5700, 6300)
    assert perf_counter() - start < 1  # 0.06 s on a quiet core


@pytest.mark.parametrize("value", [0, 65535])
def test_a_border_does_not_shape_the_greys_of_a_deep_picture(tmp_path: Path, value: int) -> None:
    raw = (FILM * 3000 + 500).astype(np.uint16)
    for name, film in (("plain", raw), ("padded", pad(40, value, raw))):
        Image.fromarray(film).save(tmp_path / f"{name}.png")
    plain, padded = (open_film(tmp_path / f"{name}.png").pixels for name in ("plain", "padded"))
    assert np.array_equal(padded, pad(40, 0.0, plain)) and plain.max() == 1


@pytest.mark.parametrize("border", [0.0, 1.0])
def test_a_negative_with_a_border_is_mended_to_a_film_with_a_black_one(border: float) -> None:
    came = Film(blacken_border(pad(30, border, 1 - FILM)))
    assert np.abs(mend_film(came, "invert").pixels - pad(30, 0.0)).max() < 1e-6


@needs_data
def test_real_films_are_hardly_touched() -> None:
    films = [open_film(path).pixels for path in sorted((DATA / "films").glob("*.jpg"))[::60]]
    shares = np.array([find_field(pixels).cut(pixels).size / pixels.size for pixels in films])
    assert (shares == 1).mean() > 0.7 and shares.min() > 0.4


@needs_data
@pytest.mark.parametrize("value", [0, 128, 255])
def test_real_films_are_the_same_with_a_border(value: int) -> None:
    for path in sorted((DATA / "films").glob("nih*.jpg"))[::120]:
        grey = np.asarray(Image.open(path).convert("L"), dtype=np.float32) / 255
        one, other = (letterbox(Film(blacken_border(film)), 224) for film in (grey, pad(26, value / 255, grey)))
        assert np.abs(np.asarray(one, float) - np.asarray(other, float)).mean() < 4
