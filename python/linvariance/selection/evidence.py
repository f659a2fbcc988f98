"""The exact evidence of a symmetry: how likely targets are under random linear maps that are more or less invariant.

Rows of W ~ N(0, K) with K = α⁻¹(Π + η(I - Π)), and noise of variance s². η = 0 is the hard-wired model, η = 1 the one
without symmetry. log p(Y|X) = -(dL/2)(n log 2π + log|A|) - ½ tr(Y A⁻¹ Yᵀ), A = s²(I + Xᵀ(Π + η(I - Π))X/β), β = s²α.
As everywhere, the rows of the data's triangular factor stand for the data: A is the identity on all that they lack.
Of centred data n - 1 contrasts are left, which is the evidence of an intercept with a flat prior but for a constant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..arrays import Array
from ..data.moments import Moments
from ..groups import Representation, matrices
from ..objectives.spectra import decide_rank, svd, tolerance
from ..problems import Problem, hard_wired, regularized, unconstrained

LOWEST, HIGHEST = 1e-14, 1e10  # β in units of ‖ΠX‖²: nearly no prior, and a prior that leaves W = 0
GRID = 49  # values of β that are tried before the best is refined
REACH = 1e240  # ‖X‖² and ‖Y‖² beyond it, or below its inverse, leave no room for ratios


@dataclass(frozen=True)
class Level:
    """The evidence of one softness at its noise and prior, which maximize it unless they were given.

    Attributes:
        softness: η.
        log_evidence: log p(Y|X), natural logarithm.
        noise: s², the variance of each residual.
        precision: α, one over the prior variance of each weight along the invariants.
        beta: β = s²α.
    """

    softness: float
    log_evidence: float
    noise: float
    precision: float
    beta: float


@dataclass(frozen=True)
class Scales:
    """What is known beforehand: s², α, both or neither (None: the value that maximizes the evidence)."""

    noise: float | None = None
    precision: float | None = None


class Evidence:
    """log p(Y|X) under one representation, for every β and η; one singular value decomposition at each β serves all η.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data([[1.0, 0.0], [0.0, 1.0]], [3.0, 1.0])
    >>> hard, soft, none = Evidence(m, lv.groups.symmetric(2)).at(1.0, [0.0, 0.5, 1.0], noise=1.0)
    >>> A = np.eye(2) + np.eye(2)  # no symmetry: s² + XᵀX/α
    >>> y = np.array([3.0, 1.0])
    >>> bool(np.isclose(none, -np.log(2 * np.pi) - np.log(np.linalg.det(A)) / 2 - y @ np.linalg.solve(A, y) / 2))
    True
    """

    def __init__(self, data: Moments, rep: Representation) -> None:
        if data.contrasts <= 0:
            raise ValueError(f"X has {data.n:g} samples, centred: their mean leaves nothing to choose by. Pass more.")
        rows = data.factor * math.sqrt(data.n)
        X, Y = rows[:, : data.inputs], rows[:, data.inputs :]
        refuse_scales(X, Y)
        self.data, self._rep, self._X = data, rep, X
        U, s, _ = svd(X @ rep.invariant_basis().T, full=True)
        rank = decide_rank(s, X.shape, tolerance(X.shape, float(np.linalg.norm(X))))
        self._left, self._fit = U, U.T @ Y
        self._heights = np.zeros(len(U))  # squared singular values of ΠX, exactly 0 beyond its rank
        self._heights[:rank] = np.square(s[:rank])

    @cached_property
    def _across(self) -> Array:
        """Xᵀ off the invariants (k, d0 - d), in the coordinates in which A is diagonal at η = 0."""
        return self._left.T @ (self._X @ self._rep.complement_basis.T)

    def terms(self, beta: float, softness: Array) -> tuple[Array, Array]:
        """s²·tr(Y A⁻¹ Yᵀ) and log|A/s²| at every η (m,)."""
        base = 1 + self._heights / beta
        if not softness.any():
            fit = np.square(self._fit).sum(axis=1)
            one = np.ones_like(softness)
            return one * float((fit / base).sum()), one * float(np.log(base).sum())
        root = np.sqrt(base)[:, None]
        P, tau, _ = svd(self._across / (root * math.sqrt(beta)), full=True)
        fit = np.square(P.T @ (self._fit / root)).sum(axis=1)
        height = np.zeros(len(P))
        height[: len(tau)] = np.square(tau)
        shrunk = softness[:, None] * height
        return (fit / (1 + shrunk)).sum(axis=1), np.log(base).sum() + np.log1p(shrunk).sum(axis=1)

    def at(self, beta: float, softness: Sequence[float] | Array, noise: float | None = None) -> Array:
        """Log p(Y|X) at every η (m,), at this noise, or at the s² = s²·tr(Y A⁻¹ Yᵀ)/(n·dL) that maximizes it."""
        squares, logdet = self.terms(beta, np.asarray(softness, dtype=np.float64))
        return self._log(squares, logdet, squares / self._size if noise is None else noise)

    def best(self, softness: Sequence[float], scales: Scales) -> list[Level]:
        """The evidence of every η at its own best β, or at the β that the given scales leave."""
        etas = np.asarray(softness, dtype=np.float64)
        if scales.noise is not None and scales.precision is not None:
            return [self._level(scales.noise * scales.precision, eta, scales) for eta in etas]
        grid = np.log(self._unit) + np.linspace(math.log(LOWEST), math.log(HIGHEST), GRID)
        table = np.stack([self._scaled(math.exp(b), etas, scales) for b in grid])
        return [
            self._level(self._refined(grid, int(k), eta, scales), eta, scales)
            for k, eta in zip(table.argmax(axis=0), etas, strict=True)
        ]

    def _refined(self, grid: Array, k: int, eta: float, scales: Scales) -> float:
        from scipy.optimize import minimize_scalar  # here: it takes a third of the time that importing may take

        def loss(b: float) -> float:
            return -float(self._scaled(math.exp(b), np.array([eta]), scales)[0])

        ends = float(grid[max(k - 1, 0)]), float(grid[min(k + 1, len(grid) - 1)])
        found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-9})
        return math.exp(found.x if found.fun <= loss(float(grid[k])) else grid[k])

    def _level(self, beta: float, eta: float, scales: Scales) -> Level:
        squares, logdet = self.terms(beta, np.array([eta]))
        noise = float(self._noise(squares, beta, scales)[0])
        value = float(self._log(squares, logdet, np.array([noise]))[0])
        return Level(float(eta), value, noise, beta / noise, beta)

    def _scaled(self, beta: float, etas: Array, scales: Scales) -> Array:
        squares, logdet = self.terms(beta, etas)
        return self._log(squares, logdet, self._noise(squares, beta, scales))

    def _noise(self, squares: Array, beta: float, scales: Scales) -> Array:
        if scales.noise is not None:
            return np.full_like(squares, scales.noise)
        return squares / self._size if scales.precision is None else np.full_like(squares, beta / scales.precision)

    def _log(self, squares: Array, logdet: Array, noise: Array | float) -> Array:
        constant = self._size * np.log(2 * math.pi * np.asarray(noise))
        return np.asarray(-(constant + self.data.outputs * logdet + squares / noise) / 2)

    @property
    def _size(self) -> float:
        return self.data.contrasts * self.data.outputs

    @property
    def _unit(self) -> float:
        return float(np.square(self._X).sum()) or 1.0


def posterior_mean(data: Moments, rep: Representation, softness: float, beta: float) -> Problem:
    """The problem whose optimum is the posterior mean: ridge β/n, and strength (β/n)(1/η - 1) on ‖W(I - Π)‖².

    That penalty is ‖W G‖²/4 of the reflection 2Π - I, whatever the group.
    """
    rank, ridge = min(data.inputs, data.outputs), beta / data.n
    if softness == 1:
        return unconstrained(data, rank=rank, ridge=ridge)
    if softness == 0:
        return hard_wired(data, rep, rank=rank, ridge=ridge)
    mirror = matrices([2 * rep.project(np.eye(rep.dim)) - np.eye(rep.dim)])
    return regularized(data, mirror, rank=rank, strength=implied_strength(ridge, softness) / 4, ridge=ridge)


def implied_strength(ridge: float, softness: float) -> float:
    """λ of the penalty λ‖W(I - Π)‖²; infinite for a hard symmetry."""
    return ridge * (1 / softness - 1) if softness else math.inf


def refuse_scales(X: Array, Y: Array) -> None:
    """ValueError where squares of the data leave the range in which ratios of them can be formed."""
    for name, part in (("X", X), ("Y", Y)):
        scale = float(np.abs(part).max(initial=0.0))
        if scale and not 1 / REACH < scale**2 < REACH:
            raise ValueError(f"{name} has the scale {scale:.3g}, too far from 1 to weigh models: divide it by that.")
