"""Figure 1: entries of W over epochs, at the four pixels of one orbit, for augmentation and regularization."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from linvariance import plots
from linvariance.experiments.experiment import Experiment, Floats
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
    plots.legend(picture, axes[0], note="closed-form optimum, same colours", columns=5)
    facts = tuple(
        Fact(
            "largest gap within a row of W",
            method.label,
            None,
            _gap(experiment.solutions[method].weights[np.ix_(protocol.rows, protocol.pixels)]),
            tuple(_gap(run[-1]) for run in _followed(experiment, method)),
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


def _draw(panel: "Axes", experiment: Experiment, method: Method, i: int) -> None:
    """The entries of the i-th followed row, with the entries of the optimum."""
    protocol, epochs = experiment.protocol, experiment.courses[method].epochs
    entries, optimum = _followed(experiment, method), experiment.solutions[method].weights[protocol.rows[i]]
    plots.draw(
        panel,
        [
            plots.Curve(f"pixel {pixel}", epochs, entries[:, :, i, k], plots.LOOKS[k])
            for k, pixel in enumerate(protocol.pixels)
        ],
        [plots.Level(float(optimum[pixel]), plots.LOOKS[k]) for k, pixel in enumerate(protocol.pixels)],
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
