"""The public endpoints of the four tasks, over HTTP and MCP: a file in, a result out. Knows nothing about the page.

Each function's name is its HTTP name and its MCP tool name, and its docstring is their documentation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from cxr.films.film import Film
from cxr.films.overlay import draw_greys, write_png
from cxr.prompts import MAX_ANSWER, MAX_TURNS, clean
from cxr.results import MAP_NOTE, CxrError, Gate, RefusalError, Turn
from cxr.serial import as_plain
from cxr.space.desk import Desk
from cxr.space.faults import guard
from cxr.space.uploads import find_upload
from cxr.space.visit import send_file


class Endpoints:
    """Typed functions over one desk; nothing is kept between calls."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @guard
    def classify(self, film_file: gr.FileData, read_anyway: bool = False) -> dict[str, Any]:
        """Look for 14 findings on a chest X-ray film. Research and teaching only; not a medical device.

        Args:
            film_file: The film: PNG, JPEG, TIFF, WebP or DICOM, at most 64 MB.
            read_anyway: Whether to read also what does not look like an upright frontal chest film.

        Returns:
            scores (finding, probability from 0 to 1, operating points present_from and absent_below, verdict present /
            not sure / absent; null where the model is not calibrated), level and reasons of the reading order,
            warnings, own (scores of what the adapter in use was taught beside the 14; mostly none), answered_by.
        """
        read = self._desk.read(self._open(film_file, read_anyway))
        if isinstance(read, Gate):
            raise RefusalError(read)
        return self._sign(as_plain(read[1]))

    @guard
    def caption(self, film_file: gr.FileData, indication: str = "", read_anyway: bool = False) -> dict[str, Any]:
        """Write a report of a chest X-ray film. Research and teaching only; not a medical device.

        Args:
            film_file: The film: PNG, JPEG, TIFF, WebP or DICOM, at most 64 MB.
            indication: Why the film was taken, in a few words; may be empty.
            read_anyway: Whether to read also what does not look like an upright frontal chest film.

        Returns:
            text, its two parts findings and impression, finished, warnings, plain (the same in plain words, a line a
            finding), answered_by.
        """
        if not isinstance(indication, str | None):
            raise CxrError("The indication must be a text.")
        *_, report = self._desk.caption(self._open(film_file, read_anyway), indication or "")
        return self._sign(as_plain(report))

    @guard
    def answer(
        self,
        film_file: gr.FileData,
        question: str,
        history: list[dict[str, str]] | None = None,
        read_anyway: bool = False,
    ) -> dict[str, Any]:
        """Answer a question about a chest X-ray film. Research and teaching only; not a medical device.

        Args:
            film_file: The film: PNG, JPEG, TIFF, WebP or DICOM, at most 64 MB.
            question: The question, at most 500 characters.
            history: Earlier turns about the same film, oldest first, each with question and answer; the last 8 count.
            read_anyway: Whether to read also what does not look like an upright frontal chest film.

        Returns:
            text, finished, warnings, manner (answered by the model, explained from the glossary, not sure, corrected or
            declined), reason and step (why the model alone did not answer, and what to ask or do next), asked (how the
            question was put to the model, where that differs from its wording), answered_by.
        """
        if not isinstance(question, str):
            raise CxrError("The question must be a text.")
        *_, reply = self._desk.answer(self._open(film_file, read_anyway), question, read_history(history))
        return self._sign(as_plain(reply))

    @guard
    def locate(self, film_file: gr.FileData, finding: str, read_anyway: bool = False) -> dict[str, Any]:
        """Draw where the answer about a finding came from on a chest X-ray film, which is not where disease is.

        Research and teaching only; not a medical device. These heat maps are unproven on real films.

        Args:
            film_file: The film: PNG, JPEG, TIFF, WebP or DICOM, at most 64 MB.
            finding: The finding's key as classify gives it, for instance effusion.
            read_anyway: Whether to read also what does not look like an upright frontal chest film.

        Returns:
            map (a grey PNG of the film's own size as a data URL, black 0, white 1; 0.5 is the edge of the place that is
            meant), place (the same in words), about, findings, method, scores, note, warnings, answered_by.
        """
        if not isinstance(finding, str):
            raise CxrError("The finding must be a text.")
        found = self._desk.locate(self._open(film_file, read_anyway), clean(finding))
        picture = send_file(write_png(draw_greys(found.values)), "map.png", "image/png")["url"]
        told = {name: value for name, value in vars(found).items() if name != "values"}
        return self._sign({"map": picture, "note": MAP_NOTE, **{name: as_plain(value) for name, value in told.items()}})

    def _open(self, film_file: object, read_anyway: object) -> Film:
        return replace(self._desk.open(find_upload(film_file)), anyway=read_anyway is True)

    def _sign(self, result: dict[str, Any]) -> dict[str, Any]:
        return {**result, "answered_by": as_plain(self._desk.identity)}


def read_history(history: object) -> tuple[Turn, ...]:
    """The latest of the earlier turns as they come over HTTP, as much of them as a conversation carries.

    What is older is not looked at: a long chat must cost no more than a short one.

    Raises:
        CxrError: they are not a list of objects with `question` and `answer`.
    """
    if history is None:
        return ()
    mend = CxrError("The history must be a list of objects with the texts question and answer.")
    if not isinstance(history, Sequence) or isinstance(history, str):
        raise mend
    turns = []
    for row in history[-MAX_TURNS:]:
        question, answer = (row.get("question"), row.get("answer")) if isinstance(row, Mapping) else (None, None)
        if not isinstance(question, str) or not isinstance(answer, str):
            raise mend
        turns.append(Turn(clean(question), clean(answer, MAX_ANSWER)))
    return tuple(turns)
