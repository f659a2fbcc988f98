"""Ours beside a curve of the paper: how far apart they are, and how far apart two runs of ours may be.

The paper does not say which digits it took. If its run is one more like ours, the two lie no further apart than runs of
ours with other digits and other seeds do; `spread.json` holds the largest distances between two of those.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from linvariance.experiments import paper
from linvariance.experiments.paper import Floats

FACTORS = frozenset({"fig11"})
"""Figures whose values spread over powers of ten: the distance of a and b > a is the factor b/a."""

STARTS = frozenset({"fig5"})
"""Figures whose first value is the one shown in tables (the largest singular value), not the last."""


@dataclass(frozen=True)
class Gap:
    """A distance, and the largest one that still is agreement."""

    distance: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether it is within tolerance; NaN is not."""
        return self.distance <= self.tolerance

    def __str__(self) -> str:
        return f"{self.distance:.2g} / {self.tolerance:.2g}"


@dataclass(frozen=True)
class Comparison:
    """The paper's value, how far ours is from it, and the largest gap along the whole curve with its place."""

    value: float
    here: Gap
    largest: Gap
    place: float
    is_factor: bool = False

    @property
    def agrees(self) -> bool:
        """Whether both gaps are within tolerance."""
        return self.here.agrees and self.largest.agrees


def compare(figure: str, name: str, x: npt.NDArray[Any], y: Floats) -> Comparison | None:
    """Our curve y (T,) over x (T,) beside the paper's of this name, up to our last x; None if there is none.

    >>> theirs = paper.line("fig3", "augmented")
    >>> [compare("fig3", "augmented", theirs.x, y).agrees for y in (theirs.y, 0 * theirs.y)]
    [True, False]
    """
    line = paper.line(figure, name)
    if line is None:
        return None
    shown = line.x <= x[-1]
    theirs = line.y[shown]
    gaps = distances(figure, theirs, np.interp(line.x[shown], x, y))
    here, worst = 0 if figure in STARTS else -1, int(np.argmax(gaps))  # the first NaN, if there is one
    near, far = tolerances(figure, name)
    return Comparison(
        float(theirs[here]),
        Gap(float(gaps[here]), near),
        Gap(float(gaps[worst]), far),
        float(line.x[shown][worst]),
        figure in FACTORS,
    )


def distances(figure: str, a: Floats, b: Floats) -> Floats:
    """Between two curves (T,) of a figure, at each place."""
    if figure not in FACTORS:
        return np.abs(a - b)
    logs = [np.log(np.maximum(values, paper.reading(figure))) for values in (a, b)]
    return np.exp(np.abs(logs[0] - logs[1]))


def tolerances(figure: str, name: str) -> tuple[float, float]:
    """Of the value shown in tables, and of the whole curve: the spread of our runs, and the width of the paper's line.

    Factors have the line's width in them already: heights below it count as one height.
    """
    near, far = spread()[figure][name]
    width = 0.0 if figure in FACTORS else paper.reading(figure)
    return near + width, far + width


def runs(figure: str) -> int:
    """How many runs the tolerance of a figure comes from."""
    return int(spread()["runs"][figure])


@cache
def spread() -> dict[str, Any]:
    """What docs/make_spread.py found."""
    text = files("linvariance.experiments").joinpath("spread.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
