"""Figures for the eye: ROC, reliability and confusion of each reader beside the other, as PNG.

Drawn on canvases of their own (matplotlib's Agg, no pyplot), so nothing global is touched. Knows nothing about models.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from cxr.evaluation.classification import Outcome
from cxr.evaluation.decisions import take_known
from cxr.evaluation.reliability import bin_pairs, pool
from cxr.evaluation.scores import Scores
from cxr.findings import find_finding

SIDE = 6.5  # inches a panel
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
    """One curve a finding with both kinds of film."""
    colours = mpl.colormaps["tab20"]
    for i, key in enumerate(scores.outcome.keys):
        truth, probabilities = take_known(scores.outcome, i)
        if 0 < truth.sum() < len(truth):
            false, true, _ = roc_curve(truth, probabilities)
            panel.plot(false, true, color=colours(i % 20), label=f"{find_finding(key).name} ({truth.sum()})")
    panel.plot([0, 1], [0, 1], color="grey", linestyle=":")
    panel.set(xlabel="1 - specificity", ylabel="sensitivity", aspect="equal")
    if len(panel.get_legend_handles_labels()[0]):
        panel.legend(fontsize=7, loc="lower right", title="finding (films with it)", title_fontsize=7)


def draw_reliability(panel: Axes, scores: Scores) -> None:
    """What was said against what was true, before and after Platt scaling; all findings pooled."""
    draw_curve(panel, scores.outcome, "before Platt scaling", "tab:orange")
    if scores.calibrated:
        draw_curve(panel, scores.calibrated, "after Platt scaling", "tab:blue")
    panel.plot([0, 1], [0, 1], color="grey", linestyle=":")
    panel.set(xlabel="mean probability", ylabel="share with the finding", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    panel.legend(fontsize=8, loc="upper left")


def draw_curve(panel: Axes, outcome: Outcome, label: str, colour: str) -> None:
    """One point a bin that holds any pair, larger where it holds more."""
    bins = bin_pairs(*pool(outcome))
    bins = bins[bins[:, 0] > 0]
    panel.plot(bins[:, 1], bins[:, 2], color=colour, label=label)
    panel.scatter(bins[:, 1], bins[:, 2], s=10 + 150 * bins[:, 0] / max(bins[:, 0].sum(), 1), color=colour)


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
    panel.set_yticks(range(len(counts)), [find_finding(key).name for key in scores.outcome.keys], fontsize=7)


def count_decisions(outcome: Outcome, thresholds: np.ndarray) -> np.ndarray:
    """findings x 4 films: true positive, false negative, false positive, true negative, among those known."""
    called = outcome.probabilities >= thresholds
    cells = [
        (outcome.truth == true) & (called == said) for true, said in ((1, True), (1, False), (0, True), (0, False))
    ]
    return np.stack([cell.sum(0) for cell in cells], axis=1)
