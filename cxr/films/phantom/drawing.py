"""A seed becomes a drawn film: patient, scene, findings, bones, exposure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxr.films.film import Film, View
from cxr.films.phantom import exposure, skeleton
from cxr.films.phantom.devices import lay_devices
from cxr.films.phantom.frontal import build_frontal
from cxr.films.phantom.geometry import Plane, soften
from cxr.films.phantom.lateral import build_lateral
from cxr.films.phantom.lungs import fill_lungs
from cxr.films.phantom.mix import choose_observations
from cxr.films.phantom.patient import Patient, Sex, draw_patient
from cxr.films.phantom.scene import Scene
from cxr.films.phantom.signs import paint_finding, shape_patient
from cxr.results import Observation

SMALLEST, LARGEST = 128, 1024  # px
LUNG = 2.5  # cm of lung on the beam's way, from which a pixel counts as lung


@dataclass(frozen=True)
class DrawnFilm:
    """A film that nobody was exposed for, and all that is to be known of it.

    `masks`: finding key -> H x W bool, where the finding is; one for each finding in `observations`.
    `lungs`: H x W bool, where there is lung on the beam's way. `age` in years.
    """

    film: Film
    observations: tuple[Observation, ...]
    masks: Mapping[str, np.ndarray]
    lungs: np.ndarray
    view: View
    sex: Sex
    age: int
    seed: int


def draw_film(
    seed: int,
    *,
    size: int = 512,
    view: View | None = None,
    sex: Sex | None = None,
    age: int | None = None,
    observations: Sequence[Observation] | None = None,
) -> DrawnFilm:
    """A square film of `size` px (128 to 1024) from a seed; the same seed gives the same patient at every size.

    What is None is drawn at random: `observations=()` asks for none of the 14, None for a plausible mix. Sides,
    zones and sizes that an observation leaves open are drawn as well; those that the view or the finding does not
    have are left out (a lateral has no left and right), so read the truth from the result.

    Raises ValueError when `size` is out of range.
    """
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"A drawn film has {SMALLEST} to {LARGEST} px, not {size}.")
    patient = draw_patient(seed, view, sex, age)
    truth = choose_observations(seed, patient.view != "lateral", observations)
    for item in truth:
        patient = shape_patient(patient, item)
    scene = _build_scene(patient, size)
    masks: dict[str, np.ndarray] = {}
    for item in truth:
        mask = paint_finding(scene, item)
        masks[item.finding] = masks.get(item.finding, False) | mask
    hard = 0.74 if patient.view == "lateral" else 1.0  # a lateral is taken with a harder beam
    scene.bone += lay_devices(scene.plane, patient)
    pixels = exposure.expose(scene.attenuation(exposure.SOFT * hard, exposure.BONE * hard), scene.plane, patient)
    film = Film(pixels, patient.view)
    return DrawnFilm(film, truth, masks, scene.lung > LUNG, patient.view, patient.sex, patient.age, seed)


def _build_scene(patient: Patient, size: int) -> Scene:
    plane = aim_film(patient, size)
    bone = skeleton.project_ribs(plane, patient)
    if patient.view == "lateral":
        scene = build_lateral(plane, patient)
        bone += skeleton.project_side_bones(plane, patient)
    else:
        scene = build_frontal(plane, patient)
        bone += skeleton.project_spine(plane, patient) + skeleton.project_shoulders(plane, patient)
    fill_lungs(scene)
    scene.bone = soften(bone) * np.float32(patient.bone)
    return scene


def aim_film(patient: Patient, size: int) -> Plane:
    """How the tube was aimed: the field, its middle and its turn."""
    rng = np.random.default_rng([patient.seed, 12])
    field = rng.uniform(33.5, 39.5) * (1.02 if patient.view == "AP" else 1)
    tilt = np.radians(rng.normal(0, 2.0 if patient.view == "AP" else 1.0))
    top = -13.5 - field * rng.uniform(0.06, 0.13)
    return Plane(size, field, float(rng.normal(0, 0.6)), float(top + field / 2), float(tilt))
