"""Air where it does not belong: between lung and chest wall, in bullae, in a stomach above the diaphragm."""

import numpy as np

from cxr.films.phantom.geometry import Array, ellipsoid, fractal, noise, ramp
from cxr.films.phantom.places import of_side, pick_spot
from cxr.films.phantom.scene import Scene


def paint_pneumothorax(scene: Scene, side: int, grade: int, rng: np.random.Generator) -> Array:
    """A rim of air without vessels, widest at the apex, bounded by the thin line of the visceral pleura."""
    rim = (rng.uniform(1.6, 2.2), rng.uniform(3.0, 4.0), rng.uniform(5.5, 7.0))[grade]
    down = np.clip((scene.y - np.float32(scene.apex)) / 24, 0, 1)
    width = np.float32(rim) * (1.15 - np.float32((0.95, 0.65, 0.4)[grade]) * down) + noise(
        rng, scene.plane.size, 8
    ) * np.float32(0.12)
    inset = np.minimum(scene.wall, np.maximum(scene.y - np.float32(scene.apex), 0) * np.float32(0.9))
    here = of_side(scene, side)
    free = ramp(width - inset, 0.12) * here
    line = np.exp(-np.square((inset - width) / np.float32(max(0.07, 0.8 * scene.plane.pixel)))) * here
    scene.density *= 1 - 0.97 * free
    scene.vessels *= 1 - free
    collapsed = (1 - free) * here * ramp(scene.lung - 1, 2)
    scene.density += np.float32((0.01, 0.03, 0.09)[grade]) * collapsed
    scene.soft += line * ramp(scene.lung - 0.8, 1) * np.float32(0.75)
    return (free > 0.5) & (scene.lung > 0.3)


def paint_bullae(scene: Scene, rng: np.random.Generator) -> None:
    """Thin-walled bubbles in the upper lungs."""
    for side in (-1, 1):
        for _ in range(int(rng.integers(1, 4))):
            spot, radius = pick_spot(scene, side if scene.frontal else 0, "upper", rng, 1.5), rng.uniform(1.2, 2.6)
            hole = ellipsoid(scene.x, scene.y, spot, (radius, radius * 1.2, radius))
            shell = ellipsoid(scene.x, scene.y, spot, (radius + 0.07, radius * 1.2 + 0.07, radius + 0.07)) - hole
            inside = hole / (2 * radius)
            scene.density *= 1 - 0.5 * inside
            scene.vessels *= 1 - 0.8 * inside
            scene.soft += shell * np.float32(0.35)


def paint_hernia(scene: Scene, grade: int, rng: np.random.Generator) -> Array:
    """A round sac behind the heart that rests on the diaphragm, with gas over a level of fluid."""
    radius = (rng.uniform(2.3, 2.8), rng.uniform(3.2, 3.8), rng.uniform(4.4, 5.2))[grade]
    low = float(np.mean(scene.patient.dome)) + (1.8 if scene.frontal else 2.2)
    spot = (
        (rng.uniform(0.6, 2.2) + scene.patient.shift) if scene.frontal else rng.uniform(2.5, 4.0),
        low - 0.75 * radius,
    )
    x, y = (line + fractal(rng, scene.plane.size, 9, 2) * np.float32(0.05 * radius) for line in (scene.x, scene.y))
    sac = ellipsoid(x, y, spot, (radius * 1.1, radius, radius))
    gas = ellipsoid(x, y, spot, (radius * 1.1 - 0.35, radius - 0.35, radius - 0.35))
    level = np.float32(spot[1] + rng.uniform(-0.1, 0.25) * radius)
    above = ramp(level - scene.y, 0.12)
    scene.soft += sac - gas * above
    scene.body = scene.body + np.float32(0.12) * sac * (1 - above)
    scene.air += gas * above * np.float32(0.55)
    return sac > 0.3
