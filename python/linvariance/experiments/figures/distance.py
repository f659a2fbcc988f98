"""Figures 3 and 8: ‖W⊥‖ over epochs, for augmentation split into what training sees and what it never moves."""

from collections.abc import Sequence

from linvariance import plots
from linvariance.experiments.experiment import Experiment, Floats
from linvariance.experiments.figures.curves import Quantity, curves, final_facts, last, table
from linvariance.experiments.methods import AUGMENTED, Method
from linvariance.experiments.results import Fact, Reading, Result, ends, listed, middle, near

# As for accuracies: plots can be read to 0.02, and another sample of 1000 digits moves these distances by up to 0.02.
TOLERANCE = 0.05

DISTANCE = Quantity(
    "‖W⊥‖ (Frobenius norm)",
    lambda course: course.norm_perp,
    lambda experiment, W: experiment.norm_perp(W),
    paper={
        "squared": {
            "augmented": near(0.6, TOLERANCE),
            "regularized 0.1": near(0.07, TOLERANCE),
            "regularized 0.01": near(0.37, TOLERANCE),
            "regularized 0.001": near(0.74, TOLERANCE),
        },
        "cross_entropy": {"regularized 1": near(0.0, TOLERANCE)},
    },
)

FIRST_LAYER = Quantity("‖W₁(I - Π)‖, of the first layer", lambda course: course.norm_first_perp, None)

RISES = {"cross_entropy": {"regularized 0.01": Reading(1.0, None, 0.0)}}
"""Where the paper's plot rises before it falls, by loss and name of the method."""


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
    peaks = tuple(fact for fact in (_peak(experiment, method) for method in methods) if _matters(fact))
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


def _matters(peak: Fact) -> bool:
    """Whether ‖W⊥‖ rises above its start, in the median over seeds or in the paper."""
    return peak.paper is not None or (peak.value or 0) > 1


def _sentence(peaks: Sequence[Fact], methods: int) -> str:
    if not peaks:
        return "‖W⊥‖ does not rise above its start."
    heights = listed([f"{middle(fact.trained)} ({fact.of})" for fact in peaks])
    others = "; the others do not rise above theirs" if len(peaks) < methods else ""
    return f"At its largest ‖W⊥‖ is, in multiples of its start, {heights}{others}."


def _peak(experiment: Experiment, method: Method) -> Fact:
    """How far ‖W⊥‖ rises above its start: 1 if it never does."""
    reading = RISES.get(experiment.protocol.loss, {}).get(method.name)
    ratios = _rises(experiment.courses[method].norm_perp)
    return Fact("largest ‖W⊥‖ over that at the start", method.label, reading, trained=ratios)


def _rises(values: Floats) -> tuple[float, ...]:
    """The largest value of each seed in multiples of its first, of courses (seeds, T)."""
    return tuple((values.max(axis=1) / values[:, 0]).tolist())
