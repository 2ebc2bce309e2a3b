"""The 14 findings: names, aliases, plain words and reading order; the table of labels; an adapter's own findings.

The list is that of ChestX-ray14 (Wang et al., CVPR 2017). Knows nothing about models or films.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from cxr.labels import NOTHING_FOUND, list_outside, read_words, write_own


class Level(Enum):
    """How soon somebody should look at the film, lowest first; a reading order, never a triage of care."""

    NONE_SEEN = "None of the 14 seen"
    ATTENTION = "Attention"
    LOOK_FIRST = "Look first"

    @property
    def rank(self) -> int:
        """0 is the lowest."""
        return list(Level).index(self)


@dataclass(frozen=True)
class Finding:
    """One finding and every word the program needs for it."""

    key: str  # identifier in code, files and the API
    name: str  # as shown
    noun: str  # as it stands in a sentence: "Is there a nodule?"
    aliases: tuple[str, ...]  # other words for it in reports, lower case, as regular expressions
    plain: str  # for somebody who is not a doctor
    sided: bool  # whether left and right are meaningful
    if_present: Level
    if_unsure: Level
    why: str  # the reason of the two levels

    @property
    def bare_noun(self) -> str:
        """The noun without its article."""
        return self.noun.removeprefix("a ").removeprefix("an ")


NOTHING, ATTEND, FIRST = Level.NONE_SEEN, Level.ATTENTION, Level.LOOK_FIRST

# In the order in which they are shown: pleural air and fluid, airspaces, heart, single lesions, what is long-standing.
FINDINGS: tuple[Finding, ...] = (
    Finding(
        "pneumothorax",
        "Pneumothorax",
        "a pneumothorax",
        ("pneumothora(?:x|ces)",),
        "Air between the lung and the chest wall; the lung can collapse.",
        True,
        FIRST,
        ATTEND,
        "Air under tension can become dangerous within minutes, and a small one is easily missed.",
    ),
    Finding(
        "effusion",
        "Effusion",
        "a pleural effusion",
        ("(?:pleural )?effusions?", "pleural fluid"),
        "Fluid in the space around a lung.",
        True,
        ATTEND,
        NOTHING,
        "Fluid has many causes; a large one presses on the lung.",
    ),
    Finding(
        "edema",
        "Edema",
        "pulmonary edema",
        ("(?:pulmonary )?o?edema",),
        "Fluid in the lung tissue itself, often from a failing heart.",
        False,
        FIRST,
        ATTEND,
        "Fluid in the lungs can worsen within hours.",
    ),
    Finding(
        "consolidation",
        "Consolidation",
        "a consolidation",
        ("consolidations?",),
        "A part of the lung whose air has been replaced, for instance by pus or blood.",
        True,
        ATTEND,
        ATTEND,
        "It is often an infection.",
    ),
    Finding(
        "pneumonia",
        "Pneumonia",
        "pneumonia",
        ("pneumonias?",),
        "An infection of the lung.",
        True,
        ATTEND,
        ATTEND,
        "An infection is treated best early, and a film alone cannot prove or exclude it.",
    ),
    Finding(
        "infiltration",
        "Infiltration",
        "an infiltrate",
        ("infiltrat(?:es?|ions?)",),
        "A hazy patch in the lung of uncertain cause.",
        True,
        ATTEND,
        NOTHING,
        "The word is loose: the labels it was learnt from disagree more than for any other finding.",
    ),
    Finding(
        "atelectasis",
        "Atelectasis",
        "atelectasis",
        ("atelecta(?:sis|ses|tic)", "collapse"),
        "A part of the lung that is not filled with air and has shrunk.",
        True,
        ATTEND,
        NOTHING,
        "Small bands are common and often harmless; a collapsed lobe has a cause to be found.",
    ),
    Finding(
        "mass",
        "Mass",
        "a mass",
        ("mass(?:es)?",),
        "A spot in the lung of more than 3 cm.",
        True,
        ATTEND,
        ATTEND,
        "It may be a tumour.",
    ),
    Finding(
        "nodule",
        "Nodule",
        "a nodule",
        ("nodules?", "nodular opacit(?:y|ies)"),
        "A round spot in the lung of up to 3 cm.",
        True,
        ATTEND,
        ATTEND,
        "Most are harmless, some are early tumours, and small ones are easily missed.",
    ),
    Finding(
        "cardiomegaly",
        "Cardiomegaly",
        "cardiomegaly",
        ("cardiomegaly", "(?:heart|cardiac silhouette) is (?:\\w+ )?enlarged", "enlarged (?:heart|cardiac silhouette)"),
        "A heart that looks too large.",
        False,
        ATTEND,
        NOTHING,
        "Size depends on the view and on how deep the breath was.",
    ),
    Finding(
        "emphysema",
        "Emphysema",
        "emphysema",
        ("emphysema(?:tous)?",),
        "Lungs that are over-filled because their walls have broken down.",
        False,
        ATTEND,
        NOTHING,
        "It is long-standing; it also hides other findings.",
    ),
    Finding(
        "fibrosis",
        "Fibrosis",
        "fibrosis",
        ("fibrosis", "fibrotic"),
        "Scarring of the lung.",
        True,
        ATTEND,
        NOTHING,
        "It is long-standing.",
    ),
    Finding(
        "pleural_thickening",
        "Pleural thickening",
        "pleural thickening",
        ("pleural thickening", "thickened pleura"),
        "A thick lining around a lung, often a scar.",
        True,
        ATTEND,
        NOTHING,
        "It is mostly an old scar.",
    ),
    Finding(
        "hernia",
        "Hernia",
        "a hiatal hernia",
        ("(?:hiatal )?hernias?",),
        "A part of the stomach that has slid up into the chest.",
        False,
        ATTEND,
        NOTHING,
        "It is mostly harmless and can look like something else.",
    ),
)

BY_KEY: dict[str, Finding] = {finding.key: finding for finding in FINDINGS}

DENIED = ("pneumothorax", "effusion", "consolidation")  # what a report of ours says is absent where it is known to be
FROM_NIH: dict[str, str] = {finding.name.replace(" t", "_T"): finding.key for finding in FINDINGS}
FROM_KERMANY: dict[str, str] = {"Pneumonia": "pneumonia"}
_SPELLED = {"bacteria": "pneumonia", "virus": "pneumonia"}  # file names of Kermany et al. (Cell 2018)
OWN_PLAIN = "One of this adapter's own findings, outside the 14."
OWN_WHY = "What it means comes from the adapter's own training labels alone."


def read_label(label: str) -> str | None:
    """The key of a label, "support_devices" for one outside the table; None: nothing was found ("No Finding").

    Raises:
        ValueError: it is no label, or names what is absent.
    """
    words = read_words(label)
    if NOTHING_FOUND.fullmatch(words):
        return None
    known = (finding.key for finding in FINDINGS if re.fullmatch("|".join(finding.aliases), words))
    return _SPELLED.get(words) or next(known, words.replace(" ", "_"))


def find_finding(key: str) -> Finding:
    """One of the 14, or the own finding that a key outside them names."""
    return BY_KEY.get(key) or Finding(key, *write_own(key), OWN_PLAIN, False, ATTEND, ATTEND, OWN_WHY)


def order_finding(key: str) -> tuple[int, str]:
    """What to sort finding keys by: the 14 in the order in which they are shown, then own ones by name."""
    return (list(BY_KEY).index(key), "") if key in BY_KEY else (len(FINDINGS), key)


def list_not_looked_for(own: Iterable[str] = ()) -> tuple[str, ...]:
    """What people may expect and neither the 14 nor these own findings hold."""
    return list_outside(key for key in own if key not in BY_KEY)
