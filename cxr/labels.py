"""The words of a label: one spelling for all of its own, what says that nothing was found, and what is no label.

Also the few words that a finding outside the 14 needs beside those of its label. Knows nothing about the 14 findings.
"""

import re
import unicodedata
from collections.abc import Iterable

MAX_LABEL = 60  # characters

# "No Finding", "Normal chest x-ray", "N/A": nothing was found.
_SEEN_NOTHING = r"(?:no|without) (?:\w+ ){0,2}?(?:findings?|abnormalit(?:y|ies)|diseases?|patholog(?:y|ies))"
NOTHING_FOUND = re.compile(
    rf"(?:{_SEEN_NOTHING}|normal|healthy|unremarkable|negative|none|nil|n a)"
    r"(?: (?:chest|lungs?|heart|film|x ray|xray|cxr|radiograph|study|exam|examination))*"
)
# A label that says what is not there, or asks: read as a finding, it would teach the opposite.
DENIED = re.compile(
    r"\b(?:no|not|without|rule out|ruled out|r o)\b|^(?:absen(?:t|ce)|negative|lack|free) (?:of|from|for)\b"
    r"|\b(?:absent|negative|excluded|unlikely|none|resolved)$"
)

# Key -> the noun as it stands in a sentence, of CheXpert's labels (Irvin et al., AAAI 2019) and two more.
OWN_NOUNS = {
    "fracture": "a fracture",
    "lung_lesion": "a lung lesion",
    "lung_opacity": "a lung opacity",
    "enlarged_cardiomediastinum": "an enlarged cardiomediastinum",
    "pleural_other": "another pleural finding",
    "support_devices": "support devices",
    "tuberculosis": "tuberculosis",
    "covid_19": "COVID-19",
}

# What people may expect and the 14 do not hold -> the words of the own findings that do.
OUTSIDE = {
    "fractures": r"fractures?",
    "tubes, lines and devices": r"(?:devices?|tubes?|catheters?|pacemakers?|picc|(?<!kerley )(?<!septal )lines?)",
    "tuberculosis": r"(?:tuberculosis|tb)",
    "COVID-19": r"(?:covid(?: ?19)?|sars cov 2)",
    "the aorta": r"(?:aorta|aortic)",
    "the abdomen": r"(?:abdomen|abdominal)",
}


def read_words(label: str) -> str:
    """The words of a label in lower case, with one space between: one spelling however it is encoded.

    Raises:
        ValueError: it holds no letter, is too long for a label, or names what is absent or only asked for.
    """
    words = spell_words(label)
    if any(mark in label for mark in "?\uff1f") or (DENIED.search(words) and not NOTHING_FOUND.fullmatch(words)):
        raise ValueError(f'A label names what is present, not {label!r}; what is not there belongs under "absent".')
    return words


def spell_words(label: str) -> str:
    """The same, whatever it says of what it names.

    Raises:
        ValueError: it holds no letter, or is too long for a label.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).lower())
    if not any(map(str.isalpha, text)) or len(text) > MAX_LABEL:
        raise ValueError(f"A label must be a few words of at most {MAX_LABEL} characters, not {label[:MAX_LABEL]!r}.")
    # Marks belong to the letter before them: without its vowel signs a Hindi word is another one.
    letters = (one if one.isalnum() or unicodedata.category(one).startswith("M") else " " for one in text)
    return re.sub(r"^an? (?=.)", "", " ".join("".join(letters).split()))


def write_own(key: str) -> tuple[str, str, tuple[str, ...]]:
    """The name, the noun and the aliases of a finding outside the 14."""
    words = key.replace("_", " ")
    noun = OWN_NOUNS.get(key, words)
    name = f"{words[:1].upper()}{words[1:]}" if noun.islower() else noun
    # As it was labelled and as our own reports write it, which may differ.
    spelled = (re.escape(text).removesuffix("s") + "s?" for text in (words, re.sub(r"^an? ", "", noun.lower())))
    return name, noun, tuple(dict.fromkeys(re.sub(r"\\[ -]", "[ -]", alias) for alias in spelled))


def list_outside(own: Iterable[str]) -> tuple[str, ...]:
    """What people may expect and none of these keys outside the 14 holds."""
    words = [key.replace("_", " ") for key in own]
    return tuple(name for name, held in OUTSIDE.items() if not any(re.search(rf"\b{held}\b", text) for text in words))
