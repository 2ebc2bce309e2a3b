"""From the model's own probability to an honest one, and from that to present, not sure or absent.

Platt scaling (Platt, 1999) per finding, fitted on validation films and stored with the adapter as `calibration.json`.
Knows nothing about how the figures were fitted.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cxr.meaning import explain_verdict
from cxr.results import CxrError, Score, TrackRecord, Verdict

FILE = "calibration.json"
MAX_SCALE = 100.0  # of slope and intercept, beyond which every probability is 0 or 1


@dataclass(frozen=True)
class Scale:
    """One finding: calibrated logit = slope * logit + intercept, and its two operating points in 0..1."""

    slope: float
    intercept: float
    present_from: float
    absent_below: float
    tested: TrackRecord | None = None  # how right the two points were on films that had no part in choosing them


@dataclass(frozen=True)
class Calibration:
    """The scales by finding key, and on which films they hold, in words."""

    scales: Mapping[str, Scale]
    population: str

    def score(self, finding: str, probability: float) -> Score:
        """The calibrated score; a finding that was never calibrated keeps the model's probability and no verdict."""
        scale = self.scales.get(finding)
        if scale is None:
            return Score(finding, probability)
        calibrated = sigmoid(scale.slope * logit(probability) + scale.intercept)
        verdict = judge(calibrated, scale)
        meaning = explain_verdict(verdict, scale.tested) if scale.tested else ""
        return Score(
            finding, calibrated, scale.present_from, scale.absent_below, verdict, tested=scale.tested, meaning=meaning
        )


def judge(probability: float, scale: Scale) -> Verdict:
    """Present from the upper operating point on, absent below the lower one, not sure between."""
    if probability >= scale.present_from:
        return Verdict.PRESENT
    return Verdict.ABSENT if probability < scale.absent_below else Verdict.NOT_SURE


def logit(probability: float) -> float:
    """ln(p / (1 - p)), with p kept 1e-6 away from 0 and 1."""
    kept = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(kept / (1 - kept))


def sigmoid(value: float) -> float:
    """The inverse of `logit`, exact at both ends of the range."""
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


def read_calibration(folder: Path) -> Calibration | None:
    """The calibration in an adapter's folder, or None where there is none.

    Raises:
        CxrError: the file is there but is not one of ours.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        scales = {key: _read_scale(row) for key, row in data["findings"].items()}
        calibration = Calibration(scales, str(data["population"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CxrError(f"The adapter's {FILE} cannot be read ({type(error).__name__}).") from error
    if not all(map(_is_sound, scales.values())):
        raise CxrError(f"The adapter's {FILE} holds figures that make no sense.")
    return calibration


def _read_scale(row: Mapping[str, Any]) -> Scale:
    figures = {name: float(value) for name, value in row.items() if name != "tested"}
    told: Mapping[str, Any] = row.get("tested") or {}
    counts: dict[str, Any] = {name: str(value) if name == "where" else int(value) for name, value in told.items()}
    return Scale(**figures, tested=TrackRecord(**counts) if counts else None)


def _is_sound(scale: Scale) -> bool:
    tested = scale.tested or TrackRecord("", 0, 0, 0, 0, 0, 0)
    missed, called = tested.absent - tested.absent_right, tested.present + tested.absent
    counted = 0 <= tested.present_right <= tested.present and 0 <= missed <= tested.absent and called <= tested.films
    if not counted or not tested.present_right + missed <= tested.with_it <= tested.films:
        return False
    lines = abs(scale.slope) <= MAX_SCALE and abs(scale.intercept) <= MAX_SCALE  # false for what is not a number
    return lines and 0 <= scale.absent_below <= scale.present_from <= 1


def write_calibration(calibration: Calibration, folder: Path) -> None:
    """Write `calibration.json`, the inverse of `read_calibration`."""
    data = {
        "population": calibration.population,
        "findings": {key: as_row(scale) for key, scale in calibration.scales.items()},
    }
    (folder / FILE).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def as_row(scale: Scale) -> dict[str, Any]:
    """A scale as it stands in the file; what was not measured is left out."""
    return {name: value for name, value in asdict(scale).items() if value is not None}
