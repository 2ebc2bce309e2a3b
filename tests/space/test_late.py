"""What is said late of one film never stands under the next: handlers in an order that a busy machine brings about."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from cxr.films.film import Film
from cxr.results import Gate
from cxr.space.desk import Desk
from cxr.space.layout import Parts, lay_out
from cxr.space.reading import Reading
from cxr.space.shelf import Shelf
from cxr.space.viewing import Viewing
from cxr.space.visit import Changes, Latest, Studied, Visit
from tests.fakes import EMBEDDED, fake_reader
from tests.space.served import draw_examples, write_bad_files, write_film
from tests.tiny import noise_film

REQUEST: Any = SimpleNamespace(session_hash="one")
POINTED: Any = SimpleNamespace(index=(5, 5))


class House:
    """The handlers of one page and what they share, without the page."""

    def __init__(self, folder: Path) -> None:
        reader, self.latest = fake_reader(), Latest(8)
        self.desk, examples = Desk(reader), draw_examples(folder)
        with gr.Blocks():
            self.parts: Parts = lay_out(EMBEDDED, [], ())
        self.viewing = Viewing(self.desk, self.parts, Shelf(reader.open, examples), self.latest)
        self.reading = Reading(self.desk, self.parts, self.latest)
        self.old = Visit("old", noise_film(), examples[0])


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return House(tmp_path)


LATE: dict[str, Callable[[House], Changes]] = {
    "rest": lambda house: house.reading.rest(house.old, REQUEST),
    "read": lambda house: house.reading.read_film(house.old, REQUEST),
    "look": lambda house: house.viewing.look(house.old, 2, 50, 50, False, REQUEST),
    "aim": lambda house: house.viewing.aim(house.old, 1, 50, 50, False, POINTED, REQUEST),
    "truth": lambda house: house.viewing.show_truth(house.old, REQUEST),
    "mask": lambda house: house.viewing.mask_borders(house.old, REQUEST),
    "anyway": lambda house: house.viewing.read_anyway(house.old, REQUEST),
    "mend": lambda house: house.viewing.mend(house.old, Studied("old", Gate()), REQUEST),
}


@pytest.mark.parametrize("event", LATE)
@pytest.mark.parametrize("then", ["", "new"])
def test_what_comes_late_of_a_film_changes_nothing(house: House, event: str, then: str) -> None:
    house.latest.note(REQUEST, "old")
    house.latest.note(REQUEST, then)  # refused, or shown
    assert LATE[event](house) == {}


@pytest.mark.parametrize("name", ["text.txt", "dark.png"])
def test_the_film_before_is_gone_while_the_next_is_being_opened(
    house: House, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler that took its visit before, and is done after, says nothing: it would be heard last."""
    write_film(tmp_path / "dark.png", 0.25)
    write_bad_files(tmp_path)
    house.latest.note(REQUEST, "old")
    meanwhile: list[Changes] = []
    stock = house.desk.open

    def open_slowly(*given: Any) -> Film:
        meanwhile.extend(late(house) for late in LATE.values())
        return stock(*given)

    monkeypatch.setattr(house.desk, "open", open_slowly)
    changes = house.viewing.open_upload(str(tmp_path / name), REQUEST)
    assert meanwhile == [{}] * len(LATE)
    assert changes[house.parts.film.visit] is None or name == "dark.png"
    assert changes[house.parts.results.ask].interactive is (name == "dark.png")


def test_what_may_be_pressed_follows_the_film_that_is_there(house: House) -> None:
    house.latest.note(REQUEST, "old")
    assert house.reading.rest(house.old, REQUEST)[house.parts.results.ask].interactive
    assert not house.reading.rest(None, REQUEST)[house.parts.results.ask].interactive
