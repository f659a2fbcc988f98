"""Figures 2 and 7: accuracy on the augmented training set over epochs."""

from linvariance.experiments.experiment import Experiment
from linvariance.experiments.figures.curves import Quantity, curves, final_facts, table
from linvariance.experiments.methods import HARD_WIRED
from linvariance.experiments.results import Result, ends

ACCURACY = Quantity(
    "accuracy on the augmented training set",
    lambda course: course.accuracy,
    lambda experiment, W: float(experiment.accuracy(W)),
    figures={"squared": "fig2", "cross_entropy": "fig7"},
)


def accuracy_over_epochs(experiment: Experiment) -> Result:
    """The share of the digits, each in all four rotations, whose largest output is the one of their label."""
    methods = (HARD_WIRED, *experiment.learned)
    facts = final_facts(experiment, ACCURACY, methods)
    caption = (
        f"Accuracy on the {len(experiment.digits)} training digits in all {experiment.rotations.order()} "
        f"rotations. {ends(experiment, facts)}"
    )
    return Result(
        curves(experiment, (ACCURACY,), methods),
        ("method", "seed", "epoch", "accuracy"),
        list(table(experiment, methods, ACCURACY.over_epochs)),
        caption,
        facts,
    )
