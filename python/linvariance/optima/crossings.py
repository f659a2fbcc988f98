"""What the search for crossings found: jumps of the path, near-crossings, and whether there can be others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Array
from .branches import TIE, Branches
from .search import STEP, Indices, Search, grid
from .solution import Solution

if TYPE_CHECKING:
    from .path import RegularizationPath

SHARP = 1e-6  # width in log λ to which a jump without a tie is bracketed, unless the budget of the search is spent
APART = 1e-11  # by which a bracket is widened in log λ, relative: at its ends W should be more than rounding
NARROW = 1e-2  # gap in σ_1 below which a minimum is worth telling
TOUCHED = 1e-7  # gap in σ_1 beside a touched tie at which W's slope is known to half of all digits


@dataclass(frozen=True)
class Jump:
    """σ_r and σ_{r+1} cross within a bracket of strengths: W(λ) jumps.

    Attributes:
        strength: middle of the bracket; lower, upper: its ends.
        gap: (σ_r - σ_{r+1})/σ_1 found inside, rounding.
        before, after: the optima at the two ends.
    """

    strength: float
    lower: float
    upper: float
    gap: float
    before: Solution = field(repr=False)
    after: Solution = field(repr=False)


@dataclass(frozen=True)
class NearCrossing:
    """A local minimum of the gap that is no jump: steep, but continuous.

    Attributes:
        strength: where.
        gap: (σ_r - σ_{r+1})/σ_1 there.
        slope: ‖dW/d log λ‖ there; beside it where the gap is rounding, a tie that is only touched.
    """

    strength: float
    gap: float
    slope: float


@dataclass(frozen=True)
class Found:
    """What a scan of all strengths > 0 found; see the properties of `RegularizationPath`."""

    jumps: tuple[Jump, ...] = ()
    near: tuple[NearCrossing, ...] = ()
    certified: bool = True
    smallest: float = 0.0


def scan(path: RegularizationPath, left: Array, free: Array, tau: Array, noise: float) -> Found:
    """All jumps of the path of Z(λ) = [left, free·diag(τ/√(τ² + λ))] at the path's rank."""
    if len(left) > left.shape[1] + free.shape[1]:  # more outputs than Z has columns
        Q = np.linalg.qr(np.hstack([left, free]))[0]
        left, free = Q.T @ left, Q.T @ free
    if not free.any() or path.rank >= len(left):
        return Found(smallest=_least_gap(path, tau))
    unit = 2.0 ** -math.frexp(max(np.abs(left).max(initial=0.0), np.abs(free).max()))[1]  # squares stay in range
    branches = Branches(unit * left, unit * free, tau, path.rank, unit * noise)
    if path.rank >= branches.possible:
        return Found(smallest=_least_gap(path, tau))
    return _told(path, Search(branches, 2 * math.log(tau[0])))


def _least_gap(path: RegularizationPath, tau: Array) -> float:
    """Where no rank bound holds, from a grid."""
    shift = 2 * math.log(tau[0]) if len(tau) else 0.0
    t = grid(tau / tau[0], shift) if len(tau) else np.zeros(0)
    return float(path.evaluate(np.exp(np.append(t + shift, 0.0))).gap.min())


def _told(path: RegularizationPath, search: Search) -> Found:
    """Open intervals are jumps where the top r differ on both sides, and undecided if not."""
    jumps, touched, certified = [], [], not search.cuts.copies.any()
    for a, b in search.places():
        nodes = search.inside(a, b)
        known, width = bool(search.decided[[a, b]].all()), search.t[b] - search.t[a]
        changed = known and search.cuts.blocks[a] != search.cuts.blocks[b]
        if changed or (known and not search.decided[nodes].all() and width < STEP and search.turned(a, b)):
            jumps.append((a, b, _jump(path, search, a, b, nodes)))
            certified = certified and (width < SHARP or not search.decided[nodes].all())
        else:
            certified = False
            touched += [(a, b)] if known and not search.decided[nodes].all() else []
    share = _shares(search)
    spans = [(a, b) for a, b, _ in jumps]
    near = tuple(_near_crossings(path, search, share, spans, touched))
    rounding = (search.cuts.gap <= search.cuts.tie / TIE) & np.isfinite(share)
    smallest = 0.0 if jumps or rounding.any() else float(share.min())
    return Found(tuple(jump for _, _, jump in jumps), near, certified, smallest)


def _shares(search: Search) -> Array:
    """(σ_r - σ_{r+1})/σ_1 at all nodes; where all of Z has vanished, nothing."""
    c = search.cuts
    return np.where(c.top > c.tie, c.gap / np.where(c.top > 0, c.top, 1.0), np.inf)


def _jump(path: RegularizationPath, search: Search, a: int, b: int, nodes: Indices) -> Jump:
    ends = search.t[[a, b]]
    wide = ends + [-APART, APART] * np.maximum(1.0, np.abs(ends))
    if search.same(wide, np.array([a, b])):  # singular vectors are known to rounding over gap
        ends = wide
    lower, middle, upper = (search.strength(t) for t in (ends[0], ends.mean(), ends[1]))
    return Jump(middle, lower, upper, float(_shares(search)[nodes].min()), path(lower), path(upper))


def _near_crossings(
    path: RegularizationPath, search: Search, share: Array, jumps: list[tuple[int, int]], touched: list[tuple[int, int]]
) -> Iterator[NearCrossing]:
    """Narrow minima outside of jumps, one where a tie is touched."""
    t, spans = search.t, [*jumps, *touched]
    minima = [(i, j) for i, j in search.minima.tolist() if not any(t[a] <= t[i] and t[j] <= t[b] for a, b in spans)]
    for a, b in sorted([*minima, *touched], key=lambda ends: t[ends[0]]):
        nodes = search.inside(a, b)
        least = int(nodes[share[nodes].argmin()])
        if share[least] < NARROW:
            yield NearCrossing(search.strength(t[least]), float(share[least]), _slope(path, search, share, least))


def _slope(path: RegularizationPath, search: Search, share: Array, node: int) -> float:
    """‖dW/d log λ‖ at a node; at the nearest one where the gap is enough for it if the tie is exact."""
    clear = np.isfinite(search.t) & (search.cuts.gap > search.branches.noise)
    if not (search.decided & clear)[node]:
        wide = np.flatnonzero((share > TOUCHED) & clear)
        if not len(wide):
            return math.inf
        node = int(wide[np.abs(search.t[wide] - search.t[node]).argmin()])
    strength = search.strength(search.t[node])
    return strength * float(np.linalg.norm(path.derivative(strength)))
