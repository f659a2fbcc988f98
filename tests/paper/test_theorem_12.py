"""Theorem 12: the augmented optimum is the hard-wired one, rank-deficient data included."""

import numpy as np
from hypothesis import assume, given, settings

import linvariance as lv
import methods
import oracles
import strategies
from tolerances import bounded, close

HUNDREDS = settings(max_examples=250)


@HUNDREDS
@given(strategies.cases())
def test_optimal_losses_agree(case):
    """Both against projections of literal data sets: B X, and the augmented set built element by element."""
    hard, augmented = (lv.solve(methods.problem(case, name)) for name in ("hard_wired", "augmented"))
    twins = {name: methods.equivalent(case, name) for name in ("hard_wired", "augmented")}
    W, loss, _ = twins["hard_wired"].optimum(case.rank)
    scale = twins["hard_wired"].objective_scale(W)
    bounded("theorem 12: hard-wired loss = oracle", abs(hard.loss - loss), norms=scale, dims=case.dims)
    # On average over the group a fit of the invariant part leaves what a fit of the whole leaves, plus tr(W⊥ S̄ W⊥ᵀ).
    bounded(
        "theorem 12: augmented loss = hard-wired loss", abs(hard.loss - augmented.loss), norms=scale, dims=case.dims
    )
    if case.spectrum in strategies.WELL_CONDITIONED:
        literal = twins["augmented"].optimum(case.rank)[1]
        bounded(
            "theorem 12: augmented loss = oracle",
            abs(augmented.loss - literal),
            norms=twins["augmented"].objective_scale(W),
            dims=(case.dims, twins["augmented"].A.shape[1]),
        )


@HUNDREDS
@given(strategies.cases())
def test_minimum_norm_weights_agree_and_are_invariant(case):
    hard, augmented = (lv.solve(methods.problem(case, name)) for name in ("hard_wired", "augmented"))
    W = augmented.weights
    bounded(
        "theorem 12: the augmented optimum is invariant",
        float(np.linalg.norm(W @ case.group.defect)),
        norms=np.linalg.norm(W),
        dims=case.dims,
    )
    twin = methods.equivalent(case, "hard_wired")
    gap = methods.gap(twin.optimum(case.rank)[2], case.rank)
    assume(gap > 1e-6)
    close(
        "theorem 12: weights agree",
        W,
        hard.weights,
        norms=np.sqrt(case.c) * twin.condition / (twin.spectrum[0] if twin.spectrum.size else 1.0),
        dims=case.dims,
        condition=twin.condition / gap,
    )


@HUNDREDS
@given(strategies.cases(spectra=("flat", "mild", "arithmetic", "one small", "low rank", "rank one")))
def test_singular_values_against_the_root_of_the_enumerated_moment(case):
    """σ(C̄ S̄^{-1/2}) from enumeration, since the closed form of the augmented problem shares code with the other."""
    elements = case.group.elements
    S = oracles.averaged_moment(case.moment, elements)
    C = case.Y @ case.X.T / case.n @ oracles.reynolds(elements).T
    eigenvalues, vectors = np.linalg.eigh(S)
    keep = eigenvalues > case.dims * 100 * oracles.EPS * max(eigenvalues[-1], 1e-300)
    Z = (C @ vectors[:, keep]) / np.sqrt(eigenvalues[keep])
    expected = np.linalg.svd(Z, compute_uv=False)
    condition = eigenvalues[-1] / eigenvalues[keep].min() if keep.any() else 1.0
    for method in ("augmented", "hard_wired"):
        found = lv.solve(methods.problem(case, method)).singular_values
        k = min(len(found), len(expected))
        close(
            f"theorem 12: singular values, {method}",
            found[:k],
            expected[:k],
            norms=np.sqrt(case.c),
            dims=case.dims,
            condition=condition,
        )
        rest = np.r_[found[k:], expected[k:]]
        bounded(
            f"theorem 12: the others vanish, {method}",
            float(np.linalg.norm(rest)),
            norms=np.sqrt(case.c),
            dims=case.dims,
            condition=condition,
        )


@given(strategies.cases(spectra=("flat", "mild", "low rank", "zero")))
def test_no_weights_of_the_rank_do_better_on_the_augmented_set(case):
    """Random competitors, and the unconstrained optimum of the same rank, by literal sums."""
    augmented = lv.solve(methods.problem(case, "augmented"))
    rng = np.random.default_rng(case.seed)
    rivals = [lv.solve(methods.problem(case, "unconstrained")).weights, np.zeros_like(augmented.weights)]
    rivals += [
        augmented.weights + scale * rng.standard_normal((case.outputs, 1)) @ rng.standard_normal((1, case.group.dim))
        for scale in (1e-3, 1.0)
        if augmented.rank < case.rank
    ]
    for W in rivals:
        excess = augmented.loss - oracles.loss_augmented(W, case.X, case.Y, case.group.elements)
        bounded(
            "theorem 12: rivals lose",
            max(0.0, excess),
            norms=case.c,
            dims=case.dims,
            condition=methods.equivalent(case, "hard_wired").condition,
        )
