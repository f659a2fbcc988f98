"""The squared loss of each method as a quadratic in V (dL, dim): tr(V S' Vᵀ) - 2 tr(V C'ᵀ) + c.

The three methods are three maps on second moments: restriction to invariant inputs, average over the group, penalty.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import scipy.linalg

from .arrays import Array, dense, frozen
from .groups import Representation
from .spectra import PenalizedSpectrum, Rows, Whitened, whiten

Block = tuple[Array, Array | None]  # A_b (k, dim) and T_b (k, dL), None for zero targets


class Quadratic:
    """A sum of squares Σ_b ‖A_b Vᵀ - T_b‖² + floor, its moments and its whitened form.

    Attributes:
        moment: S' (dim, dim).
        cross: C' (dL, dim).
        blocks: the A_b, T_b. Losses are summed from residuals: the error of the trace formula would grow with
            ‖S'‖‖V‖² instead of with the loss.
        floor: what no V can lower.
        whitened: see `Whitened`; made when asked for.
    """

    def __init__(
        self, moment: Array, cross: Array, blocks: tuple[Block, ...], floor: float, whiten: Callable[[], Whitened]
    ) -> None:
        self.moment, self.cross, self.blocks, self.floor = frozen(moment), frozen(cross), blocks, floor
        self._whiten = whiten

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
        """2 Σ_b (A_b Vᵀ - T_b)ᵀ A_b, of the shape of V."""
        terms = ((A.T @ r).T for (A, _), r in zip(self.blocks, self._residuals(V), strict=True))
        return 2 * np.asarray(sum(terms))

    def _residuals(self, V: Array) -> list[Array]:
        return [A @ V.T if T is None else A @ V.T - T for A, T in self.blocks]


def plain(rows: Rows) -> Quadratic:
    """The loss itself."""
    return Quadratic(rows.A.T @ rows.A, rows.T.T @ rows.A, ((rows.A, rows.T),), rows.floor, lambda: whiten(rows))


def restricted(rows: Rows, rep: Representation) -> Quadratic:
    """V acts on B x: S' = B S Bᵀ, C' = C Bᵀ   (Duan & Montúfar, Theorem 6)."""
    return plain(Rows(rows.A @ rep.invariant_basis().T, rows.T, rows.floor, rows.rounding).reduced())


def averaged(rows: Rows, rep: Representation) -> Quadratic:
    """S' = S̄, C' = C Πᵀ   (Duan & Montúfar, Proposition 11).

    For orthogonal ρ the loss is ‖A Πᵀ Vᵀ - T‖² + tr(V⊥ S̄ V⊥ᵀ), and the optimum and the singular values are those
    of the restricted problem (Theorem 12): never from S̄, whose condition is squared.
    """
    S = rep.average_moment(rows.A.T @ rows.A)
    fit = rep.project(rows.A)
    # A root of S̄ off the invariants. Its small eigenvalues are rounded, which a loss does not mind.
    values, vectors = scipy.linalg.eigh(S)
    root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    blocks: tuple[Block, ...] = ((fit, rows.T), (root - rep.project(root), None))
    invariant = restricted(rows, rep)
    return Quadratic(
        S, rep.project(rows.T.T @ rows.A), blocks, rows.floor, lambda: invariant.whitened.lifted(rep.invariant_basis())
    )


def penalized(rows: Rows, rep: Representation, strength: float) -> Quadratic:
    """S' = S + strength·G Gᵀ, C' = C   (Duan & Montúfar, Proposition 8)."""
    base = plain(rows)
    if strength == 0:
        return base
    defect, penalty = rep.defect, rep.penalty_matrix()
    if not np.isfinite(strength * float(penalty.max()) + float(base.moment.max())):
        raise ValueError(f"strength {strength:g} overflows in strength·G Gᵀ: its limit is what hard_wired poses.")
    return Quadratic(
        base.moment + strength * penalty,
        base.cross,
        (*base.blocks, (np.sqrt(strength) * defect.T, None)),
        rows.floor,
        lambda: PenalizedSpectrum(rows, rep.invariant_basis(), rep.complement_basis, dense(defect)).at(strength),
    )
