"""An input moment that is kept as its factors, since they have fewer entries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import norm

from ..arrays import Array, matmul


@dataclass(frozen=True, eq=False)
class Factored:
    """S' = RᵀR + FᵀF (dim, dim), never formed: W @ S' takes O(h·k·dim) for h rows W.

    Attributes:
        R: (k, dim), wide.
        F: (f, dim), sparse: a ridge and a penalty.

    >>> S = Factored(np.array([[1.0, 2.0, 0.0]]), scipy.sparse.csr_array(np.array([[0.0, 0.0, 3.0]])))
    >>> (np.eye(3) @ S).tolist(), S.diagonal().tolist(), S.square
    ([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 9.0]], [1.0, 4.0, 9.0], 106.0)
    """

    R: Array
    F: scipy.sparse.csr_array

    __array_ufunc__ = None  # so that NumPy leaves W @ S' to it

    def __rmatmul__(self, W: Array) -> Array:
        found = W @ self.R.T @ self.R
        return found + matmul(matmul(W, self.F.T), self.F) if self.F.nnz else found

    def diagonal(self) -> Array:
        """(dim,)"""
        dense: Array = np.einsum("ki,ki->i", self.R, self.R)
        return dense + np.asarray(self.F.multiply(self.F).sum(axis=0)).ravel()

    @property
    def square(self) -> float:
        """‖S'‖², the sum of its squared entries: those of R Rᵀ, of F Rᵀ twice and of FᵀF."""
        mixed = sum(float(np.square(self.F @ row).sum()) for row in self.R) if self.F.nnz else 0.0
        return float(np.square(self.R @ self.R.T).sum()) + 2 * mixed + float(np.square((self.F.T @ self.F).data).sum())

    @property
    def size(self) -> float:
        """‖S'‖, or a bound on it: exact if F is 0 or a multiple of 1."""
        rest = float(norm(self.F, 1) * norm(self.F, np.inf)) if self.F.nnz else 0.0
        return (float(np.linalg.norm(self.R @ self.R.T, 2)) if len(self.R) else 0.0) + rest
