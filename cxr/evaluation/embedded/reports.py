"""What reports name, read back: beside readers that do not look, on drawn films, and without the adapter.

Read by `statements.read_statements`, rules of our own and not CheXbert: do not compare with published figures.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from cxr.evaluation.answers import divide
from cxr.evaluation.classification import KEYS, Outcome, measure_macro
from cxr.evaluation.embedded.probabilities import count_films
from cxr.evaluation.embedded.tallies import Sums, Tallies, measure_sums, subtract, tally, write_rows, write_section
from cxr.evaluation.intervals import RESAMPLES, Pair, bootstrap, bootstrap_all, compare
from cxr.evaluation.readings import Reading, collect_outcome
from cxr.evaluation.text import read_asserted, read_named
from cxr.model.calibration import Calibration, judge
from cxr.priors import mentions_prior
from cxr.results import Verdict

OURS, NORMAL, OTHER = "the model", "nothing, always", "the report of another patient's film"
SURE = "the model, without what it calls possible"
GREEDY = 200  # real films whose reports are counted
MOST_COMMON = (1, 2, 3)


def list_named(readings: Sequence[Reading], read: Callable[[str], Collection[str]] = read_named) -> np.ndarray:
    """films x 14 bool: what reports assert or call possible, or as else they are read."""
    said = [read(reading.report) for reading in readings]
    return np.array([[key in each for key in KEYS] for each in said])


def count_agreement(asserted: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """What each film adds to F1. asserted: films x 14, how surely (0..1); truth: films x 14, -1 unknown."""
    return {"agreed": (asserted * (truth == 1)).sum(1), "asserted": (asserted * (truth >= 0)).sum(1)}


def swap_reports(asserted: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """films x 14 in 0..1: how often a report of another patient's film asserts each finding, on average over all."""
    mean = np.zeros(asserted.shape)
    for place, patient in enumerate(patients):
        others = asserted[patients != patient]
        mean[place] = others.mean(0) if len(others) else 0
    return mean


def count_readers(readings: Sequence[Reading]) -> Tallies:
    """What each film adds to the F1 of the model and of readers that do not look at it."""
    outcome = collect_outcome(readings)
    truth, patients, named = outcome.truth[:, : len(KEYS)], outcome.patients, list_named(readings)
    order = np.argsort(-(truth == 1).sum(0), kind="stable")
    readers = {OURS: named, NORMAL: np.zeros_like(named), OTHER: swap_reports(named, patients)}
    readers[SURE] = list_named(readings, read_asserted)
    for count in MOST_COMMON:
        readers[f"the {count} most frequent of these films, always"] = np.tile(
            np.isin(np.arange(len(KEYS)), order[:count]), (len(truth), 1)
        )
    columns = {
        f"{name}/{what}": values
        for name, said in readers.items()
        for what, values in count_agreement(said, truth).items()
    }
    columns["present"] = (truth == 1).sum(1)
    return Tallies(patients, np.column_stack(list(columns.values())).astype(float), tuple(columns))


def measure_f1s(sums: Sums) -> dict[str, float]:
    """Micro F1 of each reader."""
    readers = [name.removesuffix("/agreed") for name in sums if name.endswith("/agreed")]
    return {name: divide(2 * sums[f"{name}/agreed"], sums[f"{name}/asserted"] + sums["present"]) for name in readers}


def write_agreement(readings: Sequence[Reading], resamples: int = RESAMPLES) -> str:
    """The F1 of real films beside that of readers that do not look."""
    figures = measure_sums(count_readers(readings), lambda sums: subtract(measure_f1s(sums), OURS), resamples)
    words = f"{count_films(readings)}. Micro F1 of the findings that are known, asserted or called possible; paired."
    return write_section(
        "Real films: findings that reports name", words, write_rows(figures), ("what is named", "F1 [95 %]")
    )


def write_variety(readings: Sequence[Reading]) -> str:
    """How many different things are said, and whether of earlier films."""
    some = readings[:GREEDY]
    said = [frozenset((item.finding, item.side) for item in read_named(reading.report).values()) for reading in some]
    prior = sum(mentions_prior(reading.report) for reading in some)
    rows = [
        f"| distinct sets of (finding, side) | {len(set(said))} |",
        f"| distinct reports | {len({reading.report for reading in some})} |",
        f"| reports with a reference to an earlier film | {prior} |",
    ]
    return write_section("Real films: variety of reports", f"{count_films(some)}, greedy.", rows, ("of reports", "n"))


def count_drawn(reading: Reading) -> dict[str, float]:
    """What a drawn film, whose reference says exactly what is on it, adds to the figures of reports."""
    said, true = read_named(reading.report), read_asserted(reading.reference)
    sided = [item for item in true.values() if item.side]
    right = sum(item.finding in said and said[item.finding].side == item.side for item in sided)
    return {
        "films": 1,
        "agreed": len(said.keys() & true.keys()),
        "named": len(said) + len(true),
        "exact": said.keys() == true.keys(),
        "sided": len(sided),
        "reported": sum(item.finding in said for item in sided),
        "right": right,
    }


def tally_drawn(readings: Sequence[Reading]) -> Tallies:
    """`count_drawn` of every film."""
    return tally([reading.patient for reading in readings], [count_drawn(reading) for reading in readings])


def measure_drawn(sums: Sums) -> dict[str, float]:
    """The figures of drawn films' reports."""
    return {
        "findings of reports: micro F1": divide(2 * sums["agreed"], sums["named"]),
        "reports with exactly the findings present": divide(sums["exact"], sums["films"]),
        "right side, of findings with a side that are reported": divide(sums["right"], sums["reported"]),
        "right side, of all findings with a side": divide(sums["right"], sums["sided"]),
    }


def write_drawn(readings: Sequence[Reading], seeds: range, resamples: int = RESAMPLES) -> str:
    """Probabilities and reports of drawn films."""
    macro = bootstrap(collect_outcome(readings), measure_macro, resamples)
    counts = tally_drawn(readings)
    figures = {"macro AUROC, all 14": macro, **measure_sums(counts, measure_drawn, resamples)}
    words = f"{len(readings)} films with the seeds {seeds.start} to {seeds.stop - 1}, each a patient of its own."
    return write_section("Drawn films", words, write_rows(figures))


def count_switch(on: Reading, off: Reading, calibration: Calibration | None) -> dict[str, float]:
    """What a film adds to the figures of the adapter: what changes, and how right both are."""
    known = {key for key, mark in zip(on.keys, on.truth, strict=True) if mark >= 0}
    true = {key for key, mark in zip(on.keys, on.truth, strict=True) if mark == 1}
    said = {name: read_named(reading.report).keys() & known for name, reading in (("on", on), ("off", off))}
    moved = [abs(p - q) for p, q in zip(on.probabilities, off.probabilities, strict=True)]
    return {
        "films": 1,
        "moved": sum(moved) / len(moved),
        "verdicts": list_verdicts(on, calibration) != list_verdicts(off, calibration),
        "reports": said["on"] != said["off"],
        "present": len(true),
        **{f"adapter {name}/agreed": len(those & true) for name, those in said.items()},
        **{f"adapter {name}/asserted": len(those) for name, those in said.items()},
    }


def list_verdicts(reading: Reading, calibration: Calibration | None) -> dict[str, Verdict]:
    """What the operating points make of the served probabilities; findings without any are left out."""
    scales = calibration.scales if calibration else {}
    said: Mapping[str, float] = dict(zip(reading.keys, reading.probabilities, strict=True))
    return {key: judge(p, scales[key]) for key, p in said.items() if key in scales}


def measure_switch(sums: Sums) -> dict[str, float]:
    """What the adapter changes, and the F1 with and without it."""
    return {
        "mean change of a probability": divide(sums["moved"], sums["films"]),
        "films with another verdict (present, not sure, absent)": divide(sums["verdicts"], sums["films"]),
        "films whose report names other findings": divide(sums["reports"], sums["films"]),
        **{f"report F1, {name}": value for name, value in measure_f1s(sums).items()},
    }


def write_switch(
    on: Sequence[Reading], off: Sequence[Reading], calibration: Calibration | None, resamples: int = RESAMPLES
) -> str:
    """What switching the adapter off changes on real films."""
    counts = tally(
        [reading.patient for reading in on],
        [count_switch(each, other, calibration) for each, other in zip(on, off, strict=True)],
    )
    name = "report F1, adapter off"

    def measure(sums: Sums) -> dict[str, float]:
        values = measure_switch(sums)
        return values | {f"above {name}": values["report F1, adapter on"] - values[name]}

    pair = Pair(collect_outcome(off), collect_outcome(on))
    words = {"adapter/": "macro AUROC, adapter on", "base/": "macro AUROC, adapter off"}
    macros = bootstrap_all(pair, compare(_measure_macro), resamples)
    figures = measure_sums(counts, measure, resamples)
    figures |= {words.get(each, "above macro AUROC, adapter off"): figure for each, figure in macros.items()}
    told = f"{count_films(on)}, read with the adapter and without it on the same canvas, with the same calibration."
    return write_section("Real films: the adapter switched off", told, write_rows(figures))


def _measure_macro(outcome: Outcome) -> dict[str, float]:
    return {"": measure_macro(outcome)}
