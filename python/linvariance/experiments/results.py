"""What a figure consists of: a picture, the numbers in it, a caption made from them, and facts to compare."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linvariance.experiments.comparison import Comparison
from linvariance.experiments.experiment import Experiment
from linvariance.experiments.files import Exhibit

ROUNDING = 1e-12  # numbers of figures are of order 1: what is below comes from rounding


@dataclass(frozen=True)
class Fact:
    """One number three ways: in the paper's figure, in closed form, after training (one value a seed) or from draws."""

    quantity: str
    of: str
    paper: Comparison | None = None
    closed_form: float | None = None
    trained: tuple[float, ...] = ()

    @property
    def value(self) -> float | None:
        """The median of what was trained, else the closed form."""
        return float(np.median(self.trained)) if self.trained else self.closed_form

    @property
    def agrees(self) -> bool | None:
        """Whether it is what the paper shows; None if that is not known."""
        return None if self.paper is None else self.paper.agrees


@dataclass(frozen=True, eq=False)
class Result(Exhibit):
    """A drawn figure with the facts to compare."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Figure:
    """A figure that can be asked for by name.

    `trains` says whether it looks at trained networks; `experiment` names the one it looks at: "squared" or
    "cross_entropy" for linear networks under this loss, or "nonlinear".
    """

    name: str
    title: str
    make: Callable[[Any], Result]
    trains: bool = True
    experiment: str = "squared"

    @property
    def number(self) -> str:
        """That of the paper; figures of ours have none."""
        return self.name.removeprefix("fig") if self.name.startswith("fig") else ""

    @property
    def heading(self) -> str:
        """The title, after the paper's number if it has one."""
        return f"Figure {self.number}. {self.title}" if self.number else self.title


def number(value: float | None) -> str:
    """Three significant digits, 0 for what is nothing but rounding, a dash for what there is not.

    >>> number(0.48), number(20.61), number(-3e-16), number(None)
    ('0.480', '20.6', '0', '-')
    """
    if value is None:
        return "-"
    return "0" if abs(value) < ROUNDING else f"{value:#.3g}".removesuffix(".")


def middle(values: Sequence[float]) -> str:
    """The median over seeds.

    >>> middle([0.5, 0.25, 1.0]), middle([])
    ('0.500', '-')
    """
    return number(float(np.median(values)) if len(values) else None)


def spread(values: Sequence[float]) -> str:
    """The median over seeds, with the range when there are several.

    >>> spread([0.5]), spread([0.5, 0.25, 0.75])
    ('0.500', '0.500 (0.250 to 0.750)')
    """
    return middle(values) + (f" ({number(min(values))} to {number(max(values))})" if len(values) > 1 else "")


def listed(items: Sequence[object], last: str = "and") -> str:
    """A list in a sentence.

    >>> listed(["a", "b", 3]), listed("ab", "or")
    ('a, b and 3', 'a or b')
    """
    *others, final = map(str, items)
    return f"{', '.join(others)} {last} {final}" if others else final


def ends(experiment: Experiment, facts: Sequence[Fact]) -> str:
    """The sentence with the trained values, each beside its closed form where there is one.

    After 3000 epochs (median of 5 seeds), augmented: 0.567 (closed form 0.567); regularized: ...
    """
    seeds = f" (median of {len(experiment.seeds)} seeds)" if len(experiment.seeds) > 1 else ""
    values = (
        f"{fact.of}: {middle(fact.trained)}"
        + ("" if fact.closed_form is None else f" (closed form {number(fact.closed_form)})")
        for fact in facts
    )
    return f"After {experiment.protocol.epochs} epochs{seeds}, {'; '.join(values)}."
