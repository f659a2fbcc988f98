"""A group's Fourier transform for first layers: w·ρ(g)x for all elements g from far fewer products than one for each.

In an isotypic basis Q, in which all copies c of an irreducible representation act by the same matrices r(g),
w·ρ(g)x = Σ r(g)_ij Σ_c (Q w)_ci (Q x)_cj over the irreducible representations and their coordinates i, j.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse

from ..arrays import Array
from .isotypic import DIVISION_ALGEBRAS, Component, isotypic
from .representation import Representation

LARGEST = 2048  # columns: the isotypic basis is found by dense matrices
SLOWER = 1.5  # what a product costs in small pieces, beside one of the plain pass


@dataclass(frozen=True, eq=False)
class Fourier:
    """w·ρ(g)x = Σ_k F[g, k] (N_k w)·x̂_k, where x̂_k is a range of x̂ = Q x that several k, neighbours, may share.

    Attributes:
        basis: Q (d0, d0), orthogonal.
        ranges: (start, length, looks): a range of x̂, and how many k look at it.
        spread: the N_k, (length, d0) each, below each other.
        F: (|G|, K).
    """

    basis: scipy.sparse.csr_array = field(repr=False)
    ranges: tuple[tuple[int, int, int], ...]
    spread: scipy.sparse.csr_array = field(repr=False)
    F: Array = field(repr=False)

    def transform(self, X: npt.NDArray[np.generic], dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
        """x̂ for the rows of X (n, d0), computed in double."""
        out = np.empty(X.shape, dtype)
        # Sparse where there are orbits; a dense basis is multiplied as one.
        across = self.basis.T if self.basis.nnz < 0.1 * self.basis.shape[0] ** 2 else self.basis.toarray().T
        for start in range(0, len(X), 4096):
            out[start : start + 4096] = np.asarray(X[start : start + 4096], dtype=np.float64) @ across
        return out

    def pays(self, n: int) -> bool:
        """Whether a pass over n samples takes fewer operations than a first layer of its own for each element."""
        elements, looks = self.F.shape
        a_sample = sum(length * looks for _, length, looks in self.ranges) + elements * looks
        return SLOWER * (n * a_sample + self.spread.nnz) < n * elements * self.basis.shape[0]


@lru_cache(maxsize=32)
def fourier(rep: Representation) -> Fourier | None:
    """The transform of a finite orthogonal group, None for others.

    >>> from linvariance.groups import image_rotations
    >>> fourier(image_rotations(14)).ranges  # 294 products instead of 784
    ((0, 49, 1), (49, 49, 1), (98, 98, 2))
    """
    if not rep.is_orthogonal or rep.dim > LARGEST:
        return None
    found = isotypic(rep)
    if not found.residual < 100:
        return None
    elements = rep.elements()
    firsts = np.vstack([c.basis[: c.dimension] for c in found.components])  # a copy of each
    acted = np.stack([rep.multiply(firsts, g) @ firsts.T for g in elements])
    basis, ranges, spread, F = [], [], [], []
    at = place = 0
    for c in found.components:
        own = slice(at, at + c.dimension)
        at += c.dimension
        for coordinates, N, values in _looks(c, acted[:, own, own]):
            ranges.append((place, len(coordinates), values.shape[1]))
            place += len(coordinates)
            basis.append(coordinates)
            spread.append(_sparse(N.reshape(-1, rep.dim)))
            F.append(values)
    return Fourier(_sparse(np.vstack(basis)), tuple(ranges), scipy.sparse.vstack(spread, "csr"), np.hstack(F))


def _looks(component: Component, r: Array) -> list[tuple[Array, Array, Array]]:
    """For r(g) (|G|, d, d), range by range: its rows of Q (length, d0), the N_k (looks, length, d0), F (|G|, looks).

    Either each of the d coordinates is a range, or all are one: then only a basis of the span of r(g) has to be known.
    """
    d, copies = component.dimension, component.multiplicity
    Q = component.basis.reshape(copies, d, -1)
    span = d * d // DIVISION_ALGEBRAS[component.type]
    apart = copies * d * d + len(r) * d * d <= copies * d * span + len(r) * span
    found = []
    for part in [[j] for j in range(d)] if apart else [list(range(d))]:
        seen = r[:, :, part].reshape(len(r), -1)
        E = np.eye(d) if apart else scipy.linalg.qr(seen.T, mode="economic", pivoting=True)[0][:, :span].T
        N = np.einsum("kij,ciz->kcjz", E.reshape(len(E), d, len(part)), Q).reshape(len(E), -1, Q.shape[2])
        found.append((Q[:, part].reshape(-1, Q.shape[2]), N, seen @ E.T))
    return found


def _sparse(matrix: Array) -> scipy.sparse.csr_array:
    return scipy.sparse.csr_array(np.where(np.abs(matrix) > 1e-15, matrix, 0.0))
