"""Data that come in pieces: batches of arrays or tables as (X, Y, weights), each error with the number of its piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Anyreal, Array, listed, nonnegative, samples, some, stacked

Batch = tuple[Anyreal, Anyreal, Array | None]
PAIRS = "(X, Y), (X, Y, weights), or a table whose columns inputs= and targets= name"


@contextmanager
def numbered(piece: str) -> Iterator[None]:
    """Says in which piece of the data an error is."""
    try:
        yield
    except TypeError as error:
        raise TypeError(f"{piece}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{piece}: {error}") from None


class Columns:
    """The names of the columns that are X, Y and, maybe, weights."""

    def __init__(self, inputs: object, targets: object, weights: object) -> None:
        if inputs is None or targets is None:
            missing = "inputs" if inputs is None else "targets"
            raise ValueError(f"{missing} is None: name the columns of X by inputs= and those of Y by targets=.")
        self.inputs, self.targets, self.weights = _names(inputs, "inputs"), _names(targets, "targets"), weights

    def of(self, table: Any) -> tuple[Any, ...]:
        """(X, Y, weights or None) of a table, by its column names."""
        X, Y = _columns(table, self.inputs, "X"), _columns(table, self.targets, "Y")
        return X, Y, None if self.weights is None else _columns(table, [self.weights], "weights")[:, 0]


def read(batches: object, columns: Columns | None) -> Iterator[Batch]:
    """Each batch that has rows, through the gate."""
    if isinstance(batches, (str, bytes)) or not isinstance(batches, Iterable):
        raise TypeError(f"batches must be an iterable of {PAIRS}, but is {type(batches).__name__}.")
    widths: tuple[int, int] | None = None
    for k, batch in enumerate(batches):
        with numbered(f"batch {k}"):
            parts = _parts(batch, columns)
            if all(map(is_empty, parts[:2])):
                continue
            found = checked(*parts)
            widths = widths or (found[0].shape[1], found[1].shape[1])
            _check_widths(found, widths)
        yield found


def checked(X: object, Y: object, weights: object = None) -> Batch:
    """The gate of one piece: its weights may all be zero."""
    inputs, targets = samples(X, Y)
    return inputs, targets, None if weights is None else nonnegative(weights, len(inputs))


def is_empty(part: Any) -> bool:
    """Whether an array has no rows, or a list no entries."""
    return not part if isinstance(part, list) else tuple(getattr(part, "shape", ()))[:1] == (0,)


def _parts(batch: Any, columns: Columns | None) -> tuple[Any, ...]:
    if isinstance(batch, (tuple, list)):
        if columns is not None:
            raise TypeError(f"inputs and targets name columns, but the batch is a {type(batch).__name__}, no table.")
        if len(batch) not in (2, 3):
            raise ValueError(f"the batch has {len(batch)} parts: pass {PAIRS}.")
        return tuple(batch)
    if isinstance(batch, (str, bytes)) or column_names(batch) is None:
        raise TypeError(f"the batch is {type(batch).__name__}: pass {PAIRS}.")
    if columns is None:
        raise ValueError(f"the batch is a table ({type(batch).__name__}): name its columns by inputs= and targets=.")
    return columns.of(batch)


def column_names(table: Any) -> list[Any] | None:
    """Those of an Arrow table or batch, a data frame, a structured array or a dict; None for anything else."""
    for owner, name in ((table, "column_names"), (getattr(table, "schema", None), "names"), (table, "columns")):
        found = getattr(owner, name, None)
        if found is not None and not callable(found):
            return list(found)
    if isinstance(table, dict):
        return list(table)
    names = getattr(getattr(table, "dtype", None), "names", None)
    return None if names is None else list(names)


def _columns(table: Any, names: Sequence[Any], argument: str) -> npt.NDArray[Any]:
    """(n, len(names)), in the order of the names."""
    known = column_names(table) or []
    for name in names:
        if name not in known:
            raise ValueError(f"{argument} asks for the column {name!r:.60}, but the table has {some(known)}.")
    if not len(table[names[0]]):
        return np.empty((0, len(names)))
    return stacked(table, names, argument)


def _names(value: object, argument: str) -> list[Any]:
    names = [value] if isinstance(value, str) else listed(value, argument)
    if not names:
        raise ValueError(f"{argument} names no column.")
    return names


def _check_widths(batch: Batch, widths: tuple[int, int]) -> None:
    for name, part, width in zip(("X", "Y"), batch[:2], widths, strict=True):
        if part.shape[1] != width:
            raise ValueError(f"{name} has {part.shape[1]} columns, but that of the batches before has {width}.")
