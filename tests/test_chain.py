"""The C++ chain W_L ... W_1: product, pull-back and tangent against NumPy, in any depth and order of widths."""

import itertools

import numpy as np
import pytest
from hypothesis import given

import oracles
import strategies
from linvariance import _core
from tolerances import bounded, close


def sizes(weights):
    """The product of the layers' norms, and the longest sum behind an entry."""
    return float(np.prod([np.linalg.norm(w) for w in weights])), sum(max(w.shape) for w in weights)


@given(strategies.networks())
def test_product(drawn):
    weights, widths, _ = drawn
    norms, dims = sizes(weights)
    close(
        "chain: product",
        _core.product(widths, oracles.joined(weights)),
        oracles.product(weights),
        norms=norms,
        dims=dims,
    )


@given(strategies.networks())
def test_pullback(drawn):
    """G_j = (W_L..W_{j+1})ᵀ D (W_{j-1}..W_1)ᵀ, literally."""
    weights, widths, rng = drawn
    D = rng.standard_normal((widths[-1], widths[0]))
    expected = []
    for j in range(len(weights)):
        left = oracles.product(weights[j + 1 :]) if j + 1 < len(weights) else np.eye(widths[-1])
        right = oracles.product(weights[:j]) if j else np.eye(widths[0])
        expected.append(left.T @ D @ right.T)
    found = oracles.split_like(_core.product_pullback(widths, oracles.joined(weights), D), weights)
    norms, dims = sizes(weights)
    for j, (G, literal) in enumerate(zip(found, expected, strict=True)):
        others = norms / max(np.linalg.norm(weights[j]), 1e-300)
        close("chain: pull-back", G, literal, norms=others * np.linalg.norm(D), dims=dims)


@given(strategies.networks())
def test_tangent(drawn):
    """A complex step through the product."""
    weights, widths, rng = drawn
    direction = [rng.standard_normal(w.shape) for w in weights]
    step = oracles.product([w + 1e-30j * v for w, v in zip(weights, direction, strict=True)])
    found = _core.product_tangent(widths, oracles.joined(weights), oracles.joined(direction))
    norms = sum(
        np.prod([np.linalg.norm(v if i == j else w) for i, (w, v) in enumerate(zip(weights, direction, strict=True))])
        for j in range(len(weights))
    )
    close("chain: tangent", found, step.imag / 1e-30, norms=norms, dims=sizes(weights)[1])


@given(strategies.networks())
def test_pullback_is_the_adjoint_of_the_tangent(drawn):
    """<J V, D> = <V, Jᵀ D>"""
    weights, widths, rng = drawn
    flat, V = oracles.joined(weights), oracles.joined([rng.standard_normal(w.shape) for w in weights])
    D = rng.standard_normal((widths[-1], widths[0]))
    Jv, JtD = _core.product_tangent(widths, flat, V), _core.product_pullback(widths, flat, D)
    norms = np.linalg.norm(JtD) * np.linalg.norm(V) + np.linalg.norm(Jv) * np.linalg.norm(D)
    bounded("chain: <JV, D> = <V, JᵀD>", abs(np.sum(Jv * D) - V @ JtD), norms=norms, dims=len(V))


@pytest.mark.parametrize("widths", [[196, 5, 9], [5, 300, 4], [130, 120, 110, 7], [3, 1, 1, 1, 200], [200, 200, 200]])
def test_sizes_beyond_one_tile(widths, rng):
    weights = [rng.standard_normal((b, a)) / np.sqrt(a) for a, b in itertools.pairwise(widths)]
    norms, dims = sizes(weights)
    close(
        "chain: product",
        _core.product(widths, oracles.joined(weights)),
        oracles.product(weights),
        norms=norms,
        dims=dims,
    )
    X, Y = rng.standard_normal((widths[0], 3)), rng.standard_normal((widths[-1], 3))
    D = 2 / 3 * (oracles.product(weights) @ X - Y) @ X.T
    found = _core.product_pullback(widths, oracles.joined(weights), D)
    expected = oracles.joined(oracles.chain_gradient(weights, X, Y))
    close("chain: pull-back", found, expected, norms=np.linalg.norm(expected) + norms * np.linalg.norm(D), dims=dims)


def test_float32_stays_float32(rng):
    weights = rng.standard_normal(3 * 4 + 2 * 3)
    single = _core.product([4, 3, 2], weights.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, _core.product([4, 3, 2], weights), atol=20 * np.finfo(np.float32).eps)


@pytest.mark.parametrize("widths", [[0, 2, 3], [3, 0, 2], [3, 2, 0], [0, 0]])
def test_empty_layers(widths):
    weights = [np.ones((b, a)) for a, b in itertools.pairwise(widths)]
    W = _core.product(widths, oracles.joined(weights))
    assert W.shape == (widths[-1], widths[0])
    assert not W.any()
    assert len(_core.product_pullback(widths, oracles.joined(weights), np.ones(W.shape))) == sum(
        w.size for w in weights
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: _core.product([2, 3], np.ones(5)),
        lambda: _core.product([2], np.ones(0)),
        lambda: _core.product([], np.ones(0)),
        lambda: _core.product([-2, -3], np.ones(6)),
        lambda: _core.product([2, 3], np.ones(6) + 0j),
        lambda: _core.product_pullback([2, 3], np.ones(6), np.ones((2, 3))),
        lambda: _core.product_pullback([2, 3], np.ones(6), np.ones(6)),
        lambda: _core.product_tangent([2, 3], np.ones(6), np.ones(5)),
    ],
)
def test_the_core_guards_its_memory(call):
    with pytest.raises((ValueError, TypeError)):
        call()
