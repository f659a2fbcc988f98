"""Figure 4: the invariant share of W over epochs, and what is left of 1."""

import numpy as np

from linvariance.experiments.experiment import Course, Experiment, Floats
from linvariance.experiments.figures.curves import Quantity, curves, final_facts, table
from linvariance.experiments.results import Result, ends


def _rest_over_epochs(course: Course) -> Floats:
    rest: Floats = (course.norm_perp / course.norm) ** 2
    return rest


def _rest_at(experiment: Experiment, W: Floats) -> float:
    return (experiment.norm_perp(W) / float(np.linalg.norm(W))) ** 2


# The two add up to 1, because rotations act by orthogonal matrices.
SHARE = Quantity(
    "‖W - W⊥‖² / ‖W‖²", lambda course: 1 - _rest_over_epochs(course), lambda experiment, W: 1 - _rest_at(experiment, W)
)
REST = Quantity("‖W⊥‖² / ‖W‖²", _rest_over_epochs, _rest_at, scale="log")


def share_over_epochs(experiment: Experiment) -> Result:
    """‖W - W⊥‖² / ‖W‖²: 1 for an invariant W; beside it ‖W⊥‖² / ‖W‖², which tells the ends of the curves apart."""
    methods = experiment.learned
    facts = final_facts(experiment, REST, methods)
    caption = (
        "Left: the share of ‖W‖² in the invariant part of W, 1 when W is invariant, as the hard-wired network is by "
        f"construction. Right: the rest, ‖W⊥‖² / ‖W‖². {ends(experiment, facts)}"
    )
    return Result(
        curves(experiment, (SHARE, REST), methods),
        ("method", "seed", "epoch", "invariant_share", "rest"),
        list(table(experiment, methods, SHARE.over_epochs, REST.over_epochs)),
        caption,
        facts,
    )
