"""Results become what the page's components show: pictures, sentences, files. Knows nothing about Gradio or models."""

import html
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from cxr.checks import write_marked
from cxr.films.film import Film, to_image
from cxr.findings import list_not_looked_for
from cxr.prompts import join_words
from cxr.results import DISCLAIMER, Answer, Classification, Identity, Manner, Report, Turn
from cxr.serial import as_plain

VIEWS = {
    "PA": "Frontal view, from back to front (PA).",
    "AP": "Frontal view, from front to back (AP).",
    "lateral": "Side view (lateral).",
}
MANNERS = {  # what stands above an answer that is not the model's alone
    Manner.EXPLAINED: "From the glossary:",
    Manner.CLASSIFIED: "From the classification:",
    Manner.NOT_SURE: "Not sure:",
    Manner.CORRECTED: "Corrected:",
    Manner.DECLINED: "Not answered:",
}
NOTE, UNDERSTOOD = "Note:", "Understood as:"  # lines below an answer
MAX_ZOOM = 6.0
THUMBNAIL = 200  # px
SMALLEST_SIDE = 768  # px; a smaller film would be a stamp on a large screen
SIDE = "The patient's left is on the right of the picture."
SIDE_IF_FRONTAL = "On an upright frontal film the patient's left is on the right of the picture."


@dataclass(frozen=True)
class Look:
    """How a film is looked at: `zoom` 1..MAX_ZOOM, the centre of what is seen in 0..1 from the upper left corner."""

    zoom: float = 1.0
    across: float = 0.5
    down: float = 0.5
    inverted: bool = False


def render_film(film: Film, look: Look = Look()) -> Image.Image:
    """The part of the film that is looked at, as large as the whole film and no smaller than SMALLEST_SIDE px on its
    long side (mode L); inverted: air white."""
    image, size = to_image(film), choose_size(film)
    if look.zoom > 1 or image.size != size:
        image = image.resize(size, Image.Resampling.BICUBIC, box=find_part(image.size, look))
    return ImageOps.invert(image) if look.inverted else image


def choose_size(film: Film) -> tuple[int, int]:
    """Width and height in px of every picture of this film."""
    height, width = film.pixels.shape
    scale = max(1.0, SMALLEST_SIDE / max(width, height))
    return round(width * scale), round(height * scale)


def draw_thumbnail(film: Film) -> Image.Image:
    """The middle of the film, THUMBNAIL px square (mode L)."""
    return ImageOps.fit(to_image(film), (THUMBNAIL, THUMBNAIL))


def write_jpeg(image: Image.Image) -> bytes:
    """A picture as a JPEG file without visible loss: on a slow line a PNG of 0.5 MB would come after its findings."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=92)
    return file.getvalue()


def find_part(picture: tuple[int, int], look: Look) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what is looked at, in px of the picture (width, height); always within it."""
    size = np.array(picture, dtype=float)
    part = size / min(max(look.zoom, 1.0), MAX_ZOOM)
    corner = np.clip(np.array([look.across, look.down]) * size - part / 2, 0, size - part)
    left, top = (float(value) for value in corner)
    return left, top, left + float(part[0]), top + float(part[1])


def aim(film: Film, look: Look, x: float, y: float) -> tuple[float, float]:
    """The point of the film, in 0..1, that is seen at (x, y) px of the picture that `render_film` gave."""
    width, height = choose_size(film)
    left, top, right, bottom = find_part((width, height), look)
    return (left + x / width * (right - left)) / width, (top + y / height * (bottom - top)) / height


def describe_film(film: Film) -> str:
    """The film's size and view in one line."""
    height, width = film.pixels.shape
    view = f" {VIEWS[film.view]}" if film.view else ""
    side = "" if film.view == "lateral" else f" {SIDE if film.view else SIDE_IF_FRONTAL}"
    return f"{width} × {height} px.{view}{side}"


def name_uncertainty(identity: Identity) -> str | None:
    """What is missing before a probability means anything, or None."""
    lacks = (["fine-tuned"] if identity.adapter is None else []) + ([] if identity.calibrated else ["calibrated"])
    return ", ".join(f"not {word}" for word in lacks).capitalize() or None


def name_not_looked_for(own: Sequence[str] = ()) -> str:
    """What people may expect and neither the 14 findings nor the adapter's own hold, as a sentence."""
    return f"Not looked for: {join_words(list_not_looked_for(own), 'and')}."


def write_report_text(report: Report) -> str:
    """The report with its two parts set apart, as far as it is written, and what is wrong with a marked sentence."""
    return write_marked(report.text, report.marks).replace(" Impression:", "\n\nImpression:")


def write_report_file(report: Report, identity: Identity) -> bytes:
    """The finished report as a text file, with who wrote it."""
    plain = ["In plain words:", *report.plain.splitlines(), ""] if report.plain else []
    lines = [
        write_report_text(report),
        "",
        *plain,
        *report.warnings,
        f"{DISCLAIMER} Written by {name_model(identity)}.",
        "",
    ]
    return "\n".join(lines).encode()


def write_findings_file(classification: Classification, identity: Identity) -> bytes:
    """The findings as a JSON file, with who scored them; the same keys as the public endpoint gives."""
    content = {**as_plain(classification), "answered_by": as_plain(identity), "note": DISCLAIMER}
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def name_model(identity: Identity) -> str:
    """Base, adapter, revisions and device in one line."""

    def name(what: str, revision: str | None) -> str:
        return f"{what} ({revision[:8]})" if revision else what

    adapter = name(identity.adapter, identity.adapter_revision) if identity.adapter else "no adapter"
    return f"{name(identity.base, identity.base_revision)} with {adapter}, on {identity.device}"


def write_chat_text(text: str) -> str:
    """A text as Gradio's Chatbot shows it letter by letter: it takes what it gets for HTML. `read_turns` undoes it."""
    return html.escape(text, quote=False)


def write_answer(answer: Answer) -> str:
    """An answer for the chat: how the question was met, the text, and what to know before it is believed.

    `read_turns` finds the text in it again.
    """
    heading = [MANNERS[answer.manner]] if answer.manner in MANNERS else []
    notes = [f"{NOTE} {text}" for text in answer.warnings] if answer.finished else []
    asked = [f'{UNDERSTOOD} "{answer.asked}"'] if answer.finished and answer.asked else []
    return write_chat_text("\n".join([*heading, answer.text, *notes, *asked]))


def read_turns(messages: Sequence[Mapping[str, Any]]) -> tuple[Turn, ...]:
    """The finished questions and answers of a chat, as Gradio's Chatbot hands its messages over."""
    turns, question = [], None
    for message in messages:
        text = _read_content(message["content"])
        if message["role"] == "user":
            question = text
        elif question and text:
            turns.append(Turn(question, _find_answer(text)))
            question = None
    return tuple(turns)


def _find_answer(text: str) -> str:
    """The answer without the lines that `write_answer` put around it."""
    lines = [line for line in text.splitlines() if line not in MANNERS.values()]
    return "\n".join(line for line in lines if not line.startswith((NOTE, UNDERSTOOD)))


def _read_content(content: str | Sequence[Mapping[str, Any]]) -> str:
    text = content if isinstance(content, str) else "".join(str(block.get("text", "")) for block in content)
    return html.unescape(text)
