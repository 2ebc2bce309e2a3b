"""The sentences of a report, each of which can be asked where it came from. Knows nothing about models."""

import re

from cxr.prompts import REPORT_HEADING

_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]?")


def strip_marks(report: str) -> str:
    """The report as it was written, without what a check has put in brackets after its sentences."""
    return re.sub(r"\s*\[[^\]]*\]", "", report)


def list_sentences(report: str) -> tuple[str, ...]:
    """Every sentence once, in order, without the headings and the marks of a check."""
    parts = REPORT_HEADING.split(strip_marks(report).replace("*", ""))
    found = [match[0].strip() for part in parts[::2] for match in _SENTENCE.finditer(part)]
    return tuple(dict.fromkeys(sentence for sentence in found if any(map(str.isalpha, sentence))))
