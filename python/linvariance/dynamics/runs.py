"""The maps a run goes through, recorded by training or integrated by gradient flow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Array, instance
from ..problems import Problem
from ..training.trace import Trace
from .flow import Flow

Epochs = npt.NDArray[np.int64] | npt.NDArray[np.float64]


def states(problem: Problem, trace: Trace | Flow) -> tuple[Epochs, Array]:
    """Epochs or times (T,), and V (T, dL, dim)."""
    instance(trace, (Trace, Flow), "trace", "call train(..., record=Record(networks=True)) or gradient_flow")
    inner = (problem.outputs, problem.dim)
    if isinstance(trace, Flow):
        return trace.times, _checked(np.stack([network.matrix for network in trace.networks]), inner)
    kind = trace.single().networks[0][0]
    if not kind.is_linear:
        raise ValueError(f"trace is of a {kind.activation} network, which has no W: pass that of a linear one.")
    if trace.layers is not None:
        with np.errstate(over="ignore", invalid="ignore"):  # of runs that diverged
            return trace.epochs, _checked(np.stack([network.matrix for _, network in trace.states()]), inner)
    if trace.weights is None:
        raise ValueError(
            "trace was recorded without weights: train with record=Record(weights=True), or networks=True."
        )
    weights = _checked(trace.weights, (problem.outputs, problem.representation.dim))
    return trace.epochs, np.stack([problem.restrict(W) for W in weights])


def _checked(maps: npt.NDArray[Any], shape: tuple[int, int]) -> Array:
    if maps.shape[1:] != shape:
        raise ValueError(f"trace holds maps of shape {maps.shape[1:]}, but the problem's have {shape}.")
    finite = np.isfinite(maps).all(axis=(1, 2))
    if not finite.all():
        raise ValueError(f"trace diverged: its state {int(finite.argmin())} is not finite. Lower the learning rate.")
    return np.asarray(maps, dtype=np.float64)
