"""The study `linvariance landscape`: critical points by loss and index, and the spectrum they come from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

import linvariance as lv
from linvariance import plots
from linvariance.arrays import integer
from linvariance.experiments.files import Exhibit, Row
from linvariance.experiments.results import listed
from linvariance.experiments.studies.descent import Descent
from linvariance.experiments.studies.study import Finding, Part, Study, Subject, counted, kept, yes
from linvariance.groups.inspection import readable
from linvariance.landscape import Triples
from linvariance.progress import Track, untracked

METHODS = {
    "unconstrained": "The loss is (1/n)‖WX - Y‖², which knows no group.",
    "hard-wired": "The loss is (1/n)‖WX - Y‖² of invariant W, WG = 0.",
    "augmented": "The loss is (1/n)‖Wρ(g)X - Y‖² in the mean over the group.",
    "regularized": "The loss is (1/n)‖WX - Y‖² + λ‖WG‖².",
}
"""What each one minimizes."""


def landscape(
    subject: Subject,
    method: str,
    *,
    strength: float | None = None,
    points: int = 200,
    epochs: int = 0,
    seed: int = 0,
    track: Track = untracked,
) -> Study:
    """The lowest `points` critical points of a problem and, if there are epochs, the way of a run among them.

    Raises:
        ValueError: if the problem cannot be posed, or a number is out of range.
    """
    integer(points, "--points", maximum=10**6)
    integer(epochs, "--epochs", minimum=0, maximum=10**9)
    integer(seed, "--seed", minimum=0)
    problem = pose(subject, method, strength)
    view, descent = Landscape(problem, points), Descent(problem, epochs, seed, track)
    parts = [
        Part("landscape", "Critical points by loss and index", view.by_loss, tabulated=True),
        Part("spectrum", "Singular values of the whitened target", view.spectrum, tabulated=True),
    ]
    if epochs:
        if not view.nonzero:
            raise ValueError("The target Z is 0 here, so that there is nothing to learn. Leave out --epochs.")
        parts.append(Part("descent", "A run of gradient descent among the critical points", descent.over_epochs))
    return Study(
        "landscape",
        f"Critical points of the {method} problem",
        subject,
        METHODS[method] if strength is None else f"{METHODS[method]} Here λ = {strength:g}.",
        {"method": method, "strength": strength, "points": points, "epochs": epochs, "seed": seed},
        lambda: [*view.findings(), *(descent.findings() if epochs else ())],
        parts,
    )


def pose(subject: Subject, method: str, strength: float | None) -> lv.Problem:
    """The problem of one of `METHODS`; ValueError if there is none, or the strength is missing or idle."""
    if method not in METHODS:
        raise ValueError(f"There is no method '{method}'. Pass --method {listed(list(METHODS), 'or')}.")
    if strength is None and method == "regularized":
        raise ValueError("--method regularized needs the strength λ of its penalty: pass --strength.")
    if strength is not None and method != "regularized":
        raise ValueError(f"--strength {strength:g} is for --method regularized; {method} has no penalty.")
    m, rep, rank = subject.moments, subject.representation, subject.rank
    if strength is not None:
        return lv.regularized(m, rep, rank=rank, strength=strength)
    if method == "unconstrained":
        return lv.unconstrained(m, rank=rank)
    return (lv.hard_wired if method == "hard-wired" else lv.augmented)(m, rep, rank=rank)


@dataclass(frozen=True)
class Landscape:
    """The lowest critical points of a problem: as numbers, and drawn."""

    problem: lv.Problem
    count: int

    @cached_property
    def all(self) -> lv.CriticalPoints:
        """Every critical point, made as it is asked for."""
        return lv.critical_points(self.problem)

    @cached_property
    def points(self) -> Sequence[lv.CriticalPoint]:
        """The lowest ones, the global minimum first."""
        return tuple(islice(self.all, self.count))

    @cached_property
    def optimum(self) -> lv.Solution:
        """The global minimum."""
        return lv.solve(self.problem)

    @property
    def nonzero(self) -> int:
        """The rank s of Z."""
        return Triples(self.problem).rank

    @property
    def floor(self) -> float:
        """The least loss without a bound on the rank."""
        return self.problem.quadratic.whitened.floor

    @property
    def condition(self) -> float | str:
        """Of the Hessian at the global minimum, in whitened coordinates."""
        sigma, r = [*self.optimum.singular_values.tolist(), 0.0], self.optimum.rank
        if not r or not self.optimum.unique:
            return "-"
        return float((sigma[r - 1] + sigma[r]) / (sigma[r - 1] - sigma[r]))

    def findings(self) -> list[Finding]:
        """Counts, the minimum, and how well it is determined."""
        optimum, ties, s = self.optimum, self.all.ties, self.nonzero
        r = min(self.problem.rank, s)
        root = f"its root has condition {optimum.condition:.4g}"
        return [
            Finding("critical points", readable(self.all.count), f"exact: each keeps {r} of {s} nonzero σᵢ(Z)"),
            Finding(
                "points of lower rank",
                readable(lv.lower_rank_points(self.problem).count),
                "these keep fewer: critical for the layers of a network, not for W",
            ),
            Finding("global minimum", optimum.loss, "its loss, with 1/n"),
            Finding("floor", self.floor, "the least loss without a bound on the rank"),
            Finding("gap", optimum.gap, f"(σᵣ - σᵣ₊₁) / σ₁ at the rank bound r = {self.problem.rank}"),
            Finding("unique", yes(optimum.unique), "whether no other minimum has as small a norm"),
            Finding("condition", self.condition, "of the Hessian at the minimum, data whitened"),
            Finding("ties", listed([kept(tie) for tie in ties]) if ties else "none", "equal σᵢ(Z): manifolds"),
            Finding("rank of S'", optimum.data_rank, f"the input moment, where the optimum lives; {root}"),
        ]

    def by_loss(self) -> Exhibit:
        """Loss over the number of the point, and over its Morse index."""
        loss = np.array([point.loss for point in self.points])
        index = np.array([point.index for point in self.points])
        picture, (left, right) = plots.panels(1, 2, size=(10.0, 4.8))
        plots.points(left, np.arange(1, len(loss) + 1), loss, index)
        plots.points(right, index, loss, index, bar="Morse index")
        for panel in (left, right):
            plots.draw(panel, [], [plots.Level(self.floor, plots.LOOKS[0], "least loss without a rank bound")])
        plots.explain(left, "number of the critical point, by loss", "loss")
        plots.explain(right, "Morse index among matrices of this rank", "loss")
        plots.legend(picture, left)
        return Exhibit(
            picture,
            ("number", "kept", "kind", "dimension", "loss", "above_minimum", "index", "index_of_network"),
            [self._row(number, point) for number, point in enumerate(self.points, 1)],
            self._caption(int(index.max())),
        )

    def spectrum(self) -> Exhibit:
        """Singular values of Z and the bound on the rank."""
        sigma, rank, loss = self.optimum.singular_values, self.problem.rank, self.optimum.loss
        picture, (panel,) = plots.panels(size=(8.0, 4.2))
        plots.stems(panel, [plots.Curve("σᵢ(Z)", np.arange(1, len(sigma) + 1), sigma[np.newaxis], plots.LOOKS[2])])
        if rank < len(sigma):
            plots.mark(panel, rank + 0.5, f"rank bound r = {rank}")
        plots.explain(panel, "index i", "singular value σᵢ(Z)")
        return Exhibit(
            picture,
            ("index", "kept_at_minimum", "singular_value", "loss_if_dropped"),
            [(i, yes(i <= self.optimum.rank), value, value**2) for i, value in enumerate(sigma.tolist(), 1)],
            "Singular values of the whitened target Z. Each one that is not kept adds its square to the loss: the "
            f"global minimum keeps the {self.optimum.rank} largest, so its loss is {loss:.6g} = {self.floor:.6g} (the "
            f"floor) + {np.square(sigma[self.optimum.rank :]).sum():.6g} (the squares of the others).",
        )

    def _manifolds(self) -> str:
        """What a row is where singular values are equal."""
        return (
            "Where some are equal a row is a whole manifold of critical points of the dimension given: of equal values "
            "it is told how many are kept, by the first of their numbers. "
        )

    def _row(self, number: int, point: lv.CriticalPoint) -> Row:
        return (
            number,
            kept(point.subset),
            point.kind,
            point.dimension,
            point.loss,
            self._above(point),
            point.index,
            point.parameter_index(max(self.problem.rank, len(point.subset))),
        )

    def _above(self, point: lv.CriticalPoint) -> float:
        """Loss above the minimum: what that keeps in addition, less what it drops. The floor would cancel digits."""
        kept, here = set(self.points[0].subset), set(point.subset)
        squares = np.square(self.optimum.singular_values)
        return math.fsum([*squares[list(kept - here)], *-squares[list(here - kept)]])

    def _caption(self, worst: int) -> str:
        shown, first, last = len(self.points), self.points[0], self.points[-1]
        which = f"All {shown}" if shown == self.all.count else f"The {shown} lowest of {readable(self.all.count)}"
        return (
            f"{which} critical points. Each keeps {len(first.subset)} of the {self.nonzero} nonzero singular values of "
            "Z (column kept: their numbers, from 1 for the largest) and drops the others. "
            f"{self._manifolds() if self.all.ties else ''}Losses go from "
            f"{first.loss:.6g}, the global minimum, to {last.loss:.6g}, Morse indices from 0 to {worst}. The index "
            "counts independent directions in which the loss falls to second order: among the matrices of this rank, "
            "and (index of network) among the layers of a two-layer network with "
            f"{counted(self.problem.rank, 'hidden unit')}."
        )
