"""What is known of a network, at each state of a training run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, overload

import numpy as np
import numpy.typing as npt

from ..arrays import index, written
from ..networks.network import Network
from ..training.trace import Trace

Operator = TypeVar("Operator", covariant=True)


class Along(Sequence[Operator]):
    """One operator for each recorded state of a run, made when it is asked for; see `hessian`.

    Attributes:
        epochs: (T,), of the states.
    """

    epochs: npt.NDArray[np.int64]

    def __init__(self, trace: Trace, make: Callable[[Network, str], Operator]) -> None:
        """Of a single run that kept its networks; `make` takes a network and how to call it."""
        self._run, self._make = trace.single("trace"), make
        self.epochs = trace.epochs
        _ = self[0]  # refuses a problem that the run is not of

    def __len__(self) -> int:
        return len(self.epochs)

    @overload
    def __getitem__(self, t: int) -> Operator: ...
    @overload
    def __getitem__(self, t: slice) -> list[Operator]: ...
    def __getitem__(self, t: int | slice) -> Operator | list[Operator]:
        if isinstance(t, slice):
            return [self[k] for k in range(*t.indices(len(self)))]
        place = index(t, "t")
        if not -len(self) <= place < len(self):
            raise IndexError(f"There is no state {written(place)}: the run has {len(self)}, counted from 0.")
        epoch = int(self.epochs[place])
        return self._make(self._run.network_at(epoch), f"trace at epoch {epoch}")

    def __repr__(self) -> str:
        return f"Along({self[0]!r} and so on, {len(self)} states up to epoch {self.epochs[-1]})"
