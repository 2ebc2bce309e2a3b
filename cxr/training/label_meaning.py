"""What a few words of a label name, and what a label says as a value, with its words for somebody who looks it over.

Knows nothing about how a label is put together.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from cxr.findings import BY_KEY, FINDINGS, find_finding, read_label
from cxr.results import Observation, Side, Size, Zone
from cxr.training.label_words import (
    EVERY,
    FILLERS,
    FOCAL,
    MODIFIERS,
    NEUTRAL,
    ORGANS,
    RELATED,
    SIDES,
    SIZES,
    SYNONYMS,
    ZONES,
)

CACHED = 4096  # different words, which are met again with every film
KNOWN = {**{"|".join(one.aliases): frozenset({one.key}) for one in FINDINGS}, **SYNONYMS}


@dataclass(frozen=True)
class Said:
    """What one label says; keys are of the 14 or of own findings."""

    present: tuple[Observation, ...] = ()
    absent: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()  # said to be possible
    opened: frozenset[str] = frozenset()  # what it may stand for, or is not judged
    nothing: bool = False  # that nothing was found
    excluded: bool = False  # that the film is to be left out
    understood: bool = True

    @property
    def silent(self) -> bool:
        """Whether it says nothing of any finding: "loc right", "unchanged"."""
        return self == Said()


@dataclass(frozen=True)
class Meaning:
    """What a few words name: some of the 14, or a finding of their own that leaves some of the 14 open."""

    keys: frozenset[str]
    opened: frozenset[str] = frozenset()
    bare: bool = True  # named without a side, a place or a degree, so that its denial denies all of it
    understood: bool = True


@lru_cache(CACHED)
def find_meaning(words: str) -> Meaning:
    """What words name: as they stand, without what only says where and how much, and without "lung" and "pulmonary"."""
    bare = strip(words, MODIFIERS)
    limited = frozenset(words.split()) & MODIFIERS - FILLERS - FOCAL
    for form in dict.fromkeys((words, bare, strip(bare, ORGANS))):
        if exact := find_exact(form):
            keys, opened = exact
            keys = keys or name_own(words if form == words else bare)
            if keys:
                return Meaning(keys, opened, form == words or not limited)
    return Meaning(name_own(words), EVERY, understood=False) if bare else Meaning(frozenset())


def name_own(words: str) -> frozenset[str]:
    """The key of a finding outside the 14; none for what cannot be one, such as "arch not seen well"."""
    try:
        key = read_label(words)
    except ValueError:
        return frozenset()
    return frozenset({key}) if key and key not in BY_KEY else frozenset()


def find_exact(words: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """The keys of the 14 that words name, and those that they leave open; None where they are not known."""
    for pattern, keys in KNOWN.items():
        if re.fullmatch(pattern, words):
            return keys, frozenset()
    for pattern, opened in RELATED.items():
        if re.fullmatch(pattern, words):
            return frozenset(), opened
    tokens = set(words.split())
    return (frozenset(), frozenset()) if tokens & NEUTRAL and tokens <= NEUTRAL | MODIFIERS else None


def strip(words: str, idle: frozenset[str]) -> str:
    """Words without the idle ones, and without numbers."""
    return " ".join(token for token in words.split() if token not in idle and not token.isdigit())


def place(key: str, words: str) -> Observation:
    """A finding with the side, zone and size that words name."""
    tokens = words.split()
    if key not in BY_KEY:
        return Observation(key)
    sizes = {SIZES[token] for token in tokens if token in SIZES}
    size = cast(Size, sizes.pop()) if len(sizes) == 1 else None
    if not BY_KEY[key].sided:
        return Observation(key, size=size)
    sides, zones = ({words[token] for token in tokens if token in words} for words in (SIDES, ZONES))
    side = sides.pop() if len(sides) == 1 else "both" if sides else None
    return Observation(key, cast(Side, side), cast(Zone, zones.pop()) if len(zones) == 1 else None, size)


def describe_said(said: Said) -> str:
    """What a label teaches, for somebody who looks over a data set before it is taught."""
    if said.excluded:
        return "the film is left out"
    parts = [_describe(item) for item in said.present]
    parts += [f"no {find_finding(key).name}" for key in sorted(said.absent)]
    parts += [f"possibly {find_finding(key).name}" for key in sorted(said.unsure)]
    if said.nothing:
        parts.append("nothing found")
    if said.opened >= EVERY:
        parts.append("all that is not named is unknown")
    elif said.opened:
        parts.append(f"unknown: {', '.join(sorted(find_finding(key).name for key in said.opened))}")
    text = "; ".join(parts) or "nothing"
    return text if said.understood else f"NOT UNDERSTOOD; {text}"


def _describe(item: Observation) -> str:
    name = find_finding(item.finding).name
    where = " ".join(filter(None, (item.size, item.side, item.zone)))
    return name + (f" ({where})" if where else "") + ("" if item.finding in BY_KEY else " (own)")
