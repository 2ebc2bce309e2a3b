"""Rows and an adapter become figures: everything `python train.py evaluate` does.

What is measured is measured with the reader that serves. Knows nothing about how a figure is computed.
"""

import gc
import logging
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from cxr.evaluation.classification import Outcome
from cxr.evaluation.contenders import Contenders, find_adapter
from cxr.evaluation.films import Case
from cxr.evaluation.intervals import FEWEST, RESAMPLES
from cxr.evaluation.readings import Reading, classify_cases, collect_outcome, read_cases
from cxr.evaluation.summary import Heard, Origin, write_summary
from cxr.model.bases import read_base
from cxr.model.calibration import Calibration, write_calibration
from cxr.model.sources import fetch, read_json
from cxr.reader import Reader
from cxr.results import CxrError
from cxr.training.calibrate import TESTED_ON, calibrate, name_population
from cxr.training.data import DataOptions, check_data_options, detect_kind
from cxr.training.fingerprint import fingerprint
from cxr.training.guards import explain_disk
from cxr.training.index import build_indexes, read_record
from cxr.training.kept import mark_readings, read_on
from cxr.training.options import check_ranges, choose
from cxr.training.rows import Row, open_case
from cxr.training.student import choose_base

logger = logging.getLogger(__name__)

KEPT = "kept-{}.jsonl"  # what was said until now
RANGES: dict[str, tuple[float, float]] = {"limit": (0, math.inf), "resamples": (0, math.inf)}
SAME = ("data", "blank", "uncertain", "seed")  # options on which it depends what a film is and in which split


@dataclass
class AssessOptions:
    """What `python train.py evaluate` can be told beside the data."""

    adapter: str = choose("", "a run's folder, an adapter's folder or its Hub name; none: the base alone")
    adapter_revision: str = choose("", "40-hex commit of the adapter")
    base: str = choose("", "Hub name or folder of the base; the one that the adapter names")
    base_revision: str = choose("", "40-hex commit of the base")
    precision: Literal["", "4bit", "bf16", "float32"] = choose("", "of base and adapter; chosen by the free memory")
    split: Literal["train", "val", "test"] = choose("test", "which films to measure on")
    out: str = choose("", "where the figures go; evaluation beside the adapter of a run, else outputs/evaluation")
    limit: int = choose(0, "at most so many films of a split, drawn by the seed; 0: all")
    resamples: int = choose(RESAMPLES, "draws of patients for each interval")
    calibrate: bool = choose(False, "store the Platt scaling, fitted on validation films, in the adapter's folder")


@explain_disk(lambda: ": what was read until now is kept")
def evaluate(options: AssessOptions, data: DataOptions) -> str:
    """Measure base and adapter on a split; metrics, predictions and pictures go to a folder.

    Returns:
        A Markdown table of base, adapter and their difference, with notes.

    Raises:
        CxrError: data, base or adapter cannot be had, the split has no film that can be opened, an option is out of
            its range, or nothing can be written.
    """
    check_ranges(options, RANGES)
    check_data_options(data)
    adapter = find_adapter(options.adapter) if options.adapter else None
    if options.calibrate and not (adapter and Path(adapter).is_dir()):
        raise CxrError("--calibrate writes into the adapter's folder, so name that folder or its run with --adapter.")
    out = choose_out(options.out, adapter)
    out.mkdir(parents=True, exist_ok=True)
    logger.info("Reading the data in %s ...", data.data)
    kind = detect_kind(data.data)
    indexes = build_indexes(data.data, data, choose_index(out, adapter, data))
    for sentence in indexes.notes:
        logger.warning("%s", sentence)
    splits: dict[str, Sequence[Row]] = {"train": indexes.train, "val": indexes.val, "test": indexes.test}
    films = choose_rows(splits[options.split], options.limit, data.seed)
    if not films:
        raise CxrError(f"These data have no {options.split} films; choose another --split.")
    validation = choose_rows(indexes.val, options.limit, data.seed)
    origin = describe_origin(options.split, len(films), kind, list_differences(adapter, data))
    if origin.warning:
        logger.warning("%s", origin.warning)
    contenders = choose_contenders(options, adapter, indexes.own_findings)
    heard = hear(contenders, films, validation, origin, out)
    if options.calibrate and adapter:
        store_calibration(heard["adapter"], Path(adapter))
    table = write_summary(heard, origin, options.resamples, data.seed, out)
    for path in out.glob(KEPT.format("*")):  # the next evaluation may be of a program that has changed
        path.unlink()
    return f"{table}\n\nPictures and figures are in {out}."


def choose_out(named: str, adapter: str | None) -> Path:
    """The folder for the figures."""
    run = Path(adapter).parent if adapter else None
    if named or not (run and (run / "run.json").is_file()):
        return Path(named or "outputs/evaluation")
    return run / "evaluation"


def choose_index(out: Path, adapter: str | None, data: DataOptions) -> Path:
    """Where the rows are indexed: beside the adapter of a run, if those are of the same data; else with the figures."""
    rows = Path(adapter).parent / "rows" if adapter else out / "rows"
    return rows if read_record(rows).get("mark") == fingerprint(data.data, data, rows) else out / "rows"


def list_differences(adapter: str | None, data: DataOptions) -> list[str] | None:
    """The options in `SAME` that differ from those of the run beside the adapter; None where there is none."""
    told = read_json(Path(adapter).parent / "run.json").get("options") if adapter else None
    if not isinstance(told, dict):
        return None
    before, now = {name: told.get(name) for name in SAME}, {name: getattr(data, name) for name in SAME}
    for options in (before, now):  # one folder has many names
        options["data"] = str(Path(str(options["data"])).expanduser().resolve())
    return [name for name in SAME if before[name] != now[name]]


def describe_origin(split: str, asked: int, kind: str, differences: list[str] | None) -> Origin:
    """What is kept of where the films come from, with a warning where they may not be new to the adapter."""
    warning = ""
    if differences and split != "train":
        warning = (
            f"not the {', '.join(differences)} of the adapter's training, so it may have been trained on these {split} "
            "films, and its figures flatter it."
        )
    return Origin(split, asked, kind, differences == [], warning)


def choose_rows(rows: Sequence[Row], limit: int, seed: int) -> Sequence[Row]:
    """All rows, or `limit` of them drawn by the seed, in their order."""
    if not limit or len(rows) <= limit:
        return rows
    return [rows[i] for i in sorted(np.random.default_rng(seed).permutation(len(rows))[:limit].tolist())]


def choose_contenders(options: AssessOptions, adapter: str | None, own_findings: tuple[str, ...]) -> Contenders:
    """Base and adapter as they are named; the base is the adapter's own unless another is.

    `own_findings`: those of the data, for a base without an adapter.
    """
    token = os.environ.get("HF_TOKEN")
    revision = options.adapter_revision or None
    base = options.base or (read_base(fetch(adapter, revision, token)) if adapter else choose_base())
    return Contenders(
        base, adapter, options.base_revision or None, revision, options.precision or None, own_findings, token
    )


def hear(
    contenders: Contenders, films: Sequence[Row], validation: Sequence[Row], origin: Origin, out: Path
) -> dict[str, Heard]:
    """Let each read every film, one model in memory at a time; what they say is kept in `out` as they say it."""
    loaders: dict[str, Callable[[], Reader]] = {"base": contenders.load_base}
    if contenders.adapter:
        loaders["adapter"] = contenders.load_adapter
    heard = {}
    for name, load in loaders.items():
        gc.collect()  # the weights before, those of a training in the same process, too, go before the next ones come
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        logger.info("%s: loading the model ...", name)
        heard[name] = listen(load(), name, films, validation, origin, out)
    return heard


def listen(
    reader: Reader, name: str, films: Sequence[Row], validation: Sequence[Row], origin: Origin, out: Path
) -> Heard:
    """What one reader says of all films, and the Platt scaling that belongs to it.

    Validation films come first: by the scaling that is fitted on them the reports of the others are guided.

    Raises:
        CxrError: not one film can be opened.
    """

    def classify(rows: Sequence[Row]) -> Iterator[Reading]:
        return classify_cases(reader, open_films(rows, f"{name}, validation films"))

    place = out / KEPT.format(f"{name}-validation")
    checked = read_on(place, mark_readings(reader, validation), validation, classify)
    outcome = collect_outcome(checked) if checked else None
    calibration = fit(outcome, origin.data_kind)

    def read(rows: Sequence[Row]) -> Iterator[Reading]:
        return read_cases(reader, open_films(rows, f"{name}, {origin.split} films"), guide=calibration)

    readings = read_on(out / KEPT.format(name), mark_readings(reader, films, calibration), films, read)
    if not readings:
        raise CxrError(f"None of the {len(films)} {origin.split} films can be opened.")
    return Heard(readings, outcome, calibration)


def open_films(rows: Sequence[Row], words: str) -> Iterator[Case]:
    """The films one by one, with progress; those that cannot be opened are left out and counted in a sentence."""
    began, faults = time.monotonic(), []
    for done, row in enumerate(rows, start=1):
        try:
            case = open_case(row)
        except CxrError as error:
            faults.append(str(error))
        else:
            yield case
        if done * 10 // len(rows) > (done - 1) * 10 // len(rows):
            left = (time.monotonic() - began) / done * (len(rows) - done)
            logger.info("%s: %d of %d, about %.0f s left", words, done, len(rows), left)
    if faults:
        logger.warning("%s: %d of %d are left out; the first: %s", words, len(faults), len(rows), faults[0])


def fit(outcome: Outcome | None, kind: str) -> Calibration | None:
    """Platt scaling of one reader; None where no finding has enough of both kinds of film."""
    if outcome is None:
        return None
    population = name_population(len(outcome.truth), kind)
    calibration = calibrate(outcome, population, TESTED_ON[kind])
    return calibration if calibration.scales else None


def store_calibration(heard: Heard, folder: Path) -> None:
    """Write the adapter's `calibration.json`; with too few films say so, since the figures are still worth having."""
    if heard.calibration is None:
        logger.warning(
            "No finding has %d validation films with it and %d without it, so no calibration is stored.", FEWEST, FEWEST
        )
        return
    write_calibration(heard.calibration, folder)
    logger.info("The calibration of %d findings is stored in %s.", len(heard.calibration.scales), folder)
