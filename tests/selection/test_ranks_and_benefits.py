"""Choosing the rank, what a symmetry is worth, learning curves."""

import math

import numpy as np
import pytest
from scipy.linalg import helmert

import linvariance as lv
from linvariance.selection import degrees_of_freedom

REP = lv.groups.image_rotations(4)
RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 16))
LOW = RNG.standard_normal((6, 2)) @ RNG.standard_normal((2, 16))
Y = X @ LOW.T + 2 * RNG.standard_normal((300, 6))
M = lv.Moments.from_data(X, Y)


@pytest.fixture(scope="module")
def ranks():
    return lv.select_rank(lv.unconstrained(M, rank=9))


@pytest.fixture(scope="module")
def worth():
    W = REP.project(LOW)
    return lv.symmetry_benefit(X, X @ W.T + 2 * RNG.standard_normal((300, 6)), REP)


@pytest.fixture(scope="module")
def curve():
    targets = X @ REP.project(LOW).T + RNG.standard_normal((300, 6))
    return lv.learning_curve(X, targets, REP, rank=6, strength=0.1, sizes=[40, 20, 240], seeds=(3, 4))


def test_the_planted_rank_is_found(ranks):
    assert ranks.best_by("bic").rank == 2
    assert [score.rank for score in ranks.scores] == list(range(7))


def test_rank_scores_are_their_formulas(ranks):
    for score in ranks.scores[1:]:
        problem = lv.unconstrained(M, rank=score.rank)
        W = lv.solve(problem).weights
        squares, df, size = np.square(X @ W.T - Y).mean(), degrees_of_freedom(problem), 1800
        assert score.mean_square == pytest.approx(squares, rel=1e-12)
        assert score.freedom == df
        assert score.gcv == pytest.approx(squares / (1 - df / size) ** 2, rel=1e-12)
        assert score.aic == pytest.approx(size * math.log(squares) + 2 * df, rel=1e-12)
        assert score.bic == pytest.approx(size * math.log(squares) + math.log(size) * df, rel=1e-12)
    assert ranks.scores[0].mean_square == pytest.approx(np.mean(Y**2), rel=1e-13)


def test_stein_counts_the_risk_without_bias():
    """E‖fit - truth‖² = E‖fit - Y‖² - n·dL·σ² + 2σ² E df, at a fixed rank: the mean over 300 draws."""
    rng = np.random.default_rng(1)
    inputs, truth = rng.standard_normal((30, 4)), rng.standard_normal((3, 4))
    gaps = []
    for _ in range(300):
        targets = inputs @ truth.T + rng.standard_normal((30, 3))
        problem = lv.unconstrained(lv.Moments.from_data(inputs, targets), rank=1)
        fit = inputs @ lv.solve(problem).weights.T
        estimate = np.square(fit - targets).sum() - 90 + 2 * degrees_of_freedom(problem)
        gaps.append(estimate - np.square(fit - inputs @ truth.T).sum())
    assert abs(np.mean(gaps)) < 4 * np.std(gaps) / math.sqrt(300)


def test_ties_and_noise_free_targets_are_infinite():
    m = lv.Moments.from_data(np.eye(4), np.diag([2.0, 2.0, 1.0, 0.5])[:, :3])
    assert [score.gcv == math.inf for score in lv.select_rank(lv.unconstrained(m, rank=3)).scores] == [
        False,
        True,
        False,
        True,
    ]


def test_penalties_do_not_count_as_residuals():
    found = lv.select_rank(lv.regularized(M, REP, rank=2, strength=0.5, ridge=0.1))
    assert all(score.mean_square * 6 < score.loss for score in found.scores[1:])
    metric = lv.select_rank(lv.hard_wired(M, REP, rank=2, metric=4 * np.eye(6)))
    plain = lv.select_rank(lv.hard_wired(M, REP, rank=2))
    assert metric.scores[2].mean_square == pytest.approx(4 * plain.scores[2].mean_square)
    assert metric.scores[2].freedom == pytest.approx(plain.scores[2].freedom)


def test_rank_selection_shows_itself(ranks):
    assert "not counted" in repr(ranks)
    assert len(repr(ranks).splitlines()) == 10
    pytest.importorskip("pandas")
    assert list(ranks.to_frame()["rank"]) == list(range(7))
    pytest.importorskip("matplotlib")
    axes = ranks.plot()
    assert ranks.plot(axes) is axes


def test_benefit_is_the_formula(worth):
    assert worth.noise == pytest.approx(4, rel=0.1)
    assert worth.gain() == pytest.approx(worth.noise * (16 / (300 - 17) - 4 / (300 - 5)))
    assert worth.gain(30) > worth.gain(300) > 0
    assert worth.cv_n == 240
    assert abs(worth.cv_gain - worth.gain(240)) < 3 * worth.cv_gain_error
    assert "cross-validated" in repr(worth)


def test_benefit_of_literal_folds(worth):
    """Least squares on the rows that are left, with NumPy."""
    targets = X @ LOW.T + 1.0
    found = lv.symmetry_benefit(X, targets, REP, folds=3, seed=5)
    squares = np.zeros(2)
    for part in np.array_split(np.random.default_rng(5).permutation(300), 3):
        rest = np.setdiff1d(np.arange(300), part)
        for k, B in enumerate((np.eye(16), REP.invariant_basis())):
            V = np.linalg.lstsq(X[rest] @ B.T, targets[rest], rcond=None)[0]
            squares[k] += np.square(X[part] @ B.T @ V - targets[part]).sum()
    assert [found.cv_none, found.cv_symmetric] == pytest.approx(list(squares / 1800), rel=1e-10)
    assert found.cv_gain < 0  # the symmetry does not hold


def test_predicted_excess_is_that_of_gaussian_inputs():
    """σ² d/(n - d - 1): the mean over 2000 draws of X within four standard errors."""
    rng = np.random.default_rng(2)
    benefit = lv.symmetry_benefit(
        lv.Moments.from_data(rng.standard_normal((20, 4)), rng.standard_normal(20)), None, lv.groups.cyclic(4)
    )
    risks = [np.trace(np.linalg.inv(A.T @ A)) for A in rng.standard_normal((2000, 20, 4))]
    assert abs(np.mean(risks) - benefit.excess(20, 4) / benefit.noise) < 4 * np.std(risks) / math.sqrt(2000)


def test_learning_curves_fall(curve):
    assert curve.sizes == (20, 40, 240)
    assert curve.loss.shape == (4, 2, 3)
    np.testing.assert_allclose(curve.loss[1], curve.loss[2], rtol=1e-9)  # Theorem 12
    assert (curve.loss[1].mean(axis=0) < curve.loss[0].mean(axis=0)).all()


def test_one_point_of_a_learning_curve():
    found = lv.learning_curve(X, Y, REP, rank=2, strength=0.1, sizes=[50], seeds=(9,))
    order = np.random.default_rng(9).permutation(300)
    fit, test = order[:50], order[240:]
    data = lv.Moments.from_data(X[fit], Y[fit])
    for k, problem in enumerate((lv.unconstrained(data, rank=2), lv.hard_wired(data, REP, rank=2))):
        W = lv.solve(problem).weights
        assert found.loss[k, 0, 0] == pytest.approx(np.square(X[test] @ W.T - Y[test]).mean(), rel=1e-9)


def test_learning_curve_shows_itself(curve):
    assert "60 samples held out" in repr(curve)
    assert lv.learning_curve(X[:4], Y[:4], REP, rank=1, strength=1.0).sizes == (2, 3)
    pytest.importorskip("pandas")
    table = curve.to_frame()
    assert len(table) == 24
    assert table.groupby("method")["loss"].count().eq(6).all()
    pytest.importorskip("matplotlib")
    axes = curve.plot()
    assert curve.plot(axes) is axes


def test_centred_moments_are_their_contrasts():
    """n - 1 samples without an intercept: the same noise and gain, the same GCV but for a factor n/(n - 1)."""
    rng = np.random.default_rng(0)
    X, rep = rng.standard_normal((30, 4)) + 1, lv.groups.cyclic(4)
    Y = X @ rng.standard_normal((4, 3)) + rng.standard_normal((30, 3)) + 5
    centred, literal = lv.Moments.from_data(X, Y).centered(), lv.Moments.from_data(helmert(30) @ X, helmert(30) @ Y)
    one, other = (lv.symmetry_benefit(m, rep=rep) for m in (centred, literal))
    assert (one.n, one.noise, one.gain()) == pytest.approx((other.n, other.noise, other.gain()), rel=1e-12)
    one, other = (lv.select_rank(lv.unconstrained(m, rank=3)) for m in (centred, literal))
    assert [s.gcv for s in one.scores] == pytest.approx([s.gcv * 30 / 29 for s in other.scores], rel=1e-12)
    one, other = (lv.select_symmetry(m, candidates={"turns": rep}) for m in (centred, literal))
    for score, twin in zip(one.scores, other.scores, strict=True):
        assert (score.name, score.noise) == (twin.name, pytest.approx(twin.noise, rel=1e-6))
        assert score.log_evidence == pytest.approx(twin.log_evidence, rel=1e-10)
        assert score.gcv == pytest.approx(twin.gcv * 30 / 29, rel=1e-6)


def test_aic_counts_the_mean():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((30, 4)), rng.standard_normal((30, 3))
    score = lv.select_rank(lv.unconstrained(lv.Moments.from_data(X, Y).centered(), rank=3)).scores[-1]
    expected = 90 * math.log(score.mean_square) + np.array([2, math.log(90)]) * 3 * (4 + 1)
    assert (score.aic, score.bic) == pytest.approx(tuple(expected), rel=1e-12)
