"""Equivariance under a rank bound: singular values of an intertwiner come in multiplets, taken whole or not at all.

The best equivariant matrix of rank at most r is therefore a knapsack: an item for each multiplet, its weight the real
dimension of the irreducible representation, its value the loss that it takes away.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.linalg

from ..arrays import Array
from ..groups import Representation
from ..groups.isotypic import IsotypicDecomposition, clusters, isotypic
from .spectra import svd


@dataclass(frozen=True, eq=False)
class Multiplet:
    """One irreducible part of an intertwiner Z: d equal singular values.

    Attributes:
        value: σ.
        left: (dL, d), orthonormal left singular vectors, which the group maps among themselves.
        component: number of the isotypic component of the outputs it belongs to.
    """

    value: float
    left: Array = field(repr=False)
    component: int

    @property
    def dimension(self) -> int:
        """d, the real dimension of the irreducible representation, and the rank that the multiplet costs."""
        return self.left.shape[1]

    @property
    def gain(self) -> float:
        """d·σ²: the loss that it takes away."""
        return self.dimension * self.value**2


def multiplets(Z: Array, output: Representation, noise: float, seed: int = 0) -> tuple[Multiplet, ...]:
    """The multiplets of an intertwiner Z (dL, s) above the noise, largest σ first.

    Within an isotypic component of the outputs equal singular values may still belong to several multiplets; a random
    symmetric matrix that commutes with the group tells them apart.
    """
    parts: IsotypicDecomposition = isotypic(output, seed)
    R = np.random.default_rng(seed).standard_normal((output.dim, output.dim))
    splitter = output.average_moment(R + R.T)
    found = []
    for k, component in enumerate(parts.components):
        U, s, _ = svd(component.basis @ Z)
        for tied in clusters(s, noise):
            value = float(np.sqrt(np.square(s[tied]).mean()))
            if value <= noise:
                continue
            left = component.basis.T @ U[:, tied]
            _, vectors = scipy.linalg.eigh(left.T @ splitter @ left)
            d = component.dimension
            for start in range(0, left.shape[1] - d + 1, d):
                found.append(Multiplet(value, left @ vectors[:, start : start + d], k))
    return tuple(sorted(found, key=lambda item: -item.value))


@dataclass(frozen=True, eq=False)
class Choice:
    """The multiplets that fit a rank bound and take away most of the loss; unique unless another choice does so."""

    chosen: tuple[Multiplet, ...]
    unique: bool


def choose(items: tuple[Multiplet, ...], rank: int, tie: float) -> Choice:
    """The knapsack by dynamic programming over the rank; gains within `tie` of each other count as equal."""
    # best[j]: gain, chosen items and number of optimal choices (up to 2) among the items so far, total rank <= j
    best: list[tuple[float, tuple[int, ...], int]] = [(0.0, (), 1)] * (rank + 1)
    for i, item in enumerate(items):
        for j in range(rank, item.dimension - 1, -1):
            gain, chosen, ways = best[j - item.dimension]
            with_item = (gain + item.gain, (*chosen, i), ways)
            if with_item[0] > best[j][0] + tie:
                best[j] = with_item
            elif with_item[0] > best[j][0] - tie:
                best[j] = (best[j][0], best[j][1], min(2, best[j][2] + ways))
    _, chosen, ways = best[rank]
    return Choice(tuple(items[i] for i in chosen), ways == 1)
