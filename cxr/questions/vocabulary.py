"""The words in which people ask about a chest film, beside the finding's own: regular expressions in lower case.

Knows nothing about films or models.
"""

import re

_LUNG = r"(?:(?:the|a|my|his|her|their|your|one|both|left|right|patient'?s?) )*lungs?"
_PLEURA = r"(?:the )?(?:pleura|pleural (?:space|cavity))"
_ANGLE = r"costophrenic (?:angles?|sulc\w+|recess\w*)"
# What visitors call the 14, where that is the same thing or its sign; the aliases of `findings.py` are known, too.
LAY = {
    "pneumothorax": rf"ptx|pneumothora\w*|collapsed {_LUNG}|{_LUNG} (?:(?:is|has|looks|fully|partly) )?collaps\w+"
    rf"|air (?:in|inside) the (?:pleural? \w+|pleura)|air (?:leak )?(?:around|outside|next to|beside) {_LUNG}",
    "effusion": rf"(?:fluid|water|liquid) (?:\w+ ){{0,2}}?(?:around|outside|next to|beside) {_LUNG}|effus\w+"
    rf"|(?:fluid|water|liquid) (?:in|inside) {_PLEURA}"
    rf"|blunt\w*(?: of)?(?: the)?(?: left| right)? {_ANGLE}"
    rf"|(?:(?:is|are|do|does) (?:(?:the|both|left|right) )*)?{_ANGLE} (?:(?:is|are|appears?|looks?) )?blunt\w*",
    "edema": r"(?:pulmonary |lung )?o?edemas?|lung congestion",
    "consolidation": r"(?:lung )?consolidat\w+",
    "pneumonia": rf"pneumonias?|(?:chest |lung )?infections?(?: (?:of|in) {_LUNG})?|infected lungs?",
    "infiltration": r"(?:pulmonary |lung )?infiltrat\w*",
    "atelectasis": r"atelecta\w+",
    "mass": rf"(?:lung |pulmonary )?mass(?:es)?|(?:lumps?|growths?) (?:in|on) {_LUNG}",
    "nodule": rf"(?:lung |pulmonary )?nodul\w+|coin lesions?|(?:small |round |little )*spots? (?:in|on) {_LUNG}",
    "cardiomegaly": r"cardiomegal\w+|(?:cardiac |heart )enlargement|enlargement of the (?:heart|cardiac silhouette)"
    r"|(?:enlarged|big|large|bigger|swollen) (?:heart|cardiac \w+)",
    "emphysema": r"(?:pulmonary |lung )?emphysem\w+",
    "fibrosis": rf"(?:lung |pulmonary )?(?:fibro\w+|scarring|scars?)|scarred {_LUNG}|scarring of {_LUNG}",
    "pleural_thickening": r"(?:the pleura|pleural?) (?:(?:is|looks|seems) )?thicken\w*|thick(?:ened"
    r"|ening)?(?: of the)? pleura\w*",
    "hernia": r"(?:hiat(?:al|us) )?hernias?",
}

# What may be either of two.
EITHER = {("effusion", "edema"): r"(?:fluid|water|liquid)"}

# What is near a finding's name and is none of the 14.
STRANGERS = {
    "fluid around the heart": r"pericardial \w+|(?:fluid|water) (?:around|over) the heart",
    "air under the skin": r"(?:subcutaneous|surgical|soft[ -]tissue) emphysema|air under the skin",
    "air in the mediastinum": r"pneumomediastin\w+",
    "tension, blood or pus": r"tension(?: pneumothorax)?|ha?emothorax|empyema|chylothorax|loculated",
    "cystic fibrosis": r"cystic fibrosis",
    "other hernias": r"(?:inguinal|umbilical|groin|disc|spinal|abdominal|incisional) hernias?",
    "lumps outside the lung": r"(?:breast|neck|skin|throat) (?:lumps?|masse?s?)",
    "what lies in the abdomen": r"(?:free )?air (?:under|below|beneath) (?:the |his |her )?(?:hemi)?diaphragm\w*"
    r"|pneumoperitoneum",
}

OTHER_DISEASES = "other diseases"  # named by the visitor's own word
# Name of what is not looked for -> its words. The first six are those of `labels.OUTSIDE`, in visitors' words.
OUTSIDE = {
    "fractures": r"fractur\w*|broken|breaks?|cracked",
    "tubes, lines and devices": r"(?:\w+ )?tubes?|catheters?|pace ?makers?|picc|(?:central|venous|arterial) lines?"
    r"|icd|(?:support |medical )?devices?|drains?|wires?|clips?|implants?|stents?|electrodes?"
    r"|swallowed \w+|foreign (?:body|object)\w*|defibrillat\w+|tracheosto\w+|bullets?|shrapnel"
    r"|(?:in|ex)tubat\w+|ventilated",
    "tuberculosis": r"tb|tubercul\w+",
    "COVID-19": r"covid\w*|corona ?virus|sars\w*",
    "the aorta": r"aort\w+|aneurysms?",
    "the abdomen": r"abdom\w+|belly|tummy|stomach|liver|kidneys?|spleen|bowels?|intestin\w+|gall\w*|pancreas|bladder"
    r"|colon|guts?|uterus|prostate",
    "cancer": r"cancer\w*|benign|carcinoma\w*|malignan\w+|metasta\w+|tumou?rs?|lymphoma",
    "bones and joints": r"bones?|bony|dis[ck]s?|spin(?:e|al)|vertebra\w*|shoulders?|clavic\w+|collar ?bones?"
    r"|scapul\w+|sternum"
    r"|scoliosis|osteo\w+|arthrit\w+|joints?|hips?|knees?|wrists?|elbows?|ankles?|pelvis|humerus|dislocat\w+"
    r"|backbone|skeleton|fingers?|toes?|feet|foot|legs?|arms?|hands?",
    "the head and the neck": r"brain|heads?|skull|neck|throat|thyroid|goit(?:re|er)s?|teeth|tooth|jaw|sinus\w*"
    r"|eyes?|nose|ears?",
    "the breasts": r"breasts?|mammogra\w*",
    "lymph nodes": r"lymph\w*|(?:lymph)?adenopath\w*|nodes?|glands?",
    "the mediastinum and the windpipe": r"mediastin\w+|trachea\w*|wind ?pipe|o?esophag\w+|midline shift",
    "calcifications": r"calcif\w+|calcium|plaques?",
    "the vessels and valves of the heart": r"valves?|coronar\w+|heart[ -]?(?:beat|rate)|rhythm|pulse|blood pressure",
    OTHER_DISEASES: r"abscess\w*|cysts?|cavit(?:y|ies|ation)|bullae?|h?a?ematomas?|heart (?:attack|disease"
    r"|condition|trouble|problems?)|infarct\w*"
    r"|(?:pulmonary )?embol\w+|(?:blood )?clots?|thromb\w+|asthma\w*|copd"
    r"|bronchit\w*|bronchiect\w*|sarcoid\w*|silicosis|asbestos\w*|flu|influenza|diabet\w*|strokes?|heart failure"
    r"|chf|anemia|anaemia|hepatitis|hiv|aids",
    "the skin and the muscles": r"skin|muscles?",
    "overinflated lungs": r"(?:hyper|over)[ -]?(?:inflat|expan|aerat)\w+",
}
LANDMARKS = {  # beside a finding they only say where it is, or how it looks
    "the quality of the film itself": r"quality|rotat\w+|(?:under|over)?-?expos\w+|inspir\w+|penetrat\w+|blurr\w+"
    r"|artefacts?|artifacts?",
    "the ribs": r"ribs?",
    "the diaphragm": r"(?:hemi)?diaphragm\w*|costophrenic\w*",
    "the hila": r"hil(?:um|a|ar|us)",
}

SIZES = (
    r"small|tiny|little|minimal|moderate|medium|large|big|huge|massive|mild"
    r"|severe|extensive|wide|bigger|larger|minor|major|slight"
)
_PICTURES = r"(?:films?|x-? ?rays?|radiographs?|images?|pictures?|scans?|cxr)"
FILM = rf"(?:this |the |that |my |his |her |your )?(?:chest )?{_PICTURES}"
# Words of the trade: a question with none of them, and none of the above, is about something else.
DOMAIN = re.compile(
    rf"\b(?:{FILM}|lungs?|chest|thora\w*|heart|cardi\w+|pleur\w+|opaci\w+|shadow\w*|white\w*|dark\w*|black|gr[ea]y"
    rf"|bright"
    r"|spots?|patch\w*|dots?|blobs?|lobes?|zones?|hemithorax|lesions?|(?:ab)?normal\w*|findings?|diagnos\w*"
    r"|reports?|diseases?|patholog\w*|air\w*|fluid|densit\w*|vessels?|vascular|bronch\w*|apex|apices|apical|bas(?:e"
    r"|al|ilar)|sides?|sided|left|right|views?|expos\w+|inspir\w+|breath|rotat\w+|lung fields?|markings?|circles?"
    r"|lines?)\b"
)
OFF_TOPIC = re.compile(
    r"\b(?:poems?|jokes?|songs?|sing|recipes?|cook\w*|capital of|weather|football|president|movies?|games?|pizza"
    r"|translat\w+|ignore (?:all|your|the|previous|every)\w*|say yes|pretend|python|code|story|stories|bitcoin)\b"
)
# Little words of other languages that are none of English.
FOREIGN = re.compile(
    r"\b(?:kann|einen?|ist|der|das|und|gibt|wie|hat|auf|welche[rs]?|le|la|les|est|une?|y a|dans|sur|quel\w*|hay|el"
    r"|los|que|es|en|il|di|nel|c'è|per|och|är|een|het)\b"
)
# A whole word or name of all the above, for the spelling to leave alone.
TRADE = re.compile("|".join(f"(?:{each})" for kind in (LAY, STRANGERS, OUTSIDE, LANDMARKS) for each in kind.values()))
