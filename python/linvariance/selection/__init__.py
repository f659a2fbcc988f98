"""Choosing the symmetry and the rank: exact evidence, leave-one-out, cross-validation, degrees of freedom."""

from .benefit import SymmetryBenefit, symmetry_benefit
from .freedom import degrees_of_freedom
from .learning import LearningCurve, learning_curve
from .ranks import RankScore, RankSelection, select_rank
from .symmetry import SymmetryScore, SymmetrySelection, select_symmetry

__all__ = [
    "LearningCurve",
    "RankScore",
    "RankSelection",
    "SymmetryBenefit",
    "SymmetryScore",
    "SymmetrySelection",
    "degrees_of_freedom",
    "learning_curve",
    "select_rank",
    "select_symmetry",
    "symmetry_benefit",
]


def __dir__() -> list[str]:
    return __all__
