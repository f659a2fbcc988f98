"""Invariance in rank-bounded linear models, exactly and fast.

Data -> `Moments` -> `hard_wired` | `augmented` | `regularized` | `unconstrained` -> `Problem` -> `solve`, `train`,
`hessian`. Rows are samples at this border; inside, letters are those of Duan & Montúfar, *Understanding Learning
Invariance in Deep Linear Networks* (PMLR 325).
"""

from importlib.metadata import version

from . import augmentation, groups, init, invariance
from .config import show_config
from .curvature import hessian
from .moments import Moments
from .networks import Network
from .optimizers import Adam, GradientDescent
from .optimum import EquivarianceGap, equivariance_gap, solve
from .problems import Problem, augmented, hard_wired, regularized, unconstrained
from .results import Solution, Split, Trace
from .training import Record, train

__version__ = version("linvariance")

__all__ = [
    "Adam",
    "EquivarianceGap",
    "GradientDescent",
    "Moments",
    "Network",
    "Problem",
    "Record",
    "Solution",
    "Split",
    "Trace",
    "augmentation",
    "augmented",
    "equivariance_gap",
    "groups",
    "hard_wired",
    "hessian",
    "init",
    "invariance",
    "regularized",
    "show_config",
    "solve",
    "train",
    "unconstrained",
]
