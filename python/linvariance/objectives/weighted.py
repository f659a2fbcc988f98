"""The squared loss averaged over a distribution on a group that need not be its Haar measure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import scipy.linalg

from ..arrays import Array
from ..groups import Distribution
from ..groups.distributions import Listed, Turned
from .quadratics import Quadratic, plain
from .spectra import Rows, tolerance


def weighted(rows: Rows, distribution: Distribution, ridge: float = 0.0) -> Quadratic:
    """S' = E ρ(g) S ρ(g)ᵀ, C' = C (E ρ(g))ᵀ: the loss E ‖A ρ(g)ᵀVᵀ - T‖² + ridge·‖V‖²."""
    return plain(moved(rows, distribution), ridge)


def moved(rows: Rows, distribution: Distribution) -> Rows:
    """One data set of at most dim rows with the mean loss over all moved ones.

    The rows √w·A ρ(g)ᵀ of each element are stacked upon targets √w·T and reduced by QR, factor after factor: a walk of
    K steps sees the elements of one step K times. So losses are sums of squares, and S' is never whitened.
    """
    rep = distribution.representation
    rep.refuse_dense("the average of XᵀX/n")
    for factor in distribution.factors:
        rows = _averaged(rows, factor, rep.rounding_growth())
    return rows


def _averaged(rows: Rows, factor: Listed | Turned, growth: float) -> Rows:
    dim, columns = rows.A.shape[1], rows.A.shape[1] + rows.T.shape[1]
    triangle = np.zeros((0, columns))
    for block in _blocks(rows, factor, 2 * columns):
        triangle = scipy.linalg.qr(np.vstack([triangle, *block]), mode="r", check_finite=False)[0][:columns]
    found = Rows.from_triangle(triangle, dim, rows.floor)
    noise = rows.noise + growth * tolerance(found.A.shape, float(np.linalg.norm(found.A)))
    return Rows(found.A, found.T, found.floor, noise)


def _blocks(rows: Rows, factor: Listed | Turned, at_least: int) -> Iterator[tuple[Array, ...]]:
    """Moved rows with their targets, about `at_least` rows at a time."""
    copies = (np.sqrt(w) * np.hstack([A, rows.T]) for w, A in factor.moved(rows.A))
    size = max(1, at_least // max(1, len(rows.A)))
    while block := tuple(islice(copies, size)):
        yield block
