"""The public endpoints, with those of the two checks that are made on demand. Knows nothing about the page."""

from typing import Any

import gradio as gr

from cxr.results import CxrError
from cxr.serial import as_plain
from cxr.space.endpoints import Endpoints, read_history
from cxr.space.faults import guard


class CheckEndpoints(Endpoints):
    """The three tasks, and what a caller may ask about their results."""

    @guard
    def check_film(
        self,
        film_file: gr.FileData,
        question: str = "",
        history: list[dict[str, str]] | None = None,
        read_anyway: bool = False,
    ) -> dict[str, Any]:
        """Check whether answers depend on a chest X-ray film: the same questions of a blank one. Research and teaching
        only; not a medical device.

        Args:
            film_file: The film: PNG, JPEG, TIFF, WebP or DICOM, at most 64 MB.
            question: A question whose answer is checked; empty: the probabilities of the findings are.
            history: Earlier turns about the same film, oldest first, each with question and answer; the last 8 count.
            read_anyway: Whether to read also what does not look like an upright frontal chest film.

        Returns:
            checks: for the question, or for each finding, asked, answer and blank_answer, the probability of the answer
            from 0 to 1 with the film and with a blank one (null where both answers are the same to the letter),
            depends, and a sentence; answered_by.
        """
        if not isinstance(question, str | None):
            raise CxrError("The question must be a text.")
        turns, film = read_history(history), self._open(film_file, read_anyway)
        asked = (question or "").strip()
        found = [self._desk.check_answer(film, asked, turns)] if asked else self._desk.check_findings(film)
        return self._sign({"checks": as_plain([*found])})

    @guard
    def check_sides(self, film_file: gr.FileData, read_anyway: bool = False) -> dict[str, Any]:
        """Check left and right on a chest X-ray film: on the mirrored film a side must change. Research and teaching
        only; not a medical device.

        Args:
            film_file: The film: PNG, JPEG, TIFF, WebP or DICOM, at most 64 MB.
            read_anyway: Whether to read also what does not look like an upright frontal chest film.

        Returns:
            checks: for each finding that has a side and is not called absent, its side and the side on the mirrored
            film, both with their probability from 0 to 1, whether the side is sure, and a sentence; answered_by.
        """
        return self._sign({"checks": as_plain(self._desk.check_sides(self._open(film_file, read_anyway)))})
