"""Which options and figures of a run may be told: an allow-list of names with numbers under them.

A name, a date or a sentence cannot pass, whatever file it was written into. Knows nothing about how anything was
measured.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any, get_args

from cxr.evaluation.intervals import Figure
from cxr.evaluation.tables import NAMES
from cxr.findings import BY_KEY
from cxr.training.data import Kind

# Of the options of a run, what says how it was trained and not on which files.
OPTIONS = (
    *("engine", "precision", "rank", "alpha", "dropout", "targets", "train_vision", "learning_rate", "warmup"),
    *("epochs", "max_steps", "films", "rows", "accumulation", "longest"),
    *("uncertain", "blank", "normal_share", "rare_floor", "seed"),
)
CHOICES = {"transformers", "unsloth", "4bit", "bf16", "float32", "attention", "attention+mlp"}
CHOICES |= {"unknown", "present", "absent"}
SPLITS = {"train", "val", "test"}
KINDS = get_args(Kind)
COUNTS = ("known", "present")  # of films, by finding
READERS = ("base", "adapter", "difference")
BY_FINDING = {name.partition("/")[0] for name in NAMES if name.endswith("/macro")}  # these have one a finding, too


def keep_options(told: Any) -> dict[str, Any]:
    """Of a run's options those that may be told; of its two lengths the one that held."""
    given = {key: value for key, value in _as_dict(told).items() if isinstance(value, int | float | str)}
    idle = "epochs" if given.get("max_steps") else "max_steps"
    held = [key for key in OPTIONS if key in given and key != idle]
    return {key: given[key] for key in held if given[key] in CHOICES or _is_finite(given[key])}


def keep_metrics(metrics: Mapping[str, Any], own: Collection[str] = ()) -> dict[str, Any]:
    """Of what an evaluation wrote the split, the kind of data, how many films, and the figures of known names.

    `own` are the keys of findings outside the 14.
    """
    kept: dict[str, Any] = {"split": metrics["split"]} if str(metrics.get("split")) in SPLITS else {}
    kept |= {"data_kind": metrics["data_kind"]} if str(metrics.get("data_kind")) in KINDS else {}
    kept |= {"same_data": metrics["same_data"]} if type(metrics.get("same_data")) is bool else {}
    kept |= {name: metrics[name] for name in ("films", "patients") if type(metrics.get(name)) is int}
    if counts := keep_counts(metrics.get("findings"), {*BY_KEY, *own}):
        kept["findings"] = counts
    for reader, group, name, figure in walk_figures(metrics):
        if f"{group}/{name}" in NAMES or (group in BY_FINDING and (name in BY_KEY or name in own)):
            kept.setdefault(reader, {}).setdefault(group, {})[name] = figure
    return kept


def keep_counts(findings: Any, known: Collection[str]) -> dict[str, dict[str, int]]:
    """By finding how many films it is known of, and how many have it."""
    rows = {key: _as_dict(row) for key, row in _as_dict(findings).items() if key in known}
    whole = {key: {name: row[name] for name in COUNTS if type(row.get(name)) is int} for key, row in rows.items()}
    return {key: row for key, row in whole.items() if len(row) == len(COUNTS)}


def walk_figures(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str, str, dict[str, float]]]:
    """(reader, group, name, figure) of everything that has the shape of a figure with a finite value."""
    for reader in READERS:
        for group, figures in _as_dict(metrics.get(reader)).items():
            for name, figure in _as_dict(figures).items():
                row = _as_dict(figure)
                numbers = {key: row[key] for key in ("value", "low", "high") if _is_finite(row.get(key))}
                if "value" in numbers:
                    yield reader, group, name, numbers


def list_figures(metrics: Mapping[str, Any]) -> dict[str, Figure]:
    """The figures by "reader/group/name", as the tables of the evaluation take them."""
    return {
        f"{reader}/{group}/{name}": Figure(row["value"], row.get("low", math.nan), row.get("high", math.nan))
        for reader, group, name, row in walk_figures(metrics)
    }


def _as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
