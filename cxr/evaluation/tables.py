"""Figures of one reader, or of two side by side, as nested dictionaries for JSON and as a Markdown table.

Knows nothing about how they were measured.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from cxr.evaluation.intervals import Figure
from cxr.findings import find_finding

BY_READER = Mapping[str, Figure]  # "base/auroc/macro" -> its figure
NAMES = {  # in the order of the table
    "auroc/macro": "AUROC, mean over findings",
    "average_precision/macro": "average precision, mean over findings",
    "f1/macro": "F1, mean over findings",
    "f1/micro": "F1, all findings at once",
    "accuracy/macro": "accuracy, mean over findings",
    "accuracy/exact_match": "exact match, all known findings of a film",
    "ece/before": "ECE before Platt scaling (less is better)",
    "ece/after": "ECE after Platt scaling (less is better)",
    "brier/before": "Brier before Platt scaling (less is better)",
    "brier/after": "Brier after Platt scaling (less is better)",
    **{f"bleu/{n}": f"BLEU-{n}" for n in (1, 2, 3, 4)},
    **{f"rouge/{n}": f"ROUGE-{n}" for n in ("1", "2", "L")},
    "reports/findings_f1": "micro F1 of findings that reports name",
    "reports/distinct": "distinct reports",
    "reports/prior_references": "reports that mention an earlier film (less is better)",
    "vqa/closed_accuracy": "accuracy of closed questions of the data",
    "vqa/open_token_f1": "token F1 of open questions of the data",
    "finding_questions/closed_accuracy": "accuracy of closed questions about findings",
    "finding_questions/negated_consistency": "opposite answers to a question and its negation",
}


def write_head(columns: Sequence[str]) -> str:
    """The first two lines of a Markdown table, without the last line's end."""
    return f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"


def nest(figures: Mapping[str, Any]) -> dict[str, Any]:
    """ "base/auroc/macro" becomes ["base"]["auroc"]["macro"]; figures become {"value", "low", "high"}.

    A figure that cannot be had is left out, since JSON knows no NaN; so is an interval's end.
    """
    root: dict[str, Any] = {}
    for name, figure in figures.items():
        if math.isnan(figure.value):
            continue
        *path, last = name.split("/")
        place = root
        for step in path:
            place = place.setdefault(step, {})
        place[last] = {key: value for key, value in vars(figure).items() if not math.isnan(value)}
    return root


def write_table(
    figures: BY_READER, readers: Sequence[str], keys: Sequence[str], present: Mapping[str, int] | None = None
) -> str:
    """A Markdown table: a row a figure that can be had, a column a reader, and their difference where there are two.

    `keys`: the findings that get a row; `present`: how many films have each, where that is known.
    """
    columns = [*readers, *(["difference"] if len(readers) == 2 else [])]
    counted = {key: f" ({films} with it)" for key, films in (present or {}).items()}
    names = NAMES | {f"auroc/{key}": f"AUROC, {find_finding(key).name}{counted.get(key, '')}" for key in keys}
    lines = [write_head(["measure", *columns])]
    for name, words in names.items():
        cells = [figures.get(f"{column}/{name}") for column in columns]
        if any(cell and not math.isnan(cell.value) for cell in cells):
            written = [write_cell(cell, column == "difference") for column, cell in zip(columns, cells, strict=True)]
            lines.append(f"| {words} | {' | '.join(written)} |")
    return "\n".join(lines)


def write_cell(figure: Figure | None, signed: bool) -> str:
    """ "0.712 [0.650, 0.781]", a difference with its sign, no brackets without an interval, a dash for nothing."""
    if figure is None or math.isnan(figure.value):
        return "-"
    if math.isnan(figure.low):  # no draw of patients gave it
        return f"{figure.value:{'+' if signed else ''}.3f}"
    if not signed:
        return str(figure)
    value, low, high = (round(number, 3) + 0.0 for number in (figure.value, figure.low, figure.high))  # no "-0.000"
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"
