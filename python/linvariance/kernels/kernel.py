"""What a kernel is, and what all kernels here ask of their arguments."""

from __future__ import annotations

from collections.abc import Callable

import numpy.typing as npt

from ..arrays import Array, matrix
from ..groups import Representation, dual
from ..groups.representation import Elements

Kernel = Callable[[Array, Array], npt.ArrayLike]

LARGEST = 1e150  # norm of an input whose products stay finite


def pair(X: npt.ArrayLike, X2: npt.ArrayLike | None, dim: int | None = None) -> tuple[Array, Array]:
    """X (n, d0) and X2 (m, d0), the same object if X2 is None."""
    X = matrix(X, "X", (None, dim))
    return X, X if X2 is None else matrix(X2, "X2", (None, X.shape[1]))


def evaluate(kernel: Kernel, X: Array, X2: Array) -> Array:
    """The gate for what a kernel returns, (n, m)."""
    return matrix(kernel(X, X2), "kernel(X, X2)", (len(X), len(X2)))


def moving(rep: Representation) -> tuple[Representation, Elements]:
    """A representation whose `multiply` takes rows x to rows ρ(g)x, and its elements, the identity first."""
    acting = dual(rep)  # itself, where ρ is orthogonal
    return acting, acting.elements()


def check_kernel(kernel: object) -> None:
    """TypeError unless `kernel` is callable."""
    if not callable(kernel):
        raise TypeError(f"kernel must be a callable (X, X2) -> (n, m), but is {type(kernel).__name__}: pass ntk.")


def refuse_large(norm: float, name: str, limit: float, activation: str) -> None:
    """ValueError if the largest norm of a row is beyond what can be computed with."""
    if not norm <= limit:
        raise ValueError(
            f"{name} has a row of norm {norm:.3g}, and the kernel of {activation} takes norms up to {limit:.3g}: "
            "divide the inputs by their scale."
        )
