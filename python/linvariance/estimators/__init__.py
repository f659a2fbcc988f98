"""Estimators with scikit-learn's contract: moments, then a problem, then `solve`.

They come with the extra `estimators`; `group` takes a Representation, or None for the trivial group.
"""

try:
    import sklearn  # noqa: F401
except ImportError:
    raise ImportError("The estimators need scikit-learn: pip install 'linvariance[estimators]'.") from None

from .classifier import InvariantClassifier
from .projection import InvariantProjection
from .regressors import AugmentedRegressor, HardWiredRegressor, RegularizedRegressor
from .validated import RegularizedRegressorCV

__all__ = [
    "AugmentedRegressor",
    "HardWiredRegressor",
    "InvariantClassifier",
    "InvariantProjection",
    "RegularizedRegressor",
    "RegularizedRegressorCV",
]


def __dir__() -> list[str]:
    return __all__
