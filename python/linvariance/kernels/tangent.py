"""Tangent kernels of networks of finite width at their initialization."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..arrays import Array, frozen, instance, integer, row_slices
from ..groups import Representation
from ..groups.representation import Elements, check_representation
from ..networks.activations import Activation
from ..networks.activations import activation as named
from .kernel import LARGEST, moving, pair, refuse_large


@dataclass(frozen=True, eq=False)
class FiniteWidth:
    """The tangent kernel at one initialization of f(x) = m^{-1/2} Σ a_i mean_g φ(w_iᵀρ(g)x): a kernel.

    Attributes:
        rep: the group; the trivial one for a network without convolution.
        activation: its name.
        weights: rows w_i (m, d0).
        outputs: a (m,).
    """

    rep: Representation
    activation: str
    weights: Array = field(repr=False)
    outputs: Array = field(repr=False)

    @property
    def width(self) -> int:
        """Number m of hidden neurons."""
        return len(self.outputs)

    @cached_property
    def _elements(self) -> tuple[Representation, Elements]:
        return moving(self.rep)

    def __call__(self, X: npt.ArrayLike, X2: npt.ArrayLike | None = None) -> Array:
        """(n, m); takes |G| copies of the data and |G|² products of matrices, half of them for K(X, X)."""
        X, X2 = pair(X, X2, self.rep.dim)
        phi, (acting, elements) = named(self.activation), self._elements
        for name, A in (("X", X), ("X2", X2)):
            refuse_large(float(np.abs(A).max()) * math.sqrt(self.rep.dim), name, LARGEST, phi.name)
        symmetric = X2 is X
        orbit = [acting.multiply(X, g) for g in elements]
        orbit2 = orbit if symmetric else [acting.multiply(X2, g) for g in elements]
        K = np.zeros((len(X), len(X2)))
        for some in row_slices(self.width, len(elements) * (len(X) + len(X2) * (not symmetric)), at_least=256):
            W, sizes = self.weights[some], np.abs(self.outputs[some])
            seen = [x @ W.T for x in orbit]
            seen2 = seen if symmetric else [x @ W.T for x in orbit2]
            # df/da_i = m^{-1/2} mean_g φ, df/dw_i = m^{-1/2} a_i mean_g φ' ρ(g)x
            total = _summed(phi, seen)
            K += total @ (total if symmetric else _summed(phi, seen2)).T
            slopes = [phi.derivative(z) * sizes for z in seen]
            slopes2 = slopes if symmetric else [phi.derivative(z) * sizes for z in seen2]
            for g, (x, slope) in enumerate(zip(orbit, slopes, strict=True)):
                for h in range(g if symmetric else 0, len(orbit2)):
                    part = (slope @ slopes2[h].T) * (x @ orbit2[h].T)
                    K += part
                    if symmetric and h > g:
                        K += part.T
        return K / (self.width * len(elements) ** 2)


def _summed(phi: Activation, seen: list[Array]) -> Array:
    total = np.zeros_like(seen[0])
    for z in seen:
        total += phi.function(z)
    return total


def finite_width(rep: Representation, *, width: int, rng: np.random.Generator, activation: str = "relu") -> FiniteWidth:
    """One draw w_i ~ N(0, I), a_i ~ N(0, 1) of the group-convolutional two-layer network, as its tangent kernel.

    Its mean over draws is `convolutional(ntk, rep)` at any width; one draw is off by a multiple of 1/√width
    (Duan & Montúfar, Proposition B.14). With `groups.trivial(d0)` the network is the plain one.

    >>> from linvariance.groups import trivial
    >>> from linvariance.kernels import ntk
    >>> K = finite_width(trivial(2), width=20000, rng=np.random.default_rng(0))
    >>> bool(np.abs(K([[1.0, 0.0]]) - ntk([[1.0, 0.0]])).max() < 0.05)
    True
    """
    check_representation(rep)
    m = integer(width, "width", maximum=2**30)
    instance(rng, np.random.Generator, "rng", "numpy.random.default_rng(seed)")
    name = named(activation).name
    return FiniteWidth(rep, name, frozen(rng.standard_normal((m, rep.dim))), frozen(rng.standard_normal(m)))
