"""The optimization problems: rank-bounded linear regression, and the three ways to make it invariant.

They take `Moments`, or `Samples` for what second moments cannot carry.

Every loss carries 1/n, as in Eqs. (4), (7) and (9) of Duan & Montúfar, *Understanding Learning Invariance in Deep
Linear Networks*.

Two options go with every method. A `ridge` adds ridge·‖W‖² to the loss: S' + ridge·1, after averages. A `metric` M
(dL, dL), positive definite, weighs the residuals: tr(M (WX - Y)(WX - Y)ᵀ)/n, as reduced-rank regression does with the
inverse of a covariance. In V = K W, KᵀK = M, and targets K Y it is the plain loss again, and all that is done in V
(training, landscapes, Hessians) stays as it is. So under a metric ridge and penalty weigh the outputs as the residuals
are, ridge·tr(M W Wᵀ) and strength·tr(M W G Gᵀ Wᵀ); as ‖W‖² they would be no map on moments. On Samples a ridge is
for linear networks, and targets K Y take the place of a metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy.typing as npt

from .arrays import Array, instance, integer, listed, matmul, matrix, real
from .data.moments import Moments
from .data.samples import Samples
from .groups import Distribution, Representation, trivial
from .groups.intertwiners import check_output, intertwine
from .objectives.empirical import Empirical
from .objectives.metrics import Metric, metric_of
from .objectives.quadratics import Quadratic

LARGEST_RIDGE = 1e300


@dataclass(frozen=True, eq=False)
class Problem:
    """min over rank(V) <= rank of tr(V S' Vᵀ) - 2 tr(V C'ᵀ) + c, V (dL, dim).

    Loss, gradient and target live in V; `lift` and `restrict` lead to W (dL, d0) and back. They are the identity,
    unless the problem is hard-wired: then W = V B with the invariant basis B (d, d0), and dim = d. With a metric,
    V = K W or K W = V B, K a root of it.
    """

    method: str
    data: Moments | Samples = field(repr=False)
    representation: Representation
    rank: int
    strength: float = 0.0
    output: Representation | None = None
    ridge: float = field(default=0.0, kw_only=True)
    inner: Metric | None = field(default=None, repr=False, kw_only=True)
    distribution: Distribution | None = field(default=None, kw_only=True)
    objective: Quadratic | Empirical = field(repr=False, kw_only=True)

    @property
    def metric(self) -> Array | None:
        """M (dL, dL), or None for the identity."""
        return None if self.inner is None else self.inner.matrix

    @property
    def dim(self) -> int:
        """Columns of V: d0, or d for hard-wired problems."""
        return self.objective.dim

    @property
    def outputs(self) -> int:
        """Rows of V and W, dL."""
        return self.objective.outputs

    def lift(self, V: npt.ArrayLike) -> Array:
        """V (dL, dim) -> W (dL, d0)."""
        V = self._matrix(V, "V")
        V = V if self.inner is None else self.inner.inverse @ V
        return matmul(V, self.representation.invariants) if self.is_hard_wired else V

    def restrict(self, W: npt.ArrayLike) -> Array:
        """W (dL, d0) -> V (dL, dim); a W that is not invariant is projected first."""
        W = matrix(W, "W", (self.outputs, self.representation.dim))
        W = W if self.inner is None else self.inner.root @ W
        if self.output is not None and self.method == "hard_wired":
            return intertwine(W, self.representation, self.output)
        if not self.is_hard_wired:
            return W
        return matmul(self.representation.project(W), self.representation.invariants.T)

    def loss(self, V: npt.ArrayLike) -> float:
        """The loss of a linear map V (dL, dim), the squared one as a sum of squares; of networks: `network_loss`."""
        return self.objective.loss(self._matrix(V, "V"))

    def gradient(self, V: npt.ArrayLike) -> Array:
        """Its gradient (dL, dim), for the squared loss 2 (V S' - C')."""
        return self.objective.gradient(self._matrix(V, "V"))

    @property
    def quadratic(self) -> Quadratic:
        """The squared loss through second moments; ValueError for a problem on Samples."""
        if isinstance(self.objective, Empirical):
            way = (
                "pose the problem with Moments.from_data(X, Y)"
                if self.objective.loss_name == "squared"
                else "use train"
            )
            raise ValueError(f"Problems on {self.data!r} have no second moments, so there is no closed form: {way}.")
        return self.objective

    @property
    def target(self) -> Array:
        """Z = C'A⁻¹ (dL, s) for an unspecified root A of S': its singular values and left vectors are defined."""
        return self.quadratic.whitened.target

    @property
    def is_hard_wired(self) -> bool:
        """Whether W = V B."""
        return self.method == "hard_wired" and self.output is None

    def _matrix(self, V: npt.ArrayLike, name: str) -> Array:
        return matrix(V, name, (self.outputs, self.dim))


def unconstrained(
    data: Moments | Samples, *, rank: int, ridge: float = 0.0, metric: npt.ArrayLike | None = None
) -> Problem:
    """Min (1/n)‖WX - Y‖² + ridge·‖W‖² over rank(W) <= rank, residuals and ridge in a metric if given.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data([[1.0, 0.0], [0.0, 1.0]], [[3.0, 0.0], [0.0, 1.0]])
    >>> round(lv.solve(lv.unconstrained(m, rank=1)).loss, 12)
    0.5
    >>> lv.solve(lv.unconstrained(m, rank=2, ridge=0.5)).weights.diagonal().round(12).tolist()  # C (S + ½)⁻¹, S = ½
    [1.5, 0.5]

    In the metric of the targets' own covariance the singular values are the canonical correlations, and with this
    data, where X explains Y, all of them are 1:

    >>> p = lv.unconstrained(m, rank=1, metric=[[1 / 4.5, 0.0], [0.0, 1 / 0.5]])
    >>> lv.solve(p).singular_values.round(12).tolist()
    [1.0, 1.0]
    """
    rep = trivial(_inputs(data))
    posed, ridge, inner = pose(data, ridge, metric)
    return Problem("unconstrained", data, rep, check_rank(rank), ridge=ridge, inner=inner, objective=posed.plain(ridge))


def hard_wired(
    data: Moments | Samples,
    rep: Representation,
    *,
    rank: int,
    output: Representation | None = None,
    ridge: float = 0.0,
    metric: npt.ArrayLike | None = None,
) -> Problem:
    """Min (1/n)‖WX - Y‖² + ridge·‖W‖² over rank(W) <= rank subject to W G = 0.

    Duan & Montúfar, Eq. 4, Theorem 6, with a ridge and a metric as the module says.

    W = V B with an orthonormal basis B of the invariants: S' = B S Bᵀ, C' = C Bᵀ. With an orthogonal representation
    `output` on the targets the constraint is equivariance, W ρ(g) = ρ_Y(g) W; then V is W, and the optimum is a
    choice of whole multiplets of singular values (see docs/theory.md).

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data([[1.0, 0.0], [0.0, 1.0]], [[3.0, 0.0], [0.0, 1.0]])
    >>> p = lv.hard_wired(m, lv.groups.symmetric(2), rank=1)
    >>> p.dim, lv.solve(p).weights.round(12).tolist()
    (1, [[1.5, 1.5], [0.5, 0.5]])
    """
    check_pose(data, rep, output)
    posed, ridge, inner = pose(data, ridge, metric, output)
    objective = posed.restricted(rep, ridge) if output is None else posed.equivariant(rep, output, ridge)
    return Problem(
        "hard_wired", data, rep, check_rank(rank), output=output, ridge=ridge, inner=inner, objective=objective
    )


def augmented(
    data: Moments | Samples,
    rep: Representation,
    *,
    rank: int,
    output: Representation | None = None,
    ridge: float = 0.0,
    metric: npt.ArrayLike | None = None,
    distribution: Distribution | None = None,
) -> Problem:
    """Min (1/(n|G|)) Σ_g ‖W ρ(g) X - Y‖² + ridge·‖W‖² over rank(W) <= rank.

    Duan & Montúfar, Eq. 9, Proposition 11, with a ridge and a metric as the module says: S' = S̄ + ridge·1, the group
    average of S, and C' = C Πᵀ, whatever the order of the group. With an orthogonal representation
    `output` on the targets they are augmented too, Σ_g ‖W ρ(g) X - ρ_Y(g) Y‖²: the optimum is equivariant only if the
    rank bound cuts no multiplet.

    With a `distribution` on the group (`groups.weighted`, `groups.random_walk`, ...) the mean is over it instead,
    E_g ‖W ρ(g) X - Y‖²/n: S' = E ρ(g) S ρ(g)ᵀ, C' = C (E ρ(g))ᵀ. The optimum is in general not invariant;
    `augmentation.departure` bounds by how much. For Moments, and without `output`.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data([[1.0, 0.0], [0.0, 1.0]], [[3.0, 0.0], [0.0, 1.0]])
    >>> lv.solve(lv.augmented(m, lv.groups.symmetric(2), rank=1)).weights.round(12).tolist()
    [[1.5, 1.5], [0.5, 0.5]]
    >>> seldom = lv.groups.random_walk(lv.groups.symmetric(2), 1, rate=0.25)
    >>> lv.solve(lv.augmented(m, lv.groups.symmetric(2), rank=2, distribution=seldom)).weights.round(12).tolist()
    [[2.25, 0.75], [0.25, 0.75]]
    """
    check_pose(data, rep, output)
    posed, ridge, inner = pose(data, ridge, metric, output)
    if distribution is not None:
        _check_distribution(distribution, rep, output)
        objective = posed.weighted(distribution, ridge)
        return Problem(
            "weighted",
            data,
            rep,
            check_rank(rank),
            ridge=ridge,
            inner=inner,
            distribution=distribution,
            objective=objective,
        )
    objective = posed.averaged(rep, output, ridge)
    return Problem(
        "augmented", data, rep, check_rank(rank), output=output, ridge=ridge, inner=inner, objective=objective
    )


def regularized(
    data: Moments | Samples,
    rep: Representation,
    *,
    rank: int,
    strength: float,
    output: Representation | None = None,
    ridge: float = 0.0,
    metric: npt.ArrayLike | None = None,
) -> Problem:
    """Min (1/n)‖WX - Y‖² + strength·‖W G‖² + ridge·‖W‖² over rank(W) <= rank.

    Duan & Montúfar, Eq. 7, Proposition 8, with a ridge and a metric as the module says. The penalty only shifts the
    input moment, S' = S + strength·G Gᵀ + ridge·1. It depends on the chosen generators.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data([[1.0, 0.0], [0.0, 1.0]], [[3.0, 0.0], [0.0, 1.0]])
    >>> p = lv.regularized(m, lv.groups.symmetric(2), rank=2, strength=1e12)
    >>> lv.solve(p).weights.round(6).tolist()
    [[1.5, 1.5], [0.5, 0.5]]
    """
    check_pose(data, rep, output)
    strength = _strength(strength)
    posed, ridge, inner = pose(data, ridge, metric, output)
    objective = posed.penalized(rep, strength, output, ridge)
    return Problem(
        "regularized", data, rep, check_rank(rank), strength, output, ridge=ridge, inner=inner, objective=objective
    )


def convolutional(data: Samples, rep: Representation, *, rank: int) -> Problem:
    """Min of the loss of f(x) = W_L φ(... W_2 (1/|G|) Σ_g φ(W_1 ρ(g) x)): a group-convolutional network.

    Duan & Montúfar, Eq. 62: the first hidden layer is averaged over the group, so that f is invariant whatever the
    weights. `rank` bounds the hidden widths as in the other problems.

    >>> import linvariance as lv
    >>> data = lv.Samples([[1.0, 0.0], [0.0, 2.0]], [1.0, 2.0])
    >>> t = lv.train(lv.convolutional(data, lv.groups.symmetric(2), rank=1), (2, 4, 1), activation="relu", epochs=5)
    >>> t.network.widths
    (2, 4, 1)
    """
    instance(data, Samples, "data", "call Samples(X, y); on Moments a linear invariant map is hard_wired")
    check_pose(data, rep, None)
    return Problem("convolutional", data, rep, check_rank(rank), objective=data.pooled(rep))


def methods(
    data: Moments | Samples,
    rep: Representation,
    *,
    rank: int,
    strengths: Sequence[float],
    output: Representation | None = None,
    ridge: float = 0.0,
    metric: npt.ArrayLike | None = None,
) -> dict[str, Problem]:
    """The four methods side by side, by name; regularized once for each strength, which is in its name.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data([[1.0, 0.0], [0.0, 1.0]], [3.0, 1.0])
    >>> list(methods(m, lv.groups.symmetric(2), rank=1, strengths=[0.1]))
    ['unconstrained', 'hard_wired', 'augmented', 'regularized, λ = 0.1']
    """
    check_pose(data, rep, output)
    found = [real(strength, f"strengths[{k}]") for k, strength in enumerate(listed(strengths, "strengths"))]
    how: dict[str, Any] = {"rank": rank, "ridge": ridge, "metric": metric}
    penalized = (regularized(data, rep, strength=strength, output=output, **how) for strength in found)
    return {
        "unconstrained": unconstrained(data, **how),
        "hard_wired": hard_wired(data, rep, output=output, **how),
        "augmented": augmented(data, rep, output=output, **how),
        **{title(problem): problem for problem in penalized},
    }


def title(problem: Problem) -> str:
    """Its method, and if that is `regularized` its strength."""
    return f"regularized, λ = {problem.strength!r}" if problem.method == "regularized" else problem.method


def refuse_without_moments(problem: Problem) -> None:
    """ValueError for problems whose loss on a network W_L ... W_1 is not a quadratic of second moments."""
    _ = problem.quadratic
    refuse_bound_layers(problem)


def refuse_bound_layers(problem: Problem) -> None:
    """ValueError for problems that layers with no constraint on them do not pose."""
    if problem.output is not None and problem.method != "augmented":
        raise ValueError(
            f"A {problem.method} problem with an output representation cannot be trained as a network of unconstrained "
            "layers: use solve, or the augmented problem."
        )


def _inputs(data: Moments | Samples) -> int:
    instance(data, (Moments, Samples), "data", "call Moments.from_data(X, Y) first, or Samples(X, y, loss)")
    return data.inputs


def check_pose(data: Moments | Samples, rep: Representation, output: Representation | None) -> None:
    """The gate of every problem with a group."""
    inputs = _inputs(data)
    instance(rep, Representation, "rep", "see linvariance.groups")
    if inputs != rep.dim:
        raise ValueError(f"X has {inputs} columns, but the group acts on {rep.dim}: {rep!r} does not fit these data.")

    if output is None:
        return
    check_output(rep, output)
    if data.outputs != output.dim:
        raise ValueError(f"Y has {data.outputs} columns, but output acts on {output.dim}: {output!r} does not fit.")


@overload
def pose(
    data: Moments, ridge: float, metric: npt.ArrayLike | None, output: Representation | None = None
) -> tuple[Moments, float, Metric | None]: ...
@overload
def pose(
    data: Moments | Samples, ridge: float, metric: npt.ArrayLike | None, output: Representation | None = None
) -> tuple[Moments | Samples, float, Metric | None]: ...
def pose(
    data: Moments | Samples, ridge: float, metric: npt.ArrayLike | None, output: Representation | None = None
) -> tuple[Moments | Samples, float, Metric | None]:
    """The gate of ridges and metrics, and the data as the metric sees them."""
    ridge = real(ridge, "ridge")
    if ridge > LARGEST_RIDGE:
        raise ValueError(f"ridge {ridge:g} overflows in S + ridge·1: pass at most {LARGEST_RIDGE:g}, where W is 0 too.")
    if metric is None:
        return data, ridge, None
    inner = metric_of(metric, data.outputs, output)
    return data.in_metric(inner), ridge, inner


def _check_distribution(distribution: Distribution, rep: Representation, output: Representation | None) -> None:
    instance(distribution, Distribution, "distribution", "see linvariance.groups.weighted")
    if distribution.representation != rep:
        raise ValueError(f"distribution {distribution!r} is not one on the group of rep, {rep!r}.")
    if output is not None:
        raise ValueError(
            "distribution and output do not go together: how its elements act on the targets is not known. Augment "
            "inputs and targets by the full group, or leave out one of the two."
        )


def check_rank(rank: int) -> int:
    """The gate of rank bounds."""
    return integer(rank, "rank", maximum=2**31)


def _strength(strength: float) -> float:
    if isinstance(strength, (int, float)) and strength == float("inf"):
        raise ValueError("strength must be finite, but is inf: its limit is the problem that hard_wired poses.")
    return real(strength, "strength")
