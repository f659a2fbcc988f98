"""Data in parts: each part as Moments, so that what is fitted without one of them is a merge of the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..arrays import Anyreal, Array, integer, samples
from ..data.moments import Moments, all_but_one


@dataclass(frozen=True, eq=False)
class Folds:
    """Moments of the whole, its rows where there are any, and the Moments of K parts of them (none without rows)."""

    whole: Moments
    rows: tuple[Anyreal, Anyreal] | None
    parts: tuple[Moments, ...]

    def splits(self) -> Iterator[tuple[Moments, Moments]]:
        """(all but one part, that part), for every part; merged, not subtracted."""
        yield from zip(all_but_one(self.parts), self.parts, strict=True)


def folds_of(X: object, Y: object, folds: int, seed: int) -> Folds:
    """The gate: rows and targets, shuffled by the seed and dealt into parts; or Moments, which have no parts."""
    count, start = integer(folds, "folds", minimum=2), integer(seed, "seed", minimum=0)
    if isinstance(X, Moments):
        if Y is not None:
            raise TypeError("Y must be left out where X is Moments: they hold the targets too.")
        return Folds(X, None, ())
    inputs, targets = samples(X, Y)
    if len(inputs) < count:
        raise ValueError(f"folds is {count}, but X has only {len(inputs)} rows: pass at most as many folds.")
    whole = Moments.from_data(inputs, targets)
    parts = np.array_split(np.random.default_rng(start).permutation(len(inputs)), count)
    return Folds(whole, (inputs, targets), tuple(Moments.from_data(inputs[part], targets[part]) for part in parts))


def mean_square(W: Array, data: Moments) -> float:
    """‖WX - Y‖²/(n·dL), the mean square of the residuals of W (dL, d0) on any data."""
    return data.plain().loss(W) / data.outputs


def averaged(losses: Array, parts: tuple[Moments, ...]) -> tuple[float, float]:
    """The mean over all held-out rows of losses (K,), and its standard error from how the K parts differ."""
    sizes = np.array([part.n for part in parts])
    mean = float(losses @ sizes / sizes.sum())
    return mean, float(np.sqrt(np.square(losses - mean).sum() / (len(parts) * (len(parts) - 1))))
