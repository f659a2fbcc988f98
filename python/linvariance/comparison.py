"""The methods side by side: their optima, their training runs, and what both are worth on held-out data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .arrays import Array, instance, some
from .data.moments import Moments
from .data.samples import Samples
from .groups import Representation
from .groups.intertwiners import intertwine
from .invariance import split
from .networks import network_loss
from .optima import Solution, solve
from .plots import Curve, Level, draw, explain, looks, opened, wide_range
from .problems import Problem, hard_wired, methods, unconstrained
from .tables import Columns, Table, Tabular
from .training import Record, Trace, train

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FALLING = 1e-4  # share of its loss over the last tenth of its epochs from which on a run is said to fall
HEADS = {  # of columns, where they are printed
    "norm_perp": "‖W⊥‖",
    "train_loss": "training",
    "held_out_loss": "held out",
    "trained_loss": "trained: loss",
    "trained_fall": "fell",
    "trained_norm_perp": "‖W⊥‖",
    "trained_held_out_loss": "held out",
}


@dataclass(frozen=True, eq=False)
class Comparison(Tabular):
    """The methods side by side, in one order; see `compare`.

    Attributes:
        problems: by name: unconstrained, hard_wired, augmented, and regularized once for each strength.
        solutions: their optima, by name; none on Samples.
        trace: of all problems in this order, if they were trained, else None.
        held_out_loss: of the optima on held-out data, by name; none without such data.
        held_out_along: the same along the runs, (problem, seed, T), NaN where one diverged or had ended, or None.

    As a table it has a row for each problem: the optimum's `loss`, penalty included, and `norm_perp` = ‖W⊥‖, how far it
    is from invariance, or with an output representation from equivariance; its `train_loss` and `held_out_loss`,
    without penalty, on the data as they are; and of trained networks, ‖W⊥‖ if they are linear, the medians over seeds.
    `trained_fall` is the share of itself by which the loss fell over the last tenth of the epochs (or since what was
    recorded last before it): if it is 0.01 % or more of any method the table says so. Near a saddle it may be less, and
    the loss yet far above the optimum's.
    """

    problems: dict[str, Problem]
    solutions: dict[str, Solution]
    trace: Trace | None
    held_out_loss: dict[str, float]
    held_out_along: Array | None

    def plot(self, ax: Axes | None = None) -> Axes:
        """Losses along the runs, on held-out data if there are any, with the optima dashed; without runs optima alone.

        Draws into `ax` if given, and returns the axes.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data([[1.0, 0.0], [0.0, 1.0]], [3.0, 1.0])
        >>> axes = lv.compare(m, lv.groups.symmetric(2), rank=1, strengths=[0.1], epochs=20).plot()
        >>> [text.get_text() for text in axes.get_legend().get_texts()]
        ['unconstrained', 'hard-wired', 'augmented', 'regularized, λ = 0.1']
        """
        every, what = looks(len(self.problems)), "held-out loss" if self.held_out_loss else "loss"
        optima = self.held_out_loss or {name: found.loss for name, found in self.solutions.items()}
        names = [_label(name) for name in self.problems]
        if self.trace is None:
            axes, where = opened(ax, (6.4, 1.4 + 0.42 * len(names))), np.arange(len(names))[::-1]
            bars = axes.barh(where, list(optima.values()), height=0.55, color=[look.colour for look in every])
            axes.bar_label(bars, fmt="%.4g", padding=4)
            axes.margins(x=0.12)
            axes.grid(visible=False, axis="y")
            axes.set_yticks(where, names)
            explain(axes, f"{what} of the optimum", "")
            return axes
        axes, epochs = opened(ax), self.trace.epochs
        along = self.trace.loss if self.held_out_along is None else self.held_out_along
        curves = [Curve(*one) for one in zip(names, [epochs] * len(names), along, every, strict=True)]
        levels = [Level(optimum, look) for optimum, look in zip(optima.values(), every, strict=False)]
        draw(axes, curves, levels)
        if wide_range(np.append(along, list(optima.values()))):
            axes.set_yscale("log")
        explain(axes, "epoch", what, "dashed: optima" if levels else "")
        axes.legend(frameon=False)
        return axes

    def _columns(self) -> Columns:
        columns: dict[str, Any] = {
            "method": [problem.method for problem in self.problems.values()],
            "strength": [p.strength if p.method == "regularized" else None for p in self.problems.values()],
        }
        if self.solutions:
            judge = _judge(self.problems["augmented"])
            columns["loss"] = [found.loss for found in self.solutions.values()]
            columns["norm_perp"] = [self._perp(found.weights) for found in self.solutions.values()]
            columns["train_loss"] = [judge.loss(judge.restrict(found.weights)) for found in self.solutions.values()]
        if self.held_out_loss:
            columns["held_out_loss"] = list(self.held_out_loss.values())
        if self.trace is not None:
            columns["trained_loss"] = np.median(self.trace.final_loss, axis=1)
            columns["trained_fall"] = np.median(_falls(self.trace), axis=1)
            if self.trace.networks[0][0].is_linear:
                columns["trained_norm_perp"] = [np.median(self._perps(i)) for i in range(len(self.problems))]
            if self.held_out_along is not None:
                columns["trained_held_out_loss"] = np.median(self.trace.at_ends(self.held_out_along), axis=1)
        return columns

    def _table(self) -> Table:
        first, columns = next(iter(self.problems.values())), dict(self._columns())
        del columns["method"], columns["strength"]
        note = "" if self.trace is None else self._note(self.trace, np.asarray(columns["trained_fall"]))
        if self.trace is not None:
            columns["trained_fall"] = [_percent(fall) for fall in columns["trained_fall"]]
        rows = [[_label(name), *row] for name, *row in zip(self.problems, *columns.values(), strict=True)]
        head = f"Comparison at rank {first.rank} under {self._rep!r} on {first.data!r}"
        return Table(head, ["", *(HEADS.get(name, name) for name in columns)], rows, note)

    def _note(self, trace: Trace, falls: Array) -> str:
        since = trace.epochs[_a_tenth_before(trace)]
        note = (
            f"trained: medians of {len(trace.seeds)} runs after {_span(trace.ends)} epochs; fell: since {_span(since)}"
        )
        if np.nanmax(falls, initial=0) < FALLING:
            return note
        most = int(np.nanargmax(falls))
        name = _label(list(self.problems)[most])
        return f"{note}\nstill falling, by up to {_percent(falls[most])} since then ({name}): pass more epochs"

    def _perp(self, W: Array) -> float:
        output = self.problems["augmented"].output
        return float(
            np.linalg.norm(split(W, self._rep).perp if output is None else W - intertwine(W, self._rep, output))
        )

    def _perps(self, i: int) -> list[float]:
        """Of the final networks of a problem; NaN of one that diverged."""
        assert self.trace is not None
        problem, networks = list(self.problems.values())[i], self.trace.networks[i]
        return [self._perp(problem.lift(one.matrix)) if one.is_finite else np.nan for one in networks]

    @property
    def _rep(self) -> Representation:
        return self.problems["augmented"].representation

    def __repr__(self) -> str:
        return str(self._table())


def compare(
    data: Moments | Samples,
    rep: Representation,
    *,
    rank: int,
    strengths: Sequence[float],
    output: Representation | None = None,
    ridge: float = 0.0,
    metric: npt.ArrayLike | None = None,
    held_out: Moments | Samples | None = None,
    **training: Any,
) -> Comparison:
    """Hard-wiring, augmentation and regularization beside no symmetry: solved, trained and judged in one call.

    On Moments all are solved in closed form; with `epochs` all are trained too, in one call of `train`.

    Args:
        data: Moments or Samples.
        rep: the group.
        rank: of all problems.
        strengths: of `regularized`, one problem each; may be empty.
        output: the group on the targets, for equivariance in place of invariance; of what is solved only, on Moments.
        ridge: of all problems.
        metric: of all problems and of the losses by which they are judged, on Moments.
        held_out: data of the same kind, on which optima and runs are judged without penalty and ridge; every recorded
            network is kept for that.
        **training: `epochs`, `seeds`, `optimizer`, `record`, `progress` and whatever else `train` takes.

    >>> import linvariance as lv
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 6))
    >>> Y = X.sum(axis=1) + rng.standard_normal(200)
    >>> train, test = lv.Moments.from_data(X[:20], Y[:20]), lv.Moments.from_data(X[20:], Y[20:])
    >>> lv.compare(train, lv.groups.cyclic(6), rank=1, strengths=[0.1, 1.0], held_out=test)
    Comparison at rank 1 under cyclic(6) on Moments(n=20, inputs=6, outputs=1)
                            loss       ‖W⊥‖  training  held out
    unconstrained          0.522     0.5679     0.522     1.582
    hard-wired            0.7323  ...    0.7323     1.208
    augmented             0.7323  ...    0.7323     1.208
    regularized, λ = 0.1  0.5601     0.4554     0.532     1.497
    regularized, λ = 1.0  0.6565     0.2002    0.6114     1.314
    """
    problems = methods(data, rep, rank=rank, strengths=strengths, output=output, ridge=ridge, metric=metric)
    _check_held_out(held_out, data)
    on_moments = isinstance(data, Moments)
    if training and "epochs" not in training:
        raise ValueError(f"{some(list(training))} is for training: pass epochs too, or leave it out.")
    if not on_moments and not training:
        raise ValueError("data are Samples, which have no closed form: pass epochs to train on them, or Moments.")
    solutions = {name: solve(problem) for name, problem in problems.items()} if on_moments else {}
    losses, along, trace = {}, None, None
    if held_out is not None:
        judge = _judge(problems["augmented"], held_out)
        losses = {name: judge.loss(judge.restrict(found.weights)) for name, found in solutions.items()}
        training = training and {**training, "record": _keeping_networks(training.get("record"))}
    if training:
        trace = train(list(problems.values()), **training)
        along = None if held_out is None else _along(problems, trace, held_out)
    return Comparison(problems, solutions, trace, losses, along)


def _keeping_networks(record: Record | None) -> Record:
    record = Record() if record is None else record
    instance(record, Record, "record", "e.g. Record(every=10)")
    return replace(record, networks=True)


def _judge(problem: Problem, data: Moments | Samples | None = None) -> Problem:
    """The loss of what a problem trains, without penalty, ridge and group, on its own data or on others."""
    data = problem.data if data is None else data
    if problem.is_hard_wired:
        return hard_wired(data, problem.representation, rank=problem.rank, metric=problem.metric)
    return unconstrained(data, rank=problem.rank, metric=problem.metric)


def _along(problems: dict[str, Problem], trace: Trace, held_out: Moments | Samples) -> Array:
    """Losses (problem, seed, T) on held-out data."""
    found = np.full(trace.loss.shape, np.nan)
    for i, problem in enumerate(problems.values()):
        judge = _judge(problem, held_out)
        for k, losses in enumerate(found[i]):
            for t, (_, network) in enumerate(trace.states(i, k)):
                if network.is_finite:
                    losses[t] = network_loss(judge, network)
    return found


def _check_held_out(held_out: Moments | Samples | None, data: Moments | Samples) -> None:
    if held_out is None:
        return
    instance(held_out, type(data), "held_out", "pass the same kind as data")
    shape, theirs = ((one.inputs, one.outputs, getattr(one, "loss", "squared")) for one in (data, held_out))
    if shape != theirs:
        raise ValueError(f"held_out has (inputs, outputs, loss) {theirs}, but data {shape}: pass more of the same.")


def _falls(trace: Trace) -> Array:
    """(problem, seed), by what share of itself the loss of each run fell over the last tenth of its epochs."""
    before = np.take_along_axis(trace.loss, _a_tenth_before(trace)[..., np.newaxis], axis=-1)[..., 0]
    with np.errstate(invalid="ignore"):  # of runs that diverged
        return np.divide(before - trace.final_loss, np.abs(before), out=np.zeros_like(before), where=before != 0)


def _a_tenth_before(trace: Trace) -> npt.NDArray[np.intp]:
    """(problem, seed), the last place in `epochs` with no more than nine tenths of what a run has behind it."""
    return np.searchsorted(trace.epochs, 0.9 * trace.ends, side="right") - 1


def _span(epochs: npt.NDArray[np.int64]) -> str:
    least, most = epochs.min(), epochs.max()
    return str(least) if least == most else f"{least} .. {most}"


def _percent(share: float) -> str:
    return f"{round(100 * float(share), 2) + 0.0:g} %"  # no minus before 0


def _label(name: str) -> str:
    return name.replace("_", "-")
