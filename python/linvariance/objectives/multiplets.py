"""Equivariance under a rank bound: singular values of an intertwiner come in multiplets, taken whole or not at all.

The best equivariant matrix of rank at most r is therefore a knapsack: an item for each multiplet, its weight the real
dimension of the irreducible representation, its value the loss that it takes away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from ..arrays import Array


@dataclass(frozen=True, eq=False)
class Multiplet:
    """One irreducible part of an equivariant optimum: d equal singular values of its whitened target.

    Attributes:
        value: σ.
        left: (dL, d), orthonormal left singular vectors, which the group maps among themselves.
        right: (d, d0), so that the optimum without a rank bound is the sum of left @ right.
    """

    value: float
    left: Array = field(repr=False)
    right: Array = field(repr=False)

    @property
    def dimension(self) -> int:
        """d, the real dimension of the irreducible representation, and the rank that the multiplet costs."""
        return self.left.shape[1]


@dataclass(frozen=True)
class Choice:
    """How many singular values of each multiplet are taken.

    Attributes:
        taken: for each multiplet, largest σ first; 0 or its dimension in a hard-wired optimum.
        unique: whether rounding leaves only this choice.
        shortfall: the loss that the best choice without regard to multiplets takes away beyond this one; exactly 0 if
            that may be rounding.
    """

    taken: tuple[int, ...]
    unique: bool
    shortfall: float = 0.0


def cut(items: Sequence[Multiplet], rank: int, noise: float) -> Choice:
    """The `rank` largest singular values, σ descending, multiplets cut if need be; unique unless σ_r = σ_{r+1}."""
    taken, left = [], rank
    for item in items:
        taken.append(min(item.dimension, left))
        left -= taken[-1]
    sigma = np.repeat([item.value for item in items], [item.dimension for item in items])
    return Choice(tuple(taken), rank >= len(sigma) or bool(sigma[rank - 1] - sigma[rank] > noise))


def choose(items: Sequence[Multiplet], rank: int, noise: float) -> Choice:
    """The knapsack, exactly, for σ descending; σ closer than the noise count as equal.

    Gains of multiplets may differ by many orders of magnitude, and so may differences of choices: they are integers of
    one unit here. Another choice may be as good if it is when every σ is off by the noise, in its favour.
    """
    dims, exact = [item.dimension for item in items], _units([*(item.value for item in items), noise])
    sigma, off = exact.numbers[:-1], exact.numbers[-1]
    best = _two_best(dims, [d * s**2 for d, s in zip(dims, sigma, strict=True)], rank)[0][1]
    chosen = [bool(best >> i & 1) for i in range(len(items))]
    doubted = [d * (s - off if c else s + off) ** 2 for d, s, c in zip(dims, sigma, chosen, strict=True)]
    rivals = _two_best(dims, doubted, rank)
    unique = rivals[0][1] == best and (len(rivals) == 1 or rivals[1][0] < rivals[0][0])
    taken = tuple(d * c for d, c in zip(dims, chosen, strict=True))
    more = [free - own for free, own in zip(cut(items, rank, noise).taken, taken, strict=True)]
    short = sum(k * s**2 for k, s in zip(more, sigma, strict=True))
    doubt = sum(abs(k) * (2 * s + off) * off for k, s in zip(more, sigma, strict=True))
    return Choice(taken, unique, float(short * exact.unit**2) if short > doubt else 0.0)


@dataclass(frozen=True)
class _Exact:
    numbers: list[int]
    unit: Fraction


def _units(values: Sequence[float]) -> _Exact:
    """Floats as integers of one unit, a power of two."""
    fractions = [Fraction(value) for value in values]
    unit = Fraction(1, max(f.denominator for f in fractions))
    return _Exact([int(f / unit) for f in fractions], unit)


def _two_best(weights: Sequence[int], gains: Sequence[int], rank: int) -> list[tuple[int, int]]:
    """The best two subsets of total weight <= rank, each as its gain and its bits, by dynamic programming."""
    rank = min(rank, sum(weights))
    best: list[list[tuple[int, int]]] = [[(0, 0)] for _ in range(rank + 1)]  # of the items so far, total weight <= j
    for i, (weight, gain) in enumerate(zip(weights, gains, strict=True)):
        for j in range(rank, weight - 1, -1):
            with_item = [(g + gain, bits | 1 << i) for g, bits in best[j - weight]]
            best[j] = sorted([*best[j], *with_item], key=lambda pair: -pair[0])[:2]
    return best[rank]
