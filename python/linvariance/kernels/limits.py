"""Tangent kernels of infinitely wide two-layer networks: closed forms, and Hermite series for smooth activations."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from ..arrays import Array, row_slices
from ..networks.activations import Activation
from ..networks.activations import activation as named
from .kernel import LARGEST, pair, refuse_large

EPS = float(np.finfo(np.float64).eps)
NEARLY_PARALLEL = 0.99  # above it arccos(uᵀv) magnifies the rounding of uᵀv by more than 1/sin θ = 7
TERMS = 2**16  # of the Hermite series at most
CHUNK = 64  # of them at once
TAIL = 1e-13  # the series is cut where the rest is below TAIL √(Θ(x, x) Θ(x', x'))


def ntk(X: npt.ArrayLike, X2: npt.ArrayLike | None = None, activation: str = "relu") -> Array:
    """Θ(x, x') = E φ(wᵀx) φ(wᵀx') + xᵀx' E φ'(wᵀx) φ'(wᵀx'), w ~ N(0, I): (n, m).

    The limiting tangent kernel of f(x) = m^{-1/2} Σ a_i φ(w_iᵀx), both layers trained   (Duan & Montúfar, Eq. (61)).

    With θ the angle between x and x' and Θ_relu = (2 (π - θ) cos θ + sin θ) ‖x‖ ‖x'‖ / 2π, that of
    φ(z) = s z + (1 - s) max(z, 0) is 2 s xᵀx' + (1 - s)² Θ_relu. Smooth φ have Σ_k (k + 1) c_k(‖x‖) c_k(‖x'‖) cosᵏθ,
    c_k(r) the Hermite coefficients of u ↦ φ(r u), cut where the rest is at most 1e-13 √(Θ(x, x) Θ(x', x')).

    Args:
        X: (n, d0).
        X2: (m, d0), X unless given.
        activation: "identity", "relu", "leaky_relu", "swish", "tanh" or "gelu".

    Raises:
        ValueError: if a row's norm exceeds 1e150, 40 for swish, 38 for gelu, 20 for tanh: the number of terms
            grows with its square.

    >>> ntk([[1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]).round(6).tolist()
    [[1.0, 0.159155, 0.0]]
    """
    phi = named(activation)
    X, X2 = pair(X, X2)
    radii, units = _polar(X, "X", phi)
    radii2, units2 = (radii, units) if X2 is X else _polar(X2, "X2", phi)
    K = np.empty((len(X), len(X2)))
    block = _smooth if phi.leak is None else _piecewise_linear
    for rows in row_slices(len(X), len(X2)):
        K[rows] = block(phi, radii[rows], units[rows], radii2, units2)
    return K


def _polar(X: Array, name: str, phi: Activation) -> tuple[Array, Array]:
    """Norms (n,) and directions (n, d0) of the rows, whatever their scale; 0 has the direction 0."""
    scale = np.abs(X).max(axis=1)
    directions = X / np.where(scale > 0, scale, 1.0)[:, None]  # first by the largest entry: squares leave the range
    lengths = np.linalg.norm(directions, axis=1)
    with np.errstate(over="ignore"):
        norms = scale * lengths
    # c_k decays like exp(-√k strip/r): e^-40 with a factor k² is below TAIL.
    refuse_large(norms.max(), name, min(LARGEST, phi.strip * math.sqrt(TERMS) / 20), phi.name)
    return norms, directions / np.where(lengths > 0, lengths, 1.0)[:, None]


def _piecewise_linear(phi: Activation, r: Array, U: Array, r2: Array, V: Array) -> Array:
    assert phi.leak is not None
    s, t = phi.leak, U @ V.T
    inner = 2 * s * t
    if s != 1:
        theta = _angles(t, U, V)
        inner += (1 - s) ** 2 / (2 * np.pi) * (2 * t * (np.pi - theta) + np.sin(theta))
    return inner * np.multiply.outer(r, r2)


def _angles(t: Array, U: Array, V: Array) -> Array:
    """θ (n, m) between unit rows with the inner products t; anything where one is 0.

    Not arccos near 0 and π: there a rounding in t of eps moves θ, and with it Θ, by √eps. ‖u - v‖ and ‖u + v‖ are
    accurate, but cost d0 operations a pair that no matrix product can do, so they are for those pairs only.
    """
    theta: Array = np.arccos(np.clip(t, -1.0, 1.0))
    i, j = np.nonzero(np.abs(t) > NEARLY_PARALLEL)
    for some in row_slices(len(i), U.shape[1]):
        u, v = U[i[some]], V[j[some]]
        angle = 2 * np.arctan2(np.linalg.norm(u - v, axis=1), np.linalg.norm(u + v, axis=1))
        theta[i[some], j[some]] = angle
    return theta


def _smooth(phi: Activation, r: Array, U: Array, r2: Array, V: Array) -> Array:
    """The Hermite series: all pairs in the first chunk, afterwards those whose rest is not yet small."""
    t, n = np.clip(U @ V.T, -1.0, 1.0), len(r)
    series = _HermiteSeries(phi, np.concatenate([r, r2]))
    K = _horner(t, (np.multiply.outer(c[:n], c[n:]) for c in series.chunk()))
    i, j = np.divmod(np.arange(t.size), len(r2))
    t, power, leap = t.ravel(), np.ones(t.size), t.ravel() ** CHUNK
    for _ in range(CHUNK, TERMS, CHUNK):
        power *= leap
        on = np.flatnonzero(np.abs(power) * np.sqrt(series.rest[i] * series.rest[n + j]) > TAIL * series.size(i, n + j))
        if not len(on):
            break
        i, j, t, power, leap = (a[on] for a in (i, j, t, power, leap))
        K[i, j] += power * _horner(t, (c[i] * c[n + j] for c in series.chunk()))
    return K


def _horner(t: Array, coefficients: Iterable[Array]) -> Array:
    """Σ_k coefficient_k tᵏ, the highest coming first."""
    total = np.zeros_like(t)
    for one in coefficients:
        total *= t
        total += one
    return total


class _HermiteSeries:
    """√(k + 1) c_k(r), c_k(r) = E φ(r u) h_k(u) with orthonormal h_k and u ~ N(0, 1), for radii r (n,), in chunks of k.

    By the trapezoidal rule, which converges geometrically, its step chosen so that neither φ(r u) nor h_k aliases.

    Attributes:
        energy: Θ(x, x) = E φ(r u)² + r² E φ'(r u)² = Σ (k + 1) c_k² (n,), since k c_k² = r² E[φ' h_{k-1}]².
        rest: of it, what the coefficients given out so far leave (n,): it bounds the rest of the series.
    """

    def __init__(self, phi: Activation, r: Array) -> None:
        largest = r.max() / phi.strip
        step = 2 * np.pi / (24 + 60 * largest)  # √k <= 8 + 20·largest, φ(r u) 37·largest, the Gaussian 12
        u = step * np.arange(-math.ceil(13 / step), math.ceil(13 / step) + 1)
        root = np.exp(-(u**2) / 4) / (2 * np.pi) ** 0.25  # of the density, 1e-18 at the ends
        self.energy, self._values = np.empty(len(r)), np.empty((len(r), len(u)))
        for rows in row_slices(len(r), len(u)):  # between two of them Ctrl-C is heard
            z = np.multiply.outer(r[rows], u)
            values, slopes = phi.function(z), r[rows, None] * phi.derivative(z)
            self.energy[rows] = (values**2 + slopes**2) @ (step * root**2)
            self._values[rows] = step * root * values
        self.rest, self._k = self.energy.copy(), 0
        self._nodes, self._before, self._now = u, np.zeros_like(u), root

    def size(self, i: npt.NDArray[np.int64], j: npt.NDArray[np.int64]) -> Array:
        """√(Θ(x_i, x_i) Θ(x_j, x_j))."""
        return np.sqrt(self.energy[i] * self.energy[j])

    def chunk(self) -> Array:
        """The next CHUNK ones, highest k first: (CHUNK, n)."""
        functions, weights = np.empty((CHUNK, len(self._nodes))), np.sqrt(self._k + 1 + np.arange(CHUNK))
        for row in functions:  # h_k √density, whose recurrence is stable and bounded
            row[:] = self._now
            following = (self._nodes * self._now - math.sqrt(self._k) * self._before) / math.sqrt(self._k + 1)
            self._before, self._now, self._k = self._now, following, self._k + 1
        C = (functions @ self._values.T) * weights[:, None]
        # What is left of a difference is rounding at 16 eps; times the rest of a larger norm it would still count.
        self.rest = np.maximum(self.rest - np.square(C).sum(axis=0), 16 * EPS * self.energy)
        return C[::-1]
