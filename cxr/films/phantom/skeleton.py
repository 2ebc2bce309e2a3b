"""Bones as shells in space, projected by summing many small volumes, so that their edges brighten by themselves.

The same cage serves the frontal films and the lateral. z runs forwards, in cm from the middle of the chest.
"""

import numpy as np

from cxr.films.phantom.frontal import DEPTH, LATERAL
from cxr.films.phantom.geometry import Array, Plane, draw_polygons, follow, soften, splat
from cxr.films.phantom.lateral import KYPHOSIS
from cxr.films.phantom.patient import Patient

CORTEX = 0.13  # cm
MARROW = 0.16  # of the shell's density, inside a bone


Shape = tuple[Array, float]  # an outline, N x 2 cm, and its bone in cm
# The left scapula from the front: the blade, the blade within its borders, the spine, the coracoid process.
BLADE = np.array(
    [
        (12.2, -9.0),
        (13.9, -10.6),
        (16.4, -10.4),
        (17.0, -9.4),
        (16.8, -7.8),
        (15.9, -5.6),
        (15.1, -2.0),
        (14.5, 2.2),
        (13.9, 3.2),
        (13.2, 2.4),
        (12.5, -2.5),
    ]
)
WITHIN = np.array(
    [
        (12.5, -8.6),
        (13.9, -10.1),
        (16.1, -9.9),
        (16.3, -9.2),
        (16.0, -7.8),
        (15.15, -5.6),
        (14.5, -2.0),
        (14.1, 1.7),
        (13.8, 2.6),
        (13.45, 2.1),
        (12.75, -2.5),
    ]
)
SPINE = np.array([(12.4, -7.6), (15.0, -10.2), (18.4, -12.2), (19.4, -11.6), (18.6, -11.0), (15.4, -9.4), (12.6, -7.2)])
CORACOID = np.array([(16.2, -10.6), (15.2, -11.8), (14.4, -11.6), (14.5, -11.0), (15.4, -10.3)])
SCAPULA = (BLADE, WITHIN, SPINE, CORACOID)


def rib_paths(patient: Patient, steps: int) -> tuple[Array, Array]:
    """Middle lines of 2 x 10 ribs, 20 x steps x 3 cm (x, y, z), and how far along each point lies, 0..1."""
    rng = np.random.default_rng([patient.seed, 5])
    along = np.linspace(0, 1, steps)
    angle = np.radians(-84 + 142 * along)
    paths = []
    for side in (-1, 1):
        for number in range(10):
            head = -13.0 + 2.28 * number + 0.03 * number**2 + rng.normal(0, 0.12)
            drop = (3.2, 5.6, 7.4, 8.8, 9.8, 10.6, 11.2, 11.6, 11.8, 11.8)[number] * rng.normal(1, 0.03)
            end = (1.0, 1.0, 1.0, 1.0, 1.0, 0.99, 0.95, 0.9, 0.82, 0.74)[number]
            bow = np.interp(
                along * end, (0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1), (0, -0.03, 0.05, 0.17, 0.36, 0.58, 0.8, 1)
            )
            y = head + drop * np.convolve(np.pad(bow, 4, mode="edge"), np.ones(9) / 9, "valid")
            bend = np.radians(-84 + 142 * along * end)
            level = np.maximum(np.interp(0.0, bend, y), -12.4 + 0.5 * number)  # of the rib's outermost point
            wide = float(follow(LATERAL, level)) * patient.width + 0.28 if number else 7.2
            deep = np.maximum(follow(DEPTH, y), 3.2) + 0.35
            y = y if number else y - 0.5 * np.sin(np.pi * np.minimum(along * 1.6, 1))
            paths.append(np.stack((side * wide * np.abs(np.cos(bend)) ** 0.85, y, deep * np.sin(bend)), 1))
    return np.array(paths), angle


def project_ribs(plane: Plane, patient: Patient) -> Array:
    """The bone of the ribs, cm along the beam."""
    steps = int(np.clip(22 / plane.pixel, 60, 320))
    around = int(np.clip(3.2 / plane.pixel, 14, 40))
    paths, _ = rib_paths(patient, steps)
    tangent = np.gradient(paths, axis=1)
    length = np.linalg.norm(tangent, axis=2)
    tangent /= length[..., None]
    outward = paths * (1.0, 0.0, 1.0)
    outward /= np.linalg.norm(outward, axis=2, keepdims=True)
    upright = np.cross(outward, tangent)
    upright /= np.maximum(np.linalg.norm(upright, axis=2, keepdims=True), 1e-6)
    tall = 0.66 + 0.1 * np.sin(np.linspace(0, 3, steps))
    weight = np.interp(
        np.linspace(0, 1, steps), (0, 0.45, 0.62, 1), (1.1, 1.0, 0.62, 0.55)
    )  # flatter and thinner in front
    strength = np.tile([0.35, 0.8] + 8 * [1.0], 2)[:, None]
    turn = (np.arange(around) + 0.5) / around * 2 * np.pi
    shell_area = length * 2 * np.pi * 0.52 / around
    total = np.zeros((plane.size, plane.size), np.float32)
    for scale, thickness in ((1.0, CORTEX), (0.55, MARROW * 0.45)):
        high = (np.cos(turn) * scale)[:, None] * tall[None, :]
        out = np.sin(turn) * 0.36 * scale
        points = (
            paths[:, None] + upright[:, None] * high[None, :, :, None] + outward[:, None] * out[None, :, None, None]
        )
        volume = np.broadcast_to((shell_area * weight * strength * thickness * scale)[:, None], points.shape[:3])
        across = points[..., 0] if patient.view != "lateral" else follow(KYPHOSIS, points[..., 1]) - points[..., 2]
        total += splat(plane, across, points[..., 1], volume)
    return total


def project_spine(plane: Plane, patient: Patient) -> Array:
    """The bone of the vertebrae from C6 to L2 seen from the front."""
    rng = np.random.default_rng([patient.seed, 6])
    bodies, edges, arches = [], [], []
    bend = rng.normal(0, 0.25)
    y = -23.0
    column = np.array([(-1.5, -24), (1.5, -24), (2.0, 24), (-2.0, 24)])
    edges.append((column, 0.2))
    for number in range(21):
        wide, tall = 1.25 + 0.5 * min(number / 7, 1) + 0.03 * number, 1.25 + 0.072 * number
        x = bend * np.sin(y / 9) + 0.0
        edges.append((_block(x, y, wide, tall / 2), 0.46))
        bodies.append((_block(x, y, wide - 0.14, tall / 2 - 0.13), 0.38))
        for side in (-1, 1):
            arches.append((_block(x + side * (wide - 0.5), y - 0.15, 0.28, 0.4), 0.42))
            arches.append((_block(x + side * (wide + 0.6), y - 0.1, 0.75, 0.24), 0.2))
        arches.append((_block(x + patient.trunk * 0.7, y + 0.75, 0.2, 0.5), 0.8))
        y += tall + 0.42
    return soften(draw_polygons(plane, edges + bodies) + draw_polygons(plane, arches) * np.float32(0.6)) * np.float32(
        1.15
    )


def project_side_bones(plane: Plane, patient: Patient) -> Array:
    """Vertebrae, breastbone, shoulder blades and raised arms seen from the side, cm along the beam."""
    rng = np.random.default_rng([patient.seed, 6])
    edges, bodies, arches, y = [], [], [], -22.0
    for number in range(18):
        wide, tall = 1.0 + 0.05 * number, 1.3 + 0.085 * number
        x = float(follow(KYPHOSIS, np.array(y)) + max(follow(DEPTH, np.array(y)) - 3.6, 0.2 * (y + 17.5), 2.0))
        edges.append((_block(x, y, wide, tall / 2), 0.85))
        bodies.append((_block(x, y, wide - 0.14, tall / 2 - 0.13), 0.6))
        arches.append((_block(x + wide + 0.9, y + 0.1, 0.7, 0.35), 0.5))
        arches.append((_block(x + wide + 2.4, y + 0.9, 0.9, 0.3), 0.45))
        y += tall + 0.42
    height = np.linspace(-9.5, 5.0, 30)
    front = follow(KYPHOSIS, height) - follow(DEPTH, height) - 0.5
    plate = np.concatenate((np.stack((front - 0.35, height), 1), np.stack((front + 0.45, height), 1)[::-1]))
    core = np.concatenate((np.stack((front - 0.2, height), 1), np.stack((front + 0.3, height), 1)[::-1]))
    total = draw_polygons(plane, edges + bodies) * np.float32(1.5) + draw_polygons(
        plane, [*arches, (plate, 1.4), (core, 0.7)]
    )
    for offset in rng.normal(0, 0.7, (2, 2)):
        blade = np.array([(4.0, -11.5), (6.4, -10.5), (8.0, -5.5), (8.4, 0.0), (7.6, 1.0), (5.6, -3.5)]) + offset
        middle = blade.mean(0)
        total += draw_polygons(plane, [(blade, 0.42), (middle + (blade - middle) * (0.86, 0.93), 0.12)])
        t = np.linspace(0, 1, 200)
        total += _hollow(
            plane, np.stack((1.5 - 5.5 * t, -12.0 - 14 * t), 1) + offset, 1.15 + 0.9 * np.exp(-t * 12), 0.3
        )
    return total


def _block(x: float, y: float, wide: float, tall: float, corner: float = 0.35) -> Array:
    """An outline with rounded corners, 48 x 2 cm; `corner` 1 makes it an ellipse."""
    turn = np.linspace(0, 2 * np.pi, 49)[:-1]
    cos, sin = np.cos(turn), np.sin(turn)
    across, down = np.sign(cos) * np.abs(cos) ** corner, np.sign(sin) * np.abs(sin) ** corner
    return np.stack((x + wide * across, y + tall * down), 1)


def project_shoulders(plane: Plane, patient: Patient) -> Array:
    """Clavicles, scapulae and upper arms seen from the front, cm along the beam."""
    rng = np.random.default_rng([patient.seed, 7])
    total = np.zeros((plane.size, plane.size), np.float32)
    frontal = patient.view == "PA"  # the arms are turned in for it, which takes the scapulae out of the lungs
    lift = rng.normal(0, 0.5) - (0.0 if frontal else 0.6)
    out = 1 if frontal else 0.86
    blades: list[Shape] = []
    ridges: list[Shape] = []
    knobs: list[Shape] = []
    t = np.linspace(0, 1, int(np.clip(24 / plane.pixel, 60, 400)))
    for side in (-1, 1):
        tilt = lift + rng.normal(0, 0.25)
        x = side * (1.9 + 14.0 * t) + patient.trunk
        y = -9.4 + tilt * t - 3.1 * t + 0.75 * np.sin(2 * np.pi * t) * (1 - 0.2 * t)
        ends = np.minimum(1, np.sqrt(np.minimum(t, 1 - t) * 12 + 0.02))
        total += 1.25 * _hollow(plane, np.stack((x, y), 1), (0.6 + 0.55 * np.abs(t - 0.5) ** 1.5) * ends, 0.26)
        x0, y0 = side * (17.2 + 2.2 * out + 1.2 * patient.habitus), -10.0 + tilt
        shaft = np.stack((x0 + side * (0.3 + 20 * (0.36 if frontal else 0.12) * t), y0 + 1.0 + 22 * t), 1)
        total += _hollow(plane, shaft, (1.15 + 0.9 * np.exp(-t * 14)) * np.minimum(1, np.sqrt(t * 12 + 0.01)), 0.32)
        place = np.array((11.0 * (out - 1) + 0.4, tilt))
        blade, inner, ridge, process = ((part + place) * (side, 1) for part in SCAPULA)
        blades += [(blade, 0.4), (inner, 0.11)]
        ridges += [(ridge, 0.23)]
        knobs += [(process, 0.27), (_block(x0, y0, 2.3, 2.3, 1), 0.7), (_block(x0, y0, 2.15, 2.15, 1), 0.6)]
    return total + soften(draw_polygons(plane, blades) + draw_polygons(plane, ridges) + draw_polygons(plane, knobs), 2)


def _hollow(plane: Plane, path: Array, radius: Array, cortex: float) -> Array:
    """A long bone: a tube of cortex around marrow."""
    step = np.gradient(path, axis=0)
    length = np.hypot(step[:, 0], step[:, 1])
    normal = np.stack((-step[:, 1], step[:, 0]), 1) / length[:, None]
    across = int(np.clip(3.2 / plane.pixel, 12, 36))
    u = (np.arange(across) + 0.5) / across * 2 - 1
    offset = radius[:, None] * u
    outer = np.sqrt(np.maximum(radius[:, None] ** 2 - offset**2, 0))
    inner = np.sqrt(np.maximum((radius[:, None] - cortex) ** 2 - offset**2, 0))
    volume = 2 * (outer - (1 - MARROW) * inner) * (length * 2 * radius / across)[:, None]
    points = path[:, None] + normal[:, None] * offset[..., None]
    return splat(plane, points[..., 0], points[..., 1], volume * 0.8)
