"""What gradient descent from small weights finds (no figure of the paper): optima of bounded rank, or nuclear norms."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

import linvariance as lv
from linvariance import plots
from linvariance.experiments.experiment import Experiment, Floats
from linvariance.experiments.files import Row
from linvariance.experiments.results import Fact, Result, listed, middle, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RATE = 0.1  # of gradient descent; losses are of curvature below 2 here
SCALES = {2: (1e-1, 1e-2, 1e-4, 1e-6), 3: (1e-1, 3e-2, 1e-2, 3e-3)}  # of initial weights, for each depth
EPOCHS = {2: 4000, 3: 20_000}  # until the last mode is learned from the smallest of them
RECORDS = 4000
ENDS = ((2, 1e-1), (3, 1e-1), (2, 1e-6), (3, 3e-3))  # depths and scales that are drawn and told
LADDER, PATH = plots.LOOKS[0], plots.LOOKS[3]
LOOKS = {2: plots.LOOKS[2], 3: plots.LOOKS[1]}


@dataclass(frozen=True)
class Whitened:
    """The hard-wired problem in whitened inputs, ‖Z - W‖² + floor: there both families are known in closed form."""

    problem: lv.Problem
    floor: float

    @staticmethod
    def of(problem: lv.Problem) -> "Whitened":
        """That of a problem."""
        Z = problem.target
        k = Z.shape[1]
        data = lv.Moments.from_data(np.sqrt(k) * np.eye(k), np.sqrt(k) * Z.T)  # S = 1, C = Z
        floor = problem.quadratic.whitened.floor
        return Whitened(lv.unconstrained(data, rank=min(Z.shape)), floor)

    @cached_property
    def sigma(self) -> Floats:
        """σ(Z)."""
        values: Floats = lv.solve(self.problem).singular_values
        return values

    @cached_property
    def ladder(self) -> Floats:
        """The optimum of each rank 0, ..., q."""
        q = len(self.sigma)
        rungs = [lv.solve(lv.unconstrained(self.problem.data, rank=r)).weights for r in range(1, q + 1)]
        return np.stack([np.zeros_like(rungs[0]), *rungs])

    def shrunk(self, strengths: Floats) -> Floats:
        """The optima under strength·‖W‖_*."""
        return np.stack([lv.nuclear_norm(self.problem, float(strength)).weights for strength in strengths])

    def losses(self, W: Floats) -> Floats:
        """Of many W (T, dL, k)."""
        values: Floats = np.square(W - self.problem.quadratic.cross).sum(axis=(1, 2)) + self.floor
        return values


def implicit_bias(experiment: Experiment) -> Result:
    """Left: loss against nuclear norm along runs. Right: how close runs come to the optima of either family."""
    posed = Whitened.of(experiment.problems[next(iter(experiment.problems))])
    runs = {
        (depth, scale): _runs(experiment, posed, depth, scale)
        for depth in SCALES
        for scale in experiment.track(SCALES[depth], f"Gradient descent, depth {depth}")
    }
    q = len(posed.sigma)
    shrunk = posed.shrunk(2 * posed.sigma[1:])  # of rank r = 1, ..., q - 1, as the rungs are
    size = float(np.linalg.norm(posed.sigma))
    near = {key: _closest(W, posed.ladder[1:q]) / size for key, W in runs.items()}
    far = {key: _closest(W, shrunk) / size for key, W in runs.items()}

    picture, panels = plots.panels(1, 2, size=(10.0, 4.8))
    strengths = 2 * posed.sigma[0] * np.linspace(0, 1, 101)
    path = posed.shrunk(strengths)
    _draw_runs(panels[0], posed, path, runs)
    _draw_distances(panels[1], near, far)
    plots.legend(picture, panels[0], columns=3)
    families = {"optima of bounded rank": near, "nuclear-norm optima": far}
    facts = tuple(
        Fact(f"mean distance to {name}, in ‖Z‖", _named(*key), trained=tuple(values[key].mean(axis=1).tolist()))
        for key in ENDS
        for name, values in families.items()
    )
    rows = [*_rows(posed, "optima of bounded rank", posed.ladder), *_rows(posed, "nuclear-norm optima", path)]
    for key, W in runs.items():
        rows += _rows(posed, _named(*key), W[0][:: RECORDS // 100])
        for name, values in families.items():
            closest = enumerate(values[key].mean(axis=0).tolist(), start=1)
            rows += [(f"distance to {name}", _named(*key), rank, value) for rank, value in closest]
    caption = _caption(experiment, posed, facts, near[ENDS[-1]].mean(axis=0))
    return Result(picture, ("quantity", "of", "place_or_rank", "value"), rows, caption, facts)


def _named(depth: int, scale: float) -> str:
    return f"depth {depth}, weights of {scale:g}"


def _runs(experiment: Experiment, posed: Whitened, depth: int, scale: float) -> Floats:
    """W along the run of each seed (seeds, T, dL, k)."""
    q = len(posed.sigma)
    epochs = EPOCHS[depth]
    trace = lv.train(
        [posed.problem],
        [posed.problem.dim, *[q] * (depth - 1), posed.problem.outputs],
        optimizer=lv.GradientDescent(RATE),
        epochs=epochs,
        seeds=experiment.seeds,
        init=lv.init.gaussian(scale),
        record=lv.Record(every=epochs // RECORDS, weights=True),
    )
    assert trace.weights is not None  # they were recorded
    weights: Floats = trace.weights.reshape(len(experiment.seeds), -1, *posed.problem.target.shape)
    return weights


def _closest(W: Floats, points: Floats) -> Floats:
    """The least ‖W(t) - point‖ over a run (seeds, points)."""
    return np.stack([[np.linalg.norm(run - point, axis=(1, 2)).min() for point in points] for run in W])


def _nuclear(W: Floats) -> Floats:
    values: Floats = np.linalg.svd(W, compute_uv=False).sum(axis=-1)
    return values


def _rows(posed: Whitened, of: str, W: Floats) -> Iterator[Row]:
    for name, values in (("nuclear norm", _nuclear(W)), ("loss", posed.losses(W))):
        for place, value in enumerate(values.tolist()):
            yield name, of, place, value


def _draw_runs(panel: "Axes", posed: Whitened, path: Floats, runs: dict[tuple[int, float], Floats]) -> None:
    curves = [plots.Curve("nuclear-norm optima", _nuclear(path), posed.losses(path)[np.newaxis], _bare(PATH))]
    for depth, scales in SCALES.items():
        for scale, line in ((scales[0], ":"), (scales[-1], "-")):
            W = runs[depth, scale][0]
            label = _named(depth, scale)
            curves.append(plots.Curve(label, _nuclear(W), posed.losses(W)[np.newaxis], _bare(LOOKS[depth]), line))
    ladder = plots.Curve(
        "optima of rank 0, 1, ...", _nuclear(posed.ladder), posed.losses(posed.ladder)[np.newaxis], LADDER, " "
    )
    plots.draw(panel, [*curves, ladder])
    plots.explain(panel, "nuclear norm ‖W‖∗", "loss", "Along gradient descent")


def _draw_distances(panel: "Axes", near: dict[tuple[int, float], Floats], far: dict[tuple[int, float], Floats]) -> None:
    curves = []
    for depth, scales in SCALES.items():
        for name, values, line in (("bounded rank", near, "-"), ("nuclear norm", far, "--")):
            means = np.stack([values[depth, scale].mean(axis=1) for scale in scales], axis=1)
            curves.append(plots.Curve(f"depth {depth}, to {name}", np.array(scales), means, LOOKS[depth], line))
    plots.draw(panel, curves)
    panel.set_xscale("log")
    panel.set_ylim(bottom=0)
    panel.legend(fontsize=plots.SMALL, frameon=False)
    plots.explain(panel, "scale of the initial weights", "distance / ‖Z‖", "Closest approach, mean over ranks")


def _bare(look: plots.Look) -> plots.Look:
    return plots.Look(look.colour, "")


def _caption(experiment: Experiment, posed: Whitened, facts: tuple[Fact, ...], last: Floats) -> str:
    pairs = zip(facts[::2], facts[1::2], strict=True)
    sides = [f"{middle(one.trained)} and {middle(other.trained)} ({one.of})" for one, other in pairs]
    q, seeds = len(posed.sigma), f"{len(experiment.seeds)} seed" + "s" * (len(experiment.seeds) > 1)
    hardest = int(last.argmax()) + 1
    return (
        f"Not a figure of the paper. The hard-wired problem on {len(experiment.digits)} digits in whitened inputs, "
        f"where the optimum of rank r keeps the r largest of {q} singular values σ(Z), and strength·‖W‖∗ lowers all by "
        f"half of it, down to 0. Gradient descent at learning rate {RATE:g} ({seeds}) on networks of full width: no "
        "bound, no penalty. Left: no W has less loss at its nuclear norm than those on the green line; lines of runs "
        "are of the first seed. Right: the least distance of a run to the optimum of each rank from 1 to "
        f"{q - 1}, mean over ranks, in units of ‖Z‖, where the nuclear norm has the strength 2σ_(r+1), at which rank r "
        f"is reached. To optima of bounded rank and of nuclear norms it is {listed(sides)}. The rung "
        f"farthest from a run of the last kind is rank {hardest}, {number(float(last[hardest - 1]))} away, where "
        f"σ_(r+1)/σ_r is {number(float(posed.sigma[hardest] / posed.sigma[hardest - 1]))}."
    )
