"""Invariance in rank-bounded linear models, exactly and fast.

Data -> `Moments` -> `hard_wired` | `augmented` | `regularized` | `unconstrained` -> `Problem` -> `solve`, `train`,
`hessian`. Rows are samples at this border; inside, letters are those of Duan & Montúfar, *Understanding Learning
Invariance in Deep Linear Networks* (PMLR 325).
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from . import augmentation, curvature, dynamics, groups, invariance, kernels, selection
from .comparison import Comparison, compare
from .config import show_config
from .curvature import hessian
from .data import Moments, Samples
from .invariance import Split
from .landscape import (
    Classification,
    CriticalPoint,
    CriticalPoints,
    Escape,
    Nullity,
    classify,
    critical_points,
    escape,
    loss_along,
    lower_rank_points,
    network_at,
    nullity,
)
from .networks import Network, init, network_loss, predictor, value_and_gradient
from .optima import (
    EquivarianceGap,
    NuclearSolution,
    RegularizationPath,
    Solution,
    equivariance_gap,
    nuclear_norm,
    regularization_path,
    solve,
    whitened_nuclear_norm,
)
from .problems import Problem, augmented, convolutional, hard_wired, regularized, unconstrained
from .selection import (
    LearningCurve,
    RankSelection,
    SymmetryBenefit,
    SymmetrySelection,
    learning_curve,
    select_rank,
    select_symmetry,
    symmetry_benefit,
)
from .training import Adam, AdamW, Batches, GradientDescent, Record, RMSprop, Trace, Until, rates, resume, train

if TYPE_CHECKING:  # scikit-learn is imported when one of these is asked for
    from . import estimators as estimators
    from .estimators import AugmentedRegressor as AugmentedRegressor
    from .estimators import HardWiredRegressor as HardWiredRegressor
    from .estimators import InvariantClassifier as InvariantClassifier
    from .estimators import InvariantProjection as InvariantProjection
    from .estimators import RegularizedRegressor as RegularizedRegressor
    from .estimators import RegularizedRegressorCV as RegularizedRegressorCV

__version__ = version("linvariance")

_ESTIMATORS = (  # and their module
    "AugmentedRegressor",
    "HardWiredRegressor",
    "InvariantClassifier",
    "InvariantProjection",
    "RegularizedRegressor",
    "RegularizedRegressorCV",
    "estimators",
)


def __getattr__(name: str) -> Any:
    if name in _ESTIMATORS:
        module = import_module(".estimators", __name__)
        return module if name == "estimators" else getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_ESTIMATORS, "__doc__", "__version__"})


__all__ = [
    "Adam",
    "AdamW",
    "Batches",
    "Classification",
    "Comparison",
    "CriticalPoint",
    "CriticalPoints",
    "EquivarianceGap",
    "Escape",
    "GradientDescent",
    "LearningCurve",
    "Moments",
    "Network",
    "NuclearSolution",
    "Nullity",
    "Problem",
    "RMSprop",
    "RankSelection",
    "Record",
    "RegularizationPath",
    "Samples",
    "Solution",
    "Split",
    "SymmetryBenefit",
    "SymmetrySelection",
    "Trace",
    "Until",
    "augmentation",
    "augmented",
    "classify",
    "compare",
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
    "learning_curve",
    "loss_along",
    "lower_rank_points",
    "network_at",
    "network_loss",
    "nuclear_norm",
    "nullity",
    "predictor",
    "rates",
    "regularization_path",
    "regularized",
    "resume",
    "select_rank",
    "select_symmetry",
    "selection",
    "show_config",
    "solve",
    "symmetry_benefit",
    "train",
    "unconstrained",
    "value_and_gradient",
    "whitened_nuclear_norm",
]
