"""Cross-validation from moments = fits to rows and predictions, for any splits."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, LeaveOneOut, RepeatedKFold, ShuffleSplit, TimeSeriesSplit

import linvariance as lv
from linvariance.estimators.validated import fold_moments

REP = lv.groups.cyclic(4)
STRENGTHS, RANKS = (0.01, 0.5, 20.0), (1, 2, 7)
SPLITS = {
    "K-fold": KFold(4),
    "shuffled": KFold(3, shuffle=True, random_state=0),
    "repeated": RepeatedKFold(n_splits=3, n_repeats=2, random_state=0),
    "overlapping": ShuffleSplit(3, test_size=0.3, random_state=0),
    "time series": TimeSeriesSplit(3),
    "one out": LeaveOneOut(),
    "pairs, rows twice": [(np.r_[0:20, 0:20, 5], np.r_[20:30]), (np.r_[10:30], np.r_[0:10, 3])],
}


def data(seed=0, n=30):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 4)) + rng.standard_normal(4)
    Y = X @ (rng.standard_normal((4, 2)) * 0.3 + 1) @ rng.standard_normal((2, 3)) + rng.standard_normal((n, 3)) + 2.0
    return X, Y, rng.uniform(0.1, 2.0, n) * (rng.random(n) > 0.1)


def pairs(splits, X):
    return list(splits.split(X)) if hasattr(splits, "split") else splits


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", SPLITS)
def test_held_out_losses_are_those_of_predictions(name, weighted, intercept):
    X, Y, w = data()
    w = w if weighted else np.ones(len(X))
    splits = [(a, b) for a, b in pairs(SPLITS[name], X) if w[b].any()]
    model = lv.RegularizedRegressorCV(
        REP, strengths=STRENGTHS, ranks=RANKS, ridge=0.01, cv=splits, fit_intercept=intercept
    ).fit(X, Y, w if weighted else None)
    mean = np.zeros((3, 3))
    for k, (train, test) in enumerate(splits[:6]):
        for i, strength in enumerate(STRENGTHS):
            for j, rank in enumerate(RANKS):
                one = lv.RegularizedRegressor(
                    REP, strength=strength, rank=rank, ridge=0.01, fit_intercept=intercept
                ).fit(X[train], Y[train], w[train])
                loss = np.average(np.square(one.predict(X[test]) - Y[test]).sum(axis=1), weights=w[test])
                assert model.losses_[k, i, j] == pytest.approx(loss, rel=1e-10, abs=1e-12)
    mean = np.average(model.losses_, axis=0, weights=[w[test].sum() for _, test in splits])
    i, j = np.unravel_index(mean.argmin(), mean.shape)
    assert (model.strength_, model.rank_) == (STRENGTHS[i], RANKS[j])
    best = lv.RegularizedRegressor(REP, strength=model.strength_, rank=model.rank_, ridge=0.01, fit_intercept=intercept)
    best.fit(X, Y, w)
    np.testing.assert_allclose(model.predict(X), best.predict(X), atol=1e-11)


@pytest.mark.parametrize("name", SPLITS)
def test_merged_parts_are_the_moments_of_the_rows(name):
    """Also where parts are few enough to be merged."""
    X, Y, w = data(1, 600)
    X, Y, w = X[:, :3], Y[:, :1], w
    splits = [(a, b) for a, b in pairs(SPLITS[name], X[:30]) if w[b].any()]
    if name == "K-fold":
        splits = list(KFold(4).split(X))
    whole, folds = fold_moments(X, Y, w, splits)
    np.testing.assert_allclose(whole.xx, lv.Moments.from_data(X, Y, w).xx, rtol=1e-12)
    for (train, test), found in zip(splits, folds, strict=True):
        for rows, moments in zip((train, test), found, strict=True):
            expected = lv.Moments.from_data(X[rows], Y[rows], w[rows])
            assert moments.n == pytest.approx(expected.n)
            np.testing.assert_allclose(moments.xx, expected.xx, atol=1e-12)
            np.testing.assert_allclose(moments.yx, expected.yx, atol=1e-12)
            np.testing.assert_allclose(moments.mean_x, expected.mean_x, atol=1e-12)


def test_jobs_weights_and_one_target():
    X, Y, _ = data(2)
    alone, two = (lv.RegularizedRegressorCV(REP, n_jobs=jobs).fit(X, Y) for jobs in (None, 2))
    np.testing.assert_array_equal(alone.losses_, two.losses_)
    assert alone.ranks_.tolist() == [1, 2, 3]
    flat = lv.RegularizedRegressorCV(REP).fit(X, Y[:, 0])
    assert flat.coef_.shape == (4,)
    assert flat.rank_ == 1
    assert not hasattr(flat, "partial_fit")


def test_a_fold_without_weight_is_named():
    X, Y, _ = data()
    with pytest.raises(ValueError, match=r"cv: fold 0 .* sample_weight"):
        lv.RegularizedRegressorCV(REP, cv=3).fit(X, Y, np.r_[np.zeros(10), np.ones(20)])
