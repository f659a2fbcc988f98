"""Update rules of users: any function (weights, gradient, state) -> weights, called at every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import as_array, some
from ..networks import Network
from ..objectives.empirical import Empirical
from ..problems import Problem

Layers = list[npt.NDArray[Any]]
OwnRule = Callable[[Layers, Layers, dict[str, Any]], Sequence[npt.ArrayLike]]


def gradient(problem: Problem, network: Network, rows: npt.NDArray[np.int32] | None = None) -> npt.NDArray[Any]:
    """Of the loss, all layers joined, in the network's precision; of a problem on Samples, on all or on some rows."""
    kind = network.weights[0].dtype
    if isinstance(problem.objective, Empirical):
        core = problem.objective.core(kind)
        return np.asarray(core.gradient(list(network.widths), network.activation, network.flat, rows)[1])
    layers = [np.asarray(W, dtype=np.float64) for W in network.weights]
    return np.concatenate([G.ravel() for G in problem.objective.gradient_at(layers)]).astype(kind)


def step(rule: OwnRule, network: Network, slope: npt.NDArray[Any], state: dict[str, Any]) -> npt.NDArray[Any]:
    """All layers joined after one step of the rule, which may write to its state and to nothing that others see."""
    shapes, kind = [W.shape for W in network.parameters], network.weights[0].dtype
    gradients = Network.from_flat(slope, network.widths).parameters
    found = rule([W.copy() for W in network.parameters], [G.copy() for G in gradients], state)
    if not isinstance(found, (list, tuple)):
        raise TypeError(f"optimizer must return the new weights [W_1, ..., W_L], but returned {type(found).__name__}.")
    layers = [as_array(W, f"optimizer's weights[{j}]") for j, W in enumerate(found)]
    if [W.shape for W in layers] != shapes:
        raise ValueError(
            f"optimizer returned layers of shapes {some([W.shape for W in layers])}, but the network's are "
            f"{some(shapes)}."
        )
    return np.concatenate([W.ravel() for W in layers]).astype(kind)
