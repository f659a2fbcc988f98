"""How far the optimum under a distribution on the group can be from invariance, and from the full group's optimum."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..arrays import Array, instance
from ..data.moments import Moments
from ..groups import Distribution, Representation
from ..objectives.quadratics import plain
from ..objectives.spectra import decide_rank, svd, tolerance
from ..optima import solve
from ..problems import augmented, hard_wired


@dataclass(frozen=True)
class Departure:
    """Bounds on an optimum W_μ of `augmented(..., distribution=μ)`, before it is computed.

    In terms of γ = `contraction` and e = `excess`, for every rank bound and every distribution:

    Attributes:
        contraction: γ in [0, 1]: 0 for the full group, 1 for the identity alone (then the bounds above it are inf).
        excess: e, the invariant optimum's loss less the least loss without a symmetry or a rank bound.
        least_loss: the latter.
        loss: (lower, upper) bounds of the loss of W_μ under μ, least_loss + (1 - γ²)e and least_loss + e.
        seen_perp: bound of (E ‖W⊥ρ(g)x‖²)^(1/2), the mean over data and μ: γ·√(e/(1 - γ²)).
        norm_perp: bound of ‖W⊥‖, inf where the moved data do not determine W⊥.
        regret: bound of the loss of W_μ under the full group less that of the full group's optimum.
    """

    contraction: float
    excess: float
    least_loss: float
    loss: tuple[float, float]
    seen_perp: float
    norm_perp: float
    regret: float


def departure(moments: Moments, distribution: Distribution, *, rank: int) -> Departure:
    """A priori bounds on ‖W⊥‖ and on losses of the optimum under a distribution, of rank at most `rank`.

    γ is the largest ‖A NᵀW⊥ᵀ‖/‖A_μ W⊥ᵀ‖ over W⊥ = W(I - Π), with N = E ρ(g) - Π, S = AᵀA, S_μ = A_μᵀA_μ. By Jensen's
    inequality γ <= 1, and γ² <= ‖N‖²·λ_max(S)/λ_min(S_μ on W⊥). See docs/theory.md for the proof.

    After solving there is a sharper, exact statement: the loss of W_μ under μ is at most the full group's optimal loss,
    which is at most the loss of W_μ under the full group.

    >>> from linvariance.groups import random_walk, symmetric
    >>> m = Moments.from_data([[1.0, 0.0], [0.0, 1.0]], [[3.0, 0.0], [0.0, 1.0]])
    >>> bounds = departure(m, random_walk(symmetric(2), 1, rate=0.25), rank=2)
    >>> [round(x, 12) for x in (bounds.contraction, bounds.excess, *bounds.loss)]
    [0.5, 2.5, 1.875, 2.5]
    """
    instance(moments, Moments, "moments", "call Moments.from_data(X, Y)")
    instance(distribution, Distribution, "distribution", "see linvariance.groups.weighted")
    rep = distribution.representation
    rows, weighted = moments.rows, augmented(moments, rep, rank=rank, distribution=distribution).quadratic.rows
    best, free = solve(hard_wired(moments, rep, rank=rank)), plain(rows).whitened
    U = svd(rows.A)[0][:, : free.rank]
    # As a sum of squares: the difference of the two losses cancels where the invariant optimum is nearly free.
    excess = float(np.square(rows.A @ best.weights.T - U @ (U.T @ rows.T)).sum())

    K = _complement(rep)
    _, s, Vt = svd(weighted.A @ K.T)
    noise = max(weighted.noise, tolerance(weighted.A.shape, float(np.linalg.norm(weighted.A))))
    seen = decide_rank(s, weighted.A.shape, noise)
    frame, hidden = (K.T @ Vt[:seen].T) / s[:seen], K.T @ _rest(Vt[:seen], len(K))
    N = distribution.mean() - rep.project(np.eye(rep.dim))
    gamma = float(np.linalg.norm(rows.A @ N.T @ frame, 2)) if seen else 0.0
    if seen and gamma > 1 - 64 * tolerance(weighted.A.shape, s[0] / s[seen - 1]):
        gamma = 1.0
    x = math.inf if gamma == 1 else math.sqrt(excess / ((1 - gamma) * (1 + gamma))) * gamma

    S = rep.average_moment(rows.A.T @ rows.A)
    blind = float(np.einsum("ij,ik,kj", hidden, S, hidden)) > rep.dim * noise**2  # μ misses what the group sees
    stretch = float(np.linalg.norm(frame.T @ S @ frame, 2)) if seen else 0.0
    # Rows of W_μ lie in the range of S_μ: that is the range of S̄, and stable if ρ is orthogonal, unless μ is blind.
    undetermined = blind or (seen < len(K) and not rep.is_orthogonal)
    return Departure(
        contraction=gamma,
        excess=excess,
        least_loss=free.floor,
        loss=(free.floor + (1 - gamma**2) * excess, free.floor + excess),
        seen_perp=x,
        norm_perp=math.inf if undetermined else x / float(s[seen - 1]) if seen else 0.0,
        regret=math.inf if blind else (1 + stretch) * x**2,
    )


def _complement(rep: Representation) -> Array:
    """Orthonormal rows that span {w : w Π = 0}."""
    if rep.is_orthogonal:
        return rep.complement_basis
    return svd(np.eye(rep.dim) - rep.project(np.eye(rep.dim)))[2][: rep.dim - len(rep.invariant_basis())]


def _rest(Vt: Array, dim: int) -> Array:
    """Orthonormal columns (dim, dim - k) that complete the rows Vt (k, dim)."""
    return svd(Vt, full=True)[2][len(Vt) :].T if len(Vt) else np.eye(dim)
