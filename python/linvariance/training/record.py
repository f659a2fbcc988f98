"""What runs keep of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import instance, integer, listed, some


@dataclass(frozen=True)
class Record:
    """What a Trace keeps: every `every` epochs the loss and norms, `entries` of W (row, column), W itself, all layers.

    >>> import linvariance as lv
    >>> p = lv.unconstrained(lv.Moments.from_data(np.eye(3), np.diag([3.0, 2.0, 1.0])), rank=2)
    >>> trace = lv.train(p, epochs=20, record=Record(every=10, networks=True))
    >>> [(epoch, network.widths) for epoch, network in trace.states()]
    [(0, (3, 2, 3)), (10, (3, 2, 3)), (20, (3, 2, 3))]
    """

    every: int = 10
    entries: Sequence[tuple[int, int]] = ()
    weights: bool = False
    networks: bool = False

    def __post_init__(self) -> None:
        integer(self.every, "every")
        instance(self.weights, bool, "weights", "whether to keep W itself")
        instance(self.networks, bool, "networks", "whether to keep all layers")
        entries = [listed(entry, f"entries[{k}]") for k, entry in enumerate(listed(self.entries, "entries"))]
        for k, entry in enumerate(entries):
            if len(entry) != 2:
                raise ValueError(f"entries[{k}] must be a pair (row, column), but is ({some(entry)}).")
        places = (tuple(integer(place, f"entries[{k}]", 0) for place in entry) for k, entry in enumerate(entries))
        object.__setattr__(self, "entries", tuple(places))

    def times(self, begin: int, end: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The epochs (T,) recorded on the way from one to the other: multiples of `every`, and the end.

        >>> Record(every=4).times(0, 10).tolist(), Record(every=4).times(4, 12).tolist()
        ([0, 4, 8, 10], [8, 12])
        """
        regular = np.arange(0 if begin == 0 else begin // self.every + 1, end // self.every + 1) * self.every
        return np.asarray(regular if end % self.every == 0 else np.append(regular, end), dtype=np.int64)
