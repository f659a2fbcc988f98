"""The points of a regularization path, and bidiagonal forms, against plain NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linvariance.objectives.bidiagonal import bidiagonalized, surely_regular
from linvariance.objectives.spectra import path_points
from tolerances import close

EXTREMES = (1.0, 1e-150, 1e150)


def literal(left, targets, d, e, strength):
    """Z Zᵀ and uᵀ K for any u, from a QR of the stacked rows."""
    B = np.diag(d) + np.diag(e, 1)
    Q, R = np.linalg.qr(np.vstack([B, np.sqrt(strength) * np.eye(len(d))]))
    fit = targets @ Q[: len(d)]
    return np.hstack([left, fit]), np.linalg.solve(R, fit.T).T, np.sum(targets**2) - np.sum(fit**2)


@pytest.mark.parametrize("scale", EXTREMES)
@given(st.integers(1, 9), st.integers(0, 12), st.integers(1, 20), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_points_are_those_of_the_stacked_rows(scale, outputs, k, m, count, seed):
    rng = np.random.default_rng(seed)
    left, targets = rng.standard_normal((outputs, k)), rng.standard_normal((outputs, m))
    d, e, strengths = 1 + rng.random(m), rng.standard_normal(m - 1) / 2, np.geomspace(1e-3, 1e3, count)
    q = min(outputs, k + m)
    sigma, U, rows, rest = path_points(scale * left, scale * targets, d, e, strengths, q)
    assert rows.shape == (count, q, m + outputs)
    for i in range(count):
        Z, K, lost = literal(left, targets, d, e, strengths[i])
        unit = {"dims": (outputs, k + m), "norms": np.linalg.norm(Z) ** 2, "condition": 10}
        close("points: U σ² Uᵀ", (U[i] * (sigma[i] / scale) ** 2) @ U[i].T, Z @ Z.T, **unit)
        close("points: UᵀU", U[i].T @ U[i], np.eye(q), **{**unit, "norms": 1})
        size = np.linalg.norm(targets)
        close("points: uᵀK", rows[i, :, :m] / scale, U[i].T @ K, **{**unit, "norms": size})
        close("points: rest", rest[i] / scale / scale, lost, **{**unit, "norms": size**2})
        np.testing.assert_array_equal(rows[i, :, m:], U[i].T)


def test_strengths_zero_and_infinite():
    left, targets, d = np.array([[2.0], [0.0]]), np.array([[0.0], [1.0]]), np.array([1.0])
    sigma = path_points(left, targets, d, np.zeros(0), np.array([0.0, 1.0, np.inf]))[0]
    np.testing.assert_allclose(sigma, [[2, 1], [2, np.sqrt(0.5)], [2, 0]], atol=1e-150)


@pytest.mark.parametrize("scale", EXTREMES)
@given(st.integers(1, 40), st.integers(0, 9), st.integers(0, 2**32 - 1))
def test_bidiagonal_forms(scale, n, more, seed):
    rng = np.random.default_rng(seed)
    M, one = scale * rng.standard_normal((n + more, n)), np.eye(n + more)
    d, e, Qt, Pt = bidiagonalized(M, one, np.eye(n))
    B = np.diag(d / scale) + np.diag(e / scale, 1)
    close("bidiagonal: Q B Pᵀ", Qt[:n].T @ B @ Pt, M / scale, dims=n + more, norms=np.linalg.norm(M / scale))
    close("bidiagonal: QᵀQ", Qt @ Qt.T, one, dims=n + more, norms=1)
    least = np.linalg.svd(B, compute_uv=False)[-1]
    assert not surely_regular(d, e, scale * least * (1 + 1e-9))
    assert surely_regular(d, e, scale * least / (2 * n))
    assert not surely_regular(np.append(d, 0.0), np.append(e, 1.0), 0.0)
