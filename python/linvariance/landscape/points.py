"""The whole landscape in function space: every critical point, in order of loss.

In whitened coordinates every method's loss is ‖Z - W̃‖² + floor over rank(W̃) <= r. With Z = U Σ Vᵀ and s = rank Z the
critical points on the matrices of rank min(r, s) are U Σ_I Vᵀ, I a set of min(r, s) nonzero singular values
(Duan & Montúfar, Propositions 13 ff., with the count of docs/errata.md). Where singular values are equal, U and V are
any that belong to them: the critical points of q among m equal ones form a Grassmannian G(q, m), see docs/theory.md.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, overload

import numpy as np

from ..arrays import Array, index, instance, integer, refuse_large, written
from ..objectives.spectra import decide_rank, svd
from ..plots import LOOKS, Level, draw, explain, opened
from ..problems import Problem, refuse_without_moments
from ..tables import Columns, Tabular, attributes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LISTED = 1000  # points in a table and in a picture
POINT = 512  # bytes of one, about


@dataclass(frozen=True, eq=False)
class Triples:
    """The singular triples of Z above rounding, and the way back."""

    problem: Problem = field(repr=False)

    @cached_property
    def triples(self) -> tuple[Array, Array, Array]:
        """U (dL, s), σ (s,), Vᵀ (s, k) with s = rank Z."""
        whitened = self.problem.quadratic.whitened
        U, sigma, Vt = svd(whitened.target)
        s = decide_rank(sigma, whitened.shape, whitened.noise)
        return U[:, :s], sigma[:s], Vt[:s]

    def levels(self, rtol: float = 0.0) -> tuple[range, ...]:
        """Numbers of the singular values by groups of equal ones, largest first.

        Equal are those closer than `Whitened.resolution`, or than rtol·σ_1 if that is more; zero, up to rtol·σ_1.
        """
        sigma = self.triples[1]
        small = rtol * float(sigma.max(initial=0.0))
        sigma = sigma[sigma > small]
        close = max(self.problem.quadratic.whitened.resolution, small)
        ends = [0, *(np.flatnonzero(-np.diff(sigma) > close) + 1).tolist(), len(sigma)]
        return tuple(range(a, b) for a, b in itertools.pairwise(ends) if a < b)

    @property
    def values(self) -> Array:
        """σ (s,), tied ones made equal."""
        return np.concatenate([np.zeros(0), *(np.full(len(k), self.triples[1][k.start]) for k in self.levels())])

    @property
    def rank(self) -> int:
        """s, the rank of Z."""
        return len(self.triples[1])


@dataclass(frozen=True, eq=False)
class CriticalPoint:
    """W̃ = U Σ_I Vᵀ and the weights that belong to it; if singular values are tied, one point of a critical manifold.

    Attributes:
        subset: I, numbers of the selected singular values from 0, ascending. Of equal ones the first stand for any:
            how many are selected tells one manifold from another.
        loss: floor plus the squares of those not selected.
        index: Morse index in function space, #{(i, j): i in I, j not in I, σ_j > σ_i}; modulo null(S').
        kind: "global minimum" or "strict saddle"; "saddle" for points of lower rank, which are critical in parameter
            space only (`classify` tells whether a network there is a strict one).
        dimension: of the manifold of critical points through this one, Σ q(m - q) over values of multiplicity m of
            which q are selected: a product of Grassmannians G(q, m) of one loss, index and kind. It is the nullity of
            the Hessian in function space too (Morse-Bott). 0 for an isolated point.
    """

    subset: tuple[int, ...]
    loss: float
    index: int
    kind: str
    dimension: int
    _spectrum: Triples = field(repr=False)

    @property
    def isolated(self) -> bool:
        """Whether no other critical point of this rank is near: not if I takes some but not all of equal values."""
        return self.dimension == 0

    @cached_property
    def restricted(self) -> Array:
        """V (dL, dim), where the problem's loss lives."""
        return self._target @ self._spectrum.problem.quadratic.whitened.back

    @property
    def weights(self) -> Array:
        """W (dL, d0)."""
        return self._spectrum.problem.lift(self.restricted)

    @cached_property
    def spectrum(self) -> Array:
        """Eigenvalues of the Hessian of ½‖Z - W̃‖² on the tangent space of the matrices of this rank, ascending.

        They are 1 ± σ_j/σ_i for i in I, j not in I (exactly 0 along a critical manifold), and 1 for all other
        directions; of an augmented problem, those among invariant matrices (1 for the others too).
        """
        sigma = self._spectrum.values
        chosen, rest = sigma[list(self.subset)], np.delete(sigma, list(self.subset))
        pairs = np.divide.outer(rest, chosen).ravel()
        outputs, inputs = self._spectrum.problem.quadratic.whitened.shape
        size = len(chosen) * (outputs + inputs - len(chosen))
        return np.sort(np.concatenate([1 - pairs, 1 + pairs, np.ones(size - 2 * len(pairs))]))

    @property
    def escape_direction(self) -> Array | None:
        """Direction (dL, d0) of the steepest descent of second order, u_j v_iᵀ + u_i v_jᵀ; None if there is none.

        Of all pairs its σ_j/σ_i is the largest, so that it is no tied one if the index is not 0.
        """
        U, sigma, Vt = self._spectrum.triples
        others = [j for j in range(len(sigma)) if j not in self.subset]
        if self.index == 0:
            return None
        i, j = max(self.subset), min(others)
        tangent = np.outer(U[:, j], Vt[i]) + np.outer(U[:, i], Vt[j])
        problem = self._spectrum.problem
        return problem.lift(tangent @ problem.quadratic.whitened.back)

    def parameter_index(self, hidden: int) -> int:
        """Morse index of a two-layer network at this point: the index here + (h - |I|)·rank(Z - W̃)."""
        rest = self._spectrum.rank - len(self.subset)
        return self.index + (integer(hidden, "hidden", minimum=len(self.subset)) - len(self.subset)) * rest

    @property
    def _target(self) -> Array:
        U, sigma, Vt = self._spectrum.triples
        chosen = list(self.subset)
        return (U[:, chosen] * sigma[chosen]) @ Vt[chosen]


class CriticalPoints(Tabular):
    """Critical points by increasing loss, made one by one: `count` is exact however large.

    Where singular values are equal the critical points form manifolds, and each of these is listed once, by one of its
    points (`CriticalPoint.dimension`). Equal means closer than 64·max(shape)·eps·‖targets‖·cond(root of S'), or than
    √eps·‖targets‖ if that is less: what the rounding of data leaves.

    Attributes:
        count: exact number of manifolds, isolated points included: the ways to say how many of each group of equal
            singular values are selected. Σ C(s, size) over the sizes of the subsets if all are distinct.
        ties: the groups of at least two equal singular values.

    As a table, and drawn, it is the 1000 points of least loss.
    """

    def __init__(self, problem: Problem, sizes: Sequence[int]) -> None:
        self._spectrum, self._sizes = Triples(problem), tuple(sizes)
        self._levels = self._spectrum.levels()
        self._found: list[CriticalPoint] = []
        self._source = self._generate()

    @cached_property
    def count(self) -> int:
        """Exact, also beyond what len() can say."""
        tied = [1]  # coefficients of the product of 1 + x + ... + x^m over the ties
        for tie in self.ties:
            tied = [sum(tied[max(k - len(tie), 0) : k + 1]) for k in range(len(tied) + len(tie))]
        single = len(self._levels) - len(self.ties)
        return sum(ways * math.comb(single, n - k) for n in self._sizes for k, ways in enumerate(tied[: n + 1]))

    @property
    def ties(self) -> tuple[tuple[int, ...], ...]:
        """Groups of at least two singular values that are equal up to rounding."""
        return tuple(tuple(level) for level in self._levels if len(level) > 1)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Losses over Morse indices; draws into `ax` if given, and returns the axes.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data(np.eye(3), np.diag([3.0, 2.0, 1.0]))
        >>> axes = lv.critical_points(lv.unconstrained(m, rank=1)).plot()
        >>> [text.get_text() for text in axes.get_legend().get_texts()]
        ['global minimum', 'strict saddle', 'least loss without a rank bound']
        """
        from matplotlib.ticker import MaxNLocator

        axes, points = opened(ax), self[: min(LISTED, self.count)]
        for kind, look in zip(dict.fromkeys(point.kind for point in points), LOOKS[1:], strict=False):
            alike = attributes([point for point in points if point.kind == kind], ("index", "loss"))
            axes.plot(*alike.values(), look.marker, color=look.colour, alpha=0.7, label=kind)
        floor = self._spectrum.problem.quadratic.whitened.floor
        draw(axes, [], [Level(floor, LOOKS[0], "least loss without a rank bound")])
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        shown = f"the {len(points):,} lowest of {self.count:,}" if len(points) < self.count else f"all {self.count:,}"
        explain(axes, "Morse index", "loss", f"{shown} critical points")
        axes.legend(frameon=False)
        return axes

    def _columns(self) -> Columns:
        return attributes(self[: min(LISTED, self.count)], ("subset", "loss", "index", "kind", "dimension"))

    def __len__(self) -> int:  # list() asks first
        refuse_large(POINT * self.count, f"A list of all {self}", "look at .count, iterate, or take a slice")
        return self.count

    def __iter__(self) -> Iterator[CriticalPoint]:
        k = 0
        while self._reach(k):
            yield self._found[k]
            k += 1

    @overload
    def __getitem__(self, k: int) -> CriticalPoint: ...
    @overload
    def __getitem__(self, k: slice) -> list[CriticalPoint]: ...
    def __getitem__(self, k: int | slice) -> CriticalPoint | list[CriticalPoint]:
        if isinstance(k, slice):
            wanted = range(*k.indices(self.count))
            many = max((*wanted[:1], *wanted[-1:], 0)) + 1
            refuse_large(POINT * many, f"A list of {written(many)} points", "take a slice that ends earlier")
            return [self[i] for i in wanted]
        k = index(k, "k")
        place = k + self.count if k < 0 else k
        if not (0 <= place < self.count and self._reach(place)):
            raise IndexError(f"There is no critical point {written(k)}: there are {written(self.count)}.")
        return self._found[place]

    def __repr__(self) -> str:
        what = "critical manifolds and points" if self.ties else "critical points"
        return f"<{self.count:,} {what} of {self._spectrum.problem.method}, by increasing loss>"

    def _reach(self, k: int) -> bool:
        while len(self._found) <= k:
            point = next(self._source, None)
            if point is None:
                return False
            self._found.append(point)
        return True

    def _generate(self) -> Iterator[CriticalPoint]:
        """Best first: a subset's successors move one of its members to the next, smaller value."""
        gains = _Exact(np.square(self._spectrum.triples[1]))
        floor = self._spectrum.problem.quadratic.whitened.floor
        total = sum(gains.units)
        heap = [(total - sum(gains.units[:size]), tuple(range(size))) for size in self._sizes]
        heapq.heapify(heap)
        seen = {subset for _, subset in heap}
        while heap:
            dropped, subset = heapq.heappop(heap)
            yield self._point(subset, floor + gains.value(dropped))
            for i, j, moved in self._moves(subset):
                if moved not in seen:
                    seen.add(moved)
                    heapq.heappush(heap, (dropped + gains.units[i] - gains.units[j], moved))

    def _moves(self, subset: tuple[int, ...]) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """The last one selected of a level, i, makes place for the first that is not of the next one, j."""
        end = 0
        for (level, here), (following, there) in itertools.pairwise(self._counts(subset)):
            end += here
            if here and there < len(following):
                i, j = level.start + here - 1, following.start + there
                yield i, j, (*subset[: end - 1], *subset[end : end + there], j, *subset[end + there :])

    def _counts(self, subset: tuple[int, ...]) -> list[tuple[range, int]]:
        """How many of each level are selected."""
        ends = [bisect.bisect_left(subset, level.stop) for level in self._levels]
        return [(level, b - a) for level, a, b in zip(self._levels, [0, *ends], ends, strict=False)]

    def _point(self, subset: tuple[int, ...], loss: float) -> CriticalPoint:
        index = dimension = larger = 0  # larger: how many of larger value are not selected
        for level, q in self._counts(subset):
            index += q * larger
            larger += len(level) - q
            dimension += q * (len(level) - q)
        full = len(subset) == min(self._spectrum.problem.rank, self._spectrum.rank)
        kind = ("strict saddle" if index else "global minimum") if full else "saddle"
        return CriticalPoint(subset, loss, index, kind, dimension, self._spectrum)


class _Exact:
    """Floats as integers in one unit, so that sums and differences of any of them are exact."""

    def __init__(self, values: Array) -> None:
        fractions, exponents = np.frexp(values)
        self._exponent = int(exponents[values > 0].min(initial=0)) - 53
        self.units = [
            int(math.ldexp(m, 53)) << max(int(e) - 53 - self._exponent, 0)
            for m, e in zip(fractions, exponents, strict=True)
        ]

    def value(self, units: int) -> float:
        """The nearest float."""
        return units / (1 << -self._exponent) if self._exponent < 0 else float(units << self._exponent)


def critical_points(problem: Problem) -> CriticalPoints:
    """All critical points in function space, on the matrices of rank min(r, s), by increasing loss.

    There are C(s, min(r, s)) of them, s = rank Z, if its singular values are distinct; else manifolds of critical
    points, each listed once. They are made as they are asked for, best first.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.sqrt(3) * np.eye(3), np.sqrt(3) * np.diag([3.0, 2.0, 1.0]))
    >>> c = critical_points(lv.unconstrained(m, rank=1))
    >>> c.count, [(round(point.loss, 12), point.index, point.kind) for point in c]
    (3, [(5.0, 0, 'global minimum'), (10.0, 1, 'strict saddle'), (13.0, 2, 'strict saddle')])
    >>> m = lv.Moments.from_data(np.sqrt(3) * np.eye(3), np.sqrt(3) * np.diag([2.0, 2.0, 1.0]))
    >>> c = critical_points(lv.unconstrained(m, rank=1))  # a circle of minima, one saddle
    >>> c, [(point.subset, point.dimension) for point in c]
    (<2 critical manifolds and points of unconstrained, by increasing loss>, [((0,), 1), ((2,), 0)])
    """
    check_problem(problem)
    return CriticalPoints(problem, [min(problem.rank, Triples(problem).rank)])


def lower_rank_points(problem: Problem) -> CriticalPoints:
    """Points of rank below min(r, s) that are critical in parameter space only, by increasing loss.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.sqrt(3) * np.eye(3), np.sqrt(3) * np.diag([3.0, 2.0, 1.0]))
    >>> [point.subset for point in lower_rank_points(lv.unconstrained(m, rank=2))]
    [(0,), (1,), (2,), ()]
    """
    check_problem(problem)
    return CriticalPoints(problem, range(min(problem.rank, Triples(problem).rank)))


def check_problem(problem: Problem) -> None:
    """The gate for problems that have a whitened target."""
    instance(problem, Problem, "problem", "pose one with hard_wired, augmented, regularized or unconstrained")
    refuse_without_moments(problem)
