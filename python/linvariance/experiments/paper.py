"""What the paper's figures show: the one module that opens `paper.json`.

Source: the vector graphics of H. Duan, G. Montúfar, *Understanding Learning Invariance in Deep Linear Networks*, PMLR
325:1-45 (2025).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LINE_WIDTH = 0.002  # of an axis: how well its curves can be read


@dataclass(frozen=True, eq=False)
class Line:
    """One curve: values y (T,) at increasing x (T,), epochs or indices; a bar is a curve of one point."""

    x: Floats
    y: Floats


def line(figure: str, name: str) -> Line | None:
    """The curve of this name, if the figure has it.

    >>> line("fig3", "augmented").y[[0, -1]], line("fig3", "hard-wired")
    (array([0.8729, 0.596...]), None)
    """
    return lines(figure).get(name)


@cache
def lines(figure: str) -> Mapping[str, Line]:
    """All curves of a figure by name; none of a figure that was not read.

    >>> len(lines("fig10")), len(lines("fig11")), len(lines("fig1"))
    (16, 32, 0)
    """
    return {name: _line(found) for name, found in _named(_everything().get(figure, {}))}


def reading(figure: str) -> float:
    """How far a value read from this figure may be from what was plotted.

    >>> round(reading("fig8"), 3)
    0.005
    """
    return LINE_WIDTH * max(float(one.y.max()) for one in lines(figure).values())


@cache
def _everything() -> dict[str, Any]:
    text = files("linvariance.experiments").joinpath("paper.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _named(found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The bars of Figure 11 lie in groups, such as "MNIST, N=1000"."""
    for name, one in found.items():
        if isinstance(one, dict) and "epoch" not in one:
            yield from ((f"{name}, {bar}", height) for bar, height in one.items())
        else:
            yield name, one


def _line(found: Any) -> Line:
    if isinstance(found, dict):
        return Line(np.array(found["epoch"], dtype=float), np.array(found["value"]))
    values = np.atleast_1d(np.array(found, dtype=float))
    return Line(np.arange(1.0, len(values) + 1), values)
