"""Drawn films as files: those of the gallery with their truth, and sets to train on. Knows nothing about models."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cxr.films.film import View, to_image
from cxr.films.phantom.drawing import DrawnFilm, draw_film
from cxr.films.phantom.patient import Sex
from cxr.findings import DENIED
from cxr.prompts import NOTHING_SEEN, join_words, write_observation, write_report
from cxr.results import Observation

Plan = tuple[str, int, View, Sex, int, tuple[Observation, ...]]

KEPT = 10_000_000  # seeds from here on are kept to measure on
FIRST = 9_000_000  # of a set: no film that the embedded model was trained on (seeds below 1 000 000)
VIEWS: tuple[View, ...] = ("PA", "AP", "lateral")
SHARES = (0.55, 0.4, 0.05)  # of the views in a set
SPLITS = (*(["train"] * 8), "val", "test")  # by the seed's last digit
WIDE_SPLITS = (*(["train"] * 6), "val", "val", "test", "test")
OPACITY = "Lung opacity"  # as CheXpert's hierarchy of labels has it (arXiv:1901.07031)
OPACITIES = {"consolidation", "pneumonia", "infiltration", "atelectasis", "edema", "mass", "nodule"}

EXAMPLES: tuple[Plan, ...] = (
    ("normal", 104, "PA", "M", 34, ()),
    ("effusion", 214, "PA", "F", 58, (Observation("effusion", "left", size="moderate"),)),
    ("pneumothorax", 305, "PA", "M", 24, (Observation("pneumothorax", "right", size="moderate"),)),
    (
        "heart-failure",
        411,
        "AP",
        "M",
        78,
        (Observation("edema", size="moderate"), Observation("cardiomegaly", size="moderate")),
    ),
    ("mass", 503, "PA", "M", 63, (Observation("mass", "right", "mid", "moderate"),)),
    ("hernia", 608, "PA", "F", 71, (Observation("hernia", size="moderate"),)),
    ("consolidation", 702, "PA", "F", 45, (Observation("consolidation", "left", "lower", "moderate"),)),
    ("lateral", 806, "lateral", "M", 58, (Observation("effusion", size="moderate"),)),
)


def describe_film(name: str, drawn: DrawnFilm) -> dict[str, Any]:
    """One entry of drawn.json: file, seed, view, sex, age, truth and the truth in words."""
    truth = [
        {"finding": item.finding, "side": item.side, "zone": item.zone, "size": item.size}
        for item in drawn.observations
    ]
    words = join_words([write_observation(item) for item in drawn.observations], "and")
    sentence = f"{words[:1].upper()}{words[1:]}." if words else NOTHING_SEEN[0]
    return {
        "file": name,
        "seed": drawn.seed,
        "view": drawn.view,
        "sex": drawn.sex,
        "age": drawn.age,
        "truth": truth,
        "words": sentence,
    }


def write_examples(folder: Path) -> list[dict[str, Any]]:
    """Draws the gallery (512 px, 8-bit grey PNG) into the folder, with drawn.json; returns what that holds."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for label, seed, view, sex, age, observations in EXAMPLES:
        drawn = draw_film(seed, view=view, sex=sex, age=age, observations=observations)
        name = f"drawn-{label}.png"
        to_image(drawn.film).save(folder / name, optimize=True)
        entries.append(describe_film(name, drawn))
    (folder / "drawn.json").write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    return entries


def write_set(folder: Path, count: int, size: int = 512, first: int = FIRST, opacity: bool = False) -> None:
    """Draws films of `size` px, one a seed from `first` on, into the folder, with dataset.jsonl.

    Eight of ten are to train on, one to validate and one to test, whatever else is drawn. Every film is a patient of
    its own, nearly all are frontal, and `complete` says that findings which are not named are absent.

    Args:
        opacity: Whether a label is added of which no model of ours has heard, "Lung opacity", there or not. Then six
            of ten are to train on, two to validate and two to test.

    Raises:
        ValueError: the size is out of range, or the seeds reach those that are kept to measure on.
    """
    if first < 0 or first + count > KEPT:
        raise ValueError(f"Seeds must lie between 0 and {KEPT - 1}: later ones are kept to measure on.")
    (folder / "films").mkdir(parents=True, exist_ok=True)
    with (folder / "dataset.jsonl").open("w", encoding="utf-8") as file:
        for seed in range(first, first + count):
            entry = write_film(folder, seed, size)
            file.write(json.dumps(label_opacity(entry, seed) if opacity else entry) + "\n")


def label_opacity(entry: dict[str, Any], seed: int) -> dict[str, Any]:
    """The film's line that also says whether a lung is denser than it should be, whatever the cause.

    The label leaves open which finding it is, so those that it is not are named.
    """
    present = {item["finding"] for item in entry["findings"]}
    others = sorted(OPACITIES - present)
    said = {"label": [OPACITY], "absent": others} if OPACITIES & present else {"absent": [OPACITY, *others]}
    return entry | said | {"split": WIDE_SPLITS[seed % len(WIDE_SPLITS)]}


def write_film(folder: Path, seed: int, size: int) -> dict[str, Any]:
    """Draws one film of a set (8-bit grey PNG); its line of dataset.jsonl."""
    view = VIEWS[int(np.random.default_rng([seed, 20]).choice(len(VIEWS), p=SHARES))]
    drawn = draw_film(seed, size=size, view=view)
    name = f"films/drawn-{seed:07}.png"
    to_image(drawn.film).save(folder / name)
    present = {item.finding for item in drawn.observations}
    return {
        "image": name,
        "findings": [
            {key: value for key, value in asdict(item).items() if value is not None} for item in drawn.observations
        ],
        "complete": True,
        "report": write_report(drawn.observations, [key for key in DENIED if key not in present]),
        "patient": f"drawn-{seed}",
        "split": SPLITS[seed % len(SPLITS)],
        "view": drawn.view,
    }
