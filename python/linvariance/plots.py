"""Drawing, and nothing but drawing: curves with reference lines, on matplotlib's object interface (no global state).

Colours are the eight of M. Okabe and K. Ito, *Color Universal Design* (2008), which colour-blind readers tell apart;
markers repeat the distinction for readers of grey prints. Dashed lines are kept for reference values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .optional import needed

if TYPE_CHECKING:  # matplotlib is imported where a figure is made: `import linvariance` stays light
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TEXT, SMALL = 11.0, 9.5  # points
GREY = "#555555"
PALE = "#888888"  # of what ours is compared with
SIDE_BY_SIDE = 0.7  # of the distance between two integers, for what stands over one of them
MOST_TICKS = 20


@dataclass(frozen=True)
class Look:
    """How one thing looks in every figure in which it appears."""

    colour: str
    marker: str


LOOKS = (
    Look("#000000", "o"),
    Look("#D55E00", "s"),
    Look("#0072B2", "^"),
    Look("#009E73", "D"),
    Look("#CC79A7", "v"),
    Look("#E69F00", "P"),
    Look("#56B4E9", "X"),
)


@dataclass(frozen=True, eq=False)
class Curve:
    """One quantity over x (T,): y (runs, T) is drawn as its median over runs within the band from least to greatest."""

    label: str
    x: npt.NDArray[Any]
    y: npt.NDArray[np.float64]
    look: Look
    line: str = "-"


@dataclass(frozen=True)
class Level:
    """A reference value, drawn as a dashed horizontal line in the colour of what it is the reference of."""

    value: float
    look: Look
    label: str = ""


def panels(
    rows: int = 1, columns: int = 1, *, size: tuple[float, float], share: bool = False
) -> tuple["Figure", list["Axes"]]:
    """An empty figure of size (width, height) in inches and its axes, row by row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=share, sharey="row" if share else False)
    return figure, [_dressed(axes) for axes in grid.flat]


def opened(ax: "Axes | None", size: tuple[float, float] = (6.4, 4.0)) -> "Axes":
    """`ax`, or the axes of a new figure of pyplot, so that notebooks and `pyplot.show()` show it."""
    if ax is None:
        new: Axes = needed("matplotlib.pyplot", "plot()").subplots(figsize=size, layout="constrained")[1]
        return _dressed(new)
    if not callable(getattr(ax, "axhline", None)):
        raise TypeError(f"ax must be Axes, but is {type(ax).__name__}: make some with matplotlib.pyplot.subplots().")
    return ax


def looks(count: int) -> Sequence[Look]:
    """So many looks: the house's own, or where these do not suffice colours from dark to light."""
    if count <= len(LOOKS):
        return LOOKS[:count]
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    shades = colormaps["viridis"](np.linspace(0, 0.92, count))
    return [Look(to_hex(shade), LOOKS[i % len(LOOKS)].marker) for i, shade in enumerate(shades)]


def few(count: int) -> set[int]:
    """Of the numbers below `count`, no more than there are looks, evenly: those which a legend or an axis names."""
    return set(np.linspace(0, count - 1, min(count, len(LOOKS))).round().astype(int).tolist())


def next_look(axes: "Axes") -> Look:
    """Another one for each curve that is drawn into the same axes."""
    return LOOKS[len(axes.get_legend_handles_labels()[0]) % len(LOOKS)]


def wide_range(values: npt.NDArray[np.float64]) -> bool:
    """Whether positive numbers span more than a power of ten, so that a logarithmic axis shows more."""
    finite = values[np.isfinite(values)]
    return bool(finite.size and 0 < finite.min() < finite.max() / 10)


def draw_line(axes: "Axes", x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> None:
    """Draw a line without markers, of another colour than those that are there."""
    axes.plot(x, y, color=LOOKS[(len(axes.lines) + 2) % len(LOOKS)].colour, linewidth=1.3)


def spectrum(axes: "Axes", sigma: npt.NDArray[np.float64], label: str) -> None:
    """Draw singular values over their numbers from 1; more can be drawn into the same axes."""
    from matplotlib.ticker import MaxNLocator

    look = next_look(axes)
    numbers = np.arange(1, len(sigma) + 1)
    axes.plot(numbers, sigma, color=look.colour, marker=look.marker, markersize=5, linewidth=0.9, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=SMALL)


def draw(axes: "Axes", curves: Sequence[Curve], levels: Sequence[Level] = ()) -> None:
    """Draw the levels, then the curves over them."""
    for level in levels:
        axes.axhline(
            level.value,
            color=level.look.colour,
            linestyle=(0, (5, 3)),
            linewidth=1.1,
            alpha=0.9,
            zorder=1.5,
            label=level.label,
        )
    for place, curve in enumerate(curves):
        middle, low, high = np.median(curve.y, axis=0), curve.y.min(axis=0), curve.y.max(axis=0)
        step = max(1, len(curve.x) // 8)
        # Markers of different curves stand at different places, so that curves which coincide stay visible.
        axes.plot(
            curve.x,
            middle,
            curve.line,
            color=curve.look.colour,
            linewidth=1.7,
            label=curve.label,
            marker=curve.look.marker,
            markersize=5,
            markevery=(place * step // max(1, len(curves)), step),
        )
        if len(curve.y) > 1:
            axes.fill_between(curve.x, low, high, color=curve.look.colour, alpha=0.15, linewidth=0)


def beneath(axes: "Axes", curves: Sequence[Curve], label: str) -> None:
    """Draw curves y (1, T) to compare with: thin and grey, under all others, with a few hollow markers.

    They share one entry in the legend.
    """
    for place, curve in enumerate(curves):
        step = max(1, len(curve.x) // 5)
        axes.plot(
            curve.x,
            curve.y[0],
            color=PALE,
            linewidth=1.0,
            label="" if place else label,
            marker=curve.look.marker,
            markersize=4,
            markerfacecolor="white",
            markeredgewidth=0.8,
            markevery=(place * step // max(1, len(curves)) + step // 2, step),
            zorder=1.8,
        )


def dashes(axes: "Axes", x: npt.NDArray[Any], y: npt.NDArray[Any], label: str = "") -> None:
    """Draw values to compare with as short horizontal grey lines, under what is drawn beside them."""
    axes.plot(x, y, "_", color=PALE, markersize=10, markeredgewidth=2.2, label=label, zorder=1.8)


def dodged(x: npt.NDArray[Any], place: int, count: int) -> npt.NDArray[Any]:
    """Where the values over x of one of `count` things stand that are drawn side by side."""
    return x + (place - (count - 1) / 2) * SIDE_BY_SIDE / max(1, count)


def stems(axes: "Axes", curves: Sequence[Curve]) -> None:
    """Draw values over integers as stems with markers, side by side; y (1, T)."""
    for place, curve in enumerate(curves):
        x = dodged(curve.x, place, len(curves))
        axes.vlines(x, 0, curve.y[0], color=curve.look.colour, linewidth=2)
        axes.plot(x, curve.y[0], curve.look.marker, color=curve.look.colour, markersize=6, label=curve.label)
    if len(curves[0].x) <= MOST_TICKS:  # more would run into each other: matplotlib chooses some
        axes.set_xticks(curves[0].x)
    axes.set_ylim(bottom=0)


def points(axes: "Axes", x: npt.NDArray[Any], y: npt.NDArray[Any], shade: npt.NDArray[Any], *, bar: str = "") -> None:
    """Draw points (n,) coloured from dark to light by whole numbers (n,) from 0; a `bar` tells which is which."""
    from matplotlib.ticker import MaxNLocator

    drawn = axes.scatter(
        x,
        y,
        c=shade,
        cmap="viridis",
        vmin=0,
        vmax=max(1, shade.max(initial=0)),
        s=28,
        edgecolors=GREY,
        linewidths=0.4,
        zorder=3,
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if bar:
        axes.figure.colorbar(drawn, ax=axes, ticks=MaxNLocator(integer=True)).set_label(bar, fontsize=TEXT)


def boxes(
    axes: "Axes", x: npt.NDArray[Any], quantiles: npt.NDArray[np.float64], look: Look, label: str, width: float = 0.15
) -> None:
    """Boxes at x (k,) between the second and the fourth of five quantiles (k, 5), with whiskers and a marked median."""
    low, first, middle, third, high = quantiles.T
    axes.vlines(x, low, high, color=look.colour, linewidth=1.1)
    axes.bar(x, third - first, width, bottom=first, color=look.colour, alpha=0.45, linewidth=0)
    axes.plot(x, middle, look.marker, color=look.colour, markersize=5, linestyle="none", label=label)


def mark(axes: "Axes", x: float, text: str, *, height: float = 0.9, inwards: bool = False) -> None:
    """A vertical dotted line at x, with a text at this share of the height, to its right or else towards the middle."""
    left, right = axes.get_xlim()
    low, here, high = axes.transScale.transform([(edge, 1.0) for edge in (left, x, right)])[:, 0]
    is_left = inwards and here - low > 0.5 * (high - low)
    axes.axvline(x, color=GREY, linestyle=":", linewidth=1.2)
    axes.annotate(
        text,
        (x, height),
        xycoords=("data", "axes fraction"),
        xytext=(-5 if is_left else 5, 0),
        textcoords="offset points",
        horizontalalignment="right" if is_left else "left",
        color=GREY,
        fontsize=SMALL,
    )


def explain(axes: "Axes", x: str, y: str, title: str = "") -> None:
    """Label the axes; an empty text leaves its place empty."""
    axes.set_xlabel(x, fontsize=TEXT)
    axes.set_ylabel(y, fontsize=TEXT)
    axes.set_title(title, fontsize=TEXT)


def legend(figure: "Figure", axes: "Axes", *, note: str = "", columns: int = 3, title: str = "") -> None:
    """One legend above the panels for the curves of `axes`, with a dashed grey entry for what dashed lines mean."""
    from matplotlib.lines import Line2D

    handles, labels = axes.get_legend_handles_labels()
    if note:
        handles.append(Line2D([], [], color=GREY, linestyle=(0, (5, 3)), linewidth=1.1))
        labels.append(note)
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=columns,
        fontsize=SMALL,
        frameon=False,
        title=title or None,
        title_fontsize=TEXT,
    )


def save(figure: "Figure", path: Path) -> None:
    """Write the figure as a PNG file; the same figure gives the same bytes."""
    figure.savefig(path, dpi=150)


def _dressed(axes: "Axes") -> "Axes":
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=SMALL)
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    return axes
