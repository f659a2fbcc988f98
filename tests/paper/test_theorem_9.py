"""Theorem 9: the path in λ runs from the unconstrained to the hard-wired optimum; continuous where σ_r > σ_{r+1}."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import linvariance as lv
import methods
import strategies
from tolerances import EPS, bounded, close

HUNDREDS = settings(max_examples=250)
strengths = st.sampled_from((1e-30, 1e-20, 1e-12, 1e-6, 1e-2, 1.0, 1e3, 1e6, 1e10, 1e13, 1e16, 1e20, 1e30))


def least_penalty(case):
    """(‖S + GGᵀ‖, smallest nonzero eigenvalue of GGᵀ); None when G = 0."""
    G = case.group.defect
    eigenvalues = np.linalg.eigvalsh(G @ G.T)
    nonzero = eigenvalues[eigenvalues > 1e-9]  # the defect's entries are 0 and ±1
    return (np.linalg.norm(case.moment + G @ G.T, 2), nonzero[0]) if nonzero.size else None


def slack(case):
    """By how much rounding may move an optimal value: the hard-wired and the unconstrained scale."""
    twins = (methods.equivalent(case, name) for name in ("hard_wired", "unconstrained"))
    return max(twin.objective_scale(twin.optimum(case.rank)[0]) for twin in twins)


@HUNDREDS
@given(strategies.cases(), strengths)
def test_loss_lies_between_its_limits_at_the_proved_rates(case, strength):
    """loss(0) <= loss(λ) <= min(loss(0) + λ‖W(0)G‖², loss(∞)) and loss(∞) - loss(λ) <= c ‖S + GGᵀ‖/(γλ).

    γ is the smallest nonzero eigenvalue of GGᵀ. Z(λ)Z(λ)ᵀ = sum_j f_j f_jᵀ/(s_j + λ(1 - s_j)) with 1 - s_j at least
    γ/‖S + GGᵀ‖ off the invariants and sum_j ‖f_j‖² <= c, so the top r eigenvalues exceed their limit by no more.
    """
    free, hard = (lv.solve(methods.problem(case, name)) for name in ("unconstrained", "hard_wired"))
    loss = lv.solve(methods.problem(case, "regularized", strength)).loss
    unit = slack(case)
    W = free.weights
    above = loss - free.loss - strength * float(np.sum((W @ case.group.defect) ** 2))
    # The penalty of rounded weights: (eps ‖W‖‖G‖)² λ.
    rounding = strength * (case.dims * EPS * np.linalg.norm(W)) ** 2
    bounded("theorem 9: loss(0) <= loss(λ)", max(0.0, free.loss - loss), norms=unit, dims=case.dims)
    bounded("theorem 9: loss(λ) <= loss(0) + λ‖W(0)G‖²", max(0.0, above), norms=unit + rounding / EPS, dims=case.dims)
    bounded("theorem 9: loss(λ) <= loss(∞)", max(0.0, loss - hard.loss), norms=unit, dims=case.dims)
    bound = least_penalty(case)
    rate = case.c * bound[0] / (bound[1] * strength) if bound else 0.0
    bounded("theorem 9: loss(∞) - loss(λ) = O(1/λ)", max(0.0, hard.loss - loss - rate), norms=unit, dims=case.dims)


@HUNDREDS
@given(strategies.cases())
def test_strength_zero_is_unconstrained(case):
    zero, free = lv.solve(methods.problem(case, "regularized", 0.0)), lv.solve(methods.problem(case, "unconstrained"))
    twin = methods.equivalent(case, "unconstrained")
    W, _, singular_values = twin.optimum(case.rank)
    bounded(
        "theorem 9: loss(0) = unconstrained", abs(zero.loss - free.loss), norms=twin.objective_scale(W), dims=case.dims
    )
    gap = methods.gap(singular_values, case.rank)
    assume(gap > 1e-6)
    close(
        "theorem 9: W(0) = unconstrained",
        zero.weights,
        free.weights,
        dims=case.dims,
        norms=np.sqrt(case.c) * twin.condition / (twin.spectrum[0] if twin.spectrum.size else 1.0),
        condition=twin.condition / gap,
    )


GENERIC = strategies.cases(spectra=("mild", "arithmetic", "low rank"), targets=("noise", "linear"))


@HUNDREDS
@given(GENERIC)
def test_weights_converge_to_the_hard_wired_optimum_at_rate_one_over_strength(case):
    """λ‖W(λ) - W(∞)‖ settles to a constant, down to rounding at λ = 1e30; also for data without full rank."""
    hard = lv.solve(methods.problem(case, "hard_wired"))
    twin = methods.equivalent(case, "hard_wired")
    gap = methods.gap(twin.optimum(case.rank)[2], case.rank)
    assume(gap > 0.02)
    distance = {
        x: np.linalg.norm(lv.solve(methods.problem(case, "regularized", x)).weights - hard.weights)
        for x in (1e6, 1e7, 1e12, 1e16, 1e20, 1e30)
    }
    norms = np.sqrt(case.c) / (twin.spectrum[-1] if twin.spectrum.size else 1.0)
    condition = twin.condition / gap
    floor = 30 * norms * case.dims * EPS * condition
    if distance[1e7] > 100 * floor:
        assert distance[1e6] / distance[1e7] == pytest.approx(10, rel=0.05)  # the next order is 1/λ² = 1e-6 of it
    for strength in (1e12, 1e16, 1e20, 1e30):
        remaining = max(0.0, distance[strength] - 2 * distance[1e6] * 1e6 / strength)
        bounded("theorem 9: W(λ) -> hard-wired", remaining, norms=norms, dims=case.dims, condition=condition)


@HUNDREDS
@given(strategies.cases(spectra=("mild", "arithmetic", "one small"), full_rank=True, targets=("noise", "linear")))
def test_tiny_strengths_give_the_unconstrained_weights(case):
    """Nonsingular XXᵀ: W(0+) = W(0), at rate λ."""
    free, twin = lv.solve(methods.problem(case, "unconstrained")), methods.equivalent(case, "unconstrained")
    gap = methods.gap(twin.optimum(case.rank)[2], case.rank)
    assume(gap > 0.02)
    for strength in (1e-30, 1e-20):
        near = lv.solve(methods.problem(case, "regularized", strength))
        close(
            "theorem 9: W(0+) = unconstrained",
            near.weights,
            free.weights,
            dims=case.dims,
            norms=np.sqrt(case.c) / twin.spectrum[-1],
            condition=twin.condition / gap,
        )


@given(strategies.cases(), st.floats(-6, 6), st.floats(0.01, 3))
def test_loss_grows_with_the_strength_and_is_concave(case, log_strength, step):
    """A minimum of functions that are affine and increasing in λ."""
    a, c = 10.0**log_strength, 10.0 ** (log_strength + step)
    b = 0.5 * (a + c)
    losses = [lv.solve(methods.problem(case, "regularized", x)).loss for x in (a, b, c)]
    unit = slack(case)
    bounded(
        "theorem 9: loss(λ) grows", max(0.0, losses[0] - losses[1], losses[1] - losses[2]), norms=unit, dims=case.dims
    )
    bounded(
        "theorem 9: loss(λ) is concave", max(0.0, 0.5 * (losses[0] + losses[2]) - losses[1]), norms=unit, dims=case.dims
    )


@given(GENERIC, st.floats(-3, 3))
def test_continuous_where_there_is_a_gap(case, log_strength):
    """Differentiable even: a ten times smaller step moves the weights ten times less."""
    base = lv.solve(methods.problem(case, "regularized", 10.0**log_strength))
    assume(base.gap > 0.05)
    moved = [
        np.linalg.norm(
            lv.solve(methods.problem(case, "regularized", 10.0**log_strength * (1 + step))).weights - base.weights
        )
        for step in (1e-4, 1e-5)
    ]
    if moved[1] > 1e-9 * np.linalg.norm(base.weights):  # eps over the step, times the condition of these cases
        assert moved[0] / moved[1] == pytest.approx(10, rel=0.2)


def jump(strength, a=1.0, b=2.0):
    """S = I, the group swaps two coordinates, C = a u₁eᵀ + b u₂fᵀ with e = (1,1)/√2, f = (1,-1)/√2, rank 1."""
    e, f = np.array([1, 1]) / np.sqrt(2), np.array([1, -1]) / np.sqrt(2)
    C = np.outer([a, 0], e) + np.outer([0, b], f)
    X = np.sqrt(2) * np.eye(2)
    m = lv.Moments.from_data(X, (C @ X).T)
    return lv.solve(lv.regularized(m, lv.groups.permutations([[1, 0]]), rank=1, strength=strength))


def test_full_rank_of_z_does_not_suffice():
    """The counterexample: Z(λ) has full rank for every λ, yet W jumps at λ* = ((b/a)² - 1)/4 = 3/4."""
    before, after = jump(0.75 - 1e-6), jump(0.75 + 1e-6)
    assert before.unique
    assert after.unique
    assert min(before.singular_values) > 0.9
    np.testing.assert_allclose(before.weights, [[0, 0], np.array([1, -1]) / np.sqrt(2) / 2], atol=1e-6)
    np.testing.assert_allclose(after.weights, [np.array([1, 1]) / np.sqrt(2), [0, 0]], atol=1e-6)
    assert after.loss == pytest.approx(before.loss, abs=1e-5)  # the optimal value has no jump
    assert np.linalg.norm(after.weights - before.weights) > 1


def test_at_the_tie_the_optimum_is_not_unique():
    tie = jump(0.75)
    assert not tie.unique
    assert tie.gap == pytest.approx(0, abs=10 * EPS)
