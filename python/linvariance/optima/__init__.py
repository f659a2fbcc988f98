"""Global optima in closed form, and how they move with the strength of a penalty."""

from .optimum import EquivarianceGap, equivariance_gap, solve
from .path import RegularizationPath, regularization_path
from .solution import Solution

__all__ = ["EquivarianceGap", "RegularizationPath", "Solution", "equivariance_gap", "regularization_path", "solve"]
