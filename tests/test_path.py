"""The regularization path: values, derivative, jumps, limits, against solve, differences and 50 digits."""

import mpmath
import numpy as np
import pytest

import linvariance as lv

E, F = np.array([1.0, 1.0]) / np.sqrt(2), np.array([1.0, -1.0]) / np.sqrt(2)


def counterexample(a=1.0, b=2.0, bump=0.0):
    """Theorem 9 without a gap: W jumps at ((b/a)² - 1)/4."""
    C = np.array([a * E, b * F]) + bump * np.array([[0.3, 0.7], [0.2, -0.5]])
    m = lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.sqrt(2) * C.T)
    return lv.regularization_path(m, lv.groups.symmetric(2), rank=1)


def random_path(seed, rank=None):
    rng = np.random.default_rng(seed)
    d0, outputs, n = int(rng.integers(2, 9)), int(rng.integers(1, 5)), int(rng.integers(2, 15))
    m = lv.Moments.from_data(rng.standard_normal((n, d0)), rng.standard_normal((n, outputs)))
    rep = lv.groups.permutations([rng.permutation(d0)])
    return lv.regularization_path(m, rep, rank=rank or int(rng.integers(1, 4)))


@pytest.mark.parametrize("seed", range(25))
def test_values_are_those_of_solve(seed):
    f = random_path(seed)
    strengths = np.geomspace(1e-6, 1e6, 13)
    values = f.evaluate(strengths)
    for k, strength in enumerate(strengths):
        s = f(strength)
        if s.gap < 1e-3:  # W itself is ill-conditioned there
            continue
        np.testing.assert_allclose(values.weights[k], s.weights, atol=1e-9 * np.linalg.norm(s.weights) / s.gap)
        assert values.loss[k] == pytest.approx(s.loss, rel=1e-11)
        assert values.gap[k] == pytest.approx(s.gap, rel=1e-9)


@pytest.mark.parametrize("seed", range(15))
def test_the_derivative_is_the_difference_quotient(seed):
    f = random_path(seed)
    for strength in (0.03, 1.0, 20.0):
        if f(strength).gap < 0.05:
            continue
        h = 1e-5 * strength
        slope = (f(strength + h).weights - f(strength - h).weights) / (2 * h)
        np.testing.assert_allclose(f.derivative(strength), slope, atol=1e-6 * max(1.0, np.abs(slope).max()))


@pytest.mark.parametrize(("a", "b"), [(1.0, 2.0), (0.5, 3.0), (2.0, 2.5)])
def test_the_counterexample_to_theorem_9_jumps_where_it_must(a, b):
    f = counterexample(a, b)
    (jump,) = f.jumps
    where = ((b / a) ** 2 - 1) / 4
    assert jump.strength == pytest.approx(where, rel=1e-10)
    assert jump.upper - jump.lower < 1e-10 * where
    assert jump.lower < where < jump.upper
    np.testing.assert_allclose(jump.after.weights, np.array([a * E, 0 * E]), atol=1e-9)
    assert np.linalg.norm(jump.before.weights @ E) < 1e-9
    assert f.smallest_gap == 0.0


@pytest.mark.parametrize("bump", [1e-3, 1e-6])
def test_near_crossings_are_no_jumps(bump):
    f = counterexample(bump=bump)
    assert f.jumps == ()
    (near,) = f.near_crossings
    assert 0 < near.gap < bump
    assert near.slope > 0.1 / bump
    assert f.is_certified


def test_without_symmetry_no_jumps_are_found_and_their_absence_is_proved():
    paths = [random_path(seed) for seed in range(40)]
    assert not any(f.jumps for f in paths)
    assert sum(f.is_certified for f in paths) >= 36  # the others say undecided


def test_limits_and_rates():
    f = random_path(3, rank=2)
    far = [np.linalg.norm(f(strength).weights - f.limit.weights) for strength in (1e4, 1e5, 1e6)]
    assert far[0] / far[1] == pytest.approx(10, rel=0.01)
    assert far[1] / far[2] == pytest.approx(10, rel=0.01)


def test_at_zero_is_the_limit_from_above_and_not_the_least_norm_fit():
    rng = np.random.default_rng(5)
    m = lv.Moments.from_data(rng.standard_normal((3, 6)), rng.standard_normal((3, 2)))
    rep = lv.groups.cyclic(6)
    f = lv.regularization_path(m, rep, rank=2)
    np.testing.assert_allclose(f.at_zero.weights, f(1e-11).weights, atol=1e-8)
    assert np.linalg.norm(f(0.0).weights) < np.linalg.norm(f.at_zero.weights) - 1e-3
    G = rep.defect.toarray()
    assert np.linalg.norm(f.at_zero.weights @ G) < np.linalg.norm(f(0.0).weights @ G) - 1e-3


def test_wanted_values_are_met():
    f = random_path(1, rank=2)
    for name in ("loss", "norm_perp"):
        low, high = np.sort(getattr(f.evaluate([0.01, 10.0]), name))
        wanted = 0.3 * low + 0.7 * high
        assert getattr(f.evaluate([f.strength_for(**{name: wanted})]), name)[0] == pytest.approx(wanted, rel=1e-9)
    with pytest.raises(ValueError, match="lies between"):
        f.strength_for(loss=1e9)
    with pytest.raises(ValueError, match="exactly one"):
        f.strength_for()


def test_bad_strengths_are_named():
    f = random_path(1)
    for bad in ([-1.0], [0.0], [np.nan]):
        with pytest.raises(ValueError, match="strengths"):
            f.evaluate(bad)
    with pytest.raises(ValueError, match="strength"):
        f(-1.0)
    with pytest.raises(ValueError, match="strength"):
        f.derivative(0.0)


def reference(S, C, penalty, strength, rank):
    """W(λ) in 50 digits: Z = C L⁻ᵀ with S' = L Lᵀ, truncated by the eigenvectors of Z Zᵀ (digits suffice)."""
    with mpmath.workdps(50):
        moment = mpmath.matrix(S) + mpmath.mpf(strength) * mpmath.matrix(penalty)
        right = mpmath.inverse(moment) * mpmath.matrix(C).T
        product = mpmath.matrix(C) * right
        values, vectors = mpmath.eigsy((product + product.T) / 2)
        values = list(values)
        top = sorted(range(len(values)), key=lambda k: -values[k])[:rank]
        U = mpmath.matrix([[vectors[i, k] for k in top] for i in range(vectors.rows)])
        W = U * (U.T * right.T)
        return np.array(W.tolist(), dtype=np.float64), [float(mpmath.sqrt(values[k])) for k in top]


@pytest.mark.parametrize("seed", range(3))
def test_against_fifty_digits(seed):
    """Integer data, so that both sides start from the same numbers; columns of scale 1e-3 raise the condition."""
    rng = np.random.default_rng(seed)
    d0, outputs, rank = 8, 4, 2
    X = rng.integers(-9, 10, (20, d0)) * np.where(np.arange(d0) % 3 == 0, 2.0**-10, 1.0)
    Y = rng.integers(-9, 10, (20, outputs)).astype(float)
    rep = lv.groups.permutations([rng.permutation(d0)])
    if len(rep.invariant_basis()) == d0:
        rep = lv.groups.cyclic(d0)
    f = lv.regularization_path(lv.Moments.from_data(X, Y), rep, rank=rank)
    S, C = X.T @ X, Y.T @ X  # exact in double: dyadic numbers
    for strength in np.geomspace(1e-6, 1e6, 17):
        s = f(strength)
        W, sigma = reference(S / 20, C / 20, rep.penalty_matrix(), strength, rank)
        # The division by 20 rounds S before the reference sees it: eps·cond² of forward error is the data's, not ours.
        allowed = 100 * np.finfo(float).eps * s.condition**2 / max(s.gap, 1e-3)
        assert np.linalg.norm(s.weights - W) <= allowed * np.linalg.norm(W)
        np.testing.assert_allclose(s.singular_values[:rank], sigma, rtol=1e-10)
