"""The budget of augmentation, the orbit variance and sampled invariance errors: exact enumeration and Monte Carlo."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import linvariance as lv
import methods
import oracles
import strategies
import zoo
from tolerances import bounded

TINY = {
    "C3": lv.groups.cyclic(3),
    "S3 by mirrors": lv.groups.matrices(zoo.S3_PLANE),
    "signs": lv.groups.signed_permutations([[0, 1], [1, 0]], [[1, -1], [1, 1]]),
    "trivial": lv.groups.trivial(2),
    "C4": lv.groups.image_rotations(2),
}
EVERY = pytest.mark.parametrize("name", TINY)


def data(rep, seed=0, n=4):
    X = np.random.default_rng(seed).standard_normal((n, rep.dim))
    elements = np.stack([rep.multiply(np.eye(rep.dim), g) for g in rep.elements()])
    moved = np.einsum("gij,nj->gni", elements, X)  # ρ(g) x
    return X, lv.Moments.from_data(X, np.zeros(n)), np.einsum("gni,gnj->gnij", moved, moved)


def same(found, expected, scale):
    bounded("budget = enumeration", abs(found - expected), norms=scale, dims=20)


@EVERY
@pytest.mark.parametrize("draws", [1, 2, 3])
def test_shared_by_enumerating_all_draws(name, draws):
    rep = TINY[name]
    _, m, moved = data(rep)
    S = moved.mean(1)
    errors = [
        np.sum((np.mean([S[i] for i in chosen], axis=0) - S.mean(0)) ** 2)
        for chosen in itertools.product(range(len(S)), repeat=draws)
    ]
    same(lv.augmentation.shared(m, rep, draws), np.mean(errors), np.sum(m.xx**2))
    bound = (np.sum(m.xx**2) - np.sum(rep.average_moment(m.xx) ** 2)) / draws
    same(lv.augmentation.shared(m, rep, draws), bound, np.sum(m.xx**2))


@EVERY
def test_without_replacement_by_enumerating_all_draws(name):
    rep = TINY[name]
    _, m, moved = data(rep, 1)
    S = moved.mean(1)
    for draws in range(1, len(S) + 1):
        errors = [
            np.sum((np.mean([S[i] for i in chosen], axis=0) - S.mean(0)) ** 2)
            for chosen in itertools.combinations(range(len(S)), draws)
        ]
        same(lv.augmentation.without_replacement(m, rep, draws), np.mean(errors), np.sum(m.xx**2))
    assert lv.augmentation.without_replacement(m, rep, len(S)) == pytest.approx(0, abs=1e-15)
    with pytest.raises(ValueError, match=rf"only {len(S)} elements"):
        lv.augmentation.without_replacement(m, rep, len(S) + 1)


@EVERY
def test_per_sample_by_enumerating_all_draws(name):
    rep, n = TINY[name], 3
    X, m, moved = data(rep, 2, n)
    mean = moved.mean((0, 1))
    errors = [
        np.sum((np.mean([moved[c, i] for i, c in enumerate(chosen)], axis=0) - mean) ** 2)
        for chosen in itertools.product(range(len(moved)), repeat=n)
    ]
    found = lv.augmentation.per_sample(X, rep, 1)
    same(found, np.mean(errors), np.sum(m.xx**2))
    same(lv.augmentation.per_sample(X, rep, 7), np.mean(errors) / 7, np.sum(m.xx**2))
    literal = sum(np.sum(np.outer(x, x) ** 2) - np.sum(moved[:, i].mean(0) ** 2) for i, x in enumerate(X)) / n**2
    same(found, literal, np.sum(m.xx**2))


LARGER = {
    "S6": lv.groups.symmetric(6),
    "cube": lv.groups.hypercube(4),
    "icosahedral": lv.groups.matrices(zoo.ICOSAHEDRAL),
    "SO(3)": lv.groups.rotations(3),
}


@pytest.mark.parametrize("name", LARGER)
@pytest.mark.parametrize("draws", [1, 5])
def test_budgets_by_monte_carlo(name, draws):
    """Within 4 standard errors of many trials, with the group's own draws."""
    rep, rng, trials = LARGER[name], np.random.default_rng(17), 200 if name == "SO(3)" else 500  # its draws cost 1 ms
    X = rng.standard_normal((3, rep.dim))
    m = lv.Moments.from_data(X, np.zeros(3))
    mean = rep.average_moment(m.xx)
    drawn = np.stack([rep.multiply(np.eye(rep.dim), g) for g in rep.draw(trials * draws * 3, rng)])
    drawn = drawn.reshape(trials, draws, 3, rep.dim, rep.dim)
    moved = np.einsum("tkij,nj->tkni", drawn[:, :, 0], X)
    both = np.einsum("tknij,nj->tkni", drawn, X)
    for points, expected in (
        (moved, lv.augmentation.shared(m, rep, draws)),
        (both, lv.augmentation.per_sample(X, rep, draws)),
    ):
        S = np.einsum("tkni,tknj->tij", points, points) / (3 * draws)
        errors = np.square(S - mean).sum((1, 2))
        rounding = 1e-12 * expected  # one sample on a sphere: no spread at all
        assert abs(errors.mean() - expected) < 4 * errors.std() / np.sqrt(trials) + rounding


def test_infinite_groups_have_no_correction():
    so3 = lv.groups.rotations(3)
    m = lv.Moments.from_data(np.eye(3)[:1], np.zeros(1))
    assert lv.augmentation.without_replacement(m, so3, 10**6) == lv.augmentation.shared(m, so3, 10**6)
    assert lv.augmentation.shared(m, so3, 1) == pytest.approx(2 / 3, rel=1e-12)
    huge = lv.groups.symmetric(100)
    m = lv.Moments.from_data(np.eye(100)[:1], np.zeros(1))
    one, all_ = (f(m, huge, 50) for f in (lv.augmentation.shared, lv.augmentation.without_replacement))
    assert one == pytest.approx(all_, rel=1e-12)
    assert one == pytest.approx((1 - 1 / 100) / 50, rel=1e-10)


@given(strategies.groups(max_dim=5), strategies.seeds, st.integers(1, 9))
def test_budgets_of_drawn_groups(group, seed, draws):
    """K samples cost a K-th; an invariant sample costs nothing; the two schemes agree on one sample."""
    rep = methods.representation(group)
    x = np.random.default_rng(seed).standard_normal((1, group.dim))
    m, scale = lv.Moments.from_data(x, np.zeros(1)), float(np.sum(x**2)) ** 2
    one = lv.augmentation.shared(m, rep, 1)
    same(lv.augmentation.shared(m, rep, draws), one / draws, scale)
    same(lv.augmentation.per_sample(x, rep, draws), one / draws, scale)
    fixed = rep.project(x)
    same(lv.augmentation.per_sample(fixed, rep, 1), 0, scale)


# ------------------------------------------------------------------------------------- orbit variance, sampled errors


def literal_variance(W, X, elements):
    outputs = np.stack([W @ rho @ X for rho in elements])
    return float(np.mean(np.sum((outputs - outputs.mean(0)) ** 2, axis=1)))


@given(strategies.groups(), strategies.seeds)
def test_orbit_variance_of_permutations(group, seed):
    rng = np.random.default_rng(seed)
    W, X = rng.standard_normal((2, group.dim)), rng.standard_normal((group.dim, 5))
    rep, m = methods.representation(group), lv.Moments.from_data(X.T, np.zeros(5))
    scale = np.sum(W**2) * np.sum(X**2) / 5
    found = lv.invariance.orbit_variance(W, rep, m)
    bounded("orbit variance", abs(found - literal_variance(W, X, group.elements)), norms=scale, dims=5 * group.dim)
    bounded(
        "orbit variance of W Π", lv.invariance.orbit_variance(rep.project(W), rep, m), norms=scale, dims=5 * group.dim
    )


@pytest.mark.parametrize("entry", zoo.ZOO.values(), ids=zoo.ZOO)
def test_orbit_variance_of_the_zoo(entry, rng):
    W, X = rng.standard_normal((2, entry.dim)), rng.standard_normal((entry.dim, 4))
    found = lv.invariance.orbit_variance(W, entry.rep, lv.Moments.from_data(X.T, np.zeros(4)))
    bounded(
        "orbit variance, zoo",
        abs(found - literal_variance(W, X, entry.elements)),
        norms=np.sum(W**2) * np.sum(X**2),
        dims=entry.dim,
        condition=entry.condition,
    )


def test_orbit_variance_of_infinite_groups(rng):
    W, X = rng.standard_normal((2, 3)), rng.standard_normal((9, 3))
    m = lv.Moments.from_data(X, np.zeros(9))
    expected = np.sum(W**2) * np.sum(X**2) / 27  # SO(3): S̄ = tr(S)/3, no invariants
    assert lv.invariance.orbit_variance(W, lv.groups.rotations(3), m) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["permutations S4", "signed cube", "orthogonal icosahedral", "not orthogonal Q8"])
def test_errors_of_callables(name, rng):
    """The exact one by enumeration of ρ(g) x, also where ρ is not orthogonal; the sampled one within 4 errors."""
    entry = zoo.ZOO[name]
    w, X = rng.standard_normal((entry.dim, 2)), rng.standard_normal((5, entry.dim))

    def f(x):
        return 3.0 + np.tanh(x @ w)

    outputs = np.stack([f(X @ rho.T) for rho in entry.elements])
    mean = outputs.mean(0)
    expected = np.sum((outputs - mean) ** 2, axis=2).mean(0) / np.sum(mean**2, axis=1)
    np.testing.assert_allclose(lv.invariance.error(f, X, entry.rep), expected, rtol=1e-9)
    sampled = lv.invariance.sampled_error(f, X, entry.rep, draws=2000, rng=np.random.default_rng(3))
    assert (np.abs(sampled.value - expected) < 4 * sampled.standard_error).all()
    again = lv.invariance.sampled_error(f, X, entry.rep, draws=2000, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(sampled.value, again.value)


def test_the_standard_error_is_honest():
    """Over 200 repetitions: nearly unbiased, and the stated error is the spread within a third."""
    rep, x = lv.groups.symmetric(8), np.arange(1.0, 9.0)[None]
    runs = [
        lv.invariance.sampled_error(lambda X: X[:, 0], x, rep, draws=40, rng=np.random.default_rng(s))
        for s in range(200)
    ]
    values, errors = (np.array([getattr(r, k)[0] for r in runs]) for k in ("value", "standard_error"))
    exact = np.var(x) / 4.5**2
    assert lv.invariance.error(lambda X: X[:, 0], x, lv.groups.dihedral(8)) == pytest.approx(exact)
    # A ratio of means is biased by about value·4·value/K.
    assert abs(values.mean() - exact) < 4 * values.std() / np.sqrt(200) + 4 * exact**2 / 40
    assert errors.mean() == pytest.approx(values.std(), rel=1 / 3)


def test_an_invariant_callable_has_no_sampled_error(rng):
    X = rng.standard_normal((4, 3))
    found = lv.invariance.sampled_error(
        lambda X: np.square(X).sum(1), X, lv.groups.rotations(3), draws=50, rng=np.random.default_rng(0)
    )
    assert (found.value < 30 * oracles.EPS).all()
    assert (found.standard_error < 30 * oracles.EPS).all()


def test_a_small_spread_about_a_large_mean():
    """Of f = 1e8 + x the variance must not drown in the rounding of squares."""
    rep, x = lv.groups.symmetric(8), np.arange(1.0, 9.0)[None]
    found = lv.invariance.sampled_error(lambda X: 1e8 + X[:, 0], x, rep, draws=500, rng=np.random.default_rng(1))
    expected = lv.invariance.error(lambda X: 1e8 + X[:, 0], x, lv.groups.cyclic(8))
    assert found.standard_error < 0.2 * expected
    assert abs(found.value - expected) < 4 * found.standard_error


def test_refusals(rng):
    skewed, m = zoo.ZOO["not orthogonal S4"].rep, lv.Moments.from_data(rng.standard_normal((5, 4)), np.zeros(5))
    for call in (
        lambda: lv.augmentation.shared(m, skewed, 2),
        lambda: lv.augmentation.per_sample(np.eye(4), skewed, 2),
        lambda: lv.augmentation.without_replacement(m, skewed, 2),
    ):
        with pytest.raises(ValueError, match="not orthogonal"):
            call()
    assert math.isfinite(lv.invariance.orbit_variance(np.ones((1, 4)), skewed, m))
