"""The nuclear norm in place of a rank bound: certificates on literal data, a plain twin, a recorded convex solver."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linvariance as lv
import methods
import oracles
import zoo
from linvariance.optima import nuclear as nuclear_module
from strategies import FULL_RANK, WELL_CONDITIONED, cases, matrix, orthonormal, seeds
from tolerances import EPS, bounded, close

# A descent to rounding: its gaps stay below this many units of the loss times dimensions times eps.
DESCENT = 300.0
methods_ = st.sampled_from(methods.METHODS)
shares = st.sampled_from((1e-8, 1e-4, 0.02, 0.2, 0.7, 0.999))


def nuclear(W):
    return float(np.linalg.svd(W, compute_uv=False).sum())


def posed(case, method, share):
    """A problem and a strength, as a share of the one from which on the optimum is 0."""
    p = methods.problem(case, method)
    return p, share * 2 * np.linalg.norm(p.quadratic.cross, 2)


def certify(claim, loss, gradient, W, strength, scale, dims):
    """Of a convex f + strength·‖W‖_*: the gradient is at most `strength` large, and opposes W wherever W is not 0."""
    G = gradient(W)
    bounded(f"{claim}: slope", max(0.0, np.linalg.norm(G, 2) - strength) * nuclear(W), norms=scale, dims=dims)
    return bounded(f"{claim}: alignment", abs(strength * nuclear(W) + np.sum(G * W)), norms=scale, dims=dims)


@given(cases(), methods_, shares)
@settings(max_examples=150)
def test_optimal_on_literal_data(case, method, share):
    """Whatever the spectrum of the inputs, on the augmented set of all copies too: V and W agree on their norms."""
    p, strength = posed(case, method, share)
    s = lv.nuclear_norm(p, strength)
    twin = methods.equivalent(case, method, B=p.representation.invariant_basis())
    V = p.restrict(s.weights)
    spread = s.singular_values[0] / s.singular_values[-1] if s.rank else 1.0  # of M, whose eigenvalues are rounded
    scale = (DESCENT / 30 + spread) * (twin.scale(V) + strength * nuclear(V))
    certify("nuclear norm", twin.loss, twin.gradient, V, strength, scale, case.dims)
    close("nuclear: loss", s.loss, twin.loss(V), norms=twin.scale(V), dims=case.dims)
    close("nuclear: norm", s.norm, nuclear(s.weights), norms=s.norm, dims=case.dims)
    close("nuclear: lift", p.lift(V), s.weights, norms=np.linalg.norm(s.weights), dims=case.dims)
    bounded("nuclear: duality gap", s.duality_gap, norms=(DESCENT / 30 + spread) * case.c, dims=case.dims)
    assert s.rank <= min(p.outputs, p.dim)
    assert s.objective == s.loss + strength * s.norm


@given(cases(spectra=WELL_CONDITIONED, max_dim=6), methods_, st.sampled_from((0.05, 0.2, 0.7)))
@settings(max_examples=20)
def test_no_worse_than_a_proximal_gradient(case, method, share):
    """Its plain twin, FISTA on literal data; the duality gap covers what the twin finds below."""
    p, strength = posed(case, method, share)
    s, twin = lv.nuclear_norm(p, strength), methods.equivalent(case, method)
    best = oracles.proximal_gradient(twin.A, twin.Y, twin.n, strength)
    objective = twin.loss(best) + strength * nuclear(best)
    rounding = 30 * case.dims * EPS * case.c
    assert -1e-8 * case.c <= s.objective - objective <= s.duality_gap + rounding  # 1e-8: where the twin is stopped


RECORDED = np.load(Path(__file__).parent / "data" / "nuclear_norm.npz")


@pytest.mark.parametrize("name", sorted({key.split("/")[0] for key in RECORDED}))
def test_recorded_interior_points(name):
    """Clarabel's optima, by data/record_nuclear_norm.py, to what it promises: 1e-9 of the objective."""
    X, Y, strength, W, objective, augmented = (
        RECORDED[f"{name}/{key}"] for key in ("X", "Y", "strength", "W", "objective", "augmented")
    )
    m, reversal = lv.Moments.from_data(X.T, Y.T), lv.groups.permutations([list(range(len(X)))[::-1]])
    p = lv.augmented(m, reversal, rank=1) if augmented else lv.unconstrained(m, rank=1)
    s = lv.nuclear_norm(p, float(strength))
    assert not s.closed_form
    assert abs(s.objective - objective) <= 1e-9 * m.yy
    assert s.rank == np.sum(np.linalg.svd(W, compute_uv=False) > 1e-6)
    # The loss is strongly convex on the support of S': by that much W may differ.
    values = np.linalg.eigvalsh(p.quadratic.moment)
    least = values[values > 1e-9 * values[-1]][0]
    assert np.linalg.norm(s.weights - W) <= np.sqrt(1e-9 * m.yy / least)


@given(cases(), shares)
@settings(max_examples=40)
def test_hard_wired_is_augmented(case, share):
    """Theorem 12's sibling: of orthogonal groups; the augmented one is certified on literal copies above."""
    _, strength = posed(case, "hard_wired", share)
    one, other = (lv.nuclear_norm(methods.problem(case, m), strength) for m in ("hard_wired", "augmented"))
    condition = methods.equivalent(case, "hard_wired").condition ** 2
    norms = max(lv.nuclear_norm(methods.problem(case, "hard_wired"), 0.0).norm, 1e-300)
    close(
        "nuclear: hard-wired = augmented", one.weights, other.weights, norms=norms, dims=case.dims, condition=condition
    )
    assert one.rank == other.rank
    close("nuclear: vanishing", one.vanishing, other.vanishing, norms=one.vanishing, dims=case.dims)


@given(cases(targets=("noise", "linear")), methods_)
@settings(max_examples=30)
def test_monotone_in_strength_and_its_ends(case, method):
    """The loss grows, the norm falls; 0 from `vanishing` on, not before; without strength the unbounded optimum."""
    p = methods.problem(case, method, rank=max(case.dims, 9))
    free, top = lv.solve(p), lv.nuclear_norm(p, 0.0).vanishing
    close("nuclear: vanishing = 2‖C'‖", top, 2 * np.linalg.norm(p.quadratic.cross, 2), norms=top, dims=case.dims)
    none = lv.nuclear_norm(p, 0.0)
    close("nuclear: strength 0", none.weights, free.weights, norms=np.linalg.norm(free.weights), dims=case.dims)
    found = [none, *(lv.nuclear_norm(p, share * top) for share in (1e-6, 0.1, 0.5, 0.99, 1 + 1e-12, 2.0))]
    rounding = DESCENT * case.dims * EPS
    for less, more in itertools.pairwise(found):
        assert more.loss >= less.loss - rounding * case.c
        assert more.norm <= less.norm * (1 + rounding * free.condition**2)
    assert [s.rank > 0 for s in found] == [top > 0] * 5 + [False] * 2
    assert np.all(found[-1].weights == 0)
    assert np.isclose(found[-1].loss, p.loss(np.zeros((p.outputs, p.dim))), rtol=1e-12)


@given(cases(spectra=FULL_RANK, targets=("noise", "linear")), methods_)
@settings(max_examples=20)
def test_small_strengths_approach_the_unbounded_optimum(case, method):
    """By at most strength·√q/(2·least eigenvalue of S'): the first-order condition."""
    p = methods.problem(case, method, rank=max(case.dims, 9))
    s, free = (lv.nuclear_norm(p, 1e-10), lv.solve(p))
    least = methods.equivalent(case, method).spectrum[-1:] ** 2
    allowed = float(1e-10 * np.sqrt(p.outputs) / (2 * least.min(initial=1.0)))
    rounding = DESCENT * case.dims * EPS * free.condition**2 * np.linalg.norm(free.weights)
    assert np.linalg.norm(s.weights - free.weights) <= allowed + rounding


@given(cases(), methods_, shares, st.sampled_from((-400, -3, 2, 400)), st.sampled_from((-400, 5, 400)))
@settings(max_examples=40)
def test_scales(case, method, share, a, b):
    """X·2ᵃ and Y·2ᵇ with strength·2ᵃ⁺ᵇ: W·2ᵇ⁻ᵃ, loss·4ᵇ."""
    rep, X, Y = methods.representation(case.group), *case.rows
    if method == "regularized":
        method = "augmented"  # the penalty has a scale of its own

    def found(X, Y, strength):
        m = lv.Moments.from_data(X, Y)
        poses = {"hard_wired": lv.hard_wired, "augmented": lv.augmented}
        p = poses[method](m, rep, rank=1) if method in poses else lv.unconstrained(m, rank=1)
        return lv.nuclear_norm(p, strength)

    strength = share * found(X, Y, 0.0).vanishing
    one, other = found(X, Y, strength), found(np.ldexp(X, a), np.ldexp(Y, b), np.ldexp(strength, a + b))
    condition = methods.equivalent(case, method).condition ** 2
    moved = np.ldexp(other.weights, a - b)
    close("nuclear: scales", moved, one.weights, norms=max(one.norm, 1e-300), dims=case.dims, condition=condition)
    assert np.isclose(np.ldexp(other.loss, -2 * b), one.loss, rtol=1e-9, atol=1e-12 * case.c)


@given(seeds, st.integers(1, 4), st.integers(1, 5), st.sampled_from((0.1, 0.6)))
@settings(max_examples=25)
def test_closed_form_and_descent_meet(seed, outputs, inputs, share):
    """Inputs whose singular values differ by 1e-9 are no longer flat; the optimum moves as little."""
    rng = np.random.default_rng(seed)
    Q, T = orthonormal(rng, 8, inputs), rng.standard_normal((8, outputs))
    flat, bent = (
        lv.unconstrained(lv.Moments.from_data(Q * s, T), rank=1)
        for s in (np.ones(inputs), 1 - 1e-9 * np.arange(1, inputs + 1) / inputs + 1e-9)
    )
    strength = share * lv.nuclear_norm(flat, 0.0).vanishing
    one, other = lv.nuclear_norm(flat, strength), lv.nuclear_norm(bent, strength)
    assert one.closed_form
    assert other.closed_form == (inputs == 1)
    np.testing.assert_allclose(other.weights, one.weights, atol=1e-8 * np.linalg.norm(T))
    U, s, Vt = np.linalg.svd(T.T @ Q, full_matrices=False)  # 8·C, with 8·S = 1
    expected = (U * np.maximum(s - 8 * strength / 2, 0)) @ Vt
    close("nuclear: flat", one.weights, expected, norms=np.linalg.norm(T), dims=8)


@given(cases(spectra=WELL_CONDITIONED, full_rank=True), methods_, st.sampled_from((0.0, 0.02, 0.3, 0.9, 1.1)))
@settings(max_examples=40)
def test_whitened_norm_lowers_the_singular_values(case, method, share):
    """Those of an oracle, by literal data; W as the theorems have it with thresholds in place of [Z]_r."""
    p, twin = methods.problem(case, method), methods.equivalent(case, method)
    sigma = twin.optimum(len(twin.A))[2]
    strength = share * 2 * float(sigma.max(initial=0.0))
    s = lv.whitened_nuclear_norm(p, strength)
    lowered = np.maximum(sigma - strength / 2, 0)
    c = np.sqrt(case.c)
    close("whitened: norm", s.norm, lowered.sum(), norms=c, dims=case.dims, condition=twin.condition)
    V = p.restrict(s.weights)
    close("whitened: loss", s.loss, p.loss(V), norms=case.c, dims=case.dims, condition=twin.condition)
    gradient = twin.gradient(V if method != "hard_wired" else s.weights @ twin.B.T)
    # In W̃ = V A: gradient·A⁻¹ is at most `strength` large, and opposes W̃.
    root = twin.A @ twin.A.T / twin.n
    steep = gradient @ np.linalg.pinv(oracles.root(root, 0.5), rcond=1e-9) if len(root) else gradient
    units = {"norms": c + strength, "dims": case.dims, "condition": twin.condition**2}
    bounded("whitened: slope", max(0.0, np.linalg.norm(steep, 2) - strength), **units)
    if len(root):
        V, units["norms"] = s.weights @ twin.B.T, units["norms"] ** 2
        bounded("whitened: alignment", abs(np.sum(gradient * V) + strength * lowered.sum()), **units)


TURNED = [name for name, entry in zoo.ZOO.items() if entry.T is not None and entry.dim < 8]


@pytest.mark.parametrize("name", TURNED)
def test_groups_that_are_not_orthogonal(name):
    """The augmented optimum need not be invariant, nor the hard-wired one; each is certified on its literal data."""
    entry = zoo.ZOO[name]
    rng = np.random.default_rng(entry.dim)
    X, Y = rng.standard_normal((entry.dim, 12)), rng.standard_normal((3, 12))
    m = lv.Moments.from_data(X.T, Y.T)
    augmented, hard = lv.augmented(m, entry.rep, rank=1), lv.hard_wired(m, entry.rep, rank=1)
    A, T = oracles.augmented_set(X, Y, entry.elements)
    strength = 0.2 * 2 * np.linalg.norm(T @ A.T, 2) / A.shape[1]
    s, n = lv.nuclear_norm(augmented, strength), A.shape[1]
    units = {"scale": DESCENT / 30 * m.yy * entry.condition, "dims": n}
    certify("nuclear, T", lambda W: 0, lambda W: oracles.chain_gradient([W], A, T, n)[0], s.weights, strength, **units)
    B = entry.rep.invariant_basis()
    V = hard.restrict(lv.nuclear_norm(hard, strength).weights)
    certify("nuclear, T", lambda W: 0, lambda W: oracles.chain_gradient([W], B @ X, Y, 12)[0], V, strength, **units)


def test_equivariance_needs_no_multiplets():
    """Hard-wired = augmented, certified on literal copies, at a strength that a rank bound could not match: it keeps
    one multiplet of two and lowers both of its values alike."""
    rep = lv.groups.matrices([[[-0.5, -np.sqrt(0.75)], [np.sqrt(0.75), -0.5]]])  # C3 on the plane
    rng = np.random.default_rng(5)
    X, Y = rng.standard_normal((2, 7)), rng.standard_normal((2, 7))
    m = lv.Moments.from_data(X.T, Y.T)
    hard, augmented = (pose(m, rep, rank=1, output=rep) for pose in (lv.hard_wired, lv.augmented))
    strength = 0.4 * lv.nuclear_norm(hard, 0.0).vanishing
    one, other = lv.nuclear_norm(hard, strength), lv.nuclear_norm(augmented, strength)
    assert one.rank == other.rank == 2
    close("nuclear: equivariant", one.weights, other.weights, norms=one.norm, dims=7)
    elements = rep.elements()
    A, T = np.hstack([g @ X for g in elements]), np.hstack([g @ Y for g in elements])
    for g in elements:
        close("nuclear: commutes", one.weights @ g, g @ one.weights, norms=one.norm, dims=7)
    n = A.shape[1]
    certify("nuclear", None, lambda W: oracles.chain_gradient([W], A, T, n)[0], one.weights, strength, m.yy, n)


def test_equivariance_that_is_refused():
    skewed = lv.groups.matrices([np.array([[1.0, 1.0], [0.0, -1.0]])])
    sign = lv.groups.matrices([np.diag([1.0, -1.0])])
    m = lv.Moments.from_data(np.eye(2), [[2.0, 1.0], [0.0, 1.0]])
    hard = lv.hard_wired(m, skewed, rank=1, output=sign)
    with pytest.raises(ValueError, match="not orthogonal"):
        lv.nuclear_norm(hard, 0.1)
    W = lv.whitened_nuclear_norm(hard, 0.1).weights
    g = skewed.elements()[1]
    np.testing.assert_allclose(W @ g, np.diag([1.0, -1.0]) @ W, atol=1e-14)
    with pytest.raises(ValueError, match="no whitened target"):
        lv.nuclear_norm(lv.regularized(m, sign, rank=1, strength=1.0, output=sign), 0.1)


@given(cases(spectra=WELL_CONDITIONED), methods_)
@settings(max_examples=25)
def test_under_a_ridge_in_a_metric(case, method):
    """V = K W: certified by the problem's own loss and gradient, which other tests hold against literal rows."""
    M = np.diag(np.arange(1.0, case.outputs + 1)) + 0.1
    p = methods.problem(case, method, ridge=0.1, metric=M)
    strength = 0.3 * lv.nuclear_norm(p, 0.0).vanishing
    s = lv.nuclear_norm(p, strength)
    V = p.restrict(s.weights)
    scale = DESCENT / 30 * p.loss(0 * V)
    certify("nuclear, ridge", p.loss, p.gradient, V, strength, scale, case.dims)
    close("nuclear, ridge: objective", s.objective, p.loss(V) + strength * nuclear(V), norms=scale, dims=case.dims)


def test_many_outputs_and_a_wide_spread():
    """30 x 60 at a condition of 1e10: Newton's last steps leave rounding, whatever the strength."""
    rng = np.random.default_rng(1)
    X = matrix(rng, 60, 80, "mild") * np.geomspace(1, 1e-9, 60)[:, None]
    m = lv.Moments.from_data(X.T, rng.standard_normal((80, 30)))
    p = lv.unconstrained(m, rank=1)
    top = lv.nuclear_norm(p, 0.0).vanishing
    for share in (1e-6, 0.05, 0.5):
        s = lv.nuclear_norm(p, share * top)
        spread = s.singular_values[0] / s.singular_values[-1]  # of M: its small eigenvalues are rounded relative to it
        bounded("nuclear: duality gap, 30 outputs", s.duality_gap, norms=m.yy, dims=80, condition=spread)


def test_the_profile_has_the_gradient_it_says():
    """Complex steps do not pass an SVD: central differences, in random directions."""
    rng = np.random.default_rng(2)
    p = lv.unconstrained(lv.Moments.from_data(rng.standard_normal((9, 4)), rng.standard_normal((9, 3))), rank=1)
    standard = nuclear_module._Standard.of(p.quadratic.whitened)
    L, D = rng.standard_normal((2, 3, 3))
    state, h = nuclear_module._State(standard, 0.3, L), 1e-5
    ahead, behind = (nuclear_module._State(standard, 0.3, L + sign * h * D) for sign in (1, -1))
    assert (ahead.value - behind.value) / (2 * h) == pytest.approx(np.sum(state.gradient * D), rel=1e-8)
