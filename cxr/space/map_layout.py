"""The heat map's tab: what can be asked where it came from, and where that is shown. Knows nothing of events."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from cxr.findings import BY_KEY, find_finding
from cxr.model.maps import NO_MAPS
from cxr.results import MAP_NOTE
from cxr.space import markup

MAP_LABEL = "Where the answer came from, not where disease is (unproven on real films)"
NO_MAP_YET = "Choose a finding, or a sentence of the report once it is written, and press the button."


@dataclass(frozen=True)
class MapParts:
    """The components of the tab; `findings`: the choices that are always there, (label, value) each."""

    about: gr.Dropdown
    show: gr.Button
    picture: gr.AnnotatedImage
    words: gr.HTML


def lay_out_map(own_findings: Sequence[str], remote: bool = False) -> MapParts:
    """Make the tab inside the current `gr.Tabs`; the picture is not there until it is asked for.

    `remote`: whether the model is out of reach, so that the tab only says why nothing can be shown.
    """
    with gr.Tab("Heat map"):
        gr.HTML(markup.show_caption(NO_MAPS if remote else MAP_NOTE), padding=False)
        about = gr.Dropdown(
            list_findings(own_findings),
            value=None,
            label="Of which finding, or sentence of the report?",
            filterable=False,
            visible=not remote,
        )
        show = gr.Button("Show where it came from", variant="primary", size="md", interactive=False, visible=not remote)
        words = gr.HTML(markup.show_invitation(NO_MAP_YET), padding=False, min_height=60, visible=not remote)
        picture = gr.AnnotatedImage(
            label=MAP_LABEL, format="png", visible=False, show_legend=True, elem_classes="cxr-map"
        )
    return MapParts(about, show, picture, words)


def list_findings(own_findings: Sequence[str]) -> list[tuple[str, str]]:
    """The choices that are always there: the 14 findings, then the adapter's own, as label and value."""
    return [(find_finding(key).name, key) for key in (*BY_KEY, *own_findings)]
