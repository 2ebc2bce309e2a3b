"""What heat maps reached, as Markdown tables. Knows nothing about films or models."""

from collections.abc import Mapping, Sequence

import numpy as np

from cxr.evaluation.intervals import RESAMPLES, Figure, bootstrap_all
from cxr.evaluation.placing import Marks
from cxr.evaluation.tables import write_head
from cxr.findings import BY_KEY

WORDS = {
    "TRAINED": "taught on drawn masks",
    "ATTENTION": "cross-attention",
    "GRAD_CAM": "Grad-CAM",
    "OCCLUSION": "occlusion",
    "centre": "centre prior",
    "lungs": "lung prior",
    "usual place": "mean mask of the finding",
}


def name_way(way: str) -> str:
    """A way's name in words."""
    method, _, kind = way.partition(", ")
    return WORDS[method] + (", random weights" if kind else "")


def write_report(marks: Mapping[str, Marks], ways: Sequence[str], shown: str, resamples: int = RESAMPLES) -> str:
    """All tables: every way, the shown one against every baseline, and finding by finding on the first set."""
    figures = {name: measure(some, ways, shown, resamples) for name, some in marks.items()}
    return "\n\n".join(
        [
            f"Shown: {name_way(shown)}. {' '.join(count_pairs(name, some) for name, some in marks.items())}",
            _write_ways(figures, ways),
            _write_differences(figures, ways, shown),
            write_findings(next(iter(marks.values())), ways, shown),
        ]
    )


def count_pairs(name: str, marks: Marks) -> str:
    """How many films and findings were measured on."""
    counted = zip(*np.unique(marks.findings, return_counts=True), strict=True)
    listed = ", ".join(f"{key} {number}" for key, number in counted)
    return (
        f"{name.capitalize()}: {len(marks.findings)} findings of {len(np.unique(marks.patients))} patients ({listed})."
    )


def measure(marks: Marks, ways: Sequence[str], shown: str, resamples: int) -> dict[str, Figure]:
    """ "TRAINED/hit", "TRAINED/overlap" and, of the shown way less each other one, "less lungs/hit" and so on."""

    def average(some: Marks) -> dict[str, float]:
        reached: dict[str, float] = {}
        for kind, values in (("hit", some.hits), ("overlap", some.overlaps)):
            means = dict(zip(ways, values.mean(0).tolist(), strict=True))
            reached |= {f"{way}/{kind}": mean for way, mean in means.items()}
            reached |= {f"less {way}/{kind}": means[shown] - mean for way, mean in means.items()}
        return reached

    return bootstrap_all(marks, average, resamples)


def _write_ways(figures: Mapping[str, dict[str, Figure]], ways: Sequence[str]) -> str:
    columns = [f"{what}, {name}" for name in figures for what in ("pointing game", "IoU")]
    lines = [write_head(["map", *columns])]
    for way in ways:
        cells = [str(some[f"{way}/{kind}"]) for some in figures.values() for kind in ("hit", "overlap")]
        lines.append(f"| {name_way(way)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _write_differences(figures: Mapping[str, dict[str, Figure]], ways: Sequence[str], shown: str) -> str:
    columns = [f"{what}, {name}" for name in figures for what in ("pointing game", "IoU")]
    lines = [write_head([f"{name_way(shown)}, less", *columns])]
    for way in (way for way in ways if way != shown):
        cells = [some[f"less {way}/{kind}"] for some in figures.values() for kind in ("hit", "overlap")]
        signed = [f"{cell.value:+.3f} [{cell.low:+.3f}, {cell.high:+.3f}]" for cell in cells]
        lines.append(f"| {name_way(way)} | {' | '.join(signed)} |")
    return "\n".join(lines)


def write_findings(marks: Marks, ways: Sequence[str], shown: str) -> str:
    """Finding by finding: the shown way beside the priors and random weights, pointing game then IoU."""
    beside = [way for way in (shown, f"{shown}, random", "centre", "lungs", "usual place") if way in ways]
    lines = [write_head(["finding", "films", *(f"{name_way(way)}: pointing, IoU" for way in beside)])]
    for key in BY_KEY:
        own = marks.findings == key
        if own.any():
            columns = [list(ways).index(way) for way in beside]
            cells = [f"{marks.hits[own, i].mean():.2f}, {marks.overlaps[own, i].mean():.2f}" for i in columns]
            lines.append(f"| {BY_KEY[key].name} | {own.sum()} | {' | '.join(cells)} |")
    return "\n".join(lines)
