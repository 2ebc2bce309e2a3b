"""What a picture looks like as a whole: an upright chest film, a turned or inverted one, a part of one, or none.

A small convolutional network sees the picture in a square of 64 px; numpy runs it, without torch.
`python -m cxr.training.looks` trains it and writes `look.safetensors`.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from safetensors.numpy import load_file

from cxr.films.film import Film, letterbox

Array = np.ndarray
FILE = Path(__file__).with_name("look.safetensors")
SIDE = 64  # px of the square that is looked at
FAINT = 0.02  # grey; no picture of less contrast is stretched further
LOOKS = (
    "upright",
    "turned to the left",
    "turned to the right",
    "upside down",
    "inverted",
    "lateral",
    "upper part cut off",
    "lower part cut off",
    "left part cut off",
    "right part cut off",
    "every side cut off",
    "not a chest",
    "not an X-ray",
)


Weights = Mapping[str, Array]  # of convolutions, out x in x 3 x 3, and of a linear layer; named as by torch


def tell_looks(pixels: Array, weights: Weights | None = None) -> Mapping[str, float]:
    """The probability of each of LOOKS for a picture, H x W float32 in 0..1; `weights`: others than those that ship."""
    scores = run_network(normalise(make_thumbnail(pixels)), weights or read_weights())
    shares = np.exp(scores - scores.max())
    return dict(zip(LOOKS, (shares / shares.sum()).tolist(), strict=True))


def make_thumbnail(pixels: Array) -> Array:
    """The exposed field of a picture on a black square, SIDE x SIDE uint8."""
    return np.asarray(letterbox(Film(pixels), SIDE))


def normalise(squares: Array) -> Array:
    """Float32 of mean 0 and deviation 1 over the last two axes, uint8 before."""
    values = squares.astype(np.float32) / 255
    values -= values.mean((-2, -1), keepdims=True)
    return values / (values.std((-2, -1), keepdims=True) + FAINT)


def run_network(square: Array, weights: Weights) -> Array:
    """A score for each of LOOKS, for one normalised square, H x W. Every convolution halves the sides."""
    values = square[None]
    layers = {name.partition(".")[0] for name in weights}
    *convolutions, last = sorted(layers, key=int)
    for layer in convolutions:
        padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
        windows = sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::2, ::2]
        values = np.tensordot(weights[f"{layer}.weight"], windows, axes=((1, 2, 3), (0, 3, 4)))
        values = np.maximum(values + weights[f"{layer}.bias"][:, None, None], 0)
    return weights[f"{last}.weight"] @ values.ravel() + weights[f"{last}.bias"]


@cache
def read_weights() -> Weights:
    """The weights that ship with the code, as float32."""
    return {name: value.astype(np.float32) for name, value in load_file(FILE).items()}
