"""Deep linear networks: the factors W_1, ..., W_L and their product."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from .arrays import frozen, integer, listed

Layers = tuple[npt.NDArray[Any], ...]


class Network:
    """A deep linear network x -> W_L ... W_1 x.

    Args:
        weights: [W_1, ..., W_L] with W_j (d_j, d_{j-1}), finite, all float64 or all float32 (others become float64);
            a width of 0 is allowed.

    >>> network = Network([[[1.0, 2.0, 3.0]], [[1.0], [10.0]]])
    >>> network.widths
    (3, 1, 2)
    >>> network.matrix
    array([[ 1.,  2.,  3.],
           [10., 20., 30.]])
    """

    def __init__(self, weights: Sequence[npt.ArrayLike]) -> None:
        layers = [_layer(W, f"weights[{j}]") for j, W in enumerate(listed(weights, "weights"))]
        if not layers:
            raise ValueError("weights is empty: a network has at least one layer W_1 (d1, d0).")
        for j in range(1, len(layers)):
            if layers[j].shape[1] != len(layers[j - 1]):
                raise ValueError(
                    f"weights[{j}] has shape {layers[j].shape}, but weights[{j - 1}] has {len(layers[j - 1])} rows: "
                    "each layer must take what the one before gives."
                )
        if len({W.dtype for W in layers}) > 1:
            layers = [W.astype(np.float64) for W in layers]
        self.weights: Layers = tuple(frozen(W) for W in layers)

    @classmethod
    def from_flat(cls, flat: npt.NDArray[Any], widths: Sequence[int]) -> Network:
        """From all layers raveled row-major and joined, W_1 first; not checked, so it may hold a diverged run."""
        network = cls.__new__(cls)
        shapes = list(zip(widths[1:], widths[:-1], strict=True))
        parts = np.split(flat, np.cumsum([rows * columns for rows, columns in shapes])[:-1])
        network.weights = tuple(frozen(part.reshape(shape)) for part, shape in zip(parts, shapes, strict=True))
        return network

    @property
    def widths(self) -> tuple[int, ...]:
        """d_0, ..., d_L."""
        return (self.weights[0].shape[1], *(len(W) for W in self.weights))

    @property
    def flat(self) -> npt.NDArray[Any]:
        """All layers raveled row-major and joined, W_1 first: the coordinates of `hessian`."""
        return np.concatenate([W.ravel() for W in self.weights])

    @cached_property
    def matrix(self) -> npt.NDArray[Any]:
        """W = W_L ... W_1 (dL, d0)."""
        return frozen(_core.product(list(self.widths), self.flat))

    def __reduce__(self) -> tuple[Any, ...]:
        return Network.from_flat, (self.flat, self.widths)

    def __repr__(self) -> str:
        return f"Network({'-'.join(map(str, self.widths))}, {self.weights[0].dtype})"


def check_widths(widths: Sequence[int]) -> tuple[int, ...]:
    """d_0, ..., d_L as ints; zeros are legal (no invariants at all)."""
    found = tuple(integer(width, f"widths[{j}]", minimum=0) for j, width in enumerate(listed(widths, "widths")))
    if len(found) < 2:
        raise ValueError(f"widths must name at least d_0 and d_L, but are {found}.")
    return found


def _layer(W: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    if isinstance(W, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array: fill or drop the masked entries first.")
    try:
        array = np.asarray(W)
    except ValueError as error:
        raise ValueError(f"{name} is no rectangular array: {error}.") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, but holds {array.dtype}.")
    if array.ndim != 2:
        raise ValueError(f"{name} must be a matrix, but has shape {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinite entries: every weight must be finite.")
    return np.array(array, dtype=np.float32 if array.dtype == np.float32 else np.float64, order="C")
