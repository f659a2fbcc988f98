"""Why the Hessian of a deep linear network is singular: symmetries of the factors, and what the data do not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg

from ..arrays import Array, fraction
from ..curvature.closed import dense_matrix
from ..curvature.hessians import check_network
from ..curvature.spectrum import EXACT
from ..groups.division import norm
from ..networks.network import Network
from ..objectives.factored import Factored
from ..objectives.quadratics import Quadratic
from ..objectives.spectra import svd, tolerance
from ..problems import Problem
from .points import check_problem
from .saddles import chain, correlation, relative_gradient


@dataclass(frozen=True, eq=False)
class Nullity:
    """The zero eigenvalues of the Hessian at a critical point: found = gauge + data + factors + rest.

    Attributes:
        found: how many there are.
        gauge: tangents of the orbit W_j -> A_j W_j A_{j-1}⁻¹ of the hidden layers' basis changes, as the data see it:
            the rank of (X_1, ..., X_{L-1}) -> (X_j W_j - W_j X_{j-1})_j, W_1 taken on the support of S'.
        data: moves of W_1 in null(S'), d_1·dim null(S').
        factors: other moves that keep W S' to first order: units that are idle or of no use to the product.
        rest: moves that change W S' and cost nothing to second order: along the manifold of critical points that equal
            singular values make in function space, of that dimension (`CriticalPoint.dimension`).
        eigenvalues: all of them, ascending (N,).
        threshold: those up to it in absolute value count as zero.
    """

    found: int
    gauge: int
    data: int
    factors: int
    rest: int
    eigenvalues: Array = field(repr=False)
    threshold: float = field(repr=False)


def nullity(problem: Problem, network: Network, *, rtol: float = 1e-8) -> Nullity:
    """How many eigenvalues of the Hessian are zero at a critical point, and why.

    The loss is the same along the whole gauge orbit, so the gradient is orthogonal to it everywhere; but only at
    critical points, where the gradient is 0, does the Hessian vanish on it. Other networks are refused.
    At a critical point of rank r = min(widths) on the support of S', k = rank S', found = N - r(k + dL - r) + rest for
    N weights; rest = 0 unless it takes some but not all of equal singular values. If all hidden widths are r,
    factors = 0.

    Args:
        problem: any problem with a whitened target.
        network: a critical point of at most 3000 weights; of wide data that many on the span of the rows.
        rtol: relative size of gradients, singular values and eigenvalues that counts as zero.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.diag([1.0, 1.0, 0.0]), np.diag([3.0, 2.0, 1.0]))
    >>> p = lv.unconstrained(m, rank=1)
    >>> nullity(p, lv.network_at(lv.critical_points(p)[0], (3, 1, 3)))
    Nullity(found=2, gauge=1, data=1, factors=0, rest=0)
    """
    check_problem(problem)
    check_network(problem, network)
    rtol = fraction(rtol, "rtol", positive=True)
    weights = [np.asarray(W, dtype=np.float64) for W in network.weights]
    slope = relative_gradient(problem, weights)
    if slope > rtol:
        raise ValueError(
            f"network is not critical: its relative gradient is {slope:.1e}, above rtol = {rtol:g}. Only at critical "
            "points does the Hessian vanish along the gauge orbit: train longer, or raise rtol."
        )
    moment, cross, seen = _on_the_rows(problem.quadratic, weights)
    values, vectors = scipy.linalg.eigh(dense_matrix(moment, cross, seen, gauss_newton=False))
    threshold = _threshold(problem, weights, values, rtol)
    kernel: Array = vectors[:, np.abs(values) <= threshold]
    support = _support(moment, rtol)
    gauge = _rank(_gauge_map([seen[0] @ support.T, *seen[1:]]), rtol)
    data = len(weights[0]) * (problem.dim - len(support))
    rest = _moving(seen, kernel, support, rtol)
    unseen = np.zeros(weights[0].size - seen[0].size)
    found, values = kernel.shape[1] + len(unseen), np.sort(np.append(values, unseen))
    return Nullity(found, gauge, data, found - gauge - data - rest, rest, values, threshold)


def _on_the_rows(quadratic: Quadratic, weights: Sequence[Array]) -> tuple[Array, Array, Sequence[Array]]:
    """S', C' and the layers in an orthonormal basis of the span of wide rows; as they are if not wide, or penalized.

    Where S' n = 0 also C' n = 0: the Hessian vanishes on all moves of W_1 along n, exactly.
    """
    S, size = quadratic.input_moment, sum(W.size for W in weights)
    rows = S.R if isinstance(S, Factored) and not S.F.nnz else None
    if rows is not None:
        size -= len(weights[0]) * (quadratic.dim - len(rows))
    if size > EXACT:
        raise ValueError(f"network has {size} weights: all eigenvalues are computed for up to {EXACT} only.")
    if rows is None:
        return quadratic.moment, quadratic.cross, weights
    _, s, P = svd(rows)
    return np.diag(np.square(s)), quadratic.cross @ P.T, [weights[0] @ P.T, *weights[1:]]


def _support(moment: Array, rtol: float) -> Array:
    """Orthonormal rows (k, dim) that span the range of S'."""
    values, vectors = scipy.linalg.eigh(moment) if moment.size else (np.zeros(0), moment)
    basis: Array = vectors[:, values > rtol * values.max(initial=0.0)].T
    return basis


def _gauge_map(weights: Sequence[Array]) -> Array:
    """(X_1, ..., X_{L-1}) -> (X_j W_j - W_j X_{j-1})_j as a matrix, all raveled row-major."""
    hidden = [len(W) for W in weights[:-1]]
    blocks: list[list[npt.NDArray[Any]]] = [[np.zeros((W.size, d * d)) for d in hidden] for W in weights]
    for j, d in enumerate(hidden):
        blocks[j][j] = np.kron(np.eye(d), weights[j].T)
        blocks[j + 1][j] = -np.kron(weights[j + 1], np.eye(d))
    matrix: Array = np.block(blocks) if hidden else np.zeros((weights[0].size, 0))
    return matrix


def _moving(weights: Sequence[Array], directions: Array, support: Array, rtol: float) -> int:
    """On how many of the orthonormal directions (N, f) W S' changes to first order."""
    size = 0.0
    widths = [weights[0].shape[1], *map(len, weights)]
    steps = [Network.from_flat(direction, widths).weights for direction in directions.T]
    if not steps:
        return 0
    moves = np.zeros((len(steps), widths[-1], len(support)))
    for j in range(len(weights)):
        below = chain([support.T, *weights[:j]])
        above = chain([np.eye(widths[j + 1]), *weights[j + 1 :]])
        moves += above @ np.stack([step[j] for step in steps]) @ below
        size += float(np.linalg.norm(above) * np.linalg.norm(below))
    # √rtol: a direction's curvature is the square of how far it moves W.
    return int((svd(moves.reshape(len(steps), -1))[1] > np.sqrt(rtol) * size).sum()) if size else 0


def _threshold(problem: Problem, weights: Sequence[Array], values: Array, rtol: float) -> float:
    """This share of the largest eigenvalue, and no less than the rounding in sums of what may cancel in the Hessian."""
    norms = np.array([np.linalg.norm(W) for W in weights])
    others = [float(np.prod(np.delete(norms, j))) for j in range(len(norms))]
    top = problem.quadratic.size
    slope = float(np.prod(norms)) * top + max(norm(problem.quadratic.cross), correlation(problem))
    twice = [float(np.prod(np.delete(norms, [i, j]))) for i in range(len(norms)) for j in range(i)]
    size = 2 * top * sum(np.square(others)) + 4 * slope * sum(twice)
    return max(rtol * float(np.abs(values).max(initial=0.0)), tolerance((sum(W.size for W in weights),), size))


def _rank(matrix: Array, rtol: float) -> int:
    sigma = svd(matrix)[1]
    return int((sigma > rtol * sigma[0]).sum()) if len(sigma) else 0
