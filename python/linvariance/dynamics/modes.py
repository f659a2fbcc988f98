"""When gradient flow learns each mode of the data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from ..arrays import Array, integer, real
from ..landscape.points import check_problem
from ..landscape.saddles import correlation
from ..objectives.spectra import decide_rank, svd, tolerance
from ..problems import Problem
from ..tables import Columns, Table, Tabular
from ..training.trace import Trace
from .flow import Flow
from .runs import Epochs, states


@dataclass(frozen=True, eq=False)
class TimeScales(Tabular):
    """When gradient flow learns each mode; see `time_scales`. Arrays are (k,), strongest correlation first.

    Attributes:
        depth: L.
        scale: initial singular value of every layer.
        correlations: s, singular values of C'.
        curvatures: a = vᵀS'v for the right singular vectors v of C'.
        limits: s/a, what each mode becomes.
        half_times: when it is half of that; 0 if it begins above.
        invariant: ‖Π v‖², Π the orthogonal projection on the invariants: 1 for modes of the invariant block, 0 for
            those of the other.
        misfit: ‖S'v - a v‖ over all modes, relative to ‖S'‖ (of wide data under a penalty, to a
            bound on it): 0 where the prediction is exact.
    """

    depth: int
    scale: float
    correlations: Array
    curvatures: Array
    limits: Array
    half_times: Array
    invariant: Array
    misfit: float
    _problem: Problem = field(repr=False)
    _modes: tuple[Array, Array] = field(repr=False)  # U (dL, k) and V (dim, k)

    def measured(self, trace: Trace | Flow) -> Array:
        """When uᵀWv first reaches half its limit in a run, between recorded states linearly; NaN if it never does.

        In epochs for a Trace (times the learning rate: in time), in time for a Flow.
        """
        epochs, maps = states(self._problem, trace)
        U, V = self._modes
        strengths = np.einsum("tik,ki->ti", U.T @ maps, V) - self.limits / 2
        return np.array([_crossing(epochs, one) for one in strengths.T])

    def _columns(self) -> Columns:
        names = ("correlations", "curvatures", "limits", "half_times", "invariant")
        return {"mode": np.arange(len(self.limits)), **{name: getattr(self, name) for name in names}}

    def _table(self) -> Table:
        rows = zip(self.correlations, self.limits, self.half_times, self.invariant, strict=True)
        columns = ["mode", "correlation", "limit", "half time", "invariant"]
        head = f"TimeScales of {self.depth} layers from {self.scale:g}"
        return Table(head, columns, [[k, *row] for k, row in enumerate(rows)], f"misfit {self.misfit:.1e}")

    def __str__(self) -> str:
        return str(replace(self._table(), head=""))


def time_scales(problem: Problem, scale: float, *, depth: int = 2) -> TimeScales:
    """Half times of the modes uᵀWv of C' = Σ s u vᵀ under gradient flow from a small balanced, aligned network.

    Saxe, McClelland and Ganguli (2014). Let all layers of W_L ... W_1 begin with the singular values `scale` along the
    modes, and let each v be an eigenvector of S', S'v = a v. Then the modes never mix, and w = u^(1/L) obeys
    dw/dt = 2 w^(L-1) (s - a w^L): for L = 2, du/dt = 4u(s - a u), with half time log(s/(a u(0)) - 1)/(4s).
    The second assumption holds for S' = a I, or if S' is a on the invariant and b on the other directions and C'ᵀC'
    commutes with Π: then the block of the larger correlation is learned first, and a penalty, which raises only b,
    lowers what the other block becomes (hardly its time).

    The network has room for the first min(r, rank C') modes, those listed. Outside of the assumptions it is an
    estimate: for s = 3, 2, 1 on five inputs, S' of condition 1 or 10 and weights from `init.balanced` or
    `init.gaussian`, 320 runs of two layers took 0.45 to 2.2 times as long (nine of ten 0.7 to 1.4), 160 runs of three
    layers 0.2 to 8 or longer.

    Args:
        problem: any problem with moments; regularized with strength=0 for the blocks of an unconstrained one.
        scale: positive; for `init.balanced(scale)` the same.
        depth: L, at least 1.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.sqrt(2) * np.diag([3.0, 1.0]))
    >>> print(time_scales(lv.unconstrained(m, rank=2), 0.01))
    mode   correlation       limit   half time   invariant
    0                3           3      0.8591           1
    1                1           1       2.303           1
    misfit ...
    """
    check_problem(problem)
    scale, depth = real(scale, "scale", positive=True), integer(depth, "depth")
    C, S = problem.quadratic.cross, problem.quadratic.input_moment
    U, s, Vt = svd(C)
    noise = tolerance(C.shape, correlation(problem))
    k = min(problem.rank, decide_rank(s, C.shape, noise))
    U, s, V = U[:, :k], s[:k], Vt[:k].T
    moved = (V.T @ S).T  # S'V
    a = np.einsum("ik,ik->k", V, moved)
    B = problem.representation.invariant_basis()
    return TimeScales(
        depth=depth,
        scale=scale,
        correlations=s,
        curvatures=a,
        limits=s / a,
        half_times=_half_times(s, a, scale, depth),
        invariant=np.ones(k) if problem.is_hard_wired else np.square(B @ V).sum(axis=0),
        misfit=float(np.linalg.norm(moved - a * V) / problem.quadratic.size) if k else 0.0,
        _problem=problem,
        _modes=(U, V),
    )


def _half_times(s: Array, a: Array, scale: float, depth: int) -> Array:
    """∫ dw / (2 w^(L-1) (s - a w^L)) from w = scale to (s/2a)^(1/L).

    With w = scale·e^y up to y = Δ it is scale^(2-L)/(2s) ∫ e^((2-L)y) / (1 - ½e^(L(y-Δ))) dy, a geometric series in ½.
    """
    span = np.maximum(np.log(s / (2 * a)) / depth - np.log(scale), 0.0)
    rate = 2 - depth
    with np.errstate(over="ignore"):  # beyond 1e308 a time is infinite
        total = span if rate == 0 else np.expm1(rate * span) / rate
        for k in range(1, 55):  # 2^-54 is rounding
            total = total - np.exp(rate * span) * np.expm1(-(rate + k * depth) * span) / (rate + k * depth) / 2**k
        times: Array = np.float64(scale) ** rate / (2 * s) * total
    return times


def _crossing(epochs: Epochs, height: Array) -> float:
    """Where a curve first reaches 0 from below."""
    t = int((height >= 0).argmax())
    if height[t] < 0:
        return math.nan
    if t == 0:
        return float(epochs[0])
    share = -height[t - 1] / (height[t] - height[t - 1])
    return float(epochs[t - 1] + share * (epochs[t] - epochs[t - 1]))
