"""Symmetry-adapted coordinates that are sparse: one small orthogonal matrix for each kind of orbit.

In them an average over a group that permutes coordinates is block-diagonal, and it costs next to nothing to get there.
The basis of `isotypic` does the same, but is dense: going there and back costs more than the blocks save.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy.linalg

from ..arrays import Array
from .intertwiners import intertwine
from .isotypic import isotypic
from .permutations import Permutations
from .representation import Representation

Indices = npt.NDArray[np.int64]
LARGEST = 64  # points of an orbit: beyond it a dense matrix for each kind of orbit saves nothing


@dataclass(frozen=True, eq=False)
class Segment:
    """All orbits of one kind: the group acts on the k-th points of all of them alike.

    Attributes:
        orbits: (n, m), the coordinates of each orbit, point by point.
        basis: (m, m), orthogonal, an adapted basis of the functions on one orbit.
        block: (m,), ascending: the number of the block of each row.
    """

    orbits: Indices = field(repr=False)
    basis: Array = field(repr=False)
    block: Indices


@dataclass(frozen=True, eq=False)
class AdaptedCoordinates:
    """Columns in `order`, kind of orbit by kind of orbit and point by point, then `basis` on the points of each orbit.

    Attributes:
        segments: the kinds of orbits.
        order: (d0,): x[order] lists the first points of all orbits of a kind, their second points, ...
    """

    segments: tuple[Segment, ...]

    @property
    def order(self) -> Indices:
        """See above."""
        return np.concatenate([segment.orbits.T.ravel() for segment in self.segments])

    @property
    def ranges(self) -> list[list[tuple[int, int]]]:
        """Where each block's coordinates lie: (offset, length) for each kind of orbit that has some."""
        blocks: list[list[tuple[int, int]]] = [[] for _ in range(1 + max(int(s.block.max()) for s in self.segments))]
        start = 0
        for segment in self.segments:
            count = len(segment.orbits)
            for k, rows in enumerate(blocks):
                here = np.flatnonzero(segment.block == k)
                if len(here):
                    rows.append((start + int(here[0]) * count, len(here) * count))
            start += segment.orbits.size
        return blocks

    def transform(self, W: Array) -> Array:
        """W (rows, d0), its columns in `order`, in adapted coordinates."""
        out, start = np.empty_like(W), 0
        for segment in self.segments:
            count, points = segment.orbits.shape
            part = W[:, start : start + count * points].reshape(len(W), points, count)
            out[:, start : start + count * points] = (segment.basis @ part).reshape(len(W), -1)
            start += count * points
        return out

    def blocks(self, S: Array) -> list[Array]:
        """The diagonal blocks of a symmetric S (d0, d0), its columns in `order`; nothing but rounding is outside."""
        both = self.transform(np.ascontiguousarray(self.transform(S).T))
        places = [np.concatenate([np.arange(at, at + n) for at, n in ranges]) for ranges in self.ranges]
        return [np.ascontiguousarray(both[np.ix_(place, place)]) for place in places]

    @property
    def multiplications(self) -> int:
        """A row's product with an averaged S: there, the blocks, and back."""
        there = sum(s.orbits.size * s.orbits.shape[1] for s in self.segments)
        return 2 * there + sum(sum(length for _, length in ranges) ** 2 for ranges in self.ranges)


@lru_cache(maxsize=32)
def adapted(rep: Representation) -> AdaptedCoordinates | None:
    """The adapted coordinates of a group that permutes; None where they would save less than a third.

    >>> from linvariance.groups import image_rotations
    >>> [[length for _, length in ranges] for ranges in adapted(image_rotations(14)).ranges]
    [[49], [49], [98]]
    """
    found = orbit_coordinates(rep) if isinstance(rep, Permutations) and rep.signs is None else None
    return found if found is not None and 1.5 * found.multiplications < rep.dim**2 else None


def orbit_coordinates(rep: Permutations) -> AdaptedCoordinates | None:
    """The adapted coordinates of permutations, whether they save anything or not; None if an orbit is too large."""
    kinds = _kinds(rep.images)
    return None if kinds is None else AdaptedCoordinates(_aligned(kinds))


def _kinds(images: Indices) -> list[tuple[Indices, Indices]] | None:
    """For each kind of orbit its orbits (n, m), and how the generators act on its points (M, m); None if too large."""
    dim = images.shape[1]
    seen = np.zeros(dim, dtype=bool)
    kinds: dict[bytes, tuple[Indices, list[Indices]]] = {}
    for point in range(dim):
        if seen[point]:
            continue
        walk = _walk(images, point)
        if walk is None:
            return None
        orbit = walk[0]
        seen[orbit] = True
        # Of all first points the one that names a known kind, else the first.
        walks = [walk, *(again for other in orbit[1:] if (again := _walk(images, int(other))) is not None)]
        places, table = next(((p, t) for p, t in walks if t.tobytes() in kinds), walk)
        kinds.setdefault(table.tobytes(), (table, []))[1].append(places)
    return [(np.stack(orbits), table) for table, orbits in kinds.values()]


def _walk(images: Indices, start: int) -> tuple[Indices, Indices] | None:
    """The orbit of a point in the order in which the generators reach it, and their action in this order."""
    number = {start: 0}
    orbit = [start]
    for point in orbit:  # grows while it is walked
        for image in images[:, point].tolist():
            if image not in number:
                number[image] = len(orbit)
                orbit.append(image)
        if len(orbit) > LARGEST:
            return None
    return np.array(orbit), np.array([[number[i] for i in row] for row in images[:, orbit].tolist()])


def _aligned(kinds: list[tuple[Indices, Indices]]) -> tuple[Segment, ...]:
    """Adapted bases of all kinds, in which copies of one irreducible representation in different kinds act alike."""
    reps = [Permutations(table) for _, table in kinds]
    parts = [isotypic(rep).components for rep in reps]
    rng = np.random.default_rng(0)
    found: list[tuple[int, Array, str, int]] = []  # kind, first copy of a component met first, its type, first block
    rows: list[list[tuple[int, Array]]] = [[] for _ in kinds]
    blocks = 0
    for k, components in enumerate(parts):
        for component in components:
            copies = component.basis.reshape(component.multiplicity, component.dimension, -1)
            known = None
            for other, copy, kind, block in found:
                if (kind, len(copy)) != (component.type, component.dimension):
                    continue
                link = copy @ _intertwiner(reps[other], reps[k], rng) @ copies[0].T
                if np.linalg.norm(link) > 1e-6:
                    turn, known = scipy.linalg.polar(link)[0], block
                    copies = turn @ copies
                    break
            if known is None:
                known = blocks
                found.append((k, copies[0], component.type, known))
                blocks += component.dimension if component.type == "real" else 1
            for copy in copies:
                rows[k] += [(known + i if component.type == "real" else known, row) for i, row in enumerate(copy)]
    segments = []
    for (orbits, _), own in zip(kinds, rows, strict=True):
        own.sort(key=lambda pair: pair[0])
        segments.append(Segment(orbits, np.array([row for _, row in own]), np.array([block for block, _ in own])))
    return tuple(segments)


def _intertwiner(left: Permutations, right: Permutations, rng: np.random.Generator) -> Array:
    """A random one (m_left, m_right) that commutes with the group, of norm about 1."""
    draw = rng.standard_normal((left.dim, right.dim))
    return intertwine(draw, right, left)
