"""Activation functions by name, with what their kernels need to know of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import _core
from ..arrays import Array

LEAK = 0.01  # slope of the leaky ReLU on negative inputs, as in PyTorch


@dataclass(frozen=True, repr=False)
class Activation:
    """φ and φ', entry by entry.

    Attributes:
        leak: s, if φ(z) = s z + (1 - s) max(z, 0); None for smooth ones.
        strip: s, such that the Hermite coefficients of φ(r u) decay like exp(-√k s/r), down to e⁻²⁰ at least: the
            distance of the poles of φ from the real axis. Infinite where leak is given.
    """

    name: str
    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    leak: float | None = None
    strip: float = math.inf


def activation(name: object) -> Activation:
    """The gate for names of activations.

    >>> activation("leaky_relu").function(np.array([-1.0, 2.0])).tolist()
    [-0.01, 2.0]
    """
    if not isinstance(name, str):
        raise TypeError(f"activation must be one of {', '.join(ACTIVATIONS)}, but is {type(name).__name__}.")
    if name not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, but is {name!r:.60}.")
    return ACTIVATIONS[name]


def _leaky(name: str, s: float) -> Activation:
    """Of slope s below 0, s z + (1 - s) max(z, 0); its derivative at 0 is s."""
    return Activation(name, lambda z: np.where(z > 0, z, s * z), lambda z: np.where(z > 0, 1.0, s), leak=s)


def _expit(z: Array) -> Array:
    """1/(1 + e⁻ᶻ) without overflow; SciPy's costs a tenth of the time that importing the package takes."""
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, small) / (1 + small)


def _swish_derivative(z: Array) -> Array:
    gate = _expit(z)
    return gate * (1 + z * _expit(-z))  # not 1 - gate: that loses all digits for large z


def _gelu(order: int) -> Callable[[Array], Array]:
    """The core's z Φ(z), Φ the distribution function of N(0, 1), or its derivative, accurate in the tail."""
    return lambda z: _core.activation("gelu", np.ascontiguousarray(z).reshape(1, -1))[order].reshape(z.shape)


ACTIVATIONS = {
    one.name: one
    for one in (
        _leaky("identity", 1.0),
        _leaky("relu", 0.0),
        _leaky("leaky_relu", LEAK),
        Activation("swish", lambda z: z * _expit(z), _swish_derivative, strip=math.pi),
        Activation("tanh", np.tanh, lambda z: 1 - np.tanh(z) ** 2, strip=math.pi / 2),
        # Entire: its coefficients decay like (1 + r⁻²)^(-k/2), faster than with poles at this distance down to e⁻²⁰.
        Activation("gelu", _gelu(0), _gelu(1), strip=3.0),
    )
}
