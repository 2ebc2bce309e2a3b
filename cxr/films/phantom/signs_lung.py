"""What fills, scars or occupies the lung itself."""

import numpy as np

from cxr.films.phantom.geometry import Array, ellipsoid, fractal, noise, ramp, splat, tube
from cxr.films.phantom.places import blob, of_side, pick_spot, zone_height
from cxr.films.phantom.scene import Scene
from cxr.films.phantom.vessels import draw_tree, grow_tree
from cxr.results import Zone


def paint_edema(scene: Scene, grade: int, rng: np.random.Generator) -> Array:
    """A haze around both hila that spares the edge of the lung, wide upper vessels, Kerley's B lines at the bases."""
    haze = np.zeros_like(scene.x)
    for hilum in scene.hila:
        haze += blob(
            scene,
            (hilum[0] * 1.25, hilum[1] + 1.5),
            (4.8 + 0.9 * grade, 8.0 + grade),
            0,
            noise(rng, scene.plane.size, 9),
            0.16,
            1.3,
        )
    cloud = np.clip(1 + 0.2 * fractal(rng, scene.plane.size, 26, 3, 0.8), 0.4, 1.6)
    haze = np.clip(haze, 0, 1) * ramp(scene.wall - 0.8, 3.0)
    scene.soft += scene.lung * haze * cloud * np.float32((0.13, 0.22, 0.32)[grade])
    top, _ = zone_height(scene, "mid")
    scene.vessels *= 1 + np.float32(0.5 + 0.2 * grade) * ramp(top + 2 - scene.y, 5)
    scene.soft += _kerley_lines(scene, 6 + 6 * grade, rng)
    return (haze > 0.3) & (scene.lung > 1)


def _kerley_lines(scene: Scene, count: int, rng: np.random.Generator) -> Array:
    """Short level lines that reach the chest wall in the lower zones."""
    top, bottom = zone_height(scene, "lower")
    total = np.zeros_like(scene.x)
    row = scene.wall[scene.plane.size // 2]
    edge = float(np.max(np.abs(scene.x[scene.plane.size // 2][row > 0])))
    for side in (-1, 1):
        for _ in range(count):
            y, start, long = rng.uniform(top, bottom + 2), edge - rng.uniform(-0.2, 0.6), rng.uniform(1.0, 2.0)
            t = np.linspace(0, 1, 40)
            path = (
                np.stack((side * (start - long * t), y + 0.15 * t * rng.normal()), 1)
                if scene.frontal
                else np.stack((-4 + 8 * t * rng.normal(), y + 0 * t), 1)
            )
            total += splat(scene.plane, *tube(path, np.full(40, 0.06)))
    return total * np.float32(3.5)


def paint_consolidation(scene: Scene, side: int, zone: Zone | None, grade: int, rng: np.random.Generator) -> Array:
    """A dense patch that hides the vessels and lets the bronchi stand out as dark branches."""
    reach = (2.6, 4.0, 5.6)[grade]
    spot = pick_spot(scene, side, zone, rng, reach * 0.5)
    ragged = fractal(rng, scene.plane.size, 12, 3)
    patch = blob(
        scene, spot, (reach, reach * rng.uniform(0.75, 1.0)), rng.uniform(-0.6, 0.6), ragged, 0.13, 0.6
    ) * of_side(scene, side)
    scene.soft += scene.lung * patch * np.float32(0.52) * (1 + 0.06 * fractal(rng, scene.plane.size, 34, 2))
    scene.vessels *= 1 - 0.8 * patch
    aim = np.arctan2(spot[1], spot[0] - 3 * (side or 1))
    start = (spot[0] - 0.75 * reach * np.cos(aim), spot[1] - 0.75 * reach * np.sin(aim))
    paths, radii = grow_tree(rng, start, aim + np.array([-0.5, 0.0, 0.5]), 0.2, 1.5 * reach)
    bronchi = draw_tree(scene.plane, paths[: len(paths) // 16], radii[: len(paths) // 16])
    scene.soft = np.maximum(scene.soft - 2.2 * bronchi * patch, 0)
    return (patch > 0.4) & (scene.lung > 0.5)


def paint_pneumonia(scene: Scene, side: int, zone: Zone | None, grade: int, rng: np.random.Generator) -> Array:
    """Several fluffy patches that run into one another, their edges not to be told."""
    reach = (2.6, 3.6, 4.8)[grade]
    centre = pick_spot(scene, side, zone, rng, reach * 0.6)
    ragged = fractal(rng, scene.plane.size, 14, 3, 0.7)
    total = np.zeros_like(scene.x)
    for _ in range(3 + grade):
        spot = (centre[0] + rng.normal(0, 0.42 * reach), centre[1] + rng.normal(0, 0.42 * reach))
        total = np.maximum(
            total, blob(scene, spot, (reach * rng.uniform(0.5, 0.8),) * 2, 0, ragged, 0.15, 1.3) * rng.uniform(0.7, 1)
        )
    total *= of_side(scene, side)
    scene.soft += (
        scene.lung * total * np.clip(1 + 0.16 * fractal(rng, scene.plane.size, 22, 3, 0.8), 0.4, 1.6) * np.float32(0.36)
    )
    return (total > 0.3) & (scene.lung > 0.5)


def paint_infiltration(scene: Scene, side: int, zone: Zone | None, grade: int, rng: np.random.Generator) -> Array:
    """A faint veil with streaks along the vessels, which stay visible through it."""
    reach = (3.0, 4.2, 5.6)[grade]
    spot = pick_spot(scene, side, zone, rng, reach * 0.5)
    patch = blob(scene, spot, (reach, reach * 0.9), 0, fractal(rng, scene.plane.size, 10, 2), 0.18, 1.1) * of_side(
        scene, side
    )
    streaks = _network(rng, scene.plane.size, 60) * np.clip(0.5 + noise(rng, scene.plane.size, 24), 0, 1)
    scene.soft += np.minimum(scene.lung, 12) * patch * (np.float32(0.13) + np.float32(0.1) * streaks)
    scene.vessels *= 1 + 0.8 * patch
    return (patch > 0.3) & (scene.lung > 0.5)


def _network(rng: np.random.Generator, size: int, cells: int) -> Array:
    """Fine lines that join into meshes, 0..1: the zero lines of two layers of noise."""
    meshes = [np.exp(-np.square(noise(rng, size, cells + 9 * layer) / np.float32(0.22))) for layer in range(2)]
    return np.maximum(*meshes)


def paint_atelectasis(scene: Scene, side: int, zone: Zone | None, grade: int, rng: np.random.Generator) -> Array:
    """Plates of airless lung across the lower lung; a whole wedge, from hilum to diaphragm, when it is large."""
    total = np.zeros_like(scene.x)
    for _ in range(1 + grade):
        spot = pick_spot(scene, side, zone, rng, 2.0)
        long, thick = rng.uniform(3.0, 4.5) + 0.5 * grade, rng.uniform(0.25, 0.4) + 0.12 * grade
        tilt = rng.normal(0.12, 0.2) * (side or 1)
        total = np.maximum(total, blob(scene, spot, (long, thick), tilt, noise(rng, scene.plane.size, 16), 0.12, 0.6))
    total *= of_side(scene, side)
    scene.soft += np.minimum(scene.lung, np.float32(2.6 + 1.2 * grade)) * total * np.float32(0.95)
    if grade == 2:
        wedge = _wedge(scene, side, rng)
        scene.soft += scene.lung * wedge * np.float32(0.7)
        total = np.maximum(total, wedge)
    return (total > 0.4) & (scene.lung > 0.5)


def _wedge(scene: Scene, side: int, rng: np.random.Generator) -> Array:
    """A collapsed lower lobe: dense, with a straight outer edge that falls from the hilum to the diaphragm."""
    hilum = scene.hila[0 if side < 0 else 1]
    away = (scene.x - np.float32(hilum[0])) * (side or 1)
    edge = np.float32(0.2) + (scene.y - np.float32(hilum[1])) * np.float32(rng.uniform(0.35, 0.5))
    return (
        ramp(edge - away, 0.5)
        * ramp(scene.y - np.float32(hilum[1]) - 1, 1.5)
        * of_side(scene, side)
        * ramp(away + 6, 2)
    )


def paint_mass(scene: Scene, side: int, zone: Zone | None, grade: int, rng: np.random.Generator) -> Array:
    """A lobed lump of more than 3 cm."""
    radius = (rng.uniform(1.7, 2.0), rng.uniform(2.3, 2.8), rng.uniform(3.2, 4.0))[grade]
    spot = pick_spot(scene, side, zone, rng, radius)
    ragged = fractal(rng, scene.plane.size, 18, 2)
    bump = (
        scene.x + ragged * np.float32(0.05 * radius),
        scene.y + noise(rng, scene.plane.size, 18) * np.float32(0.05 * radius),
    )
    lump = ellipsoid(*bump, spot, (radius, radius * rng.uniform(0.85, 1.0), radius))
    for _ in range(2):
        near = (spot[0] + rng.normal(0, 0.35 * radius), spot[1] + rng.normal(0, 0.35 * radius))
        lump = np.maximum(lump, ellipsoid(*bump, near, (0.75 * radius,) * 3))
    scene.soft += lump * np.float32(0.95)
    scene.vessels *= 1 - 0.8 * ramp(lump - radius, radius)
    return (lump > 0.5) & (of_side(scene, side) > 0)


def paint_nodule(scene: Scene, side: int, zone: Zone | None, grade: int, rng: np.random.Generator) -> Array:
    """A round spot of at most 3 cm; the smaller, the more lime it holds."""
    radius = (rng.uniform(0.55, 0.75), rng.uniform(0.85, 1.1), rng.uniform(1.2, 1.45))[grade]
    spot = pick_spot(scene, side, zone, rng, radius + 0.6)
    ball = ellipsoid(scene.x, scene.y, spot, (radius, radius * rng.uniform(0.9, 1.0), radius))
    scene.soft += ball * np.float32((1.5, 1.25, 1.1)[grade])
    return ball > 0.25 * radius


def paint_fibrosis(scene: Scene, side: int, zone: Zone | None, grade: int, rng: np.random.Generator) -> Array:
    """A network of lines, densest under the pleura and at the bases, or streaks in a shrunken upper zone."""
    top, bottom = zone_height(scene, zone)
    reach = (-1.0, 0.8, 2.5)[grade]
    height = ramp(scene.y - top + reach, 4) * ramp(bottom + reach + (5 if zone != "upper" else 0) - scene.y, 4)
    rim = np.float32(0.35) + np.float32(0.65) * ramp(
        4.5 + grade - np.minimum(scene.wall, np.maximum(scene.above, 0) + 1), 4
    )
    where = height * rim * of_side(scene, side) * np.clip(1 + 0.4 * noise(rng, scene.plane.size, 9), 0.3, 1.6)
    mesh = _network(rng, scene.plane.size, 72) * np.clip(0.7 + 0.6 * noise(rng, scene.plane.size, 30), 0.1, 1.4)
    scene.soft += np.minimum(scene.lung, 9) * where * (np.float32(0.1) + np.float32((0.2, 0.27, 0.34)[grade]) * mesh)
    return (where > 0.35) & (scene.lung > 0.5)
