"""Dask arrays and data frames as blocks of rows, reduced in a tree that is fixed: no schedule changes a bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def reduced(X: object, Y: object, weights: object, of_block: Callable[..., Any], merge: Callable[..., Any]) -> Any:
    """The merge of `of_block(k, X_k, Y_k, weights_k or None)` over all blocks k, neighbours first."""
    try:
        import dask
    except ImportError:
        raise ImportError("Moments.from_dask needs dask: pip install 'linvariance[distributed]'.") from None

    of_block, merge = dask.delayed(of_block), dask.delayed(merge)
    parts = [of_block(k, *block) for k, block in enumerate(_aligned(X, Y, weights))]
    while len(parts) > 1:
        odd = parts[len(parts) & ~1 :]
        parts = [merge(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)] + odd
    return parts[0].compute()


def _aligned(X: object, Y: object, weights: object) -> Iterator[tuple[Any, Any, Any]]:
    """Blocks of the same rows of each."""
    given = {"X": _array(X, "X", (2,)), "Y": _array(Y, "Y", (1, 2))}
    if weights is not None:
        given["weights"] = _array(weights, "weights", (1,))
    first = given["X"]
    for name, array in given.items():
        given[name] = _cut_like(array, first, name)
    # Not optimized: fused, what X and Y are both cut from would be read twice.
    columns = [array.to_delayed(optimize_graph=False).ravel() for array in given.values()]
    return zip(*columns, *[[None] * len(columns[0])] * (3 - len(columns)), strict=True)


def _array(value: Any, name: str, ndim: tuple[int, ...]) -> Any:
    """A dask array with whole rows in each block."""
    import dask.array

    array = value.to_dask_array() if hasattr(value, "to_dask_array") else value
    if not isinstance(array, dask.array.Array):
        raise TypeError(
            f"{name} must be a dask array or data frame, but is {type(value).__name__}: call "
            f"dask.array.from_array({name}, chunks=...), or Moments.from_data or from_batches."
        )
    if array.ndim not in ndim:
        wanted = " or ".join(map(str, ndim))
        raise ValueError(f"{name} must have {wanted} dimensions, but has {array.ndim} (shape {array.shape}).")
    return array.rechunk({1: -1}) if array.ndim == 2 else array


def _cut_like(array: Any, X: Any, name: str) -> Any:
    """With its rows cut as those of X; of a frame whose partitions have unknown lengths, cut so already."""
    if array.chunks[0] == X.chunks[0]:
        return array
    if array.shape[0] == X.shape[0]:
        return array.rechunk({0: X.chunks[0]})
    unknown = any(length != length for length in (array.shape[0], X.shape[0]))  # NaN
    if not unknown:
        raise ValueError(f"X has {X.shape[0]} rows and {name} has {array.shape[0]}: rows are samples.")
    if array.numblocks[0] != X.numblocks[0]:
        raise ValueError(
            f"X has {X.numblocks[0]} blocks of rows and {name} has {array.numblocks[0]}, of unknown lengths: take both "
            "from one frame, or call compute_chunk_sizes() on them."
        )
    return array
