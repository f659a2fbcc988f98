"""Figure 11: how far from invariant augmented nonlinear networks are, on digits they have not seen and on noise."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from linvariance import plots
from linvariance.experiments import paper
from linvariance.experiments.comparison import Comparison, compare
from linvariance.experiments.experiment import Floats
from linvariance.experiments.files import Row
from linvariance.experiments.nonlinear import ACTIVATIONS, DATA, NONLINEAR, NonlinearExperiment, Setting
from linvariance.experiments.results import Fact, Result, listed, middle

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
MIDDLE = SHARES.index(0.5)
HEADER = ("inputs", *Setting._fields, "seed", *(f"quantile_{share:g}" for share in SHARES), "median_relative_error")
GROUPS = {"test digits": "MNIST", "Gaussian inputs": "Gaussian"}
"""The inputs as the paper calls them."""

Quantiles = Mapping[tuple[str, Setting], Floats]
"""Of the errors on inputs of one kind, (seeds, shares)."""


def invariance_errors(experiment: NonlinearExperiment) -> Result:
    """Quantiles over samples of E_g ‖1 - f(ρ(g)x)/f̄(x)‖²; 0 for an invariant network, as hard-wired ones are."""
    quantiles = {
        (inputs, setting): np.quantile(experiment.errors(inputs, setting), SHARES, axis=1).T
        for inputs in experiment.inputs
        for setting in settings(experiment)
    }
    facts = tuple(
        Fact(
            f"median ε_inv on {inputs}",
            f"{setting.hidden} hidden units, {setting.samples} digits, {ACTIVATIONS[setting.activation]}",
            _beside_paper(experiment, inputs, setting, found[:, MIDDLE]),
            trained=tuple(found[:, MIDDLE].tolist()),
        )
        for (inputs, setting), found in quantiles.items()
    )
    return Result(
        _picture(experiment, quantiles), HEADER, list(_rows(experiment, quantiles)), _caption(experiment, facts), facts
    )


def _beside_paper(experiment: NonlinearExperiment, inputs: str, setting: Setting, medians: Floats) -> Comparison | None:
    return compare("fig11", bar_name(experiment, inputs, setting), np.ones(1), np.median(medians, keepdims=True))


def bar_name(experiment: NonlinearExperiment, inputs: str, setting: Setting) -> str:
    """The name of the paper's bar: few digits or many, of which a source may have fewer."""
    count = NONLINEAR.samples[experiment.samples.index(setting.samples)]
    return f"{GROUPS[inputs]}, N={count}, {ACTIVATIONS[setting.activation]}, {setting.hidden} units"


def settings(experiment: NonlinearExperiment) -> list[Setting]:
    """In groups that differ in the activation only."""
    protocol = experiment.protocol
    return [
        Setting(DATA.name, size, hidden, activation)
        for hidden in protocol.hidden
        for size in experiment.samples
        for activation in protocol.activations
    ]


def _picture(experiment: NonlinearExperiment, quantiles: Quantiles) -> "Picture":
    """A panel for each kind of inputs; medians over seeds."""
    names = experiment.protocol.activations
    picture, axes = plots.panels(1, len(experiment.inputs), size=(11.0, 5.2), share=True)
    shown = np.concatenate([found[found > 0] for found in quantiles.values()])
    low, *_, high = sorted(_heights(list(paper.lines("fig11"))))
    shapes = list(dict.fromkeys((setting.hidden, setting.samples) for setting in settings(experiment)))
    for panel, inputs in zip(axes, experiment.inputs, strict=True):
        panel.set_yscale("log")
        panel.set_ylim(
            min(shown.min(), low) / 2, 2 * max(shown.max(), high)
        )  # bars on a logarithmic axis do not choose its limits well
        for place, (hidden, size) in enumerate(shapes):
            found = [quantiles[inputs, Setting(DATA.name, size, hidden, activation)] for activation in names]
            x = np.arange(len(names)) + 0.2 * (place - (len(shapes) - 1) / 2)
            label = f"{hidden} hidden units, {size} digits"
            bars = [bar_name(experiment, inputs, Setting(DATA.name, size, hidden, one)) for one in names]
            plots.dashes(panel, x, _heights(bars), "" if place else "the paper's medians")
            plots.boxes(panel, x, np.median(found, axis=1), plots.LOOKS[1 + place], label)
        panel.set_xticks(range(len(names)), [ACTIVATIONS[name] for name in names])
        plots.explain(panel, "activation", "ε_inv(f, x)" if panel is axes[0] else "", inputs)
    plots.legend(picture, axes[0], columns=4)
    return picture


def _heights(bars: Sequence[str]) -> Floats:
    """Of the paper's bars, at least what can be read of a bar: on a logarithmic axis a bar of height 0 has no place."""
    found = [line.y for bar in bars if (line := paper.line("fig11", bar))]
    return np.maximum(np.concatenate(found), paper.reading("fig11"))


def _rows(experiment: NonlinearExperiment, quantiles: Quantiles) -> Iterator[Row]:
    for (inputs, setting), found in quantiles.items():
        # Not median: where a ReLU network vanishes on a whole orbit the relative error is undefined.
        relative = np.nanmedian(experiment.relative_errors(inputs, setting), axis=1).tolist()
        for seed, row, other in zip(experiment.seeds, found.tolist(), relative, strict=True):
            yield inputs, *setting, seed, *row, other


def _caption(experiment: NonlinearExperiment, facts: Iterable[Fact]) -> str:
    protocol, test = experiment.protocol, experiment.test
    medians: dict[str, list[str]] = {}
    for fact in facts:
        shared = f"{fact.of.rsplit(', ', 1)[0]}, {fact.quantity.split(' on ')[1]}"
        medians.setdefault(shared, []).append(middle(fact.trained))
    return (
        f"Invariance error of augmented networks, ε_inv(f, x) = E_g ‖1 - f(gx)/f̄(x)‖², divided output by output and "
        f"summed over the {protocol.classes} outputs, with f̄(x) = E_g[f(gx)]. The paper prints it without norm or "
        "index of the output: the sum is our guess. Boxes reach from quartile to quartile of "
        f"the inputs, whiskers from {SHARES[0]:.0%} to {SHARES[-1]:.0%}, markers are medians. The inputs are "
        f"{len(test)} digits that no network has seen ({test.source}) and {protocol.gaussians} Gaussian vectors. "
        f"Medians after {protocol.epochs} epochs for {listed([ACTIVATIONS[name] for name in protocol.activations])}: "
        + "; ".join(f"{shared}: {', '.join(values)}" for shared, values in medians.items())
        + "."
    )
