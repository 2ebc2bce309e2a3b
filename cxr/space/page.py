"""The page: its layout, which event calls which handler, and how it is served. Knows nothing about films or models."""

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import gradio as gr

from cxr.space.desk import Desk
from cxr.space.endpoints import Endpoints
from cxr.space.handlers import Handlers
from cxr.space.layout import KEPT, Parts, lay_out
from cxr.space.shelf import Shelf

STYLE = Path(__file__).with_name("style.css")
AT_ONCE = 2  # readings that run side by side; more only slow each other down
WAITING = 64  # visitors in the queue; the next one is told that it is full
VISITORS = 64  # whose films are kept at once; the 11B's states take 52 MB each
EVENT: dict[str, Any] = {"api_visibility": "private"}  # the public endpoints take files instead
READING: dict[str, Any] = {**EVENT, "concurrency_id": "reader", "trigger_mode": "always_last"}


def build_page(desk: Desk, shelf: Shelf) -> gr.Blocks:
    """The page and the public endpoints over one desk; nothing runs yet."""
    with gr.Blocks(title="Chest film reader", analytics_enabled=False, delete_cache=(KEPT // 12, KEPT)) as page:
        parts = lay_out(desk.identity, shelf.list_thumbnails())
        handlers = Handlers(desk, parts, shelf)
        page.load(
            handlers.list_examples, None, [parts.film.examples, parts.film.choices], show_progress="hidden", **EVENT
        )
        _wire_film(handlers, parts, _wire_reading(handlers, parts))
        endpoints = Endpoints(desk)
        for task in (endpoints.classify, endpoints.caption, endpoints.answer):
            gr.api(task, api_name=task.__name__, concurrency_id="reader")
    return page


def _wire_reading(handlers: Handlers, parts: Parts) -> list[dict[str, Any]]:
    """What a film starts by itself, what writes the report again, and the chat: all that another film must stop."""
    film, results = parts.film, parts.results
    given = [film.visit, film.studied, results.indication]
    written = [results.report, results.report_file]
    read = film.number.change(
        handlers.read_film,
        [film.visit],
        [film.studied, results.findings, results.findings_file],
        show_progress_on=[results.findings],
        **READING,
    )
    first = read.success(handlers.write_report, given, written, show_progress_on=[results.report], **READING)
    results.write.click(None, cancels=[first], **EVENT)
    again = results.write.click(handlers.write_report, given, written, show_progress_on=[results.report], **READING)
    results.stop_writing.click(None, cancels=[first, again], **EVENT)
    asking = [results.ask.click, results.question.submit, *(button.click for button in results.ready)]
    asked = gr.on(
        asking,
        handlers.ask,
        [film.visit, film.studied, results.question, results.chat],
        [results.chat, results.question],
        concurrency_id="reader",
        show_progress="minimal",
        **EVENT,
    )
    results.stop_asking.click(None, cancels=[asked], **EVENT)
    return [read, first, again, asked]


def _wire_film(handlers: Handlers, parts: Parts, running: list[dict[str, Any]]) -> None:
    film = parts.film
    everything = [
        getattr(group, field.name)
        for group in (film, parts.results)
        for field in fields(group)
        if field.name != "ready"
    ]
    for choose, handler, given in (
        (film.upload.upload, handlers.open_upload, [film.upload]),
        (film.examples.select, handlers.open_example, None),
    ):
        # A page runs the listeners of one trigger in this order: what is said of the old film ends before the new one.
        choose(None, cancels=running, **EVENT)
        opened = choose(handler, given, everything, show_progress_on=[film.upload], trigger_mode="always_last", **EVENT)
        opened.failure(handlers.forget, None, everything, show_progress="hidden", **EVENT)
    film.ask_truth.click(handlers.show_truth, [film.visit], [film.ask_truth, film.truth], **EVENT)
    how = [film.visit, film.zoom, film.across, film.down, film.inverted]
    gr.on(
        [film.zoom.input, film.across.input, film.down.input, film.inverted.input],
        handlers.look,
        how,
        [film.picture, film.across, film.down],
        show_progress="hidden",
        trigger_mode="always_last",
        **EVENT,
    )
    film.picture.select(
        handlers.aim, how, [film.picture, film.zoom, film.across, film.down], show_progress="hidden", **EVENT
    )


def serve(page: gr.Blocks, environ: Mapping[str, str] = os.environ, **more: Any) -> str:
    """Serve the page, and give its address. Other machines reach it only on a Space.

    Args:
        page: What `build_page` made.
        environ: SPACE_ID (set on a Space) and GRADIO_SERVER_PORT are read.
        more: Changes to how `gr.Blocks.launch` is called.
    """
    options: dict[str, Any] = {
        "server_name": choose_host(environ),
        "server_port": int(environ.get("GRADIO_SERVER_PORT") or 7860),
        "theme": build_theme(),
        "css_paths": STYLE,
        "footer_links": ["api", "settings"],
        "mcp_server": True,
        "max_file_size": 64 * gr.FileSize.MB,
        "state_session_capacity": VISITORS,
        # Nothing that a visitor sends or gets is kept, shown or counted anywhere else.
        "run_history": False,
        "show_error": False,
        "enable_monitoring": False,
        "share": False,
        "ssr_mode": False,
        "pwa": False,
    }
    page.queue(max_size=WAITING, default_concurrency_limit=AT_ONCE)
    _, address, _ = page.launch(**{**options, **more})
    return address


def choose_host(environ: Mapping[str, str]) -> str:
    """This machine alone, but on a Space everybody: there a proxy stands before the page."""
    return "0.0.0.0" if environ.get("SPACE_ID") else "127.0.0.1"


def build_theme() -> gr.themes.Base:
    """Calm and clinical, from fonts that every machine has: nothing is fetched."""
    return gr.themes.Base(
        primary_hue="sky",
        neutral_hue="slate",
        radius_size="sm",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    ).set(
        # The theme's own quiet greys and its bright blue under white fall short of 4.5:1 (WCAG 2.2, 1.4.3).
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_200",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_text_color="white",
    )
