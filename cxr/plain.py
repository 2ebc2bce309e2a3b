"""A report in plain words: each finding that it names, what that is, where, and how sure the classification is.

Says nothing that report and classification do not say. Knows nothing about models, films or pages.
"""

from collections.abc import Mapping, Sequence

from cxr.findings import BY_KEY, find_finding, order_finding
from cxr.prompts import parse_report, write_observation
from cxr.statements import read_statements
from cxr.questions.outside import hide_strangers
from cxr.questions.reading import mask_findings
from cxr.results import Score, Verdict, write_percent

SURE = {
    Verdict.PRESENT: "The classification agrees: probability {}, present.",
    Verdict.NOT_SURE: "The classification is not sure: probability {}.",
    Verdict.ABSENT: "The classification does not agree: probability {}, absent.",
}
DENIED = {
    Verdict.PRESENT: "The classification does not agree: probability {}, present.",
    Verdict.NOT_SURE: "The classification cannot exclude it: probability {}.",
    Verdict.ABSENT: "The classification agrees: probability {}, absent.",
}
NOT_CALIBRATED = "The model gives it {}, which is not calibrated."
OPEN = "{}, of which the report says neither yes nor no"
NONE_NAMED = "The report names none of the findings that are looked for."


def explain_report(text: str, scores: Sequence[Score]) -> str:
    """A line for each finding that a finished report asserts, denies or leaves open, in this order.

    `scores`: of the same film. Side, zone and size are the report's; where it gives none, none is said.
    """
    own = [score.finding for score in scores if score.finding not in BY_KEY]
    statements = read_statements(" ".join(filter(None, parse_report(text))), own)
    seen = {item.observation.finding: item.observation for item in statements if item.present}
    denied = {item.observation.finding for item in statements} - seen.keys()
    named = set(mask_findings(hide_strangers(text.lower())[0], own)[1])
    known = {score.finding: score for score in scores}
    lines = [_explain(write_observation(seen[key]), key, known, SURE) for key in sorted(seen, key=order_finding)]
    for form, keys, sure in (("no {}", denied, DENIED), (OPEN, named - denied - seen.keys(), SURE)):
        lines += [
            _explain(form.format(find_finding(key).bare_noun), key, known, sure)
            for key in sorted(keys, key=order_finding)
        ]
    return "\n".join(lines) or NONE_NAMED


def _explain(told: str, key: str, scores: Mapping[str, Score], sure: Mapping[Verdict, str]) -> str:
    plain = find_finding(key).plain
    line = f"{told[:1].upper()}{told[1:]} ({plain[:1].lower()}{plain[1:].rstrip('.')})."
    if key not in scores:
        return line
    score = scores[key]
    form = sure[score.verdict] if score.verdict else NOT_CALIBRATED
    return f"{line} {form.format(write_percent(score.probability))}"
