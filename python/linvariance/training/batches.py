"""Mini-batches: the order in which runs take their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..arrays import integer, refuse_large


@dataclass(frozen=True)
class Batches:
    """Mini-batches of `size` rows, on problems of Samples: every epoch goes through all rows in a new order.

    The rows are those of the augmented data, which are never stored: row k of n·|G| is element k // n of
    `rep.elements()` on sample k % n. For other methods they are the n samples.
    """

    size: int

    def __post_init__(self) -> None:
        integer(self.size, "size")

    def order(self, seed: int, epochs: int, rows: int) -> npt.NDArray[np.int32]:
        """The order (epochs, rows) in which a run with this seed takes them: permutations by default_rng([seed, 1]).

        >>> Batches(2).order(seed=0, epochs=1, rows=4).shape
        (1, 4)
        """
        seed, epochs = integer(seed, "seed", minimum=0), integer(epochs, "epochs", minimum=0)
        rows = integer(rows, "rows", maximum=2**31 - 1)
        refuse_order(1, epochs, rows)
        return Orders([seed], rows).take(epochs)[0]


class Orders:
    """The orders of runs with these seeds, taken a few epochs at a time."""

    def __init__(self, seeds: Sequence[int], rows: int, begin: int = 0) -> None:
        self.rows, self._generators = rows, [np.random.default_rng([seed, 1]) for seed in seeds]
        for generator in self._generators:
            for _ in range(begin):
                generator.permutation(rows)

    def take(self, epochs: int) -> npt.NDArray[np.int32]:
        """Those of the next epochs (seeds, epochs, rows)."""
        out = np.empty((len(self._generators), epochs, self.rows), dtype=np.int32)
        for generator, of_one in zip(self._generators, out, strict=True):
            for epoch in of_one:
                epoch[:] = generator.permutation(self.rows)
        return out


def refuse_order(runs: int, epochs: int, rows: int) -> None:
    """ValueError for an order that would take too much memory."""
    refuse_large(
        4 * runs * epochs * rows,
        f"The order of {epochs} epochs of {rows:,} rows for {runs} seeds",
        "train fewer seeds or epochs at once, go on from these with resume, or take a subgroup",
    )
