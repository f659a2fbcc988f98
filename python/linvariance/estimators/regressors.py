"""The regressors, one for each method of making W invariant."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from ..arrays import Array
from ..data.moments import Moments
from ..groups import Representation
from ..optima import Solution, solve
from ..problems import Problem, augmented, hard_wired, regularized
from .gate import flag, group_of, inputs_of, rank_of, samples_of


class LinearMap(BaseEstimator):
    """What is fitted is W with an intercept: `coef_` and `intercept_` in scikit-learn's shapes."""

    coef_: Array
    intercept_: Any

    def _affine(self, X: Any) -> Array:
        check_is_fitted(self)
        out: Array = inputs_of(self, X) @ self.coef_.T + self.intercept_
        return out


class MomentRegressor(MultiOutputMixin, RegressorMixin, LinearMap, ABC):
    """A regressor is moments, then a problem, then `solve`."""

    group: Representation | None
    fit_intercept: bool

    moments_: Moments
    solution_: Solution

    def predict(self, X: Any) -> Array:
        """W x + b for each row x of X: (n,) or (n, dL), as the targets were.

        >>> model = HardWiredRegressor().fit([[0.0], [1.0]], [[1.0, 0.0], [3.0, 0.0]])
        >>> abs(model.predict([[2.0]]).round(12)).tolist()
        [[5.0, 0.0]]
        """
        return self._affine(X)

    def _settle(self, moments: Moments, *, flat: bool) -> Self:
        rep = group_of(self.group, moments.inputs)
        x, y = np.zeros(moments.inputs), np.zeros(moments.outputs)
        if flag(self.fit_intercept, "fit_intercept"):
            x, y = self._mean_input(moments, rep), moments.mean_y
        solution = solve(self._pose(moments.about(x, y), rep))
        offset = y - solution.weights @ x
        self.moments_, self.solution_ = moments, solution
        self.coef_, self.intercept_ = (solution.weights[0], float(offset[0])) if flat else (solution.weights, offset)
        return self

    def _mean_input(self, moments: Moments, rep: Representation) -> Array:
        """The mean of the rows that W is fitted to."""
        return moments.mean_x

    @abstractmethod
    def _pose(self, moments: Moments, rep: Representation) -> Problem: ...


class StreamedRegressor(MomentRegressor):
    """One that may be fitted to more rows later."""

    rank: int | None

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fits to rows X (n, d0) and targets y (n,) or (n, dL), with non-negative weights (n,).

        >>> X, y = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [3.0, 1.0, 4.0]
        >>> HardWiredRegressor().fit(X, y, sample_weight=[1.0, 1.0, 0.0]).predict([[1.0, 1.0]]).round(12).tolist()
        [2.0]
        """
        X, y, weights = samples_of(self, X, y, sample_weight, reset=True)
        return self._settle(Moments.from_data(X, y, weights), flat=y.ndim == 1)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fits to these rows and all rows before, by merging their moments: the same as fitting to all at once.

        >>> model = HardWiredRegressor().partial_fit([[1.0, 0.0], [0.0, 1.0]], [3.0, 1.0])
        >>> model.partial_fit([[1.0, 1.0]], [4.0]).coef_.round(12).tolist()
        [3.0, 1.0]
        """
        if not hasattr(self, "moments_"):
            return self.fit(X, y, sample_weight)
        X, y, weights = samples_of(self, X, y, sample_weight, reset=False)
        columns, own = np.size(y, 1) if np.ndim(y) == 2 else 1, self.moments_.outputs
        if columns != own:
            raise ValueError(f"y has {columns} columns, but before it had {own}: pass {own}, or fit anew.")
        return self._settle(self.moments_ + Moments.from_data(X, y, weights), flat=self.coef_.ndim == 1)


class HardWiredRegressor(StreamedRegressor):
    """Reduced-rank regression among invariant maps: min (1/n)‖WX + b - Y‖² + ridge·‖W‖² with W G = 0; see `hard_wired`.

    Args:
        group: a Representation on the inputs; None for the trivial group.
        rank: the largest rank of W; None for no bound.
        ridge: of W, not of b.
        fit_intercept: whether there is a b.

    Attributes:
        coef_: W (d0,) or (dL, d0); intercept_: b, a number or (dL,).
        solution_: the Solution; its loss is that of the fit.
        moments_: of all rows so far, with which `partial_fit` goes on.

    >>> import numpy as np, linvariance as lv
    >>> X, y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([3.0, 1.0, 4.0])
    >>> model = HardWiredRegressor(lv.groups.symmetric(2)).fit(X, y)
    >>> model.coef_.round(12).tolist(), round(model.intercept_, 12)
    ([2.0, 2.0], 0.0)
    """

    def __init__(
        self,
        group: Representation | None = None,
        *,
        rank: int | None = None,
        ridge: float = 0.0,
        fit_intercept: bool = True,
    ) -> None:
        self.group, self.rank, self.ridge, self.fit_intercept = group, rank, ridge, fit_intercept

    def _pose(self, moments: Moments, rep: Representation) -> Problem:
        return hard_wired(moments, rep, rank=rank_of(self.rank, moments.outputs), ridge=self.ridge)


class AugmentedRegressor(StreamedRegressor):
    """Reduced-rank regression on all copies ρ(g)x of the data, which are never made; see `augmented`.

    Min (1/(n|G|)) Σ_g ‖W ρ(g) X + b - Y‖² + ridge·‖W‖². The intercept is exactly that of the augmented data: their
    inputs have the mean Πx̄. Without a ridge, or with an orthogonal group, W is that of `HardWiredRegressor`.

    Args:
        group: a Representation on the inputs; None for the trivial group.
        rank: the largest rank of W; None for no bound.
        ridge: of W, not of b.
        fit_intercept: whether there is a b.

    Attributes:
        coef_, intercept_, solution_, moments_: as in `HardWiredRegressor`.

    >>> import numpy as np, linvariance as lv
    >>> X, y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([3.0, 1.0, 4.0])
    >>> AugmentedRegressor(lv.groups.symmetric(2)).fit(X, y).coef_.round(12).tolist()
    [2.0, 2.0]
    """

    def __init__(
        self,
        group: Representation | None = None,
        *,
        rank: int | None = None,
        ridge: float = 0.0,
        fit_intercept: bool = True,
    ) -> None:
        self.group, self.rank, self.ridge, self.fit_intercept = group, rank, ridge, fit_intercept

    def _mean_input(self, moments: Moments, rep: Representation) -> Array:
        return moments.mean_over(rep)

    def _pose(self, moments: Moments, rep: Representation) -> Problem:
        return augmented(moments, rep, rank=rank_of(self.rank, moments.outputs), ridge=self.ridge)


class RegularizedRegressor(StreamedRegressor):
    """Reduced-rank regression with a penalty on what is not invariant; see `regularized`.

    Min (1/n)‖WX + b - Y‖² + strength·‖W G‖² + ridge·‖W‖². b is not penalized. From strength 0 (no symmetry) to ∞ (that
    of `HardWiredRegressor`); `RegularizedRegressorCV` chooses.

    Args:
        group: a Representation on the inputs; None for the trivial group, of which the penalty is 0.
        strength: of the penalty.
        rank: the largest rank of W; None for no bound.
        ridge: of W, not of b.
        fit_intercept: whether there is a b.

    Attributes:
        coef_, intercept_, solution_, moments_: as in `HardWiredRegressor`; solution_.loss holds the penalties too.

    >>> import numpy as np, linvariance as lv
    >>> X, y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([3.0, 1.0, 4.0])
    >>> for strength in (0.0, 0.1, 1e9):
    ...     print(RegularizedRegressor(lv.groups.symmetric(2), strength=strength).fit(X, y).coef_.round(6).tolist())
    [3.0, 1.0]
    [2.454545, 1.545455]
    [2.0, 2.0]
    """

    def __init__(
        self,
        group: Representation | None = None,
        *,
        strength: float = 1.0,
        rank: int | None = None,
        ridge: float = 0.0,
        fit_intercept: bool = True,
    ) -> None:
        self.group, self.strength, self.rank, self.ridge = group, strength, rank, ridge
        self.fit_intercept = fit_intercept

    def _pose(self, moments: Moments, rep: Representation) -> Problem:
        return regularized(
            moments, rep, rank=rank_of(self.rank, moments.outputs), strength=self.strength, ridge=self.ridge
        )
