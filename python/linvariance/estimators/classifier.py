"""The classifier, by least squares in closed form or by cross-entropy."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from ..arrays import Anyreal, Array
from ..groups import Representation
from .cross_entropy import Descent
from .gate import flag, group_of, labelled_of
from .regressors import HardWiredRegressor, LinearMap

LOSSES = ("squared", "cross_entropy")


class InvariantClassifier(ClassifierMixin, LinearMap):
    """A linear classifier of invariant scores W x + b, W G = 0, rank(W) <= rank.

    With loss="squared" W and b are those of `HardWiredRegressor` for one-hot targets (of two classes for their
    difference, -1 and 1), in closed form. With loss="cross_entropy" they minimize that of `Samples`, plus ridge·‖W‖²,
    by L-BFGS: from W = 0 if the rank bound excludes nothing (rank >= classes - 1), where the loss is convex; else in
    factors of W, from the closed form, to a local minimum. It stops when no entry of the gradient exceeds `tol`, when a
    step lowers the loss by less than 64 eps of it, or with a ConvergenceWarning after `max_iter` steps. Classes that
    invariants separate have no optimum without a ridge: then it stops on the way there.

    Args:
        group: a Representation on the inputs; None for the trivial group.
        loss: "squared" or "cross_entropy".
        rank: the largest rank of W; None for no bound.
        ridge: of W, not of b.
        fit_intercept: whether there is a b.
        tol: of the gradient, for cross-entropy.
        max_iter: steps, for cross-entropy.

    Attributes:
        classes_: (k,).
        coef_: W (k, d0); of two classes (1, d0), the difference of the second and the first. intercept_: b alike.
        n_iter_: steps taken; 1 for the closed form.

    >>> import numpy as np, linvariance as lv
    >>> X, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [1.0, 3.0]]), np.array(["few", "few", "many", "many"])
    >>> for loss in ("squared", "cross_entropy"):
    ...     print(InvariantClassifier(lv.groups.symmetric(2), loss=loss, ridge=1e-3).fit(X, y).predict(X[:, ::-1]))
    ['few' 'few' 'many' 'many']
    ['few' 'few' 'many' 'many']
    """

    classes_: npt.NDArray[Any]
    n_iter_: int

    def __init__(
        self,
        group: Representation | None = None,
        *,
        loss: str = "squared",
        rank: int | None = None,
        ridge: float = 0.0,
        fit_intercept: bool = True,
        tol: float = 1e-4,
        max_iter: int = 1000,
    ) -> None:
        self.group, self.loss, self.rank, self.ridge = group, loss, rank, ridge
        self.fit_intercept, self.tol, self.max_iter = fit_intercept, tol, max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fits to rows X (n, d0) of classes y (n,), with non-negative weights (n,).

        >>> InvariantClassifier().fit([[0.0], [1.0], [2.0]], ["a", "b", "b"]).classes_.tolist()
        ['a', 'b']
        """
        if not isinstance(self.loss, str) or self.loss not in LOSSES:
            raise ValueError(f"loss must be one of {', '.join(LOSSES)}, but is {self.loss!r:.60}.")
        X, y, weights = labelled_of(self, X, y, sample_weight)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds one class only, {self.classes_[0]!r:.60}: a classifier needs two.")
        onehot = np.asarray(labels[:, None] == np.arange(len(self.classes_)), dtype=np.float64)
        if self.loss == "squared":
            return self._take(*self._closed_form(X, _contrast(onehot), weights), iterations=1)
        W, b, iterations = self._descend(X, labels, onehot, weights)
        return self._take(_contrast(W.T).T, _contrast(b), iterations)

    def decision_function(self, X: Any) -> Array:
        """W x + b for each row x: (n, k), or (n,) for two classes, positive for the second.

        >>> InvariantClassifier().fit([[0.0], [1.0]], ["a", "b"]).decision_function([[0.0], [1.0]]).round(9).tolist()
        [-1.0, 1.0]
        """
        scores = self._affine(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The class of the largest score, for each row: (n,).

        >>> InvariantClassifier().fit([[0.0], [1.0]], ["a", "b"]).predict([[0.1], [0.9]]).tolist()
        ['a', 'b']
        """
        scores = self.decision_function(X)
        found: npt.NDArray[Any] = self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]
        return found

    @available_if(lambda self: self.loss == "cross_entropy")
    def predict_proba(self, X: Any) -> Array:
        """softmax(W x + b) (n, k); only for loss="cross_entropy".

        >>> X, y = [[0.0], [0.0], [1.0], [1.0]], ["a", "b", "b", "b"]
        >>> model = InvariantClassifier(loss="cross_entropy", ridge=1e-3).fit(X, y)
        >>> model.predict_proba([[0.0]]).round(1).tolist()
        [[0.5, 0.5]]
        """
        return np.asarray(softmax(self._all_scores(X), axis=1))

    @available_if(lambda self: self.loss == "cross_entropy")
    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of `predict_proba` (n, k), finite where that underflows.

        >>> model = InvariantClassifier(loss="cross_entropy", ridge=1e-2).fit([[0.0], [1.0]], ["a", "b"])
        >>> bool(model.predict_proba([[1e6]])[0, 0] == 0), bool(np.isfinite(model.predict_log_proba([[1e6]])).all())
        (True, True)
        """
        return np.asarray(log_softmax(self._all_scores(X), axis=1))

    def _all_scores(self, X: Any) -> Array:
        """(n, k), also of two classes."""
        scores = self.decision_function(X)
        return np.stack([np.zeros(len(scores)), scores], axis=1) if scores.ndim == 1 else scores

    def _take(self, W: Array, b: Array, iterations: int) -> Self:
        self.coef_, self.intercept_, self.n_iter_ = W, b, iterations
        return self

    def _closed_form(self, X: Anyreal, targets: Array, weights: Array | None) -> tuple[Array, Array]:
        model = HardWiredRegressor(self.group, rank=self.rank, ridge=self.ridge, fit_intercept=self.fit_intercept)
        model.fit(X, targets, weights)
        return model.coef_, model.intercept_

    def _descend(
        self, X: Anyreal, labels: npt.NDArray[np.intp], onehot: Array, weights: Array | None
    ) -> tuple[Array, Array, int]:
        start = self._closed_form(X, onehot, weights)  # and its gates
        B = group_of(self.group, X.shape[1]).invariant_basis()
        descent = Descent(X @ B.T, labels, weights, self.ridge, flag(self.fit_intercept, "fit_intercept"))
        bound = len(self.classes_) if self.rank is None else self.rank
        V, b, iterations = descent.run(start[0] @ B.T, start[1], bound, self.tol, self.max_iter)
        return V @ B, b, iterations


def _contrast(scores: Array) -> Array:
    """Of two classes the difference of their scores (..., 1); of more the scores themselves."""
    return scores[..., 1:] - scores[..., :1] if scores.shape[-1] == 2 else scores
