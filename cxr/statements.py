"""What a text says about findings, read back: asserted, possible or denied, with side, zone and size.

A rule-based reader of our own, not CheXbert. Knows nothing about who wrote the text.
"""

import re
from collections.abc import Sequence
from typing import get_args

from cxr.findings import FINDINGS, Finding, find_finding
from cxr.results import Observation, Side, Size, Statement, Zone


def _match_words(finding: Finding) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(finding.aliases)})\b")


_FINDINGS = [(finding, _match_words(finding)) for finding in FINDINGS]
_BREAK = re.compile(r"[.;:\n]|,\s+(?=(?:an?|there)\b)|\b(?:but|however|although|except|with)\b")
# What lies before the verdict in "Effusion: none."
_VERDICT = re.compile(r"(?::|\s-+|[\u2013\u2014])\s*(?=(?:none|nil|no|absent|negative)\s*(?:[.,;\n]|$))")
_OTHERS = re.compile(  # words that a finding shares with what is none of the 14
    r"\b(?:(?:subcutaneous|surgical|mediastinal) emphysema(?:tous)?|mass effect|vertebral (?:body )?collapse"
    r"|collapse of (?:the )?(?:[tl]\d+|vertebra\w*)|(?:soft[ -]tissue|subcutaneous|peripheral|chest wall) o?edema)\b"
)
_OPEN = re.compile(  # a clause that says neither yes nor no
    r"\b(?:cannot|can not|could not|not) be (?:excluded|ruled out)|\b(?:not excluded|rule out|exclude|r/o)\b"
)
_MAYBE = re.compile(r"\b(?:possib(?:le|ly)|questionable|question of)\b(?!.*(?:,|\band\b))")  # holds for one item
_MAYBE_AFTER = re.compile(r"^\W*(?:(?:is|are) )?(?:possible|questionable)\b")
_DENIAL = re.compile(
    r"\b(?:no(?! (?:\w+ )?change)|not|without|nor|neither|none|free (?:of|from)|(?:absence|lack) of|negative for"
    r"|excluded|rules out)\b"
)
_DENIAL_AFTER = re.compile(
    r"^\W*(?:(?:none|nil|no|negative)\W*$|(?:(?!(?:seen|noted|identified|present)\b)\w+\W+){0,4}?(?:not (?:\w+ly )?"
    r"(?:seen|identified|present|shown|visuali[sz]ed|evident|demonstrated|detected|noted|appreciated|apparent|visible)"
    r"|absent|unlikely|excluded|ruled out|(?<!nearly )(?<!partially )(?<!partly )(?<!almost )(?<!not )resolved)\b)"
)
# Where a denial ends before its clause does: "no pneumothorax and a large effusion"; "or" goes on denying.
_AND_YET = re.compile(r"(?:,|\band)\s+(?:an?|there|tiny|trace|small|moderate|large|mild|marked|massive|minimal)\b")
NEAR, FAR = 200, 500  # characters; what lies further than FAR from a finding says nothing of it
_PART = re.compile(r",|\band\b|\bor\b")


def read_statements(text: str, own: Sequence[str] = (), possible: bool = False) -> tuple[Statement, ...]:
    """What a text asserts or denies about the 14 findings; a rule-based reader of our own, not CheXbert.

    A denial reaches to the end of its clause: "no effusion, mass or nodule" denies three. What is "possible", neither.

    Args:
        own: Keys of findings outside the 14 that are read, too.
        possible: Whether to tell what is called possible, too.

    A finding named twice with the same verdict appears once, with the side, zone and size that were named first.
    """
    found: dict[tuple[str, bool, bool], Observation] = {}
    findings = [*_FINDINGS, *((finding, _match_words(finding)) for finding in map(find_finding, own))]
    text = _OTHERS.sub(" ", _VERDICT.sub(" ", text.lower()))
    for clause in (part for part in _BREAK.split(text) if not _OPEN.search(part)):
        for finding, pattern in findings:
            for match in pattern.finditer(clause):
                denied = _is_denied(clause, match)
                maybe = not denied and _is_possible(clause, match)
                if maybe and not possible:
                    continue
                seen = Observation(finding.key) if denied else _read_place(finding.key, _part_around(clause, match))
                known = found.get((finding.key, not denied, maybe))
                if known is None or (known.side is None and seen.side is not None):
                    found[finding.key, not denied, maybe] = seen
    return tuple(Statement(seen, present, maybe) for (_, present, maybe), seen in found.items())


def _is_possible(clause: str, match: re.Match[str]) -> bool:
    before = _MAYBE.search(clause, max(0, match.start() - NEAR), match.start())
    return before is not None or _MAYBE_AFTER.match(clause[match.end() : match.end() + FAR]) is not None


def _is_denied(clause: str, match: re.Match[str]) -> bool:
    denials = [denial.end() for denial in _DENIAL.finditer(clause, max(0, match.start() - FAR), match.start())]
    turns = [turn.end() for turn in _AND_YET.finditer(clause, denials[-1], match.start())] if denials else []
    if denials and (not turns or " or " in clause[turns[-1] : turns[-1] + NEAR]):
        return True
    return _DENIAL_AFTER.match(clause[match.end() : match.end() + FAR]) is not None


def _part_around(clause: str, match: re.Match[str]) -> str:
    """The piece of an enumeration that holds the match."""
    first, last = max(0, match.start() - FAR), match.end() + FAR
    start = max((cut.end() for cut in _PART.finditer(clause, first, match.start())), default=first)
    end = min((cut.start() for cut in _PART.finditer(clause, match.end(), last)), default=last)
    return clause[start:end]


def _read_place(key: str, part: str) -> Observation:
    named = re.findall(r"\b(left|right|both|bilateral)\b", part)
    side: Side | None = "left" if "left" in named else "right" if "right" in named else None
    if {"left", "right"} <= {*named} or {"both", "bilateral"} & {*named}:
        side = "both"
    zones: list[Zone] = [zone for zone in get_args(Zone) if re.search(rf"\b{zone}\b", part)]
    sizes: list[Size] = [size for size in get_args(Size) if re.search(rf"\b{size}\b", part)]
    return Observation(key, side, zones[0] if zones else None, sizes[0] if sizes else None)
