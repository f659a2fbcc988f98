"""Curvature: Hessian products as an operator, the ends and the density of its spectrum."""

from .along import Along
from .hessians import HessianOperator, hessian
from .spectrum import Extremes, SpectralDensity, extremes, sampled_density, sharpness, spectral_density

__all__ = [
    "Along",
    "Extremes",
    "HessianOperator",
    "SpectralDensity",
    "extremes",
    "hessian",
    "sampled_density",
    "sharpness",
    "spectral_density",
]
