"""Second moments of data: all that a squared loss ever sees of them; mergeable, streamable, backward stable."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cached_property, partial
from itertools import accumulate
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import files
from ..arrays import Array, frozen, instance, matrix, real, reals, refuse_large, total_weight
from ..groups import Distribution, Representation
from ..objectives import quadratics
from ..objectives.equivariance import Equivariant
from ..objectives.metrics import Metric
from ..objectives.spectra import Rows
from ..objectives.weighted import weighted
from .batches import Batch, Columns, checked, is_empty, numbered, read
from .blocks import reduced
from .folding import Fold, beneath


class Moments:
    """The weighted second moments of inputs X (n, d0) and targets Y (n, dL).

    The state is the total weight and the triangular factor R of the weighted rows [1, X, Y]: its at most 1 + d0 + dL
    rows are an equivalent data set, with the same sum of squares ‖WX - Y‖² for every W. Two states merge by a QR of
    their stacked factors, so any split and any order of the data gives the same moments up to rounding, and no digit
    is lost to XᵀX. Immutable, so new rows are taken in by `moments += Moments.from_data(X, Y)`, and streams of them by
    `Moments.from_batches`.

    >>> X, Y = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]), np.array([1.0, 2.0, 4.0])
    >>> whole, parts = Moments.from_data(X, Y), Moments.from_data(X[:1], Y[:1]) + Moments.from_data(X[1:], Y[1:])
    >>> np.allclose(whole.xx, X.T @ X / 3), np.allclose(whole.xx, parts.xx)
    (True, True)
    """

    def __init__(self, triangle: Array, n: float, inputs: int, *, _centered: bool = False) -> None:
        self._triangle: Array = frozen(triangle)  # (k, 1 + d0 + dL), or (k, d0 + dL) when centred; unscaled
        self._centered = _centered
        self._n, self._inputs = n, inputs

    @property
    def n(self) -> float:
        """Total weight: the number of samples, unless weighted."""
        return self._n

    @property
    def contrasts(self) -> float:
        """The n directions of samples that residuals may take; n - 1 when centred, since the mean took one."""
        return self._n - self._centered

    @property
    def inputs(self) -> int:
        """d0, columns of X."""
        return self._inputs

    @property
    def outputs(self) -> int:
        """dL, columns of Y."""
        return self._triangle.shape[1] - self._inputs - (not self._centered)

    @classmethod
    def from_data(cls, X: npt.ArrayLike, Y: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Moments:
        """Moments of rows X (n, d0), Y (n, dL) or (n,), with non-negative weights (n,).

        Rows are paired by their place, also those of data frames; classes are wanted one-hot. Works in blocks of 2 MB,
        or of 2(1 + d0 + dL) rows if that is more: large data are never copied whole.

        Raises:
            TypeError, ValueError: naming the argument, if an array is not real, finite and of the right shape, or if
                ‖X‖²/n or ‖Y‖²/n overflows.
        """
        return cls._of([checked(X, Y, weights)])

    @classmethod
    def from_batches(
        cls,
        batches: Iterable[Any],
        *,
        inputs: str | Sequence[Any] | None = None,
        targets: str | Sequence[Any] | None = None,
        weights: Any = None,
    ) -> Moments:
        """Moments of data that come in batches, in one pass and in bounded memory: those of `from_data` to the bit.

        A batch is (X, Y) or (X, Y, weights) as `from_data` takes them (slices of memory maps, tensors), or a table:
        an Arrow RecordBatch or Table (so Parquet files are read), a pandas or polars frame, a structured array, a dict.

        Args:
            batches: read once; batches without rows are passed over.
            inputs: for tables, the names of the columns that are X.
            targets: and of those that are Y.
            weights: and of that with the weights, if any.

        Raises:
            TypeError, ValueError: as `from_data` does, with the number of the batch, counted from 0.

        >>> X, Y = np.arange(12.0).reshape(6, 2), np.arange(6.0)
        >>> m = Moments.from_batches((X[i : i + 2], Y[i : i + 2]) for i in range(0, 6, 2))
        >>> bool(np.all(m.xx == Moments.from_data(X, Y).xx))
        True
        >>> tables = [{"a": X[:, 0], "b": X[:, 1], "y": Y}] * 2  # or pyarrow.parquet.ParquetFile(path).iter_batches()
        >>> Moments.from_batches(tables, inputs=["a", "b"], targets="y")
        Moments(n=12, inputs=2, outputs=1)
        """
        named = inputs is not None or targets is not None or weights is not None
        return cls._of(read(batches, Columns(inputs, targets, weights) if named else None))

    @classmethod
    def from_dask(cls, X: Any, Y: Any, weights: Any = None) -> Moments:
        """Moments of dask arrays (or data frames) of any size, block by block on the scheduler or cluster in use.

        The triangular factors of the blocks are merged in a tree that the chunks of X fix, as in a tall-skinny QR: only
        factors travel, and whatever runs where or is lost and computed again, the result has the same bits.

        Raises:
            ImportError: without dask (pip install 'linvariance[distributed]').
            TypeError, ValueError: as `from_data` does, with the number of the block of rows, counted from 0.

        >>> import dask.array as da
        >>> X, Y = np.arange(12.0).reshape(6, 2), np.arange(6.0)
        >>> Moments.from_dask(da.from_array(X, chunks=(2, 2)), da.from_array(Y, chunks=2))  # on a Client, if any
        Moments(n=6, inputs=2, outputs=1)
        """
        found: Moments | None = reduced(X, Y, weights, _of_block, _merged)
        if found is None:
            raise ValueError("X has no rows, or weights sum to 0: there is nothing to take moments of.")
        return found

    @classmethod
    def _of(cls, batches: Iterable[Batch]) -> Moments:
        fold: Fold | None = None
        for X, Y, weights in batches:
            fold = fold or Fold(X.shape[1], Y.shape[1])
            fold.push(X, Y, weights)
        if fold is None:
            raise ValueError("batches hold no rows: there is nothing to take moments of.")
        n, R = total_weight(fold.n), fold.triangle
        _refuse_overflow(R, n, fold.inputs)
        return cls(R, n, fold.inputs)

    def __add__(self, other: Moments) -> Moments:
        if not isinstance(other, Moments):
            return NotImplemented
        if self._centered or other._centered:
            raise ValueError("Centred moments cannot be merged, their means are lost: merge first, then centre.")
        if (self.inputs, self.outputs) != (other.inputs, other.outputs):
            raise ValueError(
                f"Moments of {self.inputs} inputs and {self.outputs} outputs cannot be merged with moments of "
                f"{other.inputs} inputs and {other.outputs} outputs."
            )
        triangle, n = beneath(self._triangle, other._triangle), self.n + other.n
        _refuse_overflow(triangle, n, self.inputs)
        return Moments(triangle, n, self.inputs)

    def __radd__(self, other: object) -> Moments:
        return self if isinstance(other, int) and other == 0 else NotImplemented  # so that sum() works

    def centered(self) -> Moments:
        """Moments about the means; they refuse `+`. Keep the original for `mean_x` and `mean_y`.

        Columns that are constant up to rounding become exactly zero.
        """
        if self._centered:
            return self
        R = self._triangle[:, 1:]
        # Without its first row and column the triangle is the factor of the centred data, exactly.
        rest = np.zeros((max(len(R) - 1, 1), R.shape[1]))
        rest[: len(R) - 1] = R[1:]
        return Moments(_without_constants(rest, R), self.n, self.inputs, _centered=True)

    def about(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Moments:
        """The moments of the translated rows X - x, Y - y, for x (d0,) and y (dL,), from the factor alone.

        With x = mean_x they are those that an intercept leaves to W, with x = mean_over(rep) those it leaves to an
        augmented problem; the intercept is then y - W x for y = mean_y. See docs/theory.md.

        >>> m = Moments.from_data([[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0])
        >>> m.about([1.0, 2.0], [1.5]).mean_x.round(12).tolist()
        [1.0, 1.0]
        """
        if self._centered:
            raise ValueError("Centred moments have lost their means: move the moments, and do not centre them.")
        point = np.concatenate([_point(x, "x", self.inputs), _point(y, "y", self.outputs)])
        triangle = self._triangle.copy()
        with np.errstate(over="ignore"):
            triangle[0, 1:] = triangle[0, 0] * (self._means - point)  # the other rows are those about the means
        if not np.isfinite(triangle).all():
            raise ValueError("x and y lead to moments that overflow: divide them, X and Y by their scale first.")
        triangle[:, 1:] = _without_constants(triangle[:, 1:], self._triangle[:, 1:])
        _refuse_overflow(triangle, self.n, self.inputs)
        return Moments(triangle, self.n, self.inputs)

    @cached_property
    def factor(self) -> Array:
        """Triangular (or, for few samples, trapezoidal) factor (k, d0 + dL) of [X, Y]/√n: columns x, then y."""
        R = self._triangle.copy() if self._centered else beneath(self._triangle[1:, 1:], self._triangle[:1, 1:])
        R /= np.sqrt(self.n)
        return frozen(R)

    @property
    def xx(self) -> Array:
        """S = XᵀX/n (d0, d0)."""
        refuse_large(8 * self.inputs**2, f"XᵀX/n of {self.inputs} columns", "take the factor R of RᵀR, moments.factor")
        F = self.factor[:, : self.inputs]
        return F.T @ F

    @property
    def mean_square(self) -> float:
        """‖X‖²/n, the trace of S."""
        return float(np.square(self.factor[:, : self.inputs]).sum())

    @property
    def yx(self) -> Array:
        """C = YᵀX/n (dL, d0)."""
        return self.factor[:, self.inputs :].T @ self.factor[:, : self.inputs]

    @property
    def yy(self) -> float:
        """C = ‖Y‖²/n."""
        return float(np.square(self.factor[:, self.inputs :]).sum())

    @property
    def mean_x(self) -> Array:
        """Mean input (d0,); zero when centred."""
        return self._means[: self.inputs]

    @property
    def mean_y(self) -> Array:
        """Mean target (dL,); zero when centred."""
        return self._means[self.inputs :]

    def mean_over(self, rep: Representation) -> Array:
        """Π·mean_x (d0,): the mean of the inputs augmented by the group."""
        instance(rep, Representation, "rep", "see linvariance.groups")
        if rep.dim != self.inputs:
            raise ValueError(f"X has {self.inputs} columns, but the group acts on {rep.dim}: {rep!r} does not fit.")
        return rep.project(self.mean_x) if rep.is_orthogonal else rep.project(np.eye(rep.dim)) @ self.mean_x

    @property
    def _means(self) -> Array:
        if self._centered:
            return np.zeros(self._triangle.shape[1])
        return self._triangle[0, 1:] / self._triangle[0, 0]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes an npz file (no pickle) at exactly `path`, under a temporary name first.

        >>> from tempfile import TemporaryDirectory
        >>> m = Moments.from_data([[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0])
        >>> with TemporaryDirectory() as folder:
        ...     m.save(f"{folder}/m.npz")
        ...     again = Moments.load(f"{folder}/m.npz")
        >>> again, bool(np.all(again.factor == m.factor))
        (Moments(n=2, inputs=2, outputs=1), True)
        """
        files.save(path, "Moments", self.fields)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Moments:
        """Moments that `save` wrote; ValueError if the file holds anything else.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:  # parts made on other days or machines are merged
        ...     for day, X in enumerate(([[1.0, 2.0]], [[3.0, 4.0]])):
        ...         Moments.from_data(X, [day]).save(f"{folder}/{day}.npz")
        ...     sum(Moments.load(f"{folder}/{day}.npz") for day in range(2))
        Moments(n=2, inputs=2, outputs=1)
        """
        return files.load(path, "Moments", cls.from_fields)

    @property
    def fields(self) -> dict[str, Any]:
        """What is saved."""
        return {"triangle": self._triangle, "n": self.n, "inputs": self.inputs, "centered": self._centered}

    @classmethod
    def from_fields(cls, fields: files.Fields) -> Moments:
        """ValueError for fields that are no moments."""
        triangle, inputs = matrix(fields.array("triangle", 2), "triangle"), fields.number("inputs", "i")
        weight, centered = real(fields.number("n"), "n", positive=True), fields.number("centered", "b")
        if not 1 <= inputs < triangle.shape[1] - (not centered):
            raise ValueError("inputs contradicts the factor")
        if not centered:
            if not np.isclose(abs(triangle[0, 0]), np.sqrt(weight), rtol=1e-6):
                raise ValueError("n contradicts the factor")
            _refuse_overflow(triangle, weight, inputs)
        return cls(triangle, weight, inputs, _centered=centered)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(Moments, _centered=self._centered), (self._triangle, self.n, self.inputs)

    @property
    def rows(self) -> Rows:
        """An equivalent data set of at most d0 rows: the loss of W is ‖A Wᵀ - T‖² + floor."""
        return Rows.from_triangle(self.factor, self.inputs)

    def in_metric(self, metric: Metric) -> Moments:
        """The moments of X and the targets K Y: their squared loss of K W is tr(M R Rᵀ)/n of W, R = WX - Y."""
        triangle = self._triangle.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            triangle[:, -self.outputs :] = triangle[:, -self.outputs :] @ metric.root.T
            if not np.isfinite(np.square(triangle[:, -self.outputs :]).sum()):
                raise ValueError("metric leads to residuals that overflow: divide it, or Y, by its scale.")
        return Moments(triangle, self.n, self.inputs, _centered=self._centered)

    def plain(self, ridge: float = 0.0) -> quadratics.Quadratic:
        """The squared loss of these data; see `unconstrained`. The ridge, here and below: plus ridge·‖W‖²."""
        return quadratics.plain(self.rows, ridge)

    def restricted(self, rep: Representation, ridge: float = 0.0) -> quadratics.Quadratic:
        """Restricted to invariant inputs B x; see `hard_wired`."""
        return quadratics.restricted(self.rows, rep, ridge)

    def equivariant(self, rep: Representation, output: Representation, ridge: float = 0.0) -> quadratics.Quadratic:
        """The loss of equivariant maps; see `hard_wired`. Averaged with the rest, the ridge is still ‖W‖² of these."""
        return Equivariant(self.rows.ridged(ridge), rep, output)

    def averaged(
        self, rep: Representation, output: Representation | None = None, ridge: float = 0.0
    ) -> quadratics.Quadratic:
        """Averaged over the group, which may act on the targets too; see `augmented`."""
        if output is None:
            return quadratics.averaged(self.rows, rep, ridge)
        if rep.is_orthogonal:
            return self.equivariant(rep, output, ridge)
        return quadratics.ridged(self.equivariant(rep, output), ridge)

    def weighted(self, distribution: Distribution, ridge: float = 0.0) -> quadratics.Quadratic:
        """Averaged over a distribution on the group; see `augmented`."""
        return weighted(self.rows, distribution, ridge)

    def penalized(
        self, rep: Representation, strength: float, output: Representation | None = None, ridge: float = 0.0
    ) -> quadratics.Quadratic:
        """With the penalty strength·‖W G‖² or, for equivariance, strength·Σ‖W ρ - ρ_Y W‖²; see `regularized`."""
        if output is None:
            return quadratics.penalized(self.rows, rep, strength, ridge)
        return quadratics.EquivariancePenalty(self.rows.ridged(ridge), rep, output, strength)

    def __repr__(self) -> str:
        return f"Moments(n={self.n:g}, inputs={self.inputs}, outputs={self.outputs}{', centred' * self._centered})"


def all_but_one(parts: Sequence[Moments]) -> list[Moments]:
    """For each of K > 1 parts the others merged: 3(K - 2) merges, of those before it and of those after it.

    >>> parts = [Moments.from_data([[x]], [x]) for x in (1.0, 2.0, 4.0)]
    >>> [round(m.mean_x.item(), 12) for m in all_but_one(parts)]
    [3.0, 2.5, 1.5]
    """
    before = list(accumulate(parts[:-1]))
    after = list(accumulate(parts[:0:-1]))[::-1]
    return [after[0], *map(add, before, after[1:]), before[-1]]


def _of_block(k: int, X: Any, Y: Any, weights: Any) -> Moments | None:
    """None for a block without rows or weight."""
    with numbered(f"block {k}"):
        if is_empty(X) and is_empty(Y):
            return None
        block = checked(X, Y, weights)
        weightless = block[2] is not None and not block[2].any()
        return None if weightless else Moments._of([block])


def _merged(a: Moments | None, b: Moments | None) -> Moments | None:
    return b if a is None else a if b is None else a + b


def _without_constants(centred: Array, R: Array) -> Array:
    """Columns that are rounding of what they were before they were centred become zero, in place."""
    largest = np.abs(R).max(axis=0)  # by columns: Y may be 1e300 times smaller than X, where its squares are zero
    scale = np.where(largest > 0, largest, 1.0)
    size, left = np.linalg.norm(R / scale, axis=0), np.linalg.norm(centred / scale, axis=0)
    centred[:, left <= 8 * max(R.shape) * np.finfo(np.float64).eps * size] = 0.0
    return centred


def _point(value: npt.ArrayLike, name: str, length: int) -> Array:
    point = np.asarray(reals(value, name, ndim=(1,)), dtype=np.float64)
    if len(point) != length:
        raise ValueError(f"{name} has {len(point)} entries, but these moments are of {length} columns.")
    return point


def _refuse_overflow(triangle: Array, n: float, inputs: int) -> None:
    for name, part in (("X", triangle[:, 1 : 1 + inputs]), ("Y", triangle[:, 1 + inputs :])):
        scale = _scale(part)
        mean_square = float(np.square(part / scale).sum()) / n
        if not np.isfinite(scale) or (mean_square and 2 * np.log2(scale) + np.log2(mean_square) > 1023.9):
            raise ValueError(
                f"‖{name}‖²/n overflows (its root is about {scale / np.sqrt(n):.3g}): divide {name} by its scale first."
            )


def _scale(part: Array) -> float:
    """The largest magnitude, 1 if all are zero."""
    return float(np.abs(part).max(initial=0.0)) or 1.0
