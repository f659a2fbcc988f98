"""Corollary B.13: kernel regression on augmented data is invariant."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import linvariance as lv
import methods
import strategies

k = lv.kernels


@settings(max_examples=40)
@given(strategies.groups(max_dim=6), strategies.seeds, st.sampled_from((0.0, 0.1)), st.sampled_from(("relu", "tanh")))
def test_predictions_are_invariant(group, seed, strength, activation):
    rng, rep = np.random.default_rng(seed), methods.representation(group)
    assume(len(group.elements) <= 24)
    X, Y, X2 = rng.standard_normal((5, group.dim)), rng.standard_normal((5, 2)), rng.standard_normal((4, group.dim))
    f = k.ridge(k.augmented(lambda A, B: k.ntk(A, B, activation), rep), X, Y, strength=strength)
    assume(f.condition < 1e5)
    found = f.predict(X2)
    for rho in group.elements:
        # 1e-9 was asked for; the series of tanh is cut at 1e-13 of the kernel, the condition is at most 1e5
        assert np.abs(f.predict(X2 @ rho.T) - found).max() < 1e-9 * (np.abs(Y).max() + np.abs(found).max())


@pytest.mark.parametrize("name", ["augmented", "convolutional"])
def test_by_the_measure_of_invariance(name, rng):
    rep = lv.groups.image_rotations(3)
    f = k.ridge(getattr(k, name)(k.ntk, rep), rng.standard_normal((8, 9)), rng.standard_normal(8))
    assert lv.invariance.error(f.predict, rng.standard_normal((20, 9)), rep).max() < 1e-20


def test_the_mean_over_both_arguments_needs_no_orthogonality(rng):
    rep = lv.groups.change_of_basis(lv.groups.symmetric(3), [[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    f = k.ridge(k.convolutional(k.ntk, rep), rng.standard_normal((4, 3)), rng.standard_normal(4))
    assert lv.invariance.error(f.predict, rng.standard_normal((20, 3)), rep).max() < 1e-20
