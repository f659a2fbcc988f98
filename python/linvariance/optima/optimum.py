"""Global minima: in closed form, by choice of multiplets, and by descent where there is no closed form."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..arrays import Array, instance
from ..data.moments import Moments
from ..data.samples import Samples
from ..groups import Representation
from ..groups.division import norm
from ..groups.intertwiners import check_output, intertwine
from ..objectives.equivariance import Equivariant
from ..objectives.multiplets import choose, cut
from ..objectives.quadratics import EquivariancePenalty
from ..objectives.spectra import decide_rank, svd
from ..problems import Problem, hard_wired
from .solution import Solution


def solve(problem: Problem) -> Solution:
    """The global minimum of least norm   (Duan & Montúfar, Theorem 6, Propositions 8 and 11).

    With the singular value decomposition of the whitened target Z = C'A⁻¹, W = Z_r A⁻ᵀ, on the support of S' where
    it is singular. σ_i counts as zero below max(shape)·eps·‖targets‖ (four times that in equivariant problems).
    Hard-wired equivariant problems take whole multiplets of singular values; regularized equivariant ones with a rank
    bound are solved by descent, and say so.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.eye(3), np.diag([4.0, 2.0, 1.0]))
    >>> s = lv.solve(lv.unconstrained(m, rank=2))
    >>> s.rank, round(s.loss, 12), round(s.gap, 12)
    (2, 0.333333333333, 0.25)
    >>> np.allclose(s.weights, np.diag([4.0, 2.0, 0.0]))
    True
    """
    instance(problem, Problem, "problem", "pose one with hard_wired, augmented, regularized or unconstrained")
    if isinstance(problem.quadratic, EquivariancePenalty):
        return _by_descent(problem, problem.quadratic)
    if isinstance(problem.quadratic, Equivariant):
        return _by_multiplets(problem, problem.quadratic)
    whitened = problem.quadratic.whitened
    Z = whitened.target
    U, sigma, Vt = svd(Z)
    rank = min(problem.rank, decide_rank(sigma, whitened.shape, whitened.noise))
    tied = rank == problem.rank < len(sigma) and sigma[rank - 1] - sigma[rank] <= whitened.resolution
    with np.errstate(over="ignore", invalid="ignore"):
        weights = (U[:, :rank] * sigma[:rank]) @ Vt[:rank] @ whitened.back
    return Solution(
        weights=lifted(weights, problem),
        loss=whitened.floor + float(np.square(sigma[rank:]).sum()),
        singular_values=np.append(sigma, np.zeros(min(whitened.shape) - len(sigma))),
        rank=rank,
        gap=_gap(sigma, problem.rank) if rank else 0.0,
        data_rank=whitened.rank,
        condition=whitened.condition,
        unique=not bool(tied),
        least_norm=problem.representation.is_orthogonal or problem.method != "augmented" or problem.ridge > 0,
    )


def _by_multiplets(problem: Problem, quadratic: Equivariant) -> Solution:
    """Whole multiplets if hard-wired; augmented, the largest singular values, whole multiplets if that is as good."""
    whitened, items = quadratic.whitened, quadratic.significant
    choice = choose(items, problem.rank, quadratic.noise)
    if problem.method == "augmented":
        free = cut(items, problem.rank, quadratic.noise)
        choice = free if choice.shortfall else replace(choice, unique=free.unique)
    left, right = np.zeros((problem.outputs, 0)), np.zeros((0, problem.dim))
    if any(choice.taken):
        left = np.hstack([item.left[:, :k] for item, k in zip(items, choice.taken, strict=True)])
        right = np.vstack([item.right[:k] for item, k in zip(items, choice.taken, strict=True)])
    rest = [(item.dimension - k) * item.value**2 for item, k in zip(items, choice.taken, strict=True)]
    rest += [item.dimension * item.value**2 for item in quadratic.multiplets[len(items) :]]
    sigma = np.zeros(min(problem.outputs, whitened.rank))  # those of irreducibles on one side only are 0
    values = [item.value for item in quadratic.multiplets for _ in range(item.dimension)]
    sigma[: len(values)] = values
    with np.errstate(over="ignore", invalid="ignore"):
        weights = left @ right
    return Solution(
        weights=lifted(weights, problem),
        loss=whitened.floor + float(sum(rest)),
        singular_values=sigma,
        rank=sum(choice.taken),
        gap=_gap(sigma, problem.rank) if any(choice.taken) else 0.0,
        data_rank=whitened.rank,
        condition=whitened.condition,
        unique=choice.unique,
        least_norm=problem.representation.is_orthogonal,
    )


def lifted(V: Array, problem: Problem) -> Array:
    """W (dL, d0) of V (dL, dim), on its way out."""
    with np.errstate(over="ignore", invalid="ignore"):
        return finite(problem.lift(V) if np.isfinite(V).all() else V, problem.data)  # in a metric W may overflow alone


def finite(weights: Array, data: Moments | Samples) -> Array:
    """The gate of weights on their way out."""
    if not np.isfinite(weights).all():
        raise ValueError(
            f"The weights overflow: X has the scale {np.sqrt(data.mean_square / data.inputs):.3g} and Y the scale "
            f"{np.sqrt(data.yy):.3g}. Divide each by its scale first."
        )
    return weights


@dataclass(frozen=True, eq=False)
class EquivarianceGap:
    """What hard-wiring and augmentation give for an equivariant target of bounded rank.

    Attributes:
        hard_wired, augmented: the two optima.
        loss_gap: loss of the first minus loss of the second, by the σ that only one of them takes; exactly 0 unless the
            rank bound cuts a multiplet.
        equivariance_error: ‖W - mean ρ_Y(g) W ρ(g)⁻¹‖ / ‖W‖ of the augmented optimum found.
        cuts_multiplet: whether every augmented optimum has a multiplet cut by the rank bound; then the gap is positive.
            Where equal σ leave a choice that cuts none, that one is taken.
        multiplets: (σ, dimension) of each above rounding, largest σ first.
    """

    hard_wired: Solution
    augmented: Solution
    loss_gap: float
    equivariance_error: float
    cuts_multiplet: bool
    multiplets: tuple[tuple[float, int], ...] = field(default=())


def equivariance_gap(data: Moments, rep: Representation, *, rank: int, output: Representation) -> EquivarianceGap:
    """Solves the hard-wired and the augmented equivariant problem and compares their optima.

    >>> import linvariance as lv
    >>> turn = lv.groups.matrices([[[-0.5, -np.sqrt(0.75)], [np.sqrt(0.75), -0.5]]])  # C3 on the plane
    >>> m = lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.sqrt(2) * np.eye(2))  # S = C = 1
    >>> gap = lv.equivariance_gap(m, turn, rank=1, output=turn)
    >>> gap.cuts_multiplet, round(gap.loss_gap, 12), gap.hard_wired.rank
    (True, 1.0, 0)
    """
    check_output(rep, output)  # not None
    hard = hard_wired(data, rep, rank=rank, output=output)
    quadratic = hard.quadratic
    assert isinstance(quadratic, Equivariant)
    items = quadratic.significant
    best, free = solve(hard), solve(replace(hard, method="augmented"))  # of the same moments
    size, off = norm(free.weights), norm(free.weights - intertwine(free.weights, rep, output))
    gap = choose(items, hard.rank, quadratic.noise).shortfall
    return EquivarianceGap(
        hard_wired=best,
        augmented=free,
        loss_gap=gap,
        equivariance_error=off / size if size else 0.0,
        cuts_multiplet=gap > 0,
        multiplets=tuple((item.value, item.dimension) for item in items),
    )


def _by_descent(problem: Problem, quadratic: EquivariancePenalty) -> Solution:
    """The linear system without an effective rank bound; else L-BFGS in the factors from its truncation."""
    W = quadratic.unbounded_minimum()
    U, s, Vt = svd(W)
    r = min(problem.rank, len(s))
    bounded = decide_rank(s, W.shape) > r
    if bounded:
        # In units of W and of the loss of 0: L-BFGS stops at absolute changes of the loss and of its slope.
        unit, height, top = float(s[0]), quadratic.constant, np.sqrt(s[:r] / s[0])
        start = np.concatenate([(U[:, :r] * top).ravel(), (top[:, None] * Vt[:r]).ravel()])
        cut = U[:, :r].size

        def slope(x: Array) -> tuple[float, Array]:
            left, right = x[:cut].reshape(-1, r), x[cut:].reshape(r, -1)
            V = unit * (left @ right)
            D = quadratic.gradient(V) * (unit / height)
            return quadratic.loss(V) / height, np.concatenate([(D @ right.T).ravel(), (left.T @ D).ravel()])

        from scipy.optimize import minimize  # here: it takes a third of the time that importing the package may take

        options = {"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-12}
        x = minimize(slope, start, jac=True, method="L-BFGS-B", options=options).x
        W = unit * (x[:cut].reshape(-1, r) @ x[cut:].reshape(r, -1))
        s = svd(W)[1]
    A = quadratic.rows.A
    support = svd(A)[1]
    support = support[: decide_rank(support, A.shape)]
    return Solution(
        weights=lifted(W, problem),
        loss=quadratic.loss(W),
        singular_values=s,
        rank=min(r, decide_rank(s, W.shape)),
        gap=0.0,
        data_rank=len(support),
        condition=float(support[0] / support[-1]) if len(support) else 1.0,
        unique=not bounded,
        certified=not bounded,
    )


def _gap(sigma: Array, rank: int) -> float:
    ends = np.append(sigma, 0.0)
    r = min(rank, len(sigma))
    return float((ends[r - 1] - ends[r]) / ends[0])
