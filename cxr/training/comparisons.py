"""A report is freed of what it says about earlier films, which nobody can see on this one.

The comparison is cut, not the finding: "unchanged small left effusion" becomes "small left effusion". A sentence that
says nothing without its comparison is left out; so is one that denies a change alone, for "no new consolidation" leaves
open whether there is an old one. Knows nothing about a report's sections.
"""

import re
from collections.abc import Iterator

from cxr.priors import mentions_prior
from cxr.statements import read_statements

BLANK = r"_{2,}"  # what de-identification leaves of a date, a name or a number
DEGREE = (
    r"(?:(?:slightly|mildly|minimally|moderately|markedly|significantly|substantially|somewhat|grossly|overall|slight|"
    r"essentially|relatively|largely|otherwise|further|again|now|mild|moderate|marked|significant|minimal|gradually|"
    r"considerably|not|clearly|likely|probably|also|appreciably|been|not been|become|in the interval|interval) )*"
)
IN_SIZE = r"(?: in (?:the |their |its )?(?:size|extent|appearance|positions?|number|amount|severity|degree|interval))*"
SAME = rf"{DEGREE}(?:unchanged|stable|similar|changed){IN_SIZE}"
CHANGED = (
    rf"{DEGREE}(?:unchanged|stable|similar|changed|new|worse|better|improved|improving|worsened|worsening|increased|"
    rf"increasing|decreased|decreasing|progressed|diminished|smaller|larger|persistent|recurred|developed|"
    rf"appeared|grown|resolving|(?:more|less) (?:conspicuous|prominent|extensive|apparent|confluent)){IN_SIZE}"
)
EARLIER = rf"(?:(?:the|a|an|that|those|most|more) )*(?:prior|previous|earlier|last|recent|preceding|yesterday|{BLANK})"
SEEN = r"(?:seen|noted|demonstrated|identified|visuali[sz]ed|present|described|shown|observed)"
IS = r"(?:is|are|appears?|has|have|remains?|shows?|was|were)"
THE = r"(?:the |an? )?"
TO = r"(?:since|from|than|(?:as |when |in )?(?:compar(?:ed|ison)|relative) (?:to|with))"
END = rf"(?=\s*(?:[;.]|$|, *(?!and |but |while |although |though |however)| {TO}\b))"
REST = r"[^;,)]*?(?=[;,)]|$| (?:with|but|and (?:there|is|are|may|has|have|no|the|now|could|likely)) )"
TAIL = rf"(?: {TO} {REST}(?:, *{BLANK})*)?"
ATTRIBUTE = (
    r"(?:unchanged|stable|persistent|persisting|continued|ongoing|improving|improved|worsening|worsened|increasing|"
    r"decreasing|enlarging|evolving|resolving|diminishing|progressive|recurrent|new|newly \w+|pre-?existing|now|still|"
    r"re-?demonstrated|previously \w+|once again|again|currently)"
)

THERE = r"^(?:there (?:is|has been) )?"
LASTS = r"(?:persists?|continues?|worsened|increased|decreased|progressed|ha(?:s|ve) (?:\w+ )?enlarged)"
CT = r"(?:ct|mri?|pet)\b"

# What is cut of a sentence and what takes its place, in this order, until it compares no more.
CUTS = [
    (re.compile(pattern, re.IGNORECASE), put)
    for pattern, put in (
        # at the beginning: "AP chest compared to ___: ...", "Since the prior study, ..."
        (r"^[^.:]*\bcompar(?:ed|ison)\b[^:,]*: *", ""),
        (rf"^(?:as |when |in )?compar(?:ed|ison) (?:to|with)[^,;]*(?:, *(?:{BLANK}|\d)[^,]*)*, *", ""),
        (rf"^(?:since|from|relative to) {EARLIER}[^,;]*(?:, *{BLANK})*, *", ""),
        (r"^(?:in the interval|as (?:before|previously \w+)|(?:once )?again|previously|currently|now), *", ""),
        # beside what it qualifies: "small effusion, unchanged"
        (r"[, ]*\((?:as |when )?(?:unchanged|stable|new|previously|compared)[^)]*\)", ""),
        (rf"(?:,| -+)? +(?:which|that) {IS} {CHANGED}{END}{TAIL}", ""),
        (rf"(?:,| -+) *(?:(?:and|but|though|although) )?(?:{IS} )?{CHANGED}{END}{TAIL}", ""),
        (rf" (?:and|but|though|although) (?:{IS} )?{CHANGED}{END}{TAIL}", ""),
        # a predicate: "... is unchanged and ...", "the effusion has increased"
        (rf"\b{SAME} (?:and|but) (?!there |the |no )", ""),
        (rf" {IS} {SAME},?(?= (?:with|ending|terminating))", ""),
        (rf"^{THE}([^,;]+?) {IS} {CHANGED}{END}{TAIL}(?: and(?= (?:may|could|is|are)))?", r"\1"),
        (rf"^{THE}([^,;]+?) {LASTS}{END}{TAIL}", r"\1"),
        # at the end of a clause: "... since ___", "... without change"
        (rf"[, ]*\b(?:is |are |as )?(?:better |best )?(?:{SEEN}|evaluated|assessed) on [^;,]*?\b{CT}{REST}", ""),
        (rf"[, ]*\b{TO} {REST}(?:, *{BLANK})*", ""),
        (rf"[, ]*\b(?:to|on|with)(?: on| in| at)? {EARLIER}{REST}(?:, *{BLANK})*", ""),
        (rf"[, ]*\b(?:(?:as|than) before|as (?:\w+ )?previously(?: {SEEN})?|in the interval)\b", ""),
        (rf"[, ]*\bwithout {DEGREE}change\b{REST}", ""),
        # other verbs that look back
        (rf"^(?:again|re-?demonstrated|still)(?: {SEEN})? (is|are)(?: {SEEN})? ", r"there \1 "),
        (rf"^(?:again|still) {SEEN} ", ""),
        (r"\b(is|are) no longer\b", r"\1 not"),
        (r"\b(?:remains|remained|continues to be|persists)\b(?: present)?", "is"),
        (r"\b(?:remain|continue to be|persist)\b(?: present)?", "are"),
        # a noun of change: "no change in the left effusion", "interval development of ..."
        (rf"{THERE}(?:no|little) (?:[\w-]+ ){{0,3}}?change in {THE}", ""),
        (rf"{THERE}{THE}{DEGREE}(?:placement|development|appearance|re-?demonstration) of {THE}", ""),
        (rf"{THERE}{THE}{DEGREE}(?:worsening|increase|progression|enlargement) (?:of|in) {THE}", ""),
        (rf"\b{DEGREE}(?:unchanged|stable|similar) (?:appearance|position|positioning|extent|degree) of {THE}", ""),
    )
]
NO_NEW = re.compile(
    rf"\b(?:no|not|without|nor|or)\b(?: [\w-]+){{0,4}}? (?:{ATTRIBUTE}|interval|change)\b", re.IGNORECASE
)
ATTRIBUTES = re.compile(
    rf"\b(an? )?{DEGREE}{ATTRIBUTE}(?:(?:,| and| or) {ATTRIBUTE})*,? (?=(?!and\b|or\b|but\b|in\b|on\b|at\b)(\w+))",
    re.IGNORECASE,
)
GONE = re.compile(
    rf"^{THE}(?:previously \w+ |prior )?(.+?) (?:(?:has|have)(?: now| since| completely| fully)* "
    rf"(?:resolved|cleared|disappeared)|(?:is|are) no longer {SEEN})\W*$",
    re.IGNORECASE,
)
NOT_SEEN = re.compile(  # of what an earlier film showed: without that film its place would be a claim
    rf"^{THE}(?:previously \w+|prior|previous|earlier) (.+?) (?:is|are) not (?:\w+ly )?"
    rf"(?:{SEEN}|evident|apparent|visible)\W*$",
    re.IGNORECASE,
)
CLAUSE = re.compile(
    r"; *|, *(?:and|but|while|whereas|although|though|however,?) +| but "
    r"| and (?=there |no |the |[^,;]* (?:is|are|has|have) )",
    re.IGNORECASE,
)
VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|appears?|shows?|seen|noted|ends?|terminates?|lies?|projects?)\b", re.I
)
LESION = re.compile(
    r"\b(?:opacit|opacif|lesion|fracture|tube|catheter|picc|pacemaker|pacer|leads?\b|scar|granulom|calcif|clips?\b|wire|"
    r"drain|device|ports?\b|valve|stent|congestion|hyperinflat|elevation|tortuo|scoliosis|kyphosis|haz[ye]|widening|"
    r"engorgement|enlarge|thicken|hardware|prosthesis|lines?\b|adenopathy|emphysema)",
    re.IGNORECASE,
)
# A full stop ends a sentence before white space and a capital, a digit or a blank, but not after these.
STOP = re.compile(r"(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bvs\.)(?<=[.!?])\s+(?=[A-Z0-9_\"(])")
ITEM = re.compile(r"(?:^|\n)\s*(?:\d{1,2}[.)]|[-*•])\s+(?=\S)|(?<=[.;:])\s+\d{1,2}[.)]\s+(?=[A-Z])")
ROUNDS = 3  # how often the cuts are tried
MAX_SENTENCE = 600  # characters; nobody writes longer ones, and the patterns would take long


def remove_priors(text: str) -> str:
    """The text without references to earlier films; sentences that are nothing else are left out.

    What is returned never `mentions_prior`, and asserts and denies no finding that the text did not: but "the effusion
    has resolved" becomes "No effusion.".
    """
    return " ".join(filter(None, map(free_sentence, split_sentences(text))))


def split_sentences(text: str) -> Iterator[str]:
    """The sentences of a text, each on one line with its full stop; items of a list lose their number."""
    for item in ITEM.split(text):
        yield from filter(None, map(end_sentence, STOP.split(" ".join(item.split()))))


def free_sentence(sentence: str) -> str:
    """One sentence without its references to earlier films; empty where nothing stands without them."""
    if not mentions_prior(sentence):
        return sentence
    if len(sentence) > MAX_SENTENCE:
        return ""
    gone = GONE.match(sentence) or NOT_SEEN.match(sentence)
    if gone and read_statements(gone[1]) and not mentions_prior(gone[1]):
        return f"No {gone[1][:1].lower()}{gone[1][1:]}."
    whole = free_clause(sentence)
    if whole:
        return end_sentence(whole)
    parts = map(free_clause, CLAUSE.split(sentence))
    return " ".join(end_sentence(part) for part in parts if part and keeps_meaning(sentence, part))


def free_clause(clause: str) -> str:
    """The clause with its comparisons cut, or an empty string where that does not do or would change what it says."""
    text = clause
    for _ in range(ROUNDS):
        for pattern, put in CUTS:
            if not mentions_prior(text):
                break
            text = pattern.sub(put, text, count=1).strip(" ,-")
        if mentions_prior(text) and not NO_NEW.search(text):
            text = ATTRIBUTES.sub(fit_article, text)
    return stand_alone(text) if not mentions_prior(text) and keeps_meaning(clause, text) else ""


def fit_article(match: re.Match[str]) -> str:
    """The article that the next word wants, where one stood before what is cut: "a new infiltrate", "an infiltrate"."""
    article, word = match[1] or "", match[2]
    if not article:
        return ""
    spelled = word.isupper() and len(word) < 5  # an NG tube
    vowel = word[0] in "AEFHILMNORSX" if spelled else word[0].lower() in "aeio"
    return f"{article[0]}n " if vowel else f"{article[0]} "


def keeps_meaning(before: str, after: str) -> bool:
    """Whether the shorter text asserts and denies nothing about the 14 findings that the longer did not."""
    before = re.sub(r"\bremains?\b", "is", before)  # "the heart remains enlarged"
    said, left = (
        {(item.observation.finding, item.present) for item in read_statements(text)} for text in (before, after)
    )
    return left <= said


def stand_alone(clause: str) -> str:
    """The clause if it says something by itself: it has a verb or names something abnormal."""
    text = clause.strip(" ,;-")
    words = re.findall(r"[^\W\d_]{2,}", text)
    named = LESION.search(text) or read_statements(text)
    return text if len(words) > 1 - bool(named) and (named or VERB.search(text)) else ""


def end_sentence(text: str) -> str:
    """A capital at the beginning and a full stop at the end."""
    text = re.sub(r" +([.,;])", r"\1", text.strip(" ,;-"))
    text += "" if text.endswith((".", "!", "?", ":")) else "."
    return f"{text[:1].upper()}{text[1:]}" if re.search(r"\w", text) else ""
