"""Proposition B.14: the augmented kernel is the limiting tangent kernel of the group-convolutional network."""

import functools

import numpy as np
import pytest

import linvariance as lv
import oracles
import zoo
from tolerances import close

k = lv.kernels
SMALL = ("permutations C5", "signed square", "orthogonal Q8", "orthogonal D5 on the plane", "joined dual")
GROUPS = ("permutations trivial", "permutations C5", "signed square", "orthogonal S4", "not orthogonal D5")
EVERY = pytest.mark.parametrize("name", oracles.ACTIVATIONS)


def limit(name):
    return functools.partial(k.ntk, activation=name)


@EVERY
@pytest.mark.parametrize("group", GROUPS)
def test_the_finite_kernel_is_the_gram_matrix_of_gradients(name, group, rng):
    """Every derivative by a complex step; elements written out, ρ not orthogonal included."""
    entry = zoo.ZOO[group]
    X, X2 = rng.standard_normal((3, entry.dim)), rng.standard_normal((2, entry.dim))
    K = k.finite_width(entry.rep, width=7, rng=rng, activation=name)
    J, J2 = (
        np.array([oracles.gradient_of_network(name, K.weights, K.outputs, x, entry.elements) for x in A])
        for A in (X, X2)
    )
    for found, expected in ((K(X, X2), J @ J2.T), (K(X), J @ J.T)):
        close(
            "finite kernel = JJᵀ",
            found,
            expected,
            norms=np.linalg.norm(X) * max(np.linalg.norm(X), np.linalg.norm(X2)),  # of each term; the mean may be 0
            dims=7 * entry.dim,
            condition=entry.condition * (np.square(K.weights).sum() + np.square(K.outputs).sum()) / 7,
        )


@EVERY
@pytest.mark.parametrize("group", SMALL)
def test_means_over_one_and_both_arguments_agree(name, group, rng):
    entry = zoo.ZOO[group]
    X, X2 = rng.standard_normal((3, entry.dim)), rng.standard_normal((2, entry.dim))
    one, both = (average(limit(name), entry.rep)(X, X2) for average in (k.augmented, k.convolutional))
    # 1e-9 was asked for; the series is cut at 1e-13 of the kernel's size.
    np.testing.assert_allclose(one, both, rtol=0, atol=1e-12 * np.linalg.norm(X) * np.linalg.norm(X2))


@EVERY
@pytest.mark.parametrize("group", GROUPS)
def test_its_mean_over_draws_is_the_limit(name, group):
    """Unbiased at any width: within three standard errors, for a few fixed entries and a fixed seed."""
    entry, rng, draws = zoo.ZOO[group], np.random.default_rng(3), 200
    X, X2 = 0.3 * rng.standard_normal((2, entry.dim)), 0.3 * rng.standard_normal((1, entry.dim))
    K = np.stack([k.finite_width(entry.rep, width=60, rng=rng, activation=name)(X, X2) for _ in range(draws)])
    expected = k.convolutional(limit(name), entry.rep)(X, X2)
    # Odd activations vanish where -1 is in the group: then both sides are rounding.
    rounding = 1e-13 * entry.condition * np.linalg.norm(X) * np.linalg.norm(X2)
    assert (np.abs(K.mean(axis=0) - expected) < 3 * K.std(axis=0) / np.sqrt(draws) + rounding).all()


def test_it_converges_like_one_over_the_root_of_the_width():
    """The root mean square over 40 draws has a relative standard error of about 1/√80 at each width."""
    rng, rep = np.random.default_rng(5), lv.groups.image_rotations(4)
    X = rng.random((5, 16))
    expected = k.augmented(k.ntk, rep)(X)
    widths = np.array([16, 64, 256, 1024])
    errors = [
        np.sqrt(np.mean([np.square(k.finite_width(rep, width=int(m), rng=rng)(X) - expected).sum() for _ in range(40)]))
        for m in widths
    ]
    constant = np.array(errors) * np.sqrt(widths)
    assert np.ptp(np.log(constant)) < 6 / np.sqrt(80)  # the spread of four values, each within three standard errors
    assert np.polyfit(np.log(widths), np.log(errors), 1)[0] == pytest.approx(-0.5, abs=0.1)


def test_widths_in_blocks(monkeypatch, rng):
    X, K = rng.standard_normal((6, 4)), k.finite_width(lv.groups.cyclic(4), width=1000, rng=rng)
    whole = K(X)
    monkeypatch.setattr("linvariance.arrays.BLOCK_BYTES", 8)
    np.testing.assert_allclose(K(X), whole, rtol=1e-12)
