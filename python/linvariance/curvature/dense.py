"""The whole Hessian of a problem on moments from its closed form: outer products of the network's partial products."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from ..arrays import Array
from ..objectives.quadratics import Quadratic


def dense_hessian(quadratic: Quadratic, weights: Sequence[Array]) -> Array:
    """H (N, N), symmetric to the last bit, of the loss at W = W_L ... W_1 with gradient D = 2 (W S' - C').

    With L_j = W_L ... W_{j+1} and R_j = W_{j-1} ... W_1 the entries of the block of layers j >= k are
    2 (L_jᵀ L_k)_ac (R_j S' R_kᵀ)_bd, and for j > k also (L_jᵀ D R_kᵀ)_ad (W_{j-1} ... W_{k+1})_bc.
    """
    layers = range(len(weights))
    left = [*itertools.accumulate([np.eye(len(weights[-1])), *weights[:0:-1]], np.matmul)][::-1]
    moments = [*itertools.accumulate([quadratic.moment, *weights], lambda M, W: W @ M)]  # R_j S'
    gradient = 2 * (moments.pop() - quadratic.cross)
    ends = [0, *itertools.accumulate(W.size for W in weights)]
    H = np.empty((ends[-1], ends[-1]))
    for k in layers:
        right, between = weights[:k], np.eye(weights[k].shape[0])  # factors of R_k; W_{j-1} ... W_{k+1}
        for j in layers[k:]:
            rows, columns = slice(ends[j], ends[j + 1]), slice(ends[k], ends[k + 1])
            block = H[rows, columns].reshape(*weights[j].shape, *weights[k].shape)
            inner, outer = 2 * left[j].T @ left[k], _times_transposed(moments[j], right)
            if j == k:
                _set_outer(block, _symmetric(inner), _symmetric(outer))
                continue
            _set_outer(block, inner, outer)
            block += _times_transposed(left[j].T @ gradient, right)[:, None, None, :] * between[:, :, None]
            between = weights[j] @ between
            H[columns, rows] = H[rows, columns].T
    return H


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
