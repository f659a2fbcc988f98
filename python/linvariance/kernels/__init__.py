"""Kernels: limits of wide two-layer networks, averages over a group, finite networks, and regression with any kernel.

A kernel is any callable (X (n, d0), X2 (m, d0)) -> (n, m), rows being samples. `ntk` is one, `augmented`,
`convolutional` and `finite_width` return others; they take X2 = None for X.
"""

from .averages import Averaged, augmented, convolutional
from .limits import ntk
from .regression import KernelRegression, ridge
from .tangent import FiniteWidth, finite_width

__all__ = ["Averaged", "FiniteWidth", "KernelRegression", "augmented", "convolutional", "finite_width", "ntk", "ridge"]


def __dir__() -> list[str]:
    return __all__
