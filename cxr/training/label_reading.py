"""What a label of a data set says of the findings: there, absent, possible, left open; or that it is not understood.

"Left pleural effusion, small" is an effusion on the left; "no effusion" denies one; "possible effusion" leaves it open,
and "Lung opacity" leaves open what may look so. A label that is not understood leaves all of the 14 open: what it may
mean is not taught as absent. Knows nothing about films, nor about where labels stand.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from cxr.labels import MAX_LABEL, NOTHING_FOUND, spell_words
from cxr.training.label_meaning import CACHED, Meaning, Said, find_exact, find_meaning, place, strip
from cxr.training.label_words import (
    ALIKE,
    BOTH,
    DENIED_AFTER,
    DENIED_BEFORE,
    EVERY,
    EXCLUDED,
    HEDGED,
    LASTING,
    MODIFIERS,
    SHORT,
    UNSAID,
    UNSURE,
)

JOINTS = re.compile(r"(,|;|/|&|\+|\b(?:and|or|nor|plus|but|with|however|versus|vs)\b|(?=\b(?:no|without)\b))")
ANEW = frozenset({";", "but", "with", "however"})  # what follows is not denied by what stands before
EITHER = frozenset({"or", "nor", "versus", "vs"})


@dataclass(frozen=True)
class Piece:
    """The words between two joints of a label, and how they are meant."""

    words: str
    joint: str  # before it
    verdict: str = "present"  # or "absent", or "unsure"


@lru_cache(CACHED)
def read_said(label: str, denied: bool = False) -> Said:
    """What a label says.

    Args:
        label: One label, or several that are joined by commas, strokes or "and".
        denied: Whether it stands where absent findings are named.

    Raises:
        ValueError: it holds no letter, is too long for a label, or denies what stands where absent findings are named.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).lower()).replace("_", " ")
    for short, words in SHORT.items():
        text = re.sub(short, words, text)
    if len(text) <= MAX_LABEL and (whole := _read_whole(spell_words(text), "?" in text, denied)):
        return whole
    pieces = judge(split_pieces(text))
    if not pieces:
        raise ValueError("A label must hold letters.")
    if denied:
        if any(piece.verdict == "absent" for piece in pieces):
            raise ValueError('What is denied under "absent" may be there.')
        pieces = [replace(piece, verdict="absent" if piece.verdict == "present" else "unsure") for piece in pieces]
    return _add([read_piece(piece, pieces) for piece in lend_sides(pieces)])


def _read_whole(words: str, asked: bool, denied: bool) -> Said | None:
    """A label whose words are known as they stand; None where it has to be taken apart."""
    if EXCLUDED.fullmatch(words):
        return Said(excluded=True)
    if UNSAID.fullmatch(words):
        return Said() if "change" in words else Said(opened=EVERY)
    if NOTHING_FOUND.fullmatch(words):
        return Said() if denied else Said(nothing=True, opened=LASTING if HEDGED.search(words) else frozenset())
    if denied and BOTH.fullmatch(words):
        return None
    if asked or not find_meaning(words).understood or (UNSURE.search(words) and not find_exact(words)):
        return None
    return read_piece(Piece(words, "", "absent" if denied else "present"), ())


# --- how a label is put together ------------------------------------------------------------------------------------


def split_pieces(text: str) -> list[Piece]:
    """The pieces of a label between its joints."""
    parts = ["", *JOINTS.split(text)]
    pieces = []
    for joint, part in zip(parts[::2], parts[1::2], strict=True):
        if any(map(str.isalpha, part)):
            verdict = "unsure" if "?" in part else "present"
            pieces.append(Piece(spell_words(part), joint.strip(), verdict))
    return pieces


def judge(pieces: list[Piece]) -> list[Piece]:
    """What is denied and what is unsure, word by word from the left.

    A denial holds for its piece and what "or" adds to it; what a comma or "and" adds may be denied or not, so that it
    is unsure. What is possible is so with all that "and" or "or" adds.
    """
    judged: list[Piece] = []
    state = "present"
    for piece in pieces:
        words, joint = piece.words, piece.joint
        denied, last = DENIED_BEFORE.match(words), DENIED_AFTER.search(words)
        linked = bool(judged) and joint not in ANEW | {",", ""}
        state = state if linked or joint == "," else "present"
        if piece.verdict == "unsure" or UNSURE.search(words):
            verdict = state = "unsure"
            words = " ".join(UNSURE.sub(" ", words).split())
        elif denied:
            verdict = state = "absent"
            words = words[denied.end() :]
        elif last and (last.start() or judged):
            verdict, words = "absent", words[: last.start()]
            state = "unsure"
        elif state == "absent":
            verdict = "absent" if joint in EITHER | {"/"} else "unsure"
        else:
            verdict = state if linked else "present"
        if judged and verdict != "present" and not strip(words, MODIFIERS):  # "effusion, none": of what stands before
            judged[-1] = replace(judged[-1], verdict=verdict)
            continue
        if linked and verdict != "present" and not denied:  # "edema and effusion?": of both, or of the last alone
            judged = [*judged[:-1], replace(judged[-1], verdict=_doubt(judged[-1].verdict))]
        judged.append(Piece(words.strip(), joint, verdict))
    return judged


def _doubt(verdict: str) -> str:
    return "unsure" if verdict == "present" else verdict


def lend_sides(pieces: list[Piece]) -> list[Piece]:
    """Pieces that only say where or how much ("effusion, small") go to the piece before them, or else after them."""
    lent: list[Piece] = []
    ahead = ""
    for piece in pieces:
        if strip(piece.words, MODIFIERS):
            lent.append(replace(piece, words=f"{ahead} {piece.words}".strip()))
            ahead = ""
        elif lent:
            lent[-1] = replace(lent[-1], words=f"{lent[-1].words} {piece.words}".strip())
        else:
            ahead = f"{ahead} {piece.words}".strip()
    return lent


def read_piece(piece: Piece, pieces: Iterable[Piece]) -> Said:
    """What one piece says; which of several findings that "or" joins is not known."""
    if UNSAID.fullmatch(piece.words):
        return Said(opened=EVERY)
    meaning = find_meaning(piece.words)
    if not meaning.understood and piece.verdict != "present":
        return Said(opened=EVERY, understood=False)
    if piece.verdict == "absent":
        return Said(absent=meaning.keys) if meaning.bare else Said(opened=meaning.keys)
    if piece.verdict == "unsure":
        return Said(unsure=meaning.keys, opened=meaning.opened)
    if is_either(piece, meaning, list(pieces)):
        return Said(opened=meaning.keys | meaning.opened)
    seen = tuple(place(key, piece.words) for key in sorted(meaning.keys))
    return Said(seen, opened=meaning.opened, understood=meaning.understood)


def is_either(piece: Piece, meaning: Meaning, pieces: list[Piece]) -> bool:
    """Whether a piece and one beside it are alternatives."""
    for first, second in pairwise(pieces):
        if piece.words not in (first.words, second.words) or second.joint not in EITHER | {"/"}:
            continue
        other = find_meaning(second.words if piece.words == first.words else first.words)
        both = meaning.keys | other.keys
        if second.joint != "/" or any(both <= group for group in ALIKE):
            return True
    return False


def _add(parts: list[Said]) -> Said:
    """What several pieces say together."""
    absent, unsure, opened = (
        frozenset[str]().union(*(getattr(part, name) for part in parts)) for name in ("absent", "unsure", "opened")
    )
    present = tuple(item for part in parts for item in part.present)
    return Said(present, absent, unsure, opened, understood=all(part.understood for part in parts))
