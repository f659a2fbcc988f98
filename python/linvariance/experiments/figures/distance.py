"""Figure 3: ‖W⊥‖ over epochs, for augmentation split into what training sees and what it never moves."""

from linvariance import plots
from linvariance.experiments.experiment import Experiment
from linvariance.experiments.figures.curves import Quantity, curves, final_facts, last, table
from linvariance.experiments.methods import AUGMENTED
from linvariance.experiments.results import Fact, Result, ends, middle

DISTANCE = Quantity(
    "‖W⊥‖ (Frobenius norm)",
    lambda course: course.norm_perp,
    lambda experiment, W: experiment.norm_perp(W),
    paper={"augmented": 0.6, "regularized 0.1": 0.07, "regularized 0.01": 0.37, "regularized 0.001": 0.74},
)


def distance_over_epochs(experiment: Experiment) -> Result:
    """The norm of W⊥ = W(I - Π). A direction on which all rotated data vanish is frozen: the gradient is 0 there."""
    methods = experiment.learned
    course = experiment.courses[AUGMENTED]
    parts = {"augmented, seen part": (course.norm_seen, "-."), "augmented, frozen part": (course.norm_frozen, ":")}
    picture = curves(
        experiment,
        (DISTANCE,),
        methods,
        [plots.Curve(label, course.epochs, values, AUGMENTED.look, line) for label, (values, line) in parts.items()],
    )
    totals = final_facts(experiment, DISTANCE, methods)
    facts = (*totals, *(Fact(DISTANCE.name, label, trained=last(values)) for label, (values, _) in parts.items()))
    seen, frozen = (middle(last(values)) for values, _ in parts.values())
    caption = (
        f"Distance of W from the invariant matrices. {ends(experiment, totals)} The augmented network keeps a frozen "
        f"part of {frozen}, where every rotated digit is 0, so that no gradient moves the first layer; its other part, "
        f"{seen}, is seen by the data and decays (total² = seen² + frozen²)."
    )
    rows = table(
        experiment, methods, DISTANCE.over_epochs, lambda course: course.norm_seen, lambda course: course.norm_frozen
    )
    return Result(picture, ("method", "seed", "epoch", "norm_perp", "seen", "frozen"), list(rows), caption, facts)
