"""Why a film was taken, as a visitor writes it. Knows nothing about films or models."""

from cxr.findings import find_finding
from cxr.prompts import join_words
from cxr.questions.naming import mask_findings
from cxr.questions.spelling import repair_spelling

HELD_BACK = "The indication names {}, so it was not shown to the model, which would repeat what it is told."


def hold_back(indication: str) -> tuple[str, tuple[str, ...]]:
    """The indication for a model that was taught complaints and no findings, and what is said where it gets none."""
    _, keys = mask_findings(repair_spelling(indication))
    if not keys:
        return indication, ()
    return "", (HELD_BACK.format(join_words([find_finding(key).noun for key in keys], "and")),)
