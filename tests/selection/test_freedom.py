"""Degrees of freedom as divergences of the fitted values; leave-one-out by literal refits."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import linvariance as lv
from linvariance.selection import degrees_of_freedom
from linvariance.selection.freedom import leave_one_out
from strategies import FULL_RANK, WELL_CONDITIONED, cases
from tolerances import close

METHODS = ("unconstrained", "hard_wired", "augmented", "regularized")


def posed(method, data, rep, rank, ridge=0.0):
    if method == "unconstrained":
        return lv.unconstrained(data, rank=rank, ridge=ridge)
    more = {"strength": 0.3} if method == "regularized" else {}
    return getattr(lv, method)(data, rep, rank=rank, ridge=ridge, **more)


def divergence(fit, Y, step):
    """Σ ∂(fitted)_ij/∂Y_ij by central differences of fourth order."""
    total = 0.0
    for at in np.ndindex(Y.shape):
        moved = np.zeros_like(Y)
        moved[at] = step
        near, far = (fit(Y + k * moved)[at] - fit(Y - k * moved)[at] for k in (1, 2))
        total += (8 * near - far) / (12 * step)
    return total


@settings(max_examples=25)
@given(
    cases(spectra=WELL_CONDITIONED, targets=("noise", "linear"), max_dim=4),
    st.sampled_from(METHODS),
    st.sampled_from((0.0, 0.2)),
)
def test_the_trace_of_the_derivative(case, method, ridge):
    X, Y = case.rows
    rep = lv.groups.permutations(case.group.generators)

    def problem(Y):
        return posed(method, lv.Moments.from_data(X, Y), rep, case.rank, ridge)

    there = problem(Y)
    sigma = np.append(lv.solve(replace(there, rank=1)).singular_values, 0.0)
    r = min(case.rank, len(sigma) - 1)
    bound = r < len(sigma) - 1  # else W is linear in Y, and any step is as good
    assume(not bound or sigma[r - 1] - sigma[r] > 0.05 * sigma[0] > 0)
    step = 1e-3 * (sigma[r - 1] - sigma[r] if bound else 1.0)
    found = degrees_of_freedom(there)
    literal = divergence(lambda Y: X @ lv.solve(problem(Y)).weights.T, Y, step)
    assert found == pytest.approx(literal, rel=1e-6, abs=1e-6)


@given(cases(spectra=WELL_CONDITIONED, targets=("noise",)))
def test_augmented_is_hard_wired(case):
    data, rep = lv.Moments.from_data(*case.rows), lv.groups.permutations(case.group.generators)
    one, other = (degrees_of_freedom(posed(m, data, rep, case.rank)) for m in ("augmented", "hard_wired"))
    assert one == other or math.isclose(one, other, rel_tol=1e-9)


@given(cases(spectra=FULL_RANK, targets=("noise",), full_rank=True))
def test_without_a_bound_all_parameters_count(case):
    """dL·d, whatever the data."""
    data, rep = lv.Moments.from_data(*case.rows), lv.groups.permutations(case.group.generators)
    found = degrees_of_freedom(lv.hard_wired(data, rep, rank=case.group.dim + case.outputs))
    d = len(rep.invariant_basis())
    close("df = dL·d", found, float(case.outputs * d), norms=case.outputs * d, dims=case.dims)


def test_in_a_metric():
    """Linear coordinates of the targets change no divergence."""
    rng = np.random.default_rng(0)
    X, Y, M = rng.standard_normal((20, 4)), rng.standard_normal((20, 3)), np.diag([1.0, 4.0, 9.0]) + 0.5

    def problem(Y):
        return lv.unconstrained(lv.Moments.from_data(X, Y), rank=1, metric=M)

    literal = divergence(lambda Y: X @ lv.solve(problem(Y)).weights.T, Y, 1e-3)
    assert degrees_of_freedom(problem(Y)) == pytest.approx(literal, rel=1e-8)


def test_infinite_at_ties():
    m = lv.Moments.from_data(np.eye(3), np.diag([2.0, 2.0, 1.0]))
    found = [degrees_of_freedom(lv.unconstrained(m, rank=r)) for r in (1, 2, 3)]
    assert found[0] == math.inf
    assert found[1:] == pytest.approx([2 + 2 + 4 * 4 / 3, 9])  # T = 1: r² + Σ over pairs, from both sides


@settings(max_examples=30)
@given(cases(spectra=FULL_RANK, targets=("noise", "linear")), st.sampled_from(("unconstrained", "hard_wired")))
def test_leave_one_out_is_leaving_one_out(case, method):
    assume(case.n > 1)
    X, Y = case.rows
    Y = Y.reshape(len(X), -1)
    rep, rank, total = lv.groups.permutations(case.group.generators), min(X.shape[1], Y.shape[1]), 0.5

    def weights(rows):
        return lv.solve(posed(method, lv.Moments.from_data(X[rows], Y[rows]), rep, rank, total / rows.sum())).weights

    every = np.arange(len(X))
    errors = [np.square(weights(every != i) @ X[i] - Y[i]).mean() for i in every]
    problem = posed(method, lv.Moments.from_data(X, Y), rep, rank, total / len(X))
    found = leave_one_out(problem, weights(every >= 0), X, Y)
    close("leave-one-out", found, np.mean(errors), norms=np.mean(Y**2), dims=case.dims, condition=1e3)


def test_leave_one_out_where_one_sample_is_alone():
    X, Y = np.eye(3)[:, :2], np.ones((3, 1))
    problem = lv.unconstrained(lv.Moments.from_data(X, Y), rank=1)
    assert leave_one_out(problem, lv.solve(problem).weights, X, Y) == math.inf
