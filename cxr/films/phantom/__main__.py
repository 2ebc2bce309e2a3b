"""`python -m cxr.films.phantom --examples FOLDER` writes the drawn films of the gallery and their truth."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from cxr.films.film import View, to_image
from cxr.films.phantom.drawing import DrawnFilm, draw_film
from cxr.films.phantom.patient import Sex
from cxr.prompts import NOTHING_SEEN, join_words, write_observation
from cxr.results import Observation

Plan = tuple[str, int, View, Sex, int, tuple[Observation, ...]]

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


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m cxr.films.phantom", description=__doc__)
    parser.add_argument("--examples", type=Path, required=True, metavar="FOLDER", help="where the films go")
    for entry in write_examples(parser.parse_args().examples):
        sys.stdout.write(f"{entry['file']}: {entry['words']}\n")


if __name__ == "__main__":
    main()
