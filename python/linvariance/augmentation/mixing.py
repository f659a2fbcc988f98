"""How fast random group elements mix: the norms of what separates their averages from those of the full group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from ..arrays import Array, instance
from ..groups import Distribution


@dataclass(frozen=True)
class Mixing:
    """Distances of a distribution μ from Haar's measure, for an orthogonal representation.

    After k independent steps they are at most the k-th powers; if μ is symmetric (g as likely as g⁻¹), equal to them.

    Attributes:
        mean: ‖E ρ(g) - Π‖, the spectral norm.
        moment: the largest ‖E ρ(g) S ρ(g)ᵀ - S̄‖/‖S - S̄‖ over matrices S, in Frobenius norms.
    """

    mean: float
    moment: float


def mixing(distribution: Distribution) -> Mixing:
    """The spectral gaps of a distribution, 1 - mean and 1 - moment, on ρ and on ρ ⊗ ρ.

    >>> from linvariance.groups import cyclic, random_walk
    >>> found = mixing(random_walk(cyclic(4), 1, rate=0.5))
    >>> round(found.mean, 12), round(found.moment, 12)
    (0.5, 0.5)
    """
    instance(distribution, Distribution, "distribution", "see linvariance.groups.weighted")
    rep = distribution.representation
    if not rep.is_orthogonal:
        raise ValueError(f"distribution is on {rep!r}, which is not orthogonal: use that on its orthogonal form.")
    dim, back = rep.dim, distribution.inverse()
    N = distribution.mean() - rep.project(np.eye(dim))

    def square(s: Array) -> Array:
        """F*F, F the difference of the two averages; that over the group is a projection which commutes with both."""
        S = s.reshape(dim, dim)
        rest = back.average_moment(distribution.average_moment(S - rep.average_moment(S)))
        return (rest - rep.average_moment(rest)).ravel()

    start = np.random.default_rng(0).standard_normal(dim * dim)
    if np.linalg.norm(square(start)) <= 64 * dim * np.finfo(np.float64).eps * np.linalg.norm(start):
        return Mixing(float(np.linalg.norm(N, 2)), 0.0)
    operator = LinearOperator((dim * dim,) * 2, matvec=square, dtype=np.float64)
    largest = float(eigsh(operator, k=1, v0=square(start), return_eigenvectors=False)[0])
    return Mixing(float(np.linalg.norm(N, 2)), float(np.sqrt(max(largest, 0.0))))
