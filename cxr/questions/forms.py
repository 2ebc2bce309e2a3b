"""The one form in which each question that is understood is put to the model: one that models of ours are taught.

How people type it differs; what a model does with a wording it never met is anybody's guess. Knows nothing about films.
"""

import re
from collections.abc import Sequence

from cxr.findings import BY_KEY, Finding, find_finding
from cxr.prompts import ask_finding, join_words

SEEN, SEEN_OWN, SIDED = "Is there {}?", "Do you see {}?", "Is there {} on the {}?"
WHICH = "Which of these do you see: {}?"
SIDE, WHERE, SIZE = "On which side is the {}?", "Where is the {}?", "How large is the {}?"
SIDES = {"left": "On the left.", "right": "On the right.", "both": "On both sides."}  # answers to SIDE
HEART, HEART_FINE = "Is the heart enlarged?", "Is the heart size normal?"
VIEW, VIEW_OR_NOT = "What view is this?", "Is this {} film?"
NORMAL, ABNORMAL, WHAT = "Is this film normal?", "Is this film abnormal?", "What does this film show?"
ORIENTATION = "Which side of the picture is the patient's left?"
PICTURE = "What kind of image is this?"
OTHER_PICTURES = {
    r"ct|tomogra\w+": "Is this a CT scan?",
    r"mri?": "Is this an MRI?",
    r"ultrasound|sonogra\w+": "Is this an ultrasound picture?",
}
THIS_PICTURE = "Is this a chest X-ray?"
VIEWS = {"ap": "an AP", "pa": "a PA"}
FIXED = {  # the forms that name no finding
    *(HEART, HEART_FINE, VIEW, NORMAL, ABNORMAL, WHAT, ORIENTATION, PICTURE, THIS_PICTURE),
    *OTHER_PICTURES.values(),
    *(VIEW_OR_NOT.format(view) for view in VIEWS.values()),
}


def ask_seen(keys: tuple[str, ...], side: str | None = None) -> str:
    """Whether one finding is there, on a side if one is named; or which of several are."""
    findings = [find_finding(key) for key in keys]
    if len(findings) > 1:
        return WHICH.format(join_words([finding.noun for finding in findings], "or"))
    (finding,) = findings
    if finding.key not in BY_KEY:
        return SEEN_OWN.format(finding.noun)
    return (
        SIDED.format(finding.noun, side) if finding.sided and side in ("left", "right") else SEEN.format(finding.noun)
    )


def ask_about(form: str, finding: Finding) -> str:
    """Side, place or size of a finding that has one; of another whether it is there, which also tells its size."""
    return form.format(finding.bare_noun) if finding.sided else ask_seen((finding.key,))


def is_taught(request: str, keys: Sequence[str]) -> bool:
    """Whether a question is put in a form of this module. `keys`: the findings that it names."""
    return request in FIXED or any(request in _list_forms(find_finding(key)) for key in keys)


def _list_forms(finding: Finding) -> set[str]:
    asked = {ask_finding(finding), *(ask_seen((finding.key,), side) for side in (None, *SIDES))}
    return asked | {ask_about(form, finding) for form in (SIDE, WHERE, SIZE)}


def ask_view(words: str) -> str:
    """How the film was taken, or whether it is the one view that is named."""
    words = re.sub(r"anter(?:o-?|ior[ -])posterior", "ap", re.sub(r"poster(?:o-?|ior[ -])anterior", "pa", words))
    named = {view for view in VIEWS if re.search(rf"\b{view[0]}\.?{view[1]}\b", words)}
    closed = len(named) == 1 and re.match(r"^\W*is (?:this|it|that)\b", words) and " or " not in words
    return VIEW_OR_NOT.format(VIEWS[named.pop()]) if closed else VIEW


def ask_picture(words: str) -> str:
    """What kind of picture it is, or whether it is the one kind that is named."""
    if " or " in words or re.search(r"\b(?:photo|drawing|picture)", words) or not re.match(r"^\W*(?:is|was)\b", words):
        return PICTURE
    others = (form for named, form in OTHER_PICTURES.items() if re.search(rf"\b(?:{named})\b", words))
    return next(others, THIS_PICTURE)
