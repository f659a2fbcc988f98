"""The squared loss of each method as a quadratic in V (dL, dim): tr(V S' Vᵀ) - 2 tr(V C'ᵀ) + c.

The three methods are three maps on second moments: restriction to invariant inputs, average over the group, penalty.
A ridge, ridge·‖V‖², is a fourth that goes with each: S' + ridge·1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property, partial, reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse
from scipy.sparse.linalg import LinearOperator, cg

from .. import _core
from ..arrays import MEMORY_LIMIT, Array, by_rows, dense, frozen, matmul, refuse_large
from ..groups import Representation
from ..groups.adapted import AdaptedCoordinates, adapted
from .factored import Factored
from .spectra import PenalizedSpectrum, Rows, Whitened, penalized_few, penalized_spectrum, whiten

Block = tuple[Any, Array | None]  # A_b (k, dim), sparse or not, and T_b (k, dL), None for zero targets
LARGEST_SHIFT = 1e300  # ridge/strength: beyond it is no penalty
SMALL = 256  # columns: the whole frame of a penalty costs nothing, and the condition is that of all of S'
Form = tuple[Array | None, tuple[Block, ...]]  # S', or None for Σ_b A_bᵀ A_b, and the blocks


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
        cross: Array,
        form: Form | Callable[[], Form],  # made when asked for
        floor: float,
        whiten: Callable[[], Whitened],
        coordinates: AdaptedCoordinates | None = None,  # in which the moment is block-diagonal
        whole: Callable[[], Whitened] | None = None,
    ) -> None:
        self.cross, self._made, self.floor = frozen(cross), form, floor
        self._whiten, self._coordinates, self._whole = whiten, coordinates, whole
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
    def _form(self) -> Form:
        return self._made() if callable(self._made) else self._made

    @property
    def blocks(self) -> tuple[Block, ...]:
        """See above."""
        return self._form[1]

    @cached_property
    def moment(self) -> Array:
        """S' (dim, dim)."""
        if self._form[0] is not None:
            return frozen(self._form[0])
        refuse_large(8 * self.dim**2, f"The input moment, {self.dim} x {self.dim},", "use what goes through its factor")
        return frozen(np.asarray(sum(dense(A.T @ A) for A, _ in self.blocks)))

    @cached_property
    def factor(self) -> Factored | None:
        """S' as its factors; None unless these are wide."""
        if self._form[0] is not None:
            return None
        fit, sparse = self._split()
        return Factored(fit.A, sparse) if fit.is_wide else None

    @property
    def input_moment(self) -> Array | Factored:
        """S' for products W S', its diagonal and its square."""
        return self.moment if self.factor is None else self.factor

    @cached_property
    def size(self) -> float:
        """‖S'‖, or of wide data under a penalty a bound on it."""
        if self.factor is None:
            return float(np.linalg.norm(self.moment, 2)) if self.dim else 0.0
        return self.factor.size

    @property
    def constant(self) -> float:
        """The loss of V = 0, the scale of all losses."""
        return float(sum(np.square(T).sum() for _, T in self.blocks if T is not None)) + self.floor

    def core(self, dtype: npt.DTypeLike = np.float64, *, diagonal: bool = False) -> Any:
        """S' and C' as the C++ core takes them, made at the first call and kept.

        S' as its factor where that is wide, else in blocks where the group's orbits give coordinates for it, or, if so
        wanted, diagonal in its eigenbasis.
        """
        diagonal = diagonal and self.factor is None
        key = np.dtype(dtype).char, diagonal
        if key not in self._cores:
            make: Any = _core.SecondMoments32 if key[0] == "f" else _core.SecondMoments
            self._cores[key] = make(*self._moment_as(diagonal), self.cross)
        return self._cores[key]

    def _moment_as(self, diagonal: bool) -> tuple[Any, ...]:
        if self.factor is not None:
            return self.factor.R, by_rows(self.factor.F)
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
    def whole(self) -> Whitened:
        """The same with all rows E: in `whitened` those are missing which its minimum cannot need."""
        return self.whitened if self._whole is None else self._whole()

    @cached_property
    def rows(self) -> Rows:
        """One root A of S' with its targets, at most `dim` rows."""
        fit, sparse = self._split()
        if not sparse.shape[0]:
            return fit.reduced()
        refuse_large(8 * self.dim * sum(sparse.shape), f"A root of the input moment of {self.dim} columns", "use solve")
        A, T = np.vstack([fit.A, sparse.toarray()]), np.vstack([fit.T, np.zeros((sparse.shape[0], self.outputs))])
        return Rows(A, T, self.floor).reduced()

    @cached_property
    def fitted(self) -> Rows:
        """The same, but of wide data as they are and without F, whose squares ‖V Fᵀ‖² are then missing in the loss."""
        return self.rows if self.factor is None else self._split()[0]

    def _split(self) -> tuple[Rows, scipy.sparse.csr_array]:
        """The dense blocks, and the sparse ones, which have no targets."""
        full = [(A, T) for A, T in self.blocks if not scipy.sparse.issparse(A)]
        A = full[0][0] if len(full) == 1 else np.vstack([np.zeros((0, self.dim)), *(A for A, _ in full)])
        T = [np.zeros((len(A), self.outputs)) if T is None else T for A, T in full]
        sparse = [A for A, _ in self.blocks if scipy.sparse.issparse(A)]
        none = scipy.sparse.csr_array((0, self.dim))
        F = scipy.sparse.csr_array(scipy.sparse.vstack([none, *sparse])) if sparse else none
        return Rows(A, np.vstack([np.zeros((0, self.outputs)), *T]), self.floor), F

    def loss(self, V: Array) -> float:
        """Σ_b ‖A_b Vᵀ - T_b‖² + floor."""
        return float(sum(np.square(r).sum() for r in self._residuals(V))) + self.floor

    def gradient(self, V: Array) -> Array:
        """2 (V S' - C'), of the shape of V."""
        return np.asarray(self.core().gradient([V])[0])

    def loss_at(self, layers: Sequence[Array]) -> float:
        """The loss of V = W_L ... W_1, as a sum of squares."""
        rows, rest = self.fitted, 0.0
        if self.factor is not None and self.factor.F.nnz:
            rest = float(np.square(reduce(lambda M, W: W @ M, layers[1:], matmul(layers[0], self.factor.F.T))).sum())
        return _core.network_loss(layers, rows.A, rows.T, rows.floor) + rest

    def gradient_at(self, layers: Sequence[Array]) -> list[Array]:
        """[G_1, ..., G_L], the gradient of that in all layers."""
        return list(self.core().gradient(layers))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_cores", "eigenbasis")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _cores={})  # what is derived is made again

    def _residuals(self, V: Array) -> list[Array]:
        return [A @ V.T if T is None else A @ V.T - T for A, T in self.blocks]


def plain(rows: Rows, ridge: float = 0.0) -> Quadratic:
    """The loss itself, plus ridge·‖V‖²."""
    if ridge and not rows.is_wide:
        return plain(rows.ridged(ridge))
    blocks = ((rows.A, rows.T), *_scaled_identity(ridge, rows.A.shape[1]))
    return Quadratic(rows.T.T @ rows.A, (None, blocks), rows.floor, partial(whiten, rows, ridge))


def _scaled_identity(ridge: float, dim: int) -> tuple[Block, ...]:
    """The block of ridge·‖V‖², if any."""
    return ((math.sqrt(ridge) * scipy.sparse.eye_array(dim, format="csr"), None),) if ridge else ()


def ridged(quadratic: Quadratic, ridge: float) -> Quadratic:
    """Any of them plus ridge·‖V‖²."""
    return plain(quadratic.rows, ridge) if ridge else quadratic


def restricted(rows: Rows, rep: Representation, ridge: float = 0.0) -> Quadratic:
    """V acts on B x: S' = B S Bᵀ, C' = C Bᵀ   (Duan & Montúfar, Theorem 6); ‖V B‖ = ‖V‖."""
    return plain(Rows(matmul(rows.A, rep.invariants.T), rows.T, rows.floor, rows.rounding).reduced(), ridge)


def averaged(rows: Rows, rep: Representation, ridge: float = 0.0) -> Quadratic:
    """S' = S̄, C' = C Πᵀ   (Duan & Montúfar, Proposition 11).

    The loss is ‖A Πᵀ Vᵀ - T‖² + tr(V (S̄ - Π S Πᵀ) Vᵀ). Optimal loss and singular values are those of the restricted
    problem (Theorem 12): never from S̄, whose condition is squared. So is the optimum, of least norm if ρ is orthogonal.
    The ridge is not averaged, and if ρ is not orthogonal no invariant W is optimal under it: then from S̄ after all.
    """
    if ridge and not rep.is_orthogonal:
        return ridged(averaged(rows, rep), ridge)
    return Quadratic(
        _projected(rows.T.T @ rows.A, rep),
        partial(_average, rows, rep, ridge),
        rows.floor,
        partial(_lifted, restricted(rows, rep, ridge), rep),
        adapted(rep),
    )


def _average(rows: Rows, rep: Representation, ridge: float) -> Form:
    if (moved := _moved(rows, rep)) is not None:
        return None, (moved, *_scaled_identity(ridge, rep.dim))
    size = f"(as a factor, {len(rows.A)} rows for each element of the group)"
    rep.refuse_dense(f"the average of XᵀX/n {size}")
    fit = _projected(rows.A, rep)
    # In a unit of their own, by a power of two: squares of data below 1e-154 would vanish.
    exponent = math.frexp(float(np.abs(rows.A).max(initial=0.0)))[1]
    A, invariant_fit = np.ldexp(rows.A, -exponent), np.ldexp(fit, -exponent)
    S = rep.average_moment(A.T @ A)
    # A root of what varies along the orbits. Its small eigenvalues are rounded, which a loss does not mind.
    values, vectors = scipy.linalg.eigh(S if rep.is_orthogonal else S - invariant_fit.T @ invariant_fit)
    root = np.ldexp(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T, exponent)
    varying = root - rep.project(root) if rep.is_orthogonal else root
    S = np.ldexp(S, 2 * exponent)
    if ridge:
        S = S + ridge * np.eye(rep.dim)
    return S, ((fit, rows.T), (varying, None), *_scaled_identity(ridge, rep.dim))


def _moved(rows: Rows, rep: Representation) -> Block | None:
    """The rows under all elements of a group that permutes coordinates, if these are so few that they are wide."""
    (k, dim), of_one = rows.A.shape, max(1, rows.A.size)
    limit = min((dim - 1) // (2 * max(1, k)), MEMORY_LIMIT // (8 * of_one))
    if rep.number_of_orbits() is None or limit < 1:
        return None
    try:
        elements = rep.elements(limit)
    except ValueError:
        return None
    unit = math.sqrt(len(elements))
    A = np.empty((len(elements), k, dim))
    for place, element in zip(A, elements, strict=True):
        np.divide(rep.multiply(rows.A, element), unit, out=place)
    return A.reshape(-1, dim), np.tile(rows.T / unit, (len(elements), 1))


def penalized(rows: Rows, rep: Representation, strength: float, ridge: float = 0.0) -> Quadratic:
    """S' = S + strength·G Gᵀ, C' = C   (Duan & Montúfar, Proposition 8)."""
    base = plain(rows, ridge)
    if strength == 0:
        return base
    G = rep.defect
    largest = float(((G * G).sum(axis=1)).max()), float(np.square(rows.A).sum(axis=0).max(initial=0.0))  # on diagonals
    if not np.isfinite(strength * largest[0] + largest[1] + ridge):
        raise ValueError(f"strength {strength:g} overflows in strength·G Gᵀ: its limit is what hard_wired poses.")
    blocks = (*base.blocks, (np.sqrt(strength) * G.T, None))
    few, whole = (partial(_penalized, rows, rep, strength, ridge, whole=whole) for whole in (False, True))
    return Quadratic(base.cross, (None, blocks), base.floor, few, whole=whole)


class EquivariancePenalty(Quadratic):
    """The loss plus strength·Σ_m ‖W ρ(g_m) - ρ_Y(g_m) W‖², over the generators; of a Lie algebra, ‖W A - A_Y W‖².

    Not of the form tr(W S' Wᵀ): there is no whitened target, and with a rank bound no closed form.
    """

    def __init__(self, rows: Rows, rep: Representation, output: Representation, strength: float) -> None:
        base = plain(rows)
        super().__init__(base.cross, (None, base.blocks), base.floor, self._refuse)
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
    return invariant.whitened.lifted(rep.invariants)


def _penalized(rows: Rows, rep: Representation, strength: float, ridge: float, *, whole: bool) -> Whitened:
    if ridge and not whole and _is_few(rows, rep):
        E = rep.penalty_frame_of(rows.A, min(ridge / strength, LARGEST_SHIFT))
        if E is not None:
            across = rep.dim - rep.invariants.shape[0]
            return penalized_few(rows, rep.invariants, E, ridge, across, strength)
    return spectrum_of(rows, rep, ridge, whole=whole).at(strength)


def _is_few(rows: Rows, rep: Representation) -> bool:
    return rows.is_wide and rep.dim > SMALL


def spectrum_of(rows: Rows, rep: Representation, ridge: float = 0.0, *, whole: bool = False) -> PenalizedSpectrum:
    """The whitened problem at every strength of the penalty ‖V G‖²; of wide data where they see it, unless `whole`."""
    frame = rep.penalty_frame_of(rows.A) if _is_few(rows, rep) and not ridge and not whole else None
    frame = rep.penalty_frame if frame is None else frame
    return penalized_spectrum(rows, rep.invariants, frame, ridge, rep.dim - rep.invariants.shape[0])


def _projected(A: Array, rep: Representation) -> Array:
    """A Πᵀ."""
    return rep.project(A) if rep.is_orthogonal else A @ rep.project(np.eye(rep.dim)).T
