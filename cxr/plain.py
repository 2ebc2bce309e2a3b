"""A report in plain words: each finding that it names, what that is, where, and how sure the classification is.

Says nothing that report and classification do not say. Knows nothing about models, films or pages.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from cxr.findings import BY_KEY, find_finding, order_finding
from cxr.prompts import parse_report, write_observation, write_possible
from cxr.questions.naming import mask_findings
from cxr.questions.outside import hide_strangers
from cxr.results import Score, Verdict, write_percent
from cxr.statements import read_statements

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
    """A line for each finding that a finished report asserts, calls possible, denies or leaves open, in this order.

    `scores`: of the same film. Side, zone and size are the report's; where it gives none, none is said.
    """
    own = [score.finding for score in scores if score.finding not in BY_KEY]
    statements = read_statements(" ".join(filter(None, parse_report(text))), own, possible=True)
    seen = {item.observation.finding: item.observation for item in statements if item.present and not item.possible}
    denied = {item.observation.finding for item in statements if not item.present} - seen.keys()
    maybe = {item.observation.finding: item.observation for item in statements if item.possible}
    named = set(mask_findings(hide_strangers(text.lower())[0], own)[1])
    known = {score.finding: score for score in scores}
    parts: list[tuple[Iterable[str], Callable[[str], str], Mapping[Verdict, str]]] = [
        (seen, lambda key: write_observation(seen[key]), SURE),
        (maybe.keys() - seen.keys() - denied, lambda key: write_possible(maybe[key]), SURE),
        (denied, lambda key: f"no {find_finding(key).bare_noun}", DENIED),
        (named - denied - seen.keys() - maybe.keys(), lambda key: OPEN.format(find_finding(key).bare_noun), SURE),
    ]
    lines = [
        _explain(tell(key), key, known, sure) for keys, tell, sure in parts for key in sorted(keys, key=order_finding)
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
