"""Heat maps of one model: of a finding and of a sentence of a report, by the way that did best on drawn films.

A map is scaled so that 1 is its maximum and 0.5 the edge of the place that is meant. Knows nothing about pages.
"""

from collections.abc import Sequence

import numpy as np

from cxr.films.film import Film
from cxr.findings import BY_KEY, find_finding
from cxr.model.attention import draw_attention
from cxr.model.engine import Encoded, Engine
from cxr.model.grid import find_grid
from cxr.model.map_head import MapHead
from cxr.model.places import EDGE, describe_place, doubt_side
from cxr.model.ways import Method, draw_raw
from cxr.prompts import ask_report, build_conversation
from cxr.results import CxrError, HeatMap, Side
from cxr.statements import read_statements

WITHOUT_HEAD = Method.ATTENTION  # the best of those that are not taught, see docs/quality.md
# Which share of a map's maximum is the edge of a place where the adapter brings none: those of the embedded model.
EDGES = {Method.TRAINED: 0.4, Method.ATTENTION: 0.35, Method.GRAD_CAM: 0.05, Method.OCCLUSION: 0.3}
NO_MAPS = "There are no heat maps: the model runs behind an endpoint, which tells nothing of where it looked."
MAX_REPORT = 4000  # characters that are read again


class Mapper:
    """Draws maps for one engine. `head`: None where the adapter brings none."""

    def __init__(self, engine: Engine, head: MapHead | None = None) -> None:
        self.engine, self.head = engine, head

    def choose_method(self, finding: str) -> Method:
        """The way that was best on drawn films, of those that know this finding."""
        if self.head is None or finding not in BY_KEY:
            return WITHOUT_HEAD
        return list(Method)[int(self.head.trials[:, 1].argmax())]

    def map_finding(self, film: Film, encoded: Encoded, finding: str, method: Method | None = None) -> HeatMap:
        """Where the answer to whether there is a finding came from. `method`: None for the best."""
        return self._map_all(film, encoded, [finding], find_finding(finding).noun, method)

    def map_sentence(
        self, film: Film, encoded: Encoded, sentence: str, report: str, own: Sequence[str] = ()
    ) -> HeatMap:
        """Where a sentence of a report came from: the maps of what it asserts, or else denies, as one.

        Of a sentence that names no finding it is where attention was while it was written. `own`: keys of the adapter's
        own findings.

        Raises:
            CxrError: the report does not hold the sentence.
        """
        place = report.find(sentence)
        if place < 0 or not sentence or len(report) > MAX_REPORT:
            raise CxrError("The report has changed meanwhile; please choose a sentence of it again.")
        said = read_statements(sentence, own, possible=True)
        asserted = any(each.present for each in said)
        seen = [each.observation for each in said if each.present == asserted]
        if not seen:
            return self._trace(film, encoded, sentence, report[:place])
        return self._map_all(
            film, encoded, [each.finding for each in seen], sentence, None, [each.side for each in seen]
        )

    def _map_all(
        self,
        film: Film,
        encoded: Encoded,
        findings: Sequence[str],
        about: str,
        method: Method | None,
        sides: Sequence[Side | None] = (),
    ) -> HeatMap:
        ways = {finding: method or self.choose_method(finding) for finding in findings}
        drawn = [
            self._finish(values, way)
            for way in dict.fromkeys(ways.values())
            for values in draw_raw(
                self.engine, self.head, film, encoded, [key for key in findings if ways[key] is way], way
            ).values()
        ]
        values = np.max(drawn, axis=0)
        named = "; ".join(way.value for way in dict.fromkeys(ways.values()))
        doubts = doubt_side(values, sides)
        return HeatMap(values, about, tuple(findings), named, describe_place(values), warnings=doubts)

    def _trace(self, film: Film, encoded: Encoded, sentence: str, before: str) -> HeatMap:
        encode = self.engine.processor.tokenizer.encode
        written = encode(sentence, add_special_tokens=False)
        ids = [
            *self.engine._tokenize(build_conversation(ask_report())),
            *encode(before, add_special_tokens=False),
            *written,
        ]
        values = draw_attention(self.engine, encoded, ids, last=len(written))
        laid = find_grid(self.engine, encoded).lay_on_film(values, film, self.engine.canvas)
        finished = self._finish(laid, Method.ATTENTION)
        return HeatMap(finished, sentence, (), Method.ATTENTION.value, describe_place(finished))

    def _finish(self, values: np.ndarray, method: Method) -> np.ndarray:
        edge = EDGES[method] if self.head is None else float(self.head.trials[list(Method).index(method), 0])
        return scale_map(values, edge)


def scale_map(values: np.ndarray, edge: float) -> np.ndarray:
    """Values of 0 and more -> 0..1: the maximum becomes 1, `edge` of it EDGE, linear between; all 0 stays so."""
    top = float(values.max())
    if top <= 0:
        return np.zeros_like(values, dtype=np.float32)
    return np.interp(np.clip(values, 0, top) / top, [0, edge, 1], [0, EDGE, 1]).astype(np.float32)
