"""Which rank do the data support: every rank by its exact degrees of freedom."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import instance
from ..data.moments import Moments
from ..optima import solve
from ..plots import LOOKS, explain, opened
from ..problems import Problem
from ..tables import Columns, Table, Tabular, attributes
from .folds import mean_square
from .freedom import degrees_of_freedom, generalized_cross_validation, with_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CRITERIA = {"gcv": "GCV", "aic": "AIC", "bic": "BIC"}
NOT_COUNTED = "The search over ranks adds degrees of freedom that are not counted."


@dataclass(frozen=True)
class RankScore:
    """One rank bound.

    Attributes:
        rank: r; 0 is W = 0.
        loss: that of the problem, penalties included.
        mean_square: ‖WX - Y‖²/(n·dL) (in a metric: of the residuals in it).
        freedom: exact degrees of freedom; infinite where σ_r = σ_{r+1}.
        gcv: generalized cross-validation.
        aic, bic: n·dL·log(mean_square) + 2·freedom, and + log(n·dL)·freedom; infinite where freedom is not below n·dL.
            In these, and in gcv, the mean of centred Moments takes dL degrees of freedom more.
    """

    rank: int
    loss: float
    mean_square: float
    freedom: float
    gcv: float
    aic: float
    bic: float


COLUMNS = tuple(f.name for f in fields(RankScore))


@dataclass(frozen=True, eq=False)
class RankSelection(Tabular):
    """What `select_rank` found: a score for every rank from 0; what it costs to search over them is not counted.

    As a table it has one row a rank, with the attributes of `RankScore`.
    """

    scores: tuple[RankScore, ...]
    method: str
    n: float

    @property
    def best(self) -> RankScore:
        """That of the least GCV.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data(np.tile(np.eye(3), (9, 1)), np.tile(np.diag([4.0, 2.0, 0.0]), (9, 1)))
        >>> select_rank(lv.unconstrained(m, rank=2)).best.rank
        2
        """
        return self.best_by("gcv")

    def best_by(self, criterion: str) -> RankScore:
        """The score of the least "gcv", "aic" or "bic"; of equal ones, that of the smaller rank.

        >>> import linvariance as lv
        >>> rng = np.random.default_rng(0)
        >>> X, noise = rng.standard_normal((50, 3)), rng.standard_normal((50, 3))
        >>> found = select_rank(lv.unconstrained(lv.Moments.from_data(X, X @ np.ones((3, 3)) + noise), rank=3))
        >>> [found.best_by(criterion).rank for criterion in ("aic", "bic")]
        [1, 1]
        """
        if not isinstance(criterion, str) or criterion not in CRITERIA:
            raise ValueError(f"criterion must be one of {', '.join(CRITERIA)}, but is {criterion!r:.60}.")
        return min(self.scores, key=lambda score: getattr(score, criterion))

    def _columns(self) -> Columns:
        return attributes(self.scores, COLUMNS)

    def plot(self, ax: Axes | None = None) -> Axes:
        """The mean square and GCV over ranks; draws into `ax` if given, and returns the axes.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data(np.tile(np.eye(3), (9, 1)), np.tile(np.diag([4.0, 2.0, 0.0]), (9, 1)))
        >>> select_rank(lv.unconstrained(m, rank=2)).plot().get_xlabel()
        'rank'
        """
        from matplotlib.ticker import MaxNLocator

        axes = opened(ax)
        ranks = np.array([score.rank for score in self.scores])
        for name, label, look in (("gcv", "GCV", LOOKS[2]), ("mean_square", "mean square of residuals", LOOKS[1])):
            values = np.array([getattr(score, name) for score in self.scores])
            axes.plot(
                ranks, np.where(np.isfinite(values), values, np.nan), color=look.colour, marker=look.marker, label=label
            )
        axes.axvline(
            self.best.rank, color="#555555", linestyle=":", linewidth=1.2, label=f"least GCV: rank {self.best.rank}"
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0)
        explain(axes, "rank", "squared error per output")
        axes.legend(frameon=False)
        return axes

    def _table(self) -> Table:
        best = ", ".join(f"{label} takes rank {self.best_by(name).rank}" for name, label in CRITERIA.items())
        rows = list(zip(*self._columns().values(), strict=True))
        columns = ["rank", "loss", "mean square", "df", "GCV", "AIC", "BIC"]
        return Table(f"RankSelection of {self.method} (n = {self.n:g}): {best}", columns, rows, NOT_COUNTED)

    def __repr__(self) -> str:
        return str(self._table())


def select_rank(problem: Problem) -> RankSelection:
    """Scores every rank from 0 to the problem's own bound by exact degrees of freedom.

    For invariant problems on Moments, with or without ridge, penalty and metric. Degrees of freedom hold for a rank
    fixed beforehand; those of the search are not counted, so that near-ties favour ranks that are too large.

    >>> import linvariance as lv
    >>> rng = np.random.default_rng(0)
    >>> X, W = rng.standard_normal((200, 6)), np.outer([1.0, 1.0, -1.0, 1.0], np.ones(6))
    >>> m = lv.Moments.from_data(X, X @ W.T + rng.standard_normal((200, 4)))
    >>> found = select_rank(lv.unconstrained(m, rank=4))
    >>> [score.rank for score in found.scores], found.best_by("bic").rank
    ([0, 1, 2, 3, 4], 1)
    """
    instance(problem, Problem, "problem", "pose one with hard_wired, augmented, regularized or unconstrained")
    degrees_of_freedom(problem)  # refuses what it is not known for, Samples too
    assert isinstance(problem.data, Moments)
    data = problem.data if problem.inner is None else problem.data.in_metric(problem.inner)
    if data.yy == 0:
        raise ValueError("problem has targets Y that are zero everywhere: every rank fits them, and none is best.")
    largest = min(problem.rank, problem.target.shape[1], problem.outputs)
    scores = [_score(replace(problem, rank=r), data) for r in range(1, largest + 1)]
    nothing = _scored(0, problem.quadratic.constant, data.yy / data.outputs, 0.0, data)
    return RankSelection((nothing, *scores), problem.method, data.n)


def _score(problem: Problem, data: Moments) -> RankScore:
    found = solve(problem)
    W = found.weights if problem.inner is None else problem.inner.root @ found.weights
    return _scored(problem.rank, found.loss, mean_square(W, data), degrees_of_freedom(problem), data)


def _scored(rank: int, loss: float, squares: float, freedom: float, data: Moments) -> RankScore:
    size, taken = data.n * data.outputs, with_mean(freedom, data)
    if taken >= size:
        return RankScore(rank, loss, squares, freedom, math.inf, math.inf, math.inf)
    fit = size * math.log(squares) if squares else -math.inf
    gcv = generalized_cross_validation(squares, freedom, data)
    return RankScore(rank, loss, squares, freedom, gcv, fit + 2 * taken, fit + math.log(size) * taken)
