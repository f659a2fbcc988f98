"""Proposition B.12: the augmented kernel on the data regresses like the kernel on augmented data."""

import functools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import linvariance as lv
import methods
import oracles
import strategies

k = lv.kernels
FIGURE = 1e-9  # asked for, relative to the largest target; what rounding allows is eps·condition, at most 1e5 here


def with_stabilizers(X, elements, rng):
    """Some rows averaged over the powers of an element, which then fixes them; one row moved to another's orbit."""
    for i in range(0, len(X), 2):
        rho = power = elements[rng.integers(len(elements))]
        total, count = X[i].copy(), 1
        while not np.allclose(power, np.eye(len(rho))):
            total, count, power = total + power @ X[i], count + 1, power @ rho
        X[i] = total / count
    if len(X) > 3:
        X[3] = elements[-1] @ X[1]
    return X


@settings(max_examples=60)
@given(
    strategies.groups(max_dim=6),
    strategies.seeds,
    st.sampled_from(("relu", "leaky_relu", "swish", "tanh", "gelu", "identity")),
    st.sampled_from((0.0, 1e-2, 1.0)),
)
def test_augmented_kernel_and_augmented_data(group, seed, activation, strength):
    """Targets of samples in one orbit contradict each other; pseudo-inverses on both sides take their mean."""
    rng, rep = np.random.default_rng(seed), methods.representation(group)
    assume(len(group.elements) <= 24)
    X = with_stabilizers(rng.standard_normal((5, group.dim)), group.elements, rng)
    Y, X2 = rng.standard_normal((5, 2)), rng.standard_normal((4, group.dim))
    K = functools.partial(k.ntk, activation=activation)
    f = k.ridge(k.augmented(K, rep), X, Y, strength=strength)
    assume(f.condition < 1e5)
    alpha, rows = oracles.augmented_regression(K, X, Y, group.elements, len(group.elements) * 5 * strength)
    seen = np.linalg.eigvalsh(K(rows, rows))  # the oracle's own condition: it takes a pseudo-inverse of this
    assume(seen[-1] < 1e5 * seen[seen > 1e-10 * seen[-1]].min())
    found, expected = f.predict(X2), K(X2, rows) @ alpha
    scale = np.abs(Y).max() + np.abs(expected).max()
    assert np.abs(found - expected).max() < FIGURE * scale


@settings(max_examples=60)
@given(strategies.groups(max_dim=5), strategies.seeds, st.sampled_from((0.0, 1e-3, 1.0)))
def test_one_strength_serves_both(group, seed, strength):
    """The loss is a mean over samples, so augmented data need no other strength; μ·I would have to become |G|μ·I."""
    rng, rep = np.random.default_rng(seed), methods.representation(group)
    assume(len(group.elements) <= 24)
    X, Y = with_stabilizers(rng.standard_normal((4, group.dim)), group.elements, rng), rng.standard_normal((4, 1))
    rows = np.vstack([X @ rho.T for rho in group.elements])
    f = k.ridge(k.augmented(k.ntk, rep), X, Y, strength=strength)
    literal = k.ridge(k.ntk, rows, np.vstack([Y] * len(group.elements)), strength=strength)
    assume(max(f.condition, literal.condition) < 1e5)
    X2 = rng.standard_normal((4, group.dim))
    expected = literal.predict(X2)
    assert np.abs(f.predict(X2) - expected).max() < FIGURE * (np.abs(Y).max() + np.abs(expected).max())


@pytest.mark.parametrize("strength", [0.0, 1e-2])
def test_symmetric_images(strength, rng):
    """Images that a quarter or a half turn fixes, under C4."""
    rep, X = lv.groups.image_rotations(6), rng.random((12, 6, 6))
    X[:4] = (X[:4] + np.rot90(X[:4], 2, axes=(1, 2))) / 2
    X[:2] = (X[:2] + np.rot90(X[:2], 1, axes=(1, 2))) / 2
    Y, X2 = np.eye(3)[np.arange(12) % 3], rng.random((5, 36))
    elements = [rep.multiply(np.eye(36), g) for g in rep.elements()]
    f = k.ridge(k.augmented(k.ntk, rep), X.reshape(12, 36), Y, strength=strength)
    alpha, rows = oracles.augmented_regression(k.ntk, X.reshape(12, 36), Y, elements, 4 * 12 * strength)
    assert f.rank == 12
    assert np.linalg.matrix_rank(k.ntk(rows), tol=1e-9) == 8 * 4 + 2 * 2 + 2 < len(rows)
    np.testing.assert_allclose(f.predict(X2), k.ntk(X2, rows) @ alpha, rtol=0, atol=FIGURE)


def test_it_needs_an_invariant_kernel(rng):
    """Averaging both arguments gives an invariant kernel for any ρ, but then it is not what augmentation does."""
    rep = lv.groups.change_of_basis(lv.groups.symmetric(3), [[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    elements = [rep.multiply(np.eye(3), g) for g in rep.elements()]
    X, Y, X2 = rng.standard_normal((4, 3)), rng.standard_normal((4, 1)), rng.standard_normal((3, 3))
    alpha, rows = oracles.augmented_regression(k.ntk, X, Y, elements)
    literal = k.ntk(X2, rows) @ alpha
    both = k.ridge(k.convolutional(k.ntk, rep), X, Y).predict(X2)
    assert np.abs(both - literal).max() > 1e-2
    moved = k.ntk(X2 @ elements[1].T, rows) @ alpha
    assert np.abs(moved - literal).max() > 1e-2
