"""What readers said becomes metrics.json, predictions.jsonl, pictures and a table. Knows nothing about models or data.

metrics.json holds sums over films alone and may be published; predictions.jsonl holds names and texts of patients and
must never be.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxr.evaluation.classification import Outcome
from cxr.evaluation.figures import draw_figures
from cxr.evaluation.intervals import Figure, Pair, bootstrap_all, compare
from cxr.evaluation.language import name_bleu
from cxr.evaluation.readings import Reading, describe_film
from cxr.evaluation.scores import Scores, measure_scores, score_readings
from cxr.evaluation.tables import nest, write_table
from cxr.model.calibration import Calibration


@dataclass(frozen=True)
class Heard:
    """What one reader said of the films, and of the validation films."""

    readings: Sequence[Reading]  # at least one
    validation: Outcome | None  # None without validation films
    calibration: Calibration | None  # None where it cannot be fitted


@dataclass(frozen=True)
class Origin:
    """Which films were read; all of it but the warning is kept with the figures."""

    split: str
    asked: int  # how many films, before those that could not be opened were left out
    data_kind: str = "records"
    same_data: bool = False  # whether data and options are known to be those of the adapter's training
    warning: str = ""  # a sentence for the notes; empty: none


def write_summary(heard: Mapping[str, Heard], origin: Origin, resamples: int, seed: int, out: Path) -> str:
    """Measure and write everything into a folder.

    Args:
        heard: "base", or "base" and "adapter", of the same films in the same order.
        resamples: draws of patients for the intervals.

    Returns:
        The Markdown table with its notes.
    """
    scores = {name: score_readings(one.readings, one.validation, one.calibration) for name, one in heard.items()}
    figures = measure(scores, resamples, seed)
    record = describe_data(scores, origin) | {"resamples": resamples, "seed": seed, "bleu_signature": name_bleu()}
    text = json.dumps(record | nest(figures), indent=2, allow_nan=False) + "\n"
    (out / "metrics.json").write_text(text, encoding="utf-8")
    write_predictions({name: one.readings for name, one in heard.items()}, out / "predictions.jsonl")
    draw_figures(scores, out)
    some = next(iter(heard.values()))
    present = {key: counts["present"] for key, counts in record["findings"].items()}
    table = write_table(figures, list(scores), list(present), present)
    return "\n".join([table, "", *list_notes(some, origin, resamples)])


def measure(scores: Mapping[str, Scores], resamples: int, seed: int) -> dict[str, Figure]:
    """Every figure by "reader/group/name", with "difference" where there are two readers."""
    if len(scores) == 2:
        return bootstrap_all(Pair(scores["base"], scores["adapter"]), compare(measure_scores), resamples, seed)
    alone = bootstrap_all(scores["base"], measure_scores, resamples, seed)
    return {f"base/{name}": figure for name, figure in alone.items()}


def describe_data(scores: Mapping[str, Scores], origin: Origin) -> dict[str, Any]:
    """Whose films, how many films and patients, with how many of each finding, and each reader's thresholds."""
    outcome = next(iter(scores.values())).outcome
    known, present = (outcome.truth >= 0).sum(0).tolist(), (outcome.truth == 1).sum(0).tolist()
    counts = zip(outcome.keys, known, present, strict=True)
    return {
        "split": origin.split,
        "data_kind": origin.data_kind,
        "same_data": origin.same_data,
        "films": len(outcome.truth),
        "patients": len(set(outcome.patients.tolist())),
        "skipped": origin.asked - len(outcome.truth),
        "findings": {key: {"known": films, "present": with_it} for key, films, with_it in counts},
        "thresholds": {
            name: dict(zip(one.outcome.keys, one.thresholds.tolist(), strict=True)) for name, one in scores.items()
        },
    }


def write_predictions(readings: Mapping[str, Sequence[Reading]], path: Path) -> None:
    """One line a film with what every reader said."""
    with path.open("w", encoding="utf-8") as file:
        for of_one_film in zip(*readings.values(), strict=True):
            line = describe_film(dict(zip(readings, of_one_film, strict=True)))
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def list_notes(some: Heard, origin: Origin, resamples: int) -> Iterator[str]:
    """How the figures came about, as far as a reader of the table must know."""
    films, patients = len(some.readings), len({reading.patient for reading in some.readings})
    skipped = f" {origin.asked - films} could not be opened and are left out." if origin.asked > films else ""
    if origin.warning:
        yield f"**WARNING: {origin.warning}**"
    yield f"{films} {origin.split} films of {patients} patients.{skipped}"
    yield f"In brackets: 95 % intervals over patients ({resamples} draws, the same for all columns)."
    yield "A draw that lacks films with or without a finding says nothing of it: few of them make intervals too narrow."
    if some.validation is None:
        yield "There are no validation films: thresholds are 0.5, and nothing is scaled."
    elif origin.split == "val":
        yield "Thresholds and Platt scaling come from these very films, so F1, accuracy, ECE and Brier are flattered."
    else:
        yield f"Thresholds (highest F1) and Platt scaling come from {len(some.validation.truth)} validation films."
    if origin.split == "train":
        yield "The adapter may have been trained on these films."
    yield f"BLEU is sacrebleu's ({name_bleu()}), ROUGE rouge-score's F-measure of stemmed words; both without headings."
    yield "Findings in reports are read by rules of our own, not by CheXbert: do not compare with published figures."
