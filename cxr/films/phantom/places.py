"""Where in a lung a finding may lie."""

import numpy as np

from cxr.films.phantom.geometry import Array, ramp
from cxr.films.phantom.scene import Scene
from cxr.results import Zone


def of_side(scene: Scene, side: int) -> Array:
    """1 on the given side of the middle (-1: the patient's right), 1 everywhere for side 0."""
    if side == 0:
        return np.ones_like(scene.x)
    return ramp((scene.x - np.float32(0.3 * scene.patient.shift)) * side, 1.0)


def zone_height(scene: Scene, zone: Zone | None) -> tuple[float, float]:
    """The top and the bottom of a zone, y in cm: thirds of the lung's height."""
    bottom = float(np.mean(scene.patient.dome)) + (1.5 if scene.frontal else 2.0)
    third = (bottom - scene.apex) / 3
    number = {"upper": 0, "mid": 1, "lower": 2, None: 1}[zone]
    return scene.apex + number * third, scene.apex + (number + 1) * third


def pick_spot(scene: Scene, side: int, zone: Zone | None, rng: np.random.Generator, room: float) -> tuple[float, float]:
    """A point in the lung of a side and zone, `room` cm from the chest wall and above the dome where there is room."""
    top, bottom = zone_height(scene, zone)
    inset = min(room * 0.6, (bottom - top) * 0.3)
    here = (scene.y > top + inset) & (scene.y < bottom - inset) & (of_side(scene, side) > 0.5)
    low, across = rng.random(2)
    for slack in (1.0, 0.7, 0.4, 0.1):
        allowed = here & (scene.lung > 5 * slack) & (scene.wall > room * slack) & (scene.above > room * slack)
        so_far = np.cumsum(allowed.sum(axis=1))
        if so_far[-1]:  # both draws are shares of what is allowed, so that the spot hardly depends on the film's size
            row = int(np.searchsorted(so_far, low * so_far[-1], side="right"))
            return float(np.quantile(scene.x[row][allowed[row]], across)), float(scene.y[row][allowed[row]].mean())
    return side * 7.0, (top + bottom) / 2


def blob(
    scene: Scene,
    spot: tuple[float, float],
    axes: tuple[float, float],
    turn: float,
    ragged: Array,
    amount: float,
    edge: float,
) -> Array:
    """A patch, 0..1: an ellipse around a spot, its outline moved by the noise `ragged` times `amount`."""
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    dx, dy = scene.x - np.float32(spot[0]), scene.y - np.float32(spot[1])
    along, across = (dx * cos + dy * sin) / np.float32(axes[0]), (dy * cos - dx * sin) / np.float32(axes[1])
    far = np.sqrt(along * along + across * across) + np.float32(amount) * ragged
    return ramp(1 - far, edge)
