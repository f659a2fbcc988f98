"""Kernels averaged over a group, over one argument or over both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..arrays import Array, row_slices
from ..groups import Representation
from ..groups.representation import Elements, check_representation
from .kernel import Kernel, check_kernel, evaluate, moving, pair


@dataclass(frozen=True, eq=False)
class Averaged:
    """A kernel averaged over a group: over one argument, or over both (`augmented`, `convolutional`)."""

    kernel: Kernel
    rep: Representation
    both: bool

    @cached_property
    def _elements(self) -> tuple[Representation, Elements]:
        return moving(self.rep)

    def __call__(self, X: npt.ArrayLike, X2: npt.ArrayLike | None = None) -> Array:
        """(n, m), from row blocks of X: the data are never copied |G| times."""
        X, X2 = pair(X, X2, self.rep.dim)
        acting, elements = self._elements
        if not self.both:
            self._refuse_unless_invariant(X, X2)
        K = np.zeros((len(X), len(X2)))
        for h in elements if self.both else elements[:1]:  # the identity comes first
            right = acting.multiply(X2, h)
            for rows in row_slices(len(X), max(X2.shape)):
                for g in elements:
                    K[rows] += evaluate(self.kernel, acting.multiply(X[rows], g), right)
        return K / (len(elements) ** 2 if self.both else len(elements))

    def _refuse_unless_invariant(self, X: Array, X2: Array) -> None:
        """Of a few rows: a kernel that the group changes is off by much more than √eps."""
        x = np.vstack([A[:: -(-len(A) // 8)] for A in (X, X2)])  # joined: K(x, x) has the scale, K(x, x') may be 0
        K, acting = evaluate(self.kernel, x, x), self._elements[0]
        for g in acting.generators:
            y = acting.multiply(x, g)
            off = float(np.abs(evaluate(self.kernel, y, y) - K).max())
            if off > math.sqrt(np.finfo(np.float64).eps) * np.abs(K).max():
                why = "" if self.rep.is_orthogonal else ", which is not orthogonal"
                raise ValueError(
                    f"kernel(ρ(g)x, ρ(g)x') differs from kernel(x, x') by {off:.3g}, so the kernel is not invariant "
                    f"under {self.rep!r}{why}, and its mean over one argument is none: use convolutional(kernel, rep)."
                )


def augmented(kernel: Kernel, rep: Representation) -> Averaged:
    """K_G(x, x') = mean of K(ρ(g)x, x') over the group: regression with it = with K on the augmented data.

    Duan & Montúfar, Proposition B.12 and Corollary B.13. It holds for kernels that the group leaves alone,
    K(ρ(g)x, ρ(g)x') = K(x, x'): those of angle and norms, or of distances, with orthogonal ρ. On a few rows of the data
    this is checked whenever K_G is called. For others one mean is not even symmetric: see `convolutional`.

    Args:
        kernel: any callable (X (n, d0), X2 (m, d0)) -> (n, m).
        rep: enumerated.

    >>> from linvariance.groups import symmetric
    >>> from linvariance.kernels import ntk
    >>> augmented(ntk, symmetric(2))([[1.0, 0.0]], [[0.0, 1.0], [1.0, 1.0]]).round(6).tolist()
    [[0.579577, 0.909155]]
    """
    return _averaged(kernel, rep, both=False)


def convolutional(kernel: Kernel, rep: Representation) -> Averaged:
    """Mean of K(ρ(g)x, ρ(h)x') over all pairs: a kernel, invariant in both arguments, whatever K and ρ are.

    That of `ntk` is the tangent kernel of the wide group-convolutional network
    f(x) = m^{-1/2} Σ a_i mean_g φ(w_iᵀρ(g)x)   (Duan & Montúfar, Proposition B.14). For orthogonal ρ it is
    `augmented(ntk, rep)`, at |G| times its cost.

    >>> from linvariance.groups import symmetric
    >>> from linvariance.kernels import ntk
    >>> convolutional(ntk, symmetric(2))([[1.0, 0.0]], [[0.0, 1.0], [1.0, 1.0]]).round(6).tolist()
    [[0.579577, 0.909155]]
    """
    return _averaged(kernel, rep, both=True)


def _averaged(kernel: Kernel, rep: Representation, both: bool) -> Averaged:
    check_kernel(kernel)
    check_representation(rep)
    return Averaged(kernel, rep, both)
