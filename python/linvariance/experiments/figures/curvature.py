"""Curvature along training (no figure of the paper): both ends of the Hessian's spectrum, and its density."""

import numpy as np

import linvariance as lv
from linvariance import plots
from linvariance.experiments.experiment import Experiment
from linvariance.experiments.files import Row
from linvariance.experiments.methods import AUGMENTED, HARD_WIRED
from linvariance.experiments.results import Fact, Result, listed, middle

STATES = 12  # along a run, its start aside: each takes all eigenvalues of about a thousand parameters
LEAST = 3e-5  # of the highest bump: what is below it is not drawn
ENDS = {"largest eigenvalue": "highest", "smallest eigenvalue": "lowest"}


def curvature_over_epochs(experiment: Experiment) -> Result:
    """Left and middle: the largest and the smallest eigenvalue over epochs. Right: the density, augmented."""
    methods = (HARD_WIRED, AUGMENTED, experiment.learned[1])
    protocol = experiment.protocol
    trace = lv.train(
        [experiment.problems[method] for method in methods],
        optimizer=protocol.optimizer(),
        epochs=protocol.epochs,
        seeds=experiment.seeds[:1],
        record=lv.Record(every=-(-protocol.epochs // STATES), networks=True),
    )
    along = {method: lv.hessian(experiment.problems[method], trace.at(i)) for i, method in enumerate(methods)}
    watched = experiment.track(methods, "Eigenvalues of Hessians")
    extremes = {method: lv.curvature.extremes(along[method]) for method in watched}
    found = {
        (name, method): np.array([getattr(one, end)[0] for one in extremes[method]])
        for name, end in ENDS.items()
        for method in methods
    }
    shown = dict.fromkeys((0, 1, len(trace.epochs) - 1))
    densities = {int(trace.epochs[t]): lv.curvature.spectral_density(along[AUGMENTED][t]) for t in shown}

    picture, panels = plots.panels(1, 3, size=(13.0, 4.6))
    for panel, name in zip(panels, ENDS, strict=False):
        plots.draw(
            panel,
            [plots.Curve(m.label, trace.epochs, found[name, m][np.newaxis], m.look) for m in methods],
        )
        plots.explain(panel, "epoch", f"{name} of the Hessian")
    panels[1].set_yscale("symlog", linthresh=1e-3)  # from curvature 1 at the start to what is left at the end
    for (epoch, density), look in zip(densities.items(), plots.LOOKS[2:], strict=False):
        drawn = np.where(density.density > LEAST * density.density.max(), density.density, np.nan)
        panels[2].plot(density.grid, drawn, color=look.colour, linewidth=1.3, label=f"epoch {epoch}")
    panels[2].set_yscale("log")
    panels[2].legend(fontsize=plots.SMALL, frameon=False)
    plots.explain(panels[2], "eigenvalue", f"density, {AUGMENTED.label}")
    plots.legend(picture, panels[0])

    facts = tuple(
        Fact(f"{name} of the Hessian after training", method.label, trained=(float(found[name, method][-1]),))
        for name in ENDS
        for method in methods
    )
    rows: list[Row] = [
        (name, method.name, int(epoch), float(value))
        for (name, method), values in found.items()
        for epoch, value in zip(trace.epochs, values, strict=True)
    ]
    rows += [
        ("density", f"{AUGMENTED.name}, epoch {epoch}", float(x), float(y))
        for epoch, density in densities.items()
        for x, y in zip(density.grid, density.density, strict=True)
    ]
    return Result(picture, ("quantity", "of", "epoch_or_eigenvalue", "value"), rows, _caption(experiment, facts), facts)


def _caption(experiment: Experiment, facts: tuple[Fact, ...]) -> str:
    count = len(facts) // len(ENDS)
    highest, lowest = (
        listed([f"{middle(fact.trained)} ({fact.of})" for fact in part]) for part in (facts[:count], facts[count:])
    )
    protocol = experiment.protocol
    return (
        f"Not a figure of the paper. The Hessian of the loss in all layers along {protocol.epochs} epochs of training "
        f"on {len(experiment.digits)} digits, from seed {experiment.seeds[0]}: exact products, all eigenvalues. After "
        f"training the largest eigenvalue is {highest}, the smallest {lowest}: below 0 there still is a direction in "
        "which the loss falls to second order. Right: densities of the augmented problem's eigenvalues, each smoothed "
        "by Jackson's kernel; the peak at 0 holds the directions that do not change W, or not on these data."
    )
