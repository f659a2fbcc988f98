"""Second derivatives of tr(W S Wᵀ) - 2 tr(W Cᵀ) at W = W_L ... W_1, from outer products of the partial products.

With L_j = W_L ... W_{j+1} and R_j = W_{j-1} ... W_1 the entries of the block of layers j >= k are
2 (L_jᵀ L_k)_ac (R_j S R_kᵀ)_bd, and for j > k in the Hessian also (L_jᵀ D R_kᵀ)_ad (W_{j-1} ... W_{k+1})_bc with
D = 2 (W S - C). On the diagonal j = k the Gauss-Newton matrix is the Hessian: W is linear in each layer alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from ..objectives.factored import Factored


@dataclass(frozen=True)
class Block:
    """block_abcd = inner_ac outer_bd + mixed_ad between_bc, of W_j's entry (a, b) and W_k's (c, d)."""

    inner: Array
    outer: Array | Factored  # factored: of the first layer alone, which is then never written
    mixed: Array | None = None
    between: Array | None = None

    def write(self, out: Array) -> None:
        """Into out (d_j, d_{j-1}, d_k, d_{k-1})."""
        assert isinstance(self.outer, np.ndarray)
        _set_outer(out, self.inner, self.outer)
        if self.mixed is not None and self.between is not None:
            out += self.mixed[:, None, None, :] * self.between[:, :, None]

    @property
    def diagonal(self) -> Array:
        """Of a diagonal block, in the shape of its layer."""
        return np.outer(self.inner.diagonal(), self.outer.diagonal())

    @property
    def square(self) -> float:
        """The sum of its squared entries, without forming them."""
        total = _square(self.inner) * _square(self.outer)
        if self.mixed is not None and self.between is not None:
            total += _square(self.mixed) * _square(self.between)
            total += 2 * float(np.vdot(self.inner.T @ self.mixed, self.between.T @ self.outer))
        return total


def diagonal_blocks(moment: Array | Factored, weights: Sequence[Array]) -> list[Block]:
    """Of each layer alone, symmetric to the last bit."""
    found = []
    for W, left in zip(weights, _left(weights), strict=True):
        outer = moment if isinstance(moment, Factored) else _symmetric(moment)
        found.append(Block(_symmetric(2 * left.T @ left), outer))
        moment = W @ moment @ W.T
    return found


def lower_blocks(
    moment: Array | Factored, cross: Array, weights: Sequence[Array], *, gauss_newton: bool
) -> Iterator[tuple[int, int, Block]]:
    """(j, k, block) for all j > k."""
    left, layers = _left(weights), range(len(weights))
    moments = [*itertools.accumulate(weights[1:], lambda M, W: W @ M, initial=weights[0] @ moment)]  # R_j S, j > 1
    gradient = 2 * (moments.pop() - cross)
    for k in layers:
        right, between = weights[:k], np.eye(weights[k].shape[0])  # factors of R_k; W_{j-1} ... W_{k+1}
        for j in layers[k + 1 :]:
            inner, outer = 2 * left[j].T @ left[k], _times_transposed(moments[j - 1], right)
            mixed = None if gauss_newton else _times_transposed(left[j].T @ gradient, right)
            yield j, k, Block(inner, outer, mixed, between)
            between = weights[j] @ between


def dense_matrix(moment: Array, cross: Array, weights: Sequence[Array], *, gauss_newton: bool) -> Array:
    """H (N, N), symmetric to the last bit."""
    ends = [0, *itertools.accumulate(W.size for W in weights)]
    H = np.empty((ends[-1], ends[-1]))

    def part(j: int, k: int) -> Array:
        return H[ends[j] : ends[j + 1], ends[k] : ends[k + 1]]

    def layers(j: int, k: int) -> Array:
        return part(j, k).reshape(*weights[j].shape, *weights[k].shape)

    for j, block in enumerate(diagonal_blocks(moment, weights)):
        block.write(layers(j, j))
    for j, k, block in lower_blocks(moment, cross, weights, gauss_newton=gauss_newton):
        block.write(layers(j, k))
        part(k, j)[:] = part(j, k).T
    return H


def _left(weights: Sequence[Array]) -> list[Array]:
    """L_1, ..., L_L."""
    return [*itertools.accumulate([np.eye(len(weights[-1])), *weights[:0:-1]], np.matmul)][::-1]


def _times_transposed(A: Array, factors: Sequence[Array]) -> Array:
    """A W_1ᵀ W_2ᵀ ..."""
    for W in factors:
        A = A @ W.T
    return A


def _set_outer(block: Array, inner: Array, outer: Array) -> None:
    """block_abcd = inner_ac outer_bd, by matrices (b, d): twice as fast as one broadcast when these are large."""
    if outer.size < inner.size:
        np.multiply(inner[:, None, :, None], outer[:, None, :], out=block)
        return
    for a, c in np.ndindex(*inner.shape):
        np.multiply(inner[a, c], outer, out=block[a, :, c])


def _symmetric(A: Array) -> Array:
    return (A + A.T) / 2


def _square(A: Array | Factored) -> float:
    return A.square if isinstance(A, Factored) else float(np.vdot(A, A))
