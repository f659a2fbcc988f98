"""Problems: loss, gradient and target of the four methods against the oracles' literal data sets."""

import contextlib
import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import linvariance as lv
import methods
import oracles
import strategies
from tolerances import bounded, close

method_names = st.sampled_from(methods.METHODS)
NOT_TINY = strategies.cases(spectra=tuple(s for s in strategies.SPECTRA if s != "zero"))


def random_weights(case, p):
    return np.random.default_rng(case.seed + 2).standard_normal((case.outputs, p.dim))


@given(strategies.cases(), method_names)
def test_sizes(case, method):
    p, twin = methods.problem(case, method), methods.equivalent(case, method)
    assert (p.dim, p.outputs, p.rank) == (len(twin.A), case.outputs, case.rank)
    assert p.target.shape[0] == case.outputs


@given(strategies.cases(), method_names)
def test_loss_is_the_literal_sum(case, method):
    p, twin = methods.problem(case, method), methods.equivalent(case, method)
    V = random_weights(case, p)
    # Bases of the invariants differ by a rotation between package and oracle: compare where both agree, in W.
    there = p.lift(V) @ twin.B.T
    bounded(f"loss, {method}", abs(p.loss(V) - twin.loss(there)), norms=twin.scale(there), dims=case.dims)


@given(strategies.cases(), method_names)
def test_gradient_is_that_of_the_literal_sum(case, method):
    p, twin = methods.problem(case, method), methods.equivalent(case, method)
    V = random_weights(case, p)
    expected = p.restrict(twin.gradient(p.lift(V) @ twin.B.T) @ twin.B)
    top = twin.spectrum[0] if twin.spectrum.size else 0.0
    close(f"gradient, {method}", p.gradient(V), expected, norms=2 * top * np.sqrt(twin.scale(V)), dims=case.dims)


@given(strategies.cases(), method_names)
def test_gradient_is_the_difference_quotient(case, method):
    """Exact for a quadratic: loss(V + D) - loss(V - D) = 2 <gradient(V), D>."""
    p, twin = methods.problem(case, method), methods.equivalent(case, method)
    V = random_weights(case, p)
    D = np.random.default_rng(case.seed + 3).standard_normal(V.shape)
    bounded(
        f"gradient by differences, {method}",
        abs(p.loss(V + D) - p.loss(V - D) - 2 * np.sum(p.gradient(V) * D)),
        norms=twin.scale(np.abs(V) + np.abs(D)),
        dims=case.dims,
    )


@given(strategies.cases(), method_names)
def test_lift_and_restrict_are_inverse(case, method):
    p = methods.problem(case, method)
    V = random_weights(case, p)
    W = np.random.default_rng(case.seed + 4).standard_normal((case.outputs, case.group.dim))
    close("restrict(lift(V)) = V", p.restrict(p.lift(V)), V, norms=np.linalg.norm(V), dims=case.group.dim)
    projected = W @ oracles.reynolds(case.group.elements) if method == "hard_wired" else W
    close(
        "lift(restrict(W)) = W Π or W", p.lift(p.restrict(W)), projected, norms=np.linalg.norm(W), dims=case.group.dim
    )


@given(NOT_TINY, method_names)
def test_loss_splits_into_floor_and_distance_to_the_target(case, method):
    """p.target is C'A⁻¹: its singular values are those of the oracle's projection on the row space."""
    p, twin = methods.problem(case, method), methods.equivalent(case, method)
    expected = twin.optimum(1)[2]
    found = np.linalg.svd(p.target, compute_uv=False)
    k = min(len(found), len(expected))
    close(f"target, {method}", found[:k], expected[:k], norms=np.sqrt(case.c), dims=case.dims, condition=twin.condition)
    bounded(
        f"target: the others vanish, {method}",
        float(np.linalg.norm(np.r_[found[k:], expected[k:]])),
        norms=np.sqrt(case.c),
        dims=case.dims,
        condition=twin.condition,
    )


@given(strategies.cases(), method_names)
def test_loss_near_interpolation_keeps_its_digits(case, method):
    """A sum of squared residuals: it is never negative, as a trace formula would be."""
    p = methods.problem(case, method)
    s = lv.solve(p)
    assert p.loss(p.restrict(s.weights)) >= 0
    assert s.loss >= 0


def test_an_exact_fit_has_a_loss_of_rounding_squared(rng):
    """The trace formula would leave eps · ‖Y‖²; the residuals leave eps² · ‖Y‖²."""
    X, W = rng.standard_normal((50, 6)), rng.standard_normal((3, 6))
    p = lv.unconstrained(lv.Moments.from_data(X, X @ W.T), rank=3)
    c = np.sum((X @ W.T) ** 2) / 50
    assert p.loss(W) < c * (50 * oracles.EPS) ** 2
    assert lv.solve(p).loss < c * (50 * oracles.EPS) ** 2


def test_weighted_rows_count_as_often_as_their_weight(rng):
    X, Y, weights = rng.standard_normal((8, 4)), rng.standard_normal((8, 2)), rng.integers(1, 4, 8)
    rep = lv.groups.cyclic(4)
    for make in (lv.hard_wired, lv.augmented):
        weighted = lv.solve(make(lv.Moments.from_data(X, Y, weights=weights), rep, rank=1))
        repeated = lv.solve(make(lv.Moments.from_data(np.repeat(X, weights, 0), np.repeat(Y, weights, 0)), rep, rank=1))
        close(
            "weights = repetitions",
            weighted.weights,
            repeated.weights,
            norms=np.linalg.norm(repeated.weights),
            dims=20,
            condition=100,
        )


@pytest.mark.parametrize("method", methods.METHODS)
def test_what_is_handed_out_does_not_lead_back_in(method):
    case = strategies.Case(strategies.Group("swap", ((1, 0, 2),)), 7, 2, 2, "mild", "linear", 5)
    p = methods.problem(case, method)
    before = lv.solve(p).weights.copy()
    for array in (p.target, lv.solve(p).weights, lv.solve(p).singular_values, p.gradient(np.ones((2, p.dim)))):
        with contextlib.suppress(ValueError):  # read-only is as good
            array[...] = 7.0
    np.testing.assert_array_equal(lv.solve(p).weights, before)


@pytest.mark.parametrize("method", methods.METHODS)
def test_copies_and_pickles_after_what_is_derived_was_made(method, rng):
    case = strategies.Case(strategies.Group("swap", ((1, 0, 2),)), 7, 2, 2, "mild", "linear", 5)
    p, V = methods.problem(case, method), rng.standard_normal((2, methods.problem(case, method).dim))
    fresh = len(pickle.dumps(p))
    run = {"epochs": 200, "optimizer": lv.GradientDescent(0.01)}
    expected, network = p.gradient(V), lv.train(p, **run).network
    assert len(pickle.dumps(p)) < 2 * fresh  # no packed moments among it
    for other in (copy.copy(p), copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        np.testing.assert_array_equal(other.gradient(V), expected)
        np.testing.assert_array_equal(lv.train(other, **run).network.flat, network.flat)


@pytest.mark.parametrize("method", methods.METHODS)
def test_the_callers_arrays_stay_as_they_are(method, rng):
    group = strategies.Group("swap", ((1, 0, 2),))
    case = strategies.Case(group, 7, 2, 2, "mild", "linear", 5)
    p = methods.problem(case, method)
    V = rng.standard_normal((2, p.dim))
    kept = V.copy()
    p.loss(V), p.gradient(V), p.lift(V), lv.solve(p)
    np.testing.assert_array_equal(V, kept)
