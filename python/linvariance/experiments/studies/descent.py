"""A run of gradient descent from small weights, and the critical points it passes by."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np

import linvariance as lv
from linvariance import plots
from linvariance.dynamics import NEAR, Stay, Visits
from linvariance.experiments.experiment import Floats
from linvariance.experiments.files import Exhibit
from linvariance.experiments.results import listed
from linvariance.experiments.studies.study import Finding, counted, kept
from linvariance.landscape import Triples
from linvariance.progress import Track, untracked

SMALL = 1e-3  # initial weights, relative to those of the balanced minimum: near the saddle at the origin
STATES, BYTES = 2000, 2**28  # recorded at most: so many, or what fits
LEAST = 1e-6  # distance that is drawn: nearer is there, and the way down to rounding would fill the picture
SHORT = 0.005  # share of the states that a leg must have more of to be shown


@dataclass(frozen=True)
class Descent:
    """A two-layer network trained on a problem whose target is not 0."""

    problem: lv.Problem
    epochs: int
    seed: int
    track: Track = untracked

    @cached_property
    def visits(self) -> Visits:
        """The nearest critical point of each recorded state."""
        return lv.dynamics.visits(self.problem, self._trace)

    @cached_property
    def legs(self) -> tuple[Stay, ...]:
        """Maximal intervals with the same nearest critical point, near or far, but for very short ones."""
        visits, found = self.visits, []
        for subset, group in groupby(range(len(visits.epochs)), lambda t: visits.subsets[t]):
            inside = list(group)
            first, last = (visits.epochs[t].item() for t in (inside[0], inside[-1]))
            if len(inside) > SHORT * len(visits.epochs):
                found.append(Stay(subset, first, last, float(visits.distance[inside].min())))
        return tuple(found)

    @cached_property
    def step(self) -> float:
        """Learning rate 1/(4‖S'‖‖V‖ + ‖∇f(V)‖) in spectral norms, V the minimum: half of what is stable there.

        Layers of the balanced minimum have spectral norm √‖V‖, so that ∂²f = 2 tr(V̇S'V̇ᵀ) + 2⟨∇f, V̇₂V̇₁⟩ is at most
        4‖S'‖‖V‖ + ‖∇f‖ for unit directions.
        """
        V = self._minimum
        curvature = 4 * np.linalg.norm(self.problem.quadratic.moment, 2) * np.linalg.norm(V, 2)
        return float(1 / (curvature + np.linalg.norm(self.problem.gradient(V), 2)))

    def over_epochs(self) -> Exhibit:
        """Loss, with the levels of the critical points that were near, and distance to the nearest one."""
        visits, legs = self.visits, self.legs
        picture, (above, below) = plots.panels(2, 1, size=(8.0, 7.6), share=True)
        met = dict.fromkeys(leg.subset for leg in legs)
        looks = {subset: plots.LOOKS[1 + place % (len(plots.LOOKS) - 1)] for place, subset in enumerate(met)}
        plots.draw(
            above,
            [plots.Curve("loss", visits.epochs, visits.loss[np.newaxis], plots.LOOKS[0])],
            [plots.Level(self._loss(subset), look, f"keeps {kept(subset)}") for subset, look in looks.items()],
        )
        plots.draw(
            below,
            [plots.Curve("", visits.epochs, visits.distance[np.newaxis], plots.LOOKS[0])],
            [plots.Level(NEAR, plots.LOOKS[0])],
        )
        for place, leg in enumerate(legs):
            plots.mark(above, leg.entered, "")
            plots.mark(below, leg.entered, kept(leg.subset), height=1.02 + 0.05 * (place % 3))  # above the panel
        for stay in visits.stays:
            below.axvspan(stay.entered, stay.left, color=plots.GREY, alpha=0.15, linewidth=0)
        below.set_xscale("symlog", linthresh=visits.epochs[1])  # the first escapes are quick, the last ones slow
        below.set_yscale("log")
        below.set_ylim(bottom=max(LEAST, 0.5 * visits.distance.min()))
        plots.explain(above, "", "loss")
        plots.explain(below, "epoch", "distance to the nearest critical point / ‖Z‖")
        plots.legend(picture, above, columns=4)
        return Exhibit(
            picture,
            ("epoch", "loss", "distance", "nearest_keeps"),
            list(
                zip(
                    visits.epochs.tolist(),
                    visits.loss.tolist(),
                    visits.distance.tolist(),
                    map(kept, visits.subsets),
                    strict=True,
                )
            ),
            self._caption(),
        )

    def findings(self) -> list[Finding]:
        """How it was trained, where it stayed and ended."""
        return [
            Finding("learning rate", self.step, "of gradient descent: 1/(4‖S'‖‖V‖ + ‖∇f(V)‖), V the minimum"),
            *(
                Finding(
                    f"nearest {place}: keeps {kept(leg.subset)}",
                    leg.closest,
                    f"least distance / ‖Z‖, epochs {leg.entered} to {leg.left}; its loss {self._loss(leg.subset):.6g}",
                )
                for place, leg in enumerate(self.legs, 1)
            ),
            Finding("final loss", float(self.visits.loss[-1]), f"after {self.epochs} epochs"),
        ]

    def _caption(self) -> str:
        visits = self.visits
        above = visits.loss[-1] - lv.solve(self.problem).loss
        stays = [f"{kept(stay.subset)} (epochs {stay.entered} to {stay.left})" for stay in visits.stays]
        hidden = counted(self.problem.rank, "hidden unit")
        return (
            f"{self.epochs} epochs of full-batch gradient descent on W₂W₁ with {hidden}, from "
            f"weights drawn with seed {self.seed}, {SMALL:g} of those at the minimum in scale. Above: the loss, ending "
            f"at {visits.loss[-1]:.6g}, {above:.3g} above the global minimum; dashed: losses of the critical points "
            "that are nearest in turn. Below: the distance to the nearest one, those of lower rank included, in the "
            "metric of the loss; at each dotted line another one becomes nearest, named by what it keeps. The run is "
            f"closer than {NEAR:g} (dashed, shaded) to {f'those that keep {listed(stays)}' if stays else 'none'}."
        )

    def _loss(self, subset: tuple[int, ...]) -> float:
        """Of the critical point that keeps these singular values."""
        dropped = np.delete(Triples(self.problem).triples[1], list(subset))
        return self.problem.quadratic.whitened.floor + float(np.square(dropped).sum())

    @cached_property
    def _minimum(self) -> Floats:
        return self.problem.restrict(lv.solve(self.problem).weights)

    @property
    def _states(self) -> int:
        return min(STATES, max(100, BYTES // (8 * self.problem.outputs * self.problem.representation.dim)))

    @cached_property
    def _trace(self) -> lv.Trace:
        report = self.track.bar("Gradient descent", self.epochs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of divergence: an error here
            trace = lv.train(
                self.problem,
                optimizer=lv.GradientDescent(self.step),
                epochs=self.epochs,
                seeds=(self.seed,),
                init=lv.init.gaussian(SMALL * float(np.sqrt(np.linalg.norm(self._minimum, 2)))),
                record=lv.Record(every=-(-self.epochs // self._states), weights=True),
                progress=lambda done, total, loss: report(done),
            )
        finite = np.isfinite(trace.loss)
        if not finite.all():
            raise ValueError(
                f"The loss of the run overflows at epoch {trace.epochs[finite.argmin()]}: scale the data, or leave out "
                "--epochs."
            )
        return trace
