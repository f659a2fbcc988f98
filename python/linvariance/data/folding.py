"""The triangular factor of rows that come in pieces."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from ..arrays import Anyreal, Array

BLOCK_BYTES = 2**21  # of rows factorized at once: they stay in the cache
ROOM = 2**26  # bytes for the rows of a block that are set aside at once


class Fold:
    """Total weight n and triangular factor of the weighted rows [1, X, Y] pushed so far.

    Rows are factorized in blocks of a fixed number of rows: how they were cut leaves no trace, not in the last bit.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        self.inputs, columns = inputs, 1 + inputs + outputs
        self._step = max(2 * columns, BLOCK_BYTES // (8 * columns))
        self._n, self._R = 0.0, np.zeros((0, columns))
        self._rows, self._mass, self._filled = np.empty((0, columns)), np.empty(self._step), 0

    def push(self, X: Anyreal, Y: Anyreal, weights: Array | None = None) -> None:
        """Adds rows X (m, d0), Y (m, dL), of weight 1 unless given."""
        start = 0
        while start < len(X):
            stop = min(len(X), start + self._step - self._filled)
            self._reserve(self._filled + stop - start)
            self._fill(X[start:stop], Y[start:stop], None if weights is None else weights[start:stop])
            start = stop
            if self._filled == self._step:
                self._n, self._R, self._filled = self.n, self.triangle, 0

    def _reserve(self, rows: int) -> None:
        """Room for the rows in work: a block of wide data is never filled, and would take O(columns²)."""
        if rows > len(self._rows):
            rows = (
                self._step
                if 8 * self._step * self._rows.shape[1] <= ROOM
                else min(self._step, max(rows, 2 * len(self._rows)))
            )
            more = np.empty((rows, self._rows.shape[1]), order="F")  # as LAPACK wants it, so that it works in place
            more[: self._filled] = self._rows[: self._filled]
            self._rows = more

    def _fill(self, X: Anyreal, Y: Anyreal, weights: Array | None) -> None:
        here = slice(self._filled, self._filled + len(X))
        rows = self._rows[here]
        rows[:, 0], rows[:, 1 : 1 + self.inputs], rows[:, 1 + self.inputs :] = 1.0, X, Y
        if weights is not None:
            rows *= np.sqrt(weights)[:, None]
        self._mass[here] = 1.0 if weights is None else weights
        self._filled = here.stop

    @property
    def n(self) -> float:
        """Total weight."""
        return self._n + float(self._mass[: self._filled].sum())

    @property
    def triangle(self) -> Array:
        """R (k, 1 + d0 + dL); the rows in work, and the R before, are used up."""
        rows = self._rows[: self._filled]
        if not len(self._R):
            return factorize(rows)
        return beneath(self._R, rows, overwrite=True) if len(rows) else self._R


def factorize(rows: Array) -> Array:
    """R of a QR factorization, at most as many rows as columns; zero columns stay zero, bit for bit."""
    work = int(scipy.linalg.lapack.dgeqrf_lwork(*rows.shape)[0])
    found = scipy.linalg.lapack.dgeqrf(rows, lwork=work, overwrite_a=True)[0]
    R = np.ascontiguousarray(found[: rows.shape[1]])
    R[np.tril_indices(len(R), -1)] = 0.0
    return R


def beneath(R: Array, rows: Array, *, overwrite: bool = False) -> Array:
    """R of a QR factorization of [R; rows]; zeros are not worked on: two triangles take a quarter of the time.

    With `overwrite` both are used up, in place where they lie in Fortran's order, as the result then does.
    """
    columns = R.shape[1]
    if len(R) < columns or not len(rows):
        return factorize(np.vstack([R, rows]))
    ends = columns if len(rows) == columns and not np.tril(rows, -1).any() else 0  # rows of a triangle at the end
    panel = min(columns, max(8, min(32, columns // 8)))  # within 8 % of the best for 12 to 800 columns
    found: Array = scipy.linalg.lapack.dtpqrt(ends, panel, R, rows, overwrite_a=overwrite, overwrite_b=overwrite)[0]
    return found if overwrite else np.ascontiguousarray(found)
