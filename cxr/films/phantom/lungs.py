"""What lungs hold besides air: the vessels from both hila, bronchi seen end on, and the grain of the tissue."""

import numpy as np

from cxr.films.phantom.geometry import Array, fractal
from cxr.films.phantom.scene import Scene
from cxr.films.phantom.vessels import draw_tree, grow_tree


def fill_lungs(scene: Scene) -> None:
    """Adds vessels and grain to the scene."""
    patient, size = scene.patient, scene.plane.size
    rng = np.random.default_rng([patient.seed, 9])
    trees = [_lung_tree(rng, side, hilum, scene.frontal) for side, hilum in zip((-1, 1), scene.hila, strict=True)]
    paths, radii = (np.concatenate(part) for part in zip(*trees, strict=True))
    scene.vessels = draw_tree(scene.plane, paths, radii * patient.marking**0.5) * np.float32(2.1 * patient.marking)
    scene.vessels *= np.clip(scene.lung / 4, 0, 1)
    grain = fractal(rng, size, 40, 3, 0.85)
    scene.density = scene.density * (1 + np.float32(0.075) * grain)


def _lung_tree(rng: np.random.Generator, side: int, hilum: tuple[float, float], frontal: bool) -> tuple[Array, Array]:
    """The arteries and veins of one lung; seen from the side they leave the hilum all round."""
    turns = np.radians([-95, -82, -70, -55, -35, -12, 10, 28, 42, 52, 62, 72, 82, 95]) + rng.normal(0, 0.12, 14)
    if side < 0:
        turns = np.pi - turns
    if not frontal:
        turns = np.linspace(-np.pi, np.pi, 15)[1:] + rng.normal(0, 0.15, 14)
    low = np.sin(turns) > 0.3
    upper = grow_tree(rng, (hilum[0], hilum[1] - 0.8), turns[~low], 0.24, 10.0)
    lower = grow_tree(rng, (hilum[0], hilum[1] + 0.8), turns[low], 0.29, 12.5)
    trunk = grow_stem(hilum, side)
    return tuple(np.concatenate(part) for part in zip(upper, lower, trunk, strict=True))  # type: ignore[return-value]


def grow_stem(hilum: tuple[float, float], side: int) -> tuple[Array, Array]:
    """The large vessels at the hilum: the descending artery and the upper vein."""
    x, y = hilum
    t = np.linspace(0, 1, 13)
    line = np.stack((x + side * (-0.7 + 1.5 * np.sqrt(t) + 0.5 * t), y - 1.0 + 7.0 * t), 1)
    vein = np.stack((x + side * (1.1 - 1.6 * t), y - 3.2 + 4.0 * t), 1)
    thick, thin = 0.5 * np.minimum(1, t * 4 + 0.3) * (1 - 0.75 * t), 0.22 + 0.25 * t
    paths = np.concatenate([np.stack((each[:-1], each[1:]), 1) for each in (line, vein)])
    return paths, np.concatenate([np.stack((each[:-1], each[1:]), 1) for each in (thick, thin)])
