"""The squared loss of equivariant maps: by Schur's lemma one regression over R, C or H for each irreducible.

In bases adapted to the group the coordinates of a row in the copies of one irreducible of dimension d are d/e numbers
(reals, complex numbers, quaternions: e = 1, 2, 4) for each copy. The moments of these unfolded rows are the blocks of
the averages S̄ and C̄, which are therefore never formed: their condition would be squared, and rounding would tell
singular values apart that are equal by symmetry.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg

from ..arrays import Array, frozen
from ..groups import Conjugated, Representation
from ..groups.division import norm, spread, svd, triangle, unfold
from ..groups.schur import Irreducible, irreducibles
from .multiplets import Multiplet
from .quadratics import Quadratic
from .spectra import Rows, Whitened, tolerance


class Equivariant(Quadratic):
    """S' = S̄, C' = C̄ = mean ρ_Y(g) C ρ(g)ᵀ: the loss of augmented inputs and targets, and of equivariant V.

    Attributes:
        multiplets: of the whitened target Z, σ descending, zeros too; `significant` leaves those out.
    """

    def __init__(self, rows: Rows, rep: Representation, output: Representation) -> None:
        base, T = rep.orthogonal_form if isinstance(rep, Conjugated) else (rep, np.eye(rep.dim))
        A = rows.A @ T.T if base is not rep else rows.A  # x' = T x; else no rounding at all
        noise = max(rows.noise, tolerance(A.shape, norm(rows.A) * float(np.linalg.norm(T, 2))))
        self._parts = [_Regression.of(A, rows.T, one, noise) for one in irreducibles(base, output)]
        self._T = T if base is not rep else None
        root = self._inputs([spread(p.root, p.e, p.d) / np.sqrt(p.d) for p in self._parts])
        root = root if self._T is None else scipy.linalg.solve(self._T, root.T, check_finite=False).T
        fit = self._outputs([spread(p.fit, p.e, p.d) / np.sqrt(p.d) for p in self._parts])
        floor = rows.floor + sum(p.residual for p in self._parts)
        super().__init__(fit.T @ root, (None, ((root, fit),)), floor, self._whitened)

    @cached_property
    def noise(self) -> float:
        """Singular values up to it are zero, closer ones equal: rounding of the size of the targets, not of σ_1."""
        Z = self.whitened.target
        # 4: sums over unfolded rows are longer than those over Z; measured on ties by symmetry, at most 1.
        return 4 * tolerance(Z.shape, float(np.hypot(norm(Z), np.sqrt(self.whitened.floor))))

    @cached_property
    def multiplets(self) -> tuple[Multiplet, ...]:
        """Of the optimum without a rank bound, largest σ first."""
        found = [item for part in self._parts for item in part.multiplets(self._T)]
        return tuple(sorted(found, key=lambda item: -item.value))

    @property
    def significant(self) -> tuple[Multiplet, ...]:
        """Those above the noise."""
        return tuple(item for item in self.multiplets if item.value > self.noise)

    def _whitened(self) -> Whitened:
        Z = self._outputs([spread(p.target, p.e, p.d) / np.sqrt(p.d) for p in self._parts])
        back = self._inputs([spread(p.back, p.e, p.d) * np.sqrt(p.d) for p in self._parts])
        back = back if self._T is None else back @ self._T
        sizes = np.concatenate([p.spectrum / np.sqrt(p.d) for p in self._parts])  # of a root of S̄
        floor = self.floor + sum(p.lost for p in self._parts)
        condition = float(sizes.max() / sizes.min()) if len(sizes) else 1.0
        return Whitened(frozen(Z.T), back, floor, len(back), condition)

    def _inputs(self, parts: list[Array]) -> Array:
        return np.vstack([part @ p.one.inputs for part, p in zip(parts, self._parts, strict=True)])

    def _outputs(self, parts: list[Array]) -> Array:
        return np.vstack([part @ p.one.outputs for part, p in zip(parts, self._parts, strict=True)])


@dataclass(frozen=True, eq=False)
class _Regression:
    """‖root B - fit‖² + residual over the algebra, for the block W = Bᵀ ⊗ 1 between the copies of one irreducible."""

    one: Irreducible
    root: Array  # (k, copies in inputs), triangular, over the algebra as in `division`
    fit: Array  # (k, copies in outputs)
    residual: float
    noise: float

    @staticmethod
    def of(A: Array, T: Array, one: Irreducible, noise: float) -> _Regression:
        e, d = one.algebra, one.dimension
        F, G = unfold(A @ one.inputs.T, e, d), unfold(T @ one.outputs.T, e, d)
        R, m = triangle(np.hstack([F, G]), e), F.shape[1]
        return _Regression(one, R[:m, :m], R[:m, m:], float(np.square(R[m:, m:]).sum()) / e, noise)

    @property
    def d(self) -> int:
        return self.one.dimension

    @property
    def e(self) -> int:
        return self.one.algebra

    @cached_property
    def _support(self) -> tuple[Array, Array, Array]:
        U, s, Vt = svd(self.root, self.e)
        k = int((s > self.noise).sum())
        return U[:, : k * self.e], s[:k], Vt[: k * self.e]

    @property
    def spectrum(self) -> Array:
        """Singular values of the root above rounding."""
        return self._support[1]

    @property
    def _is_full(self) -> bool:
        return len(self.spectrum) * self.e == len(self.root)

    @cached_property
    def target(self) -> Array:
        """B̃ (s, copies in outputs) without a rank bound; not rotated if it need not be: copies may differ in scale."""
        return self.fit if self._is_full else self._support[0].T @ self.fit

    @cached_property
    def lost(self) -> float:
        """What of the fit the support does not reach."""
        if self._is_full:
            return 0.0
        return float(np.square(self.fit - self._support[0] @ self.target).sum()) / self.e

    @cached_property
    def back(self) -> Array:
        """E (s, copies in inputs) with Bᵀ = B̃ᵀ E, of least norm."""
        U, s, Vt = self._support
        if self._is_full and self.root.shape[0] == self.root.shape[1]:
            return np.asarray(scipy.linalg.solve_triangular(self.root, np.eye(len(self.root)), check_finite=False)).T
        with np.errstate(over="ignore"):  # solve refuses weights that overflow
            E = Vt / np.repeat(s, self.e)[:, None]
        return U @ E if self._is_full else E

    def multiplets(self, T: Array | None) -> list[Multiplet]:
        """One for each singular value of the target over the algebra."""
        U, s, Vt = svd(self.target, self.e)
        found = []
        for j, value in enumerate(s):
            own = slice(j * self.e, (j + 1) * self.e)
            left = self.one.outputs.T @ spread(Vt[own].T, self.e, self.d)
            with np.errstate(over="ignore", invalid="ignore"):  # solve refuses weights that overflow
                right = spread(value * U[:, own].T @ self.back, self.e, self.d) @ self.one.inputs
                right = right if T is None else right @ T
            found.append(Multiplet(float(value / np.sqrt(self.d)), left, right))
        return found
