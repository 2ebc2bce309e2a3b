"""The view in the words that headers and tables hold: PA, AP, lateral, and what is neither straight nor upright.

The words are those of View Position (0018,5101; PS3.3 C.8.11.5.1.1), of MIMIC-CXR's metadata (AP LLD, XTABLE LATERAL,
LPO, SWIMMERS), of PadChest's Projection column (AP_horizontal, COSTAL) and of plain English tables ("P.A.", "L Lat").
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from cxr.films.film import View

Position = Literal["decubitus", "oblique"]

LATERAL = re.compile(r"\b(?:LAT\w*|LLAT|RLAT|LL|RL|PROFIL\w*|PERFIL|SEITLICH\w*|XTABLE|SWIMMERS?)\b|^L$")
DECUBITUS = re.compile(r"\b(?:LLD|RLD|\w*DECUB\w*)\b")  # lying on the side, with the beam from the front
OBLIQUE = re.compile(r"\b(?:LPO|RPO|LAO|RAO|LLO|RLO|LPAO|\w*OBLI[QC]\w*|SCHRAG\w*)\b")
FRONTAL: tuple[tuple[re.Pattern[str], View], ...] = (
    (re.compile(r"\bP ?A\b|POSTERO ?ANTERIOR"), "PA"),
    (re.compile(r"\bA ?P\b|ANTERO ?POSTERIOR|SUPINE"), "AP"),
)


@dataclass(frozen=True)
class Projection:
    """What a word says: the view, None where it does not say; and how the patient lay or stood, if not straight."""

    view: View | None = None
    position: Position | None = None


def read_projection(text: str) -> Projection:
    """What is said of the view, in whatever case, with dots, underscores, accents or a qualifier around it.

    A lateral decubitus film ("AP LLD", "left lateral decubitus") is a frontal film of a patient who lies on the side.
    """
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    word = " ".join(re.sub(r"[^A-Z0-9]+", " ", bare.upper().replace(".", "")).split())
    view = next((view for pattern, view in FRONTAL if pattern.search(word)), None)
    if DECUBITUS.search(word):
        return Projection(view, "decubitus")
    if OBLIQUE.search(word):
        return Projection(view, "oblique")
    if LATERAL.search(word):
        return Projection("lateral")
    return Projection(view)


def read_view(text: str) -> View | None:
    """The view alone; None where it is not said."""
    return read_projection(text).view
