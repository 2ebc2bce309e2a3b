"""Which findings a drawn film has: what may stand where, how large, and which go together."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import numpy as np

from cxr.findings import BY_KEY, FINDINGS
from cxr.results import Observation, Side, Size, Zone

ZONES: dict[str, tuple[Zone, ...]] = {  # where a zone is told apart, and which are drawn
    "consolidation": ("upper", "mid", "lower"),
    "pneumonia": ("upper", "mid", "lower"),
    "infiltration": ("upper", "mid", "lower"),
    "atelectasis": ("mid", "lower"),
    "mass": ("upper", "mid", "lower"),
    "nodule": ("upper", "mid", "lower"),
    "fibrosis": ("upper", "lower"),
    "pleural_thickening": ("upper", "mid", "lower"),
}
ALSO: dict[str, tuple[Zone, ...]] = {
    "effusion": ("lower",),
    "pneumothorax": ("upper",),
}  # true as well, but not said unasked
BILATERAL = {
    "effusion": 0.25,
    "pneumonia": 0.2,
    "infiltration": 0.3,
    "fibrosis": 0.5,
    "pleural_thickening": 0.2,
    "atelectasis": 0.2,
    "consolidation": 0.08,
}  # how often a finding is on both sides
TOGETHER = (
    ("cardiomegaly", "edema"),
    ("cardiomegaly", "edema", "effusion"),
    ("effusion", "atelectasis"),
    ("effusion", "consolidation"),
    ("cardiomegaly", "effusion"),
    ("mass", "effusion"),
    ("mass", "nodule"),
    ("emphysema", "pneumothorax"),
    ("fibrosis", "pleural_thickening"),
    ("emphysema", "nodule"),
    ("atelectasis", "infiltration"),
    ("pneumonia", "effusion"),
    ("emphysema", "fibrosis"),
    ("hernia", "atelectasis"),
    ("effusion", "pneumothorax"),
)
APART = (
    {"edema", "emphysema"},
    {"pneumonia", "consolidation"},
    {"pneumonia", "infiltration"},
    {"consolidation", "infiltration"},
    {"edema", "infiltration"},
)  # not told from one another on one film, or against one another


def choose_findings(rng: np.random.Generator) -> tuple[str, ...]:
    """Keys of 0 to 3 findings: none in three of ten, known companions in a quarter, else by chance."""
    kind = rng.random()
    if kind < 0.3:
        return ()
    if kind < 0.52:
        return TOGETHER[int(rng.integers(len(TOGETHER)))]
    keys = [finding.key for finding in FINDINGS]
    chosen: list[str] = []
    for key in rng.permutation(keys)[: int(rng.choice(3, p=(0.6, 0.28, 0.12))) + 1]:
        if not any({str(key), other} in APART for other in chosen):
            chosen.append(str(key))
    return tuple(chosen)


def choose_observations(seed: int, frontal: bool, given: Sequence[Observation] | None) -> tuple[Observation, ...]:
    """The observations of a film; what `given` leaves open is drawn, what cannot be told on the view is left out.

    A finding that is given twice is drawn twice; a lateral has neither left nor right.
    """
    rng = np.random.default_rng([seed, 10])
    chosen = [Observation(key) for key in choose_findings(rng)]
    order = [finding.key for finding in FINDINGS]
    items = sorted(chosen if given is None else given, key=lambda item: order.index(item.finding))
    return tuple(_complete(item, frontal, rng) for item in items)


def _complete(item: Observation, frontal: bool, rng: np.random.Generator) -> Observation:
    side: Side = "both" if rng.random() < BILATERAL.get(item.finding, 0) else "left" if rng.random() < 0.5 else "right"
    zones = ZONES.get(item.finding, ())
    zone = zones[int(rng.integers(len(zones)))] if zones else None
    size: Size = get_args(Size)[int(rng.integers(3))]
    sided = frontal and BY_KEY[item.finding].sided
    allowed = zones + ALSO.get(item.finding, ())
    return replace(
        item,
        side=(item.side or side) if sided else None,
        zone=item.zone if item.zone in allowed else zone,
        size=item.size or size,
    )
