"""The critical points a run passes by, and how long it stays near each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..arrays import Array
from ..landscape.points import Triples, check_problem
from ..problems import Problem
from ..tables import Columns, Table, Tabular, attributes
from ..training.trace import Trace
from .flow import Flow
from .runs import Epochs, states

Subsets = tuple[tuple[int, ...], ...]

NEAR = 0.1  # of ‖Z‖: see `visits`


@dataclass(frozen=True)
class Stay:
    """A maximal interval in which a run is near one critical point.

    Attributes:
        subset: numbers of its singular values, from 0; () is the origin. Of equal ones the first stand for any.
        entered, left: the first and the last recorded epoch (or time) of the interval.
        closest: least distance, relative to ‖Z‖.
    """

    subset: tuple[int, ...]
    entered: float
    left: float
    closest: float


@dataclass(frozen=True, eq=False)
class Visits(Tabular):
    """Which critical points a run passes by.

    Attributes:
        epochs: (T,), the epochs of a Trace or the times of a Flow.
        distance: (T,), to the nearest critical point in the metric of `visits`, relative to ‖Z‖.
        loss: (T,).
        subsets: the singular values of that point, one tuple for each state.
        stays: the intervals in which the distance is below a tenth of ‖Z‖.
    """

    epochs: Epochs
    distance: Array
    loss: Array
    subsets: Subsets
    stays: tuple[Stay, ...]

    def __repr__(self) -> str:
        way = " -> ".join(str(stay.subset) for stay in self.stays) or "near none"
        return f"Visits({way}; {len(self.epochs)} states up to {self.epochs[-1]:g})"

    def _columns(self) -> Columns:
        return attributes(self.stays, ("subset", "entered", "left", "closest"))

    def _table(self) -> Table:
        rows = [[str(s.subset), f"{s.entered:g}", f"{s.left:g}", f"{s.closest:.1e}"] for s in self.stays]
        return Table(repr(self), ["critical point", "entered", "left", "closest"], rows)

    def __str__(self) -> str:
        return str(replace(self._table(), head=""))


def visits(problem: Problem, trace: Trace | Flow) -> Visits:
    """The nearest critical point at each state of a run, those of lower rank and the origin included.

    The metric is that of the loss, ‖W - W*‖² = tr((W - W*) S' (W - W*)ᵀ) = ‖W̃ - W̃*‖²: what no loss sees, null(S'), does
    not count, and the part of W⊥ that augmented data see does. Critical points are U Σ_I Vᵀ, |I| <= min(r, rank Z);
    ‖W̃ - U Σ_I Vᵀ‖² = ‖W̃‖² - Σ_I σ_i(2 (UᵀW̃V)_ii - σ_i) is a sum, so the nearest one takes the largest positive terms,
    at most r of them: no enumeration. Of equal singular values U, V are turned to the nearest point of the critical
    manifold: an eigenbasis of the symmetric part of their block of UᵀW̃V.

    A stay is an interval with one nearest point, closer than ‖Z‖/10. From a small initialization the plateaus come far
    closer, and a passage that changes the point by σ_j is at least σ_j/2 away in the middle: stays are apart for modes
    of more than ‖Z‖/5, and touch for smaller ones.

    Args:
        problem: that of the run.
        trace: of a single run, trained with `Record(networks=True)` or `Record(weights=True)`, or a Flow.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.sqrt(2) * np.diag([3.0, 1.0]))
    >>> p = lv.unconstrained(m, rank=2)
    >>> t = lv.train(p, optimizer=lv.GradientDescent(0.05), epochs=400, init=lv.init.gaussian(1e-3),
    ...              record=lv.Record(networks=True))
    >>> visits(p, t)
    Visits(() -> (0,) -> (0, 1); 41 states up to 400)
    """
    check_problem(problem)
    epochs, maps = states(problem, trace)
    source, A = Triples(problem), problem.quadratic.rows.A
    U, sigma, Vt = source.triples
    if not len(sigma):
        raise ValueError("problem has the target Z = 0: the origin is its only critical point, so nothing is visited.")
    right = A @ (Vt @ problem.quadratic.whitened.back).T  # (k, s), orthonormal: the metric's root is A
    inner = maps @ A.T  # W̃ (T, dL, k)
    overlap, turn = _overlaps(U.T @ inner @ right, source.levels())
    chosen = _nearest(source.values, overlap, problem.rank)
    points = (U @ turn * (chosen * sigma)[:, None, :]) @ (right @ turn).swapaxes(1, 2)
    distance = np.linalg.norm(inner - points, axis=(1, 2)) / np.linalg.norm(sigma)
    subsets = tuple(tuple(np.flatnonzero(row).tolist()) for row in chosen)
    return Visits(epochs, distance, trace.loss, subsets, _stays(epochs, distance, subsets))


def _overlaps(blocks: Array, levels: Sequence[range]) -> tuple[Array, Array]:
    """Of UᵀW̃V (T, s, s) the diagonal (T, s), largest first on a level, in the basis of U, V that turns (T, s, s) to it.

    On the Grassmannian of a level tr(P UᵀW̃V) is largest for leading eigenvectors of the symmetric part.
    """
    overlap, turn = np.zeros(blocks.shape[:2]), np.zeros(blocks.shape)
    for level in levels:
        at = slice(level.start, level.stop)
        block = blocks[:, at, at]
        values, vectors = np.linalg.eigh((block + block.swapaxes(1, 2)) / 2)
        overlap[:, at], turn[:, at, at] = values[:, ::-1], vectors[:, :, ::-1]
    return overlap, turn


def _nearest(sigma: Array, overlap: Array, rank: int) -> npt.NDArray[np.bool_]:
    """Of overlaps (UᵀW̃V)_ii (T, s), which singular values lower ‖W̃ - U Σ_I Vᵀ‖² most: (T, s), at most `rank` a row."""
    gain = sigma * (2 * overlap - sigma)
    places = np.argsort(np.argsort(-gain, axis=1, kind="stable"), axis=1)
    chosen: npt.NDArray[np.bool_] = (gain > 0) & (places < rank)
    return chosen


def _stays(epochs: Epochs, distance: Array, subsets: Subsets) -> tuple[Stay, ...]:
    found = []
    for subset, group in itertools.groupby(range(len(epochs)), lambda t: subsets[t] if distance[t] < NEAR else None):
        inside = list(group)
        if subset is not None:
            entered, left = epochs[inside[0]].item(), epochs[inside[-1]].item()
            found.append(Stay(subset, entered, left, float(distance[inside].min())))
    return tuple(found)
