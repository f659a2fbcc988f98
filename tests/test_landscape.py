"""Counts, losses, indices and classes of critical points against dense Hessians, themselves checked by differences."""

import collections
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

import linvariance as lv

METHODS = ("unconstrained", "augmented", "regularized", "hard_wired")
TOLERANCE = 1e-8  # of eigenvalues and losses that count as zero: distinct random problems stay far above it


def random_problem(rng, depth):
    """Widths and a problem whose rank is theirs; targets of any rank, sometimes fitted exactly, sometimes n < d0."""
    d0, outputs = int(rng.integers(2, 5)), int(rng.integers(1, 4))
    n, k = int(rng.integers(1, 8)), int(rng.integers(0, outputs + 1))
    X, Y = rng.standard_normal((n, d0)), rng.standard_normal((n, outputs))
    if rng.random() < 0.4:
        Y = rng.standard_normal((n, k)) @ rng.standard_normal((k, outputs))
    elif rng.random() < 0.3:
        Y = X @ rng.standard_normal((d0, 1)) @ rng.standard_normal((1, outputs))
    method = METHODS[rng.integers(4)]
    signs = rng.choice([-1, 1], (1, d0)) if rng.random() < 0.3 else np.ones((1, d0), int)
    rep = lv.groups.signed_permutations([rng.permutation(d0)], signs)  # with signs there may be no invariants at all
    dim = len(rep.invariant_basis()) if method == "hard_wired" else d0
    widths = [dim, *(int(rng.integers(1, 4)) for _ in range(depth - 1)), outputs]
    m, rank = lv.Moments.from_data(X, Y), max(1, min(widths))
    if method == "unconstrained":
        return widths, lv.unconstrained(m, rank=rank)
    strength = {"strength": 0.3} if method == "regularized" else {}
    return widths, getattr(lv, method)(m, rep, rank=rank, **strength)


def tags(problem, depth):
    """What a problem adds to the coverage."""
    yield problem.method
    yield f"depth {depth}"
    yield f"rank Z = {np.linalg.matrix_rank(problem.target) if problem.target.size else 0}"
    if np.linalg.matrix_rank(problem.target, tol=TOLERANCE) < min(problem.outputs, problem.dim):
        yield "Z of deficient rank"
    if problem.dim == 0:
        yield "no invariants"
    elif np.linalg.matrix_rank(problem.quadratic.moment, hermitian=True) < problem.dim:
        yield "S' of deficient rank"


def truth(problem, network):
    """The class by the loss and the dense Hessian."""
    values = np.linalg.eigvalsh(lv.hessian(problem, network).to_dense())
    unit = TOLERANCE * max(1.0, np.abs(values).max(initial=0.0))
    if problem.loss(network.matrix) <= lv.solve(problem).loss + TOLERANCE * max(1.0, problem.data.yy):
        return "global minimum", values, unit
    return ("strict saddle" if values[0] < -unit else "non-strict saddle"), values, unit


def test_classes_and_indices_against_dense_hessians():
    rng, seen = np.random.default_rng(0), collections.Counter()
    for trial in range(500):
        depth = 2 + trial % 3
        widths, p = random_problem(rng, depth)
        seen.update(tags(p, depth))
        for point in [*lv.critical_points(p), *lv.lower_rank_points(p)]:
            idle = rng.permutation(depth)[: max(depth - 2, 0)] + 1
            for gauge, busy in ((None, ()), (rng, idle[:1]), (None, idle)):
                network = lv.network_at(point, widths, gauge=gauge, idle=[int(j) for j in busy])
                kind, values, unit = truth(p, network)
                found = lv.classify(p, network)
                assert found.kind == kind, (trial, p.method, widths, point, found)
                assert found.subset == point.subset
                assert found.rank == len(point.subset)
                assert p.loss(network.matrix) == pytest.approx(point.loss, abs=1e-9)
                seen.update([kind, f"{kind}, depth {depth}"])
                seen.update("tightened" if tight else "not tightened" for tight in found.tightened.values())
                seen.update(
                    ["tightened, but not all"] if 0 < sum(found.tightened.values()) < len(found.tightened) else []
                )
                if depth == 2 and gauge is None:
                    seen["index"] += 1
                    assert int((values < -unit).sum()) == point.parameter_index(widths[1])
    for method in METHODS:
        assert seen[method] >= 80
    for depth in (2, 3, 4):
        assert seen[f"depth {depth}"] >= 150
        assert seen[f"global minimum, depth {depth}"] >= 300
        assert seen[f"strict saddle, depth {depth}"] >= 100
    for rank in range(4):
        assert seen[f"rank Z = {rank}"] >= 20
    assert seen["non-strict saddle, depth 2"] == 0  # at depth 2 nothing is ever tightened
    assert seen["non-strict saddle, depth 3"] >= 50
    assert seen["non-strict saddle, depth 4"] >= 100
    assert seen["index"] >= 200
    for what in ("no invariants", "S' of deficient rank", "Z of deficient rank"):
        assert seen[what] >= 10, what
    assert min(seen["tightened"], seen["not tightened"], seen["tightened, but not all"]) >= 50


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_the_whole_dense_hessian_against_differences_of_gradients(depth):
    """What the classes above are checked against: every column, at random networks and at saddles."""
    rng = np.random.default_rng(depth)
    for _ in range(8):
        widths, p = random_problem(rng, depth)
        at = [lv.network_at(point, widths, gauge=rng) for point in [*lv.critical_points(p), *lv.lower_rank_points(p)]]
        at.append(lv.Network([rng.standard_normal(W.shape) for W in at[0].weights]))
        for network in at:
            dense, h = lv.hessian(p, network).to_dense(), 1e-5

            def gradient(flat, p=p, widths=widths):
                layers = lv.Network.from_flat(flat, widths).weights
                D, parts = p.gradient(lv.Network(layers).matrix), []
                for j in range(len(layers)):
                    below, above = np.eye(widths[0]), np.eye(widths[-1])
                    for W in layers[:j]:
                        below = W @ below
                    for W in layers[:j:-1]:
                        above = above @ W
                    parts.append((above.T @ D @ below.T).ravel())
                return np.concatenate(parts)

            shifts = h * np.eye(network.flat.size)
            columns = [(gradient(network.flat + e) - gradient(network.flat - e)) / (2 * h) for e in shifts]
            # h² of the fourth derivative and eps/h of rounding, in units of the weights: 1e-10 each, with room.
            size = max(1.0, np.abs(network.flat).max(initial=0.0)) ** (2 * depth) * (1 + np.abs(dense).max(initial=0.0))
            np.testing.assert_allclose(np.reshape(columns, dense.shape), dense, atol=1e-8 * size)


def test_the_loss_along_a_line_is_its_polynomial():
    rng = np.random.default_rng(1)
    widths, p = random_problem(rng, 3)
    network = lv.Network.from_flat(
        rng.standard_normal(sum(a * b for a, b in zip(widths[1:], widths[:-1], strict=True))), widths
    )
    v = rng.standard_normal(network.flat.size)
    line = lv.loss_along(p, network, v)
    assert line.deriv(2)(0.0) == pytest.approx(v @ (lv.hessian(p, network) @ v), rel=1e-10)
    for t in (-1.3, 0.4, 2.0):
        moved = lv.Network.from_flat(network.flat + t * v, widths)
        assert line(t) == pytest.approx(p.loss(moved.matrix), rel=1e-10)


def test_whitened_spectrum_and_escape_direction():
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((20, 6)), rng.standard_normal((20, 4))
    p = lv.unconstrained(lv.Moments.from_data(X, Y), rank=2)
    for point in lv.critical_points(p):
        assert int((point.spectrum < -1e-12).sum()) == point.index
        assert (point.escape_direction is None) == (point.kind == "global minimum")
        assert point.loss == pytest.approx(p.loss(point.restricted), rel=1e-12)
        if point.index:
            # On the manifold of rank 2: W + tE, truncated, falls to second order.
            D = point.escape_direction / np.linalg.norm(point.escape_direction)
            network = lv.network_at(point, (6, 2, 4))
            step = lv.escape(p, network)
            assert step.after < step.before
            assert p.loss(step.network.matrix) == pytest.approx(step.after, rel=1e-9)
            assert np.linalg.matrix_rank(D) == 2


def test_order_count_and_laziness():
    rng = np.random.default_rng(3)
    Y = np.sqrt(40) * np.diag(rng.uniform(1, 2, 40))
    p = lv.unconstrained(lv.Moments.from_data(np.sqrt(40) * np.eye(40), Y), rank=12)
    lv.solve(p)
    c = lv.critical_points(p)
    first = c[:1000]
    assert c.count == math.comb(40, 12)
    assert all(a.loss <= b.loss + 1e-12 for a, b in itertools.pairwise(first))
    assert len({point.subset for point in first}) == 1000
    small = lv.critical_points(lv.unconstrained(p.data, rank=39))
    assert [point.subset for point in small] == sorted(
        (q.subset for q in small), key=lambda s: -sum(lv.solve(p).singular_values[list(s)] ** 2)
    )
    assert small[-1].subset == small[39].subset
    with pytest.raises(IndexError, match="40"):
        small[40]


def test_the_papers_count():
    """C(9, 5) = 126 for d = 49, dL = 9, r = 5, whatever the method."""
    rng = np.random.default_rng(4)
    X, Y = rng.random((300, 196)), np.eye(9)[rng.integers(0, 9, 300)]
    m, rep = lv.Moments.from_data(X, Y), lv.groups.image_rotations(14)
    for p in (
        lv.hard_wired(m, rep, rank=5),
        lv.augmented(m, rep, rank=5),
        lv.regularized(m, rep, rank=5, strength=0.9),
    ):
        assert lv.critical_points(p).count == 126


def test_not_critical_and_bad_input():
    p = lv.unconstrained(lv.Moments.from_data(np.eye(3), np.diag([3.0, 2.0, 1.0])), rank=2)
    network = lv.Network([np.ones((2, 3)), np.ones((3, 2))])
    assert lv.classify(p, network).kind == "not critical"
    found = lv.classify(p, lv.network_at(lv.critical_points(p)[2], (3, 2, 3)), spectrum=True)
    assert found.lowest_eigenvalue < 0
    with pytest.raises(ValueError, match="leads from"):
        lv.classify(p, lv.Network([np.ones((2, 4)), np.ones((3, 2))]))
    with pytest.raises(ValueError, match="rtol"):
        lv.classify(p, network, rtol=0.0)
    with pytest.raises(ValueError, match="direction"):
        lv.loss_along(p, network, np.full(12, np.nan))
    with pytest.raises(ValueError, match="widths"):
        lv.network_at(lv.critical_points(p)[0], (3, 1, 3))
    with pytest.raises(ValueError, match="idle"):
        lv.network_at(lv.critical_points(p)[0], (3, 2, 3), idle=[1])
    with pytest.raises(ValueError, match="minimum"):
        lv.escape(p, lv.network_at(lv.critical_points(p)[0], (3, 2, 3)))


@pytest.mark.parametrize("scale", [1e-120, 1.0, 1e120])
def test_classes_do_not_depend_on_the_scale_of_the_data(scale):
    rng = np.random.default_rng(7)
    X, Y = rng.standard_normal((8, 4)), rng.standard_normal((8, 3))
    p = lv.unconstrained(lv.Moments.from_data(scale * X, scale * Y), rank=2)
    kinds = [lv.classify(p, lv.network_at(point, (4, 2, 3))).kind for point in lv.critical_points(p)]
    assert kinds == ["global minimum", "strict saddle", "strict saddle"]
    assert lv.classify(p, lv.Network([np.ones((2, 4)), np.ones((3, 2))])).kind == "not critical"
    assert lv.nullity(p, lv.network_at(lv.critical_points(p)[0], (4, 2, 3))).found == 4


def test_one_layer_has_no_network_at_a_saddle():
    p = lv.unconstrained(lv.Moments.from_data(np.eye(3), np.diag([3.0, 2.0, 1.0])), rank=3)
    with pytest.raises(ValueError, match="hidden layer"):
        lv.network_at(lv.critical_points(p)[0], (3, 3))


@pytest.mark.parametrize("sigma", [(1.0, 1e-9, 1e-10), (1e3, 1e-5, 1e-6), (1e-3, 1e-150, 1e-160), (1e100, 1.0, 1e-100)])
@pytest.mark.parametrize("rank", [1, 2])
def test_losses_are_sums_of_what_is_dropped(sigma, rank):
    """Exact rationals beside them; the whole minus the selected would cancel."""
    p = lv.unconstrained(lv.Moments.from_data(2 * np.eye(4), 2 * np.eye(4)[:, :3] * sigma), rank=rank)
    found = [
        (point.subset, point.loss) for points in (lv.critical_points(p), lv.lower_rank_points(p)) for point in points
    ]
    kept = lv.solve(p).singular_values
    s = lv.critical_points(p)._spectrum.rank
    for subset, loss in found:
        exact = sum(Fraction(kept[j] ** 2) for j in range(s) if j not in subset)
        assert loss == pytest.approx(float(exact) + p.quadratic.whitened.floor, rel=1e-14, abs=0)
