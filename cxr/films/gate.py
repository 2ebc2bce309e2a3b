"""The gate before any model: what header and greys say of a film, in reasons; and what can be done about it here.

The order counts: a film that is turned or inverted is a chest film that can be mended, so nothing else is asked of it.
Knows nothing of files or models.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from cxr.films.dicom_header import NOT_CHEST
from cxr.films.field import blacken_border
from cxr.films.film import Film
from cxr.films.look import tell_looks
from cxr.films.quality import LONG, check_quality
from cxr.films.several import holds_several
from cxr.results import Mend, Reason

LIKELY = 0.5  # probability from which a look is believed
PLAIN = 0.7  # probability from which what looks like no film is one that is turned and inverted
SUSPECT = 2.0  # log odds that a header adds which says that this is none
ASIDE: tuple[tuple[str, Mend], ...] = (
    ("turned to the left", "turn right"),
    ("turned to the right", "turn left"),
    ("upside down", "turn over"),
)
TURN = "This film looks {}, so nothing on it lies where it seems to."
TURN_STEP = "The page can turn it with one button; else send it upright."
MENDED: dict[str, Reason] = {
    **{look: Reason("turned", True, TURN.format(look), TURN_STEP, mend) for look, mend in ASIDE},
    "inverted": Reason(
        "inverted",
        True,
        "This film looks inverted, as a negative: air is white and bone is black.",
        "The page can invert it with one button; else send it with air black.",
        "invert",
    ),
}
LATERAL = Reason(
    "lateral",
    True,
    "This film was taken from the side (a lateral); only films taken from the front or from behind can be read here.",
    "Send the frontal film of the same examination.",
)
SEVERAL = Reason(
    "several films",
    True,
    "This picture shows more than one film, so it is not clear which of them to read.",
    "Send one film at a time.",
)
CROPPED = Reason(
    "cropped",
    False,
    "A part of the chest seems to be cut off, and nothing can be said of what is missing.",
    "Send the whole film if you have it.",
)
STRANGERS = {
    "not a chest": Reason(
        "not a chest",
        True,
        "This does not look like a chest film; it may show another part of the body, or another kind of scan.",
        "Send a chest X-ray taken from the front or from behind.",
    ),
    "not an X-ray": Reason(
        "not an X-ray",
        True,
        "This does not look like an X-ray film.",
        "Send the film itself: a chest X-ray taken from the front or from behind.",
    ),
}
CUTS = ("upper part cut off", "lower part cut off", "left part cut off", "right part cut off", "every side cut off")
QUARTERS: dict[Mend, int] = {"turn left": 1, "turn over": 2, "turn right": 3}  # against the clock


@dataclass(frozen=True)
class Inspection:
    """What header and greys say. `doubt`: log odds that this is no chest film at all; `stranger`: what it is then."""

    reasons: tuple[Reason, ...]
    doubt: float
    stranger: Reason


def inspect_film(film: Film) -> Inspection:
    """Look at a film without a model."""
    looks = tell_looks(film.pixels)
    reasons = [*film.reasons, *_find_position(film, looks), *check_quality(film.pixels)]
    if LONG in reasons and (CROPPED in reasons or SEVERAL in reasons):  # one thing is said once
        reasons.remove(LONG)
    strange = sum(looks[name] for name in STRANGERS)
    kept = min(max(strange, 1e-4), 1 - 1e-4)
    told = NOT_CHEST in film.warnings
    doubt = float(np.log(kept / (1 - kept))) + SUSPECT * told
    stranger = "not a chest" if told else max(STRANGERS, key=lambda name: looks[name])
    return Inspection(tuple(reasons), doubt, STRANGERS[stranger])


def _find_position(film: Film, looks: Mapping[str, float]) -> Iterator[Reason]:
    """How the chest lies on the film, if there is one and only one."""
    if holds_several(film.pixels):
        yield SEVERAL
        return
    if film.view == "lateral":
        yield LATERAL
        return
    wrong = {**MENDED, "lateral": LATERAL}
    if sum(looks[name] for name in wrong) > LIKELY:
        yield wrong[max(wrong, key=lambda name: looks[name])]
    elif sum(looks[name] for name in STRANGERS) > LIKELY and _is_turned(1 - film.pixels):
        yield MENDED["inverted"]  # how it lies is said once it is as it should be
    elif sum(looks[name] for name in CUTS) > LIKELY:
        yield CROPPED


def _is_turned(pixels: np.ndarray) -> bool:
    looks = tell_looks(pixels)
    return sum(looks[name] for name, _ in ASIDE) > PLAIN


def mend_film(film: Film, mend: Mend) -> Film:
    """The film turned or inverted; a border, black until then, stays black."""
    pixels = blacken_border(1 - film.pixels) if mend == "invert" else np.rot90(film.pixels, QUARTERS[mend])
    return replace(film, pixels=np.ascontiguousarray(pixels, dtype=np.float32))
