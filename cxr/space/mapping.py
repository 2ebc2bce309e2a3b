"""What happens when a visitor asks where an answer came from. Nothing is kept but in the visitor's own state."""

from typing import Any

import gradio as gr

from cxr.films.overlay import COLOUR, draw_layer, write_png
from cxr.model.sentences import list_sentences, strip_marks
from cxr.results import CxrError, HeatMap
from cxr.space import map_markup, markup, views
from cxr.space.desk import Desk
from cxr.space.faults import guard
from cxr.space.layout import Parts
from cxr.space.map_layout import NO_MAP_YET, MapParts, list_findings
from cxr.space.visit import Changes, Latest, Studied, Visit, find_seen, is_refused, need_visit, send_file

CHOOSE = "Please choose a finding or a sentence first."
INK = "#{:02x}{:02x}{:02x}".format(*COLOUR)  # of the legend
SENTENCE = "sentence: "  # what a choice of the dropdown begins with; a finding's is its key


class Drawing:
    """The events of the heat map's tab over one desk. The parts are where their changes go."""

    def __init__(self, desk: Desk, parts: Parts, latest: Latest) -> None:
        self._desk = desk
        self._latest = latest
        self._map = parts.map
        self._film, self._report = parts.film, parts.results.report

    def wire(self, written: list[Any], reading: dict[str, Any], quiet: dict[str, Any]) -> Any:
        """Connect the tab inside the current `gr.Blocks`, and give the event that another film must stop.

        `written`: the events after which there is a report; `reading`, `quiet`: how events of either kind run.
        """
        film, shown = [self._film.visit, self._film.studied], self._map
        for event in written:
            event.success(self.offer, [*film, self._report], [shown.about], **quiet)
        given = [*film, shown.about, self._report]
        return shown.show.click(
            self.show, given, [shown.picture, shown.words], show_progress_on=[shown.words], **reading
        )

    @guard
    def offer(self, visit: Visit | None, studied: Studied | None, report: str | None, request: gr.Request) -> Changes:
        """What may be asked now that a report has been written: the findings and its sentences."""
        if visit is None or self._latest.is_gone(request, visit) or is_refused(visit, studied):
            return {}
        sentences = [(f"Report: {text}", f"{SENTENCE}{text}") for text in list_sentences(report or "")]
        choices = [*list_findings(self._desk.own_findings), *sentences]
        return {self._map.about: gr.Dropdown(choices=choices)}

    @guard
    def show(
        self, visit: Visit | None, studied: Studied | None, about: str | None, report: str | None, request: gr.Request
    ) -> Changes:
        """The map of what was chosen, over the film, and the same in words."""
        visit = need_visit(visit)
        seen = find_seen(visit, studied)
        if not about:
            raise CxrError(CHOOSE)
        if about.startswith(SENTENCE):
            found = self._desk.locate_sentence(seen, about.removeprefix(SENTENCE), strip_marks(report or ""))
        else:
            found = self._desk.locate(seen, about)
        if self._latest.is_gone(request, visit):
            return {}
        return {
            self._map.picture: gr.AnnotatedImage(
                value=self._draw(visit, found), color_map={map_markup.name_map(found): INK}, visible=True
            ),
            self._map.words: map_markup.show_map(found),
        }

    def _draw(self, visit: Visit, found: HeatMap) -> Any:
        """What `gr.AnnotatedImage` shows, as the page's own JSON: no map ever is a file that others could ask for."""
        film = send_file(views.write_jpeg(views.render_film(visit.film)), "film.jpg", "image/jpeg")
        layer = draw_layer(found.values).resize(views.choose_size(visit.film))
        return {
            "image": film,
            "annotations": [
                {
                    "image": send_file(write_png(layer), "map.png", "image/png"),
                    "label": map_markup.name_map(found),
                }
            ],
        }


def clear_map(parts: MapParts, own_findings: tuple[str, ...], open_film: bool) -> Changes:
    """The tab as it is before anything was asked of a film."""
    return {
        parts.about: gr.Dropdown(choices=list_findings(own_findings), value=None),
        parts.show: gr.Button(interactive=open_film),
        parts.picture: gr.AnnotatedImage(value=None, visible=False),
        parts.words: markup.show_invitation(NO_MAP_YET),
    }
