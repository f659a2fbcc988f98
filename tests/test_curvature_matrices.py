"""Gauss-Newton and Fisher matrices, diagonals, traces, blocks and norms, against twins by complex steps."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import linvariance as lv
import oracles
from linvariance.curvature import empirical_fisher, fisher, gauss_newton
from sample_problems import ACTIVATIONS, LOSSES, METHODS, Drawn, drawn
from test_hessians import points
from tolerances import bounded, close

OPERATORS = {"hessian": lv.hessian, "gauss_newton": gauss_newton, "empirical_fisher": empirical_fisher}


def twin(one, second):
    """(N, N) on literal augmented data."""
    pooled, units = one.method == "convolutional", oracles.units(one.weights)
    if not units:  # one layer of no inputs
        return np.zeros((0, 0))
    if second == "hessian":
        return np.array([oracles.joined(oracles.complex_step(lambda w: one.twin(w)[1], one.weights, v)) for v in units])
    Y = one.Y if pooled else np.hstack([one.Y] * len(one.elements))
    if second == "empirical_fisher":
        one.P = None
        G = np.array([oracles.joined(one.twin(one.weights, rows=[i])[1]) for i in range(Y.shape[1])])
        return G.T @ G / len(G)
    G = oracles.gauss_newton(
        one.weights,
        lambda w: oracles.network_outputs(w, one.X, one.elements, one.activation, pooled),
        LOSSES[one.loss],
        Y,
    )
    if one.P is not None:
        values, vectors = np.linalg.eigh(one.P)
        root = vectors * np.sqrt(np.maximum(values, 0))
        rows = root.shape[1]
        penalty = oracles.gauss_newton(
            one.weights,
            lambda w: oracles.product(oracles.parted(w)[0]) @ root,
            oracles.squared,
            np.zeros((one.outputs, rows)),
        )
        G = G + rows * penalty
    return G


def layers_of(H, weights):
    ends = [0, *itertools.accumulate(w.size for w in weights)]
    return [H[a:b, a:b] for a, b in itertools.pairwise(ends)]


@given(drawn(sizes=(1, 5, 97)), st.sampled_from(tuple(OPERATORS)))
def test_on_samples_they_are_the_twins(one, second):
    expected = twin(one, second)
    H = OPERATORS[second](one.problem, one.network)
    size = np.linalg.norm(twin(one, "gauss_newton"))
    one.agree(f"{second}: dense", H.to_dense(), expected, size=size)
    one.agree(f"{second}: diagonal", H.diagonal(), np.diag(expected), size=size)
    one.agree(f"{second}: trace", H.trace(), np.trace(expected), size=size * np.sqrt(len(expected)))
    one.agree(f"{second}: norm", H.frobenius_norm(), np.linalg.norm(expected), size=size)
    for found, block in zip(H.blocks(), layers_of(expected, one.weights), strict=True):
        one.agree(f"{second}: blocks", found, block, size=size)


@pytest.mark.parametrize("second", OPERATORS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("loss", LOSSES)
def test_to_twelve_digits(second, method, loss):
    activations = ACTIVATIONS if method != "regularized" else ("identity",)
    for activation, biased in itertools.product(activations, (False, True)):
        one = Drawn("permutations C5", method, loss, activation, [4, 3], 97, 3, 1, biased)
        expected = twin(one, second)
        H = OPERATORS[second](one.problem, one.network)
        for found, wanted in (
            (H.to_dense(), expected),
            (H.diagonal(), np.diag(expected)),
            (H.trace(), np.trace(expected)),
            (H.frobenius_norm(), np.linalg.norm(expected)),
        ):
            assert np.linalg.norm(found - wanted) <= 1e-12 * np.linalg.norm(expected)


@given(points())
def test_on_moments_they_are_the_twins(drawn):
    p, literal, weights, _ = drawn
    rows = literal.A.shape[1]
    expected = (
        rows
        / literal.n
        * oracles.gauss_newton(weights, lambda w: oracles.product(w) @ literal.A, oracles.squared, literal.Y)
    )
    G, H = gauss_newton(p, lv.Network(weights)), lv.hessian(p, lv.Network(weights))
    size, dims = np.linalg.norm(expected), [*G.shape, rows]
    close("gauss_newton on moments: dense", G.to_dense(), expected, norms=size, dims=dims)
    close("gauss_newton on moments: products", G @ np.eye(len(expected)), expected, norms=size, dims=dims)
    np.testing.assert_array_equal(G.to_dense(), G.to_dense().T)
    for one, dense in ((G, expected), (H, H.to_dense())):
        close("on moments: diagonal", one.diagonal(), np.diag(dense), norms=size, dims=dims)
        bounded(
            "on moments: trace", abs(one.trace() - np.trace(dense)), norms=size, dims=dims, condition=len(dense) ** 0.5
        )
        for found, block in zip(one.blocks(), layers_of(dense, weights), strict=True):
            close("on moments: blocks", found, block, norms=size, dims=dims)
        parts = np.linalg.norm(dense) + size
        # As squares: of what cancels in a block the root of the rounding would be left.
        error = abs(one.frobenius_norm() ** 2 - np.linalg.norm(dense) ** 2)
        bounded("on moments: norm squared", error, norms=_parts(p, weights, parts) ** 2, dims=dims)


def _parts(p, weights, size):
    """‖blocks‖ before the gradient's part cancels against the other."""
    flat = np.linalg.norm(p.gradient(oracles.product(weights)))
    between = [
        np.prod([1.0, *(np.linalg.norm(w) for k, w in enumerate(weights) if k not in (i, j))])
        for i in range(len(weights))
        for j in range(i)
    ]
    return size + 2 * flat * sum(between) * max(w.size for w in weights)


def test_blocks_of_single_layers_are_the_hessians_where_the_network_is_linear_in_each(rng):
    one = Drawn("permutations C5", "augmented", "cross_entropy", "relu", [4], 97, 3, 1)
    G, H = gauss_newton(one.problem, one.network), lv.hessian(one.problem, one.network)
    np.testing.assert_allclose(G.diagonal(), H.diagonal(), rtol=1e-13)
    assert np.abs(G.to_dense() - H.to_dense()).max() > 1e-3  # the others are not
    assert np.linalg.eigvalsh(G.to_dense())[0] > -1e-14


def test_the_fisher_information_is_the_expected_square_of_the_score(rng):
    """Over targets that the model itself draws: classes exhaustively."""
    X, network = (
        rng.standard_normal((6, 4)),
        lv.Network([rng.standard_normal((3, 4)), rng.standard_normal((3, 3))], "tanh"),
    )
    p = lv.unconstrained(lv.Samples(X, [0, 1, 2, 0, 1, 2], "cross_entropy"), rank=3)
    outputs = network(X)
    chances = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    expected = np.zeros((21, 21))
    for x, of_classes in zip(X, chances, strict=True):
        for k, chance in enumerate(of_classes):
            alone = lv.unconstrained(lv.Samples(x[None], [k], "cross_entropy", classes=3), rank=3)
            g = oracles.joined(lv.value_and_gradient(alone, network)[1])
            expected += chance * np.outer(g, g) / len(X)
    np.testing.assert_allclose(fisher(p, network).to_dense(), expected, atol=1e-14)


def test_where_the_loss_vanishes_gauss_newton_is_the_hessian(rng):
    X, W = rng.standard_normal((20, 5)), [rng.standard_normal((2, 5)), rng.standard_normal((3, 2))]
    p = lv.unconstrained(lv.Moments.from_data(X, X @ (W[1] @ W[0]).T), rank=2)
    G, H = gauss_newton(p, lv.Network(W)), lv.hessian(p, lv.Network(W))
    np.testing.assert_allclose(G.to_dense(), H.to_dense(), atol=1e-13)
    assert lv.curvature.sharpness(p, [lv.Network(W)])[0] == pytest.approx(lv.curvature.extremes(G).highest[0])


def test_they_are_operators_of_scipy_and_pickled(rng):
    one = Drawn("permutations C5", "augmented", "cross_entropy", "tanh", [4], 97, 3, 1)
    v = rng.standard_normal(one.network.flat.size)
    for make in OPERATORS.values():
        H = make(one.problem, one.network)
        assert H.to_scipy() is H
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(H)) @ v, H @ v)


def test_what_overflows_is_infinite_without_a_warning():
    p = lv.unconstrained(lv.Moments.from_data(np.eye(2), np.eye(2)), rank=2)
    H = lv.hessian(p, lv.Network([1e200 * np.eye(2)] * 2))
    assert not np.isfinite(H.trace())
    assert not np.isfinite(H.frobenius_norm())


def test_empirical_fisher_needs_samples():
    p = lv.unconstrained(lv.Moments.from_data(np.eye(2), np.eye(2)), rank=2)
    with pytest.raises(ValueError, match=r"problem is posed on Moments.*fourth moments.*Samples"):
        empirical_fisher(p, lv.Network([np.eye(2)]))
