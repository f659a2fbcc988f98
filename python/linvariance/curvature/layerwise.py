"""Second derivatives of a loss on samples in each layer alone, by going back through the network once.

Of one sample, with A_j = W_j H_{j-1} + b_j, the block of layer j is K_j ⊗ H_{j-1} H_{j-1}ᵀ, where K_L = ℓ'' and

    K_j = diag(φ') W_{j+1}ᵀ K_{j+1} W_{j+1} diag(φ') + diag(φ'' ∘ dℓ/dH_j)

(Botev, Ritter and Barber, *Practical Gauss-Newton Optimisation for Deep Learning*, ICML 2017). The Gauss-Newton matrix
lacks the last term, and the empirical Fisher matrix has K_L = ℓ' ℓ'ᵀ besides. The block of b_j is K_j, with 1 for
H_{j-1}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from .. import _core
from ..arrays import Array
from ..groups import Representation, dual
from ..networks.network import Network
from ..objectives.empirical import Empirical

Before = Callable[[Array, Array, Array, Array], Array]

ENTRIES = 2**22  # of a block of samples: what is in between stays small


@dataclass(frozen=True)
class Term:
    """Σ_i K_i,ac J_i,ab J_i,cd over some samples i, in the entries (a, b), (c, d) of one layer.

    Attributes:
        curvature: K (m, d_j, d_j); or its diagonal (m, d_j), of the first layer where no more is asked for.
        inputs: (m, d_{j-1}), the same for every a; or J (m, d_j, d_{j-1}).
    """

    curvature: Array
    inputs: Array

    def diagonal(self) -> Array:
        """(d_j, d_{j-1})"""
        K, squares = self.curvature, np.square(self.inputs)
        curvature = K if K.ndim == 2 else np.einsum("iaa->ia", K)
        if squares.ndim == 2:
            return curvature.T @ squares
        return np.asarray(np.einsum("ia,iab->ab", curvature, squares))

    def add_to(self, block: Array) -> None:
        """To a block (d_j, d_{j-1}, d_j, d_{j-1})."""
        J = self.inputs if self.inputs.ndim == 3 else self.inputs[:, None, :]
        last = J.shape[1] - 1
        for a, c in zip(*np.triu_indices(len(block)), strict=True):
            found = (self.curvature[:, a, c, None] * J[:, min(a, last)]).T @ J[:, min(c, last)]
            block[a, :, c] += found
            if a != c:
                block[c, :, a] += found.T


def diagonals(objective: Empirical, network: Network, second: str) -> list[Array]:
    """The diagonal in the shape of each layer and bias, without the penalty's."""
    out = zeros(network)
    for j, term in _terms(objective, network, second, first=_diagonal_before):
        out[j] += term.diagonal()
    return [D / objective.rows for D in out]


def blocks(objective: Empirical, network: Network, second: str) -> list[Array]:
    """The block (d_j d_{j-1}, d_j d_{j-1}) of each layer, and (d_j, d_j) of each bias, without the penalty's."""
    out = [np.zeros(2 * D.shape) for D in zeros(network)]
    for j, term in _terms(objective, network, second, first=_before):
        term.add_to(out[j])
    return [B.reshape(p.size, p.size) / objective.rows for B, p in zip(out, network.parameters, strict=True)]


def zeros(network: Network) -> list[Array]:
    """In the shape of each layer and each bias, that of a single column."""
    return [np.zeros(p.shape if p.ndim == 2 else (len(p), 1)) for p in network.parameters]


def _terms(objective: Empirical, network: Network, second: str, first: Before) -> Iterator[tuple[int, Term]]:
    """(place among `zeros`, what some rows of the augmented data add there); `first` leads to the first layer's K."""
    weights, biases = ([np.asarray(p, dtype=np.float64) for p in of] for of in (network.weights, network.biases))
    square = [len(W) ** 2 for W in weights[first is _diagonal_before :]]
    most = max([1, weights[0].size if objective.pooled else network.widths[0], *network.widths, *square])
    step = max(1, ENTRIES // most)
    moves = _moves(objective.rep)
    for start in range(0, len(objective.X), step):
        X = np.asarray(objective.X[start : start + step], dtype=np.float64)
        targets = objective.targets[:, start : start + step].T
        moved = (move(X) for move in moves)
        for inputs in [list(moved)] if objective.pooled else ([x] for x in moved):
            yield from _of_rows(objective, weights, biases, network.activation, inputs, targets, second, first)


def _moves(rep: Representation | None) -> list[Callable[[Array], Array]]:
    """X -> X ρ(g)ᵀ for every element g: rows x become ρ(g)x."""
    if rep is None:
        return [lambda X: X]
    moving = dual(rep)
    return [partial(moving.multiply, element=g) for g in moving.elements()]


def _of_rows(
    objective: Empirical,
    weights: Sequence[Array],
    biases: Sequence[Array],
    phi: str,
    inputs: list[Array],
    targets: Array,
    second: str,
    to_first: Before,
) -> Iterator[tuple[int, Term]]:
    """Of rows that come under several elements, over which the first hidden layer is averaged; from the last layer."""
    depth, whole = len(weights), second == "hessian"
    shifts: Sequence[Array | float] = biases or [0.0] * depth
    ones = np.ones((len(inputs[0]), 1))
    first = [_activated(x @ weights[0].T + shifts[0], phi if depth > 1 else "identity") for x in inputs]
    H, slopes, bends = [np.mean([one[0] for one in first], axis=0)], [first[0][1]], [first[0][2]]
    for j, (W, shift) in enumerate(zip(weights[1:], shifts[1:], strict=True), 2):
        value, slope, bend = _activated(H[-1] @ W.T + shift, phi if j < depth else "identity")
        H, slopes, bends = [*H, value], [*slopes, slope], [*bends, bend]
    signal, K = _at_outputs(objective.loss_name, H[-1], targets, second)
    for j in range(depth - 1, 0, -1):
        yield j, Term(K, H[j - 1])
        if biases:
            yield depth + j, Term(K, ones)
        signal, is_mean = signal @ weights[j], j == 1 and len(inputs) > 1
        slope = np.ones_like(signal) if is_mean else slopes[j - 1]
        bend = signal * bends[j - 1] if whole and not is_mean else np.zeros_like(signal)
        K = (to_first if j == 1 else _before)(weights[j], K, slope, bend)
        signal = signal * slope
    for place, entering in [(0, inputs), (depth, [ones] * len(inputs))][: 1 + bool(biases)]:
        if len(inputs) == 1:
            yield place, Term(K, entering[0])
            continue
        J = np.zeros((*signal.shape, entering[0].shape[1]))
        for (_, slope, _), x in zip(first, entering, strict=True):
            J += slope[:, :, None] * x[:, None, :] / len(inputs)
        yield place, Term(K, J)
        if whole:
            for (_, _, bend), x in zip(first, entering, strict=True):
                rows = signal * bend / len(inputs)
                yield place, Term(rows if K.ndim == 2 else _diagonal(rows), x)


def _before(W: Array, K: Array, slope: Array, bend: Array) -> Array:
    """Second derivatives by A from those by W φ(A), with φ' and φ''·dℓ/dφ(A)."""
    K = (W.T @ K @ W) * slope[:, :, None] * slope[:, None, :]
    return K + _diagonal(bend)


def _diagonal_before(W: Array, K: Array, slope: Array, bend: Array) -> Array:
    """Its diagonal alone (m, d)."""
    return np.asarray(((K @ W) * W).sum(axis=1) * np.square(slope) + bend)


def _at_outputs(loss: str, O: Array, targets: Array, second: str) -> tuple[Array, Array]:
    """ℓ' (m, d_L), and ℓ'' or ℓ' ℓ'ᵀ (m, d_L, d_L)."""
    if loss == "squared":
        slope, curvature = 2 * (O - targets), np.broadcast_to(2 * np.eye(O.shape[1]), (*O.shape, O.shape[1]))
    else:
        p = np.exp(O - O.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        slope, curvature = p - targets, _diagonal(p) - p[:, :, None] * p[:, None, :]
    return slope, slope[:, :, None] * slope[:, None, :] if second == "empirical_fisher" else curvature


def _activated(A: Array, phi: str) -> tuple[Array, Array, Array]:
    """φ, φ' and φ''."""
    return _core.activation(phi, np.ascontiguousarray(A))


def _diagonal(rows: Array) -> Array:
    """(m, d) -> (m, d, d)"""
    return rows[:, :, None] * np.eye(rows.shape[1])
