"""The page: its layout, and which event calls which handler. Knows nothing about films or models."""

from copy import copy
from dataclasses import fields
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from cxr.results import CxrError
from cxr.space.check_endpoints import CheckEndpoints
from cxr.space.checking import Checking
from cxr.space.desk import Desk
from cxr.space.faults import translate
from cxr.space.layout import KEPT, Parts, lay_out
from cxr.space.mapping import Drawing
from cxr.space.reading import Reading
from cxr.space.shelf import Shelf
from cxr.space.viewing import Viewing
from cxr.space.visit import Latest

AT_ONCE = 16  # readings that run side by side where nothing else is said; each keeps 0.1 GB of the 11B's states
LOOKING = 64  # visitors beside them whose films are kept; the 11B's states take 52 MB each
BAD_CALL = "This call lacks a value or has one of the wrong kind; the page's API description lists all that it takes."
EVENT: dict[str, Any] = {"api_visibility": "private"}  # the public endpoints take files instead
# What it gives is the page's own JSON already, see `send_file`.
RAW: dict[str, Any] = {**EVENT, "postprocess": False}
QUIET: dict[str, Any] = {**EVENT, "show_progress": "hidden"}
READING: dict[str, Any] = {**RAW, "concurrency_id": "reader", "trigger_mode": "always_last"}


class Page(gr.Blocks):
    """Blocks whose complaints about a call say nothing of what was sent, and that send changes at less cost.

    `at_once`: how many readings may run side by side. `folder`: of the only files that are given out.
    """

    at_once: int
    folder: Path

    @property
    def visitors(self) -> int:
        """Whose films are kept at once; of more, those of whoever was here longest ago are forgotten."""
        return self.at_once + LOOKING

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *args: Any, **kwargs: Any) -> Any:
        """What Gradio makes of a call's values, or a sentence: its own hold what was sent, in the log too.

        What a public call leaves out at its end has its default, as it has in Python and over MCP.
        """
        if block_fn.api_visibility != "private":
            inputs = [*inputs, *(block.value for block in block_fn.inputs[len(inputs) :])]
        with translate():
            try:
                return await super().preprocess_data(block_fn, inputs, *args, **kwargs)
            except ValueError as error:
                if isinstance(error.__cause__, OSError | MemoryError):  # not the caller's fault
                    raise error.__cause__ from None
                raise CxrError(BAD_CALL) from error

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        """What a handler gave as the page's JSON.

        Gradio builds every output of an event anew, with its schema, at each update of a stream, also those that a
        handler left out of its dictionary: more than half of what a stream cost.
        """
        if not isinstance(predictions, dict) or not all(isinstance(key, Block) for key in predictions):
            return list(await super().postprocess_data(block_fn, predictions, state))
        given = copy(block_fn)
        given.outputs = [block for block in block_fn.outputs if block in predictions]
        values = iter(await super().postprocess_data(given, predictions, state) if predictions else [])
        untouched: dict[str, str] = {"__type__": "update"}
        return [
            next(values) if block in predictions else None if block.stateful else untouched
            for block in block_fn.outputs
        ]


def build_page(desk: Desk, shelf: Shelf, at_once: int = AT_ONCE) -> Page:
    """The page and the public endpoints over one desk, with so many readings side by side; nothing runs yet."""
    gr.set_static_paths([shelf.folder])
    with Page(title="Chest film reader", analytics_enabled=False, delete_cache=(KEPT // 12, KEPT)) as page:
        page.at_once, page.folder = at_once, shelf.folder
        parts = lay_out(desk.identity, shelf.list_thumbnails(), desk.own_findings)
        latest = Latest(page.visitors)
        held: dict[str, Any] = {"concurrency_id": "reader", "concurrency_limit": at_once}
        viewing, reading = Viewing(desk, parts, shelf, latest), Reading(desk, parts, latest)
        page.load(
            viewing.list_examples, None, [parts.film.examples, parts.film.choices], show_progress="hidden", **EVENT
        )
        running = _wire_reading(reading, parts, at_once)
        checking = Checking(desk, parts.checks, latest).wire(parts.film, parts.results.chat, {**QUIET, **held})
        drawn = Drawing(desk, parts, latest).wire(running[:2], {**READING, "concurrency_limit": at_once}, QUIET)
        _wire_film(viewing, parts, [*running, *checking, drawn])
        endpoints = CheckEndpoints(desk)
        tasks = endpoints.classify, endpoints.caption, endpoints.answer, endpoints.locate
        checks = endpoints.check_film, endpoints.check_sides
        for task in (*tasks, *checks):
            gr.api(task, api_name=task.__name__, **held)
    return page


def _wire_reading(reading: Reading, parts: Parts, at_once: int) -> list[dict[str, Any]]:
    """What a film starts by itself, what writes the report again, and the chat: all that another film must stop."""
    film, results = parts.film, parts.results
    how: dict[str, Any] = {**READING, "concurrency_limit": at_once}
    shown = [parts.gate.panel, parts.gate.mend, parts.gate.anyway]
    given = [film.visit, film.studied, results.indication]
    written = [
        results.report,
        results.report_notes,
        results.report_plain,
        results.report_file,
        results.write,
        results.stop_writing,
    ]
    talked = [
        results.chat,
        results.question,
        results.ask,
        results.stop_asking,
        *results.ready,
        parts.checks.answer_said,
    ]
    resting = [results.write, results.stop_writing, results.ask, results.stop_asking, *results.ready]
    read = film.number.change(
        reading.read_film,
        [film.visit],
        [
            film.studied,
            film.summary,
            results.findings,
            results.findings_file,
            *shown,
            *resting,
            *parts.checks.everything,
        ],
        show_progress_on=[results.findings],
        **how,
    )
    first = read.success(reading.write_report, given, written, show_progress_on=[results.report], **how)
    results.write.click(None, cancels=[first], **EVENT)
    again = results.write.click(reading.write_report, given, written, show_progress_on=[results.report], **how)
    results.stop_writing.click(reading.rest, [film.visit], resting, cancels=[first, again], **QUIET)
    asking = [results.ask.click, results.question.submit, *(button.click for button in results.ready)]
    asked = gr.on(
        asking,
        reading.ask,
        [film.visit, film.studied, results.question, results.chat],
        talked,
        concurrency_id="reader",
        concurrency_limit=at_once,
        **QUIET,
    )
    results.stop_asking.click(reading.rest, [film.visit], resting, cancels=[asked], **QUIET)
    for event in (first, again, asked):  # being cancelled counts as a failure, too
        event.failure(reading.rest, [film.visit], resting, **QUIET)
    return [first, again, asked]


def _wire_film(viewing: Viewing, parts: Parts, running: list[dict[str, Any]]) -> None:
    film = parts.film
    everything = [
        getattr(group, field.name)
        for group in (film, parts.results, parts.gate, parts.checks, parts.map)
        for field in fields(group)
        if field.name != "ready"
    ] + [*parts.results.ready]
    # A deferred event ("always_last") comes with fresh inputs but with the data of the first: an example picked while
    # another is being opened would be lost. So each is opened, one after the other.
    one_by_one: dict[str, Any] = {"trigger_mode": "multiple", "concurrency_limit": 1}
    for choose, handler, given, shown, how_often in (
        (film.upload.upload, viewing.open_upload, [film.upload], film.upload, {"trigger_mode": "always_last"}),
        (film.examples.select, viewing.open_example, None, film.examples, one_by_one),
    ):
        # A page runs the listeners of one trigger in this order: what is said of the old film ends before the new one.
        choose(None, cancels=running, **EVENT)
        opened = choose(handler, given, everything, show_progress_on=[shown], **how_often, **RAW)
        opened.failure(viewing.forget, None, everything, **QUIET)
    for button, change, known in (
        (film.mask, viewing.mask_borders, [film.visit]),
        (parts.gate.anyway, viewing.read_anyway, [film.visit]),
        (parts.gate.mend, viewing.mend, [film.visit, film.studied]),
    ):
        button.click(None, cancels=running, **EVENT)
        button.click(change, known, everything, **RAW)
    film.ask_truth.click(viewing.show_truth, [film.visit], [film.ask_truth, film.truth], **EVENT)
    how = [film.visit, film.zoom, film.across, film.down, film.inverted]
    gr.on(
        [film.zoom.input, film.across.input, film.down.input, film.inverted.input],
        viewing.look,
        how,
        [film.picture, film.across, film.down],
        trigger_mode="always_last",
        **QUIET | RAW,
    )
    film.picture.select(viewing.aim, how, [film.picture, film.zoom, film.across, film.down], **QUIET | RAW)
