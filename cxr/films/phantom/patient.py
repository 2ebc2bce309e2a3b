"""Who is on the table and how the film was taken; drawn from a seed, changed by findings."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from cxr.films.film import View

Sex = Literal["F", "M"]
VIEWS: tuple[View, ...] = get_args(View)


@dataclass(frozen=True)
class Patient:
    """The measures of one chest; lengths in cm, factors around 1. Pairs are (right, left)."""

    seed: int
    view: View
    sex: Sex
    age: int
    habitus: float  # 0 thin .. 1 obese
    width: float  # of the thorax
    dome: tuple[float, float]  # height of the top of each diaphragm, y in cm
    flat: float = 1.0  # curvature of the domes
    heart: float = 1.0  # width of the heart
    aorta: float = 1.0
    shift: float = 0.0  # of the mediastinum, towards the patient's left
    bone: float = 1.0  # density
    density: float = 0.22  # of lung, relative to water
    marking: float = 1.0  # of the lung vessels
    trunk: float = 0.0  # rotation of the patient about the long axis: clavicles and trachea off the middle


def draw_patient(seed: int, view: View | None, sex: Sex | None, age: int | None) -> Patient:
    """A patient from a seed; what is given stays, the rest is drawn."""
    rng = np.random.default_rng([seed, 1])
    by_chance_view: View = VIEWS[int(rng.choice(3, p=(0.55, 0.3, 0.15)))]
    by_chance_sex: Sex = "F" if rng.random() < 0.48 else "M"
    by_chance_age = int(np.clip(rng.normal(52, 18), 18, 92))
    view, sex, age = view or by_chance_view, sex or by_chance_sex, by_chance_age if age is None else age
    old = float(np.clip((age - 40) / 45, 0, 1))
    top = rng.normal(8.0, 1.1) - (2.2 if view == "AP" else 0)
    return Patient(
        seed=seed,
        view=view,
        sex=sex,
        age=age,
        habitus=float(np.clip(rng.beta(2, 3), 0.02, 0.95)),
        width=float(rng.normal(1.0 if sex == "M" else 0.94, 0.035)),
        dome=(float(top), float(top + rng.uniform(0.6, 2.0))),
        flat=float(rng.uniform(0.85, 1.2)),
        heart=float(np.clip(rng.normal(0.94, 0.05), 0.84, 1.0)),
        aorta=float(0.85 + 0.4 * old + rng.normal(0, 0.07)),
        bone=float((1.1 - 0.35 * old - (0.08 if sex == "F" else 0)) * rng.uniform(0.9, 1.1)),
        density=float(rng.uniform(0.19, 0.25) + (0.03 if view == "AP" else 0)),
        marking=float(rng.uniform(0.85, 1.15)),
        trunk=float(rng.normal(0, 0.35 if view == "AP" else 0.15)),
    )
