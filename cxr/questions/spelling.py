"""Misspelt words of the trade are read as what they are nearest to. Knows nothing about what a word means."""

import re
from difflib import get_close_matches

CLOSE = 0.82  # of difflib's ratio, 0..1: "efusion" is effusion, "infusion" is not
SHORTEST = 5  # letters; shorter words are too near each other
_TRADE = """
pneumothorax effusion pleural edema oedema consolidation pneumonia infiltrate infiltration infiltrates
atelectasis nodule nodules cardiomegaly emphysema fibrosis thickening pleura hernia hiatal hiatus scarring
infection enlarged enlargement pulmonary fluid antibiotics treatment surgery operation medicine medication
tablets prognosis hospital emergency dangerous serious doctor fracture fractured shoulder clavicle collarbone
scoliosis vertebra stomach abdomen kidneys liver intestines catheter pacemaker tuberculosis covid cancer tumour
tumor trachea mediastinum diaphragm previous compared change changes changed later yesterday normal abnormal
abnormality healthy picture image film projection frontal lateral heart lungs chest describe findings cardiac
silhouette modality explain meaning define difference embolism dilated technique summary radiologist radiograph
swallowed around atelectatic abnormalities severe right consolidated treated worried before antibiotic
mediastinal patient symptoms ambulance steroids biopsy survive thickened extensive
location attack percentage physio infiltration
"""
SPELLED = frozenset(_TRADE.split())
# Plain words that are near one of them.
_PLAIN = """
should later covers nodes bilateral unilateral collateral bright defined chances perfusion diffusion fusion infusion
injection injections plain
"""
KEPT = frozenset(_PLAIN.split())
_SHORT = {  # how people type
    "whats": "what is",
    "wheres": "where is",
    "hows": "how is",
    "theres": "there is",
    "u": "you",
    "ur": "your",
    "pls": "please",
    "xray": "x-ray",
    "xrays": "x-rays",
    "pic": "picture",
    "pneumo": "pneumothorax",
}


def repair_spelling(text: str) -> str:
    """The text in lower case, without marks but those inside words, misspelt words of the trade repaired."""
    text = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return re.sub(r"[\w'-]+", lambda match: _repair(match[0]), text)


def _repair(word: str) -> str:
    if word in _SHORT:
        return _SHORT[word]
    if len(word) < SHORTEST or word in SPELLED | KEPT or not word.isalpha():
        return word
    return next(iter(get_close_matches(word, sorted(SPELLED), 1, CLOSE)), word)
