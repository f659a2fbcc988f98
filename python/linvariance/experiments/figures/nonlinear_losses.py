"""Figure 10, and one beside it: losses of two-layer nonlinear networks over epochs."""

from collections.abc import Iterator, Sequence

import numpy as np

from linvariance import plots
from linvariance.experiments.comparison import compare
from linvariance.experiments.figures.curves import beneath, last
from linvariance.experiments.files import Row
from linvariance.experiments.nonlinear import ACTIVATIONS, CONVOLUTIONAL, DATA, HARD, Kind, NonlinearExperiment, Setting
from linvariance.experiments.results import Fact, Result, middle


def losses_over_epochs(experiment: NonlinearExperiment) -> Result:
    """Losses of hard-wired and augmented networks on all training digits."""
    return _result(experiment, (HARD, DATA), "", "fig10")


def convolutional_losses(experiment: NonlinearExperiment) -> Result:
    """The same beside group-convolutional networks, whose first hidden layer is averaged over the group."""
    words = (
        "A group-convolutional network averages its first hidden layer over the group (the paper's Equation 62), so "
        "that it is invariant whatever its weights. It has as many weights as the augmented network and starts from "
        "the same ones; the hard-wired network has fewer and sees of a digit its average over the group only. "
    )
    return _result(experiment, (HARD, DATA, CONVOLUTIONAL), words, "")


def _result(experiment: NonlinearExperiment, kinds: Sequence[Kind], words: str, figure: str) -> Result:
    protocol, many = experiment.protocol, experiment.samples[-1]
    picture, axes = plots.panels(len(protocol.hidden), len(protocol.activations), size=(11.0, 6.4), share=True)
    places = [(hidden, activation) for hidden in protocol.hidden for activation in protocol.activations]
    for panel, (hidden, activation) in zip(axes, places, strict=True):
        runs = [(kind, experiment.courses[Setting(kind.name, many, hidden, activation)]) for kind in kinds]
        beneath(panel, figure, {curve_name(hidden, activation, kind): kind.look for kind in kinds})
        plots.draw(panel, [plots.Curve(kind.label, run.epochs, run.loss, kind.look) for kind, run in runs])
        panel.set_ylim(bottom=0)
        plots.explain(
            panel,
            "epoch" if hidden == protocol.hidden[-1] else "",
            f"loss, {hidden} hidden units" if activation == protocol.activations[0] else "",
            ACTIVATIONS[activation] if hidden == protocol.hidden[0] else "",
        )
    plots.legend(picture, axes[0])
    facts = tuple(
        _fact(experiment, Setting(kind.name, many, hidden, activation), kind, figure)
        for hidden, activation in places
        for kind in kinds
    )
    return Result(
        picture,
        ("kind", "samples", "hidden", "activation", "seed", "epoch", "loss"),
        list(_rows(experiment, kinds)),
        f"Losses of two-layer networks on {many} digits, {protocol.side**2}-h-{protocol.classes} (hard-wired: on the "
        f"invariant part of the inputs). {words}{protocol.loss_scale} After {protocol.epochs} epochs, "
        + "; ".join(_sentence(facts, hidden) for hidden in protocol.hidden)
        + ".",
        facts,
    )


def _fact(experiment: NonlinearExperiment, setting: Setting, kind: Kind, figure: str) -> Fact:
    run, name = experiment.courses[setting], curve_name(setting.hidden, setting.activation, kind)
    return Fact(
        f"final loss, {setting.hidden} hidden units",
        f"{ACTIVATIONS[setting.activation]}, {kind.label}",
        compare(figure, name, run.epochs, np.median(run.loss, axis=0)),
        trained=last(run.loss),
    )


def curve_name(hidden: int, activation: str, kind: Kind) -> str:
    """That of the paper's curve."""
    return f"{ACTIVATIONS[activation]}, {kind.name}, {hidden} units"


def _sentence(facts: Sequence[Fact], hidden: int) -> str:
    ends = ", ".join(f"{middle(fact.trained)} ({fact.of})" for fact in facts if f" {hidden} " in fact.quantity)
    return f"with {hidden} hidden units: {ends}"


def _rows(experiment: NonlinearExperiment, kinds: Sequence[Kind]) -> Iterator[Row]:
    names = {kind.name for kind in kinds}
    for setting, run in experiment.courses.items():
        if setting.kind not in names or setting.samples != experiment.samples[-1]:
            continue
        for seed, losses in zip(experiment.seeds, run.loss.tolist(), strict=True):
            for epoch, loss in zip(run.epochs.tolist(), losses, strict=True):
                yield *setting, seed, epoch, loss
