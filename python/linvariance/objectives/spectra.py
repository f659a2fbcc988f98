"""Singular values, the decision of a rank, and whitening: what turns a square loss into ‖Z - W̃‖² over bounded rank.

Rows here are an equivalent data set: A (k, dim) holds inputs, T (k, dL) targets, and the loss of V (dL, dim) is
‖A Vᵀ - T‖² + floor. So A is a root of the input moment, S' = AᵀA, and nothing ever sees S' itself: at cond(A) = 1e8
that would cost all digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.linalg

from ..arrays import Array, frozen


def decide_rank(singular_values: Array, shape: tuple[int, ...], noise: float = 0.0) -> int:
    """How many singular values exceed max(shape)·eps·σ_1, and the noise: the rounding in the matrix, if larger.

    >>> decide_rank(np.array([1.0, 1e-3, 1e-17]), (5, 3))
    2
    """
    if not len(singular_values):
        return 0
    return int((singular_values > max(tolerance(shape, singular_values[0]), noise)).sum())


def tolerance(shape: tuple[int, ...], scale: float) -> float:
    """max(shape)·eps·scale: below it a singular value of a matrix of this shape is rounding."""
    return max(shape) * float(np.finfo(np.float64).eps) * float(scale)


def svd(matrix: Array, *, full: bool = False) -> tuple[Array, Array, Array]:
    """Thin or full SVD U, σ, Vᵀ by LAPACK; empty matrices have no singular values."""
    if 0 in matrix.shape:
        m, n = matrix.shape
        return np.eye(m, m if full else 0), np.zeros(0), np.eye(n if full else 0, n)
    U, s, Vt = scipy.linalg.svd(matrix, full_matrices=full, check_finite=False)
    return U, s, Vt


@dataclass(frozen=True, eq=False)
class Rows:
    """An equivalent data set: the loss of V is ‖A Vᵀ - T‖² + floor."""

    A: Array  # (k, dim)
    T: Array  # (k, dL)
    floor: float = 0.0
    noise: float = 0.0  # rounding in A: singular values up to it are zero

    @property
    def rounding(self) -> float:
        """What rounding may put into any product of A with an orthogonal matrix: max(shape)·eps·‖A‖."""
        return max(self.noise, tolerance(self.A.shape, float(np.linalg.norm(self.A))))

    def reduced(self) -> Rows:
        """The same losses from at most dim rows, by a QR of [A, T]."""
        dim = self.A.shape[1]
        both = np.hstack([self.A, self.T])
        R = scipy.linalg.qr(both, mode="r", check_finite=False)[0][: both.shape[1]]
        return replace(Rows.from_triangle(R, dim, self.floor), noise=self.noise)

    def ridged(self, ridge: float) -> Rows:
        """The same losses plus ridge·‖V‖², from exactly dim rows.

        √ridge·I below A, by the SVD of A and its decided rank: what A does not see gets targets of exactly zero. In
        the stacked rows rounding in A, against a small √ridge, would mix residuals into those directions.
        """
        if ridge == 0:
            return self
        U, s, Vt = svd(self.A, full=True)
        k, root = decide_rank(s, self.A.shape, self.noise), math.sqrt(ridge)
        height = np.full(len(Vt), root)
        height[:k] = np.hypot(s[:k], root)
        fit, T = U[:, :k].T @ self.T, np.zeros((len(Vt), self.T.shape[1]))
        T[:k] = (s[:k] / height[:k])[:, None] * fit
        rest = np.square(self.T - U[:, :k] @ fit).sum() + np.square((root / height[:k])[:, None] * fit).sum()
        return Rows(height[:, None] * Vt, T, self.floor + float(rest), self.noise)

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

    @property
    def noise(self) -> float:
        """σ(Z) up to this are zero: max(shape)·eps·‖targets‖, as Z = TᵀU carries rounding of the size of T."""
        return tolerance(self.target.shape, self._scale)

    @property
    def resolution(self) -> float:
        """σ(Z) closer than this are tied: 64·noise·condition, at most √eps·‖targets‖.

        Rounded inputs turn the space they span by eps·condition, and Z with it: what is closer is not in the data.
        """
        return min(64 * self.noise * self.condition, float(np.sqrt(np.finfo(np.float64).eps)) * self._scale)

    @property
    def _scale(self) -> float:
        return float(np.hypot(np.linalg.norm(self.target), np.sqrt(self.floor)))

    def lifted(self, B: Array) -> Whitened:
        """The same seen from V B."""
        return Whitened(self.target, self.back @ B, self.floor, self.rank, self.condition)


def whiten(rows: Rows) -> Whitened:
    """By the SVD A = U diag(s) Vᵀ on its support: Z = TᵀU, E = diag(1/s) Vᵀ, the pseudo-inverse root."""
    U, s, Vt = svd(rows.A)
    k = decide_rank(s, rows.A.shape, rows.noise)
    U, s, Vt = U[:, :k], s[:k], Vt[:k]
    Z = rows.T.T @ U
    # Not c - Σσ²: that cancels near interpolation.
    floor = rows.floor + float(np.square(rows.T - U @ Z.T).sum())
    with np.errstate(over="ignore"):  # data below 1e-308: solve refuses weights that overflow
        back = Vt / s[:, None]
    return Whitened(frozen(Z), back, floor, k, float(s[0] / s[-1]) if k else 1.0)


def penalized_spectrum(rows: Rows, B: Array, E: Array, ridge: float = 0.0) -> PenalizedSpectrum:
    """The spectrum of ‖A Vᵀ - T‖² + ridge·‖V‖² + strength·‖V G‖² for every strength; see `PenalizedSpectrum`.

    Invariants that A does not see have V = 0 under a ridge, whatever the strength: they are left out, so that no
    rounding in A is weighed against a small ridge.
    """
    if ridge == 0:
        return PenalizedSpectrum(rows, B, E)
    _, s, Vt = svd(rows.A @ B.T)
    k = decide_rank(s, rows.A.shape, rows.rounding)
    return PenalizedSpectrum(rows.ridged(ridge), Vt[:k] @ B, E)


class PenalizedSpectrum:
    """‖A Vᵀ - T‖² + strength·‖V G‖² for every strength > 0 at once   (Duan & Montúfar, Sec. 4; here by a GSVD).

    In coordinates (B, E) of invariant directions and of the penalty's own frame (`rep.penalty_frame`, of the group
    alone) the penalty is the sum of squares of the latter. The invariant block A Bᵀ = U s Vᵀ is whitened first, once
    for all strengths; what of A Eᵀ is orthogonal to U is Tikhonov's standard form: its singular values τ give
    Z(strength) = [TᵀU, TᵀP diag(τ/h)] with h = √(τ² + strength). No rank is decided that depends on the strength.

    Attributes:
        left: TᵀU (dL, k), what no strength changes; left_back: the rows E (k, dim) that belong to it.
        free: TᵀP (dL, m), zero beyond the rank; free_back: the rows E·h (m, dim).
        tau: τ (m,), exactly zero beyond the rank.
        floor: the residual of both fits.
    """

    def __init__(self, rows: Rows, B: Array, E: Array) -> None:
        other = rows.A @ E.T
        U, s, Vt = svd(rows.A @ B.T, full=True)
        k = decide_rank(s, rows.A.shape, rows.rounding)
        # In coordinates U⊥, not by subtracting U Uᵀ: P is then orthogonal to U however small its τ.
        P, tau, Qt = svd(U[:, k:].T @ other, full=True)
        rank = decide_rank(tau, rows.A.shape, rows.rounding * float(np.linalg.norm(E)))
        P = U[:, k:] @ P[:, :rank]
        T = rows.T
        self.left, self.free = T.T @ U[:, :k], np.zeros((T.shape[1], len(E)))
        self.free[:, :rank] = T.T @ P
        self.tau = np.zeros(len(E))  # exactly 0 beyond the rank: a small strength would divide rounding by it
        self.tau[:rank] = tau[:rank]
        self.floor = rows.floor + float(np.square(T - U[:, :k] @ self.left.T - P @ (P.T @ T)).sum())
        # A row y of coordinates stands for y Qᵀ (E - shear B): S'-orthogonal to the invariant directions.
        self.left_back = (Vt[:k] / s[:k, None]) @ B
        self.free_back = Qt @ (E - (other.T @ U[:, :k]) @ self.left_back)

    def at(self, strength: float) -> Whitened:
        """The whitened problem at one strength > 0."""
        step = np.sqrt(strength)
        height = np.hypot(self.tau, step)
        Z = np.hstack([self.left, self.free * (self.tau / height)])
        back = np.vstack([self.left_back, self.free_back / height[:, None]])
        floor = self.floor + float(np.square(self.free * (step / height)).sum())
        # ‖E‖·‖E⁺‖ from two largest singular values: the smallest of E itself drowns in rounding at 1e30.
        root = self._root.copy()
        root[:, len(self.left_back) :] *= height
        condition = float(np.linalg.norm(back, 2) * np.linalg.norm(root, 2)) if back.size else 1.0
        return Whitened(frozen(Z), back, floor, len(back), condition)

    @cached_property
    def _root(self) -> Array:
        """The pseudo-inverse (dim, k + m) of the rows that do not depend on the strength: of full rank, by SVD."""
        rows = np.vstack([self.left_back, self.free_back])
        size = np.abs(rows).max(axis=1, initial=0.0)  # data of 1e±150 leave rows that differ by as much
        U, s, Vt = svd(rows / size[:, None])
        return (Vt.T / s) @ U.T / size
