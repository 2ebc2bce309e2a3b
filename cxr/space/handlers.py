"""What happens when a visitor acts. A handler takes the visitor's own state; nothing else remembers a film."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import gradio as gr

from cxr.films.film import Film
from cxr.prompts import clean
from cxr.reader import Study
from cxr.results import CxrError, Report
from cxr.space import markup, views
from cxr.space.desk import Desk
from cxr.space.examples import Example
from cxr.space.faults import guard
from cxr.space.layout import CHOOSE_FIRST, Parts
from cxr.space.shelf import Shelf
from cxr.space.uploads import forget_later

T = TypeVar("T")
Changes = dict[Any, Any]  # a component -> its new value or what changes about it
NO_FILM = "Please choose a film first; one that was chosen more than an hour ago has been deleted."
PAUSE = 0.12  # s between two updates of streamed text: the eye needs no more, and many visitors stream at once


@dataclass(frozen=True)
class Visit:
    """The film one visitor looks at. `number` tells it from every other, also after pickling."""

    number: str
    film: Film
    example: Example | None = None


@dataclass(frozen=True)
class Studied:
    """What the encoder made of the film of the visit `number`; a late one of an earlier film is never used."""

    number: str
    study: Study


class Handlers:
    """The page's events over one desk. The parts are where their changes go."""

    def __init__(self, desk: Desk, parts: Parts, shelf: Shelf) -> None:
        self._desk = desk
        self._film = parts.film
        self._results = parts.results
        self._shelf = shelf

    @guard
    def open_upload(self, path: str | None) -> Changes:
        """Show the film in an uploaded file, and forget everything about the one before."""
        if path is None:
            raise CxrError(NO_FILM)
        try:
            return self._show(Visit(uuid4().hex, self._desk.open(path)))
        finally:
            forget_later(Path(path))

    @guard
    def open_example(self, event: gr.SelectData) -> Changes:
        """Show an example; what is known about it stays here until it is asked for."""
        example = self._shelf.find(str(event.value["caption"]))
        return self._show(Visit(uuid4().hex, self._desk.open(example.path), example))

    def list_examples(self) -> Changes:
        """The gallery as it is now: films may have been fetched since the page was made."""
        thumbnails = self._shelf.list_thumbnails()
        return {self._film.examples: thumbnails, self._film.choices: gr.Accordion(visible=bool(thumbnails))}

    def forget(self) -> Changes:
        """An empty page after a film that could not be opened, so that no result stands there for another film."""
        film = self._film
        return {
            film.visit: None,
            film.studied: None,
            film.upload: None,
            film.viewer: gr.Column(visible=False),
            film.choices: gr.Accordion(open=True),
            **self._clear(CHOOSE_FIRST),
        }

    def _show(self, visit: Visit) -> Changes:
        film = self._film
        return {
            film.visit: visit,
            film.number: visit.number,
            film.studied: None,
            film.upload: None,
            film.choices: gr.Accordion(open=False),
            film.viewer: gr.Column(visible=True),
            film.picture: self._draw(visit.film, views.Look()),
            film.notes: gr.HTML(value=markup.show_notes(visit.film.warnings), visible=bool(visit.film.warnings)),
            film.caption: markup.show_caption(views.describe_film(visit.film)),
            film.zoom: 1,
            film.across: gr.Slider(value=50, visible=False),
            film.down: gr.Slider(value=50, visible=False),
            film.inverted: False,
            film.ask_truth: gr.Button(visible=visit.example is not None),
            film.truth: gr.HTML(value="", visible=False),
            **self._clear("Reading the film …"),
        }

    def _clear(self, invitation: str) -> Changes:
        results = self._results
        return {
            results.findings: markup.show_invitation(invitation),
            results.report: "",
            results.chat: [],
            results.question: "",
            results.findings_file: gr.DownloadButton(value=None, visible=False),
            results.report_file: gr.DownloadButton(value=None, interactive=False),
        }

    @guard
    def show_truth(self, visit: Visit | None) -> Changes:
        """What is known about an example, now that it was asked for."""
        example = visit.example if visit else None
        if example is None:
            raise CxrError("Only of an example is it known what it shows.")
        return {
            self._film.ask_truth: gr.Button(visible=False),
            self._film.truth: gr.HTML(value=markup.show_truth(example), visible=True),
        }

    @guard
    def look(self, visit: Visit | None, zoom: float, across: float, down: float, inverted: bool) -> Changes:
        """The film as the visitor wants to see it."""
        look = views.Look(zoom, across / 100, down / 100, inverted)
        sliders = {part: gr.Slider(visible=zoom > 1) for part in (self._film.across, self._film.down)}
        return {self._film.picture: self._draw(_need(visit).film, look), **sliders}

    @guard
    def aim(
        self, visit: Visit | None, zoom: float, across: float, down: float, inverted: bool, event: gr.SelectData
    ) -> Changes:
        """Move the point that was clicked to the middle, twice as large where the whole film was seen."""
        film, look = _need(visit).film, views.Look(zoom, across / 100, down / 100, inverted)
        x, y = views.aim(film, look, *event.index)
        zoom = max(zoom, 2.0)
        return {
            self._film.zoom: zoom,
            self._film.across: gr.Slider(value=round(x * 100), visible=True),
            self._film.down: gr.Slider(value=round(y * 100), visible=True),
            self._film.picture: self._draw(film, views.Look(zoom, x, y, inverted)),
        }

    def _draw(self, film: Film, look: views.Look) -> str:
        return _save(views.write_png(views.render_film(film, look)), "film.png", self._film.picture)

    @guard
    def read_film(self, visit: Visit | None) -> Changes:
        """Encode the film and look for the 14 findings."""
        visit = _need(visit)
        study, classification = self._desk.read(visit.film)
        content = views.write_findings_file(classification, self._desk.identity)
        part = self._results.findings_file
        return {
            self._film.studied: Studied(visit.number, study),
            self._results.findings: markup.show_findings(classification, self._desk.identity),
            part: gr.DownloadButton(value=_save(content, "chest-film-findings.json", part), visible=True),
        }

    @guard
    def write_report(self, visit: Visit | None, studied: Studied | None, indication: str | None) -> Iterator[Changes]:
        """The report as it is written; the file to download when it is finished."""
        part = self._results.report_file
        yield {self._results.report: "", part: gr.DownloadButton(value=None, interactive=False)}
        for report in pace(self._desk.caption(_seen(visit, studied), indication or "")):
            yield {self._results.report: views.write_report_text(report), **self._offer(report)}

    def _offer(self, report: Report) -> Changes:
        if not report.finished:
            return {}
        part = self._results.report_file
        path = _save(views.write_report_file(report, self._desk.identity), "chest-film-report.txt", part)
        return {part: gr.DownloadButton(value=path, interactive=True)}

    @guard
    def ask(
        self,
        visit: Visit | None,
        studied: Studied | None,
        question: str | None,
        messages: list[dict[str, Any]],
        event: gr.EventData,
    ) -> Iterator[Changes]:
        """The answer to the question in the box, or on the button that was pressed, as it is written."""
        seen = _seen(visit, studied)
        asked = clean(event.target.value if event.target in self._results.ready else question or "")
        chat = [*messages, {"role": "user", "content": asked}]
        if asked:  # the Reader has a sentence for an empty one
            yield {self._results.chat: chat, self._results.question: ""}
        for answer in pace(self._desk.answer(seen, asked, views.read_turns(messages))):
            yield {self._results.chat: [*chat, {"role": "assistant", "content": answer.text}]}


def pace(results: Iterator[T], pause: float = PAUSE) -> Iterator[T]:
    """The same results, but at most one in `pause` seconds, and always the last; closing it closes them."""
    due, held = 0.0, []
    for result in results:
        held = [result]
        if time.monotonic() >= due:
            yield held.pop()
            due = time.monotonic() + pause
    yield from held


def _need(visit: Visit | None) -> Visit:
    if visit is None:
        raise CxrError(NO_FILM)
    return visit


def _seen(visit: Visit | None, studied: Studied | None) -> Film | Study:
    visit = _need(visit)
    return studied.study if studied and studied.number == visit.number else visit.film


def _save(content: bytes, name: str, part: gr.Image | gr.DownloadButton) -> str:
    """A file in Gradio's cache, from where `delete_cache` removes it.

    In a folder of its own: Gradio names folders by content, so that two visitors of one example share a file, and
    the one who comes second rewrites it while the first is still reading.
    """
    path = Path(part.GRADIO_CACHE) / uuid4().hex / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return str(path)
