"""Equivariant maps: matrices W with ρ_Y(g) W = W ρ_X(g) for every g, and the projection on them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..arrays import Array, integer, matrix
from . import closures
from .closures import Closure
from .matrices import Conjugated, Matrices
from .permutations import Permutations, average_classes, orbitals
from .representation import Representation, check_representation


def intertwine(W: npt.ArrayLike, rep: Representation, output: Representation) -> Array:
    """Mean ρ_Y(g) W ρ_X(g)⁻¹: the projection of W (dL, d0) on the equivariant maps, without enumeration.

    >>> from linvariance.groups import cyclic
    >>> intertwine(np.diag([3.0, 0.0, 0.0]), cyclic(3), cyclic(3))
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    check_output(rep, output)
    W = matrix(W, "W", (output.dim, rep.dim))
    if isinstance(rep, Permutations) and isinstance(output, Permutations):
        return average_classes(W, orbitals(output, rep))
    if isinstance(rep, Conjugated):  # ρ⁻¹ = T⁻¹ρ'⁻¹T
        base, T = rep.orthogonal_form
        return intertwine(np.linalg.solve(T.T, W.T).T, base, output) @ T
    return closures.average(_closures(output), _closures(rep), W, f"{output!r} and {rep!r}")


def intertwiner_basis(rep: Representation, output: Representation, seed: int = 0) -> Array:
    """Orthonormal basis (k, dL, d0) of the equivariant maps, from projections of random matrices.

    >>> from linvariance.groups import symmetric
    >>> len(intertwiner_basis(symmetric(5), symmetric(5)))  # the identity and the mean
    2
    """
    check_output(rep, output)
    shape, rng = (output.dim, rep.dim), np.random.default_rng(integer(seed, "seed", minimum=0))
    Q = np.zeros((shape[0] * shape[1], 0))
    while Q.shape[1] < shape[0] * shape[1]:
        new = np.stack([intertwine(rng.standard_normal(shape), rep, output).ravel() for _ in range(8)], axis=1)
        size = float(np.linalg.norm(new))
        new -= Q @ (Q.T @ new)
        new -= Q @ (Q.T @ new)
        U, s, _ = np.linalg.svd(new, full_matrices=False)
        more = int((s > 1e-10 * max(size, 1.0)).sum())
        Q = np.hstack([Q, U[:, :more]])
        if more < new.shape[1]:
            break
    return np.ascontiguousarray(Q.T).reshape(-1, *shape)


def check_output(rep: Representation, output: Representation) -> None:
    """TypeError or ValueError unless `output` is an orthogonal representation of the same group, by generators."""
    check_representation(rep)
    check_representation(output, "output")
    if not output.is_orthogonal:
        raise ValueError(
            "output must be orthogonal, so that the loss ‖WX - Y‖² does not change when the group acts on targets: "
            "change the basis of Y."
        )
    counts = [(len(r.generators), len(r.algebra)) for r in (rep, output)]
    if counts[0] != counts[1]:
        raise ValueError(
            f"rep has {counts[0][0]} generators (and {counts[0][1]} of a Lie algebra), output {counts[1][0]} "
            f"(and {counts[1][1]}): both must represent the same generators of one group, in the same order."
        )


def _closures(rep: Representation) -> list[Closure]:
    return rep.closures if isinstance(rep, Matrices) else [Closure.of_matrix(rho) for rho in rep.matrices()]
