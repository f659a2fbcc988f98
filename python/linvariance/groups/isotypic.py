"""Isotypic decomposition: the symmetry-adapted basis in which every average over the group is block-diagonal."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from ..arrays import Array, frozen, instance, last_axis
from .representation import Representation

EPS = float(np.finfo(np.float64).eps)
TIE = 1e-10  # relative: eigenvalues of a random element of the commutant closer than this count as one
ATTEMPTS = 10
DIVISION_ALGEBRAS = {"real": 1, "complex": 2, "quaternionic": 4}


@dataclass(frozen=True, eq=False)
class Component:
    """All copies of one real irreducible representation.

    Attributes:
        basis: (multiplicity·dimension, d0), orthonormal rows, copy after copy, in which all copies act alike.
        multiplicity: number of copies.
        dimension: of one copy, over the reals.
        type: "real", "complex" or "quaternionic", the division algebra of its endomorphisms.
    """

    basis: Array = field(repr=False)
    multiplicity: int
    dimension: int
    type: str


@dataclass(frozen=True, eq=False)
class IsotypicDecomposition:
    """R^d0 as the orthogonal sum of isotypic components: the invariants first, then by falling multiplicity.

    Attributes:
        components: see `Component`.
        residual: largest part of a group average outside the blocks, in units of d0·eps times its norm; verified on a
            matrix that the decomposition was not made from.
    """

    components: tuple[Component, ...]
    residual: float

    @property
    def basis(self) -> Array:
        """Q (d0, d0), orthogonal: rows of all components in order. Q S̄ Qᵀ is block-diagonal."""
        return np.vstack([component.basis for component in self.components])

    @property
    def commutant_dimension(self) -> int:
        """Dimension of the matrices that commute with the group: Σ multiplicity² times 1, 2 or 4."""
        return sum(c.multiplicity**2 * DIVISION_ALGEBRAS[c.type] for c in self.components)

    def energies(self, W: npt.ArrayLike) -> Array:
        """‖W Q_kᵀ‖² for each component k: (..., K) for W (..., rows, d0).

        How much of a matrix, of a gradient (`problem.gradient`) or of data (`moments.factor[:, :d0]`) lives in each
        irreducible type; of a training run with `trace.weights`.
        """
        rows = last_axis(W, "W", self.components[0].basis.shape[1])
        return np.stack([np.square(rows @ c.basis.T).sum(axis=(-2, -1)) for c in self.components], axis=-1)


def isotypic(rep: Representation, seed: int = 0) -> IsotypicDecomposition:
    """The isotypic decomposition of an orthogonal representation.

    Eigenspaces of one random symmetric matrix averaged over the group are irreducible; two belong to one component if
    the block of a second, independent average between them is not zero. The result is verified, and the same for
    the same seed.

    >>> from linvariance.groups import cyclic
    >>> [(c.multiplicity, c.dimension, c.type) for c in isotypic(cyclic(4)).components]
    [(1, 1, 'real'), (1, 1, 'real'), (1, 2, 'complex')]
    """
    instance(rep, Representation, "rep", "see linvariance.groups")
    if not rep.is_orthogonal:
        raise ValueError(f"{rep!r} is not orthogonal: decompose its orthogonal form, `rep.orthogonal_form[0]`.")
    rep.refuse_dense("the isotypic basis")
    rng = np.random.default_rng(seed)
    best = None
    for _ in range(ATTEMPTS):
        found = _decompose(rep, rng)
        if best is None or found.residual < best.residual:
            best = found
        if best.residual < 10:
            break
    assert best is not None
    return best


def _decompose(rep: Representation, rng: np.random.Generator) -> IsotypicDecomposition:
    one, two, three, proof = (_random_average(rep, rng) for _ in range(4))
    values, V = scipy.linalg.eigh((one + one.T) / 2)
    spaces = [V[:, part] for part in clusters(values, TIE * float(np.abs(values).max()))]
    sizes = [space.shape[1] for space in spaces]
    blocks = np.abs(V.T @ two @ V)
    starts = np.cumsum([0, *sizes[:-1]])
    strength = np.maximum.reduceat(np.maximum.reduceat(blocks, starts, axis=0), starts, axis=1)
    linked = scipy.sparse.csr_array(np.maximum(strength, strength.T) > 1e-9 * blocks.max())
    _, label = connected_components(linked, directed=False)
    rough = [np.hstack([spaces[i] for i in np.flatnonzero(label == k)]) for k in range(label.max() + 1)]
    components = [_component(_copies(Q, one), two, three) for Q in _sharpened(rough, rep)]
    trivial = [float(np.linalg.norm(rep.project(c.basis))) > 0.5 for c in components]
    order = sorted(
        range(len(components)), key=lambda k: (not trivial[k], -components[k].multiplicity, components[k].dimension)
    )
    components = [components[k] for k in order]
    return IsotypicDecomposition(tuple(components), _residual(components, proof, rep.dim))


def _sharpened(rough: list[Array], rep: Representation) -> list[Array]:
    """The same subspaces to rounding. Eigenvalues that nearly tie mix spaces of different components a little; the
    average of Σ_k k Q_k Q_kᵀ has them a unit apart, and an invariant subspace that near to a component is it.
    """
    average = rep.average_moment(sum(k * Q @ Q.T for k, Q in enumerate(rough)) + np.zeros((rep.dim, rep.dim)))
    _, V = scipy.linalg.eigh((average + average.T) / 2, driver="evd")
    ends = np.cumsum([Q.shape[1] for Q in rough])
    return np.split(V, ends[:-1], axis=1)


def _copies(Q: Array, one: Array) -> list[Array]:
    """The irreducible subspaces of a component, by the first random average on it."""
    inner = Q.T @ one @ Q
    values, V = scipy.linalg.eigh((inner + inner.T) / 2, driver="evd")
    return [Q @ V[:, part] for part in clusters(values, TIE * float(np.abs(values).max()))]


def _component(copies: list[Array], two: Array, three: Array) -> Component:
    first = copies[0]
    # The block between two copies is an intertwiner; its polar factor turns the one into the other.
    aligned = [first] + [U @ scipy.linalg.polar(first.T @ two @ U)[0].T for U in copies[1:]]
    basis: Array = frozen(np.hstack(aligned).T)
    return Component(basis, len(copies), first.shape[1], _type(first.T @ two @ first, first.T @ three @ first))


def _type(M: Array, N: Array) -> str:
    """From two random endomorphisms of an irreducible space: symmetric parts are multiples of 1."""
    K, L = (M - M.T) / 2, (N - N.T) / 2
    small = 1e-9 * max(float(np.linalg.norm(M)), float(np.linalg.norm(N)), np.finfo(np.float64).tiny)
    if np.linalg.norm(K) <= small:
        return "real"
    commute = np.linalg.norm(K @ L - L @ K) <= 1e-9 * np.linalg.norm(K) * np.linalg.norm(L)
    return "complex" if commute else "quaternionic"


def _residual(components: list[Component], proof: Array, dim: int) -> float:
    Q = np.vstack([c.basis for c in components])
    inside = scipy.linalg.block_diag(*(np.ones((len(c.basis),) * 2) for c in components))
    outside = np.where(inside, 0.0, Q @ proof @ Q.T)
    worst = max(float(np.linalg.norm(outside)), float(np.linalg.norm(Q @ Q.T - np.eye(dim)) * np.linalg.norm(proof)))
    return worst / (dim * EPS * float(np.linalg.norm(proof)))


def clusters(values: Array, tie: float) -> list[slice]:
    """Slices of a sorted array between gaps above `tie`."""
    if not len(values):
        return []
    cuts = np.flatnonzero(np.abs(np.diff(values)) > tie) + 1
    ends = [0, *cuts.tolist(), len(values)]
    return [slice(a, b) for a, b in itertools.pairwise(ends)]


def _random_average(rep: Representation, rng: np.random.Generator) -> Array:
    return rep.average_moment(rng.standard_normal((rep.dim, rep.dim)))
