"""The soft parts of a chest seen from the side, the patient facing the left of the picture.

The cavity is the one of `frontal`, seen along its width; the upper spine bends forwards.
"""

import numpy as np

from cxr.films.phantom.frontal import APEX, DEPTH, LATERAL, bend_grid
from cxr.films.phantom.geometry import Array, Plane, ellipsoid, noise, ramp, smooth, unite
from cxr.films.phantom.patient import Patient
from cxr.films.phantom.scene import Scene

KYPHOSIS = (
    (-26.0, -4.6),
    (-18.0, -2.6),
    (-13.0, -1.4),
    (-7.0, 0.1),
    (0.0, 0.8),
    (7.0, 0.7),
    (14.0, -0.3),
    (22.0, -1.2),
)
FRONT = ((-40.0, 4.6), (-19.0, 5.0), (-15.5, 6.2), (-12.0, 8.6), (-6.0, 10.0), (2.0, 11.3), (12.0, 11.6), (40.0, 11.4))
BACK = ((-40.0, 5.6), (-19.0, 6.4), (-15.5, 8.2), (-11.0, 10.4), (-4.0, 11.6), (4.0, 12.2), (12.0, 11.6), (40.0, 10.6))
BREADTH = (
    (-40.0, 6.0),
    (-19.0, 7.5),
    (-15.5, 13.0),
    (-11.0, 16.0),
    (-4.0, 15.6),
    (6.0, 15.2),
    (40.0, 15.2),
)  # half of it


def build_lateral(plane: Plane, patient: Patient) -> Scene:
    """The scene of a lateral film, without bones, vessels or findings."""
    x, y = bend_grid(plane, patient)
    along = x - smooth(KYPHOSIS, y)
    depth, breadth = smooth(DEPTH, y, 0.12), smooth(LATERAL, y, 0.12) * np.float32(patient.width)
    round_ = np.maximum(1 - (np.abs(along) / np.maximum(depth, 0.1)) ** np.float32(2.4), 0) ** np.float32(1 / 2.4)
    each = np.maximum(breadth * round_ - np.float32(2.0), 0) * ramp(y - APEX, 1.5)
    domes = [_dome_height(along, y, top, patient.flat) for top in patient.dome]
    taken = [np.minimum(np.sqrt(np.maximum(-above, 0) / np.float32(1.8)), 1) for above in domes]
    heart, vessels = _mediastinum(along, y, patient)
    lung = each * (2 - taken[0] - taken[1])
    lung = np.maximum(lung - np.minimum(unite(heart, vessels), 0.82 * lung + 0.1), 0)
    body = np.maximum(_trunk(along, y, patient), lung + 2)
    scene = Scene(
        plane,
        patient,
        x,
        y,
        body,
        lung,
        depth - np.abs(along),
        np.minimum(*domes),
        heart,
        hila=((0.6, -1.0), (1.4, -0.2)),
        apex=APEX,
    )
    scene.air = _airways(along, y) + _stomach(scene, along)
    return scene


def _dome_height(along: Array, y: Array, top: float, flat: float) -> Array:
    """cm above one dome, which falls far more behind than in front."""
    reach = (along + 2.2) / 10
    fall = np.where(reach > 0, 6.0 * np.abs(reach) ** 1.9, 2.4 * reach * reach).astype(np.float32)
    return np.float32(top) + fall * np.float32(flat) - y


def _mediastinum(along: Array, y: Array, patient: Patient) -> tuple[Array, Array]:
    """Chords of the heart, and of the arch, the great vessels and the hila."""
    size, low = patient.heart, float(np.mean(patient.dome)) - 8.6
    ventricles = ellipsoid(along, y, (-3.6 - 0.4 * size, 5.0 + 0.8 * low), (6.3 * size, 5.0 * size**0.5, 6.3), 0.75)
    atrium = ellipsoid(along, y, (-0.3 + 1.2 * (size - 1), 3.4 + 0.8 * low), (3.8 * size, 4.4, 5.0))
    rising = ellipsoid(along, y, (-2.4, -2.6), (2.0 * patient.aorta, 4.6, 4.0), 0.15)
    arch = ellipsoid(along, y, (0.4, -5.6), (4.0, 1.7 * patient.aorta, 3.4), -0.15)
    falling = 2.6 * np.exp(-np.square((along - np.float32(4.2)) / np.float32(1.5 * patient.aorta))) * ramp(y + 5, 3)
    hila = ellipsoid(along, y, (0.8, -0.6), (2.0, 2.6, 2.6))
    upper = 4.6 * np.exp(-np.square((along - 0.2) / 3.4)) * ramp(-3.0 - y, 5)
    return unite(ventricles, atrium), unite(rising, arch, falling.astype(np.float32), hila, upper.astype(np.float32))


def _trunk(along: Array, y: Array, patient: Patient) -> Array:
    """The chord of everything, lungs included: trunk, neck, shoulders, the raised arms, breasts."""
    stout = 0.86 + 0.32 * patient.habitus
    half = np.where(along < 0, smooth(FRONT, y), smooth(BACK, y)) * np.float32(stout)
    across = np.abs(along) / half
    chord = (
        2
        * smooth(BREADTH, y)
        * np.float32(0.9 + 0.2 * patient.habitus)
        * np.maximum(1 - across ** np.float32(2.2), 0) ** np.float32(1 / 2.2)
    )
    lift = along + np.float32(1.0) + (y + 11) * np.float32(-0.34)
    arms = (
        3.0 * np.sqrt(np.maximum(np.float32((4.6 + 1.5 * patient.habitus) ** 2) - lift * lift, 0)) * ramp(-9.0 - y, 6)
    )
    chord = unite(chord, arms)
    if patient.sex == "M":
        return chord
    rng = np.random.default_rng([patient.seed, 3])
    level, full = 6.0 + 2 * patient.habitus, 4.2 + 2.6 * patient.habitus + rng.uniform(-0.5, 0.5)
    dx, dy = (along + 9.4 * stout) / np.float32(full), y - level
    dy = np.where(dy < 0, dy / 9.5, dy / 4.4)
    return chord + 7 * np.maximum(1 - dx * dx - dy * dy, 0) ** np.float32(1.1)


def _airways(along: Array, y: Array) -> Array:
    """The trachea, which runs down and backwards, and the left main bronchus end on."""
    off = along + np.float32(0.6) - (y + 6) * np.float32(0.09)
    trachea = 2 * np.sqrt(np.maximum(0.8**2 - off * off, 0)) * ramp(-1.6 - y, 1.2)
    return np.maximum(trachea, ellipsoid(along, y, (0.7, -0.9), (0.65, 0.6, 1.3)))


def _stomach(scene: Scene, along: Array) -> Array:
    """Gas under the left dome."""
    rng = np.random.default_rng([scene.patient.seed, 4])
    top = scene.patient.dome[1]
    ragged = noise(rng, scene.plane.size, 14) * np.float32(0.25)
    wide, tall = rng.uniform(2.2, 3.6), rng.uniform(1.2, 2.2)
    gas = ellipsoid(
        along + ragged, scene.y + ragged, (rng.uniform(-3, 0.5), top + tall + 1.2), (wide, tall, rng.uniform(2.5, 4.0))
    )
    for _ in range(int(rng.integers(1, 5))):
        place = (rng.uniform(-8, 2), top + rng.uniform(4, 12))
        gas = np.maximum(
            gas, ellipsoid(along + ragged, scene.y, place, (rng.uniform(0.6, 2.0), rng.uniform(0.5, 1.2), 1.6))
        )
    return gas
