"""The classifier: closed form by one-hot targets, and cross-entropy against scikit-learn and brute force."""

import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

import linvariance as lv
from linvariance.estimators.cross_entropy import Descent

REP = lv.groups.image_reflections(3) if hasattr(lv.groups, "image_reflections") else lv.groups.reversal(6)


def data(classes=3, n=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, REP.dim))
    scores = REP.project(X @ rng.standard_normal((REP.dim, REP.dim)))[:, :classes] + rng.gumbel(size=(n, classes))
    return X, np.array(["a", "b", "c", "d"])[scores.argmax(axis=1)], rng.uniform(0.1, 3.0, n).round(1)


def cross_entropy(model, X, y, w, ridge):
    """(1/Σw) Σ w (lse - score) + ridge ‖W‖², for the two scores 0 and f of two classes."""
    scores = X @ model.coef_.T + model.intercept_
    scores = np.hstack([-scores / 2, scores / 2]) if len(model.classes_) == 2 else scores
    W = np.vstack([-model.coef_ / 2, model.coef_ / 2]) if len(model.classes_) == 2 else model.coef_
    own = scores[np.arange(len(X)), np.searchsorted(model.classes_, y)]
    return np.average(logsumexp(scores, axis=1) - own, weights=w) + ridge * np.square(W).sum()


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_squared_loss_is_the_regressor_on_one_hot_targets(classes):
    X, y, w = data(classes)
    model = lv.InvariantClassifier(REP, rank=2, ridge=0.1).fit(X, y, w)
    onehot = (y[:, None] == model.classes_).astype(float)
    scores = lv.HardWiredRegressor(REP, rank=2, ridge=0.1).fit(X, onehot, w).predict(X)
    np.testing.assert_array_equal(model.predict(X), model.classes_[scores.argmax(axis=1)])
    expected = scores[:, 1] - scores[:, 0] if classes == 2 else scores
    np.testing.assert_allclose(model.decision_function(X), expected, atol=1e-12)
    assert model.coef_.shape == (1 if classes == 2 else classes, REP.dim)
    assert not hasattr(model, "predict_proba")


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("classes", [2, 3, 4])
def test_cross_entropy_is_logistic_regression_on_invariant_coordinates(classes, intercept):
    X, y, w = data(classes)
    ridge, B = 0.02, REP.invariant_basis()
    model = lv.InvariantClassifier(REP, loss="cross_entropy", ridge=ridge, tol=1e-9, fit_intercept=intercept).fit(
        X, y, w
    )
    # Of two classes scikit-learn penalizes f = (W_2 - W_1)x, of which W_2 = -W_1 has half the square.
    C = 1 / (2 * ridge * w.sum()) * (2 if classes == 2 else 1)
    peer = LogisticRegression(C=C, tol=1e-12, max_iter=10_000, fit_intercept=intercept).fit(X @ B.T, y, w)
    np.testing.assert_allclose(model.coef_, peer.coef_ @ B, atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(X), peer.predict_proba(X @ B.T), atol=1e-5)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X), atol=1e-12)
    np.testing.assert_allclose(model.predict_proba(X[:, REP.generators[0]]), model.predict_proba(X), atol=1e-12)


def test_bounded_rank_under_cross_entropy_is_stationary_and_below_its_start():
    X, y, w = data(4)
    options = {"rank": 1, "ridge": 0.05}
    start = lv.InvariantClassifier(REP, **options).fit(X, y, w)
    model = lv.InvariantClassifier(REP, loss="cross_entropy", tol=1e-7, **options).fit(X, y, w)
    assert np.linalg.matrix_rank(model.coef_, tol=1e-10) == 1
    best = cross_entropy(model, X, y, w, 0.05)
    assert best < cross_entropy(start, X, y, w, 0.05)
    U, s, Vt = np.linalg.svd(model.coef_)
    rng = np.random.default_rng(0)
    for _ in range(10):  # no neighbour of rank 1, invariant, is better
        other = lv.InvariantClassifier(REP, loss="cross_entropy", **options).fit(X, y, w)
        left = U[:, :1] + 1e-3 * rng.standard_normal((4, 1))
        right = s[0] * Vt[:1] + 1e-3 * REP.project(rng.standard_normal((1, REP.dim)))
        other.coef_, other.intercept_ = left @ right, model.intercept_ + 1e-3 * rng.standard_normal(4)
        assert cross_entropy(other, X, y, w, 0.05) >= best - 1e-12


def weighed(Z, labels, V, ridge):
    """Loss and gradient in V of plain samples, by the core."""
    samples = lv.Samples(Z, labels, loss="cross_entropy", classes=len(V))
    loss, (slope,) = lv.value_and_gradient(lv.unconstrained(samples, rank=len(V)), lv.Network([V]))
    return loss + ridge * np.square(V).sum(), slope + 2 * ridge * V


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_the_loss_is_that_of_samples_repeated_by_their_weights(scale):
    """Also where softmax underflows."""
    rng = np.random.default_rng(0)
    Z, labels, w = scale * rng.standard_normal((40, 5)), rng.integers(0, 3, 40), rng.integers(1, 4, 40)
    V, b = rng.standard_normal((3, 5)), rng.standard_normal(3)
    again = np.repeat(np.arange(40), w)
    plain, weighted = Descent(Z, labels, None, 0.1, False), Descent(Z, labels, w.astype(float), 0.1, False)
    for descent, rows in ((plain, np.arange(40)), (weighted, again)):
        loss, slope, _ = descent._at(V, b)
        expected = weighed(Z[rows], labels[rows], V, 0.1)
        assert loss == pytest.approx(expected[0], rel=1e-12)
        np.testing.assert_allclose(slope, expected[1], rtol=0, atol=1e-13 * scale)
    one, other = (Descent(Z, labels, w.astype(float), 0.1, True)._at(V, b + t * np.eye(3)[0])[0] for t in (1e-5, -1e-5))
    slope = Descent(Z, labels, w.astype(float), 0.1, True)._at(V, b)[2]
    assert slope[0] == pytest.approx((one - other) / 2e-5, abs=1e-5)


def test_it_says_when_it_did_not_converge():
    X, y, _ = data(3)
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        model = lv.InvariantClassifier(REP, loss="cross_entropy", tol=1e-12, max_iter=2).fit(X, y)
    assert model.n_iter_ == 2


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_without_invariants_only_the_frequencies_are_learned(loss):
    """d = 0: W = 0, and b knows how often each class is."""
    X, y, _ = data(3)
    group = lv.groups.hypercube(REP.dim)
    model = lv.InvariantClassifier(group, loss=loss, tol=1e-9).fit(X, y)
    np.testing.assert_array_equal(model.coef_, 0.0)
    share = np.unique(y, return_counts=True)[1] / len(y)
    if loss == "cross_entropy":
        np.testing.assert_allclose(model.predict_proba(X[:1])[0], share, atol=1e-7)
        bare = lv.InvariantClassifier(group, loss=loss, fit_intercept=False).fit(X, y)
        np.testing.assert_array_equal(bare.predict_proba(X[:1])[0], np.full(3, 1 / 3))
    else:
        np.testing.assert_allclose(model.intercept_, share, atol=1e-12)
