"""Writing in the picture: drawn films with text drawn in as the truth, and the rates on them and on real films."""

import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from cxr.films.burnt_in import SAY_MASKED, SAY_TEXT, can_mask, find_text, mask_text, warn_of_text
from cxr.films.film import Film, to_image
from cxr.films.open import open_film
from cxr.films.phantom import draw_film
from tests.data import DATA, needs_data

NAMES = ("DOE JOHN 1961-04-02", "Schmidt, Anna", "MRN 4711-0815")
PLACES = ("upper left", "lower right", "middle")


def write(film: Film, text: str, height: int, place: str, shade: int = 255) -> tuple[Film, tuple[int, int, int, int]]:
    """A film with a line of text drawn in, `height` px high, and the box that it fills (left, top, right, bottom)."""
    image = to_image(film)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(height)
    width, tall = draw.textbbox((0, 0), text, font=font)[2:]
    left, top = {
        "upper left": (8, 8),
        "lower right": (image.width - width - 8, image.height - tall - 8),
        "middle": ((image.width - width) // 2, image.height // 3),
    }[place]
    draw.text((left, top), text, font=font, fill=shade)
    pixels = np.asarray(image, dtype=np.float32) / 255
    return replace(film, pixels=pixels), (left, top, left + width, top + tall)


def is_found(film: Film, box: tuple[int, int, int, int]) -> bool:
    """Whether a box of what is found lies over the line."""
    left, top, right, bottom = box
    return any(t < bottom and b > top and start < right and end > left for t, start, b, end in find_text(film.pixels))


@pytest.fixture(scope="module")
def film() -> Film:
    return draw_film(3, size=640, view="PA").film


@pytest.mark.parametrize(("text", "place"), product(NAMES, PLACES))
def test_a_name_is_found_wherever_it_is_written(film: Film, text: str, place: str) -> None:
    written, box = write(film, text, 18, place)
    assert is_found(written, box)
    assert SAY_TEXT in warn_of_text(written).warnings


def test_black_writing_on_white_is_found(film: Film) -> None:
    pixels = film.pixels.copy()
    pixels[:60] = 1
    assert is_found(*write(replace(film, pixels=pixels), NAMES[0], 18, "upper left", shade=0))


@pytest.mark.parametrize("text", ["L", "R", "AP"])
def test_a_marker_is_no_line(film: Film, text: str) -> None:
    assert find_text(write(film, text, 24, "upper left")[0].pixels) == []


def test_a_film_without_writing_is_left_as_it_is(film: Film) -> None:
    assert warn_of_text(film) is film and not can_mask(film)


@pytest.mark.parametrize("place", PLACES)
def test_what_is_masked_is_gone_and_the_rest_is_as_it_was(film: Film, place: str) -> None:
    written, (left, top, right, bottom) = write(replace(film, warnings=("Something else.",)), NAMES[0], 18, place)
    masked = mask_text(warn_of_text(written))
    assert masked.warnings == ("Something else.", SAY_MASKED) and not can_mask(masked)
    assert masked.pixels[top:bottom, left:right].max() == 0
    changed = masked.pixels != written.pixels
    assert changed.mean() < 0.2 and find_text(masked.pixels) == []
    assert (masked.pixels[changed] == 0).all() and written.pixels.max() > 0.9  # the one with the name is another film


def test_very_small_films_have_no_room_for_writing() -> None:
    for shape in ((1, 1), (8, 300), (300, 8)):
        assert find_text(np.zeros(shape, dtype=np.float32)) == []


@pytest.mark.slow
def test_rates_on_drawn_films(capsys: pytest.CaptureFixture[str]) -> None:
    found, false = [], []
    for seed, size in product(range(20), (384, 640, 1024)):
        film = draw_film(seed, size=size, view="PA").film
        false.append(bool(find_text(film.pixels)))
        if seed >= 2:
            continue
        for text, height, place, shade in product(NAMES, (10, 14, 20, 28, 36), PLACES, (255, 200)):
            written, (left, top, right, bottom) = write(film, text, height, place, shade)
            beneath = film.pixels[top:bottom, max(0, left) : right]
            if left >= 0 and shade / 255 - beneath.mean() > 0.3:  # else nobody could read it
                found.append(is_found(written, (left, top, right, bottom)))
    with capsys.disabled():
        sys.stdout.write(f"\nof {len(found)} lines {np.mean(found):.1%} are found; ")
        sys.stdout.write(f"of {len(false)} drawn films without any {sum(false)} are warned of\n")
    assert np.mean(found) > 0.95 and np.mean(false) < 0.01


@needs_data
@pytest.mark.slow
def test_rate_on_real_films(capsys: pytest.CaptureFixture[str]) -> None:
    films = sorted((DATA / "films").glob("*.jpg"))
    warned = [path for path in films if find_text(np.asarray(Image.open(path).convert("L"), dtype=np.float32) / 255)]
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(warned)} of {len(films)} real films ({len(warned) / len(films):.1%}) are warned of writing\n"
        )
    assert len(warned) < 0.15 * len(films)
    assert can_mask(warn_of_text(open_film(warned[0])))
