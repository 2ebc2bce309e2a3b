"""Readings as nobody made them, with figures that can be worked out by hand."""

from collections.abc import Collection, Mapping

from cxr.evaluation.answers import Exchange
from cxr.evaluation.classification import KEYS
from cxr.evaluation.readings import Reading
from cxr.prompts import write_report
from cxr.results import Observation


def said(
    name: str,
    present: Collection[str] = (),
    *,
    patient: str = "",
    asserted: Collection[str] = (),
    probabilities: Mapping[str, float] | None = None,
    unknown: Collection[str] = (),
    exchanges: tuple[Exchange, ...] = (),
) -> Reading:
    """One film and what a reader said; a probability that is not given is 0.5."""
    given = probabilities or {}
    return Reading(
        name,
        patient or name,
        KEYS,
        tuple(-1 if key in unknown else int(key in present) for key in KEYS),
        tuple(given.get(key, 0.5) for key in KEYS),
        report=write_report([Observation(key) for key in asserted]),
        exchanges=exchanges,
    )
