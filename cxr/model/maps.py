"""Heat maps of one model: four ways to draw where an answer came from, and which of them is shown.

A map is scaled so that 1 is its maximum and 0.5 the edge of the place that is meant. Knows nothing about pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum

import numpy as np

from cxr.films.film import Film
from cxr.findings import BY_KEY, find_finding
from cxr.model.attention import draw_attention, draw_grad_cam, to_numbers
from cxr.model.engine import Encoded, Engine
from cxr.model.grid import find_grid
from cxr.model.map_head import MapHead, gather_cells
from cxr.model.occlusion import draw_occlusion
from cxr.prompts import ask_finding, ask_report, build_conversation

EDGE = 0.5  # of a finished map: from here on a place is meant


class Method(Enum):
    """A way to draw a map, in the order of `MapHead.trials`; its value names it to somebody who is not a doctor."""

    TRAINED = "read by a small part that was taught on drawn films where findings lie"
    ATTENTION = "where the model's attention was when it answered"
    GRAD_CAM = "what in the picture pushed the answer towards yes (Grad-CAM)"
    OCCLUSION = "what the answer lost when parts of the film were covered"


WITHOUT_HEAD = Method.ATTENTION  # the best of those that need none, see docs/quality.md
# What share of a map's maximum is the edge of a place, where the adapter brings none; from the embedded model.
EDGES = {Method.TRAINED: 0.4, Method.ATTENTION: 0.35, Method.GRAD_CAM: 0.1, Method.OCCLUSION: 0.3}


class Mapper:
    """Draws maps for one engine. `head`: None where the adapter brings none."""

    def __init__(self, engine: Engine, head: MapHead | None = None) -> None:
        self.engine, self.head = engine, head

    def choose_method(self, finding: str) -> Method:
        """The way that was best on drawn films, of those that know this finding."""
        if self.head is None or finding not in BY_KEY:
            return WITHOUT_HEAD
        return list(Method)[int(self.head.trials[:, 1].argmax())]

    def draw(
        self, film: Film, encoded: Encoded, findings: Sequence[str], method: Method | None = None
    ) -> dict[str, np.ndarray]:
        """The finished map of each finding: H x W float32 over the film's own pixels, 0..1.

        `method`: None for the one that is shown.
        """
        chosen = {finding: method or self.choose_method(finding) for finding in findings}
        drawn: dict[str, np.ndarray] = {}
        for each in Method:
            some = [finding for finding in findings if chosen[finding] is each]
            raw = self.draw_raw(film, encoded, some, each) if some else {}
            drawn |= {finding: self.finish(values, each) for finding, values in raw.items()}
        return drawn

    def draw_raw(
        self, film: Film, encoded: Encoded, findings: Sequence[str], method: Method
    ) -> Mapping[str, np.ndarray]:
        """The same before it is scaled: 0 and more, each method in its own unit."""
        asked = [build_conversation(ask_finding(find_finding(finding))) for finding in findings]
        if method is Method.TRAINED:
            grids = self._draw_trained(encoded, findings)
        elif method is Method.ATTENTION:
            grids = [draw_attention(self.engine, encoded, self.engine._tokenize(each)) for each in asked]
        elif method is Method.GRAD_CAM:
            grids = [draw_grad_cam(self.engine, film, each) for each in asked]
        else:
            grids = draw_occlusion(self.engine, film, asked)
        grid = find_grid(self.engine, encoded)
        if method is Method.OCCLUSION:  # which covers the canvas alone
            grid = replace(grid, share=1.0)
        canvas = self.engine.canvas
        return {finding: grid.lay_on_film(each, film, canvas) for finding, each in zip(findings, grids, strict=True)}

    def _draw_trained(self, encoded: Encoded, findings: Sequence[str]) -> list[np.ndarray]:
        if self.head is None:
            raise ValueError("this adapter brings no part that was taught where findings lie")
        places = self.head.draw(gather_cells(self.engine, encoded))
        return [to_numbers(places[list(BY_KEY).index(finding)]) for finding in findings]

    def trace(self, film: Film, encoded: Encoded, before: str, sentence: str) -> np.ndarray:
        """Where attention was while a sentence of a report was written: H x W float32, 0..1.

        `before`: the report up to the sentence.
        """
        asked = self.engine._tokenize(build_conversation(ask_report()))
        written = self.engine.processor.tokenizer.encode(sentence, add_special_tokens=False)
        known = self.engine.processor.tokenizer.encode(before, add_special_tokens=False)
        values = draw_attention(self.engine, encoded, [*asked, *known, *written], last=len(written))
        laid = find_grid(self.engine, encoded).lay_on_film(values, film, self.engine.canvas)
        return self.finish(laid, Method.ATTENTION)

    def finish(self, values: np.ndarray, method: Method) -> np.ndarray:
        """The map scaled so that its maximum is 1 and the edge of the place that is meant is EDGE."""
        tried = self.head is not None and self.head.trials[:, 1].any()
        edge = float(self.head.trials[list(Method).index(method), 0]) if self.head and tried else EDGES[method]
        return scale_map(values, edge)


def scale_map(values: np.ndarray, edge: float) -> np.ndarray:
    """Values of 0 and more -> 0..1: the maximum becomes 1, `edge` of it EDGE, linear between; all 0 stays so."""
    top = float(values.max())
    if top <= 0:
        return np.zeros_like(values, dtype=np.float32)
    return np.interp(np.clip(values, 0, top) / top, [0, edge, 1], [0, EDGE, 1]).astype(np.float32)
