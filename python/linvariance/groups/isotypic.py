"""Isotypic decomposition: the symmetry-adapted basis in which every average over the group is block-diagonal."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from ..arrays import Array, frozen, instance, integer, last_axis
from ..progress import Progress, Report, meter
from .division import commuting
from .representation import Representation

EPS = float(np.finfo(np.float64).eps)
TIE = 1e-10  # relative: eigenvalues of a random element of the commutant closer than this count as one (never data's)
ATTEMPTS = 10
LARGEST = 4000  # coordinates: minutes
SHOWN = 8  # components in a repr
STEPS = 6  # four averages, their eigenspaces, the rest
DIVISION_ALGEBRAS = {"real": 1, "complex": 2, "quaternionic": 4}


@dataclass(frozen=True, eq=False)
class Component:
    """All copies of one real irreducible representation.

    Attributes:
        basis: (multiplicity·dimension, d0), orthonormal rows, copy after copy, in which all copies act alike. Within
            a copy coordinates come in groups of 1, 2 or 4, reals, complex numbers or quaternions: endomorphisms
            multiply each from the left by the same number. A copy has entries in one `coordinate_blocks` only.
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
        residual: what of a group average is not M_k ⊗ 1 on each component, M_k over R, C or H, in units of d0·eps times
            its norm; verified on a matrix that the decomposition was not made from.
    """

    components: tuple[Component, ...]
    residual: float

    def __repr__(self) -> str:
        shown = ", ".join(f"{c.multiplicity} x {c.dimension} {c.type}" for c in self.components[:SHOWN])
        more = f", ... {len(self.components) - SHOWN:,} more" * (len(self.components) > SHOWN)
        return f"IsotypicDecomposition({shown}{more}, residual={self.residual:.2g})"

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


def isotypic(rep: Representation, seed: int = 0, *, progress: Progress = False) -> IsotypicDecomposition:
    """The isotypic decomposition of an orthogonal representation.

    Eigenspaces of one random symmetric matrix averaged over the group are irreducible; two belong to one component if
    the block of a second, independent average between them is not zero. The result is verified, and the same for
    the same seed. Refused beyond 4000 coordinates. With progress=True a bar on stderr shows the six steps of an
    attempt, mostly the only one; a callback (done, 6) hears of them.

    >>> from linvariance.groups import cyclic
    >>> [(c.multiplicity, c.dimension, c.type) for c in isotypic(cyclic(4)).components]
    [(1, 1, 'real'), (1, 1, 'real'), (1, 2, 'complex')]
    """
    instance(rep, Representation, "rep", "see linvariance.groups")
    if not rep.is_orthogonal:
        raise ValueError(f"{rep!r} is not orthogonal: decompose its orthogonal form, `rep.orthogonal_form[0]`.")
    if rep.dim > LARGEST:
        raise ValueError(
            f"{rep!r} acts on {rep.dim:,} coordinates, and the isotypic decomposition diagonalizes matrices as large, "
            f"up to {LARGEST:,} (here it would take hours, and {8 * rep.dim**2 / 2**30:,.2g} GiB each): decompose its "
            "orbits or blocks one by one."
        )
    rng = np.random.default_rng(integer(seed, "seed", minimum=0))
    best = None
    for _ in range(ATTEMPTS):
        with meter(progress, "Isotypic decomposition", STEPS) as report:
            found = _decompose(rep, rng, report)
        if best is None or found.residual < best.residual:
            best = found
        if best.residual < 10:
            break
    assert best is not None
    if not math.isfinite(best.residual):
        raise ValueError(
            f"{rep!r} has no isotypic decomposition that could be found: its averages do not commute with it."
        )
    return best


def coordinate_blocks(rep: Representation) -> list[npt.NDArray[np.intp]]:
    """The finest split of the coordinates into sets that no generator mixes; orbits, if it permutes them."""
    G = scipy.sparse.coo_array(rep.defect)
    row, column = G.coords
    mixed = G.data != 0
    graph = scipy.sparse.coo_array((mixed[mixed], (row[mixed], column[mixed] % rep.dim)), shape=(rep.dim, rep.dim))
    _, label = connected_components(graph, directed=False)
    return [np.flatnonzero(label == k) for k in range(label.max() + 1)]


def _decompose(rep: Representation, rng: np.random.Generator, report: Report) -> IsotypicDecomposition:
    averages = []
    for done in range(1, 5):
        averages.append(_random_average(rep, rng))
        report(done)
    one, two, three, proof = averages
    # Block by block: copies of different scale in a user's data are not mixed, and nor is their rounding.
    blocks = coordinate_blocks(rep)
    found = [_eigenspaces(one[np.ix_(part, part)]) for part in blocks]
    copies = _embedded(blocks, _sharpened(blocks, found, rep), rep.dim)
    report(5)
    label = _links(copies, two)
    groups = [[copies[i] for i in np.flatnonzero(label == k)] for k in range(label.max() + 1)]
    if any(len({U.shape[1] for U in group}) > 1 for group in groups):
        return IsotypicDecomposition((), math.inf)  # eigenvalues tied
    components = _components(groups, two, three, rep)
    trivial = [float(np.linalg.norm(rep.project(c.basis))) > 0.5 for c in components]
    order = sorted(
        range(len(components)), key=lambda k: (not trivial[k], -components[k].multiplicity, components[k].dimension)
    )
    components = [components[k] for k in order]
    residual = _residual(components, proof, rep.dim)
    report(STEPS)
    return IsotypicDecomposition(tuple(components), residual)


def _eigenspaces(symmetric: Array) -> list[Array]:
    values, V = scipy.linalg.eigh((symmetric + symmetric.T) / 2)
    return [V[:, part] for part in _clusters(values, TIE * float(np.abs(values).max()))]


def _sharpened(blocks: list[npt.NDArray[np.intp]], found: list[list[Array]], rep: Representation) -> list[list[Array]]:
    """The same subspaces to rounding. Eigenvalues that nearly tie mix spaces a little; the average of Σ_k k U_k U_kᵀ
    has them a unit apart, and an invariant subspace that near to an irreducible one is it.
    """
    marked = np.zeros((rep.dim, rep.dim))
    for part, spaces in zip(blocks, found, strict=True):
        marked[np.ix_(part, part)] = sum(k * U @ U.T for k, U in enumerate(spaces)) + np.zeros((len(part),) * 2)
    average = rep.average_moment(marked)
    sharp = []
    for part, spaces in zip(blocks, found, strict=True):
        inner = average[np.ix_(part, part)]
        _, V = scipy.linalg.eigh((inner + inner.T) / 2, driver="evd")
        sharp.append(np.split(V, np.cumsum([U.shape[1] for U in spaces])[:-1], axis=1))
    return sharp


def _embedded(blocks: list[npt.NDArray[np.intp]], found: list[list[Array]], dim: int) -> list[Array]:
    copies = []
    for part, spaces in zip(blocks, found, strict=True):
        for U in spaces:
            whole = np.zeros((dim, U.shape[1]))
            whole[part] = U
            copies.append(whole)
    return copies


def _links(copies: list[Array], two: Array) -> npt.NDArray[np.intp]:
    """The number of the component of each copy: whether a random average has a block between two."""
    V = np.hstack(copies)
    strength, starts = np.abs(V.T @ two @ V), np.cumsum([0, *(U.shape[1] for U in copies[:-1])])
    strength = np.maximum.reduceat(np.maximum.reduceat(strength, starts, axis=0), starts, axis=1)
    linked = scipy.sparse.csr_array(np.maximum(strength, strength.T) > 1e-9 * strength.max())
    return np.asarray(connected_components(linked, directed=False)[1])


def _components(groups: list[list[Array]], two: Array, three: Array, rep: Representation) -> list[Component]:
    # The block between two copies is an intertwiner; its polar factor turns the one into the other.
    aligned = [[U @ _orthogonal(U.T @ two @ group[0]) for U in group] for group in groups]
    units = [_units(*(group[0].T @ M @ group[0] for M in (two, three))) for group in aligned]
    # Some of these blocks were small, and their directions rounded; averages of the directions themselves are not.
    first = _sum_of_products(rep, [(U, group[0]) for group in aligned for U in group[1:]])
    first += _sum_of_products(rep, [(g[0] @ u[0], g[0]) for g, u in zip(aligned, units, strict=True) if u])
    average = rep.average_moment(first)
    second = [(g[0] @ u[1], g[0]) for g, u in zip(aligned, units, strict=True) if len(u) == 2]
    other = rep.average_moment(_sum_of_products(rep, second)) if second else average
    return [_component(*pair, average, other) for pair in zip(aligned, units, strict=True)]


def _component(copies: list[Array], units: list[Array], average: Array, other: Array) -> Component:
    first = copies[0]
    aligned = [first, *(U @ _orthogonal(U.T @ average @ first) for U in copies[1:])]
    blocks = [first.T @ M @ first for M in (average, other)[: len(units)]]
    turns = _imaginary(blocks)
    e = {0: 1, 1: 2, 2: 4}[len(turns)]
    frame = _frame([np.eye(first.shape[1]), *turns, *([turns[0] @ turns[1]] if e == 4 else [])])
    basis: Array = frozen(np.hstack([U @ frame for U in aligned]).T)
    kind = next(name for name, size in DIVISION_ALGEBRAS.items() if size == e)
    return Component(basis, len(copies), first.shape[1], kind)


def _units(M: Array, N: Array) -> list[Array]:
    """From two random endomorphisms of an irreducible space, those of i, or of i and j, that it has.

    Symmetric parts are multiples of 1; skew ones commute in C and do not in H.
    """
    K, L = (M - M.T) / 2, (N - N.T) / 2
    small = 1e-9 * max(float(np.linalg.norm(M)), float(np.linalg.norm(N)), np.finfo(np.float64).tiny)
    if np.linalg.norm(K) <= small:
        return []
    commute = np.linalg.norm(K @ L - L @ K) <= 1e-9 * np.linalg.norm(K) * np.linalg.norm(L)
    return _imaginary([K] if commute else [K, L])


def _imaginary(blocks: list[Array]) -> list[Array]:
    """Orthonormal imaginary units i, or i and j, from endomorphisms near to multiples of their sums."""
    units: list[Array] = []
    for M in blocks:
        K = (M - M.T) / 2
        K = K - sum(float(np.vdot(i, K)) / len(K) * i for i in units)
        K = _orthogonal(K)
        units.append((K - K.T) / 2)
    return units


def _frame(units: list[Array]) -> Array:
    """An orthogonal matrix of columns f, i f (, j f, k f), f', ...: in it the units are left multiplications."""
    F = np.zeros((len(units[0]), 0))
    while F.shape[1] < len(F):
        rest = np.eye(len(F)) - F @ F.T
        f = rest[:, int(np.diag(rest).argmax())]
        f = f - F @ (F.T @ f)
        F = np.column_stack([F, *(unit @ (f / np.linalg.norm(f)) for unit in units)])
    return F


def _residual(components: list[Component], proof: Array, dim: int) -> float:
    Q = np.vstack([c.basis for c in components])
    inside, rest, start = Q @ proof @ Q.T, Q @ proof @ Q.T, 0
    for c in components:
        part = slice(start, start := start + len(c.basis))
        rest[part, part] -= commuting(inside[part, part], DIVISION_ALGEBRAS[c.type], c.dimension)
    worst = max(float(np.linalg.norm(rest)), float(np.linalg.norm(Q @ Q.T - np.eye(dim)) * np.linalg.norm(proof)))
    return worst / (dim * EPS * float(np.linalg.norm(proof)))


def _clusters(values: Array, tie: float) -> list[slice]:
    """Slices of a sorted array between gaps above `tie`."""
    cuts = np.flatnonzero(np.abs(np.diff(values)) > tie) + 1
    ends = [0, *cuts.tolist(), len(values)]
    return [slice(a, b) for a, b in itertools.pairwise(ends)]


def _orthogonal(M: Array) -> Array:
    """Its polar factor."""
    U, _, Vt = scipy.linalg.svd(M, check_finite=False)
    return np.asarray(U @ Vt)


def _sum_of_products(rep: Representation, pairs: list[tuple[Array, Array]]) -> Array:
    """Σ U Vᵀ."""
    if not pairs:
        return np.zeros((rep.dim, rep.dim))
    return np.hstack([U for U, _ in pairs]) @ np.hstack([V for _, V in pairs]).T


def _random_average(rep: Representation, rng: np.random.Generator) -> Array:
    return rep.average_moment(rng.standard_normal((rep.dim, rep.dim)))
