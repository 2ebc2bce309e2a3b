"""The words of requests that are asked in many ways, and the answers that are always the same.

Knows nothing about films or findings.
"""

SEEN = (
    "Is there {}?",
    "Do you see {}?",
    "Can you see {}?",
    "Does this film show {}?",
    "Any sign of {}?",
    "Is {} present?",
    "Is there evidence of {}?",
    "Is {} visible?",
    "Can {} be seen?",
    "Does this patient have {}?",
    "Does this X-ray show {}?",
)
SEEN_OWN = SEEN[1:5]  # of a finding that may be one thing or many
SIDED = (
    "Is there {} on the {}?",
    "Do you see {} on the {}?",
    "Is {} present on the {}?",
    "Is there {} in the {} lung?",
)
HEART = (
    "Is the heart enlarged?",
    "Is the heart large?",
    "Is the heart abnormally large?",
    "Is the heart larger than normal?",
    "Is the heart size increased?",
    "Is the cardiac silhouette enlarged?",
    "Is the heart wider than half of the chest?",
)
HEART_FINE = ("Is the heart size normal?", "Is the heart of normal size?", "Is the cardiac silhouette normal?")
FREE = ("Is this film free of {}?", "Is this film free of any sign of {}?")  # turned round: yes means absent
NONE = ("Is there no {}?", "Is there no sign of {}?", "Do you see no {}?")  # the same, of the bare noun
WHAT = ("What does this film show?", "What do you see?", "What findings are present?", "Describe this film.")
WHICH = ("Which of these do you see: {}?", "Which of these are on this film: {}?")
SIDE = ("On which side is the {}?", "Which side is the {} on?", "Is the {} on the left or on the right?")
WHERE = ("Where is the {}?", "Where do you see the {}?")
SIZE = ("How large is the {}?", "How big is the {}?")
MEANING = ("What is {}?", "What does {} mean?", "Explain {}.")
NORMAL = ("Is this film normal?", "Is this a normal chest film?", "Is this image normal?")
ABNORMAL = ("Is this film abnormal?", "Is anything abnormal?", "Do you see anything abnormal?")
VIEW = ("What view is this?", "Is this a PA or an AP film?")
VIEW_OR_NOT = ("Is this {} film?", "Is this {} view?", "Is this {} image?")
OTHER_PICTURE = ("Is this a CT scan?", "Is this an MRI?", "Is this an ultrasound picture?")
THIS_PICTURE = ("Is this a chest X-ray?", "Is this an X-ray?", "Is this a picture of the chest?")
PICTURE = ("What kind of image is this?", "What modality is this?", "Which part of the body is this?")
PICTURE_ANSWER = "This is a chest X-ray."
UNLISTED = (  # beside what `cxr.labels.OUTSIDE` names
    "tracheal deviation",
    "a shift of the mediastinum",
    "a wide mediastinum",
    "enlarged lymph nodes",
    "free air under the diaphragm",
    "a broken rib",
    "a chest tube",
    "a pacemaker",
    "calcifications",
)
CARE = (
    "What should be done?",
    "What treatment is needed?",
    "Should I take antibiotics?",
    "Will I be all right?",
    "Do I need an operation?",
)
EARLIER = ("Has it changed?", "Is it better than before?", "Is this new?")
ORIENTATION = ("Which side of the picture is the patient's left?", "Where is left on this film?")
INDICATIONS = (
    "cough",
    "fever",
    "shortness of breath",
    "chest pain",
    "follow-up",
    "before an operation",
    "fall",
    "check of a line",
)
CARE_ANSWER = "I cannot advise on treatment or outcome. Please ask a clinician."
EARLIER_ANSWER = "I have no earlier film to compare with."
ORIENTATION_ANSWER = "The patient's left is on the right of the picture."
