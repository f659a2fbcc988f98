"""The interface every kind of representation fulfils."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse

from ..arrays import Array, dense, frozen


class Representation(ABC):
    """A group acting linearly on R^d0, given by generators ρ(g_1), ..., ρ(g_M), never enumerated unless asked.

    Immutable: copies are the object itself; equal and of equal hash if the generators are the same.
    """

    @property
    @abstractmethod
    def dim(self) -> int:
        """d0, the dimension it acts on."""

    @property
    @abstractmethod
    def generators(self) -> npt.NDArray[Any]:
        """The generators, in the form they were given in."""

    @property
    @abstractmethod
    def is_orthogonal(self) -> bool:
        """Whether every ρ(g) is orthogonal."""

    @property
    @abstractmethod
    def defect(self) -> scipy.sparse.csr_array | Array:
        """G = [I - ρ(g_1), ..., I - ρ(g_M)] (d0, M·d0): W is invariant iff W G = 0   (Duan & Montúfar, Sec. 3)."""

    @abstractmethod
    def invariant_basis(self) -> Array:
        """B (d, d0), orthonormal rows that span the invariant row vectors: W is invariant iff W = V B."""

    @abstractmethod
    def project(self, W: npt.ArrayLike) -> Array:
        """W Π for any (..., d0), Π = mean of ρ(g) over the group (the Reynolds operator)."""

    @abstractmethod
    def average_moment(self, S: npt.ArrayLike) -> Array:
        """S̄ = mean of ρ(g) S ρ(g)ᵀ over the group, for S (d0, d0)."""

    @abstractmethod
    def order(self) -> int | float:
        """Number of distinct ρ(g), exact."""

    @abstractmethod
    def elements(self, limit: int = 10_000) -> npt.NDArray[Any]:
        """All ρ(g), in the form of the generators, the identity first; refused above `limit` elements."""

    def penalty_matrix(self) -> Array:
        """G Gᵀ (d0, d0), so that ‖W G‖² = tr(W G Gᵀ Wᵀ)."""
        return np.ascontiguousarray(dense(self.defect @ self.defect.T))

    @cached_property
    def complement_basis(self) -> Array:
        """B⊥ (d0 - d, d0): orthonormal rows that complete the invariant basis."""
        B = self.invariant_basis()
        Q: Array = scipy.linalg.qr(B.T)[0] if len(B) else np.eye(self.dim)
        return frozen(Q[:, len(B) :].T)

    def __copy__(self) -> Representation:
        return self

    def __deepcopy__(self, memo: object) -> Representation:
        return self

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.generators.shape == other.generators.shape and bool((self.generators == other.generators).all())

    def __hash__(self) -> int:
        return hash((type(self), self.generators.shape, self.generators.tobytes()))


def refuse_enumeration(what: str, limit: int, order: float | None) -> ValueError:
    """The error for a group of more than `limit` elements; `order` where it is known."""
    size = f"{order:,} elements, above" if order is not None and order < math.inf else "more elements than"
    return ValueError(
        f"{what} has {size} the limit of {limit:,}: pass a larger limit, or use what needs no enumeration "
        "(invariant_basis, project, average_moment)."
    )
