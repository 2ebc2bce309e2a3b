"""What stands where on the page: one film on the left, three tabs about it on the right. Knows nothing of events."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from cxr.prompts import MAX_QUESTION, READY_QUESTIONS
from cxr.results import Identity
from cxr.space import markup
from cxr.space.checking import CheckParts, lay_out_answer_check, lay_out_film_checks
from cxr.space.map_layout import MapParts, lay_out_map
from cxr.space.shelf import Thumbnail
from cxr.space.views import MAX_ZOOM

KEPT = 3600  # s that a visitor's film outlives its last use
CHOOSE_FIRST = "Choose a film: its 14 findings appear here by themselves."


@dataclass(frozen=True)
class FilmParts:
    """The film and how it is looked at."""

    visit: gr.State  # visit.Visit
    number: gr.State  # of the visit; its change starts the reading
    studied: gr.State  # visit.Studied
    upload: gr.File
    examples: gr.Gallery
    choices: gr.Accordion
    viewer: gr.Column
    summary: gr.HTML
    picture: gr.Image
    notes: gr.HTML
    mask: gr.Button
    caption: gr.HTML
    zoom: gr.Slider
    across: gr.Slider
    down: gr.Slider
    inverted: gr.Checkbox
    ask_truth: gr.Button
    truth: gr.HTML


@dataclass(frozen=True)
class ResultParts:
    """The three tabs."""

    findings: gr.HTML
    findings_file: gr.DownloadButton
    indication: gr.Textbox
    write: gr.Button
    stop_writing: gr.Button
    report: gr.Textbox
    report_notes: gr.HTML
    report_plain: gr.HTML
    report_file: gr.DownloadButton
    chat: gr.Chatbot
    ready: tuple[gr.Button, ...]
    question: gr.Textbox
    ask: gr.Button
    stop_asking: gr.Button


@dataclass(frozen=True)
class GateParts:
    """What is said above the results of a film that cannot be read, or only with care."""

    panel: gr.HTML
    mend: gr.Button
    anyway: gr.Button


@dataclass(frozen=True)
class Parts:
    """Every component that an event reads or changes."""

    film: FilmParts
    results: ResultParts
    gate: GateParts
    checks: CheckParts
    map: MapParts


def lay_out(identity: Identity, examples: Sequence[Thumbnail], own_findings: Sequence[str] = ()) -> Parts:
    """Make the page's components inside the current `gr.Blocks`. `own_findings`: keys that are looked for, too."""
    gr.HTML(markup.show_identity(identity), elem_classes="cxr-sticky", padding=False)
    if identity.problem:
        gr.HTML(markup.show_notes([f"{identity.problem} The embedded model answers instead."]), padding=False)
    with gr.Row(equal_height=False, elem_classes="cxr-columns"):
        with gr.Column(scale=5, min_width=320):
            film = _lay_out_film(examples)
        with gr.Column(scale=6, min_width=320):
            gate = _lay_out_gate()
            with gr.Tabs():
                results, checks = _lay_out_results()
                heat_map = lay_out_map(own_findings, identity.remote)
            gr.HTML(markup.show_scope(own_findings), padding=False)
    gr.HTML(markup.show_licence(identity), padding=False)
    return Parts(film, results, gate, checks, heat_map)


def _lay_out_gate() -> GateParts:
    panel = gr.HTML(visible=False, padding=False)
    with gr.Row(elem_classes="cxr-ready"):
        mend = gr.Button("Turn it and read it again", variant="primary", visible=False, size="md", min_width=200)
        anyway = gr.Button("Read it anyway", visible=False, size="md", min_width=140)
    return GateParts(panel, mend, anyway)


def _lay_out_film(examples: Sequence[Thumbnail]) -> FilmParts:
    visit, number, studied = (gr.State(None, time_to_live=KEPT) for _ in range(3))
    upload = gr.File(label="Chest film: PNG, JPEG, TIFF, WebP or DICOM", height=124, elem_classes="cxr-upload")
    with gr.Accordion("Or choose an example", open=True, visible=bool(examples)) as choices:
        gallery = gr.Gallery(
            list(examples),
            label="Examples",
            show_label=False,
            columns=4,
            allow_preview=False,
            interactive=False,
            object_fit="cover",
            buttons=[],
            height="auto",
            elem_classes="cxr-examples",
        )
    with gr.Column(visible=False) as viewer:
        notes = gr.HTML(visible=False, padding=False)
        mask = gr.Button("Black out the borders with text", visible=False, size="md")
        summary = gr.HTML(padding=False, elem_classes="cxr-phone")
        picture = gr.Image(
            label="Film",
            show_label=False,
            type="pil",
            format="png",
            interactive=False,
            buttons=["fullscreen"],
            alt_text="The chest film that is being read",
            elem_classes="cxr-picture",
        )
        caption = gr.HTML(padding=False)
        with gr.Row(elem_classes="cxr-tools"):
            zoom = gr.Slider(1, MAX_ZOOM, 1, step=0.5, label="Zoom", buttons=[], scale=3, min_width=160)
            inverted = gr.Checkbox(False, label="Invert view", scale=1, min_width=130)
        with gr.Row(elem_classes="cxr-tools"):
            across = gr.Slider(0, 100, 50, step=1, label="Left to right, %", buttons=[], visible=False, min_width=140)
            down = gr.Slider(0, 100, 50, step=1, label="Top to bottom, %", buttons=[], visible=False, min_width=140)
        ask_truth = gr.Button("Show what is known about this example", visible=False, size="md")
        truth = gr.HTML(visible=False, padding=False)
    return FilmParts(
        visit,
        number,
        studied,
        upload,
        gallery,
        choices,
        viewer,
        summary,
        picture,
        notes,
        mask,
        caption,
        zoom,
        across,
        down,
        inverted,
        ask_truth,
        truth,
    )


def _lay_out_results() -> tuple[ResultParts, CheckParts]:
    with gr.Tab("Classification"):
        findings = gr.HTML(markup.show_invitation(CHOOSE_FIRST), padding=False, min_height=120)
        film_checks = lay_out_film_checks()
        findings_file = gr.DownloadButton("Download findings (JSON)", visible=False, size="md")
    with gr.Tab("Captioning"):
        report = _lay_out_report()
    with gr.Tab("Questions"):
        chat = _lay_out_chat()
        checks = CheckParts(*film_checks, *lay_out_answer_check())
    return ResultParts(findings, findings_file, *report, *chat), checks


def _lay_out_report() -> tuple[gr.Textbox, gr.Button, gr.Button, gr.Textbox, gr.HTML, gr.HTML, gr.DownloadButton]:
    """From `indication` to `report_file` of the parts."""
    report = gr.Textbox(
        label="Report",
        lines=8,
        max_lines=24,
        interactive=False,
        buttons=["copy"],
        placeholder="Report: written here as soon as a film is chosen.",
    )  # names it for screen readers
    report_notes = gr.HTML(visible=False, padding=False)
    with gr.Accordion("The same in plain words", open=False):
        report_plain = gr.HTML(markup.show_plain(""), padding=False)
    indication = gr.Textbox(
        label="Why the film was taken (optional)", placeholder="cough and fever", max_length=MAX_QUESTION
    )
    with gr.Row():
        write = gr.Button("Write again", variant="primary", size="md", min_width=110, interactive=False)
        stop_writing = gr.Button("Stop", size="md", min_width=70, interactive=False)
        report_file = gr.DownloadButton("Download", interactive=False, size="md", min_width=90)
    return indication, write, stop_writing, report, report_notes, report_plain, report_file


def _lay_out_chat() -> tuple[gr.Chatbot, tuple[gr.Button, ...], gr.Textbox, gr.Button, gr.Button]:
    """From `chat` to `stop_asking` of the parts."""
    chat = gr.Chatbot(
        label="Questions about the film",
        show_label=False,
        height=380,
        buttons=["copy"],
        render_markdown=False,
        layout="bubble",
        placeholder="Ask about the film, in your own words or with a question below.",
    )
    with gr.Row(elem_classes="cxr-ready"):
        ready = tuple(
            gr.Button(text, size="sm", min_width=80, interactive=False, elem_id=f"cxr-ready-{number}")
            for number, text in enumerate(READY_QUESTIONS)
        )
    question = gr.Textbox(label="Your question", placeholder="Is there fluid around the lung?", max_length=MAX_QUESTION)
    with gr.Row():
        ask = gr.Button("Ask", variant="primary", size="md", min_width=90, interactive=False)
        stop_asking = gr.Button("Stop", size="md", min_width=70, interactive=False)
    return chat, ready, question, ask, stop_asking
