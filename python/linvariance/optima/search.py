"""The search for crossings: intervals of log λ are halved until each is proved free of them, or holds one.

The proof needs no constants: every singular value σ_k of Z decreases in λ, and (c + λ) σ_k² increases, c the least τ².
So the top r stay the top r between λ₁ and λ₂ if σ_r(λ₂) > σ_{r+1}(λ₁), or if the same holds of (c + λ) σ² the other way
round. Where that would take too many steps convexity decides, `Branches.stays`. Intervals that reach to 0 and to ∞ are
no exception.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..arrays import Array
from .branches import TIE, Branches

SEARCH, PROOF = 20_000, 20_000  # spectra that may be spent on intervals that hold a tie or a minimum, and on the others
STEP, FAR = 0.1, 0.5  # of the first grid in log λ, among the τ² and beyond
DECADES = 18, 34  # of strengths below the least τ² and above the largest: beyond, all that changes is rounding

Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]


def grid(tau: Array, shift: float) -> Array:
    """Values of log λ in units of exp(shift), the largest τ², as far as λ is a double."""
    low, high = 2 * math.log(tau[-1]), 0.0
    start = max(low - DECADES[0] * math.log(10), -700 - shift)
    stop = min(high + DECADES[1] * math.log(10), 700 - shift)
    fine = np.arange(low - 10, high + 10, STEP)
    t = np.concatenate([np.arange(start, low - 10, FAR), fine, np.arange(high + 10, stop, FAR)])
    return t[(t >= start) & (t <= stop)]


class Search:
    """Nodes in log λ, with 0 and ∞, and the intervals between them that were not proved free of crossings."""

    def __init__(self, branches: Branches, shift: float) -> None:
        self.shift, self.branches = shift, branches
        self.t = np.concatenate([[-np.inf], grid(branches.tau, shift), [np.inf]])
        self.cuts, self._last = branches.cuts(np.exp(self.t)), len(self.t) - 1
        self.decided = self.cuts.decided
        self.leaves, self.minima = self._halve()

    def _add(self, t: Array) -> Indices:
        start = len(self.t)
        cuts = self.branches.cuts(np.exp(t))
        self.t, self.cuts = np.append(self.t, t), self.cuts.joined(cuts)
        self.decided = np.append(self.decided, cuts.decided)
        return np.arange(start, len(self.t))

    def _halve(self) -> tuple[Indices, Indices]:
        """Pairs of nodes (n, 2): intervals that remain open, and those that hold a minimum of the gap, by falling λ."""
        ends = np.stack([np.arange(len(self.t) - 1), np.arange(1, len(self.t))], axis=1)
        budget, leaves, minima = [SEARCH, PROOF], [ends[:0]], [ends[:0]]
        proved = np.zeros(len(ends), dtype=np.bool_)
        while True:
            hollow, unproved = self._hollow(*ends.T), self._open(*ends.T) & ~proved
            search = hollow | (unproved & self._tied(*ends.T))
            cold = unproved & ~search & self.decided[ends].all(axis=1)
            split = np.zeros(len(ends), dtype=np.bool_)
            for k, kind in enumerate((search, cold)):
                wide = self._widest(ends, kind & self._divisible(*ends.T), budget[k])
                budget[k] -= len(wide)
                split[wide] = True
            leaves.append(ends[unproved & ~split])
            minima.append(ends[hollow & ~split])
            unproved, ends = unproved[split], ends[split]
            if not len(ends):
                break
            middle = self._add(self.t[ends].mean(axis=1))
            proved = np.tile(self._proved(middle, ends, unproved), 2)
            ends = np.concatenate([np.stack([ends[:, 0], middle], axis=1), np.stack([middle, ends[:, 1]], axis=1)])
        return self._sorted(np.concatenate(leaves)), self._sorted(np.concatenate(minima))

    def _widest(self, ends: Indices, kind: Flags, most: int) -> Indices:
        some = np.flatnonzero(kind)
        return some[np.argsort(self.t[ends[some, 0]] - self.t[ends[some, 1]], kind="stable")][:most]

    def _proved(self, middle: Indices, ends: Indices, unproved: Flags) -> Flags:
        """Whether intervals hold no crossing, by what is known in their middles."""
        proved, strengths = ~unproved, np.exp(self.t)
        blocks = self.cuts.blocks
        alike = self.decided[ends].all(axis=1) & (blocks[ends] == blocks[middle, None]).all(axis=1)
        ask = unproved & alike & ~self.cuts.copies[middle]
        proved[ask] = self.branches.stays(strengths[middle[ask]], strengths[ends[ask]])
        return proved

    def _sorted(self, ends: Indices) -> Indices:
        return ends[np.argsort(self.t[ends[:, 0]], kind="stable")]

    def _divisible(self, i: Indices, j: Indices) -> Flags:
        size = 4 * np.finfo(np.float64).eps * np.maximum(1.0, np.abs(self.t[j]))
        return np.asarray(np.isfinite(self.t[j] - self.t[i]) & (self.t[j] - self.t[i] > size))

    def _hollow(self, i: Indices, j: Indices) -> Flags:
        """Whether the gap falls and then rises, by more than rounding."""
        slope, least = self.cuts.slope, self.cuts.tie / TIE
        return np.asarray((slope[i] < -least[i]) & (slope[j] > least[j]) & np.isfinite(self.t[i] + self.t[j]))

    def _tied(self, i: Indices, j: Indices) -> Flags:
        """Whether a crossing is inside for sure, or a tie begins or ends."""
        other = self.cuts.blocks[i] != self.cuts.blocks[j]
        return np.where(self.decided[i] & self.decided[j], other, self.decided[i] != self.decided[j])

    def _open(self, i: Indices, j: Indices) -> Flags:
        """Whether a crossing between two nodes is not excluded."""
        c, strengths = self.cuts, np.exp(self.t)
        height, tie = self.branches.scaled(strengths), c.tie[:, None] / 4  # what is decided is to be proved
        apart = (c.above[j] > c.below[i] + tie[i]).all(axis=1)
        with np.errstate(invalid="ignore"):  # ∞·0
            over = height[:, None] * np.square(np.maximum(c.above - tie, 0.0))
            under = height[:, None] * np.square(np.maximum(c.below + tie, 0.0))
            apart |= (over[i] > under[j]).all(axis=1)
        same = self.decided[i] & self.decided[j] & (c.blocks[i] == c.blocks[j])
        gone = c.above[i, 1] <= c.tie[i]  # σ_r is rounding, and falls
        # From a node to ∞, and from 0 to a node. The first grid runs from 0 to ∞.
        far = self.decided & ((c.above[self._last, 1] > c.below[:, 0] + c.tie) | (over[:, 1] > self.branches.limit))
        near = self.decided & (c.above[:, 1] > c.below[0, 0] + c.tie)
        beyond = self.t[i] >= np.min(self.t[far], initial=np.inf)
        before = self.t[j] <= np.max(self.t[near], initial=-np.inf)
        return np.asarray(~(same & apart) & ~gone & ~beyond & ~before)

    def strength(self, t: float) -> float:
        """λ in the user's unit."""
        return math.exp(t + self.shift)

    def same(self, t: Array, nodes: Indices) -> bool:
        """Whether the top r at log λ = t are decided, and those at the nodes."""
        cuts = self.branches.cuts(np.exp(t))
        return bool((cuts.decided & (cuts.blocks == self.cuts.blocks[nodes])).all())

    def inside(self, a: int, b: int) -> Indices:
        """Nodes from a to b."""
        return np.flatnonzero((self.t >= self.t[a]) & (self.t <= self.t[b]))

    def turned(self, a: int, b: int) -> bool:
        """Whether a tie inside one block exchanges directions; where they return it is only touched."""
        left, right = self.branches.directions(np.exp(self.t[[a, b]]))
        return float(np.linalg.svd(left.T @ right, compute_uv=False)[-1]) < 0.5

    def places(self) -> Iterator[tuple[int, int]]:
        """The open intervals, those that share a node in which nothing is decided taken together."""
        start = end = -1
        for i, j in self.leaves.tolist():
            if i != end or self.decided[i]:
                if end >= 0:
                    yield start, end
                start = i
            end = j
        if end >= 0:
            yield start, end
