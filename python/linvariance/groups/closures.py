"""The closure of one generator: the powers of a matrix, or the one-parameter group of a Lie algebra element.

Its average needs no enumeration: in an orthonormal eigenbasis it keeps the entries between equal eigenvalues. For
several generators the average over the group they generate is the orthogonal projection on the intersection of
these ranges, found by conjugate gradients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.linalg

from ..arrays import Array

EPS = float(np.finfo(np.float64).eps)
Complex = npt.NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Closure:
    """Eigenvalues (d,) and orthonormal eigenvectors (d, d) of an orthogonal or a skew-symmetric generator.

    `scale` is what values of unit size mean, 1 for a matrix; `rounding` how far the generator may be off, relatively.
    """

    values: Complex
    vectors: Complex
    is_algebra: bool = False
    scale: float = 1.0
    rounding: float = EPS

    @staticmethod
    def of_matrix(rho: Array, rounding: float = EPS) -> Closure:
        """Of the powers of an orthogonal matrix."""
        T, U = scipy.linalg.schur(rho, output="complex")  # rho is normal, so T is diagonal
        values = np.diag(T)
        return Closure(np.exp(1j * np.angle(values)), U, rounding=rounding)

    @staticmethod
    def of_algebra(A: Array, rounding: float = EPS) -> Closure:
        """Of exp(tA), t real, for a skew-symmetric A."""
        values, vectors = scipy.linalg.eigh(1j * A)
        scale = max(float(np.abs(values).max(initial=0.0)), np.finfo(np.float64).tiny)
        return Closure(values / scale + 0j, vectors, True, scale, rounding)

    def power(self, exponent: float) -> Array:
        """The element with this exponent: ρ^exponent, or exp(exponent·A/‖A‖)."""
        angles = -self.values.real if self.is_algebra else np.angle(self.values)
        phases = np.exp(1j * exponent * angles)
        element: Array = ((self.vectors * phases) @ self.vectors.conj().T).real
        return element


def same(left: Closure, right: Closure) -> npt.NDArray[np.bool_]:
    """Which eigenvalues of the two are the same, up to rounding (dim_left, dim_right)."""
    unit = max(left.scale, right.scale)  # of a Lie algebra two representations may turn at different rates
    gap = np.abs(left.values[:, None] * (left.scale / unit) - right.values[None, :] * (right.scale / unit))
    equal: npt.NDArray[np.bool_] = gap <= 64 * max(gap.shape) * max(left.rounding, right.rounding)
    return equal


def average(left: list[Closure], right: list[Closure], W: Array, what: str) -> Array:
    """Mean ρ_left(g) W ρ_right(g)ᵀ over the group, W (d_left, d_right): the projection on what commutes.

    With E_m the projection for one generator, the range of all is the null space of I - mean E_m, which is symmetric
    and positive semidefinite: conjugate gradients solve (I - E) X = (I - E) W for the part X that is averaged away.
    """
    scale = float(np.abs(W).max(initial=0.0))
    if scale == 0.0:
        return np.zeros_like(W)
    # In a unit of their own, by a power of two: the squares below leave the range of a double at 1e±150.
    exponent = -math.frexp(scale)[1]
    return np.ldexp(_average(left, right, np.ldexp(W, exponent), what), -exponent)


def _average(left: list[Closure], right: list[Closure], W: Array, what: str) -> Array:
    masks = [same(a, b) for a, b in zip(left, right, strict=True)]

    def rest(V: Array) -> Array:
        total = np.zeros_like(V)
        for a, b, mask in zip(left, right, masks, strict=True):
            inner = a.vectors.conj().T @ V @ b.vectors
            total += (a.vectors @ np.where(mask, 0.0, inner) @ b.vectors.conj().T).real
        return total / len(masks)

    residual = rest(W)
    gone, direction = np.zeros_like(W), residual
    square, size = float(np.vdot(residual, residual)), float(np.linalg.norm(W))
    for _ in range(20 * max(W.shape)):
        if np.sqrt(square) <= 2 * EPS * size:
            break
        image = rest(direction)
        step = square / float(np.vdot(direction, image))
        gone = gone + step * direction
        residual = residual - step * image
        square, before = float(np.vdot(residual, residual)), square
        direction = residual + (square / before) * direction
    else:
        raise ValueError(
            f"The average over {what} did not converge: its generators nearly commute with much more than the group "
            f"does (residual {np.sqrt(square) / size:.1e}). Pass a generating set with larger angles."
        )
    return W - gone
