"""Ridge and output metric, for every method: against literally augmented and whitened rows, and 50 digits."""

import itertools
import math
import pickle

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import linvariance as lv
import methods
import oracles
import strategies
import zoo
from linvariance.landscape import classify, critical_points, network_at, nullity
from tolerances import bounded, close

method_names = st.sampled_from(methods.METHODS)
ridges = st.floats(-6, 3).map(lambda e: 10.0**e)
MANY = settings(max_examples=80)
CASE = strategies.Case(strategies.Group("one", ((1, 2, 0, 4, 3),)), 20, 3, 2, "mild", "linear", 7)


def metric(seed, outputs, condition=10.0):
    """A positive definite M, and its Cholesky root: the oracle's K, KᵀK = M."""
    rng = np.random.default_rng([seed, 1])
    Q = strategies.orthonormal(rng, outputs, outputs)
    M = (Q * np.geomspace(1, condition, outputs)) @ Q.T
    return (M + M.T) / 2, np.linalg.cholesky((M + M.T) / 2).T


def literal_loss(W, case, method, ridge, M, strength=0.3):
    """Every sum written out."""
    weigh = lambda R: float(np.sum((M @ R) * R))  # noqa: E731
    elements = case.group.elements if method == "augmented" else [np.eye(case.group.dim)]
    fit = sum(weigh(W @ rho @ case.X - case.Y) for rho in elements) / len(elements) / case.n
    penalty = strength * weigh(W @ case.group.defect) if method == "regularized" else 0.0
    return fit + penalty + ridge * weigh(W)


# --------------------------------------------------------------------------------------------- against literal rows


@MANY
@given(strategies.cases(spectra=strategies.WELL_CONDITIONED), method_names, ridges, st.booleans())
def test_the_optimum_is_that_of_augmented_and_whitened_rows(case, method, ridge, weighed):
    M, K = metric(case.seed, case.outputs) if weighed else (None, np.eye(case.outputs))
    s = lv.solve(methods.problem(case, method, ridge=ridge, metric=M))
    twin = methods.weighed(methods.equivalent(case, method), ridge, K)
    V, loss, sigma = twin.optimum(case.rank)
    dims = (case.dims, twin.A.shape[1])
    bounded("ridge and metric: optimal loss", abs(s.loss - loss), norms=twin.objective_scale(V), dims=dims)
    k = min(len(sigma), len(s.singular_values))
    close("ridge and metric: σ", s.singular_values[:k], sigma[:k], norms=np.sqrt(twin.scale(0 * V)), dims=dims)
    gap = methods.gap(sigma, case.rank)
    assume(gap > 1e-6)
    close(
        "ridge and metric: weights",
        s.weights,
        np.linalg.solve(K, V),
        norms=np.linalg.norm(twin.Y) / np.sqrt(twin.n) / (twin.spectrum[-1] if twin.spectrum.size else 1.0),
        dims=dims,
        condition=twin.condition * np.linalg.cond(K) / gap,
    )


@MANY
@given(strategies.cases(), method_names, ridges, st.booleans())
def test_losses_are_the_literal_sums_and_gradients_their_slopes(case, method, ridge, weighed):
    M = metric(case.seed, case.outputs)[0] if weighed else np.eye(case.outputs)
    p = methods.problem(case, method, ridge=ridge, metric=M if weighed else None)
    rng = np.random.default_rng(case.seed)
    W, D = rng.standard_normal((2, case.outputs, case.group.dim))
    if method == "hard_wired":
        W, D = (A @ oracles.reynolds(case.group.elements) for A in (W, D))
    expected = literal_loss(W, case, method, ridge, M)
    scale = 10 * (case.c + (1 + ridge) * np.sum(W**2) * (1 + np.sum(case.group.defect**2)))
    bounded("ridge and metric: loss", abs(p.loss(p.restrict(W)) - expected), norms=scale, dims=case.dims)
    close("ridge and metric: lift", p.lift(p.restrict(W)), W, norms=np.linalg.norm(W), dims=case.dims, condition=4)
    slope = (literal_loss(W + D, case, method, ridge, M) - literal_loss(W - D, case, method, ridge, M)) / 2
    found = float(np.sum(p.gradient(p.restrict(W)) * p.restrict(D)))
    scale += 10 * (1 + ridge) * np.sum(D**2) * (1 + np.sum(case.group.defect**2))
    bounded("ridge and metric: gradient", abs(found - slope), norms=scale, dims=case.dims)


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("method", methods.METHODS)
def test_networks_have_the_gradients_and_hessians_of_the_literal_rows(method, depth):
    M, _ = metric(3, CASE.outputs)
    p = methods.problem(CASE, method, ridge=0.4, metric=M)
    K = p.inner.root
    np.testing.assert_allclose(K.T @ K, M, atol=1e-14)
    B = np.asarray(methods.representation(CASE.group).invariant_basis())
    twin = methods.weighed(methods.equivalent(CASE, method, B=B), 0.4, K)
    rng = np.random.default_rng(depth)
    widths = [len(twin.A), *[3, 4][: depth - 1], CASE.outputs]
    layers, moves = ([rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)] for _ in range(2))
    network = lv.Network(layers)
    assert lv.network_loss(p, network) == pytest.approx(twin.loss(network.matrix), rel=1e-13)
    gradient = oracles.joined(oracles.chain_gradient(layers, twin.A, twin.Y, twin.n))
    if depth == 1:
        np.testing.assert_allclose(p.gradient(layers[0]).ravel(), gradient, atol=1e-12)
    product = oracles.joined(oracles.hessian_product(layers, moves, twin.A, twin.Y, twin.n))
    found = lv.hessian(p, network).matvec(oracles.joined(moves))
    np.testing.assert_allclose(found, product, atol=1e-12 * np.linalg.norm(product))
    step = (
        lv.train(p, widths, epochs=1, optimizer=lv.GradientDescent(1e-2), init=lv.init.given(network))
        if (min(widths) == min(p.rank, p.dim, p.outputs))
        else None
    )
    if step is not None:
        np.testing.assert_allclose(step.network.flat, network.flat - 1e-2 * gradient, atol=1e-13)


@pytest.mark.parametrize("method", methods.METHODS)
def test_critical_points_are_the_truncations_of_the_literal_target(method):
    M, K = metric(5, CASE.outputs)
    p = methods.problem(CASE, method, ridge=0.2, metric=M)
    twin = methods.weighed(methods.equivalent(CASE, method), 0.2, K)
    Qt = np.linalg.svd(twin.A, full_matrices=False)[2]
    Z = twin.Y @ Qt.T / np.sqrt(twin.n)
    floor = float(np.sum((twin.Y - twin.Y @ Qt.T @ Qt) ** 2)) / twin.n
    expected = [floor + dropped for dropped in oracles.all_truncations(Z, p.rank)]
    points = lv.critical_points(p)
    s = 2 if method in ("augmented", "hard_wired") else 3  # invariants, outputs
    assert points.count == len(expected) == math.comb(s, 2)
    np.testing.assert_allclose([point.loss for point in points], expected, rtol=1e-12)
    for point in points:
        assert literal_loss(point.weights, CASE, method, 0.2, M) == pytest.approx(point.loss, rel=1e-12)
        found = lv.classify(p, lv.network_at(point, (p.dim, min(p.rank, p.dim), p.outputs)))
        assert found.kind == point.kind
        if point.index:
            assert lv.escape(p, lv.network_at(point, (p.dim, min(p.rank, p.dim), p.outputs))).after < point.loss


@pytest.mark.parametrize("exponent", [-120, -40, 40])
def test_a_metric_in_another_unit_changes_neither_what_a_network_is_nor_its_nullity(exponent):
    rng = np.random.default_rng(0)
    m, unit = lv.Moments.from_data(rng.standard_normal((40, 4)), rng.standard_normal((40, 3))), 4.0**exponent
    plain, weighed = (lv.unconstrained(m, rank=2, metric=c * np.eye(3)) for c in (1.0, unit))
    saddle = network_at(critical_points(plain)[1], (4, 2, 3)).weights
    for size in (1e-6, 0.0):  # a gradient of 1e-6 is none that rounding leaves
        layers = [W + size * rng.standard_normal(W.shape) for W in saddle]
        a, b = lv.Network(layers), lv.Network([2.0**exponent * layers[0], layers[1]])
        here, there = classify(plain, a), classify(weighed, b)
        assert (there.kind, there.subset) == (here.kind, here.subset)
        assert here.kind == ("not critical" if size else "strict saddle")
    root = lv.Network([2.0 ** (exponent / 2) * W for W in layers])  # balanced, as Hessians of other units are not
    assert nullity(weighed, root).found == nullity(plain, a).found == 4


# ------------------------------------------------------------------------------------------------- the path in λ


@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("ridge", [1e-25, 1e-9, 0.1, 1e6])
def test_the_path_is_solve_at_each_strength_and_ends_in_the_hard_wired_optimum(ridge, weighed):
    M = metric(2, CASE.outputs)[0] if weighed else None
    f = lv.regularization_path(methods.moments(CASE), methods.representation(CASE.group), rank=2, ridge=ridge, metric=M)
    values = f.evaluate(np.geomspace(1e-4, 1e4, 7))
    off = np.eye(5) - oracles.reynolds(CASE.group.elements)
    for k, strength in enumerate(values.strengths):
        s = f(strength)
        np.testing.assert_allclose(values.weights[k], s.weights, atol=1e-10 * np.linalg.norm(s.weights) / s.gap)
        assert values.loss[k] == pytest.approx(s.loss, rel=1e-12)
        assert values.norm_perp[k] == pytest.approx(np.linalg.norm(s.weights @ off), rel=1e-8, abs=1e-12)
        W = s.weights
        assert literal_loss(W, CASE, "regularized", ridge, np.eye(3) if M is None else M, strength) == pytest.approx(
            s.loss, rel=1e-12
        )
        h = 1e-5 * strength
        slope = (f(strength + h).weights - f(strength - h).weights) / (2 * h)
        np.testing.assert_allclose(
            f.derivative(strength), slope, atol=1e-5 * np.abs(slope).max() + 1e-9 * np.abs(s.weights).max() / strength
        )
    hard = lv.solve(methods.problem(CASE, "hard_wired", ridge=ridge, metric=M))
    np.testing.assert_allclose(f.limit.weights, hard.weights)
    np.testing.assert_allclose(f(1e14).weights, hard.weights, atol=1e-9 * np.linalg.norm(hard.weights))
    free = lv.solve(methods.problem(CASE, "unconstrained", ridge=ridge, metric=M))
    np.testing.assert_allclose(f(0.0).weights, free.weights)


def test_a_ridge_moves_the_jump_and_the_path_finds_it():
    """The errata's counterexample, S = 1: Z = diag(a/√(1+ρ), b/√(1+ρ+4λ)) is tied at λ = (1+ρ)((b/a)² - 1)/4."""
    a, b, e, f = 1.0, 2.0, np.array([1.0, 1.0]) / np.sqrt(2), np.array([1.0, -1.0]) / np.sqrt(2)
    m = lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.sqrt(2) * np.array([a * e, b * f]).T)
    (jump,) = lv.regularization_path(m, lv.groups.symmetric(2), rank=1, ridge=0.5).jumps
    assert jump.strength == pytest.approx(1.5 * 0.75, rel=1e-10)
    (jump,) = lv.regularization_path(m, lv.groups.symmetric(2), rank=1, metric=np.diag([2.0, 1.0])).jumps
    assert jump.strength == pytest.approx(0.25, rel=1e-10)  # a² is doubled: b²/(2a²) = 2


# ------------------------------------------------------------------------------------------------------- scales


def deficient(seed):
    """Rows of exactly rank 3, in exact floats, under a swap of two columns; targets that do not fit."""
    rng = np.random.default_rng(seed)
    T = rng.integers(-8, 9, (12, 3)) / 8.0
    X = np.stack([T[:, 0], T[:, 0], T[:, 1], T[:, 2], T[:, 1] + T[:, 2]], axis=1)
    return X, rng.integers(-8, 9, (12, 2)) / 8.0, lv.groups.permutations([[0, 1, 3, 2, 4]])


def exact_loss(W, X, Y, ridge, penalty):
    """‖WX - Y‖²/n + ridge·‖W‖² + tr(W penalty Wᵀ) in mpmath's digits."""
    residual = X * W.T - Y
    return (
        mpmath.fsum(x * x for x in residual) / X.rows + ridge * mpmath.fsum(w * w for w in W) + trace(W * penalty * W.T)
    )


def trace(A):
    return mpmath.fsum(A[i, i] for i in range(A.rows))


@pytest.mark.parametrize("exponent", range(-36, 7, 3))
@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("method", methods.METHODS)
def test_a_small_ridge_never_costs_more_than_rounding(method, rank, exponent):
    """On data of deficient rank: what solve returns beside the optimum, c - Σσ_i² in 80 digits."""
    ridge = 10.0**exponent
    for seed in range(3):
        X, Y, rep = deficient(seed)
        pose = {
            "unconstrained": lambda m, rep, **k: lv.unconstrained(m, **k),
            "regularized": lambda *a, **k: lv.regularized(*a, strength=0.3, **k),
        }.get(method) or getattr(lv, method)
        s = lv.solve(pose(lv.Moments.from_data(X, Y), rep, rank=rank, ridge=ridge))
        data, targets = X, Y
        if method == "augmented":
            data, targets = np.vstack([X, X[:, [0, 1, 3, 2, 4]]]), np.vstack([Y, Y])
        G = np.asarray(rep.defect.todense())
        with mpmath.workdps(80):
            A, T, W = (mpmath.matrix(M.tolist()) for M in (data, targets, s.weights))
            penalty = mpmath.matrix((G @ G.T).tolist()) * (0.3 if method == "regularized" else 0)
            B = mpmath.eye(5)
            if method == "hard_wired":  # coordinates of the invariants, not orthonormal
                B = mpmath.matrix([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]])
            S = B * (A.T * A / A.rows + ridge * mpmath.eye(5) + penalty) * B.T
            C = T.T * A * B.T / A.rows
            squares = mpmath.eigsy(C * mpmath.inverse(S) * C.T, eigvals_only=True)
            least = trace(T.T * T) / A.rows - mpmath.fsum(sorted(squares)[-rank:])
            excess, reported = float(exact_loss(W, A, T, ridge, penalty) - least), float(s.loss - least)
        c = float(np.sum(Y**2)) / len(Y)
        bounded("small ridge: excess loss", abs(excess), norms=c, dims=12)
        bounded("small ridge: reported loss", abs(reported), norms=c, dims=12)


@pytest.mark.parametrize("method", methods.METHODS)
def test_ridges_of_any_scale(method):
    case = strategies.Case(CASE.group, 20, 3, 2, "low rank", "noise", 3)
    plain = lv.solve(methods.problem(case, method))
    for tiny in (5e-324, 1e-300, 1e-100, 1e-40):
        s = lv.solve(methods.problem(case, method, ridge=tiny))
        np.testing.assert_allclose(s.weights, plain.weights, atol=1e-12 * np.linalg.norm(plain.weights))
        assert s.loss == pytest.approx(plain.loss, rel=1e-13)
        assert s.rank == plain.rank
    losses = [lv.solve(methods.problem(case, method, ridge=10.0**e)).loss for e in range(-300, 301, 20)]
    assert np.all(np.diff(losses) >= -1e-13 * case.c)
    assert losses[-1] == pytest.approx(case.c, rel=1e-14)
    s = lv.solve(methods.problem(case, method, ridge=1e300))
    assert np.linalg.norm(s.weights) < 1e-290
    assert (
        lv.critical_points(methods.problem(case, method, ridge=1e-300)).count
        == lv.critical_points(methods.problem(case, method)).count
    )


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_data_ridge_and_metric_of_extreme_scales(scale):
    X, Y = CASE.rows
    M = metric(1, 3)[0]
    s = lv.solve(
        lv.augmented(lv.Moments.from_data(X, Y), methods.representation(CASE.group), rank=2, ridge=0.1, metric=M)
    )
    m = lv.Moments.from_data(scale * X, scale * Y)
    t = lv.solve(lv.augmented(m, methods.representation(CASE.group), rank=2, ridge=0.1 * scale**2, metric=M))
    np.testing.assert_allclose(t.weights, s.weights, rtol=1e-10)
    u = lv.solve(lv.augmented(m, methods.representation(CASE.group), rank=2, ridge=0.1 * scale**2, metric=M / scale**2))
    np.testing.assert_allclose(u.weights, s.weights, rtol=1e-10)
    assert u.loss == pytest.approx(s.loss, rel=1e-12)


# ----------------------------------------------------------------------------------------------- groups of other kinds


@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_groups_that_are_not_orthogonal_have_the_ridge_added_after_the_average(seed, weighed):
    T, rng = zoo.skewed(4, 4.0, seed), np.random.default_rng(seed)
    elements = [np.linalg.solve(T, g @ T) for g in zoo.enumerate_matrices(zoo.S4)]
    rep = lv.groups.change_of_basis(lv.groups.matrices(zoo.S4), T)
    X, Y, ridge = rng.standard_normal((4, 9)), rng.standard_normal((3, 9)), 0.3
    M, K = metric(seed, 3) if weighed else (None, np.eye(3))
    p = lv.augmented(lv.Moments.from_data(X.T, Y.T), rep, rank=2, ridge=ridge, metric=M)
    A, targets = oracles.augmented_set(X, Y, elements)
    n = A.shape[1]
    A, targets = np.hstack([A, np.sqrt(n * ridge) * np.eye(4)]), np.hstack([targets, np.zeros((3, 4))])
    V, loss, _ = oracles.reduced_rank(A, K @ targets, 2, n)
    s = lv.solve(p)
    np.testing.assert_allclose(s.weights, np.linalg.solve(K, V), atol=1e-10)
    assert s.loss == pytest.approx(loss, rel=1e-12)
    assert s.least_norm
    W = rng.standard_normal((3, 4))
    assert p.loss(p.restrict(W)) == pytest.approx(float(np.sum((K @ (W @ A - targets)) ** 2)) / n, rel=1e-12)
    assert np.linalg.norm(s.weights - rep.project(s.weights)) > 1e-3  # no invariant W is optimal any more
    for pose, G in ((lv.hard_wired, None), (lv.regularized, np.hstack([np.eye(4) - g for g in rep.matrices()]))):
        more = {} if G is None else {"strength": 0.2}
        s = lv.solve(pose(lv.Moments.from_data(X.T, Y.T), rep, rank=2, ridge=ridge, metric=M, **more))
        if G is None:
            Pi = oracles.reynolds(elements)
            B = np.linalg.svd(Pi)[2][:1]
            V, loss, _ = oracles.reduced_rank(
                np.hstack([B @ X, np.sqrt(9 * ridge) * np.eye(1)]), K @ np.hstack([Y, np.zeros((3, 1))]), 2, 9
            )
            V = V @ B
        else:
            A = np.hstack([X, np.sqrt(9 * ridge) * np.eye(4), np.sqrt(9 * 0.2) * G])
            V, loss, _ = oracles.reduced_rank(A, K @ np.hstack([Y, np.zeros((3, A.shape[1] - 9))]), 2, 9)
        np.testing.assert_allclose(s.weights, np.linalg.solve(K, V), atol=1e-10)
        assert s.loss == pytest.approx(loss, rel=1e-12)


def equivariant_case(seed, skewed=False):
    """Turns of the plane and a line, acting on inputs twice and on outputs; M commutes with them."""
    rng = np.random.default_rng(seed)
    base = zoo.block(zoo.D(3), [np.eye(1)] * 2)
    T = zoo.skewed(3, 3.0, seed) if skewed else np.eye(3)
    seen = lambda g: np.linalg.solve(T, g @ T)  # noqa: E731
    output = lv.groups.matrices(base)
    rep = lv.groups.change_of_basis(output, T) if skewed else output
    group = zoo.enumerate_matrices(base)
    X, Y = rng.standard_normal((3, 7)), rng.standard_normal((3, 7))
    A = np.hstack([seen(g) @ X for g in group])
    return rep, output, X, Y, A, np.hstack([g @ Y for g in group]), [seen(g) for g in base], base


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_equivariant_problems(seed, skewed):
    rep, output, X, Y, A, targets, inputs_by, outputs_by = equivariant_case(seed, skewed)
    M, ridge = np.diag([2.0, 2.0, 0.5]), 0.25
    K, n, m = np.sqrt(M), A.shape[1], lv.Moments.from_data(X.T, Y.T)
    # augmented: literal rows, the ridge among them
    rows, whitened = np.hstack([A, np.sqrt(n * ridge) * np.eye(3)]), K @ np.hstack([targets, np.zeros((3, 3))])
    for rank in (1, 3):
        V, loss, _ = oracles.reduced_rank(rows, whitened, rank, n)
        s = lv.solve(lv.augmented(m, rep, rank=rank, output=output, ridge=ridge, metric=M))
        assert s.loss == pytest.approx(loss, rel=1e-11)
        if rank == 3:
            np.testing.assert_allclose(s.weights, np.linalg.solve(K, V), atol=1e-10)
    # hard-wired and regularized without a rank bound: linear systems in vec(W)
    hom = np.asarray(lv.groups.intertwiner_basis(rep, output))
    columns = np.stack([(K @ b @ np.hstack([X / np.sqrt(7), np.sqrt(ridge) * np.eye(3)])).ravel() for b in hom], axis=1)
    y = np.hstack([K @ Y / np.sqrt(7), np.zeros((3, 3))]).ravel()
    found = lv.solve(lv.hard_wired(m, rep, rank=3, output=output, ridge=ridge, metric=M))
    t, *_ = np.linalg.lstsq(columns, y)
    np.testing.assert_allclose(found.weights, np.tensordot(t, hom, 1), atol=1e-10)
    assert found.loss == pytest.approx(float(np.sum((columns @ t - y) ** 2)), rel=1e-11)
    if not skewed:
        # bounded ranks: the plane or the line
        losses = []
        for part in (np.diag([0.0, 0.0, 1.0]), np.diag([1.0, 1.0, 0.0])):
            column = (K @ part @ np.hstack([X / np.sqrt(7), np.sqrt(ridge) * np.eye(3)])).ravel()
            losses.append(float(np.sum((column * (column @ y) / (column @ column) - y) ** 2)))
        for rank, least in ((1, losses[0]), (2, min(losses))):
            one = lv.solve(lv.hard_wired(m, rep, rank=rank, output=output, ridge=ridge, metric=M))
            assert one.loss == pytest.approx(least, rel=1e-11)
        units = np.eye(9).reshape(9, 3, 3)
        penalty = lambda W: np.hstack([K @ (W @ a - b @ W) for a, b in zip(inputs_by, outputs_by, strict=True)])  # noqa: E731
        columns = np.stack(
            [
                np.hstack([K @ W @ X / np.sqrt(7), np.sqrt(ridge) * K @ W, np.sqrt(0.4) * penalty(W)]).ravel()
                for W in units
            ],
            axis=1,
        )
        y = np.hstack([K @ Y / np.sqrt(7), np.zeros((3, 3 + 3 * len(inputs_by)))]).ravel()
        t, *_ = np.linalg.lstsq(columns, y)
        s = lv.solve(lv.regularized(m, rep, rank=3, strength=0.4, output=output, ridge=ridge, metric=M))
        np.testing.assert_allclose(s.weights, t.reshape(3, 3), atol=1e-8)
        assert s.loss == pytest.approx(float(np.sum((columns @ t - y) ** 2)), rel=1e-10)


# ---------------------------------------------------------------------------------------------------------- metrics


def test_a_metric_that_does_not_commute_with_output_is_refused_with_the_residual():
    rep, output, X, Y, *_ = equivariant_case(0)
    M = np.diag([1.0, 2.0, 3.0])
    off = np.linalg.norm(np.diag([-0.5, 0.5, 0.0])) / np.linalg.norm(M)
    with pytest.raises(ValueError, match=rf"metric must commute with output.*{off:.2g}"):
        lv.augmented(lv.Moments.from_data(X.T, Y.T), rep, rank=1, output=output, metric=M)
    mean = lv.groups.intertwine(M, output, output)
    assert lv.augmented(lv.Moments.from_data(X.T, Y.T), rep, rank=1, output=output, metric=mean).metric is not None


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_a_metric_of_any_scale_that_does_not_commute_is_refused(unit):
    m, turn = lv.Moments.from_data(np.eye(3), np.eye(3)), lv.groups.cyclic(3)
    with pytest.raises(ValueError, match="metric must commute with output"):
        lv.hard_wired(m, turn, rank=1, output=turn, metric=unit * np.diag([1.0, 2.0, 3.0]))


def test_weights_that_overflow_in_the_metric_only_are_refused_too():
    m = lv.Moments.from_data(1e-160 * np.eye(3), 1e150 * np.eye(3))  # V = K W is 1e160, W is 1e310
    with pytest.raises(ValueError, match="weights overflow"):
        lv.solve(lv.unconstrained(m, rank=2, metric=1e-300 * np.eye(3)))


@given(strategies.cases(spectra=strategies.WELL_CONDITIONED, targets=("noise", "linear")), method_names)
@settings(max_examples=25)
def test_outputs_in_other_units_with_the_metric_of_these_are_the_same_problem(case, method):
    """Y -> D Y and M -> D⁻¹MD⁻¹: W -> D W and the same losses, for units that differ by 1e±12."""
    M = metric(case.seed, case.outputs)[0]
    D = np.geomspace(1e-12, 1e12, case.outputs)
    s = lv.solve(methods.problem(case, method, ridge=0.1, metric=M))
    twin = strategies.Case(
        **{k: getattr(case, k) for k in ("group", "n", "outputs", "rank", "spectrum", "target", "seed")}
    )
    twin.__dict__["Y"] = D[:, None] * case.Y
    t = lv.solve(methods.problem(twin, method, ridge=0.1, metric=M / D[:, None] / D))
    c = float(np.sum((M @ case.Y) * case.Y)) / case.n
    bounded("metric of other units: loss", abs(t.loss - s.loss), norms=c, dims=case.dims, condition=10)
    if s.unique and s.gap > 1e-3:
        size = 1e-9 * np.linalg.norm(s.weights)
        np.testing.assert_allclose(t.weights / D[:, None], s.weights, atol=size)


@pytest.mark.parametrize("seed", range(4))
def test_in_the_metric_of_the_targets_singular_values_are_canonical_correlations(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((40, 5))
    Y = X[:, :3] @ rng.standard_normal((3, 4)) + rng.standard_normal((40, 4))
    m = lv.Moments.from_data(X, Y)
    s = lv.solve(lv.unconstrained(m, rank=2, metric=np.linalg.inv(Y.T @ Y / 40)))
    Qx, Qy = (np.linalg.qr(A)[0] for A in (X, Y))
    correlations = np.linalg.svd(Qy.T @ Qx, compute_uv=False)
    np.testing.assert_allclose(s.singular_values, correlations, rtol=1e-12)
    assert s.loss == pytest.approx(4 - np.sum(correlations[:2] ** 2), rel=1e-12)  # tr(M YᵀY/n) = 4


def test_a_metric_shapes_only_what_a_rank_bound_cuts():
    """Without one, and without ridge, the minimizer is that of each output alone: no metric moves it."""
    free = strategies.Case(CASE.group, 20, 3, 3, "mild", "noise", 1)
    for method in methods.METHODS:
        a = lv.solve(methods.problem(free, method, metric=metric(1, 3)[0]))
        b = lv.solve(methods.problem(free, method))
        if method != "regularized":
            np.testing.assert_allclose(a.weights, b.weights, atol=1e-12)
        c = lv.solve(methods.problem(free, method, rank=1, metric=metric(1, 3)[0]))
        assert np.linalg.norm(c.weights - lv.solve(methods.problem(free, method, rank=1)).weights) > 1e-3
    p = methods.problem(free, "augmented", metric=np.eye(3), ridge=0.2)
    np.testing.assert_array_equal(lv.solve(p).weights, lv.solve(methods.problem(free, "augmented", ridge=0.2)).weights)


# ---------------------------------------------------------------------------------- training, samples, and the rest


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("method", methods.METHODS)
def test_the_trace_is_of_w_and_the_loss_in_the_metric(method, dtype):
    M = metric(4, 3)[0]
    p = methods.problem(CASE, method, ridge=0.1, metric=M)
    t = lv.train(p, epochs=20, dtype=dtype, record=lv.Record(every=5, entries=[(0, 1), (2, 3)], weights=True))
    off = np.eye(5) - np.asarray(p.representation.project(np.eye(5)))
    eps = 1e-13 if dtype == np.float64 else 1e-5
    for k, W in enumerate(t.weights):
        assert t.loss[k] == pytest.approx(literal_loss(W, CASE, method, 0.1, M), rel=eps)
        assert t.norm[k] == pytest.approx(np.linalg.norm(W), rel=eps)
        assert t.norm_perp[k] == pytest.approx(np.linalg.norm(W @ off), rel=eps, abs=1e-14)
        np.testing.assert_allclose(t.entries[k], [W[0, 1], W[2, 3]], rtol=eps)
    np.testing.assert_allclose(t.weights[-1], p.lift(t.network.matrix), atol=10 * eps)
    X = np.random.default_rng(0).standard_normal((4, 5))
    np.testing.assert_allclose(lv.predictor(p, t.network)(X), X @ t.weights[-1].T, atol=10 * eps)


def test_training_and_gradient_flow_reach_the_optimum():
    p = methods.problem(CASE, "augmented", ridge=0.1, metric=metric(4, 3)[0])
    best = lv.solve(p)
    t = lv.train(p, epochs=3000, optimizer=lv.GradientDescent(0.1, 0.9), seeds=(3,), record=lv.Record(weights=True))
    np.testing.assert_allclose(t.weights[-1], best.weights, atol=1e-8)
    flow = lv.dynamics.gradient_flow(p, lv.Network(t.network.weights), [0.0, 1.0])
    assert flow.loss[-1] == pytest.approx(best.loss, rel=1e-12)
    assert lv.dynamics.visits(p, t).stays[-1].subset == (0,) * 0 + tuple(range(min(2, best.rank)))


def test_a_ridge_leaves_nothing_frozen():
    X = CASE.X.T.copy()
    X[:, :3] = 0.0
    m, rep = lv.Moments.from_data(X, CASE.Y.T), methods.representation(CASE.group)
    for ridge, frozen in ((0.0, True), (0.1, False), (1e-30, True)):
        t = lv.train(lv.augmented(m, rep, rank=2, ridge=ridge), epochs=200)
        assert (t.norm_frozen[-1] > 0) == frozen
        assert np.isclose(np.hypot(t.norm_seen[-1], t.norm_frozen[-1]), t.norm_perp[-1])


@pytest.mark.parametrize("method", methods.METHODS)
def test_samples_have_the_ridge_of_moments(method):
    def pose(data, **more):
        if method == "unconstrained":
            return lv.unconstrained(data, rank=2, **more)
        strength = {"strength": 0.3} if method == "regularized" else {}
        return getattr(lv, method)(data, methods.representation(CASE.group), rank=2, **strength, **more)

    X, Y = CASE.rows
    a, b = pose(lv.Samples(X, Y), ridge=0.7), pose(lv.Moments.from_data(X, Y), ridge=0.7)
    V = np.random.default_rng(1).standard_normal((3, a.dim))
    assert a.loss(V) == pytest.approx(b.loss(V), rel=1e-13)
    np.testing.assert_allclose(a.gradient(V), b.gradient(V), atol=1e-12)
    runs = [lv.train(p, epochs=100, optimizer=lv.GradientDescent(1e-2)).network for p in (a, b)]
    np.testing.assert_allclose(runs[0].flat, runs[1].flat, atol=1e-12)
    move = np.random.default_rng(2).standard_normal(runs[0].flat.size)
    products = [lv.hessian(p, runs[0]).matvec(move) for p in (a, b)]
    np.testing.assert_allclose(*products, atol=1e-12 * np.linalg.norm(products[0]))
    classes = np.arange(20) % 3
    p = pose(lv.Samples(X, classes, "cross_entropy"), ridge=0.7)
    q = pose(lv.Samples(X, classes, "cross_entropy"))
    np.testing.assert_allclose(p.gradient(V) - q.gradient(V), 2 * 0.7 * V, atol=1e-12)
    assert p.loss(V) - q.loss(V) == pytest.approx(0.7 * np.sum(V**2), rel=1e-12)
    with pytest.raises(ValueError, match=r"ridge.*weight_decay"):
        lv.train(a, activation="relu", epochs=1)


def test_centred_moments_take_a_metric():
    X, Y = CASE.rows[0] + 5.0, CASE.rows[1] - 3.0
    M, K = metric(4, 3)
    m = lv.Moments.from_data(X, Y).centered()
    s = lv.solve(lv.augmented(m, methods.representation(CASE.group), rank=1, ridge=0.2, metric=M))
    elements = CASE.group.elements
    A, T = oracles.augmented_set((X - X.mean(0)).T, (Y - Y.mean(0)).T, elements)
    n = A.shape[1]
    A, T = np.hstack([A, np.sqrt(0.2 * n) * np.eye(5)]), np.hstack([T, np.zeros((3, 5))])
    V, loss, _ = oracles.reduced_rank(A, K @ T, 1, n)
    np.testing.assert_allclose(s.weights, np.linalg.solve(K, V), atol=1e-12)
    assert s.loss == pytest.approx(loss, rel=1e-12)


def test_a_path_says_what_terms_it_has():
    m, turn = lv.Moments.from_data(np.eye(3), np.eye(3)), lv.groups.cyclic(3)
    path = lv.regularization_path(m, turn, rank=1, ridge=0.5, metric=np.eye(3))
    assert repr(path) == f"RegularizationPath({turn!r}, rank=1, ridge=0.5, metric=(3, 3), {m!r})"
    assert repr(lv.regularization_path(m, turn, rank=1)) == f"RegularizationPath({turn!r}, rank=1, {m!r})"


def test_problems_carry_their_terms():
    M = metric(4, 3)[0]
    p = methods.problem(CASE, "augmented", ridge=0.1, metric=M)
    assert p.ridge == 0.1
    assert "ridge=0.1" in repr(p)
    np.testing.assert_array_equal(p.metric, M)
    assert not p.metric.flags.writeable
    q = pickle.loads(pickle.dumps(p))
    np.testing.assert_array_equal(lv.solve(q).weights, lv.solve(p).weights)
    path = lv.regularization_path(methods.moments(CASE), methods.representation(CASE.group), rank=1, metric=M)
    np.testing.assert_array_equal(path.metric, M)
    assert methods.problem(CASE, "augmented").metric is None
