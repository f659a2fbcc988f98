"""Figure 5: singular values of the targets Z of the hard-wired, augmented and regularized problems."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from linvariance import plots
from linvariance.experiments import paper
from linvariance.experiments.comparison import Comparison, compare
from linvariance.experiments.experiment import Experiment, Floats
from linvariance.experiments.methods import AUGMENTED, HARD_WIRED, Method
from linvariance.experiments.protocol import LOSS_NAMES
from linvariance.experiments.results import Fact, Result, listed, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def singular_values(experiment: Experiment) -> Result:
    """σ_i(Z^inv), σ_i(Z^da), σ_i(Z^reg): the optimum keeps the r largest, the loss is the sum of squares of the rest.

    The paper builds Z from sums over the data, not from means: its values are √n times ours, and √(n|G|) times ours
    for the augmented problem, whose sum has |G| times as many terms.
    """
    n, order, rank = len(experiment.digits), experiment.rotations.order(), experiment.protocol.rank
    papers = scaled(experiment)
    ours = {method: experiment.solutions[method].singular_values for method in papers}
    picture, panels = plots.panels(1, 2, size=(10.0, 4.8))
    for panel, values, label in (
        (panels[0], papers, "σᵢ(Z), sums over the data (as in the paper)"),
        (panels[1], ours, "σᵢ(Z), means over the data"),
    ):
        plots.stems(
            panel,
            [
                plots.Curve(method.label, np.arange(1, len(sigma) + 1), sigma[np.newaxis], method.look)
                for method, sigma in values.items()
            ],
        )
        if values is papers:
            _dashes(panel, list(papers))
        plots.mark(panel, rank + 0.5, f"rank bound r = {rank}")
        plots.explain(panel, "index i", label)
    plots.legend(picture, panels[0], title=LOSS_NAMES[experiment.protocol.loss])

    facts = tuple(
        Fact(
            "largest σ(Z), scaled as in the paper",
            method.label,
            _beside_paper(method, papers[method]),
            float(papers[method][0]),
        )
        for method in papers
    )
    tops = listed([f"{number(fact.closed_form)} ({fact.of})" for fact in facts])
    apart = np.abs(ours[AUGMENTED] - ours[HARD_WIRED]).max()
    ratio = papers[AUGMENTED][0] / papers[HARD_WIRED][0]
    caption = (
        f"Singular values of Z from n = {n} digits. Left: scaled as in the paper, √n times those of means, and "
        f"√(n|G|) times with |G| = {order} for augmentation; the largest are {tops}, augmented to hard-wired as "
        f"{number(float(ratio))} to 1. Right: of means, where augmented and hard-wired "
        f"differ by {number(float(apart))}."
    )
    rows = [
        (method.name, place + 1, float(ours[method][place]), float(papers[method][place]))
        for method in papers
        for place in range(len(ours[method]))
    ]
    return Result(picture, ("method", "index", "singular_value", "scaled_as_in_the_paper"), rows, caption, facts)


def scaled(experiment: Experiment) -> dict[Method, Floats]:
    """Singular values of the three targets, from sums over the data as in the paper."""
    n, order = len(experiment.digits), experiment.rotations.order()
    return {
        method: experiment.solutions[method].singular_values * math.sqrt(n * order if method == AUGMENTED else n)
        for method in (HARD_WIRED, AUGMENTED, experiment.learned[1])
    }


def _beside_paper(method: Method, sigma: Floats) -> Comparison | None:
    return compare("fig5", method.name, np.arange(1.0, len(sigma) + 1), sigma)


def _dashes(panel: "Axes", methods: Sequence[Method]) -> None:
    """The paper's values, each at the stem of ours."""
    found = [paper.line("fig5", method.name) for method in methods]
    for place, line in enumerate(found):
        if line is not None:
            label = "" if place else "the paper's values"
            plots.dashes(panel, plots.dodged(line.x, place, len(methods)), line.y, label)
