"""What the trials gave, as a table with intervals by patient. Knows nothing about how anything was trained."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.special import expit

from cxr.evaluation.classification import Outcome, measure_any, measure_macro
from cxr.evaluation.intervals import Pair, Several, bootstrap

PEER = "ResNet-18"
HEAD = """| variant | seeds | macro AUROC, out of fold | above the ResNet-18 | any against none | drawn films |
|---|---|---|---|---|---|"""


def read_seeds(folder: Path, name: str, peer: bool) -> Several[Outcome]:
    """The kept predictions of one variant; of the peer those at its best step."""
    outcomes = []
    for path in sorted(folder.glob(f"{name} [0-9]*.npz")):
        kept = np.load(path)
        told = [Outcome(expit(each), kept["truth"], kept["patients"]) for each in kept["told"]]
        outcomes.append(max(told, key=measure_macro) if peer else told[-1])
    return Several(tuple(outcomes))


def mean_of(measure: Callable[[Outcome], float]) -> Callable[[Several[Outcome]], float]:
    """The mean of a measure over the seeds."""
    return lambda seeds: float(np.mean([measure(outcome) for outcome in seeds.parts]))


def gain(pair: Pair[Several[Outcome]]) -> float:
    """By how much the macro AUROC of the second is above the first's."""
    return mean_of(measure_macro)(pair.adapter) - mean_of(measure_macro)(pair.base)


def write_table(folder: Path, names: Sequence[str], resamples: int = 1000) -> str:
    """Markdown: every variant of `names` of which predictions are kept."""
    lines = [HEAD]
    peer = read_seeds(folder, PEER, peer=True)
    for name in names:
        seeds = read_seeds(folder, name, peer=name == PEER)
        if not seeds.parts:
            continue
        macro = bootstrap(seeds, mean_of(measure_macro), resamples)
        ahead = str(bootstrap(Pair(peer, seeds), gain, resamples)) if peer.parts and name != PEER else "-"
        lines.append(
            f"| {name} | {len(seeds.parts)} | {macro} | {ahead} "
            f"| {bootstrap(seeds, mean_of(measure_any), resamples)} | {_read_drawn(folder, name)} |"
        )
    return "\n".join(lines)


def _read_drawn(folder: Path, name: str) -> str:
    kept = [np.load(path) for path in sorted(folder.glob(f"{name} [0-9]*.npz"))]
    drawn = [
        Outcome(each["drawn"], each["drawn_truth"], np.arange(len(each["drawn"]))) for each in kept if "drawn" in each
    ]
    return f"{np.mean([measure_macro(each) for each in drawn]):.3f}" if drawn else "-"
