"""Probability distributions on a group: what replaces Haar's measure where a symmetry holds only approximately.

A distribution enters a squared loss through E ρ(g) and E ρ(g) S ρ(g)ᵀ. It is a product of independent factors, the
element being g = g_K ··· g_1, and each factor is a finite list of elements, or an angle along a Lie algebra element. So
a random walk of K steps costs K averages over one step, whatever the number of elements it can reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.special

from ..arrays import Array, frozen, instance, integer, real, reals
from .combine import subgroup
from .inspection import EPS, GATE
from .matrices import Conjugated
from .permutations import Permutations, as_permutations
from .representation import Elements, Representation, check_representation, moment_of, rows_of

Complex = npt.NDArray[np.complex128]
NODES_LIMIT = 4096  # of the quadrature of an angle
TAIL = 9.0  # standard deviations: beyond them lies a probability of 1e-19, and exp(-9²/2) is below eps/50


@dataclass(frozen=True, eq=False)
class Listed:
    """Finitely many elements, in the representation's own form, with weights that sum to 1."""

    elements: Elements
    weights: Array

    def mean(self, dim: int) -> Array:
        """E ρ(g)."""
        return sum((w * one for w, one in self.moved(np.eye(dim))), np.zeros((dim, dim))).T

    def average(self, S: Array) -> Array:
        """E ρ(g) S ρ(g)ᵀ."""
        pairs = zip(self.weights, self.elements, strict=True)
        return sum((w * _moved(_moved(S, g).T, g).T for w, g in pairs), np.zeros_like(S))

    def moved(self, A: Array) -> Iterator[tuple[float, Array]]:
        """The weights with A ρ(g)ᵀ, rows A moved by each element."""
        return ((float(w), _moved(A, g)) for w, g in zip(self.weights, self.elements, strict=True))

    def inverse(self) -> Listed:
        """The law of g⁻¹."""
        return Listed(np.stack([_inverse(g) for g in self.elements]), self.weights)

    def __str__(self) -> str:
        return f"{len(self.elements)} element{'s' * (len(self.elements) != 1)}"


@dataclass(frozen=True, eq=False)
class Turned:
    """exp(tA) = V exp(-iλt) V⁻¹ with t uniform in [-scale, scale], or normal with this standard deviation.

    E exp(iωt) is sin(ω·scale)/(ω·scale), or exp(-(ω·scale)²/2).
    """

    values: Array  # λ (d0,)
    V: Complex
    inverted: Complex
    scale: float
    is_normal: bool

    def mean(self, dim: int) -> Array:
        """E ρ(g)."""
        assert dim == len(self.values)
        return ((self.V * self._characteristic(self.values)) @ self.inverted).real

    def average(self, S: Array) -> Array:
        """E ρ(g) S ρ(g)ᵀ: entries between eigenvectors times the characteristic function of the difference."""
        inner = self.inverted @ S @ self.inverted.conj().T
        damped = inner * self._characteristic(self.values[:, None] - self.values)
        return (self.V @ damped @ self.V.conj().T).real

    def moved(self, A: Array) -> Iterator[tuple[float, Array]]:
        """Weights and A ρ(t)ᵀ at the nodes of a quadrature that is exact, up to rounding, for losses."""
        left, right = A @ self.inverted.T, self.V.T
        for angle, weight in zip(*self.nodes, strict=True):
            yield float(weight), ((left * np.exp(-1j * self.values * angle)) @ right).real

    @cached_property
    def nodes(self) -> tuple[Array, Array]:
        """Angles and positive weights that integrate exp(iωt) for all |ω| <= 2 max|λ|: losses hold no others.

        Uniform: Gauss's rule, whose error falls faster than exponentially beyond half the bandwidth. Normal: the
        trapezoidal rule, whose error is the characteristic function at 2π/step, less the bandwidth.
        """
        band = 2 * self.scale * float(np.abs(self.values).max(initial=0.0))
        count = 9 + 2 * TAIL * (band + TAIL) / (2 * np.pi) if self.is_normal else 22 + band / 2 + 4 * np.cbrt(band)
        if not count <= NODES_LIMIT:
            raise ValueError(
                f"The angle turns the fastest component by {band / 2:.3g} radians, which takes more than "
                f"{NODES_LIMIT:,} nodes: lower the reach or the deviation, or augment by the full group."
            )
        if not self.is_normal:
            at, weights = scipy.special.roots_legendre(int(count))
        else:
            step = 2 * np.pi / (band + TAIL)
            reach = int(np.ceil(TAIL / step))
            at = step * np.arange(-reach, reach + 1)
            weights = np.exp(-np.square(at) / 2)
        return self.scale * at, weights / weights.sum()

    def inverse(self) -> Turned:
        """The law of g⁻¹: the same, t being symmetric."""
        return self

    def _characteristic(self, frequencies: Array) -> Array:
        with np.errstate(over="ignore"):  # to inf, where it is 0 long since
            angles = np.clip(self.scale * frequencies, -1e300, 1e300)
            return np.exp(-np.square(angles) / 2) if self.is_normal else np.sinc(angles / np.pi)

    def __str__(self) -> str:
        return f"a normal angle of deviation {self.scale:g}" if self.is_normal else f"an angle up to {self.scale:g}"


class Distribution:
    """The law of ρ(g_K) ··· ρ(g_1) for independent factors; see `weighted`, `random_walk`, `uniform_turns`, ...

    Immutable. `augmented(..., distribution=)` poses the problem of data augmented by it; `augmentation.departure`
    bounds what that changes against the full group.

    >>> from linvariance.groups import cyclic
    >>> step = weighted(cyclic(4), [[0, 1, 2, 3], [1, 2, 3, 0]])  # stay, or shift by one
    >>> step.power(2).project([4.0, 0.0, 0.0, 0.0])
    array([1., 0., 1., 2.])
    """

    def __init__(self, representation: Representation, factors: tuple[Listed | Turned, ...]) -> None:
        self._representation, self._factors = representation, factors

    @property
    def representation(self) -> Representation:
        """ρ."""
        return self._representation

    @property
    def factors(self) -> tuple[Listed | Turned, ...]:
        """The factors, the one that acts first (on the data) first; none for the identity alone."""
        return self._factors

    def mean(self) -> Array:
        """E ρ(g) (d0, d0)."""
        return self.project(np.eye(self._representation.dim))

    def project(self, W: npt.ArrayLike) -> Array:
        """W E ρ(g) for any (..., d0): what the full group's Reynolds operator becomes, in general no projection."""
        W = rows_of(W, self._representation.dim)
        for factor in reversed(self._factors):
            W = W @ factor.mean(self._representation.dim)
        return W

    def average_moment(self, S: npt.ArrayLike) -> Array:
        """E ρ(g) S ρ(g)ᵀ (d0, d0)."""
        S = moment_of(S, self._representation.dim)
        for factor in self._factors:
            S = factor.average(S)
        return S

    def then(self, other: Distribution) -> Distribution:
        """The law of hg, g drawn from this distribution and h independently from the other: their convolution."""
        instance(other, Distribution, "other", "see linvariance.groups.weighted")
        if other.representation != self.representation:
            raise ValueError(f"other is a distribution on {other.representation!r}, not on {self.representation!r}.")
        return Distribution(self._representation, self._factors + other.factors)

    def power(self, steps: int) -> Distribution:
        """The law of a product of `steps` independent elements; of none, the identity."""
        return Distribution(self._representation, self._factors * integer(steps, "steps", 0, 10_000))

    def inverse(self) -> Distribution:
        """The law of g⁻¹."""
        return Distribution(self._representation, tuple(f.inverse() for f in reversed(self._factors)))

    def __repr__(self) -> str:
        kinds = dict.fromkeys(map(str, self._factors))
        counts = {kind: sum(str(f) == kind for f in self._factors) for kind in kinds}
        what = " and ".join(f"{k} x {kind}" if k > 1 else kind for kind, k in counts.items()) or "the identity"
        return f"<{what} on {self._representation!r}>"


def weighted(rep: Representation, elements: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Distribution:
    """A finite list of group elements with probabilities.

    Args:
        rep: the representation ρ.
        elements: (K, ...) in its own form, as `rep.elements()` and `rep.draw` give them. That they are elements is
            verified only so far: they must fix what the group fixes, and be orthogonal if ρ is.
        weights: (K,), non-negative, in any unit; None for equal ones.

    Raises:
        TypeError, ValueError: naming the argument.

    >>> from linvariance.groups import symmetric
    >>> mu = weighted(symmetric(2), [[0, 1], [1, 0]], [3, 1])
    >>> mu.mean().tolist(), mu.average_moment(np.diag([4.0, 0.0])).tolist()
    ([[0.75, 0.25], [0.25, 0.75]], [[3.0, 0.0], [0.0, 1.0]])
    """
    check_representation(rep)
    given = _elements(rep, elements)
    if weights is None:
        return Distribution(rep, (_listed(given, np.ones(len(given))),))
    mass = np.asarray(reals(weights, "weights", ndim=(1,)), dtype=np.float64)
    if len(mass) != len(given):
        raise ValueError(f"weights has {len(mass)} entries for {len(given)} elements.")
    if mass.min() < 0 or mass.max() == 0:
        raise ValueError(f"weights reach from {mass.min():g} to {mass.max():g}: pass probabilities, not all of them 0.")
    return Distribution(rep, (_listed(given, mass),))


def random_walk(rep: Representation, steps: int, *, rate: float = 0.5) -> Distribution:
    """Noise by generators: `steps` times, with probability `rate` multiply by a random generator or its inverse.

    All 2M generators and inverses are equally likely. Never enumerated: each step is an average over 2M + 1 elements.
    For rate < 1 the limit of many steps is the full group, at the rate that `augmentation.mixing` computes.

    >>> from linvariance.groups import cyclic
    >>> random_walk(cyclic(5), 1, rate=0.2).project([1.0, 0.0, 0.0, 0.0, 0.0]).round(12).tolist()
    [0.8, 0.1, 0.0, 0.0, 0.1]
    """
    check_representation(rep)
    rate = real(rate, "rate")
    if rate > 1:
        raise ValueError(f"rate is a probability and must be at most 1, but is {rate:g}.")
    if len(rep.algebra):
        raise ValueError(
            f"rep: a walk by generators is for groups without a Lie algebra, and {rep!r} has one: combine "
            "uniform_turns or heat_kernel along its elements by `then` and `power`."
        )
    moves = [*rep.generators, *(_inverse(g) for g in rep.generators)]
    identity = _identity_like(rep.generators[0])
    weights = np.array([1 - rate, *[rate / len(moves)] * len(moves)])
    return Distribution(rep, (_listed(np.stack([identity, *moves]), weights),)).power(steps)


def sampled(rep: Representation, draws: int, rng: np.random.Generator) -> Distribution:
    """Equal weights on `draws` elements drawn from Haar's measure: augmentation by a random sub-sample of the group.

    >>> from linvariance.groups import symmetric
    >>> sampled(symmetric(100), 20, np.random.default_rng(0))
    <20 elements on symmetric(100)>
    """
    check_representation(rep)
    return weighted(rep, rep.draw(integer(draws, "draws"), rng))


def uniform_turns(rep: Representation, reach: float, *, along: int = 0) -> Distribution:
    """Partial rotations: exp(tA), t uniform in [-reach, reach], A = rep.algebra[along].

    For a group without a Lie algebra the powers -reach, ..., reach of the generator number `along`, equally likely;
    then `reach` counts powers and is an integer. Fractional powers would be no elements of the group.

    >>> from linvariance.groups import image_rotations, rotations
    >>> mu = uniform_turns(rotations(2), np.pi / 2)
    >>> np.allclose(mu.mean(), 2 / np.pi * np.eye(2))  # sin(π/2)/(π/2)
    True
    >>> uniform_turns(image_rotations(14), 1)
    <3 elements on image_rotations(14)>
    """
    along = _place(rep, along)
    if len(rep.algebra):
        return _turned(rep, along, real(reach, "reach"), is_normal=False)
    reach = integer(reach, "reach", minimum=0, maximum=10**6)
    powers = _powers(rep, along)
    counts = np.bincount(np.arange(-reach, reach + 1) % len(powers), minlength=len(powers))
    return Distribution(rep, (_listed(powers, counts.astype(np.float64)),))


def heat_kernel(rep: Representation, deviation: float, *, along: int = 0) -> Distribution:
    """Diffusion along one direction: exp(tA), t normal with this standard deviation, A = rep.algebra[along].

    For a group without a Lie algebra powers of the generator number `along`, of the walk in continuous time whose
    exponent has this standard deviation: a factor exp(-deviation²(1 - cos θ)) for its eigenvalues exp(iθ).

    >>> from linvariance.groups import cyclic, rotations
    >>> np.allclose(heat_kernel(rotations(2), 1.0).mean(), np.exp(-0.5) * np.eye(2))
    True
    >>> np.allclose(heat_kernel(cyclic(6), 100.0).mean(), 1 / 6)
    True
    """
    along, deviation = _place(rep, along), real(deviation, "deviation")
    if len(rep.algebra):
        return _turned(rep, along, deviation, is_normal=True)
    powers = _powers(rep, along)
    angles = np.pi * np.arange(len(powers)) / len(powers)  # half of them
    with np.errstate(over="ignore"):
        damped = np.exp(-2 * np.square(deviation * np.sin(angles)))
    return Distribution(rep, (_listed(powers, np.maximum(np.fft.ifft(damped).real, 0.0)),))


def _listed(elements: Elements, mass: Array) -> Listed:
    """Weights normalized, elements of a weight that is rounding left out."""
    kept = mass > EPS / 64 * mass.max()
    share = mass[kept] / mass.max()
    return Listed(frozen(elements[kept]), frozen(share / share.sum()))


def _turned(rep: Representation, along: int, scale: float, *, is_normal: bool) -> Distribution:
    base, T = rep.orthogonal_form if isinstance(rep, Conjugated) else (rep, np.eye(rep.dim))
    values, U = scipy.linalg.eigh(1j * base.algebra[along])
    V, inverted = np.linalg.solve(T, U), U.conj().T @ T
    return Distribution(rep, (Turned(frozen(values), frozen(V), frozen(inverted), scale, is_normal),))


def _place(rep: Representation, along: int) -> int:
    check_representation(rep)
    count = len(rep.algebra) or len(rep.generators)
    place = integer(along, "along", minimum=0)
    if place >= count:
        raise ValueError(f"along is {place}, but {rep!r} has only {count} directions, 0 .. {count - 1}.")
    return place


def _powers(rep: Representation, along: int) -> Elements:
    """1, ρ, ρ², ... of one generator, of finite order."""
    return subgroup(rep, [along]).elements()


def _elements(rep: Representation, elements: Any) -> Elements:
    """The gate for elements in the representation's own form."""
    shape = rep.generators.shape[1:]
    array = reals(elements, "elements", ndim=(len(shape) + 1,))
    if array.shape[1:] != shape:
        raise ValueError(f"elements must be (K, {', '.join(map(str, shape))}), but have shape {array.shape}.")
    if isinstance(rep, Permutations):
        table = array if array.ndim == 2 else array[:, 0]
        if array.ndim == 3 and not (np.abs(array[:, 1]) == 1).all():
            raise ValueError("elements must hold signs +1 or -1 in their second rows.")
        as_permutations(table, "elements")
        array = array.astype(rep.generators.dtype)
    else:
        array = array.astype(np.float64)
    B, gate = rep.invariant_basis(), GATE * rep.dim * EPS * rep.rounding_growth()
    for k, g in enumerate(array):
        if rep.is_orthogonal and array.dtype.kind == "f" and np.linalg.norm(g.T @ g - np.eye(rep.dim)) > gate:
            raise ValueError(f"elements[{k}] is not orthogonal, so it is no element of {rep!r}.")
        if len(B) and np.linalg.norm(rep.multiply(B, g) - B) > gate:
            raise ValueError(f"elements[{k}] moves what the group leaves fixed, so it is no element of {rep!r}.")
    return array


def _moved(A: Array, element: Elements) -> Array:
    """A ρ(g)ᵀ, rows moved by an element: a matrix, an index array, or index array and signs."""
    if element.dtype.kind == "f":
        return A @ element.T
    images, signs = (element, 1) if element.ndim == 1 else element
    out = np.empty_like(A)
    out[:, images] = A * signs
    return out


def _inverse(element: Elements) -> Elements:
    if element.dtype.kind == "f":
        return np.linalg.inv(element)
    if element.ndim == 1:
        return np.argsort(element)
    back = np.argsort(element[0])
    return np.stack([back, element[1][back]])


def _identity_like(element: Elements) -> Elements:
    if element.dtype.kind == "f":
        return np.eye(len(element))
    places = np.arange(element.shape[-1])
    return places if element.ndim == 1 else np.stack([places, np.ones_like(places)])
