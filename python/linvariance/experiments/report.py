"""One page that shows the figures of a run, and their numbers beside the paper's and the closed forms."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from linvariance.experiments.agreement import agreement
from linvariance.experiments.experiment import Experiment
from linvariance.experiments.methods import Method
from linvariance.experiments.page import document, section, table
from linvariance.experiments.protocol import LOSS_NAMES, LOSS_SCALES
from linvariance.experiments.provenance import data, tools
from linvariance.experiments.results import Figure, Result, listed, number, spread

SOLVED = ("closed-form minimum", "trained", "relative excess")
UNSOLVED = ("at the start", "trained")
VERDICTS = {None: "-", True: "yes", False: "no"}
SAME_INFIMUM = (
    "There is no closed form. The augmented and the hard-wired problem have the same infimum, as for every loss that "
    "is convex in the outputs: averaging W over the group raises neither its augmented loss nor its rank."
)


def page(experiments: Mapping[str, Experiment], results: Mapping[Figure, Result]) -> str:
    """The HTML text, complete in itself but for the pictures beside it."""
    used = [experiments[name] for name in dict.fromkeys(figure.experiment for figure in results)]
    trained = [experiments[name] for name in dict.fromkeys(figure.experiment for figure in results if figure.trains)]
    parts = [
        _introduction(used, results),
        "<h2>Numbers</h2>",
        _comparison(results),
        "<h2>Losses</h2>" if trained else "",
        *map(_losses, trained),
        *map(_section, results, results.values()),
        _origin(used[0]),
    ]
    return document("Invariance in deep linear networks: figures", parts)


def _introduction(used: Sequence[Experiment], results: Mapping[Figure, Result]) -> str:
    """What the experiments share, and which figure is of which loss."""
    experiment = used[0]
    digits, seeds, protocol = experiment.digits, experiment.seeds, experiment.protocol
    losses = [_figures_of(one.protocol.loss, results) for one in used]
    return (
        "<h1>Learning invariance in deep linear networks: the figures, re-run</h1>\n"
        f"<p>{len(digits)} digits from {escape(digits.source)}, without the digit {protocol.dropped_digit}, as "
        f"images of {protocol.side} x {protocol.side} pixels; the group is the "
        f"{experiment.rotations.order()} rotations; matrices of rank at most {protocol.rank}; "
        f"{protocol.epochs} epochs of full-batch Adam; {''.join(f'{words}; ' for words in losses if words)}"
        f"seed{'s' if len(seeds) > 1 else ''} {listed(seeds)}. "
        f"{'Curves are medians over the seeds, within bands from least to greatest. ' if len(seeds) > 1 else ''}"
        "After H. Duan and G. Montúfar, <i>Understanding Learning Invariance in Deep Linear Networks</i>, "
        "PMLR 325:1-45 (2025).</p>"
    )


def _figures_of(loss: str, results: Mapping[Figure, Result]) -> str:
    """Such as: cross-entropy in Figures 6 and 7. Figures of ours have no number and belong to no loss."""
    names = [figure.name for figure in results if figure.experiment == loss and figure.name.startswith("fig")]
    numbers = [name.removeprefix("fig") for name in names]
    return f"{LOSS_NAMES[loss]} in Figure{'s' if len(numbers) > 1 else ''} {listed(numbers)}" if numbers else ""


def _comparison(results: Mapping[Figure, Result]) -> str:
    rows = [
        (
            "" if place else "first",
            ("" if place else figure.name, fact.quantity if place in starts else "", fact.of),
            (str(fact.paper or "-"), number(fact.closed_form), spread(fact.trained), VERDICTS[fact.agrees]),
        )
        for figure, result in results.items()
        for starts in [_starts([fact.quantity for fact in result.facts])]
        for place, fact in enumerate(result.facts)
    ]
    return table(
        ("figure", "quantity", "of"), ("paper (read off the plot)", "closed form", "trained or drawn", "agrees"), rows
    )


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
    label = figure.name.removeprefix("fig")
    heading = figure.title if label == figure.name else f"Figure {label}. {figure.title}"  # only the paper's have one
    paragraphs = (result.caption, agreement(result.facts))
    return section(figure.name, heading, figure.title, inches=result.picture.get_figwidth(), paragraphs=paragraphs)


def _origin(experiment: Experiment) -> str:
    origin = data(experiment)
    counts = ", ".join(f"{digit}: {count}" for digit, count in enumerate(origin["class_counts"]))
    return (
        f'<h2>Origin</h2>\n<p class="small">Digits: {escape(origin["source"])}; class counts {counts}; SHA-256 of '
        f"the sample {origin['sha256']}. Computed with {escape(tools())}.</p>"
    )
