"""The soft parts of a chest seen from the front: trunk, lungs, diaphragm, heart, airways, stomach."""

import numpy as np

from cxr.films.phantom.geometry import Array, Plane, ellipsoid, fractal, noise, ramp, smooth, unite
from cxr.films.phantom.patient import Patient
from cxr.films.phantom.scene import Scene

# Half widths and half depths of the cavity by height (y, cm). The top of the lungs is at y = -13.5.
APEX = -13.5
LATERAL = (
    (-13.5, 5.0),
    (-13.35, 6.2),
    (-13.0, 7.3),
    (-12.3, 8.6),
    (-11.0, 10.1),
    (-9.0, 11.4),
    (-6.0, 12.6),
    (-2.0, 13.3),
    (3.0, 13.8),
    (8.0, 13.9),
    (13.0, 13.7),
    (18.0, 13.0),
)
MEDIAL = ((-13.5, 5.0), (-13.35, 3.9), (-12.8, 3.0), (-11.5, 2.5), (-9.0, 1.9), (-5.0, 1.2), (20.0, 0.9))
DEPTH = ((-13.5, 0.4), (-12.9, 2.4), (-11.5, 4.2), (-9.0, 6.0), (-4.0, 8.2), (2.0, 9.6), (9.0, 10.2), (20.0, 10.0))
TRUNK = (
    (-40.0, 6.6),
    (-20.5, 5.9),
    (-17.5, 6.3),
    (-16.2, 8.0),
    (-15.0, 11.6),
    (-14.0, 14.6),
    (-12.6, 17.2),
    (-10.5, 19.0),
    (-8.0, 19.6),
    (-4.5, 19.0),
    (-1.5, 17.3),
    (1.0, 16.3),
    (7.0, 16.2),
    (13.0, 16.0),
    (20.0, 15.6),
    (40.0, 16.0),
)
RIGHT_BORDER = ((-14.0, 2.9), (-10.0, 2.6), (-5.0, 2.9), (-1.0, 3.3), (4.0, 2.6), (14.0, 2.3))  # of the mediastinum
LEFT_BORDER = ((-14.0, 2.8), (-10.0, 2.5), (-7.0, 2.6), (-3.0, 3.2), (2.0, 2.9), (14.0, 2.7))
FILLED = (
    (-14.0, 0.72),
    (-9.0, 0.62),
    (-4.0, 0.54),
    (1.0, 0.4),
    (6.0, 0.32),
    (14.0, 0.34),
)  # of the cavity's depth, in the middle
THICK = ((-40.0, 6.0), (-18.0, 5.8), (-14.5, 5.6), (-10.0, 7.6), (-5.0, 9.8), (2.0, 11.0), (12.0, 11.2), (40.0, 11.0))


def build_frontal(plane: Plane, patient: Patient) -> Scene:
    """The scene of a PA or AP film, without bones, vessels or findings."""
    x, y = bend_grid(plane, patient)
    away = np.abs(x)
    lateral, medial = smooth(LATERAL, y, 0.12) * patient.width, smooth(MEDIAL, y, 0.12)
    wall = lateral - away
    half = np.maximum((lateral - medial) / 2, 1e-3)
    off = np.abs(away - (lateral + medial) / 2) / half
    depth = smooth(DEPTH, y, 0.12) * np.float32(0.9)  # the chest wall and the curve of the ribs take the rest
    round_ = np.maximum(1 - off ** np.float32(2.7), 0) ** np.float32(1 / 2.7) * ramp(y - APEX - 0.1, 0.3)
    cavity = 2 * depth * round_
    above = _dome_height(x, y, patient)
    abdomen = 2 * depth * np.sqrt(np.maximum(-above, 0) / np.float32(3.2 * patient.flat))
    heart, mediastinum = _mediastinum(x, y, depth, patient)
    lung = np.maximum(cavity - np.maximum(abdomen, unite(heart, mediastinum)), 0)
    body = _trunk(x, y, patient)
    scene = Scene(
        plane,
        patient,
        x,
        y,
        np.maximum(body, lung + 1),
        lung,
        wall,
        above,
        heart,
        hila=((-4.3 + patient.shift, -0.3), (4.6 + patient.shift, -1.2)),
        apex=APEX,
    )
    scene.air = _airways(x, y, patient) + _stomach(scene)
    return scene


def bend_grid(plane: Plane, patient: Patient) -> tuple[Array, Array]:
    """The grid with small bends, so that no edge is a perfect curve."""
    rng = np.random.default_rng([patient.seed, 2])
    x, y = plane.grid
    bend = [
        noise(rng, plane.size, cells) * np.float32(size)
        for cells in (5, 14)
        for size in (0.28 if cells == 5 else 0.07,)
    ]
    return x + bend[0] + bend[1], y + noise(rng, plane.size, 6) * np.float32(0.22)


def _dome_height(x: Array, y: Array, patient: Patient) -> Array:
    """cm above the top surface of the diaphragm under every point."""
    right = x < 0
    top = np.where(right, np.float32(patient.dome[0]), np.float32(patient.dome[1]))
    reach = (np.abs(x) - 6.0) / 7.6
    fall = np.where(reach > 0, 4.6 * np.abs(reach) ** 2.2, 0.9 * reach * reach).astype(np.float32)
    return top + fall * np.float32(patient.flat) - y


def _mediastinum(x: Array, y: Array, depth: Array, patient: Patient) -> tuple[Array, Array]:
    """Chords of the heart, and of the vessels and tissue above and behind it."""
    x = x - np.float32(patient.shift)
    size, low = patient.heart, patient.dome[1] - 9.2
    ventricle = ellipsoid(x, y, (2.6 * size, 5.7 + 0.9 * low), (6.6 * size, 4.9 * size**0.5, 6.0), 0.6)
    atrium = ellipsoid(x, y, (-1.4 * size, 4.9 + 0.9 * low), (3.7 * size, 5.2, 5.2))
    trunk = ellipsoid(x, y, (2.1, 0.2 + 0.5 * low), (2.6 + 0.2 * max(low, 0), 5.0 + 0.6 * low, 4.6), -0.3)
    seat = ellipsoid(x, y, (1.2, 9.0 + low), (5.8 * size, 3.0, 6.5))
    heart = unite(ventricle, atrium, trunk, seat)
    knob = ellipsoid(x, y, (1.9, -5.4), (2.1 * patient.aorta, 1.9 * patient.aorta, 5.0))
    side = np.where(x > 0, smooth(LEFT_BORDER, y) * np.float32(patient.aorta**0.5), smooth(RIGHT_BORDER, y))
    across = np.abs(x) / side
    slab = 2 * depth * smooth(FILLED, y) * np.maximum(1 - across ** np.float32(2.6), 0) ** np.float32(0.5)
    return heart, unite(slab, knob)


def _trunk(x: Array, y: Array, patient: Patient) -> Array:
    """The chord of everything, lungs included: trunk, neck, shoulders, arms, breasts, folds."""
    stout = 0.88 + 0.3 * patient.habitus
    half = smooth(TRUNK, y) * np.float32(stout * patient.width**0.5)
    thick = smooth(THICK, y) * np.float32(0.93 + 0.27 * patient.habitus)
    across = np.abs(x) / half
    chord = 2 * thick * np.maximum(1 - across ** np.float32(2.3), 0) ** np.float32(1 / 2.3)
    lean = 0.42 if patient.view == "PA" else 0.16
    arms = [_arm(np.abs(x), y, 18.2 * stout, lean, 4.0 + 2.2 * patient.habitus)]
    chord = unite(chord, *arms)
    return chord + (_breasts(x, y, patient) if patient.sex == "F" else _pectorals(x, y, patient))


def _arm(away: Array, y: Array, start: float, lean: float, radius: float) -> Array:
    """An upper arm as a cylinder that hangs from the shoulder and leans outwards."""
    off = (away - np.float32(start) - np.float32(lean) * (y + 8)) * np.float32(np.cos(np.arctan(lean)))
    return 2 * np.sqrt(np.maximum(np.float32(radius**2) - off * off, 0)) * ramp(y + 9.5, 6)


def _breasts(x: Array, y: Array, patient: Patient) -> Array:
    """Two caps with a sharper lower edge."""
    rng = np.random.default_rng([patient.seed, 3])
    full = 2.6 + 3.6 * patient.habitus + rng.uniform(-0.6, 0.6)
    level = 5.5 + 0.04 * (patient.age - 40) + 2 * patient.habitus
    total = np.zeros_like(x)
    for side in (-1, 1):
        dx, dy = (x - side * 8.2) / (6.4 + 1.4 * patient.habitus), y - level
        dy = np.where(dy < 0, dy / 9.5, dy / 5.6)
        total += np.float32(full) * np.maximum(1 - dx * dx - dy * dy, 0) ** np.float32(0.9)
    return total


def _pectorals(x: Array, y: Array, patient: Patient) -> Array:
    """The chest muscles, whose lower edges run up to the armpits."""
    away = np.abs(x)
    edge = 1.5 - 0.55 * (away - 7)
    return (
        np.float32(1.4 - 0.6 * patient.habitus)
        * ramp(edge - y, 5)
        * ramp(y + 10, 9)
        * ramp(away - 4, 6)
        * ramp(17 - away, 5)
    )


def _airways(x: Array, y: Array, patient: Patient) -> Array:
    """The gas of trachea and main bronchi."""
    x = x - np.float32(0.6 * patient.shift + patient.trunk * 0.6)
    bend = x + np.float32(0.5) * np.exp(-((y + 5.5) ** 2) / 8)
    trachea = 2 * np.sqrt(np.maximum(0.85**2 - bend * bend, 0)) * ramp(-4.2 - y, 1.2)
    right = (x + 0.3 + (y + 4.6) * 0.62) * 0.85
    left = (x - 0.3 - (y + 4.6) * 1.05) * 0.69
    within = ramp(y + 4.7, 0.8)
    bronchi = [
        2 * np.sqrt(np.maximum(np.float32(r * r) - off * off, 0)) * within * ramp(end - y, 2.5)
        for off, r, end in ((right, 0.65, -0.5), (left, 0.6, -1.4))
    ]
    return np.maximum(trachea, np.maximum(*bronchi)) * np.float32(0.95)


def _stomach(scene: Scene) -> Array:
    """Gas under the left dome and in the bowel."""
    rng = np.random.default_rng([scene.patient.seed, 4])
    left, gas = scene.patient.dome[1], np.zeros_like(scene.x)
    under = ramp(-scene.above - 0.6, 0.4)
    wide, tall = rng.uniform(2.0, 3.6), rng.uniform(1.2, 2.4)
    ragged = fractal(rng, scene.plane.size, 12, 3) * np.float32(0.45)
    x, y = scene.x + ragged, scene.y + noise(rng, scene.plane.size, 12) * np.float32(0.3)
    gas += ellipsoid(
        x, y, (rng.uniform(5.5, 7.5), left + tall + rng.uniform(0.8, 1.6)), (wide, tall, rng.uniform(2.5, 4.0))
    )
    for _ in range(int(rng.integers(1, 6))):
        place = (rng.uniform(2, 12) if rng.random() < 0.7 else rng.uniform(-11, 2), left + rng.uniform(4, 13))
        gas = np.maximum(
            gas,
            ellipsoid(
                x, y, place, (rng.uniform(0.6, 2.2), rng.uniform(0.5, 1.3), rng.uniform(0.3, 1.2)), rng.uniform(0, 3)
            ),
        )
    return gas * under * ramp(14.5 - np.abs(scene.x), 2)
