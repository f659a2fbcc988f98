"""What bounds the optimum under a distribution on the group: in every random case, and how tightly."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linvariance as lv
import strategies
import zoo
from tolerances import EPS, close, remember

GROUPS = [
    *(zoo.ZOO[name].rep for name in ("permutations C5", "permutations S4", "permutations D5", "signed cube")),
    *(zoo.ZOO[name].rep for name in ("signed one sign", "orthogonal D5 on the plane", "permutations trivial")),
    *(zoo.ZOO[name].rep for name in ("joined sum of permutations and turns", "not orthogonal S4")),
    lv.groups.image_rotations(3),
    lv.groups.lie([np.kron(np.diag([1.0, 0.0]), [[0.0, -1.0], [1.0, 0.0]])]),
    lv.groups.rotations(3),
]


@st.composite
def cases(draw):
    """(moments, distribution, rank): full and deficient data, targets from noise to exactly invariant."""
    rep = draw(st.sampled_from(GROUPS))
    rng = np.random.default_rng(draw(strategies.seeds))
    n, outputs = draw(st.integers(1, 2 * rep.dim + 3)), draw(st.integers(1, 3))
    X = strategies.matrix(rng, n, rep.dim, draw(st.sampled_from(("flat", "mild", "one small", "low rank"))))
    truth = rep.project(rng.standard_normal((outputs, rep.dim)))
    truth = truth + draw(st.sampled_from((0.0, 0.1, 1.0))) * rng.standard_normal(truth.shape)
    Y = X @ truth.T + draw(st.sampled_from((0.0, 0.1, 1.0))) * rng.standard_normal((n, outputs))
    return lv.Moments.from_data(X, Y), draw(distributions(rep, rng)), draw(st.integers(1, 3))


@st.composite
def distributions(draw, rep, rng):
    kind = draw(st.sampled_from(("walk", "weights", "subsample", "turns")))
    if kind == "subsample":
        return lv.groups.sampled(rep, draw(st.integers(1, 6)), rng)
    if len(rep.algebra) or kind == "turns":
        first, then = (draw(st.integers(0, len(rep.algebra) - 1 if len(rep.algebra) else 0)) for _ in range(2))
        reach = draw(st.integers(0, 3))
        return lv.groups.uniform_turns(rep, reach, along=first).then(lv.groups.heat_kernel(rep, 0.5, along=then))
    if kind == "weights":
        elements = rep.elements()
        return lv.groups.weighted(rep, elements, rng.dirichlet(np.full(len(elements), draw(st.floats(0.1, 30.0)))))
    return lv.groups.random_walk(rep, draw(st.integers(0, 12)), rate=draw(st.floats(0.0, 1.0)))


def held(claim, value, bound, scale):
    """The bound holds up to rounding; how much of it was used is remembered, as a ratio below 1."""
    assert value <= bound + scale, f"{claim}: {value} above {bound}"
    if scale < 1e-3 * bound < math.inf:
        remember(f"bound used: {claim}", value / bound)


@settings(max_examples=300)
@given(cases())
def test_the_bounds_hold(case):
    m, mu, rank = case
    rep = mu.representation
    problem, full = lv.augmented(m, rep, rank=rank, distribution=mu), lv.augmented(m, rep, rank=rank)
    bounds, found, best = lv.augmentation.departure(m, mu, rank=rank), lv.solve(problem), lv.solve(full)
    perp = found.weights - rep.project(found.weights)
    seen = float(np.linalg.norm(problem.quadratic.rows.A @ perp.T))
    condition = found.condition * rep.rounding_growth()
    rounding = 1e3 * rep.dim * EPS * (m.yy + full.loss(found.weights)) * condition**2
    held("loss, from above", found.loss - bounds.least_loss, bounds.loss[1] - bounds.least_loss, rounding)
    held("loss, from below", bounds.loss[0] - bounds.least_loss, found.loss - bounds.least_loss, rounding)
    # ‖W⊥‖ is a root: of rounding in a loss, it shows √eps.
    size = 1e3 * rep.dim * EPS * condition * (np.linalg.norm(found.weights) + 1)
    held("seen W⊥", seen, bounds.seen_perp, size)
    held("W⊥", float(np.linalg.norm(perp)), bounds.norm_perp, size * condition)
    held("regret", full.loss(found.weights) - best.loss, bounds.regret, rounding)
    # After solving: f_μ(W_μ) <= f(W̄) <= f(W_μ), and W̄ has the same loss under both.
    held("sandwich", found.loss, best.loss, rounding)
    held("sandwich", best.loss, full.loss(found.weights), rounding)
    assert abs(problem.loss(best.weights) - best.loss) <= rounding


@settings(max_examples=50)
@given(cases())
def test_scaling_only_what_is_not_invariant_is_stationary(case):
    """What the bounds rest on: W_μ(Π + s(I - Π)) has rank <= r for all s, so s = 1 is the minimum of a parabola."""
    m, mu, rank = case
    rep = mu.representation
    problem = lv.augmented(m, rep, rank=rank, distribution=mu)
    W = lv.solve(problem).weights
    fixed = rep.project(W)
    N = mu.mean() - rep.project(np.eye(rep.dim))
    R = m.yx - fixed @ m.xx
    perp = W - fixed
    energy = np.square(problem.quadratic.rows.A @ perp.T).sum()
    condition = lv.solve(problem).condition * rep.rounding_growth()
    scale = m.yy + np.linalg.norm(R) * np.linalg.norm(perp)
    assert abs(np.vdot(R @ N.T, perp) - energy) <= 1e3 * rep.dim * EPS * scale * condition


def test_extremes():
    rng = np.random.default_rng(0)
    rep = lv.groups.cyclic(5)
    m = lv.Moments.from_data(rng.standard_normal((20, 5)), rng.standard_normal((20, 2)))
    alone = lv.augmentation.departure(m, lv.groups.random_walk(rep, 0), rank=2)
    assert alone.contraction == 1
    assert alone.norm_perp == alone.regret == alone.seen_perp == math.inf
    assert alone.loss[0] == alone.least_loss
    everything = lv.augmentation.departure(m, lv.groups.weighted(rep, rep.elements()), rank=2)
    assert everything.contraction < 1e-14
    assert everything.norm_perp < 1e-14
    assert everything.loss[0] == pytest.approx(everything.loss[1], rel=1e-14)
    trivial = lv.groups.trivial(5)
    assert lv.augmentation.departure(m, lv.groups.random_walk(trivial, 0), rank=2).norm_perp == 0


@pytest.mark.parametrize("scale", [1e-160, 1e-20, 1e150])
def test_bounds_of_data_of_any_scale(scale):
    rng, rep = np.random.default_rng(0), lv.groups.image_rotations(2)
    X, Y = rng.standard_normal((9, 4)), rng.standard_normal((9, 2))
    mu = lv.groups.random_walk(rep, 2)
    plain, scaled = (lv.augmentation.departure(lv.Moments.from_data(a * X, Y), mu, rank=1) for a in (1.0, scale))
    assert scaled.norm_perp * scale == pytest.approx(plain.norm_perp, rel=1e-10)
    assert scaled.regret == pytest.approx(plain.regret, rel=1e-10)
    assert scaled.contraction == pytest.approx(plain.contraction, rel=1e-10)


def test_data_that_are_exactly_invariant_leave_nothing_to_break():
    """e = 0: any distribution with γ < 1 has an invariant optimum."""
    rng, rep = np.random.default_rng(1), lv.groups.image_rotations(3)
    X = rng.standard_normal((40, 9))
    m = lv.Moments.from_data(X, X @ rep.project(rng.standard_normal((2, 9))).T)
    mu = lv.groups.random_walk(rep, 1, rate=0.1)
    bounds = lv.augmentation.departure(m, mu, rank=2)
    assert 0 < bounds.contraction < 1
    assert bounds.norm_perp < 1e-13
    W = lv.solve(lv.augmented(m, rep, rank=2, distribution=mu)).weights
    assert np.linalg.norm(W - rep.project(W)) < 1e-13


def test_two_points_by_hand():
    """S_2 on two coordinates, S = I/2, C = diag(3, 1)/2, a swap with probability q: W⊥ shrinks by 1 - 2q."""
    m = lv.Moments.from_data(np.eye(2), np.diag([3.0, 1.0]))
    for q in (0.1, 0.25, 0.5):
        mu = lv.groups.weighted(lv.groups.symmetric(2), [[0, 1], [1, 0]], [1 - q, q])
        bounds = lv.augmentation.departure(m, mu, rank=2)
        assert bounds.contraction == pytest.approx(1 - 2 * q, abs=1e-15)
        assert bounds.excess == pytest.approx(2.5)
        W = lv.solve(lv.augmented(m, lv.groups.symmetric(2), rank=2, distribution=mu))
        perp = W.weights - lv.groups.symmetric(2).project(W.weights)
        assert np.linalg.norm(perp) == pytest.approx((1 - 2 * q) * np.sqrt(5), abs=1e-14)
        assert W.loss == pytest.approx(bounds.loss[0])  # without a rank bound in the way the lower bound is attained


# ----------------------------------------------------------------------------------------------------------- mixing


ORTHOGONAL = [rep for rep in GROUPS if rep.is_orthogonal]


@settings(max_examples=60)
@given(st.data())
def test_mixing_is_the_norm_of_the_dense_operators(data):
    rep = data.draw(st.sampled_from(ORTHOGONAL))
    mu = data.draw(distributions(rep, np.random.default_rng(data.draw(strategies.seeds))))
    found, d = lv.augmentation.mixing(mu), rep.dim
    units = np.eye(d * d).reshape(-1, d, d)
    F = np.stack([(mu.average_moment(E) - rep.average_moment(E)).ravel() for E in units], axis=1)
    N = mu.mean() - rep.project(np.eye(d))
    assert found.mean == pytest.approx(np.linalg.norm(N, 2), abs=1e-13)
    assert found.moment == pytest.approx(np.linalg.norm(F, 2), abs=1e-7)  # a root of an eigenvalue near rounding
    assert found.moment <= 1 + 1e-12


@settings(max_examples=60)
@given(st.sampled_from([r for r in ORTHOGONAL if not len(r.algebra)]), st.integers(1, 8), st.floats(0.05, 1.0))
def test_walks_mix_geometrically(rep, steps, rate):
    """‖E ρ - Π‖ = κ^k, ‖S_k - S̄‖ <= κ₂^k ‖S - S̄‖, and through them the contraction of the bounds."""
    step, walk = lv.groups.random_walk(rep, 1, rate=rate), lv.groups.random_walk(rep, steps, rate=rate)
    one, d = lv.augmentation.mixing(step), rep.dim
    N = walk.mean() - rep.project(np.eye(d))
    assert np.linalg.norm(N, 2) == pytest.approx(one.mean**steps, abs=1e-13)
    rng = np.random.default_rng(0)
    m = lv.Moments.from_data(rng.standard_normal((3 * d, d)), rng.standard_normal((3 * d, 2)))
    S, mean = m.xx, rep.average_moment(m.xx)
    far = np.linalg.norm(S - mean)
    assert np.linalg.norm(walk.average_moment(S) - mean) <= one.moment**steps * far * (1 + 1e-7) + 1e-13
    if not len(rep.complement_basis):
        return
    B = rep.complement_basis
    least = np.linalg.eigvalsh(B @ mean @ B.T)[0] - one.moment**steps * far
    if least > 0:
        ceiling = one.mean**steps * np.sqrt(np.linalg.eigvalsh(S)[-1] / least)
        assert lv.augmentation.departure(m, walk, rank=2).contraction <= ceiling + 1e-12


def test_mixing_of_a_cycle_in_closed_form():
    for n in (3, 8, 30):
        rate = 0.5
        found = lv.augmentation.mixing(lv.groups.random_walk(lv.groups.cyclic(n), 1, rate=rate))
        slowest = 1 - rate * (1 - np.cos(2 * np.pi / n))
        close("mixing of a cycle", found.mean, slowest, norms=1.0, dims=n)
        close("mixing of a cycle, ρ ⊗ ρ", found.moment, slowest, norms=1.0, dims=n * n)


def test_refusals():
    skewed = zoo.ZOO["not orthogonal S4"].rep
    with pytest.raises(ValueError, match="not orthogonal"):
        lv.augmentation.mixing(lv.groups.random_walk(skewed, 1))
