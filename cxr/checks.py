"""What a reader has said is held against what it knew. The one place for such checks; their sentences are shown.

Knows nothing about models, films or pages.
"""

from collections.abc import Iterator, Sequence

from cxr.findings import BY_KEY, find_finding, order_finding
from cxr.prompts import REPORT_HEADING, join_words, parse_report, read_statements
from cxr.results import Score, Verdict

NO_REPORT = "This is not a whole report: its findings or its impression are missing."
# (asserted by the report, verdict of the classification) -> what is said of such findings
DOUBTS: dict[tuple[bool, Verdict], str] = {
    (True, Verdict.ABSENT): "The report names {}, which the classification calls absent.",
    (True, Verdict.NOT_SURE): "The report names {}, of which the classification is not sure.",
    (False, Verdict.PRESENT): "The report denies {}, which the classification calls present.",
    (False, Verdict.NOT_SURE): "The report denies {}, which the classification cannot exclude.",
}


def check_report(text: str, scores: Sequence[Score]) -> tuple[str, ...]:
    """Sentences about a finished report: whether it is one, and where it says more than the classification knows.

    Findings without a verdict are not compared.
    """
    return tuple(_find_doubts(text, {score.finding: score.verdict for score in scores}))


def _find_doubts(text: str, verdicts: dict[str, Verdict | None]) -> Iterator[str]:
    if len({heading.lower() for heading in REPORT_HEADING.findall(text)}) < 2 or not all(parse_report(text)):
        yield NO_REPORT
    own = [key for key in verdicts if key not in BY_KEY]
    said = {(item.observation.finding, item.present) for item in read_statements(text, own)}
    for (present, verdict), sentence in DOUBTS.items():
        keys = [
            key for key in sorted(verdicts, key=order_finding) if (key, present) in said and verdicts[key] is verdict
        ]
        if keys:
            yield sentence.format(join_words([find_finding(key).noun for key in keys], "and"))
