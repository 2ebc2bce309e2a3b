"""Fluid and scars of the pleura."""

import numpy as np

from cxr.films.phantom.geometry import Array, fractal, noise, ramp
from cxr.films.phantom.places import of_side, zone_height
from cxr.films.phantom.scene import Scene
from cxr.results import Zone


def paint_effusion(scene: Scene, side: int, grade: int, rng: np.random.Generator) -> Array:
    """Fluid that fills the angle between chest wall and diaphragm and climbs the wall with a meniscus."""
    level = (rng.uniform(2.8, 4.0), rng.uniform(6.5, 9.5), rng.uniform(13.5, 19.0))[grade]
    dome = scene.patient.dome[0 if side < 0 else 1] if side else float(np.mean(scene.patient.dome))
    floor = dome + 4.8
    wall = np.maximum(scene.wall, 0)
    sag = np.float32(2.2 + 0.8 * grade) * (1 - np.exp(-wall / np.float32(3.2)))
    top = np.float32(floor - level) + sag + noise(rng, scene.plane.size, 7) * np.float32(0.15)
    deep = ramp(scene.y - top, 1.1 + 0.8 * grade) * of_side(scene, side)
    veil = ramp(scene.y - top + 2.6, 6.0) * of_side(scene, side)
    scene.soft += scene.lung * (np.float32(0.66) * deep + np.float32(0.09) * veil)
    scene.vessels *= 1 - 0.85 * deep
    return (deep > 0.5) & (scene.lung > 0.4)


def paint_thickening(scene: Scene, side: int, zone: Zone | None, grade: int, rng: np.random.Generator) -> Array:
    """A band of scar between lung and chest wall with an uneven inner edge; a cap in the upper zone."""
    top, bottom = zone_height(scene, zone)
    reach = (0.0, 1.5, 3.0)[grade]
    thick = np.float32((0.65, 1.0, 1.5)[grade]) * (1 + 0.25 * fractal(rng, scene.plane.size, 9, 3))
    inset = (
        np.minimum(scene.wall, (scene.y - np.float32(scene.apex)) * np.float32(0.85)) if zone == "upper" else scene.wall
    )
    height = ramp(scene.y - top + reach, 2.5) * ramp(bottom + reach + (3 if zone == "lower" else 0) - scene.y, 2.5)
    band = ramp(thick - inset, 0.45) * height * (inset > -0.5) * of_side(scene, side)
    scene.soft += np.minimum(scene.lung, np.float32(3.0 + 1.2 * grade)) * band
    return (band > 0.4) & (scene.lung > 0.2)
