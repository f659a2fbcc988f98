"""What gradient flow conserves or never lets grow, and the learning rates up to which descent does as well."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Array, instance
from ..curvature.hessians import check_network
from ..groups import Representation
from ..invariance import split
from ..landscape.points import check_problem
from ..landscape.saddles import chain
from ..networks.network import Network
from ..problems import Problem


def balancedness(network: Network) -> Array:
    """‖W_{j+1}ᵀW_{j+1} - W_j W_jᵀ‖ for j = 1, ..., L - 1: (L-1,). Gradient flow of a linear network conserves them.

    That is, the matrices; with biases those in which W_j W_jᵀ has [W_j, b_j] in place of W_j.
    So small initial weights stay nearly balanced (Arora, Cohen and Hazan 2018); gradient descent moves them by O(lr).
    Weight decay shrinks them, as exp(-2·weight_decay·t) at time t = lr·epochs.

    >>> balancedness(Network([[[3.0, 4.0]], [[5.0]], [[1.0]]]))
    array([ 0., 24.])
    """
    layers = _layers(network)
    entering = [np.column_stack(one) for one in zip(layers, network.biases, strict=True)] if network.biases else layers
    pairs = zip(entering[:-1], layers[1:], strict=True)
    return np.array([np.linalg.norm(upper.T @ upper - lower @ lower.T) for lower, upper in pairs])


def first_layer_perp(network: Network, rep: Representation) -> float:
    """‖W_1 (I - Π)‖, what the first layer takes from directions that are not invariant.

    On the augmented problem with an orthogonal representation gradient flow gives, for B = W_1(I - Π) and any depth,
    dB/dt = -2 (W_L..W_2)ᵀ(W_L..W_2) B S̄: it never grows, though ‖W⊥‖ = ‖W_L..W_2 B‖ may. Gradient descent keeps this
    up to the learning rate `stable_step`; nothing is claimed for Adam.

    >>> from linvariance.groups import cyclic
    >>> first_layer_perp(Network([[[5.0, 1.0]], [[1.0]]]), cyclic(2))  # W_1(I - Π) = [2, -2]
    2.8284271247461903
    """
    first = _layers(network)[0]
    instance(rep, Representation, "rep", "see linvariance.groups")
    if network.widths[0] != rep.dim:
        raise ValueError(
            f"network takes {network.widths[0]} inputs, but the group acts on {rep.dim}: pass one that takes them all."
        )
    return float(np.linalg.norm(split(first, rep).perp))


def stable_step(problem: Problem, network: Network) -> float:
    """The largest learning rate at which a step of gradient descent provably does not raise `first_layer_perp`.

    1/(‖W_L..W_2‖²‖S̄‖) in spectral norms, as the step is B -> B - 2 lr (W_L..W_2)ᵀ(W_L..W_2) B S̄; without momentum
    or weight decay. It changes along a run, since W_L..W_2 grows.

    Args:
        problem: augmented, with an orthogonal representation and none on the outputs.
        network: of the problem's dim and outputs.

    >>> import linvariance as lv
    >>> p = lv.augmented(lv.Moments.from_data([[2.0, 0.0]], [1.0]), lv.groups.symmetric(2), rank=1)  # S̄ = 2·I
    >>> stable_step(p, lv.Network([[[1.0, 0.0]], [[0.5]]]))
    2.0
    """
    check_problem(problem)
    if problem.method != "augmented" or problem.output is not None or not problem.representation.is_orthogonal:
        raise ValueError(
            f"problem is {problem.method} with {problem.representation!r} and output={problem.output!r}, but this step "
            "belongs to augmented(data, rep) with an orthogonal rep and no output."
        )
    check_network(problem, network)
    above = chain([np.eye(network.widths[1]), *_layers(network)[1:]])  # W_L ... W_2
    price = _spectral_norm(above) ** 2 * problem.quadratic.size
    return 1 / price if price else math.inf


def _layers(network: Network) -> list[Array]:
    instance(network, Network, "network", "make one with Network([W_1, ..., W_L])")
    if not np.isfinite(network.flat).all():
        raise ValueError("network holds NaN or infinite weights.")
    return [np.asarray(W, dtype=np.float64) for W in network.weights]


def _spectral_norm(matrix: Array) -> float:
    return float(np.linalg.norm(matrix, 2)) if matrix.size else 0.0
