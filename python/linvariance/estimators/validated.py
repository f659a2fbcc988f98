"""The regularized regressor whose strength and rank are chosen by cross-validation, together and exactly."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from sklearn.model_selection import check_cv

from ..arrays import Anyreal, Array, integer, listed, reals
from ..data.moments import Moments, all_but_one
from ..groups import Representation
from ..optima import regularization_path
from ..problems import Problem, regularized
from .gate import flag, group_of, samples_of
from .regressors import MomentRegressor

Fold = tuple[Moments, Moments]  # of the rows to fit to, and of those held out
Indices = npt.NDArray[np.intp]


class RegularizedRegressorCV(MomentRegressor):
    """`RegularizedRegressor` with the strength and the rank of least held-out loss, all pairs of them tried.

    The data are read once: a fold's moments are those of the other parts, merged. On each fold one factorization serves
    all strengths, one singular value decomposition all ranks, and held-out losses come from held-out moments.

    Args:
        group: a Representation on the inputs; None for the trivial group, of which the penalty is 0.
        strengths: to choose from, positive.
        ranks: to choose from; None for 1, ..., dL.
        ridge: of W, not of b.
        fit_intercept: whether there is a b.
        cv: number of folds, a splitter of scikit-learn, or (train, test) pairs of indices.
        n_jobs: of joblib, over folds; in threads, unless a `joblib.parallel_config` says otherwise.

    Attributes:
        strength_, rank_: the chosen ones.
        losses_: (folds, strengths, ranks), the mean of ‖Wx + b - y‖² over the held-out rows of each fold.
        held_out_: the weight of the held-out rows of each fold, by which their losses are averaged.
        strengths_, ranks_: those tried.
        coef_, intercept_, solution_, moments_: of the fit to all rows.

    >>> import numpy as np, linvariance as lv
    >>> rng = np.random.default_rng(0)
    >>> X, noise = rng.standard_normal((60, 4)), rng.standard_normal((60, 2))
    >>> model = RegularizedRegressorCV(lv.groups.cyclic(4), strengths=[1e-3, 1.0, 1e3])
    >>> model.fit(X, X @ np.ones((4, 2)) + noise).strength_, model.rank_, model.losses_.shape
    (1000.0, 1, (5, 3, 2))
    """

    def __init__(
        self,
        group: Representation | None = None,
        *,
        strengths: npt.ArrayLike = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0),
        ranks: Sequence[int] | None = None,
        ridge: float = 0.0,
        fit_intercept: bool = True,
        cv: Any = 5,
        n_jobs: int | None = None,
    ) -> None:
        self.group, self.strengths, self.ranks, self.ridge = group, strengths, ranks, ridge
        self.fit_intercept, self.cv, self.n_jobs = fit_intercept, cv, n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Chooses strength and rank, and fits with them to all rows X (n, d0) and targets y (n,) or (n, dL).

        >>> import linvariance as lv
        >>> X = np.random.default_rng(0).standard_normal((60, 4))
        >>> model = RegularizedRegressorCV(lv.groups.cyclic(4), cv=3).fit(X, X @ [4.0, 3.0, 2.0, 1.0])
        >>> model.strength_, model.losses_.mean(axis=(0, 2)).round(1).tolist()  # there is no symmetry
        (0.001, [0.0, 0.0, 0.2, 2.8, 5.4, 5.9, 6.0])
        """
        X, y, weights = samples_of(self, X, y, sample_weight, reset=True)
        splits = list(check_cv(self.cv).split(X, y))
        whole, folds = fold_moments(X, y, weights, splits)
        return self._choose(folds)._settle(whole, flat=y.ndim == 1)

    def _pose(self, moments: Moments, rep: Representation) -> Problem:
        return regularized(moments, rep, rank=self.rank_, strength=self.strength_, ridge=self.ridge)

    def _choose(self, folds: Sequence[Fold]) -> Self:
        train = folds[0][0]
        self.strengths_ = np.asarray(reals(self.strengths, "strengths", ndim=(1,)), dtype=np.float64)
        self.ranks_ = _ranks(self.ranks, train.outputs)
        rep = group_of(self.group, train.inputs)
        intercept = flag(self.fit_intercept, "fit_intercept")
        losses = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(held_out_losses)(*fold, rep, self.strengths_, self.ridge, intercept) for fold in folds
        )
        self.losses_ = np.stack(losses)[:, :, np.minimum(self.ranks_, train.outputs) - 1]
        self.held_out_ = np.array([test.n for _, test in folds])
        mean = np.average(self.losses_, axis=0, weights=self.held_out_)
        i, j = np.unravel_index(mean.argmin(), mean.shape)
        self.strength_, self.rank_ = float(self.strengths_[i]), int(self.ranks_[j])
        return self


def held_out_losses(
    train: Moments, test: Moments, rep: Representation, strengths: Array, ridge: float, intercept: bool
) -> Array:
    """The held-out loss (strengths, dL) of every strength and rank 1, ..., dL, from the moments of one fold."""
    if intercept:  # b is y - W x at the means of the rows fitted to
        train, test = train.centered(), test.about(train.mean_x, train.mean_y)
    return regularization_path(train, rep, rank=train.outputs, ridge=ridge).losses(test, strengths)


def fold_moments(
    X: Anyreal, y: Anyreal, weights: Array | None, splits: Sequence[tuple[Indices, Indices]]
) -> tuple[Moments, list[Fold]]:
    """The moments of all rows, and those of each (train, test) pair.

    Rows that lie on the same side of every split are one part. Parts are read once and merged; only where splits cut
    the rows into parts smaller than a triangle, or take rows twice, is each side read for itself.
    """
    used = np.arange(len(X)) if weights is None else np.flatnonzero(weights)
    splits = [(train[np.isin(train, used)], test[np.isin(test, used)]) for train, test in splits]
    for k, pair in enumerate(splits):
        if not all(len(side) for side in pair):
            raise ValueError(f"cv: fold {k} has no rows, or none of positive sample_weight, to fit to or to hold out.")

    def of(rows: Indices) -> Moments:
        return Moments.from_data(X[rows], y[rows], None if weights is None else weights[rows])

    sides = np.zeros((len(X), 2 * len(splits)), dtype=bool)
    for k, (train, test) in enumerate(splits):
        sides[train, 2 * k], sides[test, 2 * k + 1] = True, True
    patterns, part = np.unique(sides[used], axis=0, return_inverse=True)
    repeats = sides.sum() < sum(len(train) + len(test) for train, test in splits)
    if repeats or len(patterns) * X.shape[1] > len(used):
        return of(used), [(of(train), of(test)) for train, test in splits]
    parts = [of(used[part == k]) for k in range(len(patterns))]
    trained, held = patterns[:, ::2], patterns[:, 1::2]
    if len(parts) > 1 and (trained ^ held).all() and (held.sum(axis=0) == 1).all() and (held.sum(axis=1) == 1).all():
        parts = [parts[k] for k in held.argmax(axis=0)]  # each is held out once, by itself
        rest = all_but_one(parts)
        return rest[-1] + parts[-1], list(zip(rest, parts, strict=True))
    merged = [reduce(add, itertools.compress(parts, side)) for side in patterns.T]
    return reduce(add, parts), list(zip(merged[::2], merged[1::2], strict=True))


def _ranks(ranks: Sequence[int] | None, outputs: int) -> npt.NDArray[np.int64]:
    if ranks is None:
        return np.arange(1, outputs + 1)
    found = [integer(rank, f"ranks[{k}]", maximum=2**31) for k, rank in enumerate(listed(ranks, "ranks"))]
    if not found:
        raise ValueError("ranks is empty: pass some, e.g. ranks=(1, 2), or None for all.")
    return np.array(found)
