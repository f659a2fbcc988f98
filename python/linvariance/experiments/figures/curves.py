"""What the figures share that follow one number of W, such as its accuracy, over the epochs for several methods."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from linvariance import plots
from linvariance.experiments.experiment import Course, Experiment, Floats
from linvariance.experiments.files import Row
from linvariance.experiments.methods import Method
from linvariance.experiments.results import ROUNDING, Fact

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture


@dataclass(frozen=True)
class Quantity:
    """A number of W: its name, its courses (seeds, T), its value at W (d_L, d_0), what the paper's plot shows.

    `scale` is that of its axis, "linear" or "log".
    """

    name: str
    over_epochs: Callable[[Course], Floats]
    at: Callable[[Experiment, Floats], float]
    paper: Mapping[str, float] = field(default_factory=dict)
    scale: str = "linear"

    def optimum(self, experiment: Experiment, method: Method) -> float:
        """The value at the closed-form optimum of a method."""
        return self.at(experiment, experiment.solutions[method].weights)


def curves(
    experiment: Experiment, quantities: Sequence[Quantity], methods: Sequence[Method], more: Sequence[plots.Curve] = ()
) -> "Picture":
    """Each quantity over the epochs in its own panel, closed-form optima dashed; `more` curves in the first panel."""
    picture, panels = plots.panels(1, len(quantities), size=(8.0 if len(quantities) == 1 else 10.0, 5.2))
    for panel, quantity in zip(panels, quantities, strict=True):
        drawn = [
            plots.Curve(
                method.label,
                experiment.courses[method].epochs,
                quantity.over_epochs(experiment.courses[method]),
                method.look,
            )
            for method in methods
        ]
        optima = {method: quantity.optimum(experiment, method) for method in methods}
        plots.draw(
            panel,
            [*drawn, *(more if panel is panels[0] else ())],
            [
                plots.Level(value, method.look)
                for method, value in optima.items()
                if quantity.scale == "linear" or value > ROUNDING
            ],
        )
        panel.set_yscale(quantity.scale)
        plots.explain(panel, "epoch", quantity.name)
    plots.legend(picture, panels[0], note="closed-form optimum, same colours")
    return picture


def final_facts(experiment: Experiment, quantity: Quantity, methods: Sequence[Method]) -> tuple[Fact, ...]:
    """The quantity after the last epoch, beside the closed form and the paper."""
    return tuple(
        Fact(
            quantity.name,
            method.label,
            quantity.paper.get(method.name),
            quantity.optimum(experiment, method),
            last(quantity.over_epochs(experiment.courses[method])),
        )
        for method in methods
    )


def last(values: Floats) -> tuple[float, ...]:
    """The final value of each seed, of courses (seeds, T).

    >>> import numpy as np
    >>> last(np.array([[1.0, 2.0], [3.0, 4.0]]))
    (2.0, 4.0)
    """
    return tuple(values[:, -1].tolist())


def table(experiment: Experiment, methods: Sequence[Method], *columns: Callable[[Course], Floats]) -> Iterator[Row]:
    """Rows (method, seed, epoch, values...), one value for each column (seeds, T)."""
    for method in methods:
        course = experiment.courses[method]
        for place, seed in enumerate(experiment.seeds):
            values = [column(course)[place].tolist() for column in columns]
            for row in zip(course.epochs.tolist(), *values, strict=True):
                yield method.name, seed, *row
