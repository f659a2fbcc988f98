"""Figures 4 and 9: the invariant share of W over epochs, and what is left of 1."""

import numpy as np

from linvariance.experiments.experiment import Course, Experiment, Floats
from linvariance.experiments.figures.curves import Quantity, curves, final_facts, last, table
from linvariance.experiments.methods import Method
from linvariance.experiments.results import Fact, Result, ends, middle


def _rest_over_epochs(course: Course) -> Floats:
    rest: Floats = (course.norm_perp / course.norm) ** 2
    return rest


def _rest_at(experiment: Experiment, W: Floats) -> float:
    return (experiment.norm_perp(W) / float(np.linalg.norm(W))) ** 2


# The two add up to 1, because rotations act by orthogonal matrices.
SHARE = Quantity(
    "‖W - W⊥‖² / ‖W‖²",
    lambda course: 1 - _rest_over_epochs(course),
    lambda experiment, W: 1 - _rest_at(experiment, W),
    figures={"squared": "fig4", "cross_entropy": "fig9"},
)
REST = Quantity("‖W⊥‖² / ‖W‖²", _rest_over_epochs, _rest_at, scale="log")


def share_over_epochs(experiment: Experiment) -> Result:
    """‖W - W⊥‖² / ‖W‖²: 1 for an invariant W; beside it ‖W⊥‖² / ‖W‖², which tells the ends of the curves apart."""
    methods = experiment.learned
    shares, rests = (final_facts(experiment, quantity, methods) for quantity in (SHARE, REST))
    growths = tuple(_growth(experiment, method) for method in methods)
    grown = "; ".join(f"{middle(fact.trained)} ({fact.of})" for fact in growths)
    caption = (
        "Left: the share of ‖W‖² in the invariant part of W, 1 when W is invariant, as the hard-wired network is by "
        f"construction. {ends(experiment, shares)} Right: the rest, ‖W⊥‖² / ‖W‖². "
        f"{ends(experiment, rests)} ‖W‖ itself moves too: it ends at that at the start, times {grown}."
    )
    return Result(
        curves(experiment, (SHARE, REST), methods),
        ("method", "seed", "epoch", "invariant_share", "rest"),
        list(table(experiment, methods, SHARE.over_epochs, REST.over_epochs)),
        caption,
        (*shares, *rests, *growths),
    )


def _growth(experiment: Experiment, method: Method) -> Fact:
    norm = experiment.courses[method].norm
    return Fact("final ‖W‖ over that at the start", method.label, trained=last(norm / norm[:, :1]))
