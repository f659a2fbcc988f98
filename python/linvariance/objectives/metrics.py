"""A metric on the outputs: residuals weighed by a positive definite matrix, as reduced-rank regression does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.linalg

from ..arrays import Array, frozen, matrix
from ..groups import Representation
from ..groups.division import norm
from ..groups.intertwiners import intertwine

SYMMETRIC, COMMUTES = 1e-10, 1e-10  # relative: what is left of either in an inverse of a covariance of condition 1e5


@dataclass(frozen=True, eq=False)
class Metric:
    """tr(M R Rᵀ) = ‖K R‖² for residuals R = WX - Y (dL, n): in V = K W and targets K Y it is the Frobenius norm again.

    Attributes:
        matrix: M (dL, dL).
        root: K with KᵀK = M. K = M^{1/2} if it must commute with a group; else N^{1/2}D for M = DND, D the powers of
            two nearest to √diag(M), so that outputs of any units keep their digits.
        inverse: K⁻¹.
    """

    matrix: Array
    root: Array
    inverse: Array


def metric_of(value: npt.ArrayLike, outputs: int, output: Representation | None) -> Metric:
    """The gate: symmetric, positive definite, and invariant under the group if it acts on the outputs."""
    M = matrix(value, "metric", (outputs, outputs))
    size = np.sqrt(np.abs(np.diag(M)))
    off = np.abs(M - M.T) / np.maximum(np.outer(size, size), np.finfo(np.float64).tiny)
    if off.max() > SYMMETRIC:
        i, j = (int(k) for k in np.unravel_index(off.argmax(), off.shape))
        raise ValueError(f"metric must be symmetric, but metric[{i}, {j}] is {M[i, j]:g} and its mirror {M[j, i]:g}.")
    M = 0.5 * M + 0.5 * M.T if output is None else _commuting(M, output)
    diagonal = np.diag(M) if output is None else np.full(outputs, np.diag(M).max())
    if diagonal.min() <= 0:
        raise ValueError(f"metric must be positive definite, but its diagonal reaches {diagonal.min():g}.")
    unit = np.exp2(np.round(0.5 * np.log2(diagonal)))
    values, vectors = scipy.linalg.eigh(M / unit[:, None] / unit)
    if values[0] <= outputs * np.finfo(np.float64).eps * values[-1]:
        raise ValueError(
            f"metric must be positive definite, but with outputs in units of its diagonal its eigenvalues reach from "
            f"{values[0]:.3g} to {values[-1]:.3g}: drop outputs that depend on others, or add to its diagonal."
        )
    root, inverse = ((vectors * values**power) @ vectors.T for power in (0.5, -0.5))
    return Metric(frozen(M), frozen(root * unit), frozen(inverse / unit[:, None]))


def _commuting(M: Array, output: Representation) -> Array:
    """The mean of ρ_Y(g) M ρ_Y(g)⁻¹, if M is that already."""
    mean = intertwine(M, output, output)
    off = norm(M - mean) / norm(M) if M.any() else 0.0
    if off > COMMUTES:
        raise ValueError(
            f"metric must commute with output, so that the loss does not change when the group acts on targets, but "
            f"its distance from its mean over the group is {off:.2g} of its norm: pass that mean, "
            "groups.intertwine(metric, output, output)."
        )
    return 0.5 * mean + 0.5 * mean.T
