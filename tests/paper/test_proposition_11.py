"""Proposition 11: the augmented optimum, with Q = sum_g rho(g) XXᵀ rho(g)ᵀ and Z = (sum_g Y Xᵀ rho(g)ᵀ) Q^{-1/2}."""

import numpy as np
from hypothesis import assume, given

import linvariance as lv
import methods
import oracles
import strategies
from tolerances import bounded, close

FULL = strategies.cases(spectra=strategies.WELL_CONDITIONED, full_rank=True)


@given(FULL)
def test_weights_and_singular_values(case):
    W, Z = oracles.proposition_11(case.X, case.Y, case.group.elements, case.rank)
    solution = lv.solve(methods.problem(case, "augmented"))
    s = np.linalg.svd(Z, compute_uv=False) / np.sqrt(case.n * len(case.group.elements))
    twin = methods.equivalent(case, "augmented")
    condition = twin.condition**2
    found = np.zeros_like(s)
    found[: len(solution.singular_values)] = solution.singular_values[: len(s)]
    close("proposition 11: singular values", found, s, norms=np.sqrt(case.c), dims=case.dims, condition=condition)
    gap = methods.gap(s, case.rank)
    assume(gap > 1e-6)
    close(
        "proposition 11: weights",
        solution.weights,
        W,
        norms=np.sqrt(case.c) / twin.spectrum[-1],
        dims=case.dims,
        condition=condition / gap,
    )


@given(FULL)
def test_loss_by_literal_sums(case):
    solution = lv.solve(methods.problem(case, "augmented"))
    verbatim, _ = oracles.proposition_11(case.X, case.Y, case.group.elements, case.rank)
    for weights in (solution.weights, verbatim):
        literal = oracles.loss_augmented(weights, case.X, case.Y, case.group.elements)
        bounded("proposition 11: loss", abs(literal - solution.loss), norms=case.c, dims=case.dims, condition=100)


@given(FULL)
def test_in_the_papers_scaling_the_singular_values_differ_by_the_root_of_the_order(case):
    """Figure 5: Z^da and Z^inv as printed have singular values in the ratio √|G| : 1; divided by √(n|G|) and √n
    they agree."""
    _, hard = oracles.theorem_6(case.X, case.Y, case.group.defect, 1)
    _, augmented = oracles.proposition_11(case.X, case.Y, case.group.elements, 1)
    s, t = (np.linalg.svd(Z, compute_uv=False) for Z in (hard, augmented))
    root = np.sqrt(len(case.group.elements))
    condition = methods.equivalent(case, "unconstrained").condition ** 2
    close(
        "figure 5: Z^da = √|G| Z^inv",
        t,
        root * s,
        norms=root * np.linalg.norm(case.Y),
        dims=case.dims,
        condition=condition,
    )
    for method, expected in (("hard_wired", s), ("augmented", t / root)):
        found = lv.solve(methods.problem(case, method)).singular_values
        k = min(len(found), len(expected))
        close(
            f"figure 5: {method}",
            found[:k],
            expected[:k] / np.sqrt(case.n),
            norms=np.sqrt(case.c),
            dims=case.dims,
            condition=condition,
        )
