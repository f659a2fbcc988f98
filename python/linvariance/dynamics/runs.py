"""The maps a run goes through, recorded by training or integrated by gradient flow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..arrays import Array, instance
from ..problems import Problem
from ..training.trace import Trace
from .flow import Flow

Epochs = npt.NDArray[np.int64] | npt.NDArray[np.float64]


def states(problem: Problem, trace: Trace | Flow) -> tuple[Epochs, Array]:
    """Epochs or times (T,), and V (T, dL, dim)."""
    instance(trace, (Trace, Flow), "trace", "call train(..., record=Record(weights=True)) or gradient_flow")
    shape = (problem.outputs, problem.representation.dim if isinstance(trace, Trace) else problem.dim)
    if isinstance(trace, Trace):
        if trace.loss.ndim > 1:
            raise ValueError(f"trace holds {len(trace.loss)} x {len(trace.loss[0])} runs: pass one, trace.at(i, k).")
        if trace.weights is None:
            raise ValueError("trace was recorded without weights: train with record=Record(weights=True).")
        kind = trace.networks[0][0]
        if not kind.is_linear:
            raise ValueError(f"trace is of a {kind.activation} network, which has no W: pass that of a linear one.")
        weights = trace.weights
    else:
        weights = np.stack([network.matrix for network in trace.networks])
    if weights.shape[1:] != shape:
        raise ValueError(f"trace holds maps of shape {weights.shape[1:]}, but the problem's have {shape}.")
    finite = np.isfinite(weights).all(axis=(1, 2))
    if not finite.all():
        raise ValueError(f"trace diverged: its state {int(finite.argmin())} is not finite. Lower the learning rate.")
    if isinstance(trace, Flow):
        return trace.times, weights
    return trace.epochs, np.stack([problem.restrict(W) for W in weights])
