"""Figures for the eye: ROC, reliability and confusion of each reader beside the other, as PNG.

Drawn on canvases of their own (matplotlib's Agg, no pyplot), so nothing global is touched. Knows nothing about models.
"""

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from cxr.evaluation.classification import Outcome, measure_auroc
from cxr.evaluation.decisions import take_known
from cxr.evaluation.intervals import FEWEST
from cxr.evaluation.reliability import bin_pairs, pool
from cxr.evaluation.scores import Scores
from cxr.findings import find_finding

SIDE = 6.5  # inches a panel
WIDE = (-0.06, 1.06)  # room for points and counts at 0 and 1
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000")  # of Okabe and Ito, told apart by the colour-blind
DASHES = ("-", "--", ":", "-.")
CELLS = ("present,\ncalled present", "present,\ncalled absent", "absent,\ncalled present", "absent,\ncalled absent")


def draw_figures(scores: Mapping[str, Scores], folder: Path) -> list[Path]:
    """Write roc.png, reliability.png and confusion.png, a panel a reader; returns their paths."""
    painters: dict[str, Callable[[Axes, Scores], None]] = {
        "roc.png": draw_roc,
        "reliability.png": draw_reliability,
        "confusion.png": draw_confusion,
    }
    paths = []
    for name, paint in painters.items():
        drawing = Figure(figsize=(SIDE * len(scores), SIDE), dpi=120, layout="constrained")
        FigureCanvasAgg(drawing)
        panels = drawing.subplots(1, len(scores), squeeze=False)[0]
        for panel, (reader, one) in zip(panels, scores.items(), strict=True):
            panel.set_title(reader)
            paint(panel, one)
        drawing.savefig(folder / name)
        paths.append(folder / name)
    return paths


def draw_roc(panel: Axes, scores: Scores) -> None:
    """One curve a finding that enough films have and have not; a line under the legend names the others."""
    few = []
    for i, key in enumerate(scores.outcome.keys):
        truth, probabilities = take_known(scores.outcome, i)
        name = find_finding(key).name
        if min(truth.sum(), len(truth) - truth.sum()) < FEWEST:
            few.append(name)
            continue
        false, true, _ = roc_curve(truth, probabilities)
        colour, dash = COLOURS[i % len(COLOURS)], DASHES[i // len(COLOURS) % len(DASHES)]
        label = f"{name}: {measure_auroc(scores.outcome, i):.3f} ({truth.sum()})"
        panel.plot(false, true, label=label, clip_on=False, color=colour, linestyle=dash)
    panel.plot([0, 1], [0, 1], color="grey", linewidth=0.8, zorder=0)
    panel.set(xlabel=f"1 - specificity{name_few(few)}", ylabel="sensitivity", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    if len(panel.get_legend_handles_labels()[0]):
        panel.legend(
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),  # beside the axes
            fontsize=7,
            title="AUROC (films with it)",
            title_fontsize=7,
            handlelength=4,
        )


def name_few(names: list[str]) -> str:
    """The line under a drawing that says what is not in it; nothing where all is."""
    words = f"left out, fewer than {FEWEST} films with or without it: {', '.join(names)}"
    return "\n" + textwrap.fill(words, 70) if names else ""


def draw_reliability(panel: Axes, scores: Scores) -> None:
    """What was said against what was true, before and after Platt scaling; all findings pooled, a count a point."""
    panel.plot([0, 1], [0, 1], color="grey", linewidth=0.8, zorder=0)
    draw_curve(panel, scores.outcome, "before Platt scaling", "tab:orange", "o", 8)
    if scores.calibrated:
        draw_curve(panel, scores.calibrated, "after Platt scaling", "tab:blue", "s", -13)
    panel.set(xlabel="mean probability", ylabel="share with the finding", xlim=WIDE, ylim=WIDE, aspect="equal")
    panel.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.1),  # below the axes
        ncols=2,
        fontsize=8,
        title="beside each point: how many pairs of film and finding",
        title_fontsize=8,
    )


def draw_curve(panel: Axes, outcome: Outcome, label: str, colour: str, marker: str, above: int) -> None:
    """A hollow point a bin that holds any pair, so that what lies under it shows, and its count `above` it in pt."""
    bins = bin_pairs(*pool(outcome))
    bins = bins[bins[:, 0] > 0]
    panel.plot(bins[:, 1], bins[:, 2], color=colour, marker=marker, fillstyle="none", label=label)
    for count, said, true in bins:
        panel.annotate(
            f"{count:.0f}", (said, true), (0, above), textcoords="offset points", ha="center", fontsize=6, color=colour
        )


def draw_confusion(panel: Axes, scores: Scores) -> None:
    """How many films are decided right and wrong at each finding's threshold, coloured by their share of the truth."""
    counts = count_decisions(scores.outcome, scores.thresholds)
    totals = counts.reshape(-1, 2, 2).sum(2).repeat(2, axis=1)  # films with the finding, twice; without it, twice
    shares = counts / np.maximum(totals, 1)
    panel.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        ink = "white" if shares[row, column] > 0.5 else "black"
        panel.text(column, row, str(count), ha="center", va="center", fontsize=7, color=ink)
    panel.set_xticks(range(len(CELLS)), CELLS, fontsize=7)
    films = [f"{present} / {absent}" for present, absent in totals[:, [0, 2]].tolist()]
    names = [find_finding(key).name for key in scores.outcome.keys]
    rows = [f"{name}\n{count}" for name, count in zip(names, films, strict=True)]
    panel.set_yticks(range(len(counts)), rows, fontsize=7)
    panel.set_ylabel("finding, films with / without it", fontsize=8)


def count_decisions(outcome: Outcome, thresholds: np.ndarray) -> np.ndarray:
    """findings x 4 films: true positive, false negative, false positive, true negative, among those known."""
    called = outcome.probabilities >= thresholds
    cells = [
        (outcome.truth == true) & (called == said) for true, said in ((1, True), (1, False), (0, True), (0, False))
    ]
    return np.stack([cell.sum(0) for cell in cells], axis=1)
