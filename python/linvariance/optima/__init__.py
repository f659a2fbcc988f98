"""Global optima in closed form, and how they move with the strength of a penalty."""

from .nuclear import NuclearSolution, nuclear_norm, whitened_nuclear_norm
from .optimum import EquivarianceGap, equivariance_gap, solve
from .path import RegularizationPath, regularization_path
from .solution import Solution

__all__ = [
    "EquivarianceGap",
    "NuclearSolution",
    "RegularizationPath",
    "Solution",
    "equivariance_gap",
    "nuclear_norm",
    "regularization_path",
    "solve",
    "whitened_nuclear_norm",
]
