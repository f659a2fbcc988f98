"""Held-out losses of the four methods as data grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..arrays import Anyreal, Array, fraction, integer, listed, real, samples
from ..data.moments import Moments
from ..groups import Representation
from ..optima import solve
from ..plots import LOOKS, Curve, draw, explain, few, opened
from ..problems import check_pose, methods
from ..progress import Progress, followed
from ..tables import Columns, Table, Tabular
from .folds import mean_square

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METHODS = ("unconstrained", "hard_wired", "augmented", "regularized")


@dataclass(frozen=True, eq=False)
class LearningCurve(Tabular):
    """Held-out squared errors per output.

    Attributes:
        methods: (4,) names.
        sizes: (T,) numbers of samples fitted.
        seeds: of the shuffles.
        loss: (4, seeds, T).
        held_out: number of samples the loss is measured on.
    """

    methods: tuple[str, ...]
    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    loss: Array
    held_out: int

    def _columns(self) -> Columns:
        method, seed, size = np.indices(self.loss.shape).reshape(3, -1)
        names = [self.methods[i] for i in method]
        columns = {"seed": np.array(self.seeds)[seed], "n": np.array(self.sizes)[size], "loss": self.loss.ravel()}
        return {"method": names, **columns}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Medians over seeds within the band from least to greatest, on logarithmic axes; returns the axes.

        >>> import linvariance as lv
        >>> X = np.random.default_rng(0).standard_normal((20, 4))
        >>> curve = learning_curve(X, X.sum(axis=1) ** 2, lv.groups.cyclic(4), rank=1, strength=0.1, sizes=[5, 9])
        >>> curve.plot().get_xscale()
        'log'
        """
        axes = opened(ax, (6.4, 4.2))
        sizes = np.array(self.sizes)
        lines = ("-", "-", ":", "-.")  # dotted on top: augmented coincides with hard-wired
        curves = [
            Curve(name.replace("_", "-"), sizes, self.loss[i], LOOKS[i], line)
            for i, (name, line) in enumerate(zip(self.methods, lines, strict=True))
        ]
        draw(axes, curves)
        axes.set_xscale("log")
        axes.set_yscale("log")
        marked = sizes[sorted(few(len(sizes)))]
        axes.set_xticks(marked, [f"{size:,}" for size in marked])
        axes.minorticks_off()
        explain(axes, "samples n", "held-out squared error per output")
        axes.legend(frameon=False)
        return axes

    def _table(self) -> Table:
        medians = np.median(self.loss, axis=1).T
        rows = [[size, *map(float, row)] for size, row in zip(self.sizes, medians, strict=True)]
        head = f"LearningCurve: median held-out loss of {len(self.seeds)} shuffles, {self.held_out} samples held out"
        return Table(head, ["n", *self.methods], rows)

    def __repr__(self) -> str:
        return str(self._table())


def learning_curve(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    rep: Representation,
    *,
    rank: int,
    strength: float,
    sizes: Sequence[int] | None = None,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    held_out: float = 0.2,
    ridge: float = 0.0,
    progress: Progress = False,
) -> LearningCurve:
    """Held-out losses of the four methods against the number of samples, each shuffle read once as moments grow.

    In closed form, augmented and hard-wired coincide (Duan & Montúfar, Theorem 12).

    Args:
        X: rows (n, d0).
        Y: targets (n, dL) or (n,).
        rep: the group.
        rank: of all four problems.
        strength: of `regularized`.
        ridge: of all four problems.
        sizes: numbers of samples to fit; None: ten from 2 to all that are not held out, evenly in their logarithm.
        seeds: one shuffle each.
        held_out: share of the rows, at least one, that losses are measured on.
        progress: True for a bar on stderr, or a callback (done, total), that counts shuffles.

    >>> import linvariance as lv
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> Y = X.sum(axis=1) + rng.standard_normal(100)
    >>> curve = learning_curve(X, Y, lv.groups.symmetric(4), rank=1, strength=0.1, sizes=[10, 80], seeds=[0, 1])
    >>> curve.loss.shape, bool(curve.loss[1, :, 0].mean() < curve.loss[0, :, 0].mean())
    ((4, 2, 2), True)
    """
    inputs, targets = samples(X, Y)
    kept = _kept(len(inputs), held_out)
    counts = _sizes(sizes, kept)
    starts = tuple(integer(seed, f"seeds[{k}]", minimum=0) for k, seed in enumerate(listed(seeds, "seeds")))
    if not starts:
        raise ValueError("seeds is empty: pass one for each shuffle.")
    check_pose(Moments.from_data(inputs[:1], targets[:1]), rep, None)
    strength = real(strength, "strength")
    loss = np.empty((len(METHODS), len(starts), len(counts)))
    for k, seed in enumerate(followed(starts, "Shuffles", progress)):
        order = np.random.default_rng(seed).permutation(len(inputs))
        test = Moments.from_data(inputs[order[kept:]], targets[order[kept:]])
        for t, data in enumerate(_growing(inputs[order], targets[order], counts)):
            posed = methods(data, rep, rank=rank, strengths=[strength], ridge=ridge)
            fits = (solve(problem).weights for problem in posed.values())
            loss[:, k, t] = [mean_square(W, test) for W in fits]
    return LearningCurve(METHODS, counts, starts, loss, len(inputs) - kept)


def _growing(X: Anyreal, Y: Anyreal, sizes: Sequence[int]) -> Iterator[Moments]:
    data = Moments.from_data(X[: sizes[0]], Y[: sizes[0]])
    yield data
    for start, stop in pairwise(sizes):
        data += Moments.from_data(X[start:stop], Y[start:stop])
        yield data


def _kept(n: int, held_out: float) -> int:
    share = fraction(held_out, "held_out", positive=True)
    kept = n - max(1, round(share * n))
    if kept < 1:
        raise ValueError(f"X has {n} rows: with held_out {share:g} none is left to fit. Pass more rows.")
    return kept


def _sizes(sizes: Sequence[int] | None, kept: int) -> tuple[int, ...]:
    if sizes is None:
        return tuple(np.unique(np.geomspace(min(2, kept), kept, 10).round().astype(int)).tolist())
    counts = [integer(size, f"sizes[{k}]", maximum=kept) for k, size in enumerate(listed(sizes, "sizes"))]
    if not counts:
        raise ValueError("sizes is empty: pass numbers of samples, or None.")
    return tuple(sorted(set(counts)))
