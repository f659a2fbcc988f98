"""Singular values, the decision of a rank, and whitening: what turns a square loss into ‖Z - W̃‖² over bounded rank.

Rows here are an equivalent data set: A (k, dim) holds inputs, T (k, dL) targets, and the loss of V (dL, dim) is
‖A Vᵀ - T‖² + floor. So A is a root of the input moment, S' = AᵀA, and nothing ever sees S' itself: at cond(A) = 1e8
that would cost all digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg

from .. import _core
from ..arrays import Array, dense, frozen, matmul
from ..groups.division import triangle
from ..threads import processors
from .bidiagonal import bidiagonalized, surely_regular


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
    def is_wide(self) -> bool:
        """Whether it pays to go through the rows: twice as many would still be fewer than columns."""
        return 2 * len(self.A) < self.A.shape[1]

    @property
    def rounding(self) -> float:
        """What rounding may put into any product of A with an orthogonal matrix: max(shape)·eps·‖A‖."""
        return max(self.noise, tolerance(self.A.shape, float(np.linalg.norm(self.A))))

    def reduced(self) -> Rows:
        """The same losses from at most dim rows: a triangle, by a QR of [A, T], unless they are wide."""
        if self.is_wide:
            return self
        dim = self.A.shape[1]
        both = np.hstack([self.A, self.T])
        return replace(Rows.from_triangle(triangle(both), dim, self.floor), noise=self.noise)

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
        target: Z = C'A⁻¹ (dL, s), without columns that are zero where there are few rows.
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
        return tolerance(self.shape, self._scale)

    @property
    def shape(self) -> tuple[int, int]:
        """Of Z with all its columns, (dL, rank)."""
        return len(self.target), self.rank

    @property
    def resolution(self) -> float:
        """σ(Z) closer than this are tied: 64·noise·condition, at most √eps·‖targets‖.

        Rounded inputs turn the space they span by eps·condition, and Z with it: what is closer is not in the data.
        """
        return min(64 * self.noise * self.condition, float(np.sqrt(np.finfo(np.float64).eps)) * self._scale)

    @property
    def _scale(self) -> float:
        return float(np.hypot(np.linalg.norm(self.target), np.sqrt(self.floor)))

    def lifted(self, B: Any) -> Whitened:
        """The same seen from V B."""
        return Whitened(self.target, matmul(self.back, B), self.floor, self.rank, self.condition)


def whiten(rows: Rows, ridge: float = 0.0) -> Whitened:
    """By the SVD A = U diag(s) Vᵀ on its support: Z = TᵀU, E = diag(1/s) Vᵀ, the pseudo-inverse root.

    With a ridge, of which S' has full rank, √(s² + ridge) takes the place of s, and Z is 0 where A sees nothing.
    """
    U, s, Vt = svd(rows.A)
    k = decide_rank(s, rows.A.shape, rows.noise)
    U, s, Vt = U[:, :k], s[:k], Vt[:k]
    root = math.sqrt(ridge)
    height = np.hypot(s, root)
    fit = rows.T.T @ U
    # Not c - Σσ²: that cancels near interpolation.
    floor = rows.floor + float(np.square(rows.T - U @ fit.T).sum()) + float(np.square(fit * (root / height)).sum())
    with np.errstate(over="ignore"):  # data below 1e-308: solve refuses weights that overflow
        back = np.divide(Vt, height[:, None], out=Vt)
    rank = rows.A.shape[1] if ridge else k
    ends = [*height[:1], *(height[-1:] if rank == k else [root])]
    return Whitened(frozen(fit * (s / height)), back, floor, rank, float(ends[0] / ends[-1]) if k else 1.0)


def penalized_spectrum(rows: Rows, B: Any, E: Array, ridge: float, across: int) -> PenalizedSpectrum:
    """The spectrum of ‖A Vᵀ - T‖² + ridge·‖V‖² + strength·‖V G‖² for every strength; see `PenalizedSpectrum`.

    Invariants that A does not see have V = 0 under a ridge, whatever the strength: they are left out, so that no
    rounding in A is weighed against a small ridge.
    """
    if ridge == 0:
        return PenalizedSpectrum(rows, B, E, across)
    _, s, Vt = svd(matmul(rows.A, B.T))
    k = decide_rank(s, rows.A.shape, rows.rounding)
    return PenalizedSpectrum(rows.ridged(ridge), matmul(Vt[:k], B), E, across)


def penalized_few(rows: Rows, B: Any, E: Array, ridge: float, across: int, strength: float) -> Whitened:
    """The same at one strength and a ridge > 0, from what wide rows see of B and from E that suffices at this strength.

    V = z P in an orthonormal basis P of both, in which it is a problem of few columns.
    """
    _, s, Vt = svd(matmul(rows.A, B.T))
    k = decide_rank(s, rows.A.shape, rows.rounding)
    Q, R = scipy.linalg.qr(E.T, mode="economic", check_finite=False)
    P = np.vstack([matmul(Vt[:k], B), Q.T])
    few, frame = replace(rows, A=rows.A @ P.T, noise=rows.rounding), np.hstack([np.zeros((len(E), k)), R.T])
    return penalized_spectrum(few, np.eye(k, len(P)), frame, ridge, across).at(strength).lifted(P)


@dataclass(frozen=True, eq=False)
class Band:
    """What strengths change, as min_y ‖B y - C‖² + strength·‖y‖² with an upper bidiagonal B of full rank m.

    Attributes:
        diagonal, above: of B (m,), (m - 1,).
        targets: Cᵀ (dL, m).
        back: the rows (m, dim) of V that the y stand for.
        floor: the residual of both fits.
    """

    diagonal: Array
    above: Array
    targets: Array
    back: Array
    floor: float


class PenalizedSpectrum:
    """‖A Vᵀ - T‖² + strength·‖V G‖² for every strength > 0 at once   (Duan & Montúfar, Sec. 4; here by a GSVD).

    In coordinates (B, E) of invariant directions and of the penalty's own frame (`rep.penalty_frame`, of the group
    alone; of wide data what they see of it) the penalty is the sum of squares of the latter. The invariant block A Bᵀ
    is fitted first, once for all strengths, in an orthonormal basis U of its range; what of A Eᵀ is orthogonal to U is
    Tikhonov's standard form: its singular values τ give Z(strength) = [TᵀU, TᵀP diag(τ/h)] with h = √(τ² + strength).
    No rank is decided that depends on the strength. Where Z is wanted for many strengths, a bidiagonal form does as
    well as the singular values, and takes a quarter of their time.

    Args:
        across: codimension of the invariants, the rank of G; that of E unless given.

    Attributes:
        left: TᵀU (dL, k), what no strength changes; left_back: the rows E (k, dim) that belong to it.
    """

    def __init__(self, rows: Rows, B: Any, E: Array, across: int | None = None) -> None:
        dim, inner, other = len(E), matmul(rows.A, B.T), np.hstack([rows.A @ E.T, rows.T])
        k, self.left_back, other = _fitted(inner, other, B, rows.rounding)
        # In coordinates U⊥, not by subtracting U Uᵀ: P is then orthogonal to U however small its τ.
        self.left = other[:k, dim:].T
        self._across = dim if across is None else across
        self._rest, self._targets, self._base = other[k:, :dim], other[k:, dim:], rows.floor
        # A row y of coordinates stands for y (E - shear B): S'-orthogonal to the invariant directions.
        self._back = E - other[:k, :dim].T @ self.left_back
        self._shape, self._noise = rows.A.shape, rows.rounding * float(np.linalg.norm(E))

    @cached_property
    def band(self) -> Band:
        """By a bidiagonal form, or diag(τ) where that might not be of full rank."""
        rows, m = self._rest.shape
        noise = max(tolerance(self._shape, float(np.linalg.norm(self._rest))), self._noise)
        if 0 < m <= rows:
            d, e, fit, back = bidiagonalized(self._rest, self._targets, self._back)
            if surely_regular(d, e, noise):
                return Band(d, e, fit[:m].T, back, self._base + float(np.square(fit[m:]).sum()))
        live = int((self.tau > 0).sum())
        above = np.zeros(max(live - 1, 0))
        return Band(self.tau[:live], above, self.free[:, :live], self.free_back[:live], self.floor)

    @cached_property
    def _diagonal(self) -> tuple[Array, Array, Array, float]:
        P, values, Qt = svd(self._rest, full=True)
        rank, T, dim = decide_rank(values, self._shape, self._noise), self._targets, len(self._back)
        tau, free, P = np.zeros(dim), np.zeros((T.shape[1], dim)), P[:, :rank]
        tau[:rank], free[:, :rank] = values[:rank], T.T @ P
        return tau, free, Qt @ self._back, self._base + float(np.square(T - P @ (P.T @ T)).sum())

    @property
    def tau(self) -> Array:
        """τ (m,), exactly zero beyond the rank: a small strength would divide rounding by it."""
        return self._diagonal[0]

    @property
    def free(self) -> Array:
        """TᵀP (dL, m), zero beyond the rank."""
        return self._diagonal[1]

    @property
    def free_back(self) -> Array:
        """The rows E·h (m, dim)."""
        return self._diagonal[2]

    @property
    def floor(self) -> float:
        """The residual of both fits."""
        return self._diagonal[3]

    def at(self, strength: float) -> Whitened:
        """The whitened problem at one strength > 0."""
        step = np.sqrt(strength)
        height = np.hypot(self.tau, step)
        Z = np.hstack([self.left, self.free * (self.tau / height)])
        floor = self.floor + float(np.square(self.free * (step / height)).sum())
        # ‖E‖·‖E⁺‖ from two largest singular values: the smallest of E itself drowns in rounding at 1e30.
        (triangle, inverse), scale = self._roots, np.append(np.ones(len(self.left_back)), height)
        condition = (
            float(np.linalg.norm(triangle / scale, 2) * np.linalg.norm(inverse * scale, 2)) if triangle.size else 1.0
        )
        back = np.vstack([self.left_back, self.free_back])
        back[len(self.left_back) :] /= height[:, None]
        return Whitened(frozen(Z), back, floor, len(self.left_back) + self._across, condition)

    @cached_property
    def _roots(self) -> tuple[Array, Array]:
        """R and R⁻ᵀ (k + m, k + m) for a QR of the transposed rows that do not depend on the strength, of full rank."""
        rows = np.vstack([self.left_back, self.free_back])
        size = np.maximum(rows.max(axis=1, initial=0.0), -rows.min(axis=1, initial=0.0))
        rows /= size[:, None]  # data of 1e±150 leave rows that differ by as much
        R = triangle(rows.T, overwrite=True)
        return R * size, scipy.linalg.solve_triangular(R, np.eye(len(R)), trans="T") / size


def path_points(
    left: Array, targets: Array, diagonal: Array, above: Array, strengths: Array, rank: int = 0
) -> tuple[Array, Array, Array, Array]:
    """What Z = [left, ...] of a `Band` is at n strengths >= 0: by a QR and Jacobi's rotations each, no squares formed.

    Returns:
        σ (n, q), its left vectors U (n, dL, q), rows (n, min(rank, q), m + dL) of uᵀ K in the coordinates of the band's
        `back` followed by u, and the squares (n,) of the targets that are outside of Z.
    """
    q = min(len(left), left.shape[1] + targets.shape[1])
    triangle = np.zeros((len(left), len(left)))
    triangle[: min(left.shape)] = np.linalg.qr(left.T, mode="r")  # all that matters of what no strength changes
    targets, diagonal, above, strengths = map(np.ascontiguousarray, (targets, diagonal, above, strengths))
    return _core.path_points(triangle, targets, diagonal, above, strengths, q, min(rank, q), processors())


def _fitted(inner: Array, other: Array, B: Any, noise: float) -> tuple[int, Array, Array]:
    """Rank k of `inner`, the rows (k, dim) that its orthonormal basis stands for, and `other` in that basis and beyond.

    By a QR, if its triangle is surely of full rank, else by an SVD.
    """
    rows, d = inner.shape
    if not d:
        return 0, dense(B), other
    if d <= rows:
        reflectors, scale, _, _ = scipy.linalg.lapack.dgeqrf(inner)
        inverse, info = scipy.linalg.lapack.dtrtri(reflectors[:d])
        if not info and 1 / (d * float(np.abs(np.triu(inverse)).max())) > 2 * noise:  # ‖R⁻¹‖ <= d max
            work = 64 * (other.shape[1] + 65)
            turned = scipy.linalg.lapack.dormqr("L", "T", reflectors, scale, other, work)[0]
            return d, scipy.linalg.solve_triangular(reflectors[:d], dense(B), trans="T", check_finite=False), turned
    U, s, Vt = svd(inner, full=d < rows)
    k = decide_rank(s, inner.shape, noise)
    return k, matmul(Vt[:k] / s[:k, None], B), U.T @ other
