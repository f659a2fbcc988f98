"""The regularization path λ -> W(λ), with its jumps: all strengths from one factorization.

Duan & Montúfar, Theorem 9, with the care of docs/errata.md: the path is continuous where σ_r(λ) > σ_{r+1}(λ), and
jumps where these two cross. By M(λ) = Z Zᵀ, decreasing with ‖dM/d log λ‖ <= ‖F‖²/4, a gap proves its neighbourhood free
of crossings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize

from .. import _core
from ..arrays import Array, instance, real, reals
from ..data.moments import Moments
from ..groups import Representation
from ..objectives.spectra import penalized_spectrum, svd, tolerance
from ..problems import check_pose, check_rank, hard_wired, pose, regularized
from ..threads import processors
from .optimum import solve
from .solution import Solution

FINEST, COARSEST = 1e-3, 0.05  # steps in log λ while looking for crossings; bisection does the rest
BLOCK = 32  # strengths whose weights are formed at once: what is in between stays in the cache
LOOKS = 20_000  # spectra that a scan may cost; beyond it steps are coarse and the absence of crossings undecided


@dataclass(frozen=True)
class Jump:
    """σ_r and σ_{r+1} cross within a bracket of strengths: W(λ) jumps.

    Attributes:
        strength: middle of the bracket; lower, upper: its ends.
        gap: (σ_r - σ_{r+1})/σ_1 found inside, rounding.
        before, after: the optima at the two ends.
    """

    strength: float
    lower: float
    upper: float
    gap: float
    before: Solution = field(repr=False)
    after: Solution = field(repr=False)


@dataclass(frozen=True)
class NearCrossing:
    """A local minimum of the gap that is no jump: steep, but continuous.

    Attributes:
        strength: where.
        gap: (σ_r - σ_{r+1})/σ_1 there.
        slope: ‖dW/d log λ‖ there.
    """

    strength: float
    gap: float
    slope: float


@dataclass(frozen=True, eq=False)
class PathValues:
    """The path at n strengths.

    Attributes:
        strengths: (n,).
        loss: penalty included, with 1/n.
        singular_values: σ of Z (n, q).
        gap: (σ_r - σ_{r+1})/σ_1 (n,).
        weights: W (n, dL, d0).
        norm_perp: ‖W (I - Π)‖ (n,).
    """

    strengths: Array
    loss: Array
    singular_values: Array
    gap: Array
    weights: Array = field(repr=False)
    norm_perp: Array


class RegularizationPath:
    """λ -> W(λ); see `regularization_path`."""

    def __init__(
        self,
        data: Moments,
        rep: Representation,
        rank: int,
        ridge: float = 0.0,
        metric: npt.ArrayLike | None = None,
    ) -> None:
        self.data, self.representation, self.rank = data, rep, rank
        posed, self.ridge, self.inner = pose(data, ridge, metric)
        rows = posed.rows
        spectrum = penalized_spectrum(rows, rep.invariant_basis(), rep.penalty_frame, self.ridge)
        self._spectrum = spectrum
        live = int((spectrum.tau > 0).sum())
        self._tau = spectrum.tau[:live]
        self._free = np.ascontiguousarray(spectrum.free[:, :live])
        self._left = np.ascontiguousarray(spectrum.left)
        self._fit = np.hstack([self._left, self._free])
        self._back = np.vstack([spectrum.left_back, spectrum.free_back[:live]])
        self._size = float(np.hypot(np.linalg.norm(rows.T), np.sqrt(rows.floor)))  # of the targets
        self._noise = tolerance((data.outputs, len(self._back)), self._size)

    def __call__(self, strength: float) -> Solution:
        """The optimum at one strength >= 0, as `solve(regularized(...))` gives it."""
        return solve(regularized(self.data, self.representation, strength=strength, **self._terms))

    def evaluate(self, strengths: npt.ArrayLike) -> PathValues:
        """Losses, singular values and weights at many strengths > 0 at once.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data(np.eye(2), [[3.0, 0.0], [0.0, 1.0]])
        >>> f = regularization_path(m, lv.groups.symmetric(2), rank=1)
        >>> f.evaluate([0.01, 0.1, 1.0]).norm_perp.round(3)
        array([1.955, 1.131, 0.206])
        """
        values = np.asarray(reals(strengths, "strengths", ndim=(1,)), dtype=np.float64)
        if values.min() <= 0:
            raise ValueError(f"strengths must be positive, but hold {values.min():g}: call the path itself at 0.")
        sigma, U = self._spectra(values)
        keep = sigma[:, : self.rank] > self._noise
        U = np.where(keep[:, None, :], U[:, :, : self.rank], 0.0)
        rest = sigma.copy()
        rest[:, : self.rank][keep] = 0.0
        share = values[:, None] / (np.square(self._tau) + values[:, None])
        floor = self._spectrum.floor + share @ np.square(self._free).sum(axis=0)
        weights, norm_perp = np.empty((*U.shape[:2], self._back.shape[1])), np.empty(len(values))
        for start in range(0, len(values), BLOCK):
            block = slice(start, start + BLOCK)
            norm_perp[block] = self._weights(values[block], U[block], weights[block])
        return PathValues(
            strengths=values,
            loss=floor + np.square(rest).sum(axis=1),
            singular_values=sigma,
            gap=self._gaps(sigma),
            weights=weights,
            norm_perp=norm_perp,
        )

    def _weights(self, strengths: Array, U: Array, out: Array) -> Array:
        """W = U_r U_rᵀ K, K the solution without a rank bound, into `out` (n, dL, d0); returns ‖W⊥‖ (n,)."""
        if not U.shape[2]:  # X = 0: Z has no columns
            out[:] = 0.0
            return np.zeros(len(U))
        inner = np.ascontiguousarray(U.transpose(0, 2, 1)).reshape(-1, len(self._fit)) @ self._fit
        scale = self._tau / (np.square(self._tau) + strengths[:, None])
        inner.reshape(*U.shape[::2], inner.shape[1])[:, :, self._left.shape[1] :] *= scale[:, None, :]
        coefficients = inner @ self._back  # U_rᵀ K
        perp = self.representation.project(coefficients)
        np.subtract(coefficients, perp, out=perp)
        if self.inner is not None:
            U = self.inner.inverse @ U
            perp = U @ perp.reshape(*U.shape[::2], out.shape[2])
        np.matmul(U, coefficients.reshape(*U.shape[::2], out.shape[2]), out=out)
        return np.asarray(np.linalg.norm(perp.reshape(len(U), -1), axis=1))

    @cached_property
    def at_zero(self) -> Solution:
        """W(0+), the minimizer of the unpenalized loss with least ‖W G‖; W(0) = self(0) is that with least norm."""
        return self(self._ends[0] * 1e-12)

    @cached_property
    def limit(self) -> Solution:
        """W(∞), the hard-wired optimum of least norm; the path tends to it, at rate 1/λ, if it is unique."""
        return solve(hard_wired(self.data, self.representation, **self._terms))

    @property
    def metric(self) -> Array | None:
        """M (dL, dL), or None for the identity."""
        return None if self.inner is None else self.inner.matrix

    @property
    def _terms(self) -> dict[str, Any]:
        return {"rank": self.rank, "ridge": self.ridge, "metric": self.metric}

    def derivative(self, strength: float) -> Array:
        """dW/dλ (dL, d0) at one strength > 0 at which σ_r > σ_{r+1}.

        W = U_r U_rᵀ K with K(λ) the solution without a rank bound; the projector turns by first-order perturbation
        of M = Z Zᵀ.
        """
        strength = real(strength, "strength", positive=True)
        fit, height = self._fit, np.hypot(self._tau, np.sqrt(strength))
        ones, none = np.ones(self._left.shape[1]), np.zeros(self._left.shape[1])
        root = np.concatenate([ones, self._tau / height])
        U, sigma, _ = svd(fit * root)
        U = np.linalg.qr(np.hstack([U, np.eye(len(U))]))[0][:, : len(U)] if U.shape[1] < len(U) else U
        sigma = np.append(sigma, np.zeros(len(U) - len(sigma)))
        K = (fit * np.concatenate([ones, self._tau / height**2])) @ self._back
        dK = -(fit * np.concatenate([none, self._tau / height**2 / height**2])) @ self._back
        dM = -(fit * np.concatenate([none, (self._tau / height**2) ** 2])) @ fit.T
        r = min(self.rank, int((sigma > self._noise).sum()))
        if r < min(self.rank + 1, len(sigma)) and r and sigma[r - 1] - sigma[r] <= self._noise:
            raise ValueError(
                f"The path has no derivative at strength {strength:g}: σ_{r} = σ_{r + 1} up to rounding. See jumps."
            )
        turn = np.zeros_like(dM)
        inner = U.T @ dM @ U
        for i in range(r):
            for j in range(r, len(sigma)):
                turn[j, i] = inner[j, i] / ((sigma[i] - sigma[j]) * (sigma[i] + sigma[j]))
        dP = U @ (turn + turn.T) @ U.T
        out: Array = dP @ K + U[:, :r] @ (U[:, :r].T @ dK)
        return out if self.inner is None else self.inner.inverse @ out

    @property
    def jumps(self) -> tuple[Jump, ...]:
        """Where W(λ) jumps, by increasing strength; brackets below 1e-10, relative, unless σ cross very flatly."""
        return self._scan.jumps

    @property
    def near_crossings(self) -> tuple[NearCrossing, ...]:
        """Local minima of the gap below 1e-2 that are no jumps."""
        return self._scan.near

    @property
    def smallest_gap(self) -> float:
        """Smallest (σ_r - σ_{r+1})/σ_1 over all strengths > 0; 0 if the path jumps."""
        return self._scan.smallest

    @property
    def is_certified(self) -> bool:
        """Whether the absence of other jumps is proved by the bound on dM/d log λ; False means undecided."""
        return self._scan.certified

    def strength_for(self, *, loss: float | None = None, norm_perp: float | None = None) -> float:
        """A strength at which the loss, or ‖W⊥‖, has the wanted value; pass exactly one of the two.

        Raises:
            ValueError: if no strength gives it: it lies out of reach, or the path jumps across it.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data(np.eye(2), [[3.0, 0.0], [0.0, 1.0]])
        >>> f = regularization_path(m, lv.groups.symmetric(2), rank=1)
        >>> round(float(f.evaluate([f.strength_for(norm_perp=0.5)]).norm_perp[0]), 9)
        0.5
        """
        if (loss is None) == (norm_perp is None):
            raise ValueError("Pass exactly one of loss and norm_perp.")
        name, wanted = ("loss", loss) if norm_perp is None else ("norm_perp", norm_perp)
        target = real(wanted, name)
        low, high = self._ends
        grid = np.linspace(np.log(low), np.log(high), 400)
        values = getattr(self.evaluate(np.exp(grid)), name) - target
        change = np.flatnonzero(np.diff(np.sign(values)) != 0)
        if not len(change):
            least, most = (values + target).min(), (values + target).max()
            raise ValueError(
                f"No strength gives {name} = {target:.12g}: it lies between {least:.12g} and {most:.12g} at strengths "
                f"from {low:.3g} to {high:.3g}; beyond them see at_zero and limit."
            )

        def rest(s: float) -> float:
            return float(getattr(self.evaluate([math.exp(s)]), name)[0]) - target

        unit = abs(target) + float(np.abs(values + target).max())
        for k in change:
            s = scipy.optimize.brentq(rest, grid[k], grid[k + 1], xtol=1e-14, rtol=1e-15)
            if abs(rest(s)) <= 1e-9 * unit:
                return math.exp(s)
        before, after = (rest(s + side) + target for side in (-1e-9, 1e-9))
        raise ValueError(
            f"No strength gives {name} = {target:.12g}: the path jumps across it at strength {math.exp(s):.12g}, from "
            f"{before:.12g} to {after:.12g}. See jumps."
        )

    @cached_property
    def _ends(self) -> tuple[float, float]:
        """Strengths beyond which nothing happens any more but the approach to the limits."""
        if not len(self._tau):
            return 1e-12, 1e12
        return 1e-8 * float(self._tau[-1]) ** 2, 1e8 * float(self._tau[0]) ** 2

    @cached_property
    def _scan(self) -> _Scan:
        return _Scan(self)

    def _spectra(self, strengths: Array) -> tuple[Array, Array]:
        return _core.path_spectra(self._left, self._free, self._tau, np.ascontiguousarray(strengths), processors())

    def _gaps(self, sigma: Array) -> Array:
        ends = np.hstack([sigma, np.zeros((len(sigma), 1))])
        r = min(self.rank, sigma.shape[1])
        top = np.where(sigma[:, :1] > self._noise, sigma[:, :1], np.inf)
        return np.asarray(((ends[:, r - 1] - ends[:, r]) / top[:, 0]) if r else np.zeros(len(sigma)))

    def __repr__(self) -> str:
        return f"RegularizationPath({self.representation!r}, rank={self.rank}, {self.data!r})"


def regularization_path(
    data: Moments, rep: Representation, *, rank: int, ridge: float = 0.0, metric: npt.ArrayLike | None = None
) -> RegularizationPath:
    """The optima of `regularized(data, rep, rank, strength, ridge, metric)` for all strengths.

    >>> import linvariance as lv
    >>> a, b, e, f = 1.0, 2.0, np.array([1.0, 1.0]) / np.sqrt(2), np.array([1.0, -1.0]) / np.sqrt(2)
    >>> m = lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.sqrt(2) * np.array([a * e, b * f]).T)
    >>> path = regularization_path(m, lv.groups.symmetric(2), rank=1)
    >>> [round(jump.strength, 10) for jump in path.jumps]  # ((b/a)² - 1)/4: Theorem 9 needs the gap
    [0.75]
    """
    instance(data, Moments, "data", "call Moments.from_data(X, Y); the path is that of the squared loss")
    check_pose(data, rep, None)
    return RegularizationPath(data, rep, check_rank(rank), ridge, metric)


class _Scan:
    """Walks log λ from end to end in steps that the gap proves safe, and looks closely where they get small."""

    def __init__(self, path: RegularizationPath) -> None:
        self.jumps: tuple[Jump, ...] = ()
        self.near: tuple[NearCrossing, ...] = ()
        self.certified, self.smallest = True, math.inf
        self._path, self._looks = path, 0
        self._bound = float(np.square(np.linalg.norm(path._free, 2)) / 4) if path._free.size else 0.0
        possible = path._left.shape[1] + len(path._tau)
        if path.rank >= min(path.data.outputs, possible) or not self._bound:
            self.smallest = float(path._gaps(path._spectra(np.ones(1))[0])[0])
            return
        self._walk()

    def _look(self, t: float) -> tuple[float, float, float, Array]:
        """Gap in σ_1, its derivative by log λ, the difference of eigenvalues of M, and U_r."""
        path = self._path
        self._looks += 1
        sigma, U = (one[0] for one in path._spectra(np.array([math.exp(t)])))
        r = path.rank
        height = np.hypot(path._tau, math.exp(t / 2))
        rows = U.T @ (path._free * (path._tau / height))  # = Σ Vᵀ on the penalized columns
        share = np.square(rows * (math.exp(t / 2) / height)).sum(axis=1)
        slope = -0.5 * share / np.maximum(sigma, np.finfo(np.float64).tiny)  # dσ/dlog λ
        pair = (sigma[r - 1] - sigma[r], slope[r - 1] - slope[r])
        top = max(float(sigma[0]), path._noise)
        return float(pair[0]) / top, float(pair[1]), float(pair[0] * (sigma[r - 1] + sigma[r])), U[:, :r]

    def _walk(self) -> None:
        low, high = (math.log(end) for end in self._path._ends)
        jumps: list[Jump] = []
        near: list[NearCrossing] = []
        t = low
        gap, slope, room, _ = self._look(t)
        while high - t > 1e-9:
            self.smallest = min(self.smallest, gap)
            safe = 0.45 * room / self._bound if self._bound else high - t  # half of what the bound allows on each side
            step = min(max(safe, FINEST if self._looks < LOOKS else COARSEST), COARSEST, high - t)
            following = self._look(t + step)
            proved = step <= 0.5 * (room + following[2]) / self._bound
            if slope < 0 < following[1]:
                proved = self._minimum(t, t + step, jumps, near) or proved
            proved = proved or self._proved(t, t + step)
            self.certified = self.certified and proved
            t, (gap, slope, room, _) = t + step, following
        self.jumps, self.near = tuple(jumps), tuple(near)
        self.certified = self.certified and self._tails(low, high)

    def _tails(self, low: float, high: float) -> bool:
        """Beyond the ends M moves by less than the room there."""
        tau, size = self._path._tau, 4 * self._bound
        before = size * math.exp(low) / float(tau[-1]) ** 2
        after = size * float(tau[0]) ** 2 / math.exp(high)
        return self._look(low)[2] > before and self._look(high)[2] > after

    def _minimum(self, a: float, b: float, jumps: list[Jump], near: list[NearCrossing]) -> bool:
        """Bisects on the sign of the gap's slope; True if the neighbourhood is decided."""
        start = (a, b)
        while b - a > 4 * np.finfo(np.float64).eps * max(1.0, abs(a)):
            middle = 0.5 * (a + b)
            if not a < middle < b:
                break
            a, b = (middle, b) if self._look(middle)[1] < 0 else (a, middle)
        gap = min(self._look(a)[0], self._look(b)[0])
        path = self._path
        top = max(float(path._spectra(np.array([math.exp(a)]))[0][0, 0]), path._noise)
        tie = 64 * path._noise / top
        apart = self._apart(a, b, tie)
        left, right = self._look(a - apart)[3], self._look(b + apart)[3]
        turned = apart < COARSEST and float(np.linalg.svd(left.T @ right, compute_uv=False)[-1]) < 0.5
        if gap <= tie and turned:
            self.smallest = 0.0
            lower, upper = math.exp(a - apart), math.exp(b + apart)
            jumps.append(Jump(math.exp(0.5 * (a + b)), lower, upper, gap, path(lower), path(upper)))
            return self._sides(start, a - apart, b + apart)
        self.smallest = min(self.smallest, gap)
        if gap < 1e-2:
            strength = math.exp(0.5 * (a + b))
            steep = strength * float(np.linalg.norm(path.derivative(strength))) if gap > tie else math.inf
            near.append(NearCrossing(strength, gap, steep))
        return gap > tie and self._sides(start, 0.5 * (a + b), 0.5 * (a + b))

    def _apart(self, a: float, b: float, tie: float) -> float:
        """Distance in log λ at which U_r is defined on both sides: a tie that is only touched opens quadratically."""
        apart = 1e-11 * max(1.0, abs(a))
        while apart < COARSEST and min(self._look(a - apart)[0], self._look(b + apart)[0]) <= tie:
            apart *= 2
        return apart

    def _sides(self, span: tuple[float, float], left: float, right: float) -> bool:
        """Whether both sides of a minimum are proved free of crossings, in steps that its growing gap allows."""
        return all(self._proved(t, end) for t, end in ((left, span[0]), (right, span[1])))

    def _proved(self, t: float, end: float) -> bool:
        sign = math.copysign(1.0, end - t)
        while self._looks < LOOKS:
            if sign * (end - t) <= 0:
                return True
            step = 0.9 * 0.5 * self._look(t)[2] / self._bound
            if step <= 2 * np.finfo(np.float64).eps * max(1.0, abs(t)):
                return False
            t += sign * step
        return False
