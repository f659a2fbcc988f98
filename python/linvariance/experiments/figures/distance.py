"""Figures 3 and 8: ‖W⊥‖ over epochs, for augmentation split into what training sees and what it never moves."""

from collections.abc import Sequence

from linvariance import plots
from linvariance.experiments.experiment import Experiment, Floats
from linvariance.experiments.figures.curves import Quantity, curves, final_facts, last, table
from linvariance.experiments.methods import AUGMENTED, Method
from linvariance.experiments.results import Fact, Result, ends, listed, middle

DISTANCE = Quantity(
    "‖W⊥‖ (Frobenius norm)",
    lambda course: course.norm_perp,
    lambda experiment, W: experiment.norm_perp(W),
    figures={"squared": "fig3", "cross_entropy": "fig8"},
)

FIRST_LAYER = Quantity("‖W₁(I - Π)‖, of the first layer", lambda course: course.norm_first_perp, None)


def distance_over_epochs(experiment: Experiment) -> Result:
    """The norm of W⊥ = W(I - Π). A direction on which all rotated data vanish is frozen: the gradient is 0 there."""
    methods = experiment.learned
    course = experiment.courses[AUGMENTED]
    parts = {"augmented, seen part": (course.norm_seen, "-."), "augmented, frozen part": (course.norm_frozen, ":")}
    picture = curves(
        experiment,
        (DISTANCE, FIRST_LAYER),
        methods,
        [plots.Curve(label, course.epochs, values, AUGMENTED.look, line) for label, (values, line) in parts.items()],
    )
    totals = final_facts(experiment, DISTANCE, methods)
    peaks = tuple(fact for fact in (_peak(experiment, method) for method in methods) if (fact.value or 0) > 1)
    first = _rises(course.norm_first_perp)
    growth = Fact("largest ‖W₁(I - Π)‖ over that at the start", AUGMENTED.label, trained=first)
    facts = (
        *totals,
        *(Fact(DISTANCE.name, label, trained=last(values)) for label, (values, _) in parts.items()),
        *peaks,
        growth,
    )
    seen, frozen = (middle(last(values)) for values, _ in parts.values())
    caption = (
        f"Left: distance of W from the invariant matrices. {ends(experiment, totals)} The augmented network keeps a "
        f"frozen part of {frozen}, where every rotated digit is 0, so that no gradient moves the first layer; its "
        f"other part, {seen}, is seen by the data (total² = seen² + frozen²). {_sentence(peaks, len(methods))} Right: "
        "what is not invariant in the first layer. On the augmented problem gradient flow never lets it grow, so that "
        f"‖W⊥‖ rises with the later layers only; with Adam it reaches {middle(first)} times its start at most."
    )
    rows = table(
        experiment,
        methods,
        DISTANCE.over_epochs,
        lambda course: course.norm_seen,
        lambda course: course.norm_frozen,
        FIRST_LAYER.over_epochs,
    )
    header = ("method", "seed", "epoch", "norm_perp", "seen", "frozen", "norm_first_perp")
    return Result(picture, header, list(rows), caption, facts)


def _sentence(peaks: Sequence[Fact], methods: int) -> str:
    if not peaks:
        return "‖W⊥‖ does not rise above its start."
    heights = listed([f"{middle(fact.trained)} ({fact.of})" for fact in peaks])
    others = "; the others do not rise above theirs" if len(peaks) < methods else ""
    return f"At its largest ‖W⊥‖ is, in multiples of its start, {heights}{others}."


def _peak(experiment: Experiment, method: Method) -> Fact:
    """How far ‖W⊥‖ rises above its start: 1 if it never does."""
    ratios = _rises(experiment.courses[method].norm_perp)
    return Fact("largest ‖W⊥‖ over that at the start", method.label, trained=ratios)


def _rises(values: Floats) -> tuple[float, ...]:
    """The largest value of each seed in multiples of its first, of courses (seeds, T)."""
    return tuple((values.max(axis=1) / values[:, 0]).tolist())
