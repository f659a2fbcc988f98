"""Proposition 8: the regularized optimum, with B(λ) = XXᵀ + nλ GGᵀ and Z = Y Xᵀ B^{-1/2}."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import linvariance as lv
import methods
import oracles
import strategies
from tolerances import bounded, close

FULL = strategies.cases(spectra=strategies.WELL_CONDITIONED, full_rank=True)
strengths = st.sampled_from((0.0, 1e-3, 0.1, 1.0, 10.0))


@given(FULL, strengths)
def test_weights_and_singular_values(case, strength):
    W, Z = oracles.proposition_8(case.X, case.Y, case.group.defect, case.rank, strength)
    solution = lv.solve(methods.problem(case, "regularized", strength))
    s = np.linalg.svd(Z, compute_uv=False) / np.sqrt(case.n)
    twin = methods.equivalent(case, "regularized", strength)
    condition = twin.condition**2
    found = np.zeros_like(s)
    found[: len(solution.singular_values)] = solution.singular_values[: len(s)]
    close("proposition 8: singular values", found, s, norms=np.sqrt(case.c), dims=case.dims, condition=condition)
    gap = methods.gap(s, case.rank)
    assume(gap > 1e-6)
    close(
        "proposition 8: weights",
        solution.weights,
        W,
        norms=np.sqrt(case.c) / twin.spectrum[-1],
        dims=case.dims,
        condition=condition / gap,
    )


@given(FULL, strengths)
def test_loss_by_literal_sums(case, strength):
    G = case.group.defect
    solution = lv.solve(methods.problem(case, "regularized", strength))
    verbatim, _ = oracles.proposition_8(case.X, case.Y, G, case.rank, strength)
    for weights in (solution.weights, verbatim):
        literal = oracles.loss_regularized(weights, case.X, case.Y, G, strength)
        bounded("proposition 8: loss", abs(literal - solution.loss), norms=case.c, dims=case.dims, condition=100)


@given(strategies.cases(), strengths)
def test_the_penalty_only_shifts_the_input_moment(case, strength):
    """The regularized problem is the unconstrained one on data with the rows √(nλ) Gᵀ and targets 0 appended."""
    A, T = oracles.penalized_set(case.X, case.Y, case.group.defect, strength)
    m = lv.Moments.from_data(A.T, T.T)
    appended = lv.solve(lv.unconstrained(m, rank=case.rank))
    solution = lv.solve(methods.problem(case, "regularized", strength))
    twin = methods.equivalent(case, "regularized", strength)
    bounded(
        "proposition 8: = unconstrained on appended rows",
        abs(appended.loss * m.n / case.n - solution.loss),
        norms=twin.objective_scale(twin.optimum(case.rank)[0]),
        dims=(*A.shape, case.dims),
    )
