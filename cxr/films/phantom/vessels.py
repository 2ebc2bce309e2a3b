"""The vessels of the lungs: trees that branch from the hila, drawn as tubes of blood."""

import numpy as np

from cxr.films.phantom.geometry import Array, Plane, splat

GENERATIONS = 7


def grow_tree(
    rng: np.random.Generator, root: tuple[float, float], towards: Array, radius: float, reach: float
) -> tuple[Array, Array]:
    """Branches of one tree: paths, N x 2 ends x 2 cm, and their radii, N x 2 cm.

    `towards`: directions of the first branches in radians, 0 along x. Each branch gives two, thinner by the rule of
    Murray (PNAS 1926): the cubes of the daughters' radii sum to the parent's.
    """
    heading = np.asarray(towards, float)
    start = np.tile(np.asarray(root, float), (len(heading), 1)) + rng.normal(0, 0.35, (len(heading), 2))
    thick = radius * rng.uniform(0.75, 1.1, len(heading))
    paths, radii = [], []
    for generation in range(GENERATIONS):
        length = reach * (0.3 if generation == 0 else 0.21 * 0.87**generation) * rng.uniform(0.6, 1.4, len(heading))
        for _ in range(2):  # two pieces with a small bend between them
            end = start + np.stack((np.cos(heading), np.sin(heading)), 1) * (length / 2)[:, None]
            paths.append(np.stack((start, end), 1))
            radii.append(np.stack((thick, thick * 0.93), 1))
            start, thick, heading = end, thick * 0.93, heading + rng.normal(0, 0.14, len(heading))
        share = rng.uniform(0.3, 0.7, len(heading))
        fork = rng.uniform(0.35, 0.95, len(heading))
        heading = np.concatenate((heading + fork * (1 - share), heading - fork * share))
        thick = np.concatenate((thick * np.cbrt(share), thick * np.cbrt(1 - share)))
        start = np.concatenate((start, start))
    return np.concatenate(paths), np.concatenate(radii)


def draw_tree(plane: Plane, paths: Array, radii: Array) -> Array:
    """The thickness of blood in cm, H x W."""
    total = np.zeros((plane.size, plane.size), np.float32)
    span, wide = np.linalg.norm(paths[:, 1] - paths[:, 0], axis=1), radii.max(axis=1)
    for long in (
        (0.0, 0.35),
        (0.35, 0.6),
        (0.6, 1.2),
        (1.2, 99.0),
    ):  # alike branches go together, each with enough points
        for thick in ((0.0, 0.1), (0.1, 0.3), (0.3, 9.0)):
            chosen = (span >= long[0]) & (span < long[1]) & (wide >= thick[0]) & (wide < thick[1])
            if chosen.any():
                total += _draw_branches(plane, paths[chosen].astype(np.float32), radii[chosen].astype(np.float32))
    return total


def _draw_branches(plane: Plane, paths: Array, radii: Array) -> Array:
    """Straight branches, N x 2 x 2 cm, as rows of points over their length and breadth."""
    across = max(2, int(np.ceil(2.4 * radii.max() / plane.pixel)))
    u = (np.arange(across, dtype=np.float32) + np.float32(0.5)) / across * 2 - 1
    way = paths[:, 1] - paths[:, 0]
    span = np.maximum(np.linalg.norm(way, axis=1), 1e-6)
    pieces = max(2, int(np.ceil(span.max() / (1.3 * plane.pixel))))
    t = (np.arange(pieces, dtype=np.float32) + np.float32(0.5)) / pieces
    radius = radii[:, 0, None] + (radii[:, 1] - radii[:, 0])[:, None] * t
    offset = radius[..., None] * u
    x = (paths[:, 0, 0, None] + way[:, 0, None] * t)[..., None] - (way[:, 1] / span)[:, None, None] * offset
    y = (paths[:, 0, 1, None] + way[:, 1, None] * t)[..., None] + (way[:, 0] / span)[:, None, None] * offset
    area = (span / pieces)[:, None] * 2 * radius / across
    return splat(plane, x, y, 2 * radius[..., None] * np.sqrt(1 - u * u) * area[..., None])
