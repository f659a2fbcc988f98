"""How much a fit follows its targets: leverages, exact degrees of freedom under a rank bound, and scores from them."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Anyreal, Array, instance, matmul, row_slices
from ..data.moments import Moments
from ..objectives.spectra import svd
from ..problems import Problem


def degrees_of_freedom(problem: Problem) -> float:
    """The trace of d(W X)/dY of the optimum, exact under the rank bound; infinite at ties σ_r = σ_{r+1}.

    With the singular values σ of Z, its right singular vectors v_j and T_j = ‖Xᵀ E v_j‖²/n (E the inverse root of S'; 1
    where nothing is penalized) it is

        Σ_{i,j<=r} T_j + Σ_{i<=r<j} T_j σ_i²/(σ_i² - σ_j²) + Σ_{j<=r<i<=dL} T_j σ_j²/(σ_j² - σ_i²).

    In Stein's formula it gives the risk at a fixed rank. That the rank may have been chosen from the same data, it does
    not count.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.eye(3), np.diag([4.0, 2.0, 1.0]))
    >>> round(degrees_of_freedom(lv.unconstrained(m, rank=3)), 12)  # no bound: all 9 parameters
    9.0
    >>> round(degrees_of_freedom(lv.unconstrained(m, rank=1)), 12)  # 1 + 2·(4²/(4² - 2²) + 4²/(4² - 1²))
    5.8
    """
    instance(problem, Problem, "problem", "pose one with hard_wired, augmented, regularized or unconstrained")
    _refuse(problem)
    whitened = problem.quadratic.whitened
    _, sigma, Vt = svd(whitened.target, full=True)
    followed = np.square(problem.data.factor[:, : problem.data.inputs] @ _back(problem).T @ Vt.T).sum(axis=0)  # type: ignore[union-attr]
    r, outputs, seen = problem.rank, problem.outputs, len(Vt)
    if r >= min(outputs, seen):
        return float(outputs * followed.sum())
    if sigma[r - 1] - sigma[r] <= whitened.resolution:
        return math.inf
    ends = np.zeros(max(outputs, seen))
    ends[: len(sigma)] = sigma / sigma[0]
    kept, right, left = np.square(ends[:r]), np.square(ends[r:seen]), np.square(ends[r:outputs])
    turned = (kept[:, None] / (kept[:, None] - right)).sum(axis=0) @ followed[r:]
    mixed = (kept[:, None] / (kept[:, None] - left)).sum(axis=1) @ followed[:r]
    return float(r * followed[:r].sum() + turned + mixed)


def leverages(problem: Problem, X: Anyreal) -> Array:
    """h_i = x_iᵀ S'⁻¹ x_i/n (n,) of rows that the problem was posed with: how much a fit follows its own target."""
    back, found = _back(problem), np.empty(len(X))
    for rows in row_slices(len(X), X.shape[1]):
        found[rows] = np.square(np.asarray(X[rows], dtype=np.float64) @ back.T).sum(axis=1)
    return found / problem.data.n


def leave_one_out(problem: Problem, W: Array, X: Anyreal, Y: Anyreal) -> float:
    """The mean square of y_i - W₋ᵢ x_i, W₋ᵢ fitted without sample i at the same total ridge: residuals/(1 - h_i).

    Infinite where a sample is the only one that shows its direction.
    """
    residual = np.square(X @ W.T - Y).sum(axis=1)
    room = 1 - leverages(problem, X)
    if (room <= 8 * max(X.shape) * np.finfo(np.float64).eps).any():
        return math.inf
    return float(np.mean(residual / np.square(room))) / Y.shape[1]


def generalized_cross_validation(mean_square: float, freedom: float, data: Moments) -> float:
    """Mean square/(1 - df/size)², size = n·dL, df with the mean's; infinite where no degrees of freedom are left."""
    size, taken = data.n * data.outputs, with_mean(freedom, data)
    return mean_square / (1 - taken / size) ** 2 if taken < size else math.inf


def with_mean(freedom: float, data: Moments) -> float:
    """Degrees of freedom with those dL that the mean took if the data are centred."""
    return freedom + (data.n - data.contrasts) * data.outputs


def _back(problem: Problem) -> Array:
    """E (s, d0): S'⁻¹ = EᵀE on its support, seen from W also where the problem is hard-wired."""
    back = problem.quadratic.whitened.back
    return matmul(back, problem.representation.invariants) if problem.is_hard_wired else back


def _refuse(problem: Problem) -> None:
    _ = problem.quadratic
    if problem.output is not None:
        raise ValueError("problem is equivariant (output=): degrees of freedom are known for invariance only.")
    if problem.distribution is not None:
        raise ValueError("problem averages over a distribution: degrees of freedom are known for the full group only.")
    if problem.method == "augmented" and problem.ridge and not problem.representation.is_orthogonal:
        raise ValueError(
            "problem is augmented with a ridge by a group that is not orthogonal: degrees of freedom are not known for "
            "it. Pose hard_wired instead, or without the ridge."
        )
