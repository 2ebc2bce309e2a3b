"""What lies on or in many patients and is none of the 14 findings: electrodes, a pacemaker, a line."""

import numpy as np

from cxr.films.phantom.geometry import Array, Plane, ellipsoid, splat, tube
from cxr.films.phantom.patient import Patient

METAL = 1.2  # cm of bone that a lead wire of 1 mm equals, in the brightness of a film


def lay_devices(plane: Plane, patient: Patient) -> Array:
    """Devices as cm of bone along the beam; none on most films, electrodes on half of those taken at the bedside."""
    rng = np.random.default_rng([patient.seed, 13])
    total = np.zeros((plane.size, plane.size), np.float32)
    chances = rng.random(3)
    if patient.view == "lateral":
        return total
    if chances[0] < (0.5 if patient.view == "AP" else 0.03):
        for _ in range(int(rng.integers(2, 5))):
            total += _electrode(plane, rng)
    if patient.age > 60 and chances[1] < 0.08:
        total += _pacemaker(plane, rng)
    if patient.view == "AP" and chances[2] < 0.25:
        total += _line(plane, rng)
    return total


def _curve(points: Array, steps: int) -> Array:
    """A smooth path, steps x 2, from the first of four points to the last (Bezier)."""
    t = np.linspace(0, 1, steps)[:, None]
    a, b, c, d = points
    return (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t * t * c + t**3 * d


def _wire(plane: Plane, points: Array, radius: float, strength: float) -> Array:
    path = _curve(points, 500)
    return splat(plane, *tube(path, np.full(len(path), max(radius, 0.6 * plane.pixel)), 5)) * np.float32(strength)


def _electrode(plane: Plane, rng: np.random.Generator) -> Array:
    """A snap on the skin and the wire that leaves the film."""
    spot = np.array((rng.uniform(-11, 11), rng.uniform(-9, 11)))
    x, y = plane.grid
    snap = ellipsoid(x, y, (float(spot[0]), float(spot[1])), (0.55, 0.55, 0.35))
    away = np.array((np.sign(spot[0]) * 24.0, spot[1] + rng.uniform(-6, 10)))
    points = np.array((spot, spot + rng.normal(0, 4, 2), (spot + away) / 2 + rng.normal(0, 3, 2), away))
    return snap * np.float32(0.9) + _wire(plane, points, 0.05, METAL)


def _pacemaker(plane: Plane, rng: np.random.Generator) -> Array:
    """A box below the left clavicle and a lead to the tip of the right ventricle."""
    x, y = plane.grid
    spot = (rng.uniform(8.5, 10.5), rng.uniform(-7.5, -5.5))
    flat = np.maximum(1 - ((x - spot[0]) / 2.2) ** 4 - ((y - spot[1]) / 2.0) ** 2, 0) ** np.float32(0.12)
    points = np.array((spot, (2.0, -14.0), (-4.5, -4.0), (4.5, 7.5)))
    return flat.astype(np.float32) * np.float32(4.5) + _wire(plane, points, 0.09, 3 * METAL)


def _line(plane: Plane, rng: np.random.Generator) -> Array:
    """A venous line from the right side of the neck to above the heart."""
    points = np.array(((-5.0, -20.0), (-3.5, -14.0), (-3.0, -8.0), (-2.6, rng.uniform(-3.5, 0.5))))
    return _wire(plane, points, 0.1, 1.4)
