"""What happens when a visitor chooses a film or looks at it. Nothing remembers a film but the visitor's own state."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import gradio as gr

from cxr.films.burnt_in import can_mask, mask_text
from cxr.films.film import Film
from cxr.films.gate import mend_film
from cxr.results import CxrError, Gate
from cxr.space import markup, views
from cxr.space.checking import rest_checks
from cxr.space.desk import Desk
from cxr.space.faults import guard, warn
from cxr.space.layout import CHOOSE_FIRST, Parts
from cxr.space.mapping import clear_map
from cxr.space.reading import rest, show_gate
from cxr.space.shelf import Shelf
from cxr.space.uploads import find_upload
from cxr.space.visit import Changes, Latest, Studied, Visit, need_visit, send_file


class Viewing:
    """The events around the film. The parts are where their changes go."""

    def __init__(self, desk: Desk, parts: Parts, shelf: Shelf, latest: Latest) -> None:
        self._desk = desk
        self._latest = latest
        self._film = parts.film
        self._results = parts.results
        self._gate = parts.gate
        self._checks = parts.checks
        self._map = parts.map
        self._shelf = shelf

    @guard
    def open_upload(self, path: str | None, request: gr.Request) -> Changes:
        """Show the film in an uploaded file, and forget everything about the one before."""
        self._latest.note(request)  # before it is opened: what is said of the old film meanwhile would come too late
        try:
            film = self._desk.open(find_upload({"path": path}))
        except CxrError as error:  # a toast is gone in seconds, so the sentence stands on the page, too
            warn(str(error))
            return {**self.forget(request), self._gate.panel: gr.HTML(markup.show_unread(str(error)), visible=True)}
        return self._show(Visit(uuid4().hex, film), request)

    @guard
    def open_example(self, event: gr.SelectData, request: gr.Request) -> Changes:
        """Show an example; what is known about it stays here until it is asked for."""
        self._latest.note(request)
        example = self._shelf.find(str(event.value["caption"]))
        return self._show(Visit(uuid4().hex, self._desk.open(example.path, example.view), example), request)

    @guard
    def mask_borders(self, visit: Visit | None, request: gr.Request) -> Changes:
        """The same film with its borders black as far as text was found there; the one with text is forgotten."""
        visit = need_visit(visit)
        return self._show_again(visit, mask_text(visit.film), request)

    @guard
    def read_anyway(self, visit: Visit | None, request: gr.Request) -> Changes:
        """The same film, to be read although the gate refused it."""
        visit = need_visit(visit)
        return self._show_again(visit, replace(visit.film, anyway=True), request)

    @guard
    def mend(self, visit: Visit | None, studied: Studied | None, request: gr.Request) -> Changes:
        """The same film, turned or inverted as the gate proposed."""
        visit = need_visit(visit)
        if studied is None or studied.number != visit.number:
            raise CxrError("This film has changed meanwhile; please choose it again.")
        gate = studied.study if isinstance(studied.study, Gate) else studied.study.gate
        film = mend_film(visit.film, gate.mend) if gate.mend else visit.film
        return self._show_again(visit, replace(film, anyway=False), request)

    def list_examples(self) -> Changes:
        """The gallery as it is now: films may have been fetched since the page was made."""
        thumbnails = self._shelf.list_thumbnails()
        return {self._film.examples: thumbnails, self._film.choices: gr.Accordion(visible=bool(thumbnails))}

    def forget(self, request: gr.Request) -> Changes:
        """An empty page after a film that could not be opened, so that no result stands there for another film."""
        self._latest.note(request)
        film = self._film
        return {
            film.visit: None,
            film.studied: None,
            film.upload: None,
            film.viewer: gr.Column(visible=False),
            film.choices: gr.Accordion(open=True),
            **self._clear(CHOOSE_FIRST),
            **clear_map(self._map, self._desk.own_findings, open_film=False),
            **rest(self._results, open_film=False),
        }

    def _show_again(self, visit: Visit, film: Film, request: gr.Request) -> Changes:
        """The film of the visit changed, unless another has been chosen meanwhile."""
        gone = self._latest.is_gone(request, visit)
        return {} if gone else self._show(replace(visit, number=uuid4().hex, film=film), request)

    def _show(self, visit: Visit, request: gr.Request) -> Changes:
        self._latest.note(request, visit.number)
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
            film.mask: gr.Button(visible=can_mask(visit.film)),
            film.caption: markup.show_caption(views.describe_film(visit.film)),
            film.zoom: 1,
            film.across: gr.Slider(value=50, visible=False),
            film.down: gr.Slider(value=50, visible=False),
            film.inverted: False,
            film.ask_truth: gr.Button(visible=visit.example is not None),
            film.truth: gr.HTML(value="", visible=False),
            **self._clear("Reading the film …"),
            **clear_map(self._map, self._desk.own_findings, open_film=True),
            **rest(self._results),
        }

    def _clear(self, invitation: str) -> Changes:
        results = self._results
        return {
            **show_gate(self._gate, None),
            **rest_checks(self._checks, open_film=False),
            self._film.summary: "",
            results.findings: markup.show_invitation(invitation),
            results.indication: "",
            results.report: "",
            results.report_notes: gr.HTML(value="", visible=False),
            results.report_plain: markup.show_plain(""),
            results.chat: [],
            results.question: "",
            results.findings_file: gr.DownloadButton(value=None, visible=False),
            results.report_file: gr.DownloadButton(value=None, interactive=False),
        }

    @guard
    def show_truth(self, visit: Visit | None, request: gr.Request) -> Changes:
        """What is known about an example, now that it was asked for."""
        if visit and self._latest.is_gone(request, visit):
            return {}
        example = visit.example if visit else None
        if example is None:
            raise CxrError("Only of an example is it known what it shows.")
        return {
            self._film.ask_truth: gr.Button(visible=False),
            self._film.truth: gr.HTML(value=markup.show_truth(example), visible=True),
        }

    @guard
    def look(
        self, visit: Visit | None, zoom: float, across: float, down: float, inverted: bool, request: gr.Request
    ) -> Changes:
        """The film as the visitor wants to see it."""
        look = views.Look(zoom, across / 100, down / 100, inverted)
        sliders = {part: gr.Slider(visible=zoom > 1) for part in (self._film.across, self._film.down)}
        picture = self._draw(need_visit(visit).film, look)
        return {} if self._latest.is_gone(request, need_visit(visit)) else {self._film.picture: picture, **sliders}

    @guard
    def aim(
        self,
        visit: Visit | None,
        zoom: float,
        across: float,
        down: float,
        inverted: bool,
        event: gr.SelectData,
        request: gr.Request,
    ) -> Changes:
        """Move the point that was clicked to the middle, twice as large where the whole film was seen."""
        film, look = need_visit(visit).film, views.Look(zoom, across / 100, down / 100, inverted)
        x, y = views.aim(film, look, *event.index)
        zoom = max(zoom, 2.0)
        picture = self._draw(film, views.Look(zoom, x, y, inverted))
        if self._latest.is_gone(request, need_visit(visit)):
            return {}
        return {
            self._film.zoom: zoom,
            self._film.across: gr.Slider(value=round(x * 100), visible=True),
            self._film.down: gr.Slider(value=round(y * 100), visible=True),
            self._film.picture: picture,
        }

    def _draw(self, film: Film, look: views.Look) -> Any:
        return send_file(views.write_jpeg(views.render_film(film, look)), "film.jpg", "image/jpeg")
