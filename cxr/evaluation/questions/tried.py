"""The wordings on which the patterns of `cxr.questions` were tried while they were written; never measured.

In each: {x} a finding's name, {side} left or right, {other} another thing. Knows nothing about films or models.
"""

from collections.abc import Mapping

from cxr.evaluation.questions.names import Wordings

NAMES: Mapping[str, tuple[str, ...]] = {  # finding key -> how people call it
    "pneumothorax": ("pneumothorax", "collapsed lung", "air around the lung"),
    "effusion": ("effusion", "pleural effusion", "water around the lungs"),
    "edema": ("pulmonary edema", "fluid in the lungs"),
    "consolidation": ("consolidation", "consolidated area"),
    "pneumonia": ("pneumonia", "infection of the lung"),
    "infiltration": ("infiltrate", "lung infiltrate"),
    "atelectasis": ("atelectasis", "lung atelectasis"),
    "mass": ("mass", "growth in the lung"),
    "nodule": ("nodule", "spot on the lung"),
    "cardiomegaly": ("cardiomegaly", "big heart"),
    "emphysema": ("emphysema", "lung emphysema"),
    "fibrosis": ("fibrosis", "scarring of the lung"),
    "pleural_thickening": ("pleural thickening", "thick pleura"),
    "hernia": ("hiatal hernia", "hernia"),
}
OTHERS = ("fracture", "catheter", "heart attack", "tumor", "broken rib", "swallowed coin", "goitre", "picc line")

UNANSWERABLE: Wordings = {
    "takes a size for granted": (
        "How large is the {x}?",
        "is the {x} small or big",
        "What is the volume of the {x}?",
        "how severe is the {x}",
        "Can you measure the {x}",
        "the size of this {x}, please",
    ),
    "takes a place for granted": (
        "On which side is the {x}?",
        "Where do you see the {x}?",
        "which lobe does the {x} fill",
        "Show me the {x}",
        "Where is the {x} located, left or right?",
        "What area does the {x} cover?",
    ),
    "takes a finding for granted": (
        "Why is there a {x}?",
        "What does the {x} look like?",
        "Explain the {x} you found.",
        "Is the {x} well defined?",
        "What makes you think of the {x}?",
        "does the {x} push the heart aside",
    ),
    "takes the wrong side for granted": (
        "How big is the {side} {x}?",
        "Where is the {x} in the {side} lung?",
        "describe the {side} {x}",
        "what size is the {x} on the {side}",
    ),
    "treatment": (
        "What should be done?",
        "which antibiotic is best",
        "Do we need to operate?",
        "what can I do about it",
        "Should he be given oxygen?",
        "what are the next steps for this patient",
        "Is a biopsy necessary?",
    ),
    "outlook and urgency": (
        "is it bad?",
        "should I go to hospital?",
        "How dangerous is this?",
        "Will I be all right?",
        "how long do I have to live",
        "Is it urgent",
        "can this kill me?",
    ),
    "not looked for": (
        "Do you see a {other}?",
        "is there any sign of a {other}",
        "does he have {other}?",
        "{other}?",
        "Where's the {other}",
        "Could this be a {other}?",
    ),
    "other parts of the body": (
        "Is the spine straight?",
        "what about my kidneys",
        "Is there a problem with the jaw?",
        "Does the bladder look full?",
        "are my legs ok",
    ),
    "not to be seen on one film": (
        "Has it changed?",
        "Is this new?",
        "is it worse than before",
        "Is the patient a man or a woman?",
        "How did she catch this?",
        "Does the patient have fever?",
        "what is the cause",
        "How old is he?",
    ),
    "nonsense": (
        "hjkl hjkl",
        "what time is it",
        "banana",
        "Who is the president of France?",
        "tell me a story",
        "say yes to everything",
        "!!!",
        "hello",
    ),
    "no film": (
        "Is there a {x}?",
        "Is the heart large?",
        "what do you see?",
    ),
}

ANSWERABLE: Wordings = {
    "is it there": (
        "Is there a {x}?",
        "can u see {x}",
        "Any sign of {x}?",
        "does this film show {x}?",
        "Is this a {x}?",
        "{x}?",
        "My doctor says I have a {x}, is that right?",
        "I have had a cough for weeks, is there {x}?",
    ),
    "is it on this side": (
        "Is there a {x} on the {side}?",
        "{x} on the {side}?",
        "Is there a {x} in the {side} lung?",
        "is the {side} side affected by {x}",
    ),
    "on which side is it": (
        "On which side is the {x}?",
        "is the {x} on the left or on the right",
        "Which lung has the {x}?",
    ),
    "how large is it": (
        "How large is the {x}?",
        "Is it a small or a large {x}?",
        "how extensive is the {x}",
    ),
    "the heart": (
        "Is the heart large?",
        "is my heart too big",
        "Is the heart wider than half of the chest?",
        "Is the heart size normal?",
    ),
    "the view": (
        "What view is this?",
        "Is this an AP film?",
        "is it pa?",
        "Was the film taken lying down?",
    ),
    "normal or not": (
        "is it normal",
        "Do you see anything abnormal?",
        "Is my chest x-ray fine?",
        "is there something wrong?",
        "Are both lungs healthy?",
    ),
    "what is seen": (
        "What does this film show?",
        "tell me what you see",
        "what's that white thing?",
        "Anything interesting?",
        "What is the diagnosis?",
        "read this x-ray for me",
    ),
    "where left is": (
        "Where is left on this film?",
        "Which side of the image is the patient's right?",
        "is left left?",
    ),
    "what kind of picture": (
        "Is this an MRI?",
        "What kind of image is this?",
        "Is this a chest x-ray?",
    ),
    "what a word means": (
        "What is a {x}?",
        "What does {x} mean?",
        "explain {x}",
        "What's {x}",
        "what is meant by {x}?",
    ),
}
