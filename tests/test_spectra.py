"""Singular values, the decision of a rank, and whitening."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from linvariance.objectives import spectra
from tolerances import EPS, bounded, close


@st.composite
def matrices(draw):
    rows, columns, spectrum = (
        draw(s) for s in (st.integers(1, 12), st.integers(1, 12), st.sampled_from(tuple(strategies.SPECTRA)))
    )
    rng = np.random.default_rng(draw(strategies.seeds))
    return strategies.matrix(rng, rows, columns, spectrum), spectrum, rng


def true_rank(shape, spectrum):
    return int(np.count_nonzero(strategies.SPECTRA[spectrum](min(shape))))


@given(matrices())
def test_the_decided_rank_is_the_true_one(drawn):
    A, spectrum, _ = drawn
    _, s, _ = spectra.svd(A)
    assert spectra.decide_rank(s, (12, 12)) == true_rank(A.shape, spectrum)


@given(matrices())
def test_svd(drawn):
    A, _, _ = drawn
    U, s, Vt = spectra.svd(A)
    close("svd: U diag(σ) Vᵀ = A", (U * s) @ Vt, A, norms=np.linalg.norm(A), dims=A.shape)
    for Q in (U.T, Vt):
        close("svd: orthonormal", Q @ Q.T, np.eye(len(s)), norms=1, dims=A.shape)
    assert np.all(np.diff(s) <= 0)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_empty_matrices_have_no_singular_values(shape):
    U, s, Vt = spectra.svd(np.zeros(shape))
    assert (U.shape, s.shape, Vt.shape) == ((shape[0], 0), (0,), (0, shape[1]))
    assert spectra.decide_rank(s, shape) == 0


@given(matrices(), st.integers(1, 4))
def test_whitening_keeps_every_loss(drawn, outputs):
    """‖A Vᵀ - T‖² = ‖Z - W̃‖² + floor at V = W̃ E, and E inverts A on its support: A Eᵀ has orthonormal columns."""
    A, _, rng = drawn
    T = rng.standard_normal((len(A), outputs))
    white = spectra.whiten(spectra.Rows(A, T, floor=0.25))
    assert white.target.shape == (outputs, white.rank)
    E = white.back
    condition = white.condition
    close(
        "whiten: (A Eᵀ)ᵀ(A Eᵀ) = I",
        E @ A.T @ A @ E.T,
        np.eye(white.rank),
        norms=1,
        dims=A.shape,
        condition=condition**2,
    )
    tilde = rng.standard_normal((outputs, white.rank))
    literal = np.sum((A @ (tilde @ E).T - T) ** 2) + 0.25
    seen = np.sum((white.target - tilde) ** 2) + white.floor
    bounded(
        "whiten: the same loss",
        abs(literal - seen),
        norms=np.sum(tilde**2) + np.sum(T**2),
        dims=A.shape,
        condition=condition,
    )


@given(matrices(), st.integers(1, 4))
def test_reduced_rows_have_the_same_losses(drawn, outputs):
    A, _, rng = drawn
    T = rng.standard_normal((len(A), outputs))
    rows = spectra.Rows(A, T, floor=0.5).reduced()
    assert len(rows.A) <= A.shape[1]
    for _ in range(3):
        V = rng.standard_normal((outputs, A.shape[1]))
        literal, seen = (np.sum((r.A @ V.T - r.T) ** 2) + r.floor for r in (spectra.Rows(A, T, 0.5), rows))
        bounded(
            "reduced rows: the same loss",
            abs(literal - seen),
            norms=(np.linalg.norm(A) * np.linalg.norm(V) + np.linalg.norm(T)) ** 2 + 0.5,
            dims=A.shape,
        )


def test_the_floor_of_an_exact_fit_is_rounding_squared():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((9, 4))
    white = spectra.whiten(spectra.Rows(A, A @ rng.standard_normal((4, 2))))
    assert white.floor < (100 * EPS) ** 2


@pytest.mark.parametrize("n", [3, 10])  # fewer and more samples than inputs
def test_the_condition_under_a_penalty_is_that_of_the_stacked_rows_at_any_strength(n):
    """At 1e30 the smallest singular value of E is below the rounding of its largest rows, and once came out as 0."""
    rng, swap = np.random.default_rng(0), np.array([1, 0, 2, 3])
    A, B = (
        rng.standard_normal((n, 4)),
        np.array([[1, 1, 0, 0], [0, 0, np.sqrt(2), 0], [0, 0, 0, np.sqrt(2)]]) / np.sqrt(2),
    )
    G = np.eye(4) - np.eye(4)[swap]
    E = np.array([[1, -1, 0, 0]]) / 2 / np.sqrt(2)  # ‖y E G‖ = ‖y‖
    np.testing.assert_allclose(np.linalg.norm(E @ G), 1)
    family = spectra.PenalizedSpectrum(spectra.Rows(A, np.ones((n, 1))), B, E)
    for strength in (1e-3, 1.0, 1e3):
        literal = np.linalg.cond(np.vstack([A, np.sqrt(strength) * G.T]))
        assert family.at(strength).condition == pytest.approx(literal, rel=1e-9)
    assert family.at(1e30).condition == pytest.approx(1e5 * family.at(1e20).condition, rel=1e-9)
