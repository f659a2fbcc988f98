"""Which symmetry do the data support: candidates ranked by exact evidence, beside cross-validation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..arrays import Array, fraction, instance, listed, real, some
from ..data.moments import Moments
from ..groups import Representation, trivial
from ..optima import solve
from ..plots import LOOKS, explain, opened
from ..problems import check_pose
from ..tables import Columns, Table, Tabular, attributes
from .evidence import Evidence, Level, Scales, implied_strength, posterior_mean
from .folds import Folds, averaged, folds_of, mean_square
from .freedom import degrees_of_freedom, generalized_cross_validation, leave_one_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NONE = "none"
CRITERIA = ("log_evidence", "gcv", "loo", "cv")
Candidates = Mapping[str, Representation] | Sequence[Representation]


@dataclass(frozen=True)
class SymmetryScore:
    """One candidate at one softness.

    Attributes:
        name: of the candidate.
        softness: η: 0 for a hard symmetry, 1 for none.
        invariants: d, the dimension of its invariants.
        log_evidence: log p(Y|X), natural logarithm.
        log_bayes_best: log evidence less that of the best: at most 0.
        log_bayes_none: log evidence less that of no symmetry.
        noise: s², the variance of the noise that the evidence found, or was given.
        precision: α, one over the prior variance of a weight.
        ridge, strength: of (1/n)‖WX - Y‖² + ridge·‖W‖² + strength·‖W(I - Π)‖², whose optimum is the posterior mean;
            infinite strength is hard_wired.
        freedom: degrees of freedom of that optimum, over all outputs.
        gcv: generalized cross-validation, an estimate of the squared error of a new target, per output.
        loo: leave-one-out at this ridge; None without rows.
        cv: K-fold cross-validation, the ridge chosen anew by the evidence without the fold; None without rows.
        cv_error: its standard error, from how folds differ.
        representation: the candidate.
    """

    name: str
    softness: float
    invariants: int
    log_evidence: float
    log_bayes_best: float
    log_bayes_none: float
    noise: float
    precision: float
    ridge: float
    strength: float
    freedom: float
    gcv: float
    loo: float | None
    cv: float | None
    cv_error: float | None
    representation: Representation = field(repr=False)

    @property
    def label(self) -> str:
        """Its name, and its softness unless it is hard or none."""
        return self.name if self.softness in (0, 1) else f"{self.name}, η = {self.softness:g}"


COLUMNS = tuple(f.name for f in fields(SymmetryScore) if f.name != "representation")


@dataclass(frozen=True, eq=False)
class SymmetrySelection(Tabular):
    """What `select_symmetry` found: the scores, by falling evidence.

    As a table it has one row a score, with the attributes of `SymmetryScore`.
    """

    scores: tuple[SymmetryScore, ...]
    n: float

    @property
    def best(self) -> SymmetryScore:
        """The score of the largest evidence; of equal ones, that of the fewest invariants.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data(np.eye(4), [1.0, 2.0, 1.0, 2.0])
        >>> found = select_symmetry(m, candidates={"by two": lv.groups.permutations([[2, 3, 0, 1]])}, noise=0.1)
        >>> found.best.name, found.best.invariants, found.best.strength
        ('by two', 2, inf)
        """
        return self.scores[0]

    def best_by(self, criterion: str) -> SymmetryScore:
        """The best by "log_evidence", "gcv", "loo" or "cv"; of equal ones, that of larger evidence.

        >>> import linvariance as lv
        >>> X = np.random.default_rng(0).standard_normal((30, 4))
        >>> select_symmetry(X, X[:, 0], lv.groups.cyclic(4)).best_by("loo").name
        'none'
        """
        if not isinstance(criterion, str) or criterion not in CRITERIA:
            raise ValueError(f"criterion must be one of {', '.join(CRITERIA)}, but is {criterion!r:.60}.")
        values = [getattr(score, criterion) for score in self.scores]
        if None in values:
            raise ValueError(
                f"criterion {criterion!r} needs rows: call select_symmetry with X and Y, not with Moments."
            )
        return self.scores[int(np.argmax(values) if criterion == "log_evidence" else np.argmin(values))]

    def __getitem__(self, name: str) -> SymmetryScore:
        """The best score of the candidate with this name."""
        for score in self.scores:
            if score.name == name:
                return score
        known = some(sorted({score.name for score in self.scores}))
        raise KeyError(f"no candidate is named {name!r:.60}: there are {known}.")

    def _columns(self) -> Columns:
        return attributes(self.scores, COLUMNS)

    def plot(self, ax: Axes | None = None) -> Axes:
        r"""Log Bayes factors against no symmetry, best on top; draws into `ax` if given, and returns the axes.

        >>> import linvariance as lv
        >>> found = select_symmetry(lv.Moments.from_data(np.eye(4), np.ones(4)), candidates=lv.groups.cyclic(4))
        >>> found.plot().get_xlabel()  # .figure.savefig("symmetry.png")
        'log Bayes factor against no symmetry\n(dotted: 10 to 1)'
        """
        axes = opened(ax, (6.4, 1.2 + 0.42 * len(self.scores)))
        values = np.array([score.log_bayes_none for score in self.scores])
        where = np.arange(len(values))[::-1]
        bars = axes.barh(where, values, height=0.55, color=[LOOKS[2 if v >= 0 else 1].colour for v in values])
        axes.bar_label(bars, fmt="%.1f", padding=4)
        axes.margins(x=0.18)
        axes.grid(visible=False, axis="y")
        axes.set_yticks(where, [score.label for score in self.scores])
        axes.axvline(0.0, color="#555555", linewidth=1.0)
        for edge in (-math.log(10), math.log(10)):
            axes.axvline(edge, color="#555555", linestyle=":", linewidth=1.1)
        explain(axes, "log Bayes factor against no symmetry\n(dotted: 10 to 1)", "")
        return axes

    def _table(self) -> Table:
        columns = ["symmetry", "invariants", "log evidence", "vs best", "vs none", "noise", "ridge", "strength", "GCV"]
        names = ["noise", "ridge", "strength", "gcv"]
        if self.best.cv is not None:
            columns, names = [*columns, "LOO", "CV"], [*names, "loo", "cv"]
        rows = [[*_evidence(score), *(getattr(score, name) for name in names)] for score in self.scores]
        head = f"SymmetrySelection: {self.best.label} has the largest evidence (n = {self.n:g}; log Bayes factors)"
        return Table(head, columns, rows)

    def __repr__(self) -> str:
        return str(self._table())


def _evidence(score: SymmetryScore) -> list[object]:
    logs = (score.log_evidence, score.log_bayes_best, score.log_bayes_none)
    return [score.label, score.invariants, *(f"{value:.1f}" for value in logs)]


def select_symmetry(
    X: npt.ArrayLike | Moments,
    Y: npt.ArrayLike | None = None,
    candidates: Candidates = (),
    *,
    softness: Sequence[float] = (0.0,),
    noise: float | None = None,
    precision: float | None = None,
    folds: int = 5,
    seed: int = 0,
) -> SymmetrySelection:
    """Ranks groups, and how softly they hold, by the exact evidence of a Gaussian prior, and by cross-validation.

    Rows of W ~ N(0, α⁻¹(Π + η(I - Π))), noise of variance s²: η = 0 is a hard symmetry, η = 1 none. "none" is always
    among the candidates. No rank bound; no intercept: if there is one, pass `moments.centered()`, where the mean
    counts as a degree of freedom. Rows centred beforehand pass for one sample more than they are worth; no more than
    d0 + 1 of them look free of noise.

    Args:
        X: rows (n, d0), or Moments, which do not suffice for leave-one-out and cross-validation.
        Y: targets (n, dL) or (n,); left out with Moments.
        candidates: orthogonal Representations, listed or by name; see `groups.subgroups`.
        softness: values of η in [0, 1) to try for every candidate; η = 1 is "none".
        noise: s² where it is known; else each score has the one that maximizes its evidence.
        precision: α, likewise.
        folds: parts of the cross-validation, exact, from moments that are merged over folds.
        seed: of the shuffling before rows are dealt into folds.

    Raises:
        TypeError, ValueError: naming the argument; also for groups that are not orthogonal, where the prior is not the
            one above.

    >>> import linvariance as lv
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 4))
    >>> Y = X.sum(axis=1) + rng.standard_normal(60)  # all coordinates count the same
    >>> found = select_symmetry(X, Y, {"S4": lv.groups.symmetric(4), "swap": lv.groups.permutations([[1, 0, 2, 3]])})
    >>> [score.name for score in found.scores], found.best_by("cv").name
    (['S4', 'swap', 'none'], 'S4')
    """
    data = folds_of(X, Y, folds, seed)
    groups = _candidates(candidates, data.whole)
    etas = _softness(softness)
    scales = Scales(
        None if noise is None else real(noise, "noise", positive=True),
        None if precision is None else real(precision, "precision", positive=True),
    )
    if scales.noise is None and data.whole.yy == 0:
        raise ValueError("Y is zero everywhere: its noise cannot be found, and no symmetry is better. Pass noise.")
    found = [score for name, rep in groups.items() for score in _scores(name, rep, etas, data, scales)]
    best = max(score["log_evidence"] for score in found)
    none = next(score["log_evidence"] for score in found if score["softness"] == 1)
    scores = [
        SymmetryScore(log_bayes_best=s["log_evidence"] - best, log_bayes_none=s["log_evidence"] - none, **s)
        for s in found
    ]
    return SymmetrySelection(
        tuple(sorted(scores, key=lambda score: (-score.log_evidence, score.invariants))), data.whole.n
    )


def _scores(
    name: str, rep: Representation, softness: Sequence[float], data: Folds, scales: Scales
) -> list[dict[str, Any]]:
    """All scores of a candidate but the Bayes factors; one that leaves everything invariant is no symmetry, η = 1."""
    is_none = rep.invariants.shape[0] == rep.dim
    etas = (0.0,) if is_none else softness
    levels, validated = Evidence(data.whole, rep).best(etas, scales), _validated(rep, etas, data, scales)
    return [
        _score(name, rep, level, data, is_none) | {"cv": cv, "cv_error": error}
        for level, (cv, error) in zip(levels, validated, strict=True)
    ]


def _score(name: str, rep: Representation, level: Level, data: Folds, is_none: bool) -> dict[str, Any]:
    problem = posterior_mean(data.whole, rep, level.softness, level.beta)
    W = solve(problem).weights
    freedom = degrees_of_freedom(problem)
    return {
        "name": name,
        "softness": 1.0 if is_none else level.softness,
        "invariants": rep.invariants.shape[0],
        "log_evidence": level.log_evidence,
        "noise": level.noise,
        "precision": level.precision,
        "ridge": problem.ridge,
        "strength": 0.0 if is_none else implied_strength(problem.ridge, level.softness),
        "freedom": freedom,
        "gcv": generalized_cross_validation(mean_square(W, data.whole), freedom, data.whole),
        "loo": leave_one_out(problem, W, *data.rows) if data.rows else None,
        "representation": rep,
    }


def _validated(
    rep: Representation, etas: Sequence[float], data: Folds, scales: Scales
) -> list[tuple[float, float] | tuple[None, None]]:
    """Mean square on the folds left out, of the posterior mean of the others at their own best prior, at every η."""
    if not data.parts:
        return [(None, None)] * len(etas)
    losses = np.array([_losses(rep, etas, scales, rest, part) for rest, part in data.splits()])
    return [averaged(column, data.parts) for column in losses.T]


def _losses(rep: Representation, etas: Sequence[float], scales: Scales, rest: Moments, part: Moments) -> Array:
    levels = Evidence(rest, rep).best(etas, scales)
    fits = (solve(posterior_mean(rest, rep, level.softness, level.beta)).weights for level in levels)
    return np.array([mean_square(W, part) for W in fits])


def _candidates(candidates: Candidates, data: Moments) -> dict[str, Representation]:
    """The gate: names and representations, with no symmetry among them."""
    if isinstance(candidates, Mapping):
        named = dict(candidates)
    else:
        given = [candidates] if isinstance(candidates, Representation) else listed(candidates, "candidates")
        named = {}
        for rep in given:
            label = repr(rep)
            named[label if label not in named else f"{label} ({len(named) + 1})"] = rep
    if not named:
        raise ValueError("candidates is empty: pass representations, such as groups.subgroups(rep) lists.")
    for name, rep in named.items():
        if not isinstance(name, str):
            raise TypeError(f"candidates must be named by strings, but one is named {name!r:.60}.")
        instance(rep, Representation, f"candidates[{name!r:.60}]", "see linvariance.groups")
        check_pose(data, rep, None)
        if not rep.is_orthogonal:
            raise ValueError(
                f"candidates[{name!r:.60}] is not orthogonal, {rep!r}: the evidence is known for orthogonal groups. "
                "Change the basis of X to the one in which it is, see groups.change_of_basis."
            )
    if any(rep.invariants.shape[0] == rep.dim for rep in named.values()):
        return named
    if NONE in named:
        raise ValueError(f"candidates[{NONE!r}] is {named[NONE]!r}, but that name is kept for no symmetry: rename it.")
    return {NONE: trivial(data.inputs), **named}


def _softness(softness: Sequence[float]) -> tuple[float, ...]:
    etas = tuple(fraction(eta, f"softness[{k}]") for k, eta in enumerate(listed(softness, "softness")))
    if not etas:
        raise ValueError("softness is empty: pass (0.0,) for hard symmetries alone.")
    return tuple(dict.fromkeys(etas))
