"""Theorem 6: the hard-wired optimum, with P = (XXᵀ)^{-1/2} G and Z = Y Xᵀ (XXᵀ)^{-1/2} (I - P P⁺)."""

import numpy as np
import pytest
from hypothesis import assume, given

import linvariance as lv
import methods
import oracles
import strategies
from tolerances import bounded, close

FULL = strategies.cases(spectra=strategies.WELL_CONDITIONED, full_rank=True)


@given(FULL)
def test_weights_and_singular_values(case):
    W, Z = oracles.theorem_6(case.X, case.Y, case.group.defect, case.rank)
    solution = lv.solve(methods.problem(case, "hard_wired"))
    s = np.linalg.svd(Z, compute_uv=False) / np.sqrt(case.n)
    found = np.zeros_like(s)
    found[: len(solution.singular_values)] = solution.singular_values[: len(s)]
    root = np.linalg.svd(case.X, compute_uv=False)
    condition = (root[0] / root[-1]) ** 2
    close("theorem 6: singular values", found, s, norms=np.sqrt(case.c), dims=case.dims, condition=condition)
    gap = methods.gap(s, case.rank)
    assume(gap > 1e-6)
    close(
        "theorem 6: weights",
        solution.weights,
        W,
        norms=np.linalg.norm(case.Y) / root[-1],
        dims=case.dims,
        condition=condition / gap,
    )


@given(FULL)
def test_feasible_and_optimal_by_literal_sums(case):
    solution = lv.solve(methods.problem(case, "hard_wired"))
    W = solution.weights
    bounded("theorem 6: WG = 0", float(np.linalg.norm(W @ case.group.defect)), norms=np.linalg.norm(W), dims=case.dims)
    assert np.linalg.matrix_rank(W) <= case.rank
    verbatim, _ = oracles.theorem_6(case.X, case.Y, case.group.defect, case.rank)
    for weights in (W, verbatim):
        bounded(
            "theorem 6: loss",
            abs(oracles.loss_plain(weights, case.X, case.Y) - solution.loss),
            norms=case.c,
            dims=case.dims,
            condition=100,
        )


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_transitive_group_leaves_one_invariant(rank, rng):
    """S_6 on R^6 leaves the mean of the coordinates: regression on one number."""
    X, Y = rng.standard_normal((9, 6)), rng.standard_normal((9, 3))
    mean = X.mean(1)
    expected = np.outer(Y.T @ mean / (mean @ mean), np.full(6, 1 / 6))
    solution = lv.solve(lv.hard_wired(lv.Moments.from_data(X, Y), lv.groups.symmetric(6), rank=rank))
    assert solution.rank == 1
    close("theorem 6: one invariant", solution.weights, expected, norms=np.linalg.norm(expected), dims=9)
