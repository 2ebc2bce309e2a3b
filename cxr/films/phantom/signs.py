"""The radiographic signs: what each of the 14 findings changes in a patient or a scene, and where.

Signs follow Hansell et al., "Fleischner Society: Glossary of Terms for Thoracic Imaging", Radiology 2008. A change of
the whole chest (a large heart, a low diaphragm) is made before anything is drawn; the rest is painted into the scene.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cxr.films.phantom import signs_air, signs_lung, signs_pleura
from cxr.films.phantom.geometry import Array
from cxr.films.phantom.patient import Patient
from cxr.films.phantom.scene import Scene
from cxr.results import Observation, Side

Paint = Callable[[Scene, int, Observation, np.random.Generator], Array]  # (scene, side, ...) -> mask
EXTENT = {"small": 0, "moderate": 1, "large": 2}


def extent(item: Observation) -> int:
    """0, 1 or 2 for small, moderate and large."""
    return EXTENT[item.size or "moderate"]


def sides_of(side: Side | None) -> tuple[int, ...]:
    """-1 for the patient's right, 1 for the left; 0 where the view or the finding has none."""
    return {"right": (-1,), "left": (1,), "both": (-1, 1), None: (0,)}[side]


def shape_patient(patient: Patient, item: Observation) -> Patient:
    """The patient with what the finding changes about the whole chest."""
    grade, sides = extent(item), sides_of(item.side)
    towards = sides[0] if len(sides) == 1 else 0
    if item.finding == "cardiomegaly":
        return replace(patient, heart=max(patient.heart, 0.98) * max(patient.width, 0.97) * (1.2, 1.32, 1.45)[grade])
    if item.finding == "emphysema":
        low = (1.8, 2.6, 3.4)[grade]
        return replace(
            patient,
            dome=(patient.dome[0] + low, patient.dome[1] + low),
            flat=0.55 - 0.12 * grade,
            heart=patient.heart * 0.88,
            density=patient.density * (0.72, 0.6, 0.5)[grade],
            marking=patient.marking * (0.65, 0.52, 0.4)[grade],
            width=patient.width * 1.02,
        )
    if item.finding == "effusion" and grade == 2:
        return replace(patient, shift=patient.shift - 1.3 * towards)
    if item.finding == "pneumothorax" and grade == 2:
        return replace(patient, shift=patient.shift - 0.9 * towards)
    if item.finding in ("atelectasis", "fibrosis"):
        lift = {"atelectasis": (0.6, 1.2, 2.2), "fibrosis": (0.1, 0.35, 0.7)}[item.finding][grade]
        dome = (
            patient.dome[0] - lift * (-1 in sides or 0 in sides),
            patient.dome[1] - lift * (1 in sides or 0 in sides),
        )
        return replace(patient, dome=dome, shift=patient.shift + (0.0, 0.2, 0.7)[grade] * towards)
    return patient


def paint_finding(scene: Scene, item: Observation) -> Array:
    """Draws the finding into the scene; returns where it is, H x W bool."""
    mask = np.zeros(scene.lung.shape, bool)
    for side in sides_of(item.side):
        rng = np.random.default_rng([scene.patient.seed, 11, side + 1, *item.finding.encode()])
        mask |= PAINT[item.finding](scene, side, item, rng)
    return mask


def _show_heart(scene: Scene, side: int, item: Observation, rng: np.random.Generator) -> Array:
    """Cardiomegaly was made with the patient; the mask is the heart above the diaphragm."""
    return (scene.heart > 1.5) & (scene.above > 0)


def _show_lungs(scene: Scene, side: int, item: Observation, rng: np.random.Generator) -> Array:
    """Emphysema was made with the patient; large bullae are added to the worst."""
    if extent(item) == 2:
        signs_air.paint_bullae(scene, rng)
    return scene.lung > 2.5


PAINT: dict[str, Paint] = {
    "pneumothorax": lambda scene, side, item, rng: signs_air.paint_pneumothorax(scene, side, extent(item), rng),
    "effusion": lambda scene, side, item, rng: signs_pleura.paint_effusion(scene, side, extent(item), rng),
    "edema": lambda scene, side, item, rng: signs_lung.paint_edema(scene, extent(item), rng),
    "consolidation": lambda scene, side, item, rng: signs_lung.paint_consolidation(
        scene, side, item.zone, extent(item), rng
    ),
    "pneumonia": lambda scene, side, item, rng: signs_lung.paint_pneumonia(scene, side, item.zone, extent(item), rng),
    "infiltration": lambda scene, side, item, rng: signs_lung.paint_infiltration(
        scene, side, item.zone, extent(item), rng
    ),
    "atelectasis": lambda scene, side, item, rng: signs_lung.paint_atelectasis(
        scene, side, item.zone, extent(item), rng
    ),
    "mass": lambda scene, side, item, rng: signs_lung.paint_mass(scene, side, item.zone, extent(item), rng),
    "nodule": lambda scene, side, item, rng: signs_lung.paint_nodule(scene, side, item.zone, extent(item), rng),
    "cardiomegaly": _show_heart,
    "emphysema": _show_lungs,
    "fibrosis": lambda scene, side, item, rng: signs_lung.paint_fibrosis(scene, side, item.zone, extent(item), rng),
    "pleural_thickening": lambda scene, side, item, rng: signs_pleura.paint_thickening(
        scene, side, item.zone, extent(item), rng
    ),
    "hernia": lambda scene, side, item, rng: signs_air.paint_hernia(scene, extent(item), rng),
}
