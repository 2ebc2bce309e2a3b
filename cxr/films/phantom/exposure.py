"""From what the beam crossed to a film: scatter, noise, film curve, collimation, marker."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cxr.films.phantom.geometry import Array, Plane, blur, soften
from cxr.films.phantom.patient import Patient

SOFT = 0.19  # 1/cm, water at the mean energy of a chest film (NIST XCOM, about 65 keV)
BONE = 0.42  # 1/cm, what cortical bone adds to water there


def expose(attenuation: Array, plane: Plane, patient: Patient) -> Array:
    """The film's greys, 0..1, from line integrals of attenuation."""
    rng = np.random.default_rng([patient.seed, 8])
    hand_held = patient.view == "AP"
    primary = np.exp(-attenuation)
    scatter = blur(primary * (1 - np.exp(-attenuation)), 20)
    reach = rng.uniform(0.2, 0.3) if hand_held else rng.uniform(0.1, 0.16)
    light = primary + np.float32(reach) * scatter + np.float32(0.004)
    grain = soften(rng.standard_normal(light.shape, dtype=np.float32)) * np.float32(2.0)
    dose = rng.uniform(9000, 30000) * (0.6 if hand_held else 1) * (plane.pixel / 0.07) ** 2
    light = light + grain * np.sqrt(light / np.float32(dose))
    dark = -np.log(np.maximum(light, 1e-4))
    dark = dark + np.float32(rng.uniform(0.25, 0.45)) * (dark - blur(dark, 44))
    low, high = rng.uniform(-0.05, 0.45), rng.uniform(4.5, 4.95)
    value = (dark - np.float32(low)) / np.float32(high - low)
    film = _film_curve(value, rng.uniform(1.5, 2.0))
    film = film * (1 - np.float32(rng.uniform(0, 0.03))) + np.float32(rng.uniform(0, 0.03))
    film = _collimate(film, plane, rng)
    return np.clip(_mark(film, patient, rng), 0, 1).astype(np.float32)


def _film_curve(value: Array, gamma: float) -> Array:
    """The S-shaped curve of film and of most digital systems (Hurter and Driffield)."""
    bent = 1 / (1 + np.exp(-np.float32(2 * gamma) * (value - np.float32(0.5))))
    low, high = 1 / (1 + np.exp(gamma * 1.25)), 1 / (1 + np.exp(-gamma))
    return np.clip((bent - np.float32(low)) / np.float32(high - low), 0, 1)


def _collimate(film: Array, plane: Plane, rng: np.random.Generator) -> Array:
    """Shutters at some of the edges: black, or cut away to the tube's leakage."""
    if rng.random() < 0.55:
        return film
    size, edge = plane.size, np.ones_like(film)
    across = np.arange(size, dtype=np.float32) / size
    for axis in range(4):
        if rng.random() < 0.4:
            place = rng.uniform(0.004, 0.035) + rng.normal(0, 0.006) * across
            far = across[::-1] if axis % 2 else across
            inside = (far[:, None] > place[None, :]) if axis < 2 else (far[None, :] > place[:, None])
            edge = edge * inside
    return film * soften(edge.astype(np.float32))


def _mark(film: Array, patient: Patient, rng: np.random.Generator) -> Array:
    """A lead letter on the patient's own side, if any: L on the right of the picture, R on the left."""
    if patient.view == "lateral" or rng.random() < 0.25:
        return film
    size = film.shape[0]
    letter = "L" if rng.random() < 0.75 else "R"
    tall = size * rng.uniform(0.035, 0.06)
    picture = Image.new("L", (size, size))
    pen = ImageDraw.Draw(picture)
    x = rng.uniform(0.86, 0.93) if letter == "L" else rng.uniform(0.05, 0.1)
    place = (x * size, rng.uniform(0.04, 0.16) * size)
    pen.text(place, letter, fill=255, font=ImageFont.load_default(size=max(7.0, tall)))
    if patient.view == "AP" and letter == "L" and rng.random() < 0.6:
        pen.text(
            (size * 0.05, size * rng.uniform(0.05, 0.1)),
            "PORTABLE",
            fill=235,
            font=ImageFont.load_default(size=max(5.0, tall * 0.42)),
        )
    return np.maximum(film, soften(np.asarray(picture, dtype=np.float32) / 255) * np.float32(rng.uniform(0.85, 1.0)))
