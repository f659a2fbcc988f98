"""The regularization path λ -> W(λ): all strengths from one factorization.

Duan & Montúfar, Theorem 9, with the care of docs/errata.md: the path is continuous where σ_r(λ) > σ_{r+1}(λ), and
jumps where these two cross.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import files
from ..arrays import Array, instance, real, reals, refuse_large
from ..data.moments import Moments
from ..groups import Representation
from ..groups.stored import fields_of, from_fields
from ..objectives.quadratics import spectrum_of
from ..objectives.spectra import path_points, svd, tolerance
from ..plots import GREY, Curve, draw, explain, looks, opened
from ..problems import check_pose, check_rank, hard_wired, pose, regularized
from ..tables import Columns, Table, Tabular
from .crossings import Found, Jump, NearCrossing, scan
from .optimum import finite, solve
from .solution import Solution

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TINY = float(np.finfo(np.float64).tiny)
ATTAINED = 64 * float(np.finfo(np.float64).eps)  # of the largest value: a level is met up to rounding
QUIET = 0.01  # share of a quantity's whole change that counts as no change where a path is drawn
DRAWN, NAMED = 200, 6  # strengths, and the most ranks in a legend
BLOCK = 64  # strengths whose weights are formed at once: what is in between stays in the cache


@dataclass(frozen=True, eq=False)
class PathValues(Tabular):
    """The path at n strengths.

    Attributes:
        strengths: (n,).
        loss: penalty included, with 1/n.
        singular_values: σ of Z (n, q).
        gap: (σ_r - σ_{r+1})/σ_1 (n,).
        weights: W (n, dL, d0).
    """

    strengths: Array
    loss: Array
    singular_values: Array
    gap: Array
    weights: Array = field(repr=False)
    representation: Representation = field(repr=False)

    @cached_property
    def norm_perp(self) -> Array:
        """‖W (I - Π)‖ (n,)."""
        perp = self.weights - self.representation.project(self.weights)
        return np.asarray(np.linalg.norm(perp.reshape(len(perp), -1), axis=1))

    def _columns(self) -> Columns:
        columns = {"strength": self.strengths, "loss": self.loss, "norm_perp": self.norm_perp, "gap": self.gap}
        return {**columns, **{f"sigma_{i}": sigma for i, sigma in enumerate(self.singular_values.T, 1)}}


class RegularizationPath(Tabular):
    """λ -> W(λ); see `regularization_path`. As a data frame, and drawn, it is `PathValues` over its `span`."""

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
        self._spectrum = spectrum_of(rows, rep, self.ridge)
        self._band, self._left = self._spectrum.band, np.ascontiguousarray(self._spectrum.left)
        # A row (y, u): y of the band's coordinates, and u of what U leaves of the fit to the invariants.
        with np.errstate(over="ignore", invalid="ignore"):  # weights that overflow are refused when they are made
            self._back = np.vstack([self._band.back, self._left @ self._spectrum.left_back])
        self._size = float(np.hypot(np.linalg.norm(rows.T), np.sqrt(rows.floor)))  # of the targets
        self._noise = tolerance((data.outputs, self._left.shape[1] + len(self._band.back)), self._size)

    @property
    def _tau(self) -> Array:
        return self._spectrum.tau[: len(self._band.back)]

    @property
    def _free(self) -> Array:
        return np.ascontiguousarray(self._spectrum.free[:, : len(self._band.back)])

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
        values = _positive(strengths)
        size = len(values) * self.data.outputs * self._back.shape[1]
        refuse_large(8 * size, f"The weights at {len(values):,} strengths", "evaluate fewer at once, or their losses")
        weights = np.empty((len(values), self.data.outputs, self._back.shape[1]))
        blocks = [slice(start, start + BLOCK) for start in range(0, len(values), BLOCK)]
        with np.errstate(over="ignore", invalid="ignore"):
            found = [self._block(values[block], weights[block]) for block in blocks]
        loss, sigma = (np.concatenate([part[k] for part in found]) for k in (0, 1))
        return PathValues(
            strengths=values,
            loss=loss,
            singular_values=sigma,
            gap=self._gaps(sigma),
            weights=finite(weights, self.data),
            representation=self.representation,
        )

    def _block(self, strengths: Array, out: Array) -> tuple[Array, Array]:
        """Losses and σ; W = U_r U_rᵀ K, K the solution without a rank bound, into `out` (n, dL, d0)."""
        sigma, U, inner, rest = self._spectra(strengths, self.rank)
        r = inner.shape[1]
        lost, keep = sigma.copy(), sigma[:, :r] > self._noise
        inner[~keep] = 0.0
        lost[:, :r][keep] = 0.0
        U = U[:, :, :r] if self.inner is None else self.inner.inverse @ U[:, :, :r]
        coefficients = inner.reshape(-1, inner.shape[2]) @ self._back  # U_rᵀ K
        np.matmul(U, coefficients.reshape(len(U), r, out.shape[2]), out=out)
        return self._band.floor + rest + np.square(lost).sum(axis=1), sigma

    def losses(self, data: Moments, strengths: npt.ArrayLike) -> Array:
        """(1/n)‖WX - Y‖² on other data, (n, dL) at n strengths > 0 and every rank bound 1, ..., dL at once.

        All ranks share one singular value decomposition, W_r = U_r U_rᵀ K, and no weights are formed: the loss is
        that of the residuals' components along U, fitted up to r and not at all beyond. In the path's metric, without
        penalty and ridge.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data(np.eye(2), [[3.0, 0.0], [0.0, 1.0]])
        >>> f = regularization_path(m, lv.groups.symmetric(2), rank=1)
        >>> new = lv.Moments.from_data([[1.0, 1.0]], [[1.0, 1.0]])
        >>> bool(abs(f.losses(new, [0.1])[0, 0] - lv.unconstrained(new, rank=1).loss(f(0.1).weights)) < 1e-12)
        True
        """
        instance(data, Moments, "data", "call Moments.from_data(X, Y)")
        if (data.inputs, data.outputs) != (self.data.inputs, self.data.outputs):
            raise ValueError(
                f"data are of {data.inputs} inputs and {data.outputs} outputs, but the path is of {self.data.inputs} "
                f"and {self.data.outputs}."
            )
        values = _positive(strengths)
        rows = (data if self.inner is None else data.in_metric(self.inner)).rows
        seen, T = rows.A @ self._back.T, np.asarray(np.linalg.qr(rows.T, mode="r"))
        seen[:, -data.outputs :] -= rows.T
        blocks = [values[start : start + BLOCK] for start in range(0, len(values), BLOCK)]
        return np.concatenate([self._losses_in(block, seen, T) for block in blocks]) + rows.floor

    def _losses_in(self, strengths: Array, seen: Array, T: Array) -> Array:
        """Squares of residuals at every rank, of rows that `seen` leads to and of their targets' triangle T."""
        sigma, U, inner, _ = self._spectra(strengths, len(self._left))
        q, out = U.shape[2], np.zeros((len(strengths), len(self._left)))
        if not q:  # X = 0, so W = 0
            return out + np.square(T).sum()
        along = inner.reshape(-1, inner.shape[2]) @ seen.T
        fitted = np.einsum("ij,ij->i", along, along).reshape(-1, q)
        free = np.square(T @ U).sum(axis=1)
        out[:, :q] = np.cumsum(np.where(sigma > self._noise, fitted, free), axis=1)
        out[:, : q - 1] += np.cumsum(free[:, :0:-1], axis=1)[:, ::-1]  # of the components after the r-th
        if q < out.shape[1]:  # what is along no U at all
            out[:, q:] = out[:, q - 1 : q]
            out += np.array([np.square(T - T @ u @ u.T).sum() for u in U])[:, None]
        return out

    @cached_property
    def at_zero(self) -> Solution:
        """W(0+), the minimizer of the unpenalized loss with least ‖W G‖; W(0) = self(0) is that with least norm."""
        return self(max(float(self._tau[-1]) ** 2 * 1e-20, TINY) if len(self._tau) else 1e-24)

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
        fit, height = np.hstack([self._left, self._free]), np.hypot(self._tau, np.sqrt(strength))
        ones, none = np.ones(self._left.shape[1]), np.zeros(self._left.shape[1])
        root = np.concatenate([ones, self._tau / height])
        U, sigma, _ = svd(fit * root)
        U = np.linalg.qr(np.hstack([U, np.eye(len(U))]))[0][:, : len(U)] if U.shape[1] < len(U) else U
        sigma = np.append(sigma, np.zeros(len(U) - len(sigma)))
        back = np.vstack([self._spectrum.left_back, self._spectrum.free_back[: len(self._tau)]])
        K = (fit * np.concatenate([ones, self._tau / height**2])) @ back
        dK = -(fit * np.concatenate([none, self._tau / height**2 / height**2])) @ back
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
        """All jumps of W(λ), by increasing strength; brackets below 1e-10, relative, unless σ cross very flatly.

        A bracket ends where σ_r and σ_{r+1} are apart by more than rounding, 4·max(shape)·eps·‖Y‖/√n; crossings that
        undo each other without ever being so far apart are none.
        """
        return self._scan.jumps

    @property
    def near_crossings(self) -> tuple[NearCrossing, ...]:
        """Local minima of the gap below 1e-2 that are no jumps."""
        return self._scan.near

    @property
    def smallest_gap(self) -> float:
        """Infimum of (σ_r - σ_{r+1})/σ_1 over all strengths > 0; 0 if the path jumps, or if it is rounding."""
        return self._scan.smallest

    @property
    def is_certified(self) -> bool:
        """Whether the absence of other jumps is proved, up to rounding, for all strengths > 0; False means undecided.

        So it is where a tie is only touched, or σ_r = σ_{r+1} for whole ranges of strengths.
        """
        return self._scan.certified

    @cached_property
    def span(self) -> tuple[float, float]:
        """Whole powers of ten between which loss and ‖W⊥‖ change, and where all jumps and near-crossings are.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data(np.eye(2), [[3.0, 0.0], [0.0, 1.0]])
        >>> regularization_path(m, lv.groups.symmetric(2), rank=1).span
        (0.001, 10.0)
        """
        penalty = float((self.representation.defect**2).sum())
        inputs = float(np.square(self.data.factor[:, : self.data.inputs]).sum())
        scale = inputs / penalty if inputs and penalty else 1.0
        values = self.evaluate(scale * np.geomspace(1e-16, 1e8, 241))
        found = [jump.strength for jump in self.jumps] + [near.strength for near in self.near_crossings]
        for numbers in (values.loss, values.norm_perp):
            noise = QUIET * np.ptp(numbers) + len(numbers) * np.finfo(np.float64).eps * numbers.max()
            moving = (np.abs(numbers - numbers[0]) > noise) & (np.abs(numbers - numbers[-1]) > noise)
            found += values.strengths[moving].tolist()
        low, high = (min(found), max(found)) if found else (scale / 100, scale * 100)
        return 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Losses over λ at every rank bound, without penalty, jumps of this rank dotted; returns the axes.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data(np.eye(2), [[3.0, 0.0], [0.0, 1.0]])
        >>> axes = regularization_path(m, lv.groups.symmetric(2), rank=1).plot()
        >>> len(axes.lines), axes.get_xscale()
        (2, 'log')
        """
        axes, strengths = opened(ax), np.geomspace(*self.span, DRAWN)
        losses = self.losses(self.data, strengths).T
        ranks = range(1, min(len(losses), self._left.shape[1] + len(self._band.back)) + 1)
        chosen = {self.rank, *np.unique(np.geomspace(1, len(ranks), NAMED).round()).astype(int).tolist()} & set(ranks)
        curves = [
            Curve(f"rank {r}" + ", that of the path" * (r == self.rank), strengths, losses[[r - 1]], look)
            for r, look in zip(sorted(chosen), looks(len(chosen)), strict=True)
        ]
        draw(axes, curves)
        for jump in self.jumps:
            axes.axvline(jump.strength, color=GREY, linestyle=":", linewidth=1.2)
        axes.set_xscale("log")
        explain(axes, "strength λ", "loss without penalty")
        axes.legend(frameon=False)
        return axes

    def _columns(self) -> Columns:
        return self.evaluate(np.geomspace(*self.span, DRAWN))._columns()

    def _table(self) -> Table:
        """Of its ends: what is between may take seconds, and is for those who ask."""
        rows = [[name, end.loss, end.rank] for name, end in (("0+", self.at_zero), ("∞", self.limit))]
        return Table(repr(self), ["strength", "loss", "rank"], rows, "What is between: to_frame() and plot().")

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
        grid = self._levels(name)
        values = getattr(self.evaluate(np.exp(grid)), name) - target
        unit = abs(target) + float(np.abs(values + target).max())
        change = np.flatnonzero(np.diff(np.sign(values)) != 0)

        def rest(s: float) -> float:
            return float(getattr(self.evaluate([math.exp(s)]), name)[0]) - target

        for k in change:
            s = _root(rest, float(grid[k]), float(grid[k + 1]))
            if abs(rest(s)) <= 1e-9 * abs(target) + ATTAINED * unit:
                return math.exp(s)
        nearest = int(np.abs(values).argmin())
        if abs(values[nearest]) <= ATTAINED * unit:
            return math.exp(grid[nearest])
        if not len(change):
            least, most = (values + target).min(), (values + target).max()
            raise ValueError(
                f"No strength gives {name} = {target:.12g}: it lies between {least:.12g} and {most:.12g} at strengths "
                f"from {math.exp(grid[0]):.3g} to {math.exp(grid[-1]):.3g}; beyond them see at_zero and limit."
            )
        before, after = (rest(s + side) + target for side in (-1e-9, 1e-9))
        raise ValueError(
            f"No strength gives {name} = {target:.12g}: the path jumps across it at strength {math.exp(s):.12g}, from "
            f"{before:.12g} to {after:.12g}. See jumps."
        )

    def _levels(self, name: str) -> Array:
        """Values of log λ between which the loss, or ‖W⊥‖ but for its jumps, is taken to be monotone."""
        low, high = (float(self._tau[-1]), float(self._tau[0])) if len(self._tau) else (1.0, 1.0)
        start, stop = np.clip([2 * math.log(low) - 37, 2 * math.log(high) + 37], -700, 700).tolist()
        found = [] if name == "loss" else [end for jump in self.jumps for end in (jump.lower, jump.upper)]
        found += [] if name == "loss" else [near.strength for near in self.near_crossings]
        grid = np.concatenate([np.linspace(start, stop, 800), np.log(found)])
        return np.unique(grid)

    @cached_property
    def _scan(self) -> Found:
        return scan(self, self._left, self._free, self._tau, self._noise)

    def _spectra(self, strengths: Array, rank: int) -> tuple[Array, Array, Array, Array]:
        band = self._band
        return path_points(self._left, band.targets, band.diagonal, band.above, strengths, rank)

    def _gaps(self, sigma: Array) -> Array:
        ends = np.hstack([sigma, np.zeros((len(sigma), 1))])
        r = min(self.rank, sigma.shape[1])
        top = np.where(sigma[:, :1] > self._noise, sigma[:, :1], np.inf)
        return np.asarray(((ends[:, r - 1] - ends[:, r]) / top[:, 0]) if r else np.zeros(len(sigma)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes an npz file (no pickle) at exactly `path`: the data's moments, the group and the terms.

        >>> import linvariance as lv
        >>> from tempfile import TemporaryDirectory
        >>> m = lv.Moments.from_data([[1.0, 0.0], [0.0, 1.0]], [3.0, 1.0])
        >>> with TemporaryDirectory() as folder:
        ...     regularization_path(m, lv.groups.symmetric(2), rank=1).save(f"{folder}/path.npz")
        ...     RegularizationPath.load(f"{folder}/path.npz")
        RegularizationPath(symmetric(2), rank=1, Moments(n=2, inputs=2, outputs=1))
        """
        parts = {"data_": self.data.fields, "rep_": fields_of(self.representation)}
        named = {f"{prefix}{name}": value for prefix, part in parts.items() for name, value in part.items()}
        files.save(path, "RegularizationPath", {**named, **self._terms})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> RegularizationPath:
        """A path that `save` wrote, factorized again; ValueError if the file holds anything else."""
        return files.load(path, "RegularizationPath", _from_file)

    def __repr__(self) -> str:
        terms = f", ridge={self.ridge:g}" * (self.ridge > 0)
        terms += "" if self.inner is None else f", metric={self.inner.matrix.shape}"
        return f"RegularizationPath({self.representation!r}, rank={self.rank}{terms}, {self.data!r})"


def _from_file(fields: files.Fields) -> RegularizationPath:
    return regularization_path(
        Moments.from_fields(fields.within("data_")),
        from_fields(fields.within("rep_")),
        rank=fields.number("rank", "i"),
        ridge=fields.number("ridge"),
        metric=fields.array("metric", 2) if "metric" in fields else None,
    )


def _positive(strengths: npt.ArrayLike) -> Array:
    if isinstance(strengths, (int, float, np.number)) and not isinstance(strengths, bool):
        one = real(strengths, "strengths")
        raise TypeError(f"strengths must be several, but is {one:g}: call path({one:g}), or pass [{one:g}].")
    values = np.asarray(reals(strengths, "strengths", ndim=(1,)), dtype=np.float64)
    if values.min() <= 0:
        raise ValueError(f"strengths must be positive, but hold {values.min():g}: call the path itself at 0.")
    return values


def _root(f: Callable[[float], float], a: float, b: float) -> float:
    """A zero, or an end where f is zero but for rounding, so that the signs are equal."""
    ends = f(a), f(b)
    if ends[0] * ends[1] >= 0:
        return a if abs(ends[0]) <= abs(ends[1]) else b
    from scipy.optimize import brentq  # here: it takes a third of the time that importing the package may take

    return float(brentq(f, a, b, xtol=1e-14, rtol=1e-15))


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
