"""What a question asks, as far as it was understood. Knows nothing about words."""

from dataclasses import dataclass
from enum import Enum

from cxr.results import Side


class Topic(Enum):
    """What a question is about; `replies.py` says which of them are answered."""

    MEANING = "meaning of a word"
    TREATMENT = "treatment"
    OUTLOOK = "outlook"
    OUTSIDE = "not looked for"
    EARLIER = "earlier film"
    CAUSE = "cause"
    SYMPTOMS = "symptoms"
    PERSON = "person"
    TRUST = "how far to trust it"
    NONSENSE = "not about the film"
    UNCLEAR = "unclear"
    GREETING = "greeting"
    LANGUAGE = "not in English"
    COUNT = "number"
    CHANCE = "probability"
    PRESENCE = "presence"
    PLACE = "place"
    SIZE = "size"
    DETAIL = "detail"
    FILM = "film"  # its view, normal or not, all that is seen, where left is


@dataclass(frozen=True)
class Question:
    """What was asked. `request`: how it is put to the model, the visitor's own words where no form is taught."""

    topic: Topic
    request: str
    findings: tuple[str, ...] = ()  # keys, as named
    side: Side | None = None
    granted: bool = False  # whether it takes for granted that the findings are there
    others: tuple[str, ...] = ()  # what else is named and not looked for
    turned: bool = False  # it asks whether one is absent; whether it is there is asked, and the answer turned round
    told: bool = False  # it asks how the heart is; whether it is enlarged is asked, and the answer told in a sentence
