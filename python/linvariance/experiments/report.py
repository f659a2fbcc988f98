"""One page that shows the figures of a run, and their numbers beside the paper's and the closed forms."""

from html import escape

import numpy as np

from linvariance.experiments.experiment import Experiment
from linvariance.experiments.page import document, section, table
from linvariance.experiments.protocol import LOSS_SCALE
from linvariance.experiments.provenance import data, tools
from linvariance.experiments.results import Figure, Result, listed, number, spread


def page(experiment: Experiment, results: dict[Figure, Result]) -> str:
    """The HTML text, complete in itself but for the pictures beside it."""
    trains = any(figure.trains for figure in results)
    parts = [
        _introduction(experiment),
        "<h2>Numbers</h2>",
        _comparison(results),
        _losses(experiment) if trains else "",
        *map(_section, results, results.values()),
        _origin(experiment),
    ]
    return document("Invariance in deep linear networks: figures", parts)


def _introduction(experiment: Experiment) -> str:
    digits, seeds, protocol = experiment.digits, experiment.seeds, experiment.protocol
    return (
        "<h1>Learning invariance in deep linear networks: the figures, re-run</h1>\n"
        f"<p>{len(digits)} digits from {escape(digits.source)}, without the digit {protocol.dropped_digit}, as "
        f"images of {protocol.side} x {protocol.side} pixels; the group is the "
        f"{experiment.rotations.order()} rotations; matrices of rank at most {protocol.rank}; "
        f"{protocol.epochs} epochs of full-batch Adam; "
        f"seed{'s' if len(seeds) > 1 else ''} {listed(seeds)}. "
        f"{'Curves are medians over the seeds, within bands from least to greatest. ' if len(seeds) > 1 else ''}"
        "After H. Duan and G. Montúfar, <i>Understanding Learning Invariance in Deep Linear Networks</i>, "
        "PMLR 325:1-45 (2025).</p>"
    )


def _comparison(results: dict[Figure, Result]) -> str:
    rows = [
        (
            "" if place else "first",
            ("" if place else figure.name, "" if place else fact.quantity, fact.of),
            ("-" if fact.paper is None else f"{fact.paper:g}", number(fact.closed_form), spread(fact.trained)),
        )
        for figure, result in results.items()
        for place, fact in enumerate(result.facts)
    ]
    return table(("figure", "quantity", "of"), ("paper (read off the plot)", "closed form", "trained"), rows)


def _losses(experiment: Experiment) -> str:
    rows = []
    for method, course in experiment.courses.items():
        optimum, final = experiment.solutions[method].loss, course.loss[:, -1]
        rows.append(
            (
                "",
                (method.label,),
                (f"{optimum:.6g}", f"{np.median(final):.6g}", spread((final / optimum - 1).tolist())),
            )
        )
    return (
        "<h2>Losses</h2>\n"
        + table(("method",), ("closed-form minimum", "trained", "relative excess"), rows)
        + f'\n<p class="small">{escape(LOSS_SCALE)}</p>'
    )


def _section(figure: Figure, result: Result) -> str:
    heading = f"{figure.name.replace('fig', 'Figure ')}. {figure.title}"
    return section(figure.name, heading, figure.title, inches=result.picture.get_figwidth(), caption=result.caption)


def _origin(experiment: Experiment) -> str:
    origin = data(experiment)
    counts = ", ".join(f"{digit}: {count}" for digit, count in enumerate(origin["class_counts"]))
    return (
        f'<h2>Origin</h2>\n<p class="small">Digits: {escape(origin["source"])}; class counts {counts}; SHA-256 of '
        f"the sample {origin['sha256']}. Computed with {escape(tools())}.</p>"
    )
