"""The nuclear norm in place of a rank bound: min loss + strength·‖V‖_*, convex, with a certificate.

In the whitened metric, ‖V A‖_* with S' = AᵀA, it lowers the σ(Z) that a rank bound keeps or cuts. ‖V‖_* itself does so
where S' is a multiple of a projector. Elsewhere

    ‖V‖_* = min over M ≻ 0 of ½ tr(Vᵀ M⁻¹ V) + ½ tr M,

and for given M the best V is known: with μ the strength, s_i the singular values of A and z_i the columns of Z, its
columns are M h_i, h_i = s_i (s_i² M + μ/2)⁻¹ z_i. What remains is smooth in L, M = L Lᵀ, has as many unknowns as Z has
outputs squared, no minima but global ones, and the condition of A is no matter: a proximal gradient method would take
a number of steps that grows with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import lapack
from scipy.sparse.linalg import LinearOperator, minres

from ..arrays import Array, instance, real
from ..objectives.spectra import Whitened, decide_rank, svd, tolerance, whiten
from ..plots import explain, opened, spectrum
from ..problems import Problem
from ..tables import Columns, Tabular
from .optimum import finite, lifted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENOUGH = 1e-14  # of σ_1(Z)²: a duality gap below it is rounding
ROUNDS, STEPS = 4, 6  # of descent, and of Newton's method after each


@dataclass(frozen=True, eq=False)
class NuclearSolution(Tabular):
    """Minimum of loss + strength·norm over all V, whatever their rank.

    Attributes:
        weights: W (dL, d0) = lift(V).
        loss: that of V, without strength·norm.
        norm: ‖V‖_*, or ‖V A‖_* of `whitened_nuclear_norm`.
        strength: as given.
        vanishing: the strength from which on V = 0 is optimal.
        singular_values: those of V (or V A) that are not zero, descending.
        duality_gap: loss + strength·norm exceeds the minimum by no more than this, but for rounding of eps times the
            loss of V = 0; a dual feasible point proves it. About eps times that loss times σ_1/σ_rank of V.
        closed_form: whether by thresholding σ(Z).
    """

    weights: Array = field(repr=False)
    loss: float
    norm: float
    strength: float
    vanishing: float
    singular_values: Array = field(repr=False)
    duality_gap: float
    closed_form: bool

    @property
    def rank(self) -> int:
        """Of the weights."""
        return len(self.singular_values)

    @property
    def objective(self) -> float:
        """What is minimal: loss + strength·norm."""
        return self.loss + self.strength * self.norm

    def plot(self, ax: Axes | None = None) -> Axes:
        """The singular values; draws into `ax` if given, where other spectra may be, and returns it.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data(2 * np.eye(3), 2 * np.diag([4.0, 2.0, 1.0]))
        >>> p = lv.unconstrained(m, rank=1)
        >>> axes = lv.nuclear_norm(p, 1.0).plot()
        >>> [text.get_text() for text in lv.nuclear_norm(p, 3.0).plot(axes).get_legend().get_texts()]
        ['strength 1: rank 3', 'strength 3: rank 2']
        """
        axes = opened(ax)
        spectrum(axes, self.singular_values, f"strength {self.strength:.4g}: rank {self.rank}")
        explain(axes, "index i", "singular value that is not zero")
        return axes

    def _columns(self) -> Columns:
        return {"index": np.arange(1, self.rank + 1), "singular_value": self.singular_values}


def nuclear_norm(problem: Problem, strength: float) -> NuclearSolution:
    """Min p.loss(V) + strength·‖V‖_* over all V (dL, p.dim), with a certificate.

    The problem's own rank bound plays no part. For hard-wired problems ‖V‖_* = ‖W‖_*; under a metric V = K W, as in a
    ridge. V lies on the support of S', as projecting on it raises no singular value; there the minimizer is unique.
    For orthogonal ρ that of the augmented problem is invariant (equivariant), and that of the hard-wired one: a
    strength cuts no multiplet. `solve` is the sibling under a rank bound.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(2 * np.eye(4), 2 * np.diag([4.0, 2.0, 1.0, 0.0]))  # S = 1, C = diag(4, 2, 1, 0)
    >>> s = lv.nuclear_norm(lv.unconstrained(m, rank=1), 3.0)
    >>> s.singular_values.round(12).tolist(), round(s.loss, 12), round(s.vanishing, 12)
    ([2.5, 0.5], 5.5, 8.0)

    With inputs of unequal variances only the certificate tells:

    >>> m = lv.Moments.from_data(np.diag([3.0, 2.0, 1.0]), np.ones((3, 3)) + np.eye(3))
    >>> s = lv.nuclear_norm(lv.unconstrained(m, rank=1), 1.0)
    >>> s.rank, s.closed_form, s.duality_gap < 1e-12
    (2, False, True)
    """
    whitened, strength = _whole(problem), real(strength, "strength")
    finite(whitened.back, problem.data)
    standard = _Standard.of(whitened)
    mu = min(strength / standard.top / standard.steepest, 2 * standard.vanishing)  # beyond it all is 0
    v, closed_form = _minimum(standard, mu)
    U, sigma, _ = svd(v)
    rank = decide_rank(sigma, v.shape)
    U, sigma = U[:, :rank], sigma[:rank]
    if rank < len(v):  # not from its right vectors: columns of v may differ in scale by the condition of A
        v = U @ (U.T @ v)
    unit = standard.top / standard.steepest
    return NuclearSolution(
        weights=lifted(standard.left @ v @ standard.right * unit, problem),
        loss=standard.floor + standard.top**2 * float(np.square(standard.residual(v)).sum()),
        norm=unit * float(sigma.sum()),
        strength=strength,
        vanishing=standard.vanishing * standard.top * standard.steepest,
        singular_values=unit * sigma,
        duality_gap=standard.top**2 * max(0.0, standard.gap(v, mu)),
        closed_form=closed_form,
    )


def whitened_nuclear_norm(problem: Problem, strength: float) -> NuclearSolution:
    """Min p.loss(V) + strength·‖V A‖_* over all V, S' = AᵀA: every σ(Z) lowered by strength/2, down to 0.

    A rank bound keeps the largest σ(Z) as they are. ‖V A‖_* = ‖W X‖_*/√n where S' is that of the data.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.diag([3.0, 2.0, 1.0]), np.diag([3.0, 2.0, 1.0]))
    >>> p = lv.unconstrained(m, rank=1)
    >>> s = lv.whitened_nuclear_norm(p, 2 / np.sqrt(3))
    >>> (np.sqrt(3) * abs(p.target.diagonal())).round(12).tolist(), (np.sqrt(3) * s.singular_values).round(12).tolist()
    ([3.0, 2.0, 1.0], [2.0, 1.0])
    """
    instance(problem, Problem, "problem", "pose one with hard_wired, augmented, regularized or unconstrained")
    strength, whitened = real(strength, "strength"), problem.quadratic.whitened
    U, sigma, Vt = svd(whitened.target)
    kept = np.maximum(sigma - max(strength / 2, whitened.noise), 0.0) > 0
    lowered = np.where(kept, sigma - strength / 2, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        weights = (U * lowered) @ Vt @ whitened.back
    return NuclearSolution(
        weights=lifted(weights, problem),
        loss=whitened.floor + float(np.square(sigma - lowered).sum()),
        norm=float(lowered.sum()),
        strength=strength,
        vanishing=2 * float(sigma.max(initial=0.0)),
        singular_values=lowered[kept],
        duality_gap=0.0,
        closed_form=True,
    )


def _whole(problem: Problem) -> Whitened:
    """The loss of all V whitened, not only of those that `solve` need look at."""
    instance(problem, Problem, "problem", "pose one with hard_wired, augmented, regularized or unconstrained")
    if problem.representation.is_orthogonal:
        return problem.quadratic.whole
    if problem.method == "hard_wired" and problem.output is not None:
        raise ValueError(
            f"{problem.representation!r} is not orthogonal: averaging W may raise ‖W‖_*, so that its minimum over "
            "equivariant W is not that of the augmented problem. Use whitened_nuclear_norm."
        )
    if problem.method == "augmented" and problem.output is None and problem.ridge == 0:
        rows = problem.quadratic.rows  # not Z: the optimum need not be invariant. They are a root of a rounded S̄.
        return whiten(replace(rows, noise=float(np.sqrt(tolerance(rows.A.shape, 1.0)) * np.linalg.norm(rows.A, 2))))
    return problem.quadratic.whole


@dataclass(frozen=True, eq=False)
class _Standard:
    """‖z - v diag(s)‖² + (strength/top/steepest)·‖v‖_* in units of top²: σ_1(z) = max s = 1, z of full row rank."""

    z: Array  # (q, k)
    s: Array  # (k,)
    left: Array  # (dL, q), orthonormal columns
    right: Array  # (k, dim), orthonormal rows
    top: float
    steepest: float
    floor: float  # in units of its own

    @staticmethod
    def of(whitened: Whitened) -> _Standard:
        P, s, Q = _graded(whitened.back)
        U, sigma, Vt = svd(whitened.target)
        q = decide_rank(sigma, whitened.shape, whitened.noise)
        top, steepest = (float(sigma[0]), float(s[0])) if q else (1.0, 1.0)
        z = (sigma[:q, None] / top * Vt[:q]) @ P
        floor = whitened.floor + float(np.square(sigma[q:]).sum())
        return _Standard(z, s / steepest, U[:, :q], Q.T, top, steepest, floor)

    def residual(self, v: Array) -> Array:
        return self.z - v * self.s

    @property
    def vanishing(self) -> float:
        """Twice ‖C'‖: the slope at v = 0."""
        return 2 * _largest(self.z * self.s)

    def gap(self, v: Array, mu: float) -> float:
        """Primal minus dual objective at the residual R, shrunk to be feasible: ‖2 R diag(s)‖ <= μ.

        (1 - t)²‖R‖² + (μ‖v‖_* - t·tr(2 R diag(s) vᵀ)), both of them >= 0: nothing cancels but at rounding.
        """
        R = self.residual(v)
        slope = 2 * R * self.s
        steepest = _largest(slope)
        t = mu / steepest if steepest > mu else 1.0
        return float((1 - t) ** 2 * np.square(R).sum() + mu * svd(v)[1].sum() - t * (slope * v).sum())


def _minimum(standard: _Standard, mu: float) -> tuple[Array, bool]:
    """(v, whether in closed form)"""
    z, s = standard.z, standard.s
    if mu >= standard.vanishing:
        return np.zeros_like(z), True
    if mu == 0:
        return z / s, True
    if s.min() >= 1 - 64 * tolerance(z.shape, 1.0):
        U, sigma, Vt = svd(z)
        return (U * np.maximum(sigma - mu / 2, 0.0)) @ Vt, True
    return _by_descent(standard, mu), False


def _by_descent(standard: _Standard, mu: float) -> Array:
    """L-BFGS in L as far as values of the objective tell, then Newton's method on its gradient."""
    from scipy.optimize import minimize  # here: it takes a third of the time that importing the package may take

    q = len(standard.z)

    def profile(x: Array) -> tuple[float, Array]:
        state = _State(standard, mu, x.reshape(q, q))
        return state.value, state.gradient.ravel()

    U, sigma, _ = svd(_State(standard, mu, np.eye(q)).v)
    best = _State(standard, mu, U * np.sqrt(sigma))
    options = {"maxiter": 3000, "maxfun": 6000, "maxcor": 30, "ftol": 1e-15, "gtol": 1e-15}
    for _ in range(ROUNDS):
        x = minimize(profile, best.L.ravel(), jac=True, method="L-BFGS-B", options=options).x
        start, found = best.gap, _newton(_State(standard, mu, x.reshape(q, q)))
        best = min((best, *found), key=lambda state: (max(state.gap, ENOUGH), state.slope))
        if best.gap <= ENOUGH or best.gap > 0.5 * start:
            break
    return best.v


def _newton(state: _State) -> list[_State]:
    states = [state]
    for _ in range(STEPS):
        states.append(states[-1].stepped())
        if not states[-1].slope < 0.5 * states[-2].slope:
            break
    return states


class _State:
    """A point M = L Lᵀ, seen from its eigenvectors U: K = m s² + μ/2, H = s z/K, v = M H.

    Attributes:
        value: min over v of ‖z - v diag(s)‖²/μ + ½ tr(vᵀ M⁻¹ v) + ½ tr M.
    """

    def __init__(self, standard: _Standard, mu: float, L: Array) -> None:
        self.standard, self.mu, self.L = standard, mu, L
        U, lengths, _ = svd(L)
        self._U, self._m = U, np.square(lengths)[:, None]
        z = U.T @ standard.z
        self._K = self._m * np.square(standard.s) + mu / 2
        self._H = standard.s * z / self._K
        self._Lt = U.T @ L
        self._gradient = self._Lt - self._H @ (self._H.T @ self._Lt)
        self.value = 0.5 * float((z * z / self._K).sum() + np.square(L).sum())

    @property
    def gradient(self) -> Array:
        """Of the value in L: L - H Hᵀ L."""
        return self._U @ self._gradient

    @property
    def slope(self) -> float:
        """The size of the gradient."""
        return float(np.linalg.norm(self._gradient))

    @cached_property
    def v(self) -> Array:
        """The best v for this M."""
        return self._U @ (self._m * self._H)

    @cached_property
    def gap(self) -> float:
        """Of v."""
        return self.standard.gap(self.v, self.mu)

    def stepped(self) -> _State:
        """One step of Newton's method, from L = U diag(l) and across the orbit L O of orthogonal O.

        M is the same along the orbit and the Hessian vanishes: rounding alone would set the length of the step.
        """
        lengths, H, K = np.sqrt(self._m), self._H, self._K
        L, weighted = np.diag(lengths[:, 0]), self._H * np.square(self.standard.s)
        sizes = self._m + self._m.T
        sizes[sizes == 0] = 1.0

        def across(D: Array) -> Array:
            along = lengths * D
            return D - lengths * ((along - along.T) / sizes)

        def hessian(x: Array) -> Array:
            D = across(x.reshape(L.shape))
            turn = D * lengths.T
            dH = -((turn + turn.T) @ weighted) / K
            return across(D - H @ (H.T @ D) - dH @ (H.T @ L) - H @ (dH.T @ L)).ravel()

        operator = LinearOperator((L.size, L.size), matvec=hessian, dtype=np.float64)
        step, _ = minres(operator, -across(L - H @ (H.T @ L)).ravel(), rtol=1e-10, maxiter=300)
        return _State(self.standard, self.mu, self._U @ (L + step.reshape(L.shape)))


def _graded(E: Array) -> tuple[Array, Array, Array]:
    """E (k, dim) = P diag(1/s) Qᵀ, s descending: all s to full relative accuracy if only the scale of rows spreads.

    One-sided Jacobi. A bidiagonalization would round the largest s, which the loss feels most, by eps·condition.
    """
    if 0 in E.shape:
        return np.eye(len(E)), np.zeros(0), np.zeros((E.shape[1], 0))
    values, Q, P, work, _, info = lapack.dgejsv(E.T, joba=0, jobu=0, jobv=0)
    assert info == 0
    s = work[1] / work[0] / values[::-1]
    return P[:, ::-1], s, Q[:, ::-1]


def _largest(matrix: Array) -> float:
    """‖matrix‖_2"""
    return float(svd(matrix)[1].max(initial=0.0))
