"""What a question names that is not looked for. Knows nothing about films."""

import re
from collections.abc import Sequence

from cxr.findings import list_not_looked_for
from cxr.labels import OUTSIDE as HELD
from cxr.questions.vocabulary import LANDMARKS, OTHER_DISEASES, OUTSIDE, STRANGERS


def hide_strangers(words: str) -> tuple[str, tuple[str, ...]]:
    """The words without what only sounds like one of the 14 ("pericardial effusion"), and its names."""
    named = []
    for name, pattern in STRANGERS.items():
        words, count = re.subn(rf"\b(?:{pattern})\b", "Z", words)
        named += [name] * bool(count)
    return words, tuple(named)


def find_outside(masked: str, own: Sequence[str] = (), beside: bool = False) -> tuple[str, ...]:
    """Names of what is asked about and neither the 14 nor the adapter's own findings hold.

    `beside`: a finding is named, too, so that ribs and diaphragm only say where it is, and blurred how it looks.
    """
    listed = list_not_looked_for(own)
    kinds = {**OUTSIDE, **({} if beside else LANDMARKS)}
    names = [name for name in kinds if name not in HELD or name in listed]
    hits = {name: re.search(rf"(?<![\w-])(?:{kinds[name]})(?![\w-])", masked) for name in names}
    return tuple(hit[0] if name == OTHER_DISEASES else name for name, hit in hits.items() if hit)
