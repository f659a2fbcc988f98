"""Invariance measures: parts of W, accuracy on the augmented set, invariance error, against enumeration."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import linvariance as lv
import methods
import oracles
import strategies
from tolerances import bounded, close


def weights_of(case):
    return np.random.default_rng(case.seed + 5).standard_normal((case.outputs, case.group.dim))


@given(strategies.cases())
def test_invariant_and_perp(case):
    W = weights_of(case)
    parts = lv.invariance.split(W, methods.representation(case.group))
    norm = np.linalg.norm(W)
    close("split: W Π", parts.invariant, W @ oracles.reynolds(case.group.elements), norms=norm, dims=case.group.dim)
    close("split: the parts add up", parts.invariant + parts.perp, W, norms=norm, dims=case.group.dim)
    bounded(
        "split: Pythagoras",
        abs(np.sum(parts.invariant**2) + np.sum(parts.perp**2) - norm**2),
        norms=norm**2,
        dims=case.group.dim,
    )
    assert parts.seen is None
    assert parts.frozen is None


CLEAR = strategies.cases(spectra=("flat", "mild", "arithmetic", "low rank", "rank one", "zero"))


@given(CLEAR)
def test_seen_and_frozen(case):
    W = weights_of(case)
    parts = lv.invariance.split(W, methods.representation(case.group), methods.moments(case))
    frozen, seen = oracles.frozen_and_seen(W, case.moment, case.group.elements)
    norm = np.linalg.norm(W)
    # The null space of S̄ turns by eps times its condition, at most 1e2 in these cases.
    close("split: frozen", parts.frozen, frozen, norms=norm, dims=case.group.dim, condition=1e4)
    close("split: seen", parts.seen, seen, norms=norm, dims=case.group.dim, condition=1e4)
    close("split: perp = seen + frozen", parts.seen + parts.frozen, parts.perp, norms=norm, dims=case.group.dim)
    total, f, s = (np.sum(part**2) for part in (parts.perp, parts.frozen, parts.seen))
    assert abs(total - f - s) <= 1e-12 * norm**2  # the figure asked for


@given(CLEAR)
def test_the_augmented_loss_does_not_feel_what_is_frozen(case):
    p = methods.problem(case, "augmented")
    W = weights_of(case)
    parts = lv.invariance.split(W, methods.representation(case.group), methods.moments(case))
    close(
        "frozen: no gradient",
        p.gradient(parts.frozen),
        p.gradient(np.zeros_like(W)),
        norms=np.linalg.norm(case.moment) * np.linalg.norm(W),
        dims=case.group.dim,
        condition=100,
    )


@given(strategies.cases(), st.integers(1, 4))
def test_accuracy_on_the_augmented_set(case, classes):
    rng = np.random.default_rng(case.seed)
    W, labels = rng.standard_normal((classes, case.group.dim)), rng.integers(0, classes, case.n)
    rep = methods.representation(case.group)
    X = rng.standard_normal((case.n, case.group.dim))
    expected = oracles.augmented_accuracy(W, X.T, labels, case.group.elements)
    assert lv.invariance.accuracy(W, X, labels, rep) == pytest.approx(expected, abs=1e-12)
    invariant = rep.project(W)
    literal = float(np.mean(np.argmax(invariant @ X.T, axis=0) == labels))
    assert lv.invariance.accuracy(invariant, X, labels, rep) == pytest.approx(literal, abs=1e-12)


def test_accuracy_of_a_stack(rng):
    W, X, labels = rng.standard_normal((2, 5, 3, 4)), rng.standard_normal((7, 4)), rng.integers(0, 3, 7)
    rep = lv.groups.cyclic(4)
    found = lv.invariance.accuracy(W, X, labels, rep)
    assert found.shape == (2, 5)
    np.testing.assert_allclose(found, [[lv.invariance.accuracy(w, X, labels, rep) for w in row] for row in W])


def test_accuracy_of_invariant_weights_needs_no_enumeration(rng):
    rep = lv.groups.symmetric(30)
    W, X, labels = rep.project(rng.standard_normal((3, 30))), rng.standard_normal((8, 30)), rng.integers(0, 3, 8)
    assert lv.invariance.accuracy(W, X, labels, rep) == pytest.approx(np.mean(np.argmax(W @ X.T, axis=0) == labels))


@given(strategies.groups(max_dim=5), strategies.seeds)
def test_error_of_any_callable(group, seed):
    rng = np.random.default_rng(seed)
    w, X = rng.standard_normal(group.dim), rng.uniform(0.5, 2, (6, group.dim))

    def single(x):
        return 3.0 + float(np.tanh(w @ x))

    found = lv.invariance.error(lambda rows: 3.0 + np.tanh(rows @ w), X, methods.representation(group))
    expected = [oracles.invariance_error(single, x, group.elements) for x in X]
    close("invariance error", found, expected, norms=1, dims=len(group.elements))


def test_an_invariant_callable_has_no_error(rng):
    X = rng.uniform(1, 2, (5, 6))
    np.testing.assert_allclose(lv.invariance.error(lambda rows: rows.sum(1), X, lv.groups.cyclic(6)), 0, atol=1e-30)
