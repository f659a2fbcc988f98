"""Invariant coordinates, as a transformer."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..arrays import Array, frozen
from ..groups import Representation
from .gate import group_of, inputs_of, numbers


class InvariantProjection(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """x -> B x, the d invariant coordinates of the inputs: f(B x) is invariant whatever f.

    The rows of B are an orthonormal basis of the invariant row vectors, so that any invariant linear map is V B. There
    may be none, d = 0.

    Args:
        group: a Representation on the inputs; None for the trivial group, with B = 1.

    Attributes:
        components_: B (d, d0).

    >>> import numpy as np, linvariance as lv
    >>> project = InvariantProjection(lv.groups.symmetric(2)).fit(np.zeros((1, 2)))
    >>> abs(project.transform([[3.0, 1.0], [1.0, 3.0]])).round(6).tolist()  # 4/√2; the sign is free
    [[2.828427], [2.828427]]
    >>> project.inverse_transform(project.transform([[3.0, 1.0]])).round(12).tolist()
    [[2.0, 2.0]]
    """

    components_: Array

    def __init__(self, group: Representation | None = None) -> None:
        self.group = group

    def fit(self, X: Any, y: Any = None) -> Self:
        """Takes the number and the names of the columns of X; the rest is of the group alone.

        >>> import numpy as np, linvariance as lv
        >>> InvariantProjection(lv.groups.cyclic(4)).fit(np.zeros((1, 4))).components_.shape
        (1, 4)
        """
        dim = inputs_of(self, X, reset=True).shape[1]
        self.components_ = frozen(group_of(self.group, dim).invariant_basis())
        return self

    def transform(self, X: Any) -> Array:
        """B x for each row x: (n, d).

        >>> InvariantProjection().fit([[1.0, 2.0]]).transform([[3.0, 4.0]]).tolist()  # no group: B = 1
        [[3.0, 4.0]]
        """
        check_is_fitted(self)
        out: Array = inputs_of(self, X) @ self.components_.T
        return out

    def inverse_transform(self, X: Any) -> Array:
        """Bᵀz for each row z (d,): of the x with these coordinates the least, for orthogonal ρ the invariant one.

        >>> import numpy as np, linvariance as lv
        >>> project = InvariantProjection(lv.groups.cyclic(4)).fit(np.zeros((1, 4)))
        >>> abs(project.inverse_transform([[2.0]])).round(12).tolist()
        [[1.0, 1.0, 1.0, 1.0]]
        """
        check_is_fitted(self)
        z = numbers(X, "X")
        if z.shape[1] != len(self.components_):
            raise ValueError(
                f"X has {z.shape[1]} columns, but there are {len(self.components_)} invariant coordinates."
            )
        return z @ self.components_

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)
