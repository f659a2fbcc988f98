"""Curvature: Hessian, Gauss-Newton and Fisher matrices as operators, the ends and the density of their spectra."""

from .along import Along
from .hessians import CurvatureOperator, empirical_fisher, fisher, gauss_newton, hessian
from .spectrum import Extremes, SpectralDensity, extremes, sampled_density, sharpness, spectral_density

__all__ = [
    "Along",
    "CurvatureOperator",
    "Extremes",
    "SpectralDensity",
    "empirical_fisher",
    "extremes",
    "fisher",
    "gauss_newton",
    "hessian",
    "sampled_density",
    "sharpness",
    "spectral_density",
]


def __dir__() -> list[str]:
    return __all__
