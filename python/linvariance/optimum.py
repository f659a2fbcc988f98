"""Global minima in closed form."""

from __future__ import annotations

import numpy as np

from .arrays import instance
from .problems import Problem
from .results import Solution
from .spectra import decide_rank, svd, tolerance


def solve(problem: Problem) -> Solution:
    """The global minimum of least norm   (Duan & Montúfar, Theorem 6, Propositions 8 and 11).

    With the singular value decomposition of the whitened target Z = C'A⁻¹, W = Z_r A⁻ᵀ, on the support of S' where
    it is singular. σ_i counts as zero below max(shape)·eps·‖targets‖.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.eye(3), np.diag([4.0, 2.0, 1.0]))
    >>> s = lv.solve(lv.unconstrained(m, rank=2))
    >>> s.rank, round(s.loss, 12), round(s.gap, 12)
    (2, 0.333333333333, 0.25)
    >>> np.allclose(s.weights, np.diag([4.0, 2.0, 0.0]))
    True
    """
    instance(problem, Problem, "problem", "pose one with hard_wired, augmented, regularized or unconstrained")
    whitened = problem.quadratic.whitened
    Z = whitened.target
    U, sigma, Vt = svd(Z)
    # Z = TᵀU carries rounding of the size of T, not of σ_1: targets that X does not explain at all have rank 0.
    scale = float(np.hypot(np.linalg.norm(Z), np.sqrt(whitened.floor)))
    noise = tolerance(Z.shape, scale)
    rank = min(problem.rank, decide_rank(sigma, Z.shape, noise))
    with np.errstate(over="ignore", invalid="ignore"):
        weights = (U[:, :rank] * sigma[:rank]) @ (Vt[:rank] @ whitened.back)
    if not np.isfinite(weights).all():
        raise ValueError(
            f"The weights overflow: X has the scale {_scale(problem.data.xx):.3g} and Y the scale "
            f"{np.sqrt(problem.data.yy):.3g}. Divide each by its scale first."
        )
    ends = np.append(sigma, 0.0)
    r = min(problem.rank, len(sigma))
    drop = ends[r - 1] - ends[r] if r else 0.0
    return Solution(
        weights=problem.lift(weights),
        loss=whitened.floor + float(np.square(sigma[rank:]).sum()),
        singular_values=sigma,
        rank=rank,
        gap=float(drop / sigma[0]) if rank else 0.0,
        data_rank=whitened.rank,
        condition=whitened.condition,
        unique=rank < problem.rank or r == len(sigma) or bool(drop > noise),
    )


def _scale(S: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return float(np.sqrt(np.trace(S) / len(S)))
