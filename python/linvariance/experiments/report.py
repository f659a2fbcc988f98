"""One page that shows the figures of a run, and their numbers beside the paper's and the closed forms."""

from collections.abc import Sequence
from html import escape

import numpy as np

from linvariance.experiments.experiment import Experiment
from linvariance.experiments.protocol import LOSS_SCALE
from linvariance.experiments.provenance import data, versions
from linvariance.experiments.results import Figure, Result, listed, number, spread

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1, h2 { line-height: 1.25; } h2 { margin-top: 2.5rem; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; width: 100%; font-size: 15px; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.n { white-space: normal; }
td:nth-child(3) { white-space: nowrap; }
tr.first td { border-top: 2px solid #888; }
caption, .small { color: #555; font-size: 14px; text-align: left; overflow-wrap: anywhere; }
"""


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
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<title>Invariance in deep linear networks: figures</title>\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n" + "\n".join(filter(None, parts)) + "\n</body>\n</html>\n"
    )


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
    return _table(("figure", "quantity", "of"), ("paper (read off the plot)", "closed form", "trained"), rows)


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
        + _table(("method",), ("closed-form minimum", "trained", "relative excess"), rows)
        + f'\n<p class="small">{escape(LOSS_SCALE)}</p>'
    )


def _section(figure: Figure, result: Result) -> str:
    files = ", ".join(f'<a href="{figure.name}.{kind}">{figure.name}.{kind}</a>' for kind in ("png", "csv", "json"))
    width = round(96 * result.picture.get_figwidth())  # CSS pixels: text has the same size in every picture
    return (
        f'<h2 id="{figure.name}">{figure.name.replace("fig", "Figure ")}. {escape(figure.title)}</h2>\n'
        f'<img src="{figure.name}.png" width="{width}" alt="{escape(figure.title)}">\n'
        f'<p>{escape(result.caption)}</p>\n<p class="small">{files}</p>'
    )


def _origin(experiment: Experiment) -> str:
    origin = data(experiment)
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    counts = ", ".join(f"{digit}: {count}" for digit, count in enumerate(origin["class_counts"]))
    return (
        f'<h2>Origin</h2>\n<p class="small">Digits: {escape(origin["source"])}; class counts {counts}; SHA-256 of '
        f"the sample {origin['sha256']}. Computed with {escape(used)}.</p>"
    )


def _table(
    texts: Sequence[str], numbers: Sequence[str], rows: Sequence[tuple[str, Sequence[str], Sequence[str]]]
) -> str:
    def line(tag: str, words: Sequence[str], values: Sequence[str], kind: str = "") -> str:
        cells = [f"<{tag}>{escape(word)}</{tag}>" for word in words]
        cells += [f'<{tag} class="n">{escape(value)}</{tag}>' for value in values]
        return f'<tr class="{kind}">{"".join(cells)}</tr>' if kind else f"<tr>{''.join(cells)}</tr>"

    body = "\n".join(line("td", words, values, kind) for kind, words, values in rows)
    return f"<table>\n<thead>{line('th', texts, numbers)}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
