"""Figures 2 and 7: accuracy on the augmented training set over epochs."""

from linvariance.experiments.experiment import Experiment
from linvariance.experiments.figures.curves import Quantity, curves, final_facts, table
from linvariance.experiments.methods import HARD_WIRED
from linvariance.experiments.results import Reading, Result, ends, near

# The plots can be read to 0.02, and which 1000 digits are drawn moves these accuracies by 0.02 (standard deviation over
# 24 random samples of MNIST's digits; the paper does not say which ones it took).
TOLERANCE = 0.05

ACCURACY = Quantity(
    "accuracy on the augmented training set",
    lambda course: course.accuracy,
    lambda experiment, W: float(experiment.accuracy(W)),
    paper={
        "squared": {
            "augmented": near(0.53, TOLERANCE),
            "regularized 0.1": near(0.52, TOLERANCE),
            "regularized 0.01": near(0.40, TOLERANCE),
            "regularized 0.001": near(0.335, TOLERANCE),
        },
        "cross_entropy": {"hard-wired": Reading(0.6, 0.67, TOLERANCE), "augmented": Reading(0.6, 0.67, TOLERANCE)},
    },
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
