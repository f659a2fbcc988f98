"""The study `linvariance path`: the optimum for every strength of the penalty, its limits and its jumps."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

import linvariance as lv
from linvariance import plots
from linvariance.arrays import integer, real
from linvariance.experiments.experiment import Floats
from linvariance.experiments.files import Exhibit
from linvariance.experiments.results import listed
from linvariance.experiments.studies.study import Finding, Part, Study, Subject, counted
from linvariance.optima.crossings import Jump, NearCrossing
from linvariance.optima.path import PathValues
from linvariance.selection.folds import averaged, folds_of, mean_square

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FOLDS, SEED = 5, 0  # of the samples that are held out in turn
ABOVE = 1.02  # of a panel's height: where labels touch no curve
LEAST = 1e-6  # gap that is drawn: at a jump it falls to rounding, which would fill the picture


def path(subject: Subject, *, start: float | None = None, stop: float | None = None, points: int = 200) -> Study:
    """The regularization path at `points` strengths from start to stop; ValueError if there is none.

    Without ends the range is the one in which the path changes, in whole powers of ten.
    """
    integer(points, "--points", minimum=2, maximum=100_000)
    for name, end in (("--from", start), ("--to", stop)):
        if end is not None:
            real(end, name, positive=True)
    if start is not None and stop is not None and start >= stop:
        raise ValueError(f"--from {start:g} must be below --to {stop:g}.")
    f = lv.regularization_path(subject.moments, subject.representation, rank=subject.rank)
    view = Path(f, subject, start, stop, points)
    parts = [
        Part("path", "Singular values along the path", view.spectra),
        Part("limits", "Distance from invariance and loss along the path", view.limits),
    ]
    if view.folds:
        parts.append(Part("held_out", "Error on held-out samples along the path", view.errors))
    return Study(
        "path",
        "Regularization path",
        subject,
        "The problem is (1/n)‖WX - Y‖² + λ‖WG‖², for every λ.",
        {"from": start, "to": stop, "points": points},
        view.findings,
        parts,
    )


@dataclass(frozen=True)
class Path:
    """A regularization path within a range of strengths: as numbers, and drawn."""

    path: lv.RegularizationPath
    subject: Subject
    start: float | None
    stop: float | None
    points: int

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The range of strengths."""
        low, high = self.path.span
        start = min(low, self.stop / 10) if self.start is None and self.stop is not None else self.start or low
        stop = max(high, self.start * 10) if self.stop is None and self.start is not None else self.stop or high
        return start, stop

    @cached_property
    def jumps(self) -> list[Jump]:
        """Jumps within the range."""
        return [jump for jump in self.path.jumps if self._within(jump.strength)]

    @cached_property
    def near(self) -> list[NearCrossing]:
        """Near-crossings within the range."""
        return [near for near in self.path.near_crossings if self._within(near.strength)]

    @cached_property
    def values(self) -> PathValues:
        """The path at equal steps in log λ, at both ends of each jump, and at near-crossings."""
        special = [end for jump in self.jumps for end in (jump.lower, jump.upper)]
        special += [near.strength for near in self.near]
        return self.path.evaluate(np.unique([*np.geomspace(*self.ends, self.points), *special]))

    @property
    def folds(self) -> int:
        """In how many parts the samples are dealt to hold one out; 0 for a single sample."""
        n = len(self.subject.data.X)
        return min(FOLDS, n) if n > 1 else 0

    @cached_property
    def held_out(self) -> tuple[Floats, Floats]:
        """(1/n)‖WX - Y‖² on samples that the fit has not seen, and its standard error (T + 2): at 0+, along λ, at ∞."""
        dealt, losses = folds_of(self.subject.data.X, self.subject.data.Y, self.folds, SEED), []
        for rest, part in dealt.splits():
            f = lv.regularization_path(rest, self.path.representation, rank=self.path.rank)
            start, limit = (part.outputs * mean_square(one.weights, part) for one in (f.at_zero, f.limit))
            along = f.losses(part, self.values.strengths)[:, min(self.path.rank, part.outputs) - 1]
            losses.append([start, *along, limit])
        means, errors = zip(*(averaged(column, dealt.parts) for column in np.transpose(losses)), strict=True)
        return np.array(means), np.array(errors)

    def errors(self) -> Exhibit:
        """Error on held-out samples, with that of both limits."""
        mean, spread = self.held_out
        strengths, along = self.values.strengths, mean[1:-1]
        best = int(along.argmin())
        picture, (panel,) = plots.panels(size=(8.0, 4.8))
        levels = [
            plots.Level(mean[0], plots.LOOKS[1], "limit λ → 0+"),
            plots.Level(mean[-1], plots.LOOKS[0], "limit λ → ∞: hard-wired"),
        ]
        plots.draw(panel, [plots.Curve("optimum W(λ)", strengths, along[np.newaxis], plots.LOOKS[2])], levels)
        panel.set_xscale("log")
        plots.mark(panel, strengths[best], f"least at λ = {strengths[best]:.4g}", height=ABOVE, inwards=True)
        plots.explain(panel, "strength λ", "held-out (1/n)‖WX - Y‖²")
        plots.legend(picture, panel)
        return Exhibit(
            picture,
            ("strength", "held_out", "standard_error"),
            list(zip(strengths.tolist(), along.tolist(), spread[1:-1].tolist(), strict=True)),
            f"The mean squared error on samples that the fit has not seen, each of {self.folds} parts held out once: "
            f"least at λ = {strengths[best]:.6g} with {along[best]:.6g} (standard error {spread[best + 1]:.2g}); "
            f"{mean[0]:.6g} for λ → 0+ and {mean[-1]:.6g} if hard-wired.",
        )

    def findings(self) -> list[Finding]:
        """Jumps, gaps, where the path leads at both ends, and which strength predicts best."""
        zero, start, limit = self.path(0.0), self.path.at_zero, self.path.limit
        none = "of any other strength" if self.path.jumps else "at any strength"
        return [
            *(Finding("jump", jump.strength, _of_jump(jump)) for jump in self.path.jumps),
            *(
                Finding(
                    "near-crossing",
                    near.strength,
                    f"steep, but no jump: gap {near.gap:.3g}, ‖dW/d log λ‖ = {near.slope:.3g}",
                )
                for near in self.path.near_crossings
            ),
            Finding("no jump", "proved" if self.path.is_certified else "undecided", none),
            Finding(
                "smallest gap",
                self.path.smallest_gap,
                "of (σᵣ - σᵣ₊₁) / σ₁ over all λ > 0, its infimum; 0 at a jump, and if σᵣ tends to 0",
            ),
            Finding("loss at 0+", start.loss, "W(0+): of all minimizers without penalty the one of least ‖WG‖"),
            Finding("loss at ∞", limit.loss, "W(∞): the hard-wired optimum"),
            Finding("‖W⊥‖ at 0", self._perp(zero), "W(0): of the same minimizers the one of least norm"),
            Finding("‖W⊥‖ at 0+", self._perp(start), "W⊥ = W(I - Π)"),
            Finding("‖W(0+) - W(0)‖", _apart(start, zero), "0 unless the data leave W undetermined"),
            Finding("‖W(0+) - W(∞)‖", _apart(start, limit), "the way from one end to the other"),
            Finding(
                "‖W(λ) - W(∞)‖",
                float(np.linalg.norm(self.values.weights[-1] - limit.weights)),
                f"at λ = {self.ends[1]:.6g}, the last one drawn",
            ),
            *(self._on_held_out() if self.folds else ()),
        ]

    def _on_held_out(self) -> list[Finding]:
        mean, spread = self.held_out
        best = 1 + int(mean[1:-1].argmin())
        remark = f"at λ = {self.values.strengths[best - 1]:.6g}; (1/n)‖WX - Y‖² over {self.folds} folds, standard error"
        return [
            Finding("least held-out error", float(mean[best]), f"{remark} {spread[best]:.2g}"),
            Finding("held-out error at 0+", float(mean[0]), f"standard error {spread[0]:.2g}"),
            Finding("held-out error at ∞", float(mean[-1]), f"hard-wired; standard error {spread[-1]:.2g}"),
        ]

    def spectra(self) -> Exhibit:
        """Singular values of Z(λ), those kept and those dropped, and the gap between them."""
        values, rank = self.values, self.path.rank
        picture, (above, below) = plots.panels(2, 1, size=(8.0, 7.6), share=True)
        plots.draw(
            above,
            [
                self._curve(_label(i, rank), values.singular_values[:, i], plots.LOOKS[2 if i < rank else 1])
                for i in range(values.singular_values.shape[1])
            ],
        )
        plots.draw(below, [self._curve("", values.gap, plots.LOOKS[0])])
        for panel in (above, below):
            self._mark(panel, named=panel is above)
        if values.gap.max() > 0:
            below.set_yscale("log")
            below.set_ylim(bottom=max(LEAST, 0.5 * values.gap.min()))
        plots.explain(above, "", "singular values σᵢ(Z)")
        plots.explain(below, "strength λ", "gap (σᵣ - σᵣ₊₁) / σ₁")
        plots.legend(picture, above)
        columns = (values.strengths, values.loss, values.norm_perp, values.gap, *values.singular_values.T)
        return Exhibit(
            picture,
            ("strength", "loss", "norm_perp", "gap", *(f"sigma_{i + 1}" for i in range(len(columns) - 4))),
            list(zip(*(column.tolist() for column in columns), strict=True)),
            self._caption(),
        )

    def limits(self) -> Exhibit:
        """‖W⊥‖ and the loss, with both limits."""
        values, start, limit = self.values, self.path.at_zero, self.path.limit
        picture, (left, right) = plots.panels(1, 2, size=(10.0, 4.8))
        for panel, numbers, ends in (
            (left, values.norm_perp, (self._perp(start), 0.0)),
            (right, values.loss, (start.loss, limit.loss)),
        ):
            levels = [
                plots.Level(ends[0], plots.LOOKS[1], "limit λ → 0+"),
                plots.Level(ends[1], plots.LOOKS[0], "limit λ → ∞: hard-wired"),
            ]
            plots.draw(panel, [self._curve("optimum W(λ)", numbers, plots.LOOKS[2])], levels)
            self._mark(panel, named=False)
        plots.explain(left, "strength λ", "‖W⊥‖ (Frobenius norm)")
        plots.explain(right, "strength λ", "loss, penalty included")
        plots.legend(picture, left)
        return Exhibit(
            picture,
            ("limit", "loss", "norm_perp"),
            [
                ("0", self.path(0.0).loss, self._perp(self.path(0.0))),
                ("0+", start.loss, self._perp(start)),
                ("infinity", limit.loss, 0.0),
            ],
            f"Left: the norm of the part of W that is not invariant, {self._perp(start):.6g} for λ → 0+ and 0 for "
            f"λ → ∞; at λ = {values.strengths[-1]:.6g} it is {values.norm_perp[-1]:.3g}. Right: the loss rises from "
            f"{start.loss:.6g} to that of the hard-wired optimum, {limit.loss:.6g}: invariance costs "
            f"{limit.loss - start.loss:.3g} on these data.",
        )

    def _caption(self) -> str:
        values, rank = self.values, self.path.rank
        q, narrowest = values.singular_values.shape[1], int(values.gap.argmin())
        within = f"the {q} singular values of Z from λ = {self.ends[0]:.6g} to {self.ends[1]:.6g}"
        if rank >= q:
            return f"Above: {within}. The rank bound {rank} drops none of them, so W cannot jump."
        found = [counted(len(self.jumps), "jump"), counted(len(self.near), "near-crossing")]
        return (
            f"Above: {within}; the {rank} largest are kept, the squares of the others add to the loss. Below: the gap "
            f"between the last one kept and the first one dropped, here least at λ = {values.strengths[narrowest]:.6g} "
            f"with {values.gap[narrowest]:.3g}. Where it closes W may jump. In this range: {listed(found)}."
        )

    def _curve(self, label: str, numbers: Floats, look: plots.Look) -> plots.Curve:
        """Broken at jumps."""
        breaks = np.searchsorted(self.values.strengths, [jump.upper for jump in self.jumps])
        x = np.insert(self.values.strengths, breaks, [jump.strength for jump in self.jumps])
        return plots.Curve(label, x, np.insert(numbers, breaks, np.nan)[np.newaxis], look)

    def _mark(self, panel: "Axes", *, named: bool) -> None:
        panel.set_xscale("log")
        marks = [(jump.strength, f"jump at λ = {jump.strength:.4g}") for jump in self.jumps]
        marks += [(near.strength, f"near-crossing, gap {near.gap:.2g}") for near in self.near]
        for place, (strength, text) in enumerate(sorted(marks)):
            plots.mark(panel, strength, text if named else "", height=ABOVE + 0.05 * (place % 4), inwards=True)

    def _perp(self, solution: lv.Solution) -> float:
        return float(np.linalg.norm(lv.invariance.split(solution.weights, self.path.representation).perp))

    def _within(self, strength: float) -> bool:
        return self.ends[0] <= strength <= self.ends[1]


def _label(i: int, rank: int) -> str:
    """For the legend, once."""
    return {0: "kept", rank: "dropped"}.get(i, "")


def _of_jump(jump: Jump) -> str:
    return (
        f"W moves by {_apart(jump.before, jump.after):.6g} within {jump.lower:.13g} .. {jump.upper:.13g}; gap found "
        f"there {jump.gap:.2g}"
    )


def _apart(one: lv.Solution, other: lv.Solution) -> float:
    return float(np.linalg.norm(one.weights - other.weights))
