"""Equal singular values: critical manifolds against dense Hessians at random points of theirs and by enumeration."""

import collections
import dataclasses
import itertools
import math
from functools import cached_property

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linvariance as lv
from linvariance import dynamics
from linvariance.landscape import Triples
from strategies import orthonormal, seeds
from test_landscape import METHODS, truth

VALUES = ((2, 2, 1, 1), (2, 2, 2, 1), (2, 1, 1, 0), (1, 1, 1, 1), (3, 2, 2, 1), (2, 2, 0, 0), (3, 2, 1, 1))


def whitened(sigma, rank, depth=2, hidden=None):
    """S' = 1 and Z = diag σ."""
    d = len(sigma)
    m = lv.Moments.from_data(np.sqrt(d) * np.eye(d), np.sqrt(d) * np.diag(np.asarray(sigma, float)))
    return [d, *[hidden or rank] * (depth - 1), d], lv.unconstrained(m, rank=rank)


def tied_problem(rng, depth):
    """Widths, a problem, and the nonzero singular values of its target: mostly tied, some of them zero."""
    while True:
        method, d0, outputs = METHODS[rng.integers(4)], int(rng.integers(2, 6)), int(rng.integers(2, 5))
        rep = lv.groups.permutations([rng.permutation(d0)])
        B = rep.invariant_basis() if method in ("hard_wired", "augmented") else np.eye(d0)
        k = d0 - int(rng.integers(2)) * (method != "regularized")
        n = d0 + outputs + int(rng.integers(1, 5))
        frame = orthonormal(rng, n, d0 + outputs)
        X = np.sqrt(n) * (frame[:, :k] * rng.uniform(0.5, 2, k)) @ orthonormal(rng, d0, k).T
        penalty = 0.3 * rep.defect @ rep.defect.T if method == "regularized" else 0
        values, vectors = np.linalg.eigh(B @ (X.T @ X / n) @ B.T + penalty)
        keep = values > 1e-9
        if values[keep].min(initial=1.0) > 1e-3:  # what is lost by the normal equations below
            break
    root = np.sqrt(values[keep])[:, None] * vectors[:, keep].T  # S' = rootᵀ root, Z = C' root⁻¹
    sigma = rng.permutation(VALUES[rng.integers(len(VALUES))])[: min(len(root), outputs)].astype(float)
    sigma = -np.sort(-sigma)
    Z = (orthonormal(rng, outputs, len(sigma)) * sigma) @ orthonormal(rng, len(root), len(sigma)).T
    seen = X @ B.T
    Y = seen @ np.linalg.pinv(seen.T @ seen / n, rcond=1e-9) @ (Z @ root).T
    Y += rng.integers(2) * np.sqrt(n) * frame[:, d0:] @ rng.standard_normal((outputs, outputs))
    widths = [len(B) if method == "hard_wired" else d0, *rng.integers(1, 4, depth - 1).tolist(), outputs]
    m, rank = lv.Moments.from_data(X, Y), min(widths)
    if method == "unconstrained":
        return widths, lv.unconstrained(m, rank=rank), sigma[sigma > 0]
    strength = {"strength": 0.3} if method == "regularized" else {}
    return widths, getattr(lv, method)(m, rep, rank=rank, **strength), sigma[sigma > 0]


@dataclasses.dataclass(frozen=True, eq=False)
class Turned(Triples):
    """The same triples, those of each value turned at random."""

    rng: np.random.Generator = None

    @cached_property
    def triples(self):
        U, sigma, Vt = (part.copy() for part in Triples(self.problem).triples)
        value = (sigma / sigma.max(initial=1e-300)).round(9)
        for one in set(value):
            tied = np.flatnonzero(value == one)
            Q = orthonormal(self.rng, len(tied), len(tied))
            U[:, tied], Vt[tied] = U[:, tied] @ Q, Q.T @ Vt[tied]
        return U, sigma, Vt


def anywhere(rng, p, point):
    """A random point of a critical manifold."""
    return dataclasses.replace(point, _spectrum=Turned(p, rng))


def by_enumeration(sigma, size):
    """From all subsets: values selected -> (loss above the floor, index, dimension) of each manifold."""
    found = {}
    for subset in itertools.combinations(range(len(sigma)), size):
        rest = np.delete(sigma, list(subset))
        pairs = [(i, j) for i in sigma[list(subset)] for j in rest]
        found[tuple(sigma[list(subset)])] = (rest @ rest, sum(j > i for i, j in pairs), sum(j == i for i, j in pairs))
    return found


def test_tied_problems_against_dense_hessians():
    """Kind, index and nullity at random points of every manifold, and the number of manifolds."""
    rng, seen = np.random.default_rng(0), collections.Counter()
    for trial in range(500):
        depth = 2 + trial % 3
        widths, p, sigma = tied_problem(rng, depth)
        np.testing.assert_allclose(lv.solve(p).singular_values[: len(sigma)], sigma, atol=1e-11)
        full = min(p.rank, len(sigma))
        for points, sizes in ((lv.critical_points(p), [full]), (lv.lower_rank_points(p), range(full))):
            expected = {key: value for size in sizes for key, value in by_enumeration(sigma, size).items()}
            assert points.count == len(list(points)) == len(expected)
            for point in points:
                loss, index, dimension = expected.pop(tuple(sigma[list(point.subset)]))
                assert point.loss == pytest.approx(p.quadratic.whitened.floor + loss, rel=1e-11)
                assert (point.index, point.dimension, point.isolated) == (index, dimension, dimension == 0)
                idle = [int(j) for j in rng.permutation(depth)[: rng.integers(depth - 1)] + 1]
                for gauge, busy in ((None, ()), (rng, idle)):
                    network = lv.network_at(anywhere(rng, p, point), widths, gauge=gauge, idle=busy)
                    if max(np.linalg.norm(W) for W in network.weights) > 30:
                        seen["too unbalanced for the oracle's 1e-8"] += 1
                        continue
                    seen.update(check(p, sigma, point, network))
            assert not expected
        seen[p.method] += 1
    assert min(seen[method] for method in METHODS) >= 80
    assert min(seen[f"strict saddle, depth {depth}"] for depth in (2, 3, 4)) >= 200
    assert min(seen[f"global minimum, depth {depth}"] for depth in (2, 3, 4)) >= 300
    assert min(seen[f"non-strict saddle, depth {depth}"] for depth in (3, 4)) >= 100
    assert min(seen["on a manifold"], seen["isolated"], seen["rank below the widths"]) >= 300
    assert seen["escapes"] >= 200
    assert seen["too unbalanced for the oracle's 1e-8"] <= 100


def check(p, sigma, point, network):
    """One network at a point against its dense Hessian; yields what it adds to the coverage."""
    kind, values, unit = truth(p, network)
    found, degenerate = lv.classify(p, network), lv.nullity(p, network)
    assert (found.kind, found.subset, found.rank) == (kind, point.subset, len(point.subset))
    assert p.loss(network.matrix) == pytest.approx(point.loss, abs=1e-9)
    zeros, q, widths = int((np.abs(values) <= unit).sum()), len(point.subset), network.widths
    assert (degenerate.found, degenerate.rest) == (zeros, point.dimension)
    k = int(np.linalg.matrix_rank(p.quadratic.moment, tol=1e-9, hermitian=True))
    if q == min(widths):
        assert zeros == network.flat.size - q * (k + widths[-1] - q) + point.dimension
    if len(widths) == 3:
        idle, hidden = len(sigma) - q, widths[1] - q
        assert int((values < -unit).sum()) == point.parameter_index(widths[1]) == point.index + hidden * idle
        data = widths[1] * (widths[0] - k)
        assert zeros == data + q * q + point.dimension + hidden * (widths[-1] + k - 2 * idle)
    if kind == "strict saddle" and len(values) % 3 == 0:
        assert lv.escape(p, network).after < p.loss(network.matrix)
        yield "escapes"
    yield f"{kind}, depth {len(widths) - 1}"
    yield "isolated" if point.isolated else "on a manifold"
    yield "full rank" if q == min(widths) else "rank below the widths"


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_any_direction_of_equal_values_is_a_minimum(depth):
    """σ = 2, 2, 1 and rank 1: u uᵀ with u in the plane of the first two."""
    _, p = whitened((2.0, 2.0, 1.0), 1, depth)
    for angle in np.linspace(0, np.pi, 9):
        u = np.array([[np.cos(angle), np.sin(angle), 0.0]])
        network = lv.Network([u, *[np.eye(1)] * (depth - 2), 2 * u.T])
        found = lv.classify(p, network)
        assert (found.kind, found.subset, found.rank) == ("global minimum", (0,), 1)
        assert lv.nullity(p, network).rest == 1
        with pytest.raises(ValueError, match="minimum"):
            lv.escape(p, network)
    minimum, saddle = lv.critical_points(p)
    assert (minimum.dimension, minimum.index, minimum.kind) == (1, 0, "global minimum")
    assert (saddle.subset, saddle.dimension, saddle.index) == ((2,), 0, 2)
    assert "dimension=1" in repr(minimum)
    assert "manifolds" in repr(lv.critical_points(p))


@settings(max_examples=150)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(0, 9), seeds)
def test_manifolds_are_listed_once_by_increasing_loss(multiplicities, rank, seed):
    values = -np.sort(-np.random.default_rng(seed).permutation(np.arange(1, 9))[: len(multiplicities)])
    sigma = np.repeat(values, multiplicities).astype(float)
    rank = min(rank, len(sigma))
    points = lv.critical_points(whitened(sigma, max(rank, 1))[1]) if rank else None
    lower = lv.lower_rank_points(whitened(sigma, rank + 1)[1])
    choices = list(itertools.product(*(range(m + 1) for m in multiplicities)))
    for listing, sizes in ((points, [rank]), (lower, range(min(rank + 1, len(sigma))))):
        if listing is None:
            continue
        expected = {choice for choice in choices if sum(choice) in sizes}
        found = [tuple(int(sum(sigma[list(q.subset)] == value)) for value in values) for q in listing]
        assert listing.count == len(found) == len(expected)
        assert set(found) == expected
        assert all(a.loss <= b.loss for a, b in itertools.pairwise(listing))
        for q, choice in zip(listing, found, strict=True):
            assert q.dimension == sum(c * (m - c) for c, m in zip(choice, multiplicities, strict=True))
            assert q.loss == pytest.approx(float(np.sum((np.array(multiplicities) - choice) * values**2)), rel=1e-12)


def test_counts_beyond_enumeration():
    one = lv.critical_points(whitened(np.ones(100), 50)[1])
    assert (one.count, one[0].dimension, one[0].kind) == (1, 2500, "global minimum")
    mixed = lv.critical_points(whitened([*range(50, 10, -1), 5, 5, 5], 12)[1])
    assert mixed.count == sum(math.comb(40, 12 - k) for k in range(4))
    assert [q.subset for q in mixed[:2]] == [tuple(range(12)), (*range(11), 12)]


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_whitened_spectrum_is_zero_along_the_manifold_only(rank):
    rng = np.random.default_rng(rank)
    _, p = whitened((3.0, 2.0, 2.0, 2.0, 1.0, 1.0), rank)
    for point in lv.critical_points(p):
        assert int((point.spectrum == 0).sum()) == point.dimension
        assert int((point.spectrum < 0).sum()) == point.index
        assert (point.escape_direction is None) == (point.index == 0)
        if point.index:
            # Along W + tE, truncated, the loss has half the curvature 2(1 - σ_j/σ_i)‖E‖².
            E, t = point.escape_direction, 1e-3
            U, s, Vt = np.linalg.svd(point.weights + t * E)
            W = (U[:, :rank] * s[:rank]) @ Vt[:rank]
            assert p.loss(W) - point.loss == pytest.approx(t**2 * point.spectrum[0] * np.vdot(E, E), rel=1e-3)
        moved = anywhere(rng, p, point)
        assert p.loss(moved.restricted) == pytest.approx(point.loss, rel=1e-12)


@pytest.mark.parametrize("gap", [0.0, 1e-15, 1e-12, 1e-9, 1e-7, 1e-5])
def test_near_ties(gap):
    """Told apart by the points down to rounding, and by `classify` down to its rtol, where gradients end."""
    widths, p = whitened((2.0 + gap, 2.0, 1.0), 1)
    points = lv.critical_points(p)
    assert points.ties == (((0, 1),) if gap < 1e-13 else ())
    assert points.count == (2 if gap < 1e-13 else 3)
    assert lv.solve(p).unique == points[0].isolated == (gap > 1e-13)
    kinds = [lv.classify(p, lv.network_at(q, widths)).kind for q in points]
    if gap < 1e-13:
        assert kinds == ["global minimum", "strict saddle"]
    elif gap < 1e-8:  # no gradient of 1e-8 tells them apart
        assert kinds == ["global minimum", "global minimum", "strict saddle"]
        sharp = [lv.classify(p, lv.network_at(q, widths), rtol=gap / 4).kind for q in points]
        assert sharp == [q.kind for q in points]
    else:
        assert kinds == [q.kind for q in points]
    u = np.array([[np.cos(0.7), np.sin(0.7), 0.0]])
    expected = "global minimum" if gap < 1e-8 else "not critical"
    assert lv.classify(p, lv.Network([u, 2 * u.T])).kind == expected


@pytest.mark.parametrize("sigma", [(1.0, 1e-9, 1e-10), (1.0, 1e-9, 1e-9), (1.0, 1e-12, 1e-13)])
def test_values_below_rtol_are_zero_to_classify(sigma):
    widths, p = whitened(sigma, 2)
    found = lv.classify(p, lv.network_at(lv.critical_points(p)[0], widths))
    assert (found.kind, found.subset) == ("global minimum", (0,))
    assert lv.classify(p, lv.network_at(lv.critical_points(p)[0], widths), rtol=1e-14).subset == (0, 1)


def test_no_correlation_leaves_minima_only():
    """Z = 0 but for rounding: any idle layer is at a minimum, and its Hessian's zeros are counted."""
    rng = np.random.default_rng(0)
    frame = orthonormal(rng, 9, 5)
    p = lv.unconstrained(lv.Moments.from_data(frame[:, :3], frame[:, 3:]), rank=1)
    network = lv.Network([rng.standard_normal((2, 3)), np.zeros((2, 2))])
    assert (lv.classify(p, network).kind, lv.nullity(p, network).found) == ("global minimum", 6)
    zero = lv.Network([np.zeros((2, 3)), np.zeros((2, 2)), rng.standard_normal((2, 2))])
    assert (lv.classify(p, zero).kind, lv.nullity(p, zero).found) == ("global minimum", 14)


@pytest.mark.parametrize("condition", [1.0, 1e2, 1e4, 1e6])
def test_ties_of_ill_conditioned_inputs(condition):
    """Rounding of X turns the space it spans by eps·condition, and splits ties by as much."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        frame = orthonormal(rng, 30, 7)
        X = frame[:, :4] * np.geomspace(1, 1 / condition, 4) @ orthonormal(rng, 4, 4).T
        Y = frame[:, :4] @ (orthonormal(rng, 4, 3) * [2, 2, 1]) @ orthonormal(rng, 3, 3).T
        p = lv.unconstrained(lv.Moments.from_data(X, Y + 0.3 * frame[:, 4:]), rank=1)
        assert lv.critical_points(p).ties == ((0, 1),)
        assert not lv.solve(p).unique


def test_symmetric_targets_are_tied():
    """Real irreducible representations of dimension 2 bring their singular values in pairs: C5 has two of them."""
    rng, C5 = np.random.default_rng(3), lv.groups.cyclic(5)
    X = rng.standard_normal((40, 5))
    p = lv.augmented(lv.Moments.from_data(X, rng.standard_normal((40, 5))), C5, rank=2, output=C5)
    points = lv.critical_points(p)
    assert sorted(map(len, points.ties)) == [2, 2]
    assert points.count == sum(a + b + c == 2 for a, b, c in itertools.product(range(3), range(3), range(2)))
    for point in points:
        network = lv.network_at(anywhere(rng, p, point), (5, 2, 5), gauge=rng)
        found = lv.classify(p, network)
        assert (found.kind, found.subset) == (point.kind, point.subset)
        assert lv.nullity(p, network).rest == point.dimension


def test_a_trained_network_ends_anywhere_on_the_manifold_of_minima():
    widths, p = whitened((2.0, 2.0, 2.0, 1.0), 2)
    t = lv.train(p, tuple(widths), optimizer=lv.GradientDescent(0.05), epochs=2000, seeds=(0, 1, 2))
    for k in range(3):
        network = t.at(0, k).network
        found = lv.classify(p, network)
        assert (found.kind, found.subset) == ("global minimum", (0, 1))
        assert lv.nullity(p, network).rest == 2


@settings(max_examples=40)
@given(seeds)
def test_the_nearest_point_of_a_manifold(seed):
    """`dynamics.visits`: no random point of any manifold is nearer, and at one of them the distance is 0."""
    rng = np.random.default_rng(seed)
    _, p = whitened((2.0, 2.0, 1.0, 1.0), 2)
    points = [*lv.critical_points(p), *lv.lower_rank_points(p)]
    here = [anywhere(rng, p, q).restricted for q in points]
    states = here + [V + 0.5 * rng.standard_normal(V.shape) for V in here]
    flow = dynamics.Flow(np.arange(float(len(states))), np.zeros(len(states)), tuple(lv.Network([V]) for V in states))
    found = dynamics.visits(p, flow)
    assert list(found.subsets[: len(points)]) == [q.subset for q in points]
    assert found.distance[: len(points)].max() < 1e-12
    others = np.array([anywhere(rng, p, q).restricted for q in points for _ in range(30)])
    away = np.linalg.norm(np.array(states)[:, None] - others, axis=(2, 3)).min(axis=1)
    assert (found.distance * np.linalg.norm(p.target) <= away + 1e-12).all()
