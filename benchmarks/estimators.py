"""Claim: cross-validation over 100 strengths, 10 ranks, 5 folds (n = 20 000, d0 = 196, dL = 10, C4) against Cholesky.

The peer starts from the same second moments, and takes a Cholesky factor and a thin SVD for each fold and strength; all
ranks are read off that SVD, held-out losses of all ranks off cumulative sums.
"""

from common import better, on_threads, race, repeat, store, table  # isort: skip

import numpy as np
import scipy.linalg
from sklearn.model_selection import KFold

import linvariance as lv
from linvariance.data.moments import all_but_one
from linvariance.estimators.validated import held_out_losses

n, outputs, folds = 20_000, 10, 5
rng = np.random.default_rng(0)
rep = lv.groups.image_rotations(14)
X = rng.standard_normal((n, rep.dim))
W = rng.standard_normal((outputs, rep.dim)) / 14
Y = X @ (rep.project(W) + 0.3 * W).T + rng.standard_normal((n, outputs))
strengths, ranks = np.geomspace(1e-4, 1e3, 100), np.arange(1, 11)
splits = list(KFold(folds).split(X))
penalty = rep.penalty_matrix()
parts = [lv.Moments.from_data(X[test], Y[test]) for _, test in splits]


def sums(rows):
    """Weight, means, XᵀX, YᵀX, ‖Y‖² of some rows."""
    x, y = X[rows], Y[rows]
    return np.array([len(rows), x.sum(0), y.sum(0), x.T @ x, y.T @ x, np.square(y).sum()], dtype=object)


def about(total, x, y):
    """S, C and c about a point."""
    count, sum_x, sum_y, xx, yx, yy = total
    mean_x, mean_y = sum_x / count, sum_y / count
    S = xx / count - np.outer(mean_x, x) - np.outer(x, mean_x) + np.outer(x, x)
    C = yx / count - np.outer(mean_y, x) - np.outer(y, mean_x) + np.outer(y, x)
    return S, C, yy / count - 2 * mean_y @ y + y @ y


def cholesky(tests):
    """Held-out losses (folds, strengths, ranks)."""
    out, total = np.empty((folds, len(strengths), outputs)), sum(tests)
    for k, test in enumerate(tests):
        train = total - test
        x, y = train[1] / train[0], train[2] / train[0]
        (S, C, _), (held_S, held_C, held_c) = about(train, x, y), about(test, x, y)
        for i, strength in enumerate(strengths):
            L = scipy.linalg.cholesky(S + strength * penalty, lower=True, check_finite=False)
            Zt = scipy.linalg.solve_triangular(L, C.T, lower=True, check_finite=False)
            U, s, Vt = np.linalg.svd(Zt.T, full_matrices=False)
            H = scipy.linalg.solve_triangular(L, Vt.T * s, lower=True, trans="T", check_finite=False).T  # Uᵀ W
            out[k, i] = held_c + np.cumsum(((H @ held_S - 2 * U.T @ held_C) * H).sum(axis=1))
    return out


def ours(tests):
    """The same, from the folds' moments."""
    folds_of = zip(all_but_one(tests), tests, strict=True)
    return np.stack([held_out_losses(train, test, rep, strengths, 0.0, True) for train, test in folds_of])


def search():
    return lv.RegularizedRegressorCV(rep, strengths=strengths, ranks=ranks, cv=folds).fit(X, Y)


def whole():
    losses = cholesky([sums(test) for _, test in splits]).mean(axis=0)
    return np.unravel_index(losses.argmin(), losses.shape)


def main():
    tests = [sums(test) for _, test in splits]
    expected, found, model = cholesky(tests), ours(parts), search()
    for losses in (found, model.losses_):
        np.testing.assert_allclose(losses, expected, rtol=1e-9)
    i, j = whole()
    assert (model.strength_, model.rank_) == (strengths[i], ranks[j])
    print(f"scores agree to {np.abs(found / expected - 1).max():.1e}; chosen: {model.strength_:.3g}, {model.rank_}")
    rows = {}
    for case, own, peer in (
        ("from the folds' moments", lambda: ours(parts), lambda: cholesky(tests)),
        ("from the data, moments and all", search, whole),
    ):
        works = {"linvariance": on_threads(repeat(own))(1)}
        threads, work = better(on_threads(repeat(peer)))
        works[f"Cholesky and thin SVD each, {threads} threads"] = work
        rows |= table(case, race(works), "ms")
    store("estimators", rows)


if __name__ == "__main__":
    main()
