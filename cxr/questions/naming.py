"""Which findings and which side a visitor's words name. Knows nothing about what is asked of them."""

import re
from collections.abc import Sequence
from functools import partial

from cxr.findings import FINDINGS, Finding, find_finding
from cxr.questions.vocabulary import EITHER, LAY
from cxr.results import Side


def mask_findings(words: str, own: Sequence[str] = ()) -> tuple[str, tuple[str, ...]]:
    """The words with an X for each finding, and the findings' keys in the order in which they are named."""
    for finding in (*map(find_finding, own), *FINDINGS):
        words = _match(finding).sub(partial(_mask, finding.key), words)
    for keys, pattern in EITHER.items():
        words = re.sub(rf"\b(?:{pattern})\b", " or ".join(f"\0{key}\0" for key in keys), words)
    named = re.findall(r"\0([^\0]*)\0", words)
    return re.sub(r"\0[^\0]*\0", "X", words), tuple(dict.fromkeys(named))


def _mask(key: str, hit: re.Match[str]) -> str:
    """The mark of a finding; a side in its words stays: "fluid around my right lung"."""
    return " ".join([f"\0{key}\0", *re.findall(r"\b(?:left|right|both)\b", hit[0])])


def _match(finding: Finding) -> re.Pattern[str]:
    lay = LAY.get(finding.key)
    return re.compile(rf"(?<![\w\0-])(?:{'|'.join((*([lay] if lay else []), *finding.aliases))})(?![\w\0-])")


def list_words(own: Sequence[str]) -> set[str]:
    """The words of an adapter's own findings, which are spelt as it spells them."""
    return {word for finding in map(find_finding, own) for word in finding.bare_noun.lower().split()}


def read_side(masked: str) -> Side | None:
    """The side that is named; none where both are offered, and "am I right" names none."""
    masked = re.sub(
        r"\b(?:am i|i'm|is (?:that|this|it|he|she)|that's|all|that is) right\b(?!\s*(?:sided|-))", " ", masked
    )
    seen = re.search(
        r"\b(left|right) (?:side |half |part )?of (?:the|this|my) (?:picture|image|screen|photo\w*|monitor)\b", masked
    )
    if seen:  # of the picture, whose left is the patient's right
        return "right" if seen[1] == "left" else "left"
    named = {word.removesuffix("-sided") for word in re.findall(r"\b(left|right|both|bilateral)\b", masked)}
    if named & {"both", "bilateral"}:
        return "both"
    return None if len(named) != 1 else "left" if "left" in named else "right"
