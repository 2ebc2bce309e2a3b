"""Misspelt words are read as what they are nearest to, words of the trade first. Knows nothing about meaning."""

import re
from collections.abc import Callable, Collection
from difflib import get_close_matches
from functools import cache

from spellchecker import SpellChecker

from cxr.questions.vocabulary import FOREIGN, TRADE

CLOSE = 0.82  # of difflib's ratio, 0..1: "efusion" is effusion, "confusion" is not
SHORTEST = 4  # letters; shorter words are too near each other
LONGEST = 30  # letters; nothing of the trade or of English is as long, and the time to repair grows with their square
# Words of the trade and of these questions; a word that is neither one of them nor English is read as the nearest.
_SPELLED = """
pneumothorax effusion pleural edema oedema consolidation pneumonia infiltrate infiltration infiltrates atelectasis
nodule nodules cardiomegaly emphysema fibrosis thickening pleura hernia hiatal hiatus scarring infection enlarged
enlargement pulmonary fluid antibiotics treatment surgery operation medicine medication tablets prognosis hospital
emergency dangerous serious doctor fracture fractured shoulder clavicle collarbone scoliosis vertebra stomach
abdomen kidneys liver intestines catheter pacemaker tuberculosis covid cancer tumour tumor trachea mediastinum
mediastinal diaphragm previous compared change changes changed yesterday normal abnormal abnormality abnormalities
healthy picture image film projection frontal lateral heart lungs chest describe findings cardiac silhouette
modality explain define meaning difference embolism dilated technique summary radiologist radiograph swallowed
around atelectatic severe right left consolidated treated worried patient symptoms ambulance steroids biopsy
survive thickened extensive location percentage physio report pericardial anteroposterior posteroanterior
cardiothoracic clear ultrasound tomography thyroid abscess osteoporosis opacity opacities
screen defined prescribe person scanned direction angle upright centimetres millimetres summarise summarize
"""
SPELLED = frozenset(_SPELLED.split())
_IN_ORDER = sorted(SPELLED)
RARE = 50  # uses in the library's list of 160,000 words; it lists so many of words that its texts never use
WORD = re.compile(r"(?<![\w'])[a-z]+(?![\w]|'[^s])")  # "doesn't" is left alone, "patient's" is not
_SHORT = {  # how people type
    "whats": "what is",
    "wheres": "where is",
    "hows": "how is",
    "theres": "there is",
    "u": "you",
    "ur": "your",
    "pls": "please",
    "plz": "please",
    "xray": "x-ray",
    "xrays": "x-rays",
    "pic": "picture",
    "ther": "there",
    "pneumo": "pneumothorax",
    "plural": "pleural",  # English words, but for something else
    "patent": "patient",
    "scaring": "scarring",
    "hart": "heart",
}


@cache
def _load_english() -> SpellChecker:
    return SpellChecker(language="en", distance=1)


def repair_spelling(text: str, kept: Collection[str] = ()) -> str:
    """The text in lower case, without marks but those inside words, misspelt words repaired.

    `kept`: words that an adapter brings, in lower case, which stay as they are. Where most words are unknown it is not
    English, and only words of the trade are repaired.
    """
    text = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    text = re.sub(r"\b(what|where|how|who|which|there|that|it)'s\b", r"\1 is", text)
    text = _repair_words(text, kept, _repair_trade)
    long = [word for word in WORD.findall(text) if len(word) >= SHORTEST]
    if sum(_is_unknown(word) for word in long) > max(1, len(long) / 2):
        return text
    return _repair_words(text, kept, _repair_english)


def _repair_words(text: str, kept: Collection[str], repair: Callable[[str], str]) -> str:
    return WORD.sub(lambda match: match[0] if match[0] in kept else repair(match[0]), text)


def _is_unknown(word: str) -> bool:
    """Whether a word is neither English nor one of the trade."""
    return word not in _load_english() and not _is_trade(word)


def _is_trade(word: str) -> bool:
    return word in SPELLED or TRADE.fullmatch(word) is not None


def _repair_trade(word: str) -> str:
    """The one word of the trade that is a letter away, unless the word itself is in use."""
    if word in _SHORT:
        return _SHORT[word]
    if _is_kept(word) or _is_trade(word) or _load_english().word_frequency[word] > RARE:
        return word
    return min(SPELLED.intersection(_load_english().edit_distance_1(word)), default=word)


def _repair_english(word: str) -> str:
    """The commonest English word that is a letter away, else the nearest of the trade."""
    if _is_kept(word) or not _is_unknown(word):
        return word
    count = _load_english().word_frequency
    near = count.dictionary.keys() & _load_english().edit_distance_1(word)
    if near:
        return min(near, key=lambda each: (-count[each], each))
    return next(iter(get_close_matches(word, _IN_ORDER, 1, CLOSE)), word)


def _is_kept(word: str) -> bool:
    return not SHORTEST <= len(word) <= LONGEST or FOREIGN.fullmatch(word) is not None
