"""Activations of hidden layers, by name, as NumPy functions; the C++ core has the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.special

from .arrays import Array

LEAKY_SLOPE = 0.01  # PyTorch's default

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda a: a,
    "relu": lambda a: np.maximum(a, 0.0),
    "leaky_relu": lambda a: np.where(a > 0, a, LEAKY_SLOPE * a),
    "swish": lambda a: a * scipy.special.expit(a),
    "tanh": np.tanh,
}


def check_activation(name: object) -> str:
    """The gate for an activation's name."""
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, but is {name!r}.")
    return name
