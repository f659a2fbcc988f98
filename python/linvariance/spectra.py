"""Singular values, the decision of a rank, and whitening: what turns a square loss into ‖Z - W̃‖² over bounded rank.

Rows here are an equivalent data set: A (k, dim) holds inputs, T (k, dL) targets, and the loss of V (dL, dim) is
‖A Vᵀ - T‖² + floor. So A is a root of the input moment, S' = AᵀA, and nothing ever sees S' itself: at cond(A) = 1e8
that would cost all digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from .arrays import Array


def decide_rank(singular_values: Array, shape: tuple[int, ...], scale: float | None = None) -> int:
    """How many singular values exceed max(shape)·eps·scale; the scale is σ_1 unless given.

    >>> decide_rank(np.array([1.0, 1e-3, 1e-17]), (5, 3))
    2
    """
    if not len(singular_values):
        return 0
    return int((singular_values > tolerance(shape, singular_values[0] if scale is None else scale)).sum())


def tolerance(shape: tuple[int, ...], scale: float) -> float:
    """max(shape)·eps·scale: below it a singular value of a matrix of this shape is rounding."""
    return max(shape) * float(np.finfo(np.float64).eps) * float(scale)


def svd(matrix: Array) -> tuple[Array, Array, Array]:
    """Thin SVD U, σ, Vᵀ by LAPACK; empty matrices have none."""
    if 0 in matrix.shape:
        m, n = matrix.shape
        return np.zeros((m, 0)), np.zeros(0), np.zeros((0, n))
    U, s, Vt = scipy.linalg.svd(matrix, full_matrices=False, check_finite=False)
    return U, s, Vt


@dataclass(frozen=True, eq=False)
class Rows:
    """An equivalent data set: the loss of V is ‖A Vᵀ - T‖² + floor."""

    A: Array  # (k, dim)
    T: Array  # (k, dL)
    floor: float = 0.0

    def reduced(self) -> Rows:
        """The same losses from at most dim rows, by a QR of [A, T]."""
        dim = self.A.shape[1]
        both = np.hstack([self.A, self.T])
        R = scipy.linalg.qr(both, mode="r", check_finite=False)[0][: both.shape[1]]
        return Rows.from_triangle(R, dim, self.floor)

    @staticmethod
    def from_triangle(R: Array, dim: int, floor: float = 0.0) -> Rows:
        """From the triangular (or trapezoidal) factor R of [A, T]; rows below the first `dim` hold only residual."""
        rest = float(np.square(R[dim:, dim:]).sum())
        return Rows(np.ascontiguousarray(R[:dim, :dim]), np.ascontiguousarray(R[:dim, dim:]), floor + rest)


@dataclass(frozen=True, eq=False)
class Whitened:
    """The loss as ‖Z - W̃‖² + floor in whitened coordinates, V = W̃ E.

    Attributes:
        target: Z = C'A⁻¹ (dL, s).
        back: E (s, dim).
        floor: the least loss without a rank bound.
        rank: of the input moment S'.
        condition: of its root A on its support.
    """

    target: Array
    back: Array
    floor: float
    rank: int
    condition: float

    def lifted(self, B: Array) -> Whitened:
        """The same seen from V B."""
        return Whitened(self.target, self.back @ B, self.floor, self.rank, self.condition)


def whiten(rows: Rows) -> Whitened:
    """By the SVD A = U diag(s) Vᵀ on its support: Z = TᵀU, E = diag(1/s) Vᵀ, the pseudo-inverse root."""
    U, s, Vt = svd(rows.A)
    k = decide_rank(s, rows.A.shape)
    U, s, Vt = U[:, :k], s[:k], Vt[:k]
    Z = rows.T.T @ U
    # Not c - Σσ²: that cancels near interpolation.
    floor = rows.floor + float(np.square(rows.T - U @ Z.T).sum())
    return Whitened(Z, Vt / s[:, None], floor, k, float(s[0] / s[-1]) if k else 1.0)


class PenalizedSpectrum:
    """‖A Vᵀ - T‖² + strength·‖V G‖² for every strength > 0 at once   (Duan & Montúfar, Sec. 4; here by a GSVD).

    In coordinates (B, B⊥) of invariant and other directions the penalty sees B⊥ only. The invariant block is
    whitened first, once for all strengths; what it leaves of A B⊥ᵀ is brought to Tikhonov's standard form with the
    triangular factor of GᵀB⊥ᵀ (a property of the group alone), whose singular values τ then give
    Z(strength) = [TᵀU, TᵀP diag(τ/h)] with h = √(τ² + strength). No rank is decided that depends on the strength.
    """

    def __init__(self, rows: Rows, B: Array, complement: Array, defect: Array) -> None:
        self._rows = rows
        self._invariant = invariant = whiten(Rows(rows.A @ B.T, rows.T))
        U = svd(rows.A @ B.T)[0][:, : invariant.rank]
        other = rows.A @ complement.T
        rest = other - U @ (U.T @ other)
        rest -= U @ (U.T @ rest)  # once more: the first projection leaves eps‖other‖, too much for a small rest
        R = _triangle(defect.T @ complement.T)
        P, tau, Qt = _full_right_svd(_solve_transposed(R, rest.T).T)
        scale = float(np.linalg.norm(other) * np.linalg.norm(_solve_transposed(R, np.eye(len(R)))))
        rank = decide_rank(tau, (*rows.A.shape, *rows.T.shape), scale)
        tau[rank:] = 0.0  # exactly: at a small strength rounding would be divided by it
        self._tau, self._Z = tau, rows.T.T @ P
        self._fit = rows.T - U @ (U.T @ rows.T) - P[:, :rank] @ self._Z[:, :rank].T
        self._Z[:, rank:] = 0.0
        # A row y of coordinates stands for y Qᵀ R⁻ᵀ (B⊥ - shear B): S'-orthogonal to the invariant directions.
        shear = other.T @ U @ invariant.back
        self._invariant_back = invariant.back @ B
        self._back = Qt @ _solve_transposed(R, complement - shear @ B)

    def at(self, strength: float) -> Whitened:
        """The whitened problem at one strength > 0."""
        root = np.sqrt(strength)
        height = np.hypot(self._tau, root)
        Z = np.hstack([self._invariant.target, self._Z * (self._tau / height)])
        back = np.vstack([self._invariant_back, self._back / height[:, None]])
        left = float(np.square(self._fit).sum() + np.square(self._Z * (root / height)).sum())
        # S' = AᵀA has the pseudo-inverse EᵀE, so both ends of its spectrum are those of E.
        ends = svd(back)[1]
        condition = float(ends[0] / ends[-1]) if len(ends) else 1.0
        return Whitened(Z, back, self._rows.floor + left, len(back), condition)


def _triangle(matrix: Array) -> Array:
    """R (n, n) of a QR factorization of an (m, n) matrix, m >= n."""
    n = matrix.shape[1]
    R: Array = scipy.linalg.qr(matrix, mode="r", check_finite=False)[0][:n] if n else np.zeros((0, 0))
    return R


def _solve_transposed(R: Array, right: Array) -> Array:
    """R⁻ᵀ right for a triangular R."""
    if not len(R):
        return right
    solution: Array = scipy.linalg.solve_triangular(R, right, trans="T", check_finite=False)
    return solution


def _full_right_svd(matrix: Array) -> tuple[Array, Array, Array]:
    """P (m, n), τ (n), Qᵀ (n, n) of an (m, n) matrix; P and τ are zero beyond the first m."""
    m, n = matrix.shape
    if 0 in matrix.shape:
        return np.zeros((m, n)), np.zeros(n), np.eye(n)
    P, tau, Qt = scipy.linalg.svd(matrix, full_matrices=True, check_finite=False)
    k = min(m, n)
    return np.hstack([P[:, :k], np.zeros((m, n - k))]), np.concatenate([tau, np.zeros(n - k)]), Qt
