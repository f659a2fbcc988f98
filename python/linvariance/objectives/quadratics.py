"""The squared loss of each method as a quadratic in V (dL, dim): tr(V S' Vᵀ) - 2 tr(V C'ᵀ) + c.

The three methods are three maps on second moments: restriction to invariant inputs, average over the group, penalty.
A ridge, ridge·‖V‖², is a fourth that goes with each: S' + ridge·1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg
from scipy.sparse.linalg import LinearOperator, cg

from .. import _core
from ..arrays import Array, dense, frozen
from ..groups import Representation
from ..groups.adapted import AdaptedCoordinates, adapted
from .spectra import Rows, Whitened, penalized_spectrum, whiten

Block = tuple[Array, Array | None]  # A_b (k, dim) and T_b (k, dL), None for zero targets


class Quadratic:
    """A sum of squares Σ_b ‖A_b Vᵀ - T_b‖² + floor, its moments and its whitened form.

    Attributes:
        cross: C' (dL, dim).
        blocks: the A_b, T_b. Losses are summed from residuals: the error of the trace formula would grow with
            ‖S'‖‖V‖² instead of with the loss.
        floor: what no V can lower.
        whitened: see `Whitened`; made when asked for.
    """

    def __init__(
        self,
        moment: Array | None,  # None: Σ_b A_bᵀ A_b, formed when asked for
        cross: Array,
        blocks: tuple[Block, ...],
        floor: float,
        whiten: Callable[[], Whitened],
        coordinates: AdaptedCoordinates | None = None,  # in which the moment is block-diagonal
    ) -> None:
        self.cross, self.blocks, self.floor = frozen(cross), blocks, floor
        self._moment, self._whiten, self._coordinates = moment, whiten, coordinates
        self._cores: dict[tuple[str, bool], Any] = {}

    @property
    def outputs(self) -> int:
        """Rows of V."""
        return len(self.cross)

    @property
    def dim(self) -> int:
        """Columns of V."""
        return self.cross.shape[1]

    @cached_property
    def moment(self) -> Array:
        """S' (dim, dim)."""
        if self._moment is not None:
            return frozen(self._moment)
        return frozen(np.asarray(sum(dense(A.T @ A) for A, _ in self.blocks)))

    @property
    def constant(self) -> float:
        """The loss of V = 0, the scale of all losses."""
        return self.loss(np.zeros((self.outputs, self.dim)))

    def core(self, dtype: npt.DTypeLike = np.float64, *, diagonal: bool = False) -> Any:
        """S' and C' as the C++ core takes them, made at the first call and kept.

        S' in blocks where the group's orbits give coordinates for it, or diagonal in its eigenbasis.
        """
        key = np.dtype(dtype).char, diagonal
        if key not in self._cores:
            make: Any = _core.SecondMoments32 if key[0] == "f" else _core.SecondMoments
            self._cores[key] = make(*self._moment_as(diagonal), self.cross)
        return self._cores[key]

    def _moment_as(self, diagonal: bool) -> tuple[Any, ...]:
        S = self.moment
        if diagonal:
            return self.eigenbasis
        if self._coordinates is None:
            return (S,)
        order = self._coordinates.order
        blocks = self._coordinates.blocks(S[np.ix_(order, order)])
        ranges = self._coordinates.ranges
        segments = [(len(segment.orbits), segment.basis) for segment in self._coordinates.segments]
        return order.tolist(), segments, list(zip(ranges, blocks, strict=True))

    @cached_property
    def eigenbasis(self) -> tuple[Array, Array]:
        """U (dim, dim) and λ (dim,) with S' = U diag(λ) Uᵀ; inputs that are always zero are turned into themselves."""
        S, values, vectors = self.moment, np.zeros(self.dim), np.eye(self.dim)
        seen = S.any(axis=0)
        if seen.any():
            values[seen], vectors[np.ix_(seen, seen)] = scipy.linalg.eigh(S[np.ix_(seen, seen)], check_finite=False)
        return frozen(vectors), frozen(values)

    @cached_property
    def whitened(self) -> Whitened:
        """The loss as ‖Z - W̃‖² + floor."""
        return self._whiten()

    @cached_property
    def rows(self) -> Rows:
        """One root A of S' with its targets, at most `dim` rows."""
        A = np.vstack([dense(A) for A, _ in self.blocks])
        T = np.vstack([np.zeros((A.shape[0], len(self.cross))) if T is None else T for A, T in self.blocks])
        return Rows(A, T, self.floor).reduced()

    def loss(self, V: Array) -> float:
        """Σ_b ‖A_b Vᵀ - T_b‖² + floor."""
        return float(sum(np.square(r).sum() for r in self._residuals(V))) + self.floor

    def gradient(self, V: Array) -> Array:
        """2 (V S' - C'), of the shape of V."""
        return np.asarray(self.core().gradient([V])[0])

    def loss_at(self, layers: Sequence[Array]) -> float:
        """The loss of V = W_L ... W_1, as a sum of squares."""
        rows = self.rows
        return _core.network_loss(layers, rows.A, rows.T, rows.floor)

    def gradient_at(self, layers: Sequence[Array]) -> list[Array]:
        """[G_1, ..., G_L], the gradient of that in all layers."""
        return list(self.core().gradient(layers))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_cores", "eigenbasis")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _cores={})  # what is derived is made again

    def _residuals(self, V: Array) -> list[Array]:
        return [A @ V.T if T is None else A @ V.T - T for A, T in self.blocks]


def plain(rows: Rows) -> Quadratic:
    """The loss itself."""
    return Quadratic(None, rows.T.T @ rows.A, ((rows.A, rows.T),), rows.floor, partial(whiten, rows))


def ridged(quadratic: Quadratic, ridge: float) -> Quadratic:
    """Any of them plus ridge·‖V‖²."""
    return plain(quadratic.rows.ridged(ridge)) if ridge else quadratic


def restricted(rows: Rows, rep: Representation, ridge: float = 0.0) -> Quadratic:
    """V acts on B x: S' = B S Bᵀ, C' = C Bᵀ   (Duan & Montúfar, Theorem 6); ‖V B‖ = ‖V‖."""
    B = rep.invariant_basis()
    return plain(Rows(rows.A @ B.T, rows.T, rows.floor, rows.rounding).reduced().ridged(ridge))


def averaged(rows: Rows, rep: Representation, ridge: float = 0.0) -> Quadratic:
    """S' = S̄, C' = C Πᵀ   (Duan & Montúfar, Proposition 11).

    The loss is ‖A Πᵀ Vᵀ - T‖² + tr(V (S̄ - Π S Πᵀ) Vᵀ). Optimal loss and singular values are those of the restricted
    problem (Theorem 12): never from S̄, whose condition is squared. So is the optimum, of least norm if ρ is orthogonal.
    The ridge is not averaged, and if ρ is not orthogonal no invariant W is optimal under it: then from S̄ after all.
    """
    if ridge and not rep.is_orthogonal:
        return ridged(averaged(rows, rep), ridge)
    rep.refuse_dense("the average of XᵀX/n")
    project = rep.project if rep.is_orthogonal else _transposed(rep)
    fit = project(rows.A)
    # In a unit of their own, by a power of two: squares of data below 1e-154 would vanish.
    exponent = math.frexp(float(np.abs(rows.A).max(initial=0.0)))[1]
    A, invariant_fit = np.ldexp(rows.A, -exponent), np.ldexp(fit, -exponent)
    S = rep.average_moment(A.T @ A)
    # A root of what varies along the orbits. Its small eigenvalues are rounded, which a loss does not mind.
    values, vectors = scipy.linalg.eigh(S if rep.is_orthogonal else S - invariant_fit.T @ invariant_fit)
    root = np.ldexp(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T, exponent)
    varying = root - rep.project(root) if rep.is_orthogonal else root
    invariant, S = restricted(rows, rep, ridge), np.ldexp(S, 2 * exponent)
    blocks: tuple[Block, ...] = ((fit, rows.T), (varying, None))
    if ridge:
        S, blocks = S + ridge * np.eye(rep.dim), (*blocks, (math.sqrt(ridge) * np.eye(rep.dim), None))
    return Quadratic(
        S,
        project(rows.T.T @ rows.A),
        blocks,
        rows.floor,
        partial(_lifted, invariant, rep),
        adapted(rep),
    )


def penalized(rows: Rows, rep: Representation, strength: float, ridge: float = 0.0) -> Quadratic:
    """S' = S + strength·G Gᵀ, C' = C   (Duan & Montúfar, Proposition 8)."""
    base = plain(rows.ridged(ridge))
    if strength == 0:
        return base
    penalty = rep.penalty_matrix()
    if not np.isfinite(strength * float(penalty.max()) + float(base.moment.max())):
        raise ValueError(f"strength {strength:g} overflows in strength·G Gᵀ: its limit is what hard_wired poses.")
    return Quadratic(
        base.moment + strength * penalty,
        base.cross,
        (*base.blocks, (np.sqrt(strength) * rep.defect.T, None)),
        base.floor,
        partial(_penalized, rows, rep, strength, ridge),
    )


class EquivariancePenalty(Quadratic):
    """The loss plus strength·Σ_m ‖W ρ(g_m) - ρ_Y(g_m) W‖², over the generators; of a Lie algebra, ‖W A - A_Y W‖².

    Not of the form tr(W S' Wᵀ): there is no whitened target, and with a rank bound no closed form.
    """

    def __init__(self, rows: Rows, rep: Representation, output: Representation, strength: float) -> None:
        base = plain(rows)
        super().__init__(None, base.cross, base.blocks, base.floor, self._refuse)
        pairs = [*zip(rep.algebra, output.algebra, strict=True), *zip(rep.matrices(), output.matrices(), strict=True)]
        self.strength, self._pairs = strength, pairs

    def loss(self, V: Array) -> float:
        """The loss with its penalty."""
        return super().loss(V) + self.strength * sum(float(np.square(V @ a - b @ V).sum()) for a, b in self._pairs)

    def gradient(self, V: Array) -> Array:
        """Its gradient (dL, d0)."""
        return super().gradient(V) + 2 * self.strength * self._pull(V)

    def unbounded_minimum(self) -> Array:
        """The minimizer without a rank bound, of least norm: W S + strength·(penalty)W = C by conjugate gradients."""
        shape = self.cross.shape

        def apply(w: Array) -> Array:
            W = w.reshape(shape)
            return (W @ self.moment + self.strength * self._pull(W)).ravel()

        size = shape[0] * shape[1]
        operator = LinearOperator((size, size), matvec=apply, dtype=np.float64)
        w, failure = cg(operator, self.cross.ravel(), rtol=1e-14, maxiter=20 * size)
        if failure:
            residual = np.linalg.norm(apply(w) - self.cross.ravel()) / np.linalg.norm(self.cross)
            if residual > 1e-8:
                raise ValueError(
                    f"The regularized equivariant optimum did not converge (relative residual {residual:.1e}): the "
                    "moment S + strength·penalty is too ill-conditioned. Raise strength or scale the inputs."
                )
        return np.asarray(w).reshape(shape)

    def _pull(self, V: Array) -> Array:
        total = np.zeros_like(V)
        for a, b in self._pairs:
            rest = V @ a - b @ V
            total += rest @ a.T - b.T @ rest
        return total

    def _refuse(self) -> Whitened:
        raise ValueError("A regularized equivariant problem has no whitened target: its penalty mixes both sides of W.")


def _lifted(invariant: Quadratic, rep: Representation) -> Whitened:
    return invariant.whitened.lifted(rep.invariant_basis())


def _penalized(rows: Rows, rep: Representation, strength: float, ridge: float) -> Whitened:
    return penalized_spectrum(rows, rep.invariant_basis(), rep.penalty_frame, ridge).at(strength)


def _transposed(rep: Representation) -> Callable[[Array], Array]:
    """A -> A Πᵀ."""
    Pi = rep.project(np.eye(rep.dim))
    return lambda A: A @ Pi.T
