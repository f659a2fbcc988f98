"""What a representation is, before anything is fitted: its laws verified, its sizes summed up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Array, integer, listed, written

if TYPE_CHECKING:
    from .representation import Representation

EPS = float(np.finfo(np.float64).eps)
COUNTED = 1000  # coordinates: with more a summary does not begin to count, which may take hours
LARGEST_ORDER = 10_000  # of a generator that counts as finite
GATE = 1e4  # in units of dim·eps: beyond it a relation does not hold


@dataclass(frozen=True)
class Check:
    """Residuals in units of dim·eps, the largest over all generators.

    Attributes:
        orthogonality: of ρ(g)ρ(g)ᵀ = 1 (of the algebra: A + Aᵀ = 0).
        relations: of each given relation.
        orders: of each generator; None if no power up to 10,000 is the identity.
    """

    orthogonality: float
    relations: tuple[float, ...]
    orders: tuple[int | None, ...]


def check(rep: Representation, relations: Sequence[Sequence[int]] = ()) -> Check:
    """See `Representation.check`."""
    words = [_word(relation, len(rep.generators), k) for k, relation in enumerate(listed(relations, "relations"))]
    rho = rep.matrices()
    unit = rep.dim * EPS
    one = np.eye(rep.dim)
    apart = [np.linalg.norm(g @ g.T - one) for g in rho] + [np.linalg.norm(A + A.T) for A in rep.algebra]
    residuals = []
    for word in words:
        product = one
        for letter in word:
            g = rho[abs(letter) - 1]
            product = product @ (g if letter > 0 else np.linalg.inv(g))
        residuals.append(float(np.linalg.norm(product - one)) / unit)
    for word, residual in zip(words, residuals, strict=True):
        if residual > GATE * rep.rounding_growth():
            raise ValueError(
                f"The relation {word!s:.60} does not hold: the product differs from the identity by "
                f"{residual * unit:.2g}. "
                "These generators are no representation of that group."
            )
    return Check(
        orthogonality=float(max(apart, default=0.0)) / unit,
        relations=tuple(residuals),
        orders=tuple(_order(g) for g in rho),
    )


@dataclass(frozen=True)
class Summary:
    """Sizes of a representation, known before any fit.

    Attributes:
        name: its repr.
        dimension: d0.
        order: of the group; math.inf for a Lie group, None where it could not be counted, or was not: for more
            than 1000 coordinates only `order` counts.
        orbits: of coordinates, None unless it permutes them.
        invariants: d, the dimension of the invariant linear functions.
        commutant: dimension of the matrices that commute with the group.
    """

    name: str
    dimension: int
    order: int | float | None
    orbits: int | None
    invariants: int
    commutant: int | None

    @property
    def saved(self) -> float:
        """Share of the parameters of a linear map that invariance saves, 1 - d/d0."""
        return 1 - self.invariants / self.dimension

    def __str__(self) -> str:
        lines = {
            "dimension": f"{self.dimension}",
            "order": readable(self.order),
            "orbits": "-" if self.orbits is None else f"{self.orbits}",
            "invariants": f"{self.invariants} ({self.saved:.1%} of the parameters saved)"
            if self.invariants
            else "none: only W = 0 is invariant",
            "commutant": "not formed" if self.commutant is None else f"{self.commutant}",
        }
        return "\n".join([self.name, *(f"  {key:<11}{value}" for key, value in lines.items())])


def summary(rep: Representation) -> Summary:
    """See `Representation.summary`."""
    try:
        order: int | float | None = rep.order() if rep.dim <= COUNTED or rep.order_is_known else None
    except ValueError:  # more elements than are enumerated
        order = None
    return Summary(
        name=repr(rep),
        dimension=rep.dim,
        order=order,
        orbits=rep.number_of_orbits(),
        invariants=rep.invariants.shape[0],
        commutant=rep.commutant_dimension(),
    )


def readable(order: int | float | None) -> str:
    """An order or another exact count, however large.

    >>> readable(5040), readable(math.factorial(2000)), readable(math.inf)
    ('5,040', 'about 10^5735', 'infinite')
    """
    if order is None or order == math.inf:
        return "not counted" if order is None else "infinite"
    return written(int(order))


def _word(relation: Sequence[int], generators: int, k: int) -> tuple[int, ...]:
    name = f"relations[{k}]"
    word = tuple(integer(letter, name, minimum=-generators) for letter in listed(relation, name))
    if not word or 0 in word or max(word) > generators:
        raise ValueError(
            f"{name} must name generators 1 .. {generators} (-1 .. -{generators} for inverses), but is {word!s:.60}."
        )
    return word


def _order(rho: Array) -> int | None:
    """The least N with ρ^N = 1: that of all eigenvalues."""
    angles = np.angle(np.linalg.eigvals(rho)) / (2 * np.pi)
    order = 1
    for angle in angles:
        rest = order * angle
        if abs(rest - round(rest)) < 1e-9:
            continue
        candidates = np.arange(1, LARGEST_ORDER // order + 1)
        near = np.flatnonzero(np.abs(candidates * rest - np.round(candidates * rest)) < 1e-9 * candidates)
        if not len(near):
            return None
        order *= int(candidates[near[0]])
    return order
