"""The text of a radiology report becomes its sections, and those become what a model is taught to write.

Headings follow the habits of MIMIC-CXR's reports, whose own parser (MIT-LCP/mimic-cxr, txt/section_parser.py) lists
their irregularities: other words, misspellings, missing colons, views as headings, no headings at all. Knows nothing
about files.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from cxr.training.comparisons import BLANK, STOP, end_sentence, remove_priors, split_sentences

HEADINGS: dict[str, str] = {
    **dict.fromkeys(("findings", "finding", "findings and impression", "findings/impression"), "findings"),
    **dict.fromkeys(("impression", "impressions", "conclusion", "conclusions", "opinion", "summary"), "impression"),
    **dict.fromkeys(
        (
            "indication",
            "indications",
            "history",
            "clinical history",
            "patient history",
            "clinical information",
            "clinical indication",
            "reason for exam",
            "reason for examination",
            "reason for study",
            "reason for this examination",
            "history and indication",
            "indication and history",
        ),
        "indication",
    ),
    **dict.fromkeys(
        ("comparison", "comparisons", "comparison exam", "comparison film", "comparison study", "reference exam"),
        "comparison",
    ),
    **dict.fromkeys(
        (
            "technique",
            "examination",
            "exam",
            "type of examination",
            "study",
            "procedure",
            "wet read",
            "notification",
            "recommendation",
            "recommendations",
            "recommendation(s)",
            "addendum",
            "comment",
            "date",
            "final report",
            "preliminary report",
        ),
        "other",
    ),
}
# A longer heading means what its first word means: "INDICATION FOR CHEST X-RAY:" is no view.
FIRST_WORDS = dict.fromkeys(("indication", "indications", "reason", "history", "clinical"), "indication") | {
    "comparison": "comparison"
}
LIKE = 0.84  # how alike a misspelt heading is ("impresson", "findngs"); difflib's ratio
# A view as the heading of what was seen: "PORTABLE AP CHEST RADIOGRAPH:", "PA AND LATERAL VIEWS OF THE CHEST:".
VIEWS = re.compile(r"\b(?:chest|portable|pa|ap|lateral|frontal|views?|upright|supine|radiographs?)\b", re.IGNORECASE)
NAMES = "|".join(re.escape(name) for name in sorted(HEADINGS, key=len, reverse=True))
CAPITALS = NAMES.upper()  # holds nothing that a regular expression would read otherwise
VERB = r"(?i:is|are|was|were|of|in|on|to|with|by|from|for|may|and|or|has|have|as|at)"  # it is a sentence then
HEADING = re.compile(
    # a known name with its colon, at the start of a line or of a sentence
    rf"(?:^[ \t]*|(?<=[.:;!?])[ \t]+)(?P<known>(?i:{NAMES})(?: VERSION)?(?: ?\#\d+)?)(?:[ \t]*:|[ \t]-+[ \t])"
    # any name in capitals with a colon at the start of a line; a time of day may stand in it
    r"|^[ \t]*(?P<any>[A-Z](?:[A-Z ()/,&\d_.-]|(?<=\d):(?=\d)){2,70}?)[ \t]*:(?!\d)"
    # a known name without a colon: alone on its line, or in capitals before a sentence
    rf"|^[ \t]*(?=[A-Z])(?P<alone>(?i:{NAMES}))[ \t]*$"
    rf"|^[ \t]*(?P<bare>{CAPITALS})[ \t]+(?!{VERB}\b)(?=\w)",
    re.MULTILINE,
)
RULE = re.compile(r"^[ \t]*[_=*-]{4,}[ \t]*$", re.MULTILINE)
TELLS = re.compile(  # who was told of the result, and when
    r"\b(?:discussed|communicated|conveyed|relayed|reported|paged|notified|telephoned|informed|called|entered|e-?mailed)\b"
    r".*\b(?:dr|doctor|physician|nurse|rn|np|md|team|resident|(?:tele)?phone|dashboard|by|at the time)\b",
    re.IGNORECASE,
)
# Who wrote the report; nothing after it is one: names have full stops of their own.
SIGNED = re.compile(
    r"\b(?:dictated|transcribed|signed|authenticated|verified|approved|read)(?: and \w+)?(?: (?:by|on)\b| ?:)"
    r"|\btranscri(?:bed|ptionist)\b|, ?(?:MD|M\.D|D\.O|FRCR)\b",
    re.IGNORECASE,
)
IDENTITY = re.compile(r"\b(?:MRN|DOB|date of birth|accession|medical record|patient (?:name|id))\b", re.IGNORECASE)
WHEN = rf"{BLANK}(?:(?:,| at| on|:| and)? *{BLANK})*(?: *[ap]\.?m\b\.?)?"
BLANKS = [  # with the words that lean on them
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"[, ]*\((?:[^()]*[ ,])?{WHEN}\)",
        rf"(?:[, ]*\b(?:performed|obtained))?[, ]*\b(?:dated|from|since|on|at|of|by|per)(?: the| about)? {WHEN}"
        r"(?! *[cm]m\b)",
        rf"[, ]*\bmeasuring(?: (?:up to|about|approximately))? {BLANK}(?: *x *{BLANK})*(?: *[cm]m\b)?",
        rf"\b{BLANK} *(?:x *{BLANK} *)?[cm]m\b *",
    )
]
AGE = re.compile(
    rf"^(?:an? )?{BLANK}[ -]*(?:(?:years?|yrs?)[ -]*old|y[ /.]*o\b\.?)?[ -]*"
    r"(?=(?:[fm]|woman|man|female|male|lady|patient)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sections:
    """The parts of a report, each on one line or as it was written; empty where there is none."""

    findings: str = ""
    impression: str = ""
    indication: str = ""
    comparison: str = ""


def parse_sections(text: str) -> Sections:
    """The sections of a report.

    Without findings and impression, the last paragraph counts as findings if something stands before it or no section
    has a heading, as in MIT-LCP's `last_paragraph`. "Findings and impression" counts as findings. What stands above a
    line "FINAL REPORT", a preliminary reading for instance, counts only where nothing stands below it.
    """
    text = RULE.sub("\n", text.replace("\r\n", "\n").replace("\r", "\n"))
    above, mark, below = text.rpartition("FINAL REPORT")
    found = _collect(below if mark and below.strip() else above or below)
    if not (found.get("findings") or found.get("impression")):
        found = _take_last_paragraph(found)
    return Sections(*(found.get(name, "").strip() for name in ("findings", "impression", "indication", "comparison")))


def has_headings(text: str) -> bool:
    """Whether findings or impression have a heading in the text."""
    return any(name in ("findings", "impression") for name, _ in _split(text))


def write_target(sections: Sections) -> str:
    """What a model that sees this film alone can be taught to write: "Findings: ... Impression: ...".

    References to earlier films, sentences that hinge on a blank, who was told of the result, who signed it and whose
    film it is are left out; empty where nothing is left.
    """
    parts = {"Findings": sections.findings, "Impression": sections.impression}
    cleaned = {name: remove_blanks(remove_priors(drop_names(text))) for name, text in parts.items()}
    return " ".join(f"{name}: {text}" for name, text in cleaned.items() if text)


def clean_indication(text: str) -> str:
    """Why the film was taken, on one line: "___ year old woman with cough" becomes "Woman with cough"."""
    text = AGE.sub("", drop_names(text).strip())
    for letter, word in (("f", "woman"), ("m", "man")):
        text = re.sub(rf"^{letter}\b", word, text, flags=re.IGNORECASE)
    return remove_blanks(text).rstrip(".")


def drop_names(text: str) -> str:
    """The text without its signature and without the lines that say who the patient is."""
    signed = SIGNED.search(text)
    if signed:
        text = text[: _find_sentence(text, signed.start())]
    for match in reversed(list(IDENTITY.finditer(text))):
        end = text.find("\n", match.start())
        text = text[: _find_sentence(text, match.start())] + (text[end:] if end >= 0 else "")
    return text


def _find_sentence(text: str, place: int) -> int:
    """Where the sentence at a place begins."""
    return max(text.rfind(stop, 0, place) for stop in ".!?\n") + 1


def remove_blanks(text: str) -> str:
    """The text without de-identification's blanks; sentences that make no sense without theirs are left out."""
    sentences = (drop_blanks(sentence) for sentence in split_sentences(text) if not TELLS.search(sentence))
    return " ".join(sentence for sentence in sentences if sentence and not re.search(BLANK, sentence))


def drop_blanks(sentence: str) -> str:
    """One sentence without "dated ___", "___ cm" and the like; what other blanks leave is for the caller to judge."""
    if not re.search(BLANK, sentence):
        return sentence
    for pattern in BLANKS:
        sentence = pattern.sub("", sentence)
    return end_sentence(re.sub(r" {2,}", " ", sentence))


def _collect(text: str) -> dict[str, str]:
    """Section name -> its text, repeated ones joined; "preamble" is what stands before the first heading."""
    found: dict[str, str] = {}
    for name, body in _split(text):
        found[name] = f"{found[name]}\n{body}" if found.get(name) else body
        found["last"] = body
    return found


def _split(text: str) -> Iterator[tuple[str, str]]:
    """The sections in order, with their normalised names."""
    name, start = "preamble", 0
    for match in HEADING.finditer(text):
        heading = match[match.lastgroup or 0]
        following = _name(heading)
        if (
            name in ("findings", "impression")
            and following == "indication"
            and _is_inline(text, match.start(), heading)
        ):
            yield name, text[start : match.start()].strip()
            end = STOP.search(text, match.end())
            start = end.start() if end else len(text)
            yield following, text[match.end() : start].strip()
        elif following or name not in ("findings", "impression"):  # "LUNGS:" within findings is no section
            yield name, text[start : match.start()].strip()
            name, start = following or "other", match.end()
    yield name, text[start:].strip()


def _is_inline(text: str, start: int, heading: str) -> bool:
    """Whether a heading is a word of its line, "Lungs are clear. History: fall. No fracture.", and opens no section."""
    return bool(text[text.rfind("\n", 0, start) + 1 : start].strip()) and not heading.isupper()


def _name(heading: str) -> str:
    """What a heading means: one of `Sections`' fields, "other" where it is none of them; empty if it is not known."""
    words = " ".join(re.sub(r"\s*\bversion\b|[#\d]", " ", heading.lower()).split())
    close = [words] if words in HEADINGS else get_close_matches(words, HEADINGS, 1, LIKE)
    if close:
        return HEADINGS[close[0]]
    if (first := words.partition(" ")[0]) in FIRST_WORDS:
        return FIRST_WORDS[first]
    return "findings" if VIEWS.search(words) else ""


def _take_last_paragraph(found: dict[str, str]) -> dict[str, str]:
    """The sections with the last paragraph of the last one as findings; a last one of one paragraph stays as it is."""
    paragraphs = re.split(r"\n[ \t]*\n", found["last"])
    *before, last = [part for part in paragraphs if drop_names(part).strip()] or [""]  # a signature is no reading
    headed = set(found) != {"preamble", "last"}
    if headed and not any(map(str.strip, before)):
        return found
    rest = "\n".join(before)
    kept = {name: rest if body == found["last"] else body for name, body in found.items()}
    return {**kept, "findings": last}
