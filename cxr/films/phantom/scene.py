"""What the beam crosses, layer by layer, and what findings may change in it."""

from dataclasses import dataclass, field

import numpy as np

from cxr.films.phantom.geometry import Array, Plane
from cxr.films.phantom.patient import Patient


@dataclass
class Scene:
    """Thickness maps of one film, H x W float32, in cm along the beam unless said otherwise.

    On a lateral the two lungs lie over one another, so `left` is None there.
    """

    plane: Plane
    patient: Patient
    x: Array  # cm, with the patient's own small irregularities
    y: Array
    body: Array  # soft tissue outline, lungs included
    lung: Array  # lung, air and tissue together
    wall: Array  # distance to the chest wall, cm, positive inside
    above: Array  # height above the top of the diaphragm's dome at this x, cm
    heart: Array  # of the heart alone
    hila: tuple[tuple[float, float], tuple[float, float]]  # x, y of the right and the left one, cm
    apex: float  # y of the top of the lungs, cm
    density: Array = field(init=False)  # of lung tissue relative to water, 0..1
    vessels: Array = field(init=False)
    soft: Array = field(init=False)  # tissue or fluid that has taken the place of lung
    air: Array = field(init=False)  # gas outside the lungs
    bone: Array = field(init=False)

    def __post_init__(self) -> None:
        self.density = np.full_like(self.body, self.patient.density)
        self.vessels, self.soft, self.air, self.bone = (np.zeros_like(self.body) for _ in range(4))

    @property
    def frontal(self) -> bool:
        """Whether the film has a left and a right."""
        return self.patient.view != "lateral"

    def attenuation(self, soft: float, bone: float) -> Array:
        """The line integral of attenuation, without unit; `soft` and `bone` are per cm."""
        room = self.lung * (1 - self.density)
        filled = np.minimum(self.soft + np.minimum(self.vessels, 0.9 * room), 0.98 * room)
        water = np.maximum(self.body - room - self.air, 0) + filled
        return np.float32(soft) * water + np.float32(bone) * self.bone
