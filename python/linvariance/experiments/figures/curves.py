"""What the figures share that follow one number of W, such as its accuracy, over the epochs for several methods."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from linvariance import plots
from linvariance.experiments import paper
from linvariance.experiments.comparison import Comparison, compare
from linvariance.experiments.experiment import Course, Experiment, Floats
from linvariance.experiments.files import Row
from linvariance.experiments.methods import Method
from linvariance.experiments.protocol import LOSS_NAMES
from linvariance.experiments.results import ROUNDING, Fact

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture


@dataclass(frozen=True)
class Quantity:
    """A number of W: its name, its courses (seeds, T), its value at W (d_L, d_0), the paper's figures that show it.

    `at` is None for numbers of single layers, which the optimal W does not determine; `figures` has a name by loss;
    `scale` is that of its axis, "linear" or "log".
    """

    name: str
    over_epochs: Callable[[Course], Floats]
    at: Callable[[Experiment, Floats], float] | None
    figures: Mapping[str, str] = field(default_factory=dict)
    scale: str = "linear"

    def optimum(self, experiment: Experiment, method: Method) -> float | None:
        """The value at the closed-form optimum of a method, if there is one."""
        solution = experiment.solutions.get(method)
        return None if solution is None or self.at is None else self.at(experiment, solution.weights)

    def figure(self, experiment: Experiment) -> str:
        """The paper's figure of this quantity; "" if there is none."""
        return self.figures.get(experiment.protocol.loss, "")

    def beside_paper(self, experiment: Experiment, method: Method) -> Comparison | None:
        """The median over seeds of a method's course beside the paper's curve."""
        course = experiment.courses[method]
        return compare(self.figure(experiment), method.name, course.epochs, np.median(self.over_epochs(course), axis=0))


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
        beneath(panel, quantity.figure(experiment), {method.name: method.look for method in methods})
        optima = {method: quantity.optimum(experiment, method) for method in methods}
        plots.draw(
            panel,
            [*drawn, *(more if panel is panels[0] else ())],
            [
                plots.Level(value, method.look)
                for method, value in optima.items()
                if value is not None and (quantity.scale == "linear" or value > ROUNDING)
            ],
        )
        panel.set_yscale(quantity.scale)
        plots.explain(panel, "epoch", quantity.name)
    legend(experiment, picture, panels[0])
    return picture


def beneath(panel: "Axes", figure: str, looks: Mapping[str, plots.Look]) -> None:
    """The paper's curves of these names, under what is drawn otherwise."""
    found = {name: paper.line(figure, name) for name in looks}
    lines = [plots.Curve("", line.x, line.y[np.newaxis], looks[name]) for name, line in found.items() if line]
    plots.beneath(panel, lines, "the paper's curves, same markers")


def legend(experiment: Experiment, picture: "Picture", panel: "Axes", columns: int = 3) -> None:
    """The legend of a picture, with the loss as its title, and what dashed lines mean if there are any."""
    note = "closed-form optimum, same colours" if experiment.solutions else ""
    plots.legend(picture, panel, note=note, columns=columns, title=LOSS_NAMES[experiment.protocol.loss])


def final_facts(experiment: Experiment, quantity: Quantity, methods: Sequence[Method]) -> tuple[Fact, ...]:
    """The quantity after the last epoch, beside the closed form and the paper."""
    return tuple(
        Fact(
            quantity.name,
            method.label,
            quantity.beside_paper(experiment, method),
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
