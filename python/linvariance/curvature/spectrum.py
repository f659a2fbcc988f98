"""The spectrum of a Hessian: its extreme eigenvalues, its density, and sharpness along a run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

import numpy as np
import scipy.linalg
from numpy.polynomial import chebyshev
from scipy.sparse.linalg import LinearOperator, eigsh

from ..arrays import Array, instance, integer, listed
from ..networks.network import Network
from ..plots import draw_line, explain, opened
from ..problems import Problem
from ..progress import Progress, check_progress, followed, meter
from ..tables import Columns, Tabular
from ..training.trace import Trace
from .along import Along
from .hessians import CurvatureOperator, check_network, hessian

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DENSE = 400  # parameters up to which LAPACK finds a well separated eigenvalue as fast as Lanczos
EXACT = 3000  # parameters up to which LAPACK takes seconds
LEAST = 1e-5  # of the highest bump of a density: what is below it is not drawn
RESIDUAL = 1e-8  # of Lanczos, in units of the width of the spectrum, as the rtol of `classify`


@dataclass(frozen=True, eq=False)
class Extremes(Tabular):
    """The two ends of a Hessian's spectrum.

    Attributes:
        lowest: the k smallest eigenvalues, ascending; lowest_vectors: theirs (N, k), orthonormal columns.
        highest: the k largest, descending; highest_vectors: theirs (N, k).
    """

    lowest: Array
    highest: Array
    lowest_vectors: Array = field(repr=False)
    highest_vectors: Array = field(repr=False)

    def _columns(self) -> Columns:
        return {"lowest": self.lowest, "highest": self.highest}


@overload
def extremes(H: CurvatureOperator, k: int = 1, *, progress: Progress = False) -> Extremes: ...
@overload
def extremes(H: Along[CurvatureOperator], k: int = 1, *, progress: Progress = False) -> tuple[Extremes, ...]: ...
def extremes(
    H: CurvatureOperator | Along[CurvatureOperator], k: int = 1, *, progress: Progress = False
) -> Extremes | tuple[Extremes, ...]:
    """The k smallest and the k largest eigenvalues with their vectors; the same for every call.

    Of the operators along a run a tuple, one for each. With progress=True a bar on stderr counts these, or the products
    with a single one; a callback (done, total) hears of them.

    LAPACK for up to 3000 parameters, else SciPy's Lanczos up to residuals of 1e-8 of the spectrum's width. There the
    lowest ones may take many products: at minima they are 0 many times over, with others close by on real data.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data([[1.0]], [[2.0]])
    >>> ends = extremes(lv.hessian(lv.unconstrained(m, rank=1), lv.Network([[[0.0]], [[0.0]]])))
    >>> ends.lowest.round(12), ends.highest.round(12)  # f(a, b) = (ab - 2)² at its saddle
    (array([-4.]), array([4.]))
    """
    if isinstance(H, Along):
        return tuple(extremes(one, k) for one in followed(H, "States", progress))
    _check_operator(H)
    check_progress(progress)
    size = H.shape[0]
    k = integer(k, "k", maximum=size)
    if size > max(EXACT, 4 * k):
        return _lanczos(H, k, RESIDUAL, progress)
    # All of them: of multiple eigenvalues LAPACK's search for some may return none.
    values, vectors = scipy.linalg.eigh(H.to_dense(), driver="evd")
    return Extremes(values[:k], values[: -k - 1 : -1], vectors[:, :k], vectors[:, : -k - 1 : -1])


def sharpness(problem: Problem, networks: Sequence[Network] | Trace, *, progress: Progress = False) -> Array:
    """The largest eigenvalue of the Hessian at each of several networks (T,), or at each state of a Trace.

    Gradient descent is stable at a minimum while lr is below 2/sharpness. Each search starts from the vector found at
    the network before. With progress=True a bar on stderr counts networks; a callback (done, total) hears of them.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.eye(3), np.diag([3.0, 2.0, 1.0]))
    >>> p, start = lv.unconstrained(m, rank=1), lv.init.given([np.full((1, 3), 0.1), np.full((3, 1), 0.1)])
    >>> keep = lv.Record(every=100, networks=True)
    >>> run = lv.train(p, epochs=200, optimizer=lv.GradientDescent(0.1), init=start, record=keep)
    >>> sharpness(p, run).round(3)
    array([2.007, 4.   , 4.   ])
    """
    if isinstance(networks, Trace):
        networks = [network for _, network in networks.single("networks").states()]
    networks = listed(networks, "networks")
    if not networks:
        raise ValueError("networks is empty: pass at least one Network.")
    for t, network in enumerate(networks):
        check_network(problem, network, f"networks[{t}]")
    values, vector = [], np.zeros(0)
    for t, network in enumerate(followed(networks, "Sharpness", progress)):
        H = hessian(problem, network)
        _check_operator(H, f"networks[{t}]")
        if H.shape[0] <= DENSE:
            values.append(extremes(H).highest[0])
            continue
        start = _random_start(H.shape[0])
        if vector.size == start.size:  # a little noise stays: by symmetry the new vector may be orthogonal to the old
            start = vector + 1e-2 * start / np.linalg.norm(start)
        value, top = _largest(H.matvec, 1, start, RESIDUAL)
        values.append(value[0])
        vector = top[:, 0]
    return np.array(values)


@dataclass(frozen=True, eq=False)
class SpectralDensity(Tabular):
    """The smoothed density p of a Hessian's eigenvalues, which integrates to 1.

    It is the Chebyshev series of the spectrum up to a degree, damped by Jackson's kernel: never negative, and as if
    each eigenvalue were a bump of standard deviation π·half/degree at the center, less towards the ends (Weisse,
    Wellein, Alvermann and Fehske, Rev. Mod. Phys. 78, 275).

    Attributes:
        grid: x (T,), ascending, Chebyshev's nodes of an interval 1 % wider than the spectrum.
        density: p(x) (T,); 0 outside the grid.
        moments: mean over the N eigenvalues λ of T_k((λ - center)/half), k = 0, ..., degree, not damped.
        errors: their standard errors; 0 where all eigenvalues were computed.
        center, half: of the interval.
    """

    grid: Array
    density: Array
    moments: Array
    errors: Array
    center: float
    half: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """The density on a logarithmic axis; draws into `ax` if given, where others may be, and returns it.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data([[1.0]], [[2.0]])
        >>> H = lv.hessian(lv.unconstrained(m, rank=1), lv.Network([[[0.0]], [[0.0]]]))
        >>> spectral_density(H).plot().get_yscale()
        'log'
        """
        axes = opened(ax)
        draw_line(axes, self.grid, np.where(self.density > LEAST * self.density.max(), self.density, np.nan))
        axes.set_yscale("log")
        explain(axes, "eigenvalue", "density")
        return axes

    def _columns(self) -> Columns:
        return {"grid": self.grid, "density": self.density}

    def __repr__(self) -> str:
        degree, least, most = len(self.moments) - 1, self.grid[0], self.grid[-1]
        return f"SpectralDensity(degree {degree}, {len(self.grid)} points from {least:.4g} to {most:.4g})"


@overload
def spectral_density(H: CurvatureOperator, degree: int = 200) -> SpectralDensity: ...
@overload
def spectral_density(H: Along[CurvatureOperator], degree: int = 200) -> tuple[SpectralDensity, ...]: ...
def spectral_density(
    H: CurvatureOperator | Along[CurvatureOperator], degree: int = 200
) -> SpectralDensity | tuple[SpectralDensity, ...]:
    """The density of all eigenvalues, each computed; up to 3000 parameters. Along a run a tuple, one for each state.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data([[1.0]], [[2.0]])
    >>> p = spectral_density(lv.hessian(lv.unconstrained(m, rank=1), lv.Network([[[0.0]], [[0.0]]])))
    >>> np.interp([-4.0, 0.0, 4.0], p.grid, p.density).round(2)  # eigenvalues ±4
    array([22.81,  0.  , 22.81])
    """
    if isinstance(H, Along):
        return tuple(spectral_density(one, degree) for one in H)
    _check_operator(H)
    degree = integer(degree, "degree", maximum=10**5)
    if H.shape[0] > EXACT:
        raise ValueError(
            f"H has {H.shape[0]} rows: all eigenvalues are computed for up to {EXACT} only. Call sampled_density."
        )
    values = scipy.linalg.eigvalsh(H.to_dense())
    center, half = _interval(values[0], values[-1])
    angle = np.arccos((values - center) / half)
    moments = np.array([np.cos(k * angle).mean() for k in range(degree + 1)])
    return _smoothed(moments, np.zeros(degree + 1), center, half)


@overload
def sampled_density(
    H: CurvatureOperator, *, probes: int, rng: np.random.Generator, degree: int = 200, progress: Progress = False
) -> SpectralDensity: ...
@overload
def sampled_density(
    H: Along[CurvatureOperator], *, probes: int, rng: np.random.Generator, degree: int = 200, progress: Progress = False
) -> tuple[SpectralDensity, ...]: ...
def sampled_density(
    H: CurvatureOperator | Along[CurvatureOperator],
    *,
    probes: int,
    rng: np.random.Generator,
    degree: int = 200,
    progress: Progress = False,
) -> SpectralDensity | tuple[SpectralDensity, ...]:
    """The same from products with random ±1 vectors, degree/2 with each probe: for networks of any size.

    The mean of zᵀ T_k z / N estimates the k-th moment; the kernel polynomial method. With progress=True a bar on stderr
    counts products with all probes, or the states of a run; a callback (done, total) hears of them.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data([[1.0]], [[2.0]])
    >>> H = lv.hessian(lv.unconstrained(m, rank=1), lv.Network([[[0.0]], [[0.0]]]))
    >>> p = sampled_density(H, probes=100, rng=np.random.default_rng(0))
    >>> bool(p.errors.max() < 0.1)
    True
    """
    if isinstance(H, Along):
        states = followed(H, "States", progress)
        return tuple(sampled_density(one, probes=probes, rng=rng, degree=degree) for one in states)
    _check_operator(H)
    degree, probes = integer(degree, "degree", maximum=10**5), integer(probes, "probes", minimum=2, maximum=10**6)
    instance(rng, np.random.Generator, "rng", "pass numpy.random.default_rng(seed)")
    ends = extremes(H) if H.shape[0] <= EXACT else _lanczos(H, 1, 1e-4)  # a 1 % wider interval forgives that
    center, half = _interval(ends.lowest[0], ends.highest[0])
    Z = rng.choice([-1.0, 1.0], (H.shape[0], probes))
    samples = _chebyshev_samples(lambda V: (H.matmat(V) - center * V) / half, Z, degree, progress)
    return _smoothed(samples.mean(axis=1), samples.std(axis=1, ddof=1) / np.sqrt(probes), center, half)


def _smoothed(moments: Array, errors: Array, center: float, half: float) -> SpectralDensity:
    """At four nodes a moment, enough for any curve through the points to show every bump."""
    n = len(moments)
    step = np.pi / (n + 1)
    k = np.arange(n)
    jackson = ((n + 1 - k) * np.cos(k * step) + np.sin(k * step) / np.tan(step)) / (n + 1)
    angle = np.pi * (np.arange(4 * n)[::-1] + 0.5) / (4 * n)
    series = chebyshev.chebval(np.cos(angle), moments * jackson * np.where(k, 2.0, 1.0))
    density = np.maximum(series, 0.0) / (np.pi * half * np.sin(angle))  # below 0 by rounding only
    return SpectralDensity(center + half * np.cos(angle), density, moments, errors, center, half)


def _chebyshev_samples(apply: Callable[[Array], Array], Z: Array, degree: int, progress: Progress = False) -> Array:
    """zᵀ T_k z / N for k = 0, ..., degree and each column z (degree + 1, probes).

    T_{j+k} + T_{j-k} = 2 T_j T_k saves half of the products.
    """
    samples = np.empty((degree + 2, Z.shape[1]))
    last, this = Z, apply(Z)
    samples[0], samples[1] = 1.0, (Z * this).mean(axis=0)
    for k in followed(range(1, degree // 2 + 1), "Density", progress):
        samples[2 * k] = 2 * (this * this).mean(axis=0) - samples[0]
        last, this = this, 2 * apply(this) - last
        samples[2 * k + 1] = 2 * (this * last).mean(axis=0) - samples[1]
    return samples[: degree + 1]


def _interval(low: float, high: float) -> tuple[float, float]:
    """Center and half width, 1 % wider than the spectrum: Chebyshev's weight is infinite at the ends."""
    center, width = float(low + high) / 2, float(high - low)
    if width > RESIDUAL * max(abs(low), abs(high)):
        return center, 1.01 * width / 2
    return center, abs(center) or 1.0  # a multiple of the identity: one bump in an interval of its own


def _lanczos(H: CurvatureOperator, k: int, residual: float, progress: Progress = False) -> Extremes:
    """The lowest as the largest of λ_max - H: for an eigenvalue near 0 ARPACK wants a residual relative to it."""
    start, count = _random_start(H.shape[0]), itertools.count(1)
    with meter(progress, "Products", None) as report:

        def product(v: Array) -> Array:
            found: Array = H.matvec(v)
            report(next(count))
            return found

        high, top = _largest(product, k, start, residual)
        drop, bottom = _largest(lambda v: high[0] * v - product(v), k, start, residual)
    return Extremes(high[0] - drop, high, bottom, top)


def _largest(apply: Callable[[Array], Array], k: int, start: Array, residual: float) -> tuple[Array, Array]:
    """The k largest eigenvalues of a symmetric map, descending, and their vectors."""
    size = start.size
    if not apply(start).any():  # the map is 0, which ARPACK takes for a bad start
        return np.zeros(k), np.eye(size, k)
    operator = LinearOperator((size, size), matvec=lambda v: apply(np.ravel(v)), dtype=np.float64)
    values, vectors = eigsh(operator, k=k, which="LA", v0=start, ncv=min(size, max(40, 4 * k)), tol=residual)
    order = np.argsort(-values, kind="stable")
    return values[order], vectors[:, order]


def _random_start(size: int) -> Array:
    return np.random.default_rng(0).standard_normal(size)


def _check_operator(H: CurvatureOperator, name: str = "H") -> None:
    instance(H, CurvatureOperator, name, "make one with hessian(problem, network)")
    if not H.shape[0]:
        raise ValueError(f"{name} is empty: the network has no weights.")
    if not np.isfinite(H.matvec(_random_start(H.shape[0]))).all():
        raise ValueError(
            f"{name} has second derivatives that overflow: scale the data or the weights of the network down."
        )
