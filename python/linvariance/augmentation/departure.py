"""How far the optimum under a distribution on the group can be from invariance, and from the full group's optimum."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..arrays import Array, instance
from ..data.moments import Moments
from ..groups import Distribution, Representation
from ..objectives.quadratics import plain
from ..objectives.spectra import Rows, decide_rank, svd, tolerance
from ..objectives.weighted import moved
from ..optima import solve
from ..problems import hard_wired


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
    """A priori bounds on ‖W⊥‖ and on losses of the optimum under a distribution, of rank at most `rank`, no ridge.

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
    rep, rows = distribution.representation, moments.rows
    best = solve(hard_wired(moments, rep, rank=rank))
    least, excess = _excess(rows, best.weights)
    weighted, K = moved(rows, distribution), _complement(rep)
    _, s, Vt = svd(weighted.A @ K.T)
    seen = decide_rank(s, weighted.A.shape, weighted.rounding)
    frame, hidden = (K.T @ Vt[:seen].T) / s[:seen], K.T @ _rest(Vt[:seen], len(K))

    N = distribution.mean() - rep.project(np.eye(rep.dim))
    gamma = float(np.linalg.norm(rows.A @ N.T @ frame, 2)) if seen else 0.0
    if seen and gamma > 1 - 64 * tolerance(weighted.A.shape, s[0] / s[seen - 1]):
        gamma = 1.0
    x = math.inf if gamma == 1 else math.sqrt(excess / ((1 - gamma) * (1 + gamma))) * gamma
    stretch, blind = _against_the_group(rep, rows.A, frame, hidden, weighted.rounding)
    # Rows of W_μ lie in the range of S_μ: that is the range of S̄, and stable if ρ is orthogonal, unless μ is blind.
    undetermined = blind or (seen < len(K) and not rep.is_orthogonal)
    return Departure(
        contraction=gamma,
        excess=excess,
        least_loss=least,
        loss=(least + (1 - gamma**2) * excess, least + excess),
        seen_perp=x,
        norm_perp=math.inf if undetermined else x / float(s[seen - 1]) if seen else 0.0,
        regret=math.inf if blind else (1 + stretch) * x**2,
    )


def _excess(rows: Rows, W: Array) -> tuple[float, float]:
    """The least loss of any map, and that of W above it: as a sum of squares, the difference of losses cancels."""
    free = plain(rows).whitened
    U = svd(rows.A)[0][:, : free.rank]
    return free.floor, float(np.square(rows.A @ W.T - U @ (U.T @ rows.T)).sum())


def _against_the_group(rep: Representation, A: Array, frame: Array, hidden: Array, noise: float) -> tuple[float, bool]:
    """τ², the largest of S̄ against S_μ where μ sees, and whether the group sees what μ does not."""
    # In a unit of their own, by a power of two: squares of data below 1e-154 would vanish.
    exponent = math.frexp(float(np.abs(A).max(initial=0.0)))[1]
    A, frame, noise = np.ldexp(A, -exponent), np.ldexp(frame, exponent), math.ldexp(noise, -exponent)
    S = rep.average_moment(A.T @ A)
    stretch = float(np.linalg.norm(frame.T @ S @ frame, 2)) if frame.size else 0.0
    return stretch, float(np.einsum("ij,ik,kj", hidden, S, hidden)) > rep.dim * noise**2


def _complement(rep: Representation) -> Array:
    """Orthonormal rows that span {w : w Π = 0}."""
    if rep.is_orthogonal:
        return rep.complement_basis
    return svd(np.eye(rep.dim) - rep.project(np.eye(rep.dim)))[2][: rep.dim - len(rep.invariant_basis())]


def _rest(Vt: Array, dim: int) -> Array:
    """Orthonormal columns (dim, dim - k) that complete the rows Vt (k, dim)."""
    return svd(Vt, full=True)[2][len(Vt) :].T if len(Vt) else np.eye(dim)
