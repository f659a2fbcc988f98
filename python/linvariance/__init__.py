"""Invariance in rank-bounded linear models, exactly and fast.

Data -> `Moments` -> `hard_wired` | `augmented` | `regularized` | `unconstrained` -> `Problem` -> `solve`, `train`,
`hessian`. Rows are samples at this border; inside, letters are those of Duan & Montúfar, *Understanding Learning
Invariance in Deep Linear Networks* (PMLR 325).
"""

from importlib.metadata import version

from . import augmentation, curvature, dynamics, groups, init, invariance, kernels
from .config import show_config
from .degeneracy import Nullity, nullity
from .hessians import hessian
from .landscape import CriticalPoint, CriticalPoints, critical_points, lower_rank_points
from .moments import Moments
from .networks import Network, network_loss, predictor
from .optimizers import Adam, GradientDescent
from .optimum import EquivarianceGap, equivariance_gap, solve
from .path import RegularizationPath, regularization_path
from .problems import Problem, augmented, convolutional, hard_wired, regularized, unconstrained
from .results import Solution, Split, Trace
from .saddles import Classification, Escape, classify, escape, loss_along, network_at
from .samples import Samples
from .training import Batches, Record, train

__version__ = version("linvariance")

__all__ = [
    "Adam",
    "Batches",
    "Classification",
    "CriticalPoint",
    "CriticalPoints",
    "EquivarianceGap",
    "Escape",
    "GradientDescent",
    "Moments",
    "Network",
    "Nullity",
    "Problem",
    "Record",
    "RegularizationPath",
    "Samples",
    "Solution",
    "Split",
    "Trace",
    "augmentation",
    "augmented",
    "classify",
    "convolutional",
    "critical_points",
    "curvature",
    "dynamics",
    "equivariance_gap",
    "escape",
    "groups",
    "hard_wired",
    "hessian",
    "init",
    "invariance",
    "kernels",
    "loss_along",
    "lower_rank_points",
    "network_at",
    "network_loss",
    "nullity",
    "predictor",
    "regularization_path",
    "regularized",
    "show_config",
    "solve",
    "train",
    "unconstrained",
]
