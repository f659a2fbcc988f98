"""The interface every kind of representation fulfils."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse

from ..arrays import MEMORY_LIMIT, Array, dense, frozen, instance, integer, last_axis, matrix, refuse_large
from ..progress import Progress, meter
from .inspection import Check, Summary, check, readable, summary

Elements = npt.NDArray[Any]


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
    def generators(self) -> Elements:
        """The generators, in the form they were given in, one along the first axis."""

    @property
    @abstractmethod
    def is_orthogonal(self) -> bool:
        """Whether every ρ(g) is orthogonal."""

    @property
    def algebra(self) -> Array:
        """Generators (K, d0, d0) of the Lie algebra, for the connected part of the group; K = 0 for most."""
        return np.zeros((0, self.dim, self.dim))

    @abstractmethod
    def matrices(self) -> Array:
        """ρ(g_1), ..., ρ(g_M) as dense matrices (M, d0, d0)."""

    @property
    @abstractmethod
    def defect(self) -> scipy.sparse.csr_array | Array:
        """G = [I - ρ(g_1), ..., I - ρ(g_M)] (d0, M·d0): W is invariant iff W G = 0   (Duan & Montúfar, Sec. 3).

        For a Lie group G holds the generators A of its algebra too, W A = 0   (Remark 5).
        """

    @abstractmethod
    def invariant_basis(self) -> Array:
        """B (d, d0), orthonormal rows that span the invariant row vectors: W is invariant iff W = V B."""

    @property
    def invariants(self) -> scipy.sparse.csr_array | Array:
        """The same B, sparse for groups that permute coordinates."""
        return self.invariant_basis()

    @abstractmethod
    def project(self, W: npt.ArrayLike) -> Array:
        """W Π for any (..., d0), Π = mean of ρ(g) over the group (the Reynolds operator)."""

    @abstractmethod
    def average_moment(self, S: npt.ArrayLike) -> Array:
        """S̄ = mean of ρ(g) S ρ(g)ᵀ over the group, for S (d0, d0)."""

    @abstractmethod
    def order(self) -> int | float:
        """Number of distinct ρ(g), exact; math.inf for a Lie group. ValueError where counting ends unfinished."""

    @property
    def order_is_known(self) -> bool:
        """Whether `order` need not count, which takes long for many coordinates."""
        return False

    @abstractmethod
    def elements(self, limit: int = 10_000, *, progress: Progress = False) -> Elements:
        """All ρ(g), the identity first, stacked; refused above `limit` elements.

        Permutations are index arrays (|G|, d0), Wρ(g) = W[..., element]; signed ones indices and signs (|G|, 2, d0),
        W[..., element[0]] * element[1]; so are groups made of such matrices. Others are matrices (|G|, d0, d0).
        `multiply` and `transform` take all of them.

        progress: True for a bar on stderr, or a callback (found, order) after each thousand; order None if not known.
        """

    @abstractmethod
    def multiply(self, W: npt.ArrayLike, element: Elements) -> Array:
        """W ρ(g) for W (..., d0) and an element as `elements` and `draw` give them."""

    @abstractmethod
    def transform(self, X: npt.ArrayLike, element: Elements) -> Array:
        """ρ(g)x for each row x of X (..., d0): X ρ(g)ᵀ, and an element as `elements` and `draw` give them.

        >>> from linvariance.groups import cyclic
        >>> rep = cyclic(3)
        >>> rep.transform([1.0, 2.0, 3.0], rep.elements()[1])
        array([3., 1., 2.])
        """

    def draw(self, count: int, rng: np.random.Generator) -> Elements:
        """`count` elements drawn independently from the group's Haar measure, by a numpy Generator.

        Exact for finite groups that are listed, named or known to sympy; else long random products.
        """
        instance(rng, np.random.Generator, "rng", "numpy.random.default_rng(seed)")
        count = integer(count, "count")
        refuse_elements(repr(self), count, max(1, self.generators[:1].nbytes, self.algebra[:1].nbytes))
        return self._draw(count, rng)

    @abstractmethod
    def _draw(self, count: int, rng: np.random.Generator) -> Elements: ...

    def check(self, relations: Sequence[Sequence[int]] = ()) -> Check:
        """Verifies that it is what it should be; residuals in units of dim·eps.

        Args:
            relations: words in the generators that must be the identity, 1 for g_1, -1 for its inverse.

        Raises:
            ValueError: with the residual, if a relation does not hold.

        >>> from linvariance.groups import dihedral
        >>> dihedral(5).check(relations=[(1,) * 5, (2, 2), (1, 2, 1, 2)]).orders
        (5, 2)
        """
        return check(self, relations)

    def number_of_orbits(self) -> int | None:
        """Number of orbits of coordinates; None unless it permutes them."""
        return None

    def commutant_dimension(self) -> int | None:
        """Dimension of the matrices that commute with the group; None where that would take long."""
        return None

    def rounding_growth(self) -> float:
        """By how much rounding grows in products: the squared condition of the basis that makes it orthogonal."""
        return 1.0

    def summary(self) -> Summary:
        """Its sizes: order, orbits, invariants, commutant, parameters saved.

        >>> from linvariance.groups import image_rotations
        >>> print(image_rotations(14).summary())
        image_rotations(14)
          dimension  196
          order      4
          orbits     49
          invariants 49 (75.0% of the parameters saved)
          commutant  9604
        """
        return summary(self)

    def penalty_matrix(self) -> Array:
        """G Gᵀ (d0, d0), so that ‖W G‖² = tr(W G Gᵀ Wᵀ)."""
        self.refuse_dense("the penalty matrix")
        return np.ascontiguousarray(dense(self.defect @ self.defect.T))

    @cached_property
    def complement_basis(self) -> Array:
        """B⊥ (d0 - d, d0): orthonormal rows that complete the invariant basis."""
        if self.invariants.shape[0] == self.dim:
            return frozen(np.zeros((0, self.dim)))
        self.refuse_dense("a basis of the complement of the invariants")
        B = self.invariant_basis()
        Q: Array = scipy.linalg.qr(B.T)[0] if len(B) else np.eye(self.dim)
        return frozen(Q[:, len(B) :].T)

    @cached_property
    def penalty_frame(self) -> Array:
        """E = R⁻ᵀB⊥ (d0 - d, d0) with RᵀR = B⊥ G Gᵀ B⊥ᵀ: off the invariants a frame in which ‖y E G‖ = ‖y‖."""
        across = self.defect.T @ self.complement_basis.T
        if not across.shape[1]:
            return frozen(np.zeros((0, self.dim)))
        R = scipy.linalg.qr(across, mode="r")[0][: across.shape[1]]
        return frozen(scipy.linalg.solve_triangular(R, self.complement_basis, trans="T"))

    def penalty_frame_of(self, A: Array, shift: float = 0.0) -> Array | None:
        """Rows in the span of that frame, of its property, through which A (k, d0) sees all of it: at most k.

        Off their span and that of the invariants A xᵀ = 0 for every x that is orthogonal to them in the norm of
        ‖x G‖² + shift·‖x‖². None where the whole frame is no larger, as G is not sparse.
        """
        return None

    def refuse_dense(self, what: str) -> None:
        """ValueError if a (d0, d0) matrix would take more than 1 GiB."""
        of = f"{what[0].upper()}{what[1:]} for {self!r} is a matrix {self.dim} x {self.dim} and"
        refuse_large(8 * self.dim**2, of, "use hard_wired, which needs the invariants only")

    def __copy__(self) -> Representation:
        return self

    def __deepcopy__(self, memo: object) -> Representation:
        return self

    def _identity(self) -> tuple[Any, ...]:
        return type(self), self.generators.shape, self.generators.tobytes(), self.algebra.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Representation) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())


def enumerate_group(
    identity: Elements,
    generators: Sequence[Elements],
    compose: Callable[[Elements, Elements], Elements],
    key: Callable[[Elements], bytes],
    limit: int,
    what: str,
    progress: Progress,
    order: float | None,
) -> Elements:
    """All products of the generators, breadth first over the Cayley graph; refused above `limit` elements."""
    found, seen, room = [identity], {_digest(key(identity))}, MEMORY_LIMIT // max(1, identity.nbytes)
    with meter(progress, "Elements", None if order is None else int(order)) as report:
        for element in found:  # grows while it is walked
            for generator in generators:
                product = compose(generator, element)
                mark = _digest(key(product))
                if mark in seen:
                    continue
                if len(found) == limit:
                    raise refuse_enumeration(what, limit, None)
                if len(found) == room:
                    refuse_elements(what, room + 1, identity.nbytes)
                seen.add(mark)
                found.append(product)
                if not len(found) % 1000:
                    report(len(found))
        report(len(found))
    return np.stack(found)


def _digest(key: bytes) -> bytes:
    """A long key made short, so that not everything is kept twice."""
    return key if len(key) <= 64 else hashlib.blake2b(key).digest()


def refuse_elements(what: str, count: int, size: int) -> None:
    """ValueError if so many elements of so many bytes would take more than 1 GiB."""
    advice = "use what needs no enumeration (invariant_basis, project, average_moment), or draw some"
    refuse_large(count * size, f"{count:,} elements of {what}", advice)


def refuse_enumeration(what: str, limit: int, order: float | None) -> ValueError:
    """The error for a group of more than `limit` elements; `order` where it is known."""
    size = f"{readable(order)} elements, above" if order is not None and order < math.inf else "more elements than"
    return ValueError(
        f"{what} has {size} the limit of {limit:,}: pass a larger limit, or use what needs no enumeration "
        "(invariant_basis, project, average_moment)."
    )


def check_representation(rep: object, name: str = "rep") -> None:
    """TypeError unless `rep` is a Representation."""
    if not isinstance(rep, Representation):
        raise TypeError(f"{name} must be a Representation, but is {type(rep).__name__}: see linvariance.groups.")


def rows_of(W: npt.ArrayLike, dim: int, name: str = "W") -> Array:
    """The gate for W (..., d0)."""
    return last_axis(W, name, dim)


def moment_of(S: npt.ArrayLike, dim: int) -> Array:
    """The gate for S (d0, d0)."""
    return matrix(S, "S", (dim, dim))
