"""Functions of others' arrays: PyTorch's tensors and modules, JAX's arrays. Neither is imported here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import Array, matrix, reals


@dataclass(frozen=True)
class Rows:
    """Inputs as float64, and what leads to the arrays that a function takes and its caller expects.

    Attributes:
        inputs: (n, d0).
        outputs: f at moved inputs (n, d0), as float64 (n, k); of a PyTorch function without gradients.
        like: a result as an array of the kind, dtype and device of X.
    """

    inputs: Array
    outputs: Callable[[Array], Array]
    like: Callable[[Array], Any]


def rows(f: Any, X: Any, dim: int) -> Rows:
    """The gate for a function and its inputs X (n, dim).

    f gets what X is, in its dtype and on its device: a tensor of PyTorch, an array of JAX, else NumPy's in float64. A
    module of PyTorch gets tensors in the dtype of its parameters whatever X is.
    """
    if not callable(f):
        raise TypeError(f"f must be callable, but is {type(f).__name__}: pass a function of inputs (n, d0).")
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(f, torch.nn.Module):
        _refuse_training(torch, f)
    if torch is not None and isinstance(X, torch.Tensor):
        found, quiet = X.detach().cpu(), torch.no_grad
        inputs = matrix(found.double() if found.is_floating_point() else found, "X", (None, dim))
        give = _to_torch(torch, X)
        like = give
    else:
        inputs, quiet, give, like = matrix(X, "X", (None, dim)), nullcontext, _same, _same
        if torch is not None and isinstance(f, torch.nn.Module):
            quiet = torch.no_grad
            give = _to_torch(torch, next(f.parameters(), torch.zeros(0, dtype=torch.float64)))
        elif hasattr(X, "__array_namespace__") and not isinstance(X, (np.ndarray, np.generic)):
            give = like = _to_namespace(X)

    def outputs(moved: Array) -> Array:
        with quiet():
            return _numbers(f(give(moved)), len(inputs))

    return Rows(inputs, outputs, like)


def _refuse_training(torch: Any, module: Any) -> None:
    """ValueError for a module whose outputs for one row are random, or depend on the rows beside it."""
    layers = torch.nn.modules
    for name, part in module.named_modules():
        if part.training and isinstance(part, (layers.dropout._DropoutNd, layers.batchnorm._BatchNorm)):
            what = f"{type(part).__name__} {name!r:.60}" if name else type(part).__name__
            raise ValueError(f"f holds {what} in training mode: its outputs for x are not of x alone. Call f.eval().")


def _same(array: Array) -> Any:
    return array


def _to_torch(torch: Any, model: Any) -> Callable[[Array], Any]:
    dtype = model.dtype if model.dtype.is_floating_point else torch.float64
    return lambda array: torch.tensor(array, dtype=dtype, device=model.device)


def _to_namespace(model: Any) -> Callable[[Array], Any]:
    xp = model.__array_namespace__()
    dtype = model.dtype if np.dtype(model.dtype).kind not in "biu" else None
    return lambda array: xp.asarray(array, dtype=dtype)


def _numbers(values: Any, n: int) -> Array:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = values.double() if values.is_floating_point() else values
    outputs = np.asarray(reals(values, "f(X)", ndim=(1, 2)), dtype=np.float64)
    if len(outputs) != n:
        raise ValueError(f"f(X) has {len(outputs)} rows for {n} rows of X.")
    return outputs.reshape(n, -1)
