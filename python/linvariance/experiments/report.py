"""One page that shows the figures of a run, and their numbers beside the paper's and the closed forms."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from linvariance.datasets import Digits
from linvariance.experiments import paper
from linvariance.experiments.agreement import agreement
from linvariance.experiments.comparison import Comparison, runs
from linvariance.experiments.experiment import Experiment
from linvariance.experiments.methods import Method
from linvariance.experiments.nonlinear import AnyExperiment, NonlinearExperiment
from linvariance.experiments.page import document, section, table
from linvariance.experiments.protocol import LOSS_NAMES, LOSS_SCALES, RESIZE_NAMES
from linvariance.experiments.provenance import data, tools
from linvariance.experiments.results import Figure, Result, listed, number, spread

SOLVED = ("closed-form minimum", "trained", "relative excess")
UNSOLVED = ("at the start", "trained")
TEXTS = ("figure", "quantity", "of")
NUMBERS = ("paper", "closed form", "trained or drawn", "distance / tolerance", "largest / tolerance (where)", "agrees")
TOLERANCES = (
    "The paper's curves are those of its vector graphics; ours, where compared with them, are medians over the seeds. "
    "The distance is that of the value shown, which stands at the end of a curve; the largest one is given with its "
    "epoch (in Figure 5: index). The paper does not say which digits it took. So the tolerance is the largest distance "
    "between two of {origins}, which differ in digits and seeds, plus {width} of the axis for reading: what agrees is "
    "no further from ours than another run of ours may be, in the value shown and everywhere. For nonlinear networks "
    "it is the largest distance for any of the activations. Medians of ε_inv spread "
    "over powers of ten: their distances are factors, and heights that the paper's plot cannot tell from 0 are equal."
)
VERDICTS = {None: "-", True: "yes", False: "no"}
SAME_INFIMUM = (
    "There is no closed form. The augmented and the hard-wired problem have the same infimum, as for every loss that "
    "is convex in the outputs: averaging W over the group raises neither its augmented loss nor its rank."
)


def page(experiments: Mapping[str, AnyExperiment], results: Mapping[Figure, Result]) -> str:
    """The HTML text, complete in itself but for the pictures beside it."""
    used = [experiments[name] for name in dict.fromkeys(figure.experiment for figure in results)]
    trained = [experiments[name] for name in dict.fromkeys(figure.experiment for figure in results if figure.trains)]
    parts = [
        _introduction(used, results),
        "<h2>Numbers</h2>",
        _comparison(results),
        "<h2>Losses</h2>" if any(isinstance(one, Experiment) for one in trained) else "",
        *(_losses(one) for one in trained if isinstance(one, Experiment)),
        *map(_section, results, results.values()),
        _origin(used),
    ]
    return document("Invariance in deep linear networks: figures", parts)


def _introduction(used: Sequence[AnyExperiment], results: Mapping[Figure, Result]) -> str:
    """What each experiment is, and which figures are of it."""
    seeds, linear = used[0].seeds, [one for one in used if isinstance(one, Experiment)]
    set_ups = [_linear(linear, results)] if linear else []
    set_ups += [_nonlinear(one, results) for one in used if isinstance(one, NonlinearExperiment)]
    return (
        "<h1>Learning invariance in deep linear networks: the figures, re-run</h1>\n"
        + "".join(f"<p>{escape(set_up)}</p>\n" for set_up in set_ups)
        + f"<p>Seed{'s' if len(seeds) > 1 else ''} {listed(seeds)}. "
        f"{'Curves are medians over the seeds, within bands from least to greatest. ' if len(seeds) > 1 else ''}"
        "After H. Duan and G. Montúfar, <i>Understanding Learning Invariance in Deep Linear Networks</i>, "
        "PMLR 325:1-45 (2025).</p>"
    )


def _linear(used: Sequence[Experiment], results: Mapping[Figure, Result]) -> str:
    """What the experiments share, and which figure is of which loss."""
    protocol = used[0].protocol
    losses = [
        f"{LOSS_NAMES[one.protocol.loss]} in {figures}"
        for one in used
        if (figures := _figures_of(one.protocol.loss, results))
    ]
    return (
        f"{_digits(used[0])}; matrices of rank at most {protocol.rank}; "
        f"{'; '.join([f'{protocol.epochs} epochs of full-batch Adam', *losses])}."
    )


def _nonlinear(experiment: NonlinearExperiment, results: Mapping[Figure, Result]) -> str:
    protocol = experiment.protocol
    networks = (
        f"two-layer nonlinear networks with {listed(protocol.hidden)} hidden units, trained on the first "
        f"{listed(experiment.samples)} of the digits in {protocol.dtype}"
    )
    figures = _figures_of("nonlinear", results)
    ends = f"{protocol.epochs} epochs of full-batch Adam{f'; {figures}' if figures else ''}."
    return f"{_digits(experiment)}; {networks}; {ends}"


def _digits(experiment: AnyExperiment) -> str:
    digits, protocol = experiment.digits, experiment.protocol
    resize = RESIZE_NAMES[protocol.resize]
    return (
        f"{len(digits)} digits from {digits.source}, without the digit {protocol.dropped_digit}, as images of "
        f"{protocol.side} x {protocol.side} pixels ({resize}); the group is the {experiment.rotations.order()} "
        "rotations"
    )


def _figures_of(experiment: str, results: Mapping[Figure, Result]) -> str:
    """Such as: Figures 6 and 7. Figures of ours have no number."""
    numbers = [figure.number for figure in results if figure.experiment == experiment and figure.number]
    return f"Figure{'s' if len(numbers) > 1 else ''} {listed(numbers)}" if numbers else ""


def _comparison(results: Mapping[Figure, Result]) -> str:
    rows = [
        (
            "" if place else "first",
            ("" if place else figure.name, fact.quantity if place in starts else "", fact.of),
            (
                number(fact.paper.value if fact.paper else None),
                number(fact.closed_form),
                spread(fact.trained),
                *_gaps(fact.paper),
                VERDICTS[fact.agrees],
            ),
        )
        for figure, result in results.items()
        for starts in [_starts([fact.quantity for fact in result.facts])]
        for place, fact in enumerate(result.facts)
    ]
    return f'{table(TEXTS, NUMBERS, rows)}\n<p class="small">{escape(_tolerances(results))}</p>'


def _gaps(comparison: Comparison | None) -> tuple[str, str]:
    """The distance from the paper of the value shown, and the largest along the curve, with its place."""
    if comparison is None:
        return "-", "-"
    if comparison.is_factor:
        return f"factor {comparison.here}", "-"
    return str(comparison.here), f"{comparison.largest} ({comparison.place:g})"


def _tolerances(results: Mapping[Figure, Result]) -> str:
    """What agreement means, for the figures of this page."""
    compared = [figure for figure, result in results.items() if any(fact.paper for fact in result.facts)]
    counts: dict[int, list[str]] = {}
    for figure in compared:
        counts.setdefault(runs(figure.name), []).append(figure.number)
    origins = listed(
        [f"{count} runs of ours (figures {listed(numbers)})" for count, numbers in counts.items()] or ["-"]
    )
    return TOLERANCES.format(origins=origins, width=f"{paper.LINE_WIDTH:.1%}") if compared else ""


def _starts(words: Sequence[str]) -> set[int]:
    """Where a word differs from the one before."""
    return {place for place, word in enumerate(words) if place == 0 or word != words[place - 1]}


def _losses(experiment: Experiment) -> str:
    """The table of one loss, with closed-form minima where there are any, and what the loss is."""
    columns, row = (SOLVED, _beside_minimum) if experiment.solutions else (UNSOLVED, _beside_start)
    rows = [("", (method.label,), row(experiment, method)) for method in experiment.courses]
    loss = experiment.protocol.loss
    heading = LOSS_NAMES[loss].capitalize()
    remark = LOSS_SCALES[loss] if experiment.solutions else f"{LOSS_SCALES[loss]} {SAME_INFIMUM}"
    return f'<h3>{heading}</h3>\n{table(("method",), columns, rows)}\n<p class="small">{escape(remark)}</p>'


def _beside_minimum(experiment: Experiment, method: Method) -> tuple[str, ...]:
    optimum, final = experiment.solutions[method].loss, experiment.courses[method].loss[:, -1]
    return f"{optimum:.6g}", f"{np.median(final):.6g}", spread((final / optimum - 1).tolist())


def _beside_start(experiment: Experiment, method: Method) -> tuple[str, ...]:
    loss = experiment.courses[method].loss
    return spread(loss[:, 0].tolist()), spread(loss[:, -1].tolist())


def _section(figure: Figure, result: Result) -> str:
    inches, paragraphs = result.picture.get_figwidth(), (result.caption, agreement(result.facts))
    return section(figure.name, figure.heading, figure.title, inches=inches, paragraphs=paragraphs)


def _origin(used: Sequence[AnyExperiment]) -> str:
    tests = [one.test for one in used if isinstance(one, NonlinearExperiment)]
    samples = {digits.sha256: digits for digits in (*(one.digits for one in used), *tests)}
    return "<h2>Origin</h2>\n" + "\n".join(
        (*map(_sample, samples.values()), f'<p class="small">Computed with {escape(tools())}.</p>')
    )


def _sample(digits: Digits) -> str:
    origin = data(digits)
    counts = ", ".join(f"{digit}: {count}" for digit, count in enumerate(origin["class_counts"]))
    return (
        f'<p class="small">{origin["n"]} digits: {escape(origin["source"])}; class counts {counts}; SHA-256 of the '
        f"sample {origin['sha256']}.</p>"
    )
