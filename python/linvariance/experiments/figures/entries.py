"""Figures 1 and 6: entries of W over epochs, at the four pixels of one orbit, for augmentation and regularization."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from linvariance import plots
from linvariance.experiments.experiment import Experiment, Floats
from linvariance.experiments.figures.curves import legend
from linvariance.experiments.files import Row
from linvariance.experiments.methods import Method
from linvariance.experiments.results import Fact, Result, ends, listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def entries_over_epochs(experiment: Experiment) -> Result:
    """W_ij for a few rows i and the pixels j of one orbit: an invariant W has equal entries there."""
    protocol, methods = experiment.protocol, experiment.learned
    picture, axes = plots.panels(len(protocol.rows), len(methods), size=(11.0, 7.2), share=True)
    for place, panel in enumerate(axes):
        i, j = divmod(place, len(methods))
        _draw(panel, experiment, methods[j], i)
        plots.explain(
            panel,
            "epoch" if i == len(protocol.rows) - 1 else "",
            f"entries of row {protocol.rows[i]} of W" if j == 0 else "",
            methods[j].label if i == 0 else "",
        )
    legend(experiment, picture, axes[0], columns=5)
    facts = tuple(
        Fact(
            "largest gap within a row of W",
            method.label,
            closed_form=_gap_at_optimum(experiment, method),
            trained=tuple(_gap(run[-1]) for run in _followed(experiment, method)),
        )
        for method in methods
    )
    caption = (
        f"Entries of W at the pixels {listed(protocol.pixels)}, which the rotations permute, in the rows "
        f"{listed(protocol.rows)}. An invariant W has equal entries there; the largest gap between two of them within "
        f"a row tells how far W is from that. {ends(experiment, facts)}"
    )
    return Result(
        picture,
        ("method", "seed", "epoch", "row", "pixel", "entry"),
        [row for method in methods for row in _rows(experiment, method)],
        caption,
        facts,
    )


def _followed(experiment: Experiment, method: Method) -> Floats:
    """The entries of W (seeds, T, rows, pixels)."""
    entries, protocol = experiment.courses[method].entries, experiment.protocol
    return entries.reshape(*entries.shape[:2], len(protocol.rows), len(protocol.pixels))


def _optimum(experiment: Experiment, method: Method) -> Floats | None:
    """The same entries of the closed-form optimum (rows, pixels), if there is one."""
    solution, protocol = experiment.solutions.get(method), experiment.protocol
    return None if solution is None else solution.weights[np.ix_(protocol.rows, protocol.pixels)]


def _gap_at_optimum(experiment: Experiment, method: Method) -> float | None:
    optimum = _optimum(experiment, method)
    return None if optimum is None else _gap(optimum)


def _draw(panel: "Axes", experiment: Experiment, method: Method, i: int) -> None:
    """The entries of the i-th followed row, with the entries of the optimum."""
    protocol, epochs = experiment.protocol, experiment.courses[method].epochs
    entries, optimum = _followed(experiment, method), _optimum(experiment, method)
    plots.draw(
        panel,
        [
            plots.Curve(f"pixel {pixel}", epochs, entries[:, :, i, k], plots.LOOKS[k])
            for k, pixel in enumerate(protocol.pixels)
        ],
        [] if optimum is None else [plots.Level(float(entry), plots.LOOKS[k]) for k, entry in enumerate(optimum[i])],
    )


def _gap(entries: Floats) -> float:
    """The largest difference between two entries of the same row."""
    return float(np.ptp(entries, axis=1).max())


def _rows(experiment: Experiment, method: Method) -> Iterator[Row]:
    course = experiment.courses[method]
    for seed, run in zip(experiment.seeds, course.entries.tolist(), strict=True):
        for epoch, state in zip(course.epochs.tolist(), run, strict=True):
            for (row, pixel), entry in zip(experiment.protocol.entries, state, strict=True):
                yield method.name, seed, epoch, row, pixel, entry
