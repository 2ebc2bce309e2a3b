"""The four ways to draw a map of one model, unscaled and over the film's own pixels. Knows nothing about sentences."""

from collections.abc import Sequence
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
from cxr.prompts import ask_finding, build_conversation


class Method(Enum):
    """A way to draw a map, in the order of `MapHead.trials`; its value names it to somebody who is not a doctor."""

    TRAINED = "what the encoder kept of each place, read by a small part that was taught on drawn films"
    ATTENTION = "where the model's attention was when it answered"
    GRAD_CAM = "which places pushed the answer towards yes (Grad-CAM)"
    OCCLUSION = "what the answer lost when parts of the film were covered"


def draw_raw(
    engine: Engine, head: MapHead | None, film: Film, encoded: Encoded, findings: Sequence[str], method: Method
) -> dict[str, np.ndarray]:
    """A map of each finding: H x W float32 of 0 and more, each method in its own unit.

    `head`: needed for Method.TRAINED, which knows the 14 findings alone.
    """
    asked = [build_conversation(ask_finding(find_finding(finding))) for finding in findings]
    if method is Method.TRAINED:
        grids = _draw_trained(engine, head, encoded, findings)
    elif method is Method.ATTENTION:
        grids = [draw_attention(engine, encoded, engine._tokenize(each)) for each in asked]
    elif method is Method.GRAD_CAM:
        grids = [draw_grad_cam(engine, film, each) for each in asked]
    else:
        grids = draw_occlusion(engine, film, asked)
    grid = find_grid(engine, encoded)
    if method is Method.OCCLUSION:  # which covers the canvas alone
        grid = replace(grid, share=1.0)
    return {finding: grid.lay_on_film(each, film, engine.canvas) for finding, each in zip(findings, grids, strict=True)}


def _draw_trained(engine: Engine, head: MapHead | None, encoded: Encoded, findings: Sequence[str]) -> list[np.ndarray]:
    if head is None:
        raise ValueError("this adapter brings no part that was taught where findings lie")
    places = head.draw(gather_cells(engine, encoded))
    return [to_numbers(places[list(BY_KEY).index(finding)]) for finding in findings]
